"""Plays the shop's scans into the serial ports when they are due, and carries out what was planned for an instant."""

import heapq
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from broker.events import Order
from gateway.demo.cluster import Cluster, Edge
from gateway.demo.shop import Scan, Shop

_LONGEST_NAP_SECONDS = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """Something to be done `at_seconds` after the first scan."""

    at_seconds: float
    do: Callable[[], None] = field(compare=False)


class Driver:
    """The machinists' hands. Runs in the main thread."""

    def __init__(self, shop: Shop, cluster: Cluster, *, speed: float, new_orders: Callable[[], list[Order]]) -> None:
        self._shop, self._cluster, self._speed, self._new_orders = shop, cluster, speed, new_orders
        self._plan: list[Planned] = []
        self._waiting: defaultdict[tuple[str, str], list[Scan]] = defaultdict(list)
        self.scanned: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """By firm and ticket: when something about it was written to a port, monotonic ns."""
        self.scans = 0

    def plan(self, at_seconds: float, do: Callable[[], None]) -> None:
        """Have something done so long after the first scan; may be called while it runs."""
        heapq.heappush(self._plan, Planned(at_seconds, do))

    def run(self, stopping: Callable[[], bool], *, seconds: float | None) -> None:
        """Scan for so long, or until told to stop. Returns when the last scan has been taken."""
        begun = time.monotonic()
        scans = self._shop.scans()
        upcoming = next(scans, None)
        while not stopping() and (seconds is None or time.monotonic() - begun < seconds):
            since = time.monotonic() - begun
            while self._plan and self._plan[0].at_seconds <= since:
                heapq.heappop(self._plan).do()
            for order in self._new_orders():
                self._shop.add(order)
            while upcoming and upcoming.at / self._speed <= since:
                self._waiting[upcoming.firm, upcoming.scanner].append(upcoming)
                upcoming = next(scans, None)
            if upcoming is None:
                scans = self._shop.scans()
                upcoming = next(scans, None)
            self._scan()
            due = begun + upcoming.at / self._speed if upcoming else time.monotonic() + _LONGEST_NAP_SECONDS
            time.sleep(max(0.0, min(due - time.monotonic(), _LONGEST_NAP_SECONDS)))

    def pending(self) -> bool:
        """Hand over what is still to be scanned, and say whether some of it is left."""
        self._scan()
        return any(self._waiting.values())

    def _scan(self) -> None:
        """Write what is due, all of a scanner's at once; a machinist waits while the terminal is not ready."""
        for (firm, scanner), scans in self._waiting.items():
            edge = self._cluster.edges[firm]
            if scans and edge.is_reading():
                self._write(edge, scanner, scans)
                scans.clear()

    def _write(self, edge: Edge, scanner: str, scans: list[Scan]) -> None:
        now = time.monotonic_ns()
        for ticket in dict.fromkeys(scan.ticket for scan in scans):
            self.scanned[edge.firm.id, ticket].append(now)
        edge.wires[scanner].write("".join(f"{scan.text}\r" for scan in scans).encode())
        self.scans += len(scans)
