"""One serial scanner: a thread that keeps its port open, cuts what arrives into texts, and writes its sounds.

What a text means is decided elsewhere.
"""

import random
import threading
import time

from edge.drivers.scanner import MODELS, Counts, Parser
from edge.inbox import Inbox, PortLost, PortOpen, Scanned
from edge.rules import Tone
from edge.settings import Scanner
from edge.tap import Tap
from edge.wire import FAILURES, SerialWire, Wire

_READ_SECONDS = 0.5
_READ_SECONDS_IDLE_END = 0.04
"""Half of what ends a frame that has no suffix."""
_RETRY_SECONDS_FIRST = 0.2
_RETRY_SECONDS_MAX = 2.0
"""So that a scanner plugged in again is read within 5 s (F15)."""


class Port:
    """Reads one scanner for as long as it lives, through unplugging and back."""

    def __init__(self, scanner: Scanner, inbox: Inbox, tap: Tap) -> None:
        self._scanner, self._inbox, self._tap = scanner, inbox, tap
        self._signals = MODELS[scanner.feedback]
        self._device: Wire | None = None
        self._parser = Parser(scanner.framing())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"port {scanner.id}", daemon=True)

    def start(self) -> None:
        """Begin opening the port; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and wait for the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    @property
    def counts(self) -> Counts:
        """What the scanner has sent since the start."""
        return self._parser.counts

    def sound(self, tone: Tone) -> None:
        """Make the scanner say so, if it can; a scanner that is away misses it."""
        self._write(self._signals.tones[tone])

    def _write(self, data: bytes) -> None:
        device = self._device
        if device is None or not data:
            return
        try:
            device.write(data)
        except FAILURES:
            return  # the reader meets the same trouble, says so and opens the port again

    def _run(self) -> None:
        wait, said_lost = _RETRY_SECONDS_FIRST, False
        while not self._stopping.is_set():
            try:
                self._read()
            except FAILURES as error:
                if self._device is not None:
                    self._device.close()
                    self._device, wait, said_lost = None, _RETRY_SECONDS_FIRST, False
                self._parser.reopened()
                if not said_lost:
                    self._inbox.put(PortLost(self._scanner.id, self._why(error)))
                    said_lost = True
            self._stopping.wait(wait * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, no secret
            wait = min(wait * 1.5, _RETRY_SECONDS_MAX)
        if self._device is not None:
            self._device.close()

    def _read(self) -> None:
        """Open the port and read it until it fails or we are asked to end."""
        seconds = _READ_SECONDS_IDLE_END if self._scanner.idle_end else _READ_SECONDS
        device = self._device = self._tap.on(SerialWire(self._scanner.port, self._scanner.baud))
        self._inbox.put(PortOpen(self._scanner.id))
        while not self._stopping.is_set():
            data, now = device.read(seconds), _mono_ms()
            frames = self._parser.feed(data, now) if data else self._parser.idle(now)
            for frame in frames:
                self._write(self._signals.acknowledge)
                self._inbox.put(Scanned(self._scanner.id, frame.text))

    def _why(self, error: Exception) -> str:
        return (
            f"scanner {self._scanner.id} cannot be read: plug it in, and see that no other program reads "
            f"{self._scanner.port} ({error})"
        )


def why_not_open(scanner: Scanner) -> str | None:
    """Open the port for a moment; return why that cannot be done, or None."""
    try:
        SerialWire(scanner.port, scanner.baud).close()
    except FAILURES as error:
        return str(error)
    return None


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
