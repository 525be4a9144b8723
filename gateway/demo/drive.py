"""Plays the shop's scans into the serial ports when they are due, and carries out what was planned for an instant.

A machinist scans on only when the terminal has answered. So a machine that is too slow makes the shop late, not blind.
"""

import heapq
import select
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from broker.events import Order
from gateway.demo.cluster import Cluster, Edge
from gateway.demo.shop import Scan, Shop
from gateway.demo.wires import Wire

_LONGEST_NAP_SECONDS = 0.05
_MACHINES_SECONDS = 0.5
"""How often machines are told what to show."""
_ANSWER_BYTES = 2
"""One command to a Honeywell scanner: ESC and a character."""
_PATIENCE_NS = 2 * 10**9
"""Who hears nothing for so long scans on."""


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """Something to be done `at_seconds` after the first scan."""

    at_seconds: float
    do: Callable[[], None] = field(compare=False)


@dataclass(slots=True)
class Hand:
    """One scanner in somebody's hand: what is still to be read, and how many bytes of answers are owed."""

    edge: Edge
    wire: Wire
    waiting: deque[Scan] = field(default_factory=deque)
    owed_bytes: int = 0
    scanned_ns: int = 0

    @property
    def listening(self) -> bool:
        """Whether its answers are still awaited; a label read twice in a moment gets none."""
        return self.owed_bytes > 0 and time.monotonic_ns() - self.scanned_ns < _PATIENCE_NS


class Driver:
    """The machinists' hands. Runs in the main thread."""

    def __init__(self, shop: Shop, cluster: Cluster, *, speed: float, new_orders: Callable[[], list[Order]]) -> None:
        self._fleet = cluster.fleet
        self._shop, self._speed, self._new_orders = shop, speed, new_orders
        self._plan: list[Planned] = []
        self._hands = {
            (firm, scanner): Hand(edge, wire)
            for firm, edge in cluster.edges.items()
            for scanner, wire in edge.wires.items()
        }
        self.scanned: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """By firm and ticket: when something about it was written to a port, monotonic ns."""
        self.scans = 0
        self.answer_ms: list[float] = []
        """From a scan to the sound that answers it, for every answer."""

    def plan(self, at_seconds: float, do: Callable[[], None]) -> None:
        """Have something done so long after the first scan; may be called while it runs."""
        heapq.heappush(self._plan, Planned(at_seconds, do))

    def run(self, stopping: Callable[[], bool], *, seconds: float | None) -> None:
        """Scan for so long, or until told to stop."""
        begun = time.monotonic()
        scans = self._shop.scans()
        upcoming = next(scans, None)
        shown_at = 0.0
        while not stopping() and (seconds is None or time.monotonic() - begun < seconds):
            since = time.monotonic() - begun
            while self._plan and self._plan[0].at_seconds <= since:
                heapq.heappop(self._plan).do()
            for order in self._new_orders():
                self._shop.add(order)
            while upcoming and upcoming.at / self._speed <= since:
                self._hands[upcoming.firm, upcoming.scanner].waiting.append(upcoming)
                upcoming = next(scans, None)
            if upcoming is None:
                scans = self._shop.scans()
                upcoming = next(scans, None)
            if since >= shown_at:
                self._machines(since * self._speed)
                shown_at = since + _MACHINES_SECONDS
            due = begun + upcoming.at / self._speed if upcoming else time.monotonic() + _LONGEST_NAP_SECONDS
            self._scan(min(due - time.monotonic(), _LONGEST_NAP_SECONDS))

    def finish(self, stopping: Callable[[], bool], *, seconds: float) -> None:
        """Scan what was due and listen to the last answers, for at most so long."""
        deadline = time.monotonic() + seconds
        while any(hand.waiting or hand.listening for hand in self._hands.values()):
            if stopping() or time.monotonic() > deadline:
                return
            self._scan(_LONGEST_NAP_SECONDS)

    def _machines(self, at: float) -> None:
        """Let the machines show what they do at a simulated instant."""
        turns = self._shop.turns
        while turns and turns[0].at <= at:
            self._fleet.take(turns.popleft())
        self._fleet.tick(at)

    def _scan(self, nap_seconds: float) -> None:
        """Let everyone scan who may, then wait for answers, at most so long."""
        now = time.monotonic_ns()
        for hand in self._hands.values():
            if (
                hand.waiting
                and hand.edge.is_reading()
                and (not hand.owed_bytes or now - hand.scanned_ns > _PATIENCE_NS)
            ):
                self._write(hand)
        wires = {hand.wire: hand for hand in self._hands.values() if hand.listening and hand.edge.ready}
        answered, _, _ = select.select(list(wires), [], [], max(0.0, nap_seconds))
        for wire in answered:
            self._listen(wires[wire])

    def _write(self, hand: Hand) -> None:
        """Read one ticket with its cards and numbers, without a pause."""
        texts = []
        first = hand.waiting[0]
        hand.scanned_ns = now = time.monotonic_ns()
        while hand.waiting and (hand.waiting[0].at, hand.waiting[0].ticket) == (first.at, first.ticket):
            texts.append(hand.waiting.popleft().text)
        self.scanned[hand.edge.firm.id, first.ticket].append(now)
        hand.owed_bytes = len(texts) * _ANSWER_BYTES
        hand.wire.write("".join(f"{text}\r" for text in texts).encode())
        self.scans += len(texts)

    def _listen(self, hand: Hand) -> None:
        heard = min(len(hand.wire.read()), hand.owed_bytes)
        passed_ms = (time.monotonic_ns() - hand.scanned_ns) / 1e6
        self.answer_ms += [passed_ms] * (heard // _ANSWER_BYTES)
        if heard == 0:  # nobody is at the other end any more
            hand.owed_bytes = 0
        hand.owed_bytes -= heard
