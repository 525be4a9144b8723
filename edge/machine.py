"""One machine: a thread that keeps the line to it open, asks what its driver wants asked, and passes on what it says.

What the bytes mean is the driver's, what the readings mean is decided in `edge.rules.machines`.
"""

import random
import threading
import time

from edge.drivers.device import Device
from edge.drivers.readings import Tally
from edge.inbox import Inbox, MachineFound, MachineLost, Sensed
from edge.tap import Tap
from edge.wire import FAILURES, Wire, open_wire

_READ_SECONDS = 0.25
_RETRY_SECONDS_FIRST = 0.5
_RETRY_SECONDS_MAX = 10.0
_WAITING_MOST = 20
"""Beyond so many unread items a device is not read on: one that never stops talking must fill no memory, and a scan
waits behind them. An item is up to 64 KiB of lines, a quarter of a MB when read."""


class MachinePort:
    """Hears one machine for as long as it lives, through being switched off and back."""

    def __init__(self, machine: Device, inbox: Inbox, tap: Tap) -> None:
        self._machine, self._inbox, self._tap = machine, inbox, tap
        self._parser = machine.parser()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"machine {machine.id}", daemon=True)

    def start(self) -> None:
        """Begin connecting; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the line and wait for the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    @property
    def tally(self) -> Tally:
        """What the machine has sent since the start."""
        return self._parser.tally

    def _run(self) -> None:
        wait, lost = _RETRY_SECONDS_FIRST, True
        said_lost = False
        while not self._stopping.is_set():
            wire: Wire | None = None
            try:
                wire = self._tap.on(open_wire(self._machine.place))
                if lost:
                    self._inbox.put(MachineFound(self._machine.id))
                wait, lost, said_lost = _RETRY_SECONDS_FIRST, False, False
                self._hear(wire)
            except FAILURES as error:
                lost = True
                if not said_lost:
                    self._inbox.put(MachineLost(self._machine.id, why_lost(self._machine, error)))
                    said_lost = True
            finally:
                if wire is not None:
                    wire.close()
            self._stopping.wait(wait * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, no secret
            wait = min(wait * 1.5, _RETRY_SECONDS_MAX)

    def _hear(self, wire: Wire) -> None:
        """Carry bytes both ways until the line fails, its driver wants another, or we are asked to end."""
        self._parser.opened(_mono_ms())
        while not self._stopping.is_set():
            question = self._parser.to_send(_mono_ms())
            if question is None:
                return
            if question:
                wire.write(question)
            data = wire.read(_READ_SECONDS)
            readings = self._parser.feed(data, _mono_ms()) if data else self._parser.idle(_mono_ms())
            if readings:
                self._inbox.put(Sensed(self._machine.id, tuple(readings)))
            while self._inbox.qsize() > _WAITING_MOST and not self._stopping.wait(_READ_SECONDS):
                pass


def why_lost(machine: Device, error: Exception) -> str:
    """Return why a machine cannot be heard, and what to do."""
    return f"machine {machine.id} cannot be heard at {machine.place}: is it switched on, its cable in? ({error})"


def why_not_heard(machine: Device) -> str | None:
    """Connect for a moment; return why that cannot be done, or None."""
    try:
        open_wire(machine.place).close()
    except FAILURES as error:
        return str(error)
    return None


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
