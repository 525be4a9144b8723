"""Where orders' time went, for one firm: by cause, by month and by process, with how many orders are behind a figure.

Pure, and all from the order's account (`account.order_account`), in which every instant from release to delivery
belongs to one cause, firm and operation; so shares add up. Seconds are calendar time (暦日); working time needs
calendars. An order counts once it is delivered, in the month of its delivery. Nobody's name is in any of it.

A firm sees its own causes and, of the orders that it may see more than its own operations of, the whole lead time; what
other firms had an order for is one number (他社), never by cause.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median
from typing import Literal

from broker.events import Level
from gateway.rules.account import order_account
from gateway.rules.order import Cause, OrderState
from gateway.rules.sharing import level

ENOUGH = 5
"""Fewer orders than this are shown greyed: one of them can move a median anywhere."""
P80 = 0.8
CAUSES: tuple[Cause, ...] = tuple(Cause)

Seconds = tuple[float, ...]
"""One number for each of `CAUSES`."""
By = Literal["name", "kind", "station"]


@dataclass(frozen=True, slots=True)
class Step:
    """The part of an order's time that was charged to one operation of the firm."""

    name: str
    kind: str
    station: str
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Stay:
    """One delivered order as one firm may know it: its own time by cause, and what others had it for."""

    delivered_at: datetime
    own: Seconds
    elsewhere: float
    """Seconds; 0 where the firm may see only its own operations, and then `whole` is False."""
    whole: bool
    steps: tuple[Step, ...]

    @property
    def lead(self) -> float:
        """Seconds from release to delivery; of a firm that may see only its own operations, its own part."""
        return sum(self.own) + self.elsewhere


@dataclass(frozen=True, slots=True)
class Figure:
    """Some orders' time: `median` and `p80` in seconds, `shares` of it all by cause, `elsewhere` what is left."""

    orders: int
    median: float
    p80: float
    shares: tuple[float, ...]
    elsewhere: float

    @property
    def enough(self) -> bool:
        return self.orders >= ENOUGH


@dataclass(frozen=True, slots=True)
class CauseFigure:
    """One cause over some orders; `cause` None: elsewhere. Median and P80 are of the `orders` that had any of it."""

    cause: Cause | None
    orders: int
    median: float
    p80: float
    share: float

    @property
    def enough(self) -> bool:
        return self.orders >= ENOUGH


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Everything one page shows. `months` are `YYYY-MM`, newest first; `steps` largest share of the time first."""

    whole: Figure | None
    months: tuple[tuple[str, Figure], ...]
    causes: tuple[CauseFigure, ...]
    steps: tuple[tuple[str, Figure, float], ...]
    """A process, its figure, and its share of the firm's own time."""


def stays(order: OrderState) -> dict[str, Stay]:
    """Return what each firm may know of a delivered order's time; nothing of one that is not."""
    if order.delivered_at is None:
        return {}
    own: dict[str, dict[Cause, float]] = {}
    steps: dict[str, dict[int, dict[Cause, float]]] = {}
    whole = 0.0
    for charge in order_account(order, order.delivered_at):
        seconds = (charge.end - charge.start).total_seconds()
        whole += seconds
        _add(own.setdefault(charge.firm, {}), charge.cause, seconds)
        if charge.operation is not None:
            _add(steps.setdefault(charge.firm, {}).setdefault(charge.operation, {}), charge.cause, seconds)
    found = {}
    for firm in order.firms:
        granted = level(order, firm)
        if granted is None or (firm not in own and firm != order.coordinator):
            continue
        mine, sees_whole = own.get(firm, {}), granted is not Level.OWN
        found[firm] = Stay(
            delivered_at=order.delivered_at,
            own=_seconds(mine),
            elsewhere=max(0.0, whole - sum(mine.values())) if sees_whole else 0.0,
            whole=sees_whole,
            steps=tuple(_step(order, no, times) for no, times in steps.get(firm, {}).items()),
        )
    return found


def lead_times(known: Iterable[Stay], zone: tzinfo, *, month: str | None = None, by: By = "name") -> LeadTimes:
    """Count over delivered orders of one firm; `month` narrows everything but the months themselves.

    At one station, and by kind, several operations of an order are one. Empty without orders.
    """
    by_month: dict[str, list[Stay]] = {}
    for stay in known:
        by_month.setdefault(f"{stay.delivered_at.astimezone(zone):%Y-%m}", []).append(stay)
    chosen = by_month.get(month, []) if month else [stay for of in by_month.values() for stay in of]
    return LeadTimes(
        whole=_figure(chosen) if chosen else None,
        months=tuple((name, _figure(by_month[name])) for name in sorted(by_month, reverse=True)),
        causes=_causes(chosen),
        steps=_steps(chosen, by),
    )


def telling(found: LeadTimes, this_month: str) -> tuple[str | None, Figure] | None:
    """Return the month worth a sentence, and its figure: the last whole one with enough orders, else the latest such,
    else everything (month None). None: too few orders for any.
    """
    enough = [(month, figure) for month, figure in found.months if figure.enough]
    ended = [one for one in enough if one[0] < this_month]
    if ended or enough:
        return (ended or enough)[0]
    return (None, found.whole) if found.whole and found.whole.enough else None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values do not exceed (nearest rank).

    >>> percentile([5, 1, 4, 2, 3], 0.8)
    4
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _step(order: OrderState, no: int, times: Mapping[Cause, float]) -> Step:
    operation = order.operation(no)
    assert operation is not None, "charges name operations of their order"
    return Step(operation.name, operation.kind.value, operation.station or "", _seconds(times))


def _figure(of: Sequence[Stay]) -> Figure:
    return _of(len(of), [stay.lead for stay in of], [stay.own for stay in of], sum(stay.elsewhere for stay in of))


def _of(orders: int, lengths: Sequence[float], parts: Iterable[Seconds], elsewhere: float = 0.0) -> Figure:
    sums = [sum(column) for column in zip(*parts, strict=True)]
    total = sum(sums) + elsewhere
    shares = tuple(one / total for one in sums) if total else tuple(0.0 for _ in CAUSES)
    return Figure(orders, median(lengths), percentile(lengths, P80), shares, elsewhere / total if total else 0.0)


def _causes(of: Sequence[Stay]) -> tuple[CauseFigure, ...]:
    total = sum(stay.lead for stay in of)
    columns: list[tuple[Cause | None, list[float]]] = [
        (cause, [stay.own[place] for stay in of if stay.own[place] > 0]) for place, cause in enumerate(CAUSES)
    ]
    columns.append((None, [stay.elsewhere for stay in of if stay.elsewhere > 0]))
    return tuple(
        CauseFigure(cause, len(values), median(values), percentile(values, P80), sum(values) / total)
        for cause, values in columns
        if values
    )


def _steps(of: Sequence[Stay], by: By) -> tuple[tuple[str, Figure, float], ...]:
    key: Callable[[Step], str] = {
        "name": lambda step: step.name,
        "kind": lambda step: step.kind,
        "station": lambda step: step.station,
    }[by]
    groups: dict[str, list[Seconds]] = {}
    for stay in of:
        mine: dict[str, Seconds] = {}
        for step in stay.steps:
            name = key(step)
            so_far = mine.get(name)
            mine[name] = step.seconds if so_far is None else tuple(map(sum, zip(so_far, step.seconds, strict=True)))
        for name, seconds in mine.items():
            groups.setdefault(name, []).append(seconds)
    figures = {name: _of(len(parts), [sum(part) for part in parts], parts) for name, parts in groups.items()}
    spent = {name: sum(map(sum, parts)) for name, parts in groups.items()}
    total = sum(spent.values()) or 1.0
    order = sorted(groups) if by == "station" else sorted(groups, key=lambda name: (-spent[name], name))
    return tuple((name, figures[name], spent[name] / total) for name in order)


def _add(times: dict[Cause, float], cause: Cause, seconds: float) -> None:
    times[cause] = times.get(cause, 0.0) + seconds


def _seconds(times: Mapping[Cause, float]) -> Seconds:
    return tuple(times.get(cause, 0.0) for cause in CAUSES)
