"""GET /firm/{firm}/machine/{station}: one machine's day and its ISO 22400 figures, for firms that turned them on."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from broker.events import Id
from broker.words import CAUSES, MACHINE_STATES, Word
from gateway.figures.reading import Stores, days, measured
from gateway.figures.said import Said, cause_lengths, notes, said, state_lengths
from gateway.ledger import Ledger, StoreError
from gateway.rules.order import OrderState
from gateway.rules.work_unit import Measured, Stretch, figures
from gateway.web import words
from gateway.web.bars import Piece
from gateway.web.look import Look, look
from gateway.web.memory import DONE_DAYS
from gateway.web.reader import Reader

router = APIRouter()

BACK_DAYS = DONE_DAYS - 2
"""So many days before today are shown: the pages hold every order that was worked on since."""
HOURS = tuple(range(0, 25, 3))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Strip:
    """The day in two bands, and how long the machine was in which state, and the work in which cause."""

    machine: tuple[Piece, ...]
    work: tuple[Piece, ...]
    legend: tuple[tuple[str, Word, Word], ...]
    work_legend: tuple[tuple[str, Word, Word], ...]


@router.get("/firm/{firm}/machine/{station}")
async def machine(request: Request, firm: str, station: Id, day: date | None = None, *, part: bool = False) -> Response:
    """One machine on one day."""
    seen = look(request)
    if firm not in seen.firms():
        raise HTTPException(404, words.NO_SUCH_FIRM)
    if not seen.settings.wants_figures(firm):
        raise HTTPException(404, words.FIGURES_OFF)
    reader = seen.reader
    chosen, oldest = day or reader.today, reader.today - timedelta(days=BACK_DAYS)
    if not oldest <= chosen <= reader.today:
        raise HTTPException(404, words.FIGURES_RECENT.filled(n=BACK_DAYS))
    start, end = days(chosen, 1, reader.zone)
    orders = [kept.state for kept in seen.memory.orders.values()]
    found = await asyncio.to_thread(_measured, seen, (firm, station), (start, min(end, reader.now)), orders)
    if found and not (found.machine or found.sessions):
        found = None
    return seen.page(
        "_machine.html" if part else "machine.html",
        firm=firm,
        station=station,
        name=next((one.stations.get(station, "") for one in seen.settings.firms if one.id == firm), ""),
        hours=HOURS,
        day=reader.day(chosen),
        before=chosen - timedelta(days=1) if chosen > oldest else None,
        after=chosen + timedelta(days=1) if chosen < reader.today else None,
        today=chosen.isoformat(),
        now=reader.clock(reader.now) if chosen == reader.today else "",
        strip=strip(found, start, end, reader) if found else None,
        lines=lines(found, reader) if found else (),
        notes=notes(found) if found else (),
    )


def _measured(
    seen: Look, place: tuple[str, str], period: tuple[datetime, datetime], orders: Sequence[OrderState]
) -> Measured | None:
    """Measure one station of a firm; None while there are no records."""
    try:
        with Ledger.open(seen.settings.ledger_url) as ledger:
            return measured(place, *period, orders, Stores(seen.request.app.state.store, ledger))
    except StoreError:
        return None


def lines(found: Measured, reader: Reader) -> tuple[Said, ...]:
    """Return every figure as it is said."""
    return tuple(said(figure, found, reader.zone) for figure in figures(found))


def strip(found: Measured, start: datetime, end: datetime, reader: Reader) -> Strip:
    """Return the day from `start` to `end` as two bands."""
    machine = [Stretch(one.start, one.end, one.value[1]) for one in found.moments]
    work = [Stretch(one.start, one.end, one.value[0]) for one in found.moments]
    return Strip(
        machine=tuple(_piece(one, MACHINE_STATES[one.value.value], start, end, reader) for one in _joined(machine)),
        work=tuple(_piece(one, CAUSES[one.value.value], start, end, reader) for one in _joined(work) if one.value),
        legend=tuple((state.value, name, spent) for state, name, spent in state_lengths(found)),
        work_legend=tuple((cause.value, name, spent) for cause, name, spent in cause_lengths(found)),
    )


def _joined(stretches: Iterable[Stretch[T]]) -> list[Stretch[T]]:
    """Return stretches that follow each other with the same value as one."""
    found: list[Stretch[T]] = []
    for one in stretches:
        if found and found[-1].value == one.value:
            found[-1] = Stretch(found[-1].start, one.end, one.value)
        else:
            found.append(one)
    return found


def _piece(one: Stretch[T], name: Word, start: datetime, end: datetime, reader: Reader) -> Piece:
    whole = (end - start).total_seconds()
    x, width = (one.start - start).total_seconds() / whole, one.seconds / whole
    title = f"{reader.say(name)} {reader.clock(one.start)}–{reader.clock(one.end)}"
    return Piece(round(100 * x, 3), round(100 * width, 3), str(one.value), title)
