"""The line to one device: a thread that keeps it open, carries bytes both ways, and opens it again when it fails.

Scanners, machines and lines of several machines have the same loop; they differ in their pace and in what is done with
what was heard.
"""

import random
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from broker.clock import monotonic_ms
from edge.drivers.device import Place, Serial
from edge.drivers.readings import Parser, Reading
from edge.tap import Tap
from edge.wire import FAILURES, Wire, is_one_of, open_wire

_STAYS_SECONDS = 1.0
"""Who accepts a connection and closes it (an adapter that serves one other client) does so at once."""

_REST = 9
"""For a second of work so many without any."""
_BURST_SECONDS, _REST_SECONDS_MOST = 0.1, 2.0
"""What may be owed of it: the first answer of an agent, or a reel of lines, is read at once."""


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


class Share:
    """How much of the processor one line may take: a tenth. A device that never stops talking keeps no scan waiting."""

    def __init__(self) -> None:
        self._owed_seconds = self._at = 0.0

    def rest_seconds(self, worked_seconds: float, now_seconds: float) -> float:
        """Return how long to read nothing after so much work; 0 while that was little for the time that went by."""
        paid = max(0.0, self._owed_seconds - max(0.0, now_seconds - self._at))
        self._owed_seconds, self._at = paid + worked_seconds * _REST, now_seconds
        return min(self._owed_seconds, _REST_SECONDS_MOST) if self._owed_seconds > _BURST_SECONDS else 0.0


class KeptOpen:
    """Opens a line again for as long as it lives: `hear` uses it until it fails, `failed` is told each time it does.

    A port that is one of `others`, under any name, is never opened.
    `hear` says `settled()` once the line is worth its opening: its end is then mended as soon as the first, unless the
    device itself ends it at once, as one does that says a byte and hangs up, for ever.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        pace: Pace,
        hear: Callable[[Wire], None],
        failed: Callable[[Exception], None],
        others: Iterable[Path] = (),
    ) -> None:
        self._others = tuple(others)
        self._place, self._pace, self._hear, self._failed = place, pace, hear, failed
        self._wait_seconds = pace.retry_seconds_first
        self._settled = False
        self._share, self._worked_seconds = Share(), 0.0
        self._bug = ""
        """Which one was told last with its traceback: its repetitions are only losses of the line."""
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin opening it; returns at once."""
        self._thread.start()

    def leave(self) -> None:
        """Ask the thread to let go of the line; returns at once."""
        self.stopping.set()

    def stop(self) -> None:
        """Let go of the line and wait for the thread."""
        self.leave()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def settled(self) -> None:
        """Say that the line has shown what it is worth."""
        self._settled = True

    def rest(self) -> None:
        """Read nothing for a while after much work, so that others get their turn; said after each read."""
        worked_seconds, self._worked_seconds = time.thread_time() - self._worked_seconds, time.thread_time()
        if rest_seconds := self._share.rest_seconds(worked_seconds, time.monotonic()):
            self.stopping.wait(rest_seconds)

    def _open(self) -> Wire:
        if isinstance(self._place, Serial) and is_one_of(self._place.port, self._others):
            raise OSError("it is the port of a machine, to which no answer may be sent: mend port")
        return open_wire(self._place)

    def _run(self) -> None:
        while not self.stopping.is_set():
            wire: Wire | None = None
            self._settled, we_hung_up, opened_at = False, False, 0.0
            try:
                wire = self._open()
                self._worked_seconds, opened_at = time.thread_time(), time.monotonic()
                self._hear(wire)
                we_hung_up = True
            except FAILURES as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - one message from outside must not end all scans: decisions.md
                if (bug := repr(error)) != self._bug:
                    traceback.print_exc()
                self._bug = bug
                self._failed(error)
            finally:
                if wire is not None:
                    wire.close()
            if self._settled and (we_hung_up or time.monotonic() - opened_at >= _STAYS_SECONDS):
                self._wait_seconds = self._pace.retry_seconds_first
            self.stopping.wait(self._wait_seconds * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, no secret
            self._wait_seconds = min(self._wait_seconds * 1.5, self._pace.retry_seconds_max)


class Line:
    """Hears one device for as long as it lives, through being unplugged or switched off, and back."""

    def __init__(
        self, name: str, place: Place, parser: Parser, *, pace: Pace, ear: Ear, tap: Tap, others: Iterable[Path] = ()
    ) -> None:
        self.parser = parser
        self._pace, self._ear, self._tap = pace, ear, tap
        self._wire: Wire | None = None
        self._lost, self._said_lost = True, False
        self._opened_at = 0.0
        self._stays = False
        """Whether the open line has shown that it will: by a byte, or by lasting."""
        self._hasty = False
        """Whether the last one that was opened did not: a device, or a converter, that accepts and closes at once."""
        self._kept = KeptOpen(name, place, pace=pace, hear=self._use, failed=self._fail, others=others)
        self.start, self.leave, self.stop = self._kept.start, self._kept.leave, self._kept.stop

    def write(self, data: bytes) -> None:
        """Send from another thread, if the line is open; a device that is away misses it."""
        wire = self._wire
        if wire is not None and data:
            with suppress(*FAILURES):  # the reader meets the same trouble, says so and opens the line again
                wire.write(data)

    def _use(self, wire: Wire) -> None:
        self._wire = self._tap.on(wire)
        self._opened_at, self._stays = time.monotonic(), False
        if not self._hasty:
            self._say_open()
        try:
            self._hear(self._wire)
        except FAILURES:
            self._hasty = not self._stays
            raise
        finally:
            self._wire = None

    def _say_open(self) -> None:
        """Say once that the line is open again."""
        if self._lost:
            self._ear.opened()
        self._lost = self._said_lost = False

    def _prove(self, data: bytes) -> None:
        """Believe in the line once it has brought something, or has lasted."""
        if not self._stays and (data or time.monotonic() - self._opened_at >= _STAYS_SECONDS):
            self._stays = True
            self._kept.settled()
            self._say_open()

    def _fail(self, error: Exception) -> None:
        self._lost = True
        if not self._said_lost:
            self._ear.lost(error)
            self._said_lost = True

    def _hear(self, wire: Wire) -> None:
        """Carry bytes both ways until the line fails, its driver wants another, or we are asked to end."""
        self.parser.opened(monotonic_ms())
        while not self._kept.stopping.is_set():
            ours = self.parser.to_send(monotonic_ms())
            if ours is None:
                return
            if ours:
                wire.write(ours)
            data = wire.read(self._pace.read_seconds)
            self._prove(data)
            readings = self.parser.feed(data, monotonic_ms()) if data else self.parser.idle(monotonic_ms())
            if readings:
                self._ear.heard(readings)
            self._kept.rest()
            while self._ear.full() and not self._kept.stopping.wait(self._pace.read_seconds):
                pass


def why_not_open(place: Place) -> str | None:
    """Open the line for a moment; return why that cannot be done, or None."""
    try:
        open_wire(place).close()
    except FAILURES as error:
        return str(error)
    return None
