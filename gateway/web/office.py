"""The office's pages of one order: say what is to change, read what comes of it, say who and why. Plain forms.

What comes of a wish is decided in `gateway.office`; nothing here writes.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from broker.words import Word
from gateway.api import GatewayAway
from gateway.office import refusals as no
from gateway.office import said
from gateway.office.desk import Desk, Written
from gateway.office.fields import CLEARABLE, count_of, day_of, firm_of, part_of, plain
from gateway.office.plan import Plan
from gateway.office.wishes import Alter, Cancel, Divide, Give, Hold, Name, NewStep, Release, Reroute, Restep, Wish
from gateway.office.words import FIELDS, PIECES, SERIES, STEP, STEP_DUE, Firms
from gateway.rules.order import OrderState, State
from gateway.settings import Gateway
from gateway.store import StoreError
from gateway.web import office_words, words
from gateway.web.form import read_form, remember_who, who_wrote_last
from gateway.web.look import Look, look

router = APIRouter()

MAIN = ("quantity", "spare", "due", "revision")
MORE = ("part", "drawing", "material", "size", "supplied", "series", "own_number", "origin")
"""What the form changes; customer and amount only by command, for these pages know no coordinator yet."""
NEW_STEPS = 6
"""How many steps one form adds."""
_UNBEGUN = (State.READY, State.WAITING, State.IN_TRANSIT)
_LONGEST = 200
_DIGITS = 10
"""A version is never so long; Python reads no number of thousands of digits."""
_SHOWN_SECONDS, _LOOK_SECONDS = 3.0, 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One box of a form: its name, label, what stands in it, what the order says, and of what sort it is."""

    name: str
    label: Word
    value: str
    was: str
    sort: str


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of a form: a plan; what was written of it, if it was to be; why not, if it could not."""

    order: OrderState
    made: Plan
    firms: Firms
    written: Written | None = None
    refusal: Word | None = None


@router.get("/order/{key}/office")
async def office_page(request: Request, key: str) -> Response:
    """Everything the office may do with one order."""
    return await _form(look(request), key, {})


@router.post("/order/{key}/office")
async def office_wish(request: Request, key: str) -> Response:
    """First say what would come of it; with `confirm`, have it written."""
    seen, typed = look(request), await read_form(request)
    try:
        came = await _at_the_desk(seen.settings, lambda desk: _come_of(desk, key, typed))
    except no.Impossible as refusal:
        return await _form(seen, key, typed, refusal=refusal.word)
    except GatewayAway as away:
        return await _form(seen, key, typed, refusal=_word(str(away)))
    if came.written is None:
        return _confirm(seen, came, typed)
    anchor = "#tickets" if came.made.papers else "#history"
    there = await _shown(seen, came.written)
    address = f"/order/{came.written.key}" if there else "/"
    answer = RedirectResponse(seen.link(address) + (anchor if there else ""), status_code=303)
    remember_who(answer, typed["by"].strip())
    return answer


async def _shown(seen: Look, written: Written) -> bool:
    """Wait a moment until the pages show what was written: who has no script would else look at the old page.

    Returns whether the order is known to them at all.
    """
    deadline = time.monotonic() + _SHOWN_SECONDS
    while True:
        kept = await seen.kept(written.key)
        if (kept and len(kept.state.history) >= written.version) or time.monotonic() > deadline:
            return kept is not None
        await asyncio.sleep(_LOOK_SECONDS)


def _come_of(desk: Desk, key: str, typed: Mapping[str, str]) -> _Came:
    """Plan what a form asks, and if it says so have it written."""
    looked = desk.look(key)
    made = desk.plan(looked, _wish(desk, looked.kept.state, typed), version=_version(typed))
    if "confirm" not in typed:
        return _Came(looked.kept.state, made, desk.firms)
    try:
        written = desk.write(looked, made, by=typed.get("by", ""), why=typed.get("why", ""))
    except no.Impossible as refusal:  # who and why are missing: the same page asks once more
        return _Came(looked.kept.state, made, desk.firms, refusal=refusal.word)
    return _Came(looked.kept.state, made, desk.firms, written)


def _confirm(seen: Look, came: _Came, typed: Mapping[str, str]) -> Response:
    kept = {name: text for name, text in typed.items() if name not in ("by", "why", "confirm")}
    return seen.page(
        "office_confirm.html",
        status=422 if came.refusal else 200,
        o=office_words,
        order=came.order,
        headline=said.headline(came.made),
        changes=said.changes(came.made, came.firms),
        papers=said.papers(came.made),
        exchange=bool(came.made.papers),
        mind=came.made.mind,
        typed=kept,
        by=typed.get("by", who_wrote_last(seen.request)),
        why=typed.get("why", ""),
        refusal=came.refusal,
        longest=_LONGEST,
    )


async def _form(seen: Look, key: str, typed: Mapping[str, str], *, refusal: Word | None = None) -> Response:
    try:
        looked = await _at_the_desk(seen.settings, lambda desk: desk.look(key))
    except no.Impossible:
        raise HTTPException(404, words.NO_SUCH_ORDER) from None
    order = looked.kept.state
    return seen.page(
        "office.html",
        status=422 if refusal else 200,
        o=office_words,
        order=order,
        version=looked.version,
        main_fields=[_field(order, name, typed) for name in MAIN],
        more_fields=[_field(order, name, typed) for name in MORE],
        typed=typed,
        series=SERIES,
        labels=FIELDS,
        firms=[(one.id, seen.firm_word(one.id)) for one in seen.settings.firms],
        steps=[one for one in order.operations if one.state not in (State.DONE, State.CANCELLED)],
        routed=order.routed is not None,
        unbegun=[one for one in order.operations if one.state in _UNBEGUN and not one.started_at],
        new_steps=_blank_steps(order),
        lots=[one for one in order.tickets if not one.old],
        cancelled=order.state is State.CANCELLED,
        done=order.state is State.DONE,
        refusal=refusal,
        longest=_LONGEST,
    )


def _blank_steps(order: OrderState) -> list[tuple[str, str]]:
    """Return number and firm of each line for a new step: filled where work was done before there was a routing."""
    worked = [] if order.routed else [(str(one.no), one.firm) for one in order.operations]
    return [*worked, *[("", "")] * NEW_STEPS][:NEW_STEPS]


def _field(order: OrderState, name: str, typed: Mapping[str, str]) -> Field:
    value = getattr(order, name)
    sort = {"due": "date", "quantity": "number", "spare": "number", "series": "series"}.get(name, "text")
    was = "" if value is None else str(value)
    return Field(name, FIELDS[name], typed[name] if name in _touched(typed) else was, was, sort)


def _touched(typed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the fields that this person changed: what merely stood there must not undo what another one changed."""
    names = (*MAIN, *MORE) if typed.get("do") == "edit" else ()
    return tuple(name for name in names if name in typed and plain(typed[name]) != plain(typed.get(f"was-{name}", "")))


def _wish(desk: Desk, order: OrderState, typed: Mapping[str, str]) -> Wish:
    """Return what a form asks. Raises Impossible for what cannot be read."""
    firms, today = desk.firms, desk.today
    match typed.get("do"):
        case "edit":
            texts = {name: typed[name] for name in _touched(typed)}
            emptied = [name for name, text in texts.items() if not plain(text) and getattr(order, name)]
            cleared = tuple(name for name in emptied if name in CLEARABLE)
            return Alter(part_of(texts, firms, today), cleared, typed.get("lot") or None)
        case "hold":
            return Hold(_count(typed, "pieces"))
        case "release":
            return Release()
        case "cancel":
            return Cancel()
        case "reroute":
            due = day_of(STEP_DUE, typed["due"], today) if plain(typed.get("due", "")) else None
            return Reroute(count_of(STEP, typed.get("step", "")), firm_of(typed.get("firm", ""), firms), None, due)
        case "restep":
            drop = tuple(one.no for one in order.operations if f"drop-{one.no}" in typed)
            return Restep(tuple(_new_steps(desk, typed)), drop)
        case "split":
            return Divide(count_of(PIECES, typed.get("pieces", "")), typed.get("ticket") or None)
        case "give":
            return Give(desk.find(typed.get("into", "")), _count(typed, "pieces"))
        case "name":
            texts = {name: typed.get(name, "") for name in ("part", "quantity", "due", "coordinator", "drawing")}
            return Name(part_of(texts, firms, today))
    raise no.Impossible(office_words.NOT_UNDERSTOOD)


def _new_steps(desk: Desk, typed: Mapping[str, str]) -> Iterator[NewStep]:
    for n in range(NEW_STEPS):
        number, name, firm = (plain(typed.get(f"{what}-{n}", "")) for what in ("no", "name", "firm"))
        if name and firm:
            yield NewStep(name[:_LONGEST], firm_of(firm, desk.firms), count_of(STEP, number) if number else None)
        elif name or firm or number:
            raise no.Impossible(no.NEW_STEP_NEEDS)


def _count(typed: Mapping[str, str], name: str) -> int | None:
    text = typed.get(name, "")
    return count_of(PIECES, text) if plain(text) else None


def _version(typed: Mapping[str, str]) -> int | None:
    text = typed.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


async def _at_the_desk(settings: Gateway, work: Callable[[Desk], T]) -> T:
    """Do something at the office's desk, in a thread. Raises what it raises, GatewayAway if the stores are away."""

    def open_and_work() -> T:
        try:
            with Desk(settings) as desk:
                return work(desk)
        except StoreError as error:
            raise GatewayAway(str(error)) from None

    return await asyncio.to_thread(open_and_work)


def _word(sentence: str) -> Word:
    """Return a sentence of the gateway's, Japanese before the stroke."""
    ja, stroke, en = sentence.partition(" / ")
    return Word(ja, en) if stroke else Word(sentence, sentence)
