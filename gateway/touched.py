"""Which orders have been touched and not yet folded again, live ones before those that catch up."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping


class Touched:
    """Two queues of order keys, first touched first out."""

    def __init__(self, kept: Mapping[str, bool], parked: Iterable[str]) -> None:
        self._live: OrderedDict[str, None] = OrderedDict()
        self._late: OrderedDict[str, None] = OrderedDict()
        self._kept = dict(kept)
        for key, live in kept.items():
            self.add(key, live=live)
        for key in parked:
            self.add(key, live=False)

    def __len__(self) -> int:
        return len(self._live) + len(self._late)

    def add(self, key: str, *, live: bool) -> None:
        """Mark an order; a live mark goes before one that was late."""
        if live:
            self._late.pop(key, None)
            self._live.setdefault(key)
        elif key not in self._live:
            self._late.setdefault(key)

    def next_live(self) -> str | None:
        """Take the live order that was touched first."""
        return self._live.popitem(last=False)[0] if self._live else None

    def next_late(self) -> str | None:
        """Take the order that was touched first among those that catch up."""
        return self._late.popitem(last=False)[0] if self._late else None

    def changes(self) -> tuple[dict[str, bool], list[str]]:
        """Return marks to write down and those to strike out, since the last time."""
        now = {**dict.fromkeys(self._late, False), **dict.fromkeys(self._live, True)}
        new = {key: live for key, live in now.items() if self._kept.get(key) is not live}
        gone = [key for key in self._kept if key not in now]
        self._kept = now
        return new, gone
