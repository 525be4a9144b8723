"""Pulses of a pin become the lines that a counter on a cable sends, so that one parser reads both. Pure.

The kernel counts a pin's edges itself and numbers them; when we are late and it throws some away, the next one's
number still says how many there were.
"""

from collections.abc import Iterable

from edge.drivers.counter.record import Record

LINE_MS = 1_000
"""A line each second, pulses or none, as the sketch in README.md sends them."""


class Pulses:
    """The edges of one pin since it was opened."""

    def __init__(self, mono_ms: int) -> None:
        self._since_ms = mono_ms
        self._sent_ms: int | None = None
        self._number = self._count = self._sent_count = 0

    def wait_ms(self, mono_ms: int) -> int:
        """Return how long the next line may wait, if no edge comes; 0: it is due."""
        return 0 if self._sent_ms is None else max(0, self._sent_ms + LINE_MS - mono_ms)

    def edges(self, numbers: Iterable[int]) -> None:
        """Take edges by the kernel's numbers for this pin, which begin at 1 when it is opened."""
        self._count = max(self._count, *numbers, 0)

    def line(self, mono_ms: int) -> bytes:
        """Return the line that is due; empty: none. The first comes before any edge, so that the first edge counts."""
        if self._count == self._sent_count and self.wait_ms(mono_ms):
            return b""
        self._number += 1
        self._sent_ms, self._sent_count = mono_ms, self._count
        return Record(self._number, self._count, mono_ms - self._since_ms).line()
