"""Both time accounts as bars: where to draw what, in percent of the width, and the table of hours beneath. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from broker.words import CAUSES, Word
from gateway.rules.account import Charge, operation_account, order_account
from gateway.rules.order import Cause, OrderState
from gateway.web.reader import Reader

_TICKS_HOURS = (1, 2, 4, 6, 12, 24, 48, 96, 168, 336, 720, 2160)
"""Distances between marks on the time axis; the first that gives at most seven is taken."""
_AS_IT_GOES = (Cause.SETUP, *(cause for cause in Cause if cause is not Cause.SETUP))
_LABEL_PERCENT = 7.0
"""A firm's stretch is named inside the bar only if it is at least this wide."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One coloured stretch: `x` and `width` in percent. `tone` is a cause, a machine's state or a firm's shade."""

    x: float
    width: float
    tone: str
    title: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    x: float
    label: str
    minor: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One cause in the table under the bar: its total, its share, and the hours of each firm."""

    cause: str
    word: Word
    total: str
    share: str
    firms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderTime:
    """The order's account: every instant from release to delivery (or now), charged once."""

    causes: tuple[Piece, ...]
    firms: tuple[Piece, ...]
    ticks: tuple[Tick, ...]
    columns: tuple[Word, ...]
    rows: tuple[Row, ...]
    total: str
    going_on: bool


@dataclass(frozen=True, slots=True)
class OwnTime:
    """One operation's own times, all drawn to one scale."""

    no: int
    name: str
    firm: Word
    pieces: tuple[Piece, ...]
    total: str
    said: tuple[tuple[str, Word, str], ...]
    """(cause, its word, its length) for what the bar shows."""


def order_time(order: OrderState, reader: Reader) -> OrderTime | None:
    """Return the order's account as a bar, or None if there is no time yet."""
    charges = [charge for charge in order_account(order, reader.now) if charge.end > charge.start]
    if not charges:
        return None
    start, end = charges[0].start, charges[-1].end
    firms = tuple(dict.fromkeys(charge.firm for charge in charges))
    seconds: dict[tuple[Cause, str], float] = {}
    for charge in charges:
        seconds[charge.cause, charge.firm] = seconds.get((charge.cause, charge.firm), 0.0) + _seconds(charge)
    return OrderTime(
        causes=_cause_pieces(charges, start, end, reader),
        firms=_firm_pieces(charges, firms, start, end, reader),
        ticks=_ticks(start, end, reader),
        columns=tuple(map(reader.names.word, firms)),
        rows=_rows(seconds, firms, reader),
        total=reader.about(reader.length((end - start).total_seconds()), approximate=order.approximate),
        going_on=order.delivered_at is None,
    )


def own_times(order: OrderState, reader: Reader) -> tuple[OwnTime, ...]:
    """Return each operation's own times; operations without any are left out."""
    until = order.delivered_at or reader.now
    accounts = [(operation, operation_account(operation, until)) for operation in order.operations]
    longest = max((sum(account.values()) for _, account in accounts), default=0.0)
    if not longest:
        return ()
    found = []
    for operation, account in accounts:
        spent = {cause: account[cause] for cause in _AS_IT_GOES if account.get(cause, 0.0) > 0}
        if spent:
            found.append(
                OwnTime(
                    no=operation.no,
                    name=operation.name,
                    firm=reader.names.word(operation.firm),
                    pieces=_stacked(spent, longest, reader),
                    total=reader.about(reader.length(sum(spent.values())), approximate=operation.approximate),
                    said=tuple(
                        (cause.value, CAUSES[cause.value], reader.length(length)) for cause, length in spent.items()
                    ),
                )
            )
    return tuple(found)


def _seconds(charge: Charge) -> float:
    return (charge.end - charge.start).total_seconds()


def _place(start: datetime, end: datetime, of: tuple[datetime, datetime]) -> tuple[float, float]:
    whole = (of[1] - of[0]).total_seconds()
    return (
        round(100 * (start - of[0]).total_seconds() / whole, 3),
        round(100 * (end - start).total_seconds() / whole, 3),
    )


def _cause_pieces(charges: Sequence[Charge], start: datetime, end: datetime, reader: Reader) -> tuple[Piece, ...]:
    pieces = []
    for (cause, firm), same in groupby(charges, key=lambda charge: (charge.cause, charge.firm)):
        run = list(same)
        x, width = _place(run[0].start, run[-1].end, (start, end))
        length = reader.length((run[-1].end - run[0].start).total_seconds())
        title = f"{reader.say(CAUSES[cause.value])} · {reader.firm(firm)} · {reader.clock(run[0].start)} · {length}"
        pieces.append(Piece(x, width, cause.value, title))
    return tuple(pieces)


def _firm_pieces(
    charges: Sequence[Charge], firms: Sequence[str], start: datetime, end: datetime, reader: Reader
) -> tuple[Piece, ...]:
    pieces = []
    for firm, same in groupby(charges, key=lambda charge: charge.firm):
        run = list(same)
        x, width = _place(run[0].start, run[-1].end, (start, end))
        name = reader.firm(firm)
        length = reader.length((run[-1].end - run[0].start).total_seconds())
        label = name if width >= _LABEL_PERCENT else ""
        pieces.append(Piece(x, width, f"firm{firms.index(firm) % 2}", f"{name} · {length}", label))
    return tuple(pieces)


def _ticks(start: datetime, end: datetime, reader: Reader) -> tuple[Tick, ...]:
    hours = (end - start).total_seconds() / 3600
    step = next((step for step in _TICKS_HOURS if hours / step <= 7), _TICKS_HOURS[-1])
    local = start.astimezone(reader.zone)
    mark = local.replace(minute=0, second=0, microsecond=0, hour=0 if step >= 24 else local.hour - local.hour % step)
    ticks: list[Tick] = []
    while mark <= end and len(ticks) < 60:
        if mark >= start:
            _, x = _place(start, mark, (start, end))
            midnight = mark.hour == 0
            label = reader.day(mark.date()) if step >= 24 or midnight else f"{mark.hour}:00"
            ticks.append(Tick(x, label, len(ticks) % 2 == 1))
        mark += timedelta(hours=step)
    return tuple(tick for tick in ticks if tick.x <= 96)


def _rows(seconds: Mapping[tuple[Cause, str], float], firms: Sequence[str], reader: Reader) -> tuple[Row, ...]:
    whole = sum(seconds.values())
    rows = []
    for cause in Cause:
        of = [seconds.get((cause, firm), 0.0) for firm in firms]
        if sum(of) > 0:
            rows.append(
                Row(
                    cause=cause.value,
                    word=CAUSES[cause.value],
                    total=reader.length(sum(of)),
                    share=f"{100 * sum(of) / whole:.0f}%",
                    firms=tuple(reader.length(one) if one else "" for one in of),
                )
            )
    return tuple(rows)


def _stacked(spent: Mapping[Cause, float], longest: float, reader: Reader) -> tuple[Piece, ...]:
    pieces, x = [], 0.0
    for cause, length in spent.items():
        width = 100 * length / longest
        title = f"{reader.say(CAUSES[cause.value])} · {reader.length(length)}"
        pieces.append(Piece(round(x, 3), round(width, 3), cause.value, title))
        x += width
    return tuple(pieces)
