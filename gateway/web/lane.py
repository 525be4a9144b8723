"""One order as one row of the board: who has it, its steps as a chain, its due date. Pure; a template draws it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from broker.events import Quality
from broker.words import STATES, Word
from gateway.rules.order import Operation, OrderState, State
from gateway.rules.sharing import percent
from gateway.web import words
from gateway.web.reader import Reader
from gateway.web.whereabouts import Stand, whereabouts

_AT_WORK = frozenset({State.RUNNING, State.SETUP, State.PAUSED})


class Show(StrEnum):
    """Which orders a board lists."""

    OPEN = "open"
    LATE = "late"
    CHECK = "check"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Due:
    """A due date as shown: the day, how far it is, and how loud to say it (late, today, calm, done, none)."""

    day: str
    note: str
    tone: str


@dataclass(frozen=True, slots=True)
class Step:
    """One operation in the chain. `percent` is None where nobody can know it."""

    no: int
    name: str
    firm: Word
    state: str
    word: Word
    percent: int | None
    counts: str
    current: bool
    hands_over: bool
    """The firm differs from the step before: pieces travel to it."""


@dataclass(frozen=True, slots=True)
class Now:
    """Who has the order. `firm` None: nobody (done, cancelled)."""

    state: str
    word: Word
    firm: Word | None
    operation: str
    since: str
    also: int
    count: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One row. Rows are listed by `rank`, a text that sorts."""

    key: str
    number: str | None
    part: str
    quantity: str
    held: bool
    checks: int
    parked: bool
    now: Now
    steps: tuple[Step, ...]
    due: Due
    rank: str


def shown(order: OrderState, today: date) -> frozenset[Show]:
    """Return the lists an order belongs to."""
    lists = set()
    if order.delivered_at or order.state is State.CANCELLED:
        lists.add(Show.DONE)
    else:
        lists.add(Show.OPEN)
        if order.due and order.due < today:
            lists.add(Show.LATE)
    if open_flags(order):
        lists.add(Show.CHECK)
    return frozenset(lists)


def open_flags(order: OrderState) -> int:
    """Return how many flags no person has settled."""
    return sum(flag.settled is None for flag in order.flags)


def lane(order: OrderState, reader: Reader, *, parked: bool = False) -> Lane:
    """Return the row of one order for one reader."""
    now = _now(order, reader)
    held_by = {place.operation.no for place in whereabouts(order).places}
    steps: list[Step] = []
    before: Operation | None = None
    for operation in order.operations:
        steps.append(_step(operation, before, reader, current=operation.no in held_by))
        before = operation
    return Lane(
        key=order.key,
        number=order.number,
        part=order.part or order.drawing or "",
        quantity=reader.pieces(order.quantity) if order.quantity is not None else "",
        held=order.held,
        checks=open_flags(order),
        parked=parked,
        now=now,
        steps=tuple(steps),
        due=due(order, reader),
        rank=rank(order),
    )


def rank(order: OrderState) -> str:
    """Return what rows are sorted by: open ones by due date then number, done ones latest first."""
    tail = f"{(order.number or '').rjust(12, '0')} {order.key}"
    if order.delivered_at:
        return f"9 {10**11 - int(order.delivered_at.timestamp()):012d} {tail}"
    return f"1 {order.due.isoformat() if order.due else '9999-12-31'} {tail}"


def due(order: OrderState, reader: Reader) -> Due:
    """Return an order's due date; a delivered one is late or not for ever."""
    if order.due is None:
        return Due("", reader.say(words.NO_DUE), "none")
    if order.delivered_at:
        late = (order.delivered_at.astimezone(reader.zone).date() - order.due).days
        if late > 0:
            return Due(reader.day(order.due), reader.say(words.LATE_DAYS, n=late), "late")
        return Due(reader.day(order.due), reader.say(words.DELIVERED_ON_TIME), "done")
    return due_in(order.due, reader)


def due_in(day: date, reader: Reader) -> Due:
    """Return the due date of something that is not done."""
    left = (day - reader.today).days
    if left < 0:
        return Due(reader.day(day), reader.say(words.LATE_DAYS, n=-left), "late")
    if left == 0:
        return Due(reader.day(day), reader.say(words.DUE_TODAY), "today")
    return Due(reader.day(day), reader.say(words.DAYS_LEFT, n=left), "calm")


def _step(operation: Operation, before: Operation | None, reader: Reader, *, current: bool) -> Step:
    good = operation.good
    counts = ""
    whole = operation.state is State.DONE and good.total == operation.planned and good.quality is not Quality.ASSUMED
    if not whole and (good.total or operation.state in _AT_WORK):
        counts = _counts(operation, reader)
    return Step(
        no=operation.no,
        name=operation.name,
        firm=reader.names.word(operation.firm),
        state=operation.state.value,
        word=words.REWORKING if operation.reworking and operation.state in _AT_WORK else STATES[operation.state.value],
        percent=percent(operation),
        counts=counts,
        current=current,
        hands_over=before is not None and before.firm != operation.firm,
    )


def _counts(operation: Operation, reader: Reader) -> str:
    return reader.amount(operation.good) + (f" / {operation.planned}" if operation.planned else "")


def _now(order: OrderState, reader: Reader) -> Now:
    where = whereabouts(order)
    since = reader.about(reader.clock(where.since), approximate=order.approximate) if where.since else ""
    match where.stand:
        case Stand.CANCELLED:
            return Now("cancelled", STATES["cancelled"], None, "", "", 0)
        case Stand.DONE:
            return Now("done", words.ALL_DONE, None, "", since, 0)
        case Stand.NOT_STARTED:
            first = order.operations[0] if order.operations else None
            return Now("waiting", words.NOT_STARTED, reader.names.word(first.firm) if first else None, "", "", 0)
        case Stand.TO_SHIP | Stand.ACTIVE:
            operation = where.places[0].operation
            state, word = operation.state.value, STATES[operation.state.value]
            if where.stand is Stand.TO_SHIP:
                state, word = "to_ship", words.TO_SHIP
            elif operation.reworking and operation.state in _AT_WORK:
                word = words.REWORKING
            return Now(
                state,
                word,
                reader.names.word(operation.firm),
                f"{operation.no} {operation.name}".strip(),
                reader.since_short(where.since, approximate=operation.approximate),
                len(where.places) - 1,
                _counts(operation, reader) if operation.state in _AT_WORK else "",
            )
