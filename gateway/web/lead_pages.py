"""GET /lead-times: where one firm's lead time goes, in a sentence, by cause, by month and by process."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from broker.words import CAUSES, KINDS, Word
from gateway.rules import lead_times as rules
from gateway.rules.lead_times import By, Figure, LeadTimes
from gateway.rules.order import Cause
from gateway.web import words
from gateway.web.bars import Piece
from gateway.web.look import look
from gateway.web.reader import Reader

if TYPE_CHECKING:
    from gateway.web.leads import Leads

router = APIRouter()

PATIENCE_SECONDS = 1.5
"""How long a page may spend on orders not looked at yet; then it shows what it has, and comes again."""
MONTHS = 24
STEPS = 40
_BY: dict[By, Word] = {"name": words.BY_NAME, "kind": words.BY_KIND, "station": words.BY_STATION}
_ELSEWHERE = "elsewhere"

Month = Annotated[str, Query(pattern=r"^(\d{4}-\d{2})?$")]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: a label, how many orders, median, P80, a share, and a bar."""

    label: str
    orders: int
    median: str
    p80: str
    share: str
    pieces: tuple[Piece, ...]
    few: bool
    tone: str = ""
    under: str = ""
    month: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the page shows."""

    sentence: str
    under: str
    typical: str
    bar: tuple[Piece, ...]
    causes: tuple[Line, ...]
    months: tuple[Line, ...]
    steps: tuple[Line, ...]
    more_months: int
    more_steps: int


@router.get("/lead-times")
async def page(request: Request, firm: str = "", month: Month = "", by: By = "name") -> Response:
    """One firm's lead times, as that firm may see them."""
    seen = look(request)
    leads: Leads = request.app.state.leads
    done, there = await asyncio.to_thread(leads.refresh, seconds=PATIENCE_SECONDS)
    counts = await asyncio.to_thread(leads.firms)
    firms = tuple(dict.fromkeys((*seen.firms(), *counts)))
    if firm and firm not in firms:
        raise HTTPException(404, words.NO_SUCH_FIRM)
    chosen = firm or max(firms, key=lambda one: counts.get(one, 0), default="")
    reader = seen.reader
    found = await asyncio.to_thread(leads.of, chosen, reader.zone, month=month or None, by=by)
    return seen.page(
        "lead_times.html",
        firm=chosen,
        firms=[(one, counts.get(one, 0)) for one in firms],
        month=month,
        month_word=_month(month, reader) if month else "",
        by=by,
        ways=list(_BY.items()),
        sheet=sheet(found, reader, firm=chosen, month=month or None, by=by),
        counting=(done, there) if done < there else None,
        enough=rules.ENOUGH,
    )


def sheet(found: LeadTimes, reader: Reader, *, firm: str, month: str | None, by: By) -> Sheet:
    """Return what the page shows of some figures of a firm. Pure."""
    told = rules.telling(found, f"{reader.today:%Y-%m}") if month is None else _of_month(found, month)
    said, under, typical = _sentence(found, told, reader)
    longest = max((figure.median for _, figure in found.months), default=0.0) or 1.0
    widest = max((share for *_, share in found.steps), default=0.0) or 1.0
    steps = found.steps if by == "station" else found.steps[:STEPS]
    return Sheet(
        sentence=said,
        under=under,
        typical=typical,
        bar=_pieces(told[1], reader, 100.0) if told else (),
        causes=tuple(
            Line(
                label=reader.say(_cause(one.cause)),
                under=reader.under(_cause(one.cause)),
                orders=one.orders,
                median=reader.length(one.median),
                p80=reader.length(one.p80),
                share=_percent(one.share),
                pieces=(),
                few=not one.enough,
                tone=one.cause.value if one.cause else _ELSEWHERE,
            )
            for one in found.causes
        ),
        months=tuple(
            _line(_month(name, reader), figure, reader, 100 * figure.median / longest, month=name)
            for name, figure in found.months[:MONTHS]
        ),
        steps=tuple(
            _line(_label(name, by, reader, firm), figure, reader, 100 * share / widest, share=_percent(share))
            for name, figure, share in steps[:STEPS]
        ),
        more_months=max(0, len(found.months) - MONTHS),
        more_steps=max(0, len(found.steps) - STEPS),
    )


def _of_month(found: LeadTimes, month: str) -> tuple[str, Figure] | None:
    return (month, found.whole) if found.whole and found.whole.enough else None


def _sentence(found: LeadTimes, told: tuple[str | None, Figure] | None, reader: Reader) -> tuple[str, str, str]:
    """Return the sentence in this reader's language and in the other one, and what is typical."""
    if told is None:
        few = found.whole.orders if found.whole else 0
        word, values = words.LEAD_FEW, {"n": few, "enough": rules.ENOUGH}
        return reader.say(word, **values), reader.under(word, **values), ""
    name, figure = told
    cause, share = max(_parts(figure), key=lambda one: one[1])
    run = figure.shares[rules.CAUSES.index(Cause.RUN)]
    word = words.LEAD_SAID if cause is Cause.RUN else words.LEAD_SAID_AND_RUN
    both = []
    for language in (0, 1):
        when = _when(name, reader, language)
        cause_word = _cause(cause)
        both.append(
            (word.ja, word.en)[language].format(
                when=when,
                n=figure.orders,
                cause=(cause_word.ja, cause_word.en.lower())[language],
                share=_percent(share),
                run=_percent(run),
            )
        )
    if reader.language == "en":
        both.reverse()
    typical = reader.say(words.LEAD_TYPICAL, median=reader.length(figure.median), p80=reader.length(figure.p80))
    return both[0], both[1], typical


def _when(month: str | None, reader: Reader, language: int) -> str:
    if month is None:
        return (words.SO_FAR_ALL.ja, words.SO_FAR_ALL.en)[language]
    year, number = int(month[:4]), int(month[5:])
    today = reader.today
    before = date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)
    if (year, number) == (before.year, before.month):
        return (words.LAST_MONTH.ja, words.LAST_MONTH.en)[language]
    return (f"{year}年{number}月", f"in {words.MONTHS[number - 1]} {year}")[language]


def _line(label: str, figure: Figure, reader: Reader, width: float, *, share: str = "", month: str = "") -> Line:
    return Line(
        label=label,
        orders=figure.orders,
        median=reader.length(figure.median),
        p80=reader.length(figure.p80),
        share=share,
        pieces=_pieces(figure, reader, width),
        few=not figure.enough,
        month=month,
    )


def _pieces(figure: Figure, reader: Reader, width: float) -> tuple[Piece, ...]:
    """Return a bar so wide, divided as the time was."""
    pieces, x = [], 0.0
    for cause, share in _parts(figure):
        if share > 0:
            title = f"{reader.say(_cause(cause))} {_percent(share)}"
            pieces.append(Piece(round(x, 3), round(share * width, 3), cause.value if cause else _ELSEWHERE, title))
            x += share * width
    return tuple(pieces)


def _parts(figure: Figure) -> list[tuple[Cause | None, float]]:
    return [*zip(rules.CAUSES, figure.shares, strict=True), (None, figure.elsewhere)]


def _cause(cause: Cause | None) -> Word:
    return CAUSES[cause.value] if cause else words.ELSEWHERE


def _month(month: str, reader: Reader) -> str:
    year, number = int(month[:4]), min(12, max(1, int(month[5:])))
    return f"{year}年{number}月" if reader.language == "ja" else f"{words.MONTHS[number - 1]} {year}"


def _label(name: str, by: By, reader: Reader, firm: str) -> str:
    if by == "kind" and name in KINDS:
        return reader.say(KINDS[name])
    if by == "station" and name:
        return reader.names.station(firm, name)
    return name or reader.say(words.NO_NAME)


def _percent(share: float) -> str:
    """Return a share in whole percent; what is there and less than one is said to be so.

    >>> _percent(0.634), _percent(0.002), _percent(0.0)
    ('63%', '<1%', '0%')
    """
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"
