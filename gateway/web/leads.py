"""What delivered orders' time went into, kept for all pages: each order counted once, when it changes. For threads.

It is filled when a page asks, some orders at a time, so that a page never waits long however many there are.
"""

import threading
import time
from collections import OrderedDict
from datetime import tzinfo

from gateway.rules.lead_times import By, LeadTimes, Stay, lead_times, stays
from gateway.state import State

_AT_ONCE = 100
_ANSWERS = 64
"""Pages kept as computed; the oldest go first."""


class Leads:
    """Follows the state by its revision."""

    def __init__(self, state: State) -> None:
        self._state, self._lock = state, threading.Lock()
        self._stays: dict[str, dict[str, Stay]] = {}
        self._keys: set[str] = set()
        self._born = self._revision = 0
        self._answers: OrderedDict[tuple[object, ...], LeadTimes] = OrderedDict()

    def refresh(self, *, seconds: float) -> tuple[int, int]:
        """Take in what changed, for so long at most. Return how many orders were looked at, and how many there are."""
        deadline = time.monotonic() + seconds
        with self._lock:
            if (born := self._state.born()) != self._born:
                self._born, self._revision = born, 0
                self._stays.clear()
                self._keys.clear()
            while changed := self._state.changed(self._revision, _AT_ONCE):
                for kept in changed:
                    self._keys.add(kept.key)
                    if found := stays(kept.state):
                        self._stays[kept.key] = found
                    else:
                        self._stays.pop(kept.key, None)
                self._revision = changed[-1].revision
                self._answers.clear()
                if time.monotonic() > deadline:
                    return len(self._keys), self._state.size()
            if self._state.size() != len(self._keys):
                for key in self._keys - self._state.keys():  # given to another order by the office, or taken back
                    self._keys.discard(key)
                    self._stays.pop(key, None)
                self._answers.clear()
            return len(self._keys), len(self._keys)

    def firms(self) -> dict[str, int]:
        """Return how many delivered orders each firm knows."""
        with self._lock:
            counts: dict[str, int] = {}
            for by_firm in self._stays.values():
                for firm in by_firm:
                    counts[firm] = counts.get(firm, 0) + 1
            return counts

    def of(self, firm: str, zone: tzinfo, *, month: str | None, by: By) -> LeadTimes:
        """Return what one firm's page shows."""
        with self._lock:
            asked = (firm, str(zone), month, by)
            if (answer := self._answers.get(asked)) is None:
                known = [by_firm[firm] for by_firm in self._stays.values() if firm in by_firm]
                answer = self._answers[asked] = lead_times(known, zone, month=month, by=by)
                while len(self._answers) > _ANSWERS:
                    self._answers.popitem(last=False)
            return answer
