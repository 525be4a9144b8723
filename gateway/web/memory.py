"""The open and recently done orders as last read, kept parsed for all pages, and the listeners who are told of changes.

Touched by the event loop's thread only; `gateway.web.watch` hands changes over to it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.rules.order import OrderState, State
from gateway.state import Kept, StationRow
from gateway.web.absent import Absent
from gateway.web.lane import Show, shown
from gateway.web.pictures import Pictures

LISTENERS = 200
"""Live streams at once; a browser opens one a page."""
DONE_DAYS = 30
"""Orders done for longer are in no list; their own pages are read from the state when somebody asks."""
TOLD_AT_ONCE = 500
"""A page that has missed more changes than this is told to look at everything again."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """How current the pages are. `age_seconds` is real time since `as_of`, whatever clock a demo runs by.

    `waiting` events are on their way from terminals that answer; `absent` will not come by themselves.
    """

    as_of: datetime
    age_seconds: float
    waiting: int
    silent: int
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What a listener has not been told yet. `everything`: forget what you know and look again."""

    orders: tuple[Kept, ...]
    machines: frozenset[str]
    everything: bool
    pulse: Pulse | None


def old(order: OrderState, now: datetime) -> bool:
    """Whether an order was done or cancelled so long ago that no list shows it."""
    ended = order.delivered_at or (order.last_at if order.state is State.CANCELLED else None)
    return ended is not None and now - ended > timedelta(days=DONE_DAYS)


class Listener:
    """One open page. Changes of one order that it has not fetched yet become one."""

    def __init__(self) -> None:
        self._orders: dict[str, Kept] = {}
        self._machines: set[str] = set()
        self._everything = False
        self._pulse: Pulse | None = None
        self._wake = asyncio.Event()

    def tell(
        self,
        orders: Sequence[Kept] = (),
        machines: Sequence[str] = (),
        *,
        everything: bool = False,
        pulse: Pulse | None = None,
    ) -> None:
        """Note what changed and wake the stream."""
        self._orders.update((kept.key, kept) for kept in orders)
        self._machines.update(machines)
        self._everything |= everything
        self._pulse = pulse or self._pulse
        self._wake.set()

    async def next(self) -> Batch:
        """Wait until something changed, then return all of it."""
        await self._wake.wait()
        self._wake.clear()
        batch = Batch(
            tuple(sorted(self._orders.values(), key=lambda kept: kept.revision)),
            frozenset(self._machines),
            self._everything,
            self._pulse,
        )
        self._orders, self._machines, self._everything, self._pulse = {}, set(), False, None
        return batch


class Memory:
    """Orders as last read, without the long done. `ready` False: the state could not be read yet."""

    def __init__(self) -> None:
        self.orders: dict[str, Kept] = {}
        self.stations: tuple[StationRow, ...] = ()
        self.revision = 0
        self.ready = False
        self.pulse: Pulse | None = None
        self.pictures = Pictures()
        self._listeners: set[Listener] = set()
        self.firms: dict[str, None] = {}
        """Every firm that an order named, in the order of its first."""
        self._tidied: date | None = None
        self._lists: dict[Show, set[str]] = {show: set() for show in Show}
        self._today: date | None = None

    def replace(self, orders: Sequence[Kept], revision: int) -> None:
        """Start afresh: at start, and after the state was rebuilt."""
        self.orders = {kept.key: kept for kept in orders}
        self.firms = dict.fromkeys(firm for kept in orders for firm in kept.state.firms)
        self.revision, self.ready, self._today = revision, True, None
        self._tell(everything=True)

    def merge(self, orders: Sequence[Kept], revision: int) -> None:
        """Take in what changed and tell everybody."""
        self.revision = revision
        for kept in orders:
            self.orders[kept.key] = kept
            self.firms.update(dict.fromkeys(kept.state.firms))
            self._sort(kept)
        self._tell(orders)

    def forget(self, keys: Sequence[str]) -> None:
        """Drop orders that are no more: what nobody could name has been given to an order, or all was taken back."""
        for key in keys:
            self.orders.pop(key, None)
        self.firms = dict.fromkeys(firm for kept in self.orders.values() for firm in kept.state.firms)
        self._today = None
        self._tell(everything=True)

    def machines(self, stations: Sequence[StationRow]) -> None:
        """Take in the stations; the firms whose machines changed are told."""
        changed = {row.firm for row in set(stations) ^ set(self.stations)}
        self.stations = tuple(stations)
        if changed:
            self._tell(machines=tuple(changed))

    def pictured(self, firms: frozenset[str]) -> None:
        """Tell the pages of firms whose pictures changed."""
        if firms:
            self._tell(machines=tuple(firms))

    def beat(self, pulse: Pulse) -> None:
        """Take in how current everything is; once a day, let go of the orders that have become old."""
        self.pulse = pulse
        if self._tidied != (today := pulse.as_of.date()):
            self._tidied, self._today = today, None
            self.orders = {key: kept for key, kept in self.orders.items() if not old(kept.state, pulse.as_of)}
        self._tell(pulse=pulse)

    def keys(self, show: Show, today: date) -> frozenset[str]:
        """Return the orders of one list."""
        self._sort_all(today)
        return frozenset(self._lists[show])

    def counts(self, today: date) -> dict[Show, int]:
        """Return how long each list is."""
        self._sort_all(today)
        return {show: len(keys) for show, keys in self._lists.items()}

    def since(self, revision: int) -> list[Kept] | None:
        """Return the orders that changed after a revision, oldest first; None if they are too many."""
        changed = [kept for kept in self.orders.values() if kept.revision > revision]
        return sorted(changed, key=lambda kept: kept.revision) if len(changed) <= TOLD_AT_ONCE else None

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Be told of every change from now on."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @property
    def full(self) -> bool:
        """Whether no further listener is taken."""
        return len(self._listeners) >= LISTENERS

    def _sort_all(self, today: date) -> None:
        if self._today != today:
            self._today = today
            self._lists = {show: set() for show in Show}
            for kept in self.orders.values():
                self._sort(kept)

    def _sort(self, kept: Kept) -> None:
        if self._today is None:
            return
        belongs = shown(kept.state, self._today)
        for show, keys in self._lists.items():
            (keys.add if show in belongs else keys.discard)(kept.key)

    def _tell(
        self,
        orders: Sequence[Kept] = (),
        machines: Sequence[str] = (),
        *,
        everything: bool = False,
        pulse: Pulse | None = None,
    ) -> None:
        for listener in self._listeners:
            listener.tell(orders, machines, everything=everything, pulse=pulse)
