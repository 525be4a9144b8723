"""What has arrived and is not yet committed: a bounded queue that takes one message an edge in turn.

It also knows the order in which to acknowledge. It parses nothing and writes nothing.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from broker.link import Delivery

GROUP_EVENTS = 500
GROUP_BYTES = 1024 * 1024
GROUP_SECONDS = 0.02
_LULL_SECONDS = 0.002
"""A group closes early when nothing has come for this long: a lone scan does not wait for company."""
_HELD_BYTES = 8 * 1024 * 1024
_HELD_MESSAGES = 8000
"""Beyond either of these the network side stops reading; it goes on at half of both."""
_LOOK_UP_SECONDS = 0.5
"""How often a sleeping writer looks whether it should stop."""

Task = Callable[[], None]


@dataclass(slots=True)
class Held:
    """One message from its arrival until it is acknowledged; its payload goes once it is committed."""

    delivery: Delivery
    events: int
    size: int
    committed: bool = False


@dataclass(slots=True)
class Group:
    """What goes into one transaction, in this order, and what the gateway's own API asks for meanwhile."""

    held: list[Held] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)


class Waiting:
    """Filled by the network thread and the API, emptied by the writer. `hold_back` and `go_on` bound what waits."""

    def __init__(self, *, hold_back: Callable[[], None], go_on: Callable[[], None]) -> None:
        self._hold_back, self._go_on = hold_back, go_on
        self._change = threading.Condition()
        self._lanes: OrderedDict[str, deque[Held]] = OrderedDict()
        self._order: deque[Held] = deque()
        self._tasks: deque[Task] = deque()
        self._bytes = 0
        self._held_back = False

    def put(self, delivery: Delivery) -> None:
        """Take a message from the network thread."""
        held = Held(delivery, max(1, delivery.payload.count(b"\n")), len(delivery.payload))
        lane = delivery.topic.rpartition("/")[0]
        with self._change:
            self._order.append(held)
            self._lanes.setdefault(lane, deque()).append(held)
            self._bytes += held.size
            if not self._held_back and (self._bytes > _HELD_BYTES or len(self._order) > _HELD_MESSAGES):
                self._held_back = True
                self._hold_back()
            self._change.notify()

    def ask(self, task: Task) -> None:
        """Have the writer's thread do something between two groups."""
        with self._change:
            self._tasks.append(task)
            self._change.notify()

    def take(self) -> Group:
        """Return the next group, at most 500 events or 1 MiB unless one message is larger; empty after half a second.

        Each edge (and everything it sends, in order) is a lane; the lanes take turns message by message.
        """
        group = Group()
        with self._change:
            if not self._lanes and not self._tasks:
                self._change.wait(_LOOK_UP_SECONDS)
            deadline = time.monotonic() + GROUP_SECONDS
            room = _Room()
            while True:
                self._fill(group, room)
                if room.full or not group.held or self._tasks:
                    break
                left = min(_LULL_SECONDS, deadline - time.monotonic())
                if left <= 0 or not self._change.wait(left):
                    break
            group.tasks.extend(self._tasks)
            self._tasks.clear()
        return group

    def _fill(self, group: Group, room: "_Room") -> None:
        while self._lanes:
            name, lane = next(iter(self._lanes.items()))
            if not room.takes(lane[0]):
                return
            group.held.append(lane.popleft())
            if lane:
                self._lanes.move_to_end(name)
            else:
                del self._lanes[name]

    def committed(self, group: Sequence[Held]) -> list[Delivery]:
        """Note that these are in the ledger; return what may now be acknowledged, in the order of arrival."""
        with self._change:
            for held in group:
                held.committed = True
                held.delivery = replace(held.delivery, payload=b"")
                self._bytes -= held.size
            ready: list[Delivery] = []
            while self._order and self._order[0].committed:
                ready.append(self._order.popleft().delivery)
            if self._held_back and self._bytes < _HELD_BYTES // 2 and len(self._order) < _HELD_MESSAGES // 2:
                self._held_back = False
                self._go_on()
        return ready


@dataclass(slots=True)
class _Room:
    """How much still fits into one group."""

    events: int = 0
    size: int = 0
    full: bool = False

    def takes(self, held: Held) -> bool:
        events, size = self.events + held.events, self.size + held.size
        if self.events and (events > GROUP_EVENTS or size > GROUP_BYTES):
            self.full = True
            return False
        self.events, self.size = events, size
        return True
