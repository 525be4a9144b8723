"""A pulse counter's lines: `C,<seq>,<count>,<uptime ms>*<CRC-8>`. Totals come of it, and a state by pulses. Sans-io.

The count is cumulative, so that a lost line does no harm. The record is ours; the sketch that sends it is in README.md.
"""

import re
from dataclasses import dataclass

from broker.events import MachineState
from edge.drivers.lines import Lines
from edge.drivers.readings import Gap, Reading, State, Tally, Total

SILENT_MS = 10_000
"""The sketch sends a line a second, pulses or none: so long without one means that it is off or its cable is out."""

_RECORD = re.compile(rb"C,(\d{1,10}),(\d{1,10}),(\d{1,10})\*([0-9A-Fa-f]{2})")


@dataclass(slots=True)
class _Last:
    count: int
    uptime_ms: int
    pulse_ms: int | None = None
    """When a pulse was last seen, by our clock."""


class Parser:
    """Holds the line that is arriving and the last record. Without `cycle_ms` it counts, and tells no state."""

    def __init__(self, cycle_ms: int | None = None) -> None:
        self.tally = Tally()
        self._cycle_ms = cycle_ms
        self._lines = Lines(limit_bytes=200)
        self._last: _Last | None = None
        self._said: MachineState | None = None
        self._heard_ms = 0

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. Opening the port resets many boards: its count may begin again."""
        self._lines.drop()
        self._last, self._said, self._heard_ms = None, None, mono_ms

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first."""
        found: list[Reading] = []
        for line in self._lines.feed(data):
            found += self._line(line, mono_ms)
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: a machine without pulses for 3 cycles stands still, a silent board is unknown."""
        if mono_ms - self._heard_ms > SILENT_MS and self._last is not None:
            self._last = None
            return [Gap("the counter does not answer"), *self._state(MachineState.UNKNOWN, "SILENT")]
        if self._cycle_ms and self._last and mono_ms - (self._last.pulse_ms or 0) > 3 * self._cycle_ms:
            return self._state(MachineState.IDLE, "NO PULSE")
        return []

    def to_send(self, mono_ms: int) -> bytes:
        """Return nothing, ever: a counter speaks by itself."""
        _ = mono_ms
        return b""

    def _line(self, line: bytes, mono_ms: int) -> list[Reading]:
        self.tally.lines += 1
        found = _RECORD.fullmatch(line)
        if found is None or crc8(line[: line.index(b"*")]) != int(found[4], 16):
            self.tally.reject(line)
            return []
        count, uptime_ms = int(found[2]), int(found[3])
        readings: list[Reading] = []
        before, self._heard_ms = self._last, mono_ms
        if before and uptime_ms < before.uptime_ms:
            readings.append(Gap("the counter was switched off and on"))
            before = None
        self._last = _Last(count, uptime_ms, before.pulse_ms if before else None)
        if before is None or count != before.count:
            readings.append(Total("parts", count))
        if before and count > before.count:
            self._last.pulse_ms = mono_ms
            if self._cycle_ms:
                readings += self._state(MachineState.RUNNING, "PULSES")
        return readings

    def _state(self, state: MachineState, raw: str) -> list[Reading]:
        if state is self._said:
            return []
        self._said = state
        return [State(state, raw)]


def crc8(data: bytes) -> int:
    """Return the CRC-8 of SMBus (polynomial 0x07, beginning at 0): a few lines on any board.

    >>> crc8(b"123456789")
    244
    """
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
