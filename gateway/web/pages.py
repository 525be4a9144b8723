"""The pages a person opens, and the fragments a page fetches when the stream says that something changed."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from broker.words import CAUSES, STATES, Word
from gateway.rules.order import Cause, OrderState
from gateway.rules.order import State as Stage
from gateway.state import Kept
from gateway.web import office_words, words
from gateway.web.ask import LIMIT, questions
from gateway.web.bars import order_time, own_times
from gateway.web.devices import signs
from gateway.web.floor import MachineNow, floor
from gateway.web.lane import Show, lane, rank
from gateway.web.look import look
from gateway.web.memory import Memory
from gateway.web.reader import Reader
from gateway.web.sheet import checks, entries, facts, handovers, lines, lots, old_paper
from gateway.web.whereabouts import answer

_TRIED = 5
"""Numbers and codes within one question that are looked up."""

router = APIRouter()

ROWS = 60
"""Orders on one page of the board; the rest is a click away."""
_TITLES: dict[Show, Word] = {
    Show.OPEN: words.SHOW_OPEN,
    Show.LATE: words.SHOW_LATE,
    Show.CHECK: words.SHOW_CHECK,
    Show.DONE: words.SHOW_DONE,
}
_LEGEND = tuple((stage.value, STATES[stage.value]) for stage in Stage if stage is not Stage.CANCELLED)
_CAUSES = tuple((cause.value, CAUSES[cause.value]) for cause in Cause)

Page = Annotated[int, Query(ge=1, le=100_000)]
Paper = Annotated[str, Query(max_length=16)]
Part = Annotated[bool, Query()]


@dataclass(frozen=True, slots=True)
class _Found:
    key: str
    number: str | None
    part: str
    answer: str


@router.get("/")
async def board(request: Request, show: Show = Show.OPEN, page: Page = 1) -> Response:
    """The board over all firms: every order as one row."""
    seen = look(request)
    memory = seen.memory
    listed = _listed(memory, show, seen.reader)
    rows = [seen.row(kept) for kept in listed[(page - 1) * ROWS : page * ROWS]]
    return seen.page(
        "board.html",
        rows=rows,
        show=show.value,
        number=page,
        rows_at_most=ROWS,
        more=max(0, len(listed) - page * ROWS),
        tabs=_tabs(memory, seen.reader),
        legend=_LEGEND,
    )


@router.get("/fragments/rows")
async def fragment_rows(
    request: Request, keys: Annotated[str, Query(max_length=3000)] = "", show: Show = Show.OPEN
) -> Response:
    """Rows that changed, and the counts above them. A key that is not in this list any more gives null."""
    seen = look(request)
    memory = seen.memory
    members = memory.keys(show, seen.reader.today)
    asked = [key for key in keys.split(",") if key][:ROWS]
    rows = {key: seen.row(memory.orders[key]) if key in members else None for key in asked}
    return JSONResponse(
        {
            "rows": rows,
            "tabs": {tab: count for tab, _, count in _tabs(memory, seen.reader)},
            "revision": memory.revision,
        }
    )


@router.get("/firm/{firm}")
async def firm_floor(request: Request, firm: str, part: Part = False) -> Response:  # noqa: FBT002 - from the address
    """One firm's floor."""
    seen = look(request)
    memory = seen.memory
    if firm not in seen.firms():
        raise HTTPException(404, words.NO_SUCH_FIRM)
    open_orders = (memory.orders[key].state for key in memory.keys(Show.OPEN, seen.reader.today))
    machines = [
        MachineNow(row.station, row.machine.value if row.machine_at else None, row.since)
        for row in memory.stations
        if row.firm == firm
    ]
    pictures = memory.pictures
    told = signs(pictures.of(firm), pictures.offline(firm), seen.reader)
    built = floor(firm, open_orders, machines, seen.reader, pictured=told)
    figures = seen.settings.wants_figures(firm)
    return seen.page("_floor.html" if part else "firm.html", firm=firm, floor=built, figures=figures)


@router.get("/order/{key}")
async def order_page(request: Request, key: str, part: Part = False, ticket: Paper = "") -> Response:  # noqa: FBT002
    """One order: where it is, its operations, hand-overs, flags, and both accounts of its time.

    `ticket` is the paper that somebody has in hand: an old one is told to be old.
    """
    seen = look(request)
    kept = await seen.kept(key)
    if kept is None:
        raise HTTPException(404, words.NO_SUCH_ORDER)
    return seen.page(
        "_order.html" if part else "order.html", old=old_paper(kept.state, ticket), **_sheet(kept, seen.reader)
    )


@router.get("/where")
async def where(request: Request, q: str = "") -> Response:
    """One box: number, 製番, ticket, code or drawing. One hit goes straight to the order."""
    seen = look(request)
    if len(q) > LIMIT:
        return seen.page("where.html", status=422, message=seen.reader.say(words.TOO_LONG, n=LIMIT), found=(), asked="")
    meant = questions(q)[:_TRIED]
    if not meant[0].text:
        return seen.page("where.html", message=seen.reader.say(words.NOTHING_ASKED), found=(), asked="")
    hits: list[OrderState] = []
    for asked in meant:
        hits = [kept.state for key in await seen.find(asked.text) if (kept := await seen.kept(key))]
        if hits:
            break
    if len(hits) == 1:
        step = asked.operation and hits[0].operation(asked.operation)
        paper = asked.text.upper() if old_paper(hits[0], asked.text.upper()) else None
        anchor = f"#op{step.no}" if step and not paper else ""
        return RedirectResponse(seen.link(f"/order/{hits[0].key}", ticket=paper) + anchor, status_code=303)
    shown = q.strip()
    message = seen.reader.say(words.MANY_FOUND if hits else words.NOT_FOUND, q=shown, n=len(hits))
    for asked in () if hits else meant:
        if await seen.unused_blank(asked.text):
            message = seen.reader.say(words.UNUSED_BLANK, q=asked.text.upper())
    found = [_found(order, seen.reader) for order in hits]
    return seen.page("where.html", message=message, found=found, asked=shown)


def _found(order: OrderState, reader: Reader) -> _Found:
    return _Found(order.key, order.number, order.part or order.drawing or "", answer(order, reader))


def _listed(memory: Memory, show: Show, reader: Reader) -> list[Kept]:
    kept = (memory.orders[key] for key in memory.keys(show, reader.today))
    return sorted(kept, key=lambda one: rank(one.state))


def _tabs(memory: Memory, reader: Reader) -> list[tuple[str, Word, int]]:
    counts = memory.counts(reader.today)
    return [(show.value, word, counts[show]) for show, word in _TITLES.items()]


def _sheet(kept: Kept, reader: Reader) -> dict[str, Any]:
    order = kept.state
    return {
        "lane": lane(order, reader, parked=kept.parked is not None),
        "answer": answer(order, reader),
        "facts": facts(order, reader),
        "lines": lines(order, reader),
        "handovers": handovers(order, reader),
        "lots": lots(order, reader),
        "checks": checks(order, reader),
        "entries": entries(order, reader),
        "stands": order,
        "o": office_words,
        "time": order_time(order, reader),
        "own": own_times(order, reader),
        "approximate": order.approximate,
        "causes": _CAUSES,
    }


def message_page(request: Request, word: Word, status: int) -> HTMLResponse:
    """Return a page that says one sentence."""
    seen = look(request)
    return seen.page("where.html", status=status, message=seen.reader.say(word), found=(), asked="")
