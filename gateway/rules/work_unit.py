"""What a station's machine and the work scanned there come to: the elements and figures of ISO 22400-2. Pure.

Every instant of the time looked at has one cause (what the scans say) and one state (what the machine says); every
figure is a sum over both, or it is not there and says why: never 0 for want of data. Nobody's name is in any of it.
In words: `gateway.figures.said`; which formula, which data: docs/machine-figures.md.

Source: the symbols of ISO 22400-2, clause 3; which states make which element: OPC 40001-1, annex C.2, which is written
for ISO 22400-2:2022. The formulas as restated in public; the clauses that define them are paid.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Generic, TypeVar

from broker.events import MachineState
from gateway.rules.order import Amount, Cause, OrderState, Phase, Session, Span

T = TypeVar("T")

UNKNOWN_MOST = 0.2
"""Of the work's time the machine may be unknown for so much; beyond it what is known may be anything but typical."""
_STOPPED = frozenset({MachineState.IDLE, MachineState.HOLD, MachineState.ALARM, MachineState.OFF})
"""With work under way this is delay. Source: OPC 40001-1, annex C.2: an order is registered and nothing executes."""


@dataclass(frozen=True, slots=True)
class Stretch(Generic[T]):
    """From `start` to `end` this held."""

    start: datetime
    end: datetime
    value: T

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Voice:
    """What one edge told of a station's machine, oldest first: changes of state, and the totals of its counter.

    `lives`: when the edge was there to tell. What it said last holds until the end of such a stretch and no longer.
    """

    words: tuple[tuple[datetime, MachineState], ...]
    lives: tuple[tuple[datetime, datetime], ...]
    totals: tuple[int, ...] = ()
    """The counter's last total before the time looked at (0 if there is none), then each one within it."""


Moment = tuple[Cause | None, MachineState]
"""What the scans and the machine say of an instant; no cause: no work is open."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What people counted when work ended here; `left_out` sessions ended without a number that a person gave."""

    sessions: int = 0
    left_out: int = 0
    good: int = 0
    scrap: int = 0
    rework: int = 0

    @property
    def produced(self) -> int:
        """PQ: what is on hold is neither good nor bad yet, and not in it."""
        return self.good + self.scrap + self.rework


@dataclass(frozen=True, slots=True)
class Measured:
    """One station over one time: `moments` in order without holes, and what was counted."""

    moments: tuple[Stretch[Moment], ...]
    spent: Mapping[Moment, float]
    """Seconds by what held."""
    sessions: int
    approximate: int
    """How many of the sessions rest on a clock nobody trusted."""
    setups: int
    """How many sessions have set-up that was scanned."""
    pieces: Pieces
    machine: bool
    """A machine was ever heard here."""
    counted: int
    """By how much its counter advanced."""

    def seconds(self, causes: Iterable[Cause | None], states: Iterable[MachineState] = MachineState) -> float:
        """Return how long one of the causes held together with one of the states."""
        wanted = frozenset(states)
        return sum(self.spent.get((cause, state), 0.0) for cause in causes for state in wanted)

    @property
    def unknown(self) -> float:
        """Which share of the work's time (run) the machine was unknown for; 0 without work."""
        run = self.seconds([Cause.RUN])
        return self.seconds([Cause.RUN], [MachineState.UNKNOWN]) / run if run else 0.0

    @property
    def heard(self) -> tuple[datetime, datetime] | None:
        """When the machine was known first and last; None if never."""
        known = [one for one in self.moments if one.value[1] is not MachineState.UNKNOWN]
        return (known[0].start, known[-1].end) if known else None


class Symbol(StrEnum):
    """What is computed: ISO 22400-2's symbol, or its name where it has none."""

    AUST = "AUST"
    APT = "APT"
    AUPT = "AUPT"
    ADET = "ADET"
    AUBT = "AUBT"
    SETUP_RATIO = "Setup ratio"
    TECHNICAL = "Technical efficiency"
    UTILIZATION = "Utilization efficiency"
    QUALITY = "Quality ratio"
    AVAILABILITY = "Availability"
    EFFECTIVENESS = "Effectiveness"
    OEE = "OEE"


TIMES = frozenset({Symbol.AUST, Symbol.APT, Symbol.AUPT, Symbol.ADET, Symbol.AUBT})
"""Seconds; the others are shares of 1."""


class Why(StrEnum):
    """Why a figure is not there."""

    NO_WORK = "no_work"
    NO_SETUP = "no_setup"
    NO_MACHINE = "no_machine"
    UNKNOWN = "unknown"
    NEVER_RAN = "never_ran"
    NO_NUMBERS = "no_numbers"
    NO_CALENDAR = "no_calendar"
    NO_PLANNED_RUN = "no_planned_run"
    PARTS = "parts"
    """Figures that it is made of are not there."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a `value`, or `why` there is none and, for `Why.PARTS`, what is missing."""

    symbol: Symbol
    value: float | None = None
    why: Why | None = None
    missing: tuple[Symbol, ...] = ()


def sessions_at(orders: Iterable[OrderState], firm: str, station: str) -> list[Session]:
    """Return the work of one firm at one of its stations."""
    return [
        session
        for order in orders
        for operation in order.operations
        if operation.firm == firm
        for session in operation.sessions
        if session.station == station
    ]


def measure(start: datetime, end: datetime, sessions: Iterable[Session], voices: Sequence[Voice]) -> Measured:
    """Lay work and machine over each other from `start` to `end`, which is now at the latest."""
    here = [one for one in sessions if one.opened_at < end and (one.closed_at is None or one.closed_at > start)]
    work = [Stretch(span.start, span.end or end, span.cause) for session in here for span in session.spans]
    machine = [stretch for voice in voices for stretch in _known(voice)]
    moments = tuple(_overlay(start, end, work, machine))
    spent: dict[Moment, float] = {}
    for one in moments:
        spent[one.value] = spent.get(one.value, 0.0) + one.seconds
    return Measured(
        moments=moments,
        spent=spent,
        sessions=len(here),
        approximate=sum(session.approximate for session in here),
        setups=sum(any(_set_up(span, start, end) for span in session.spans) for session in here),
        pieces=_pieces(one for one in here if one.phase is Phase.FINISHED and start < (one.closed_at or end) <= end),
        machine=any(voice.words for voice in voices),
        counted=sum(map(_advanced, (voice.totals for voice in voices))),
    )


def figures(found: Measured) -> tuple[Figure, ...]:
    """Return every figure of `Symbol`, in its order."""
    aust, apt, adet = _setup(found), _production(found), _delay(found)
    aupt = _combined(Symbol.AUPT, (aust, apt))
    aubt = _combined(Symbol.AUBT, (aupt, adet))
    availability = Figure(Symbol.AVAILABILITY, why=Why.NO_CALENDAR)
    effectiveness = Figure(Symbol.EFFECTIVENESS, why=Why.NO_PLANNED_RUN)
    return (
        aust,
        apt,
        aupt,
        adet,
        aubt,
        _share(Symbol.SETUP_RATIO, (aust,), (aupt,)),
        _share(Symbol.TECHNICAL, (apt,), (apt, adet)),
        _share(Symbol.UTILIZATION, (apt,), (aubt,)),
        quality := _quality(found.pieces),
        availability,
        effectiveness,
        Figure(Symbol.OEE, why=Why.PARTS, missing=_missing((availability, effectiveness, quality))),
    )


# -- laying over ---------------------------------------------------------------------------------------------------


def _known(voice: Voice) -> Iterator[Stretch[MachineState]]:
    """Yield what the machine did as far as its edge was there to tell."""
    ends = [at for at, _ in voice.words[1:]]
    lives, place = sorted(voice.lives), 0
    for position, (since, state) in enumerate(voice.words):
        until = ends[position] if position < len(ends) else None
        while place < len(lives) and lives[place][1] <= since:
            place += 1
        for begun, ended in lives[place:]:
            if until is not None and begun >= until:
                break
            start, end = max(since, begun), ended if until is None else min(until, ended)
            if end > start:
                yield Stretch(start, end, state)


def _overlay(
    start: datetime, end: datetime, work: Iterable[Stretch[Cause]], machine: Iterable[Stretch[MachineState]]
) -> Iterator[Stretch[Moment]]:
    """Yield what held, in order; of several causes or states at once the first by their own order (run, running)."""
    causes: Counter[Cause] = Counter()
    states: Counter[MachineState] = Counter()
    changes = [*_changes(start, end, work, causes), *_changes(start, end, machine, states)]
    since, held = start, _held(causes, states)
    for at, some in groupby(sorted(changes, key=itemgetter(0)), key=itemgetter(0)):
        for _, change in some:
            change()
        if (now := _held(causes, states)) != held:
            if at > since:
                yield Stretch(since, at, held)
            since, held = at, now
    if end > since:
        yield Stretch(since, end, held)


def _changes(
    start: datetime, end: datetime, stretches: Iterable[Stretch[T]], holding: Counter[T]
) -> Iterator[tuple[datetime, Callable[[], None]]]:
    """Yield when each begins and ends to hold within the time, and what to do then."""
    for one in stretches:
        begun, ended = max(start, one.start), min(end, one.end)
        if ended > begun:
            yield begun, partial(holding.update, {one.value: 1})
            yield ended, partial(holding.subtract, {one.value: 1})


def _held(causes: Counter[Cause], states: Counter[MachineState]) -> Moment:
    return (
        next((cause for cause in Cause if causes[cause] > 0), None),
        next((state for state in MachineState if states[state] > 0), MachineState.UNKNOWN),
    )


def _set_up(span: Span, start: datetime, end: datetime) -> bool:
    return span.cause is Cause.SETUP and span.start < end and (span.end is None or span.end > start)


# -- counting ------------------------------------------------------------------------------------------------------


def _pieces(ended: Iterable[Session]) -> Pieces:
    """Add up the sessions whose every number a person gave: with an assumed one, a share would be invented."""
    found = list(ended)
    amounts = [(one.good, one.scrap, one.rework) for one in found]
    told = [some for some in amounts if any(one.total for one in some) and not any(map(_not_counted, some))]
    good, scrap, rework = (sum(some[place].counted for some in told) for place in range(3))
    return Pieces(len(found), len(found) - len(told), good, scrap, rework)


def _not_counted(amount: Amount) -> bool:
    return amount.total != amount.counted


def _advanced(totals: Sequence[int]) -> int:
    """Return by how much a counter advanced; one that went back was begun anew at 0."""
    return sum(after - before if after >= before else after for before, after in pairwise(totals))


# -- figures -------------------------------------------------------------------------------------------------------


def _setup(found: Measured) -> Figure:
    """AUST: set-up that was scanned, and what the machine calls set-up while work is running."""
    scanned, told = found.seconds([Cause.SETUP]), found.seconds([Cause.RUN], [MachineState.SETUP])
    if not scanned + told:
        return Figure(Symbol.AUST, why=Why.NO_SETUP if found.sessions else Why.NO_WORK)
    return Figure(Symbol.AUST, scanned + told)


def _production(found: Measured) -> Figure:
    """APT: the machine runs, and work is running; without a machine, work is running."""
    if why := _doubt(found):
        return Figure(Symbol.APT, why=why)
    return Figure(Symbol.APT, found.seconds([Cause.RUN], [MachineState.RUNNING] if found.machine else MachineState))


def _delay(found: Measured) -> Figure:
    """ADET: work is running, and the machine stands."""
    why = _doubt(found) or (None if found.machine else Why.NO_MACHINE)
    return Figure(Symbol.ADET, why=why) if why else Figure(Symbol.ADET, found.seconds([Cause.RUN], _STOPPED))


def _doubt(found: Measured) -> Why | None:
    """Return why nothing can be said of the time in which work was running; None if something can."""
    if not found.seconds([Cause.RUN]):
        return Why.NO_WORK
    if not found.machine:
        return None
    if found.unknown > UNKNOWN_MOST:
        return Why.UNKNOWN
    return None if found.seconds([None, *Cause], [MachineState.RUNNING]) else Why.NEVER_RAN


def _quality(pieces: Pieces) -> Figure:
    """GQ / PQ, from people's numbers alone."""
    if not pieces.produced:
        return Figure(Symbol.QUALITY, why=Why.NO_NUMBERS)
    return Figure(Symbol.QUALITY, pieces.good / pieces.produced)


def _combined(symbol: Symbol, parts: Sequence[Figure]) -> Figure:
    if missing := _missing(parts):
        return Figure(symbol, why=Why.PARTS, missing=missing)
    return Figure(symbol, _sum(parts))


def _share(symbol: Symbol, of: Sequence[Figure], whole: Sequence[Figure]) -> Figure:
    if (missing := _missing((*of, *whole))) or not _sum(whole):
        return Figure(symbol, why=Why.PARTS, missing=missing or tuple(one.symbol for one in whole))
    return Figure(symbol, _sum(of) / _sum(whole))


def _sum(parts: Iterable[Figure]) -> float:
    return sum(one.value or 0.0 for one in parts)


def _missing(parts: Iterable[Figure]) -> tuple[Symbol, ...]:
    """Return which are not there, each once; of one that is made of others, what that lacks."""
    lacking = (one.missing or (one.symbol,) for one in parts if one.value is None)
    return tuple(dict.fromkeys(symbol for some in lacking for symbol in some))
