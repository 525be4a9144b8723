"""Which orders are still to be folded, live ones before those that catch up; and of which only the facts wait."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from enum import StrEnum


class Wait(StrEnum):
    """What an order waits for, the most urgent first."""

    LIVE = "live"
    """Something has just happened: to be folded."""
    LATE = "late"
    """To be folded when there is time: it catches up."""
    FACTS = "facts"
    """Folded, and on the pages; its facts are to be written when there is time."""


_MORE_URGENT = {wait: list(Wait)[:place] for place, wait in enumerate(Wait)}


class Touched:
    """Queues of order keys, first touched first out; a key stands in the most urgent one that it was put into."""

    def __init__(self, kept: Mapping[str, Wait], parked: Iterable[str]) -> None:
        self._queues: dict[Wait, OrderedDict[str, None]] = {wait: OrderedDict() for wait in Wait}
        self._kept = dict(kept)
        for key, wait in kept.items():
            self._put(key, wait)
        for key in parked:
            self._put(key, Wait.LATE)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def count(self, wait: Wait) -> int:
        """Return how many orders wait for this."""
        return len(self._queues[wait])

    def add(self, key: str, *, live: bool) -> None:
        """Mark an order as touched; a live mark goes before one that was late."""
        self._put(key, Wait.LIVE if live else Wait.LATE)

    def owe_facts(self, key: str) -> None:
        """Note that an order was folded and its facts were not written."""
        self._put(key, Wait.FACTS)

    def next_live(self) -> str | None:
        """Take the live order that was touched first."""
        return self._take(Wait.LIVE)

    def next_late(self) -> str | None:
        """Take the order that was touched first among those that catch up, then among those whose facts wait."""
        return self._take(Wait.LATE) or self._take(Wait.FACTS)

    def changes(self) -> tuple[dict[str, Wait], list[str]]:
        """Return marks to write down and those to strike out, since the last time."""
        now = {key: wait for wait, queue in self._queues.items() for key in queue}
        new = {key: wait for key, wait in now.items() if self._kept.get(key) is not wait}
        gone = [key for key in self._kept if key not in now]
        self._kept = now
        return new, gone

    def _put(self, key: str, wait: Wait) -> None:
        if any(key in self._queues[more] for more in _MORE_URGENT[wait]):
            return
        for other, queue in self._queues.items():
            if other is not wait:
                queue.pop(key, None)
        self._queues[wait].setdefault(key)

    def _take(self, wait: Wait) -> str | None:
        queue = self._queues[wait]
        return queue.popitem(last=False)[0] if queue else None
