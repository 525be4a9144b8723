"""The line to one device: a thread that keeps it open, carries bytes both ways, and opens it again when it fails.

Scanners and machines have the same loop; they differ in their pace and in what is done with what was heard.
"""

import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from edge.drivers.device import Place
from edge.drivers.readings import Parser, Reading
from edge.tap import Tap
from edge.wire import FAILURES, Wire, open_wire


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one read waits at most, and how soon a line that failed is opened again: first, and at most."""

    read_seconds: float
    retry_seconds_first: float
    retry_seconds_max: float


class Ear(Protocol):
    """Who is told, on the line's own thread, what happens on it."""

    def opened(self) -> None:
        """The line is open (again)."""

    def lost(self, error: Exception) -> None:
        """The line failed or cannot be opened; said once until it is open again."""

    def heard(self, readings: Sequence[Reading]) -> None:
        """The device said something."""

    def full(self) -> bool:
        """Whether nothing more should be read for a while, because what was heard is not worked off yet."""


class Line:
    """Hears one device for as long as it lives, through being unplugged or switched off, and back."""

    def __init__(self, name: str, place: Place, parser: Parser, *, pace: Pace, ear: Ear, tap: Tap) -> None:
        self.parser = parser
        self._place, self._pace, self._ear, self._tap = place, pace, ear, tap
        self._wire: Wire | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin opening it; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the line and wait for the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def write(self, data: bytes) -> None:
        """Send from another thread, if the line is open; a device that is away misses it."""
        wire = self._wire
        if wire is not None and data:
            with suppress(*FAILURES):  # the reader meets the same trouble, says so and opens the line again
                wire.write(data)

    def _run(self) -> None:
        wait, lost, said_lost = self._pace.retry_seconds_first, True, False
        while not self._stopping.is_set():
            wire: Wire | None = None
            try:
                wire = self._wire = self._tap.on(open_wire(self._place))
                if lost:
                    self._ear.opened()
                wait, lost, said_lost = self._pace.retry_seconds_first, False, False
                self._hear(wire)
            except FAILURES as error:
                lost = True
                if not said_lost:
                    self._ear.lost(error)
                    said_lost = True
            finally:
                self._wire = None
                if wire is not None:
                    wire.close()
            self._stopping.wait(wait * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, no secret
            wait = min(wait * 1.5, self._pace.retry_seconds_max)

    def _hear(self, wire: Wire) -> None:
        """Carry bytes both ways until the line fails, its driver wants another, or we are asked to end."""
        self.parser.opened(_mono_ms())
        while not self._stopping.is_set():
            ours = self.parser.to_send(_mono_ms())
            if ours is None:
                return
            if ours:
                wire.write(ours)
            data = wire.read(self._pace.read_seconds)
            readings = self.parser.feed(data, _mono_ms()) if data else self.parser.idle(_mono_ms())
            if readings:
                self._ear.heard(readings)
            while self._ear.full() and not self._stopping.wait(self._pace.read_seconds):
                pass


def why_not_open(place: Place) -> str | None:
    """Open the line for a moment; return why that cannot be done, or None."""
    try:
        open_wire(place).close()
    except FAILURES as error:
        return str(error)
    return None


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
