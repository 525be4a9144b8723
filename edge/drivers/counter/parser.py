"""A pulse counter's lines in, totals out, and a state by its pulses. Sans-io; nothing is ever sent.

The count is cumulative, so that a lost line does no harm and its number is of no interest. The record is ours; the
sketch that sends it is in README.md, and a Pi's own pins make the same lines (see `edge.gpio`).
"""

from broker.events import MachineState
from edge.drivers.counter.record import ROUND, Record, record_of
from edge.drivers.lines import Lines
from edge.drivers.readings import Gap, Reading, State, Tally, Total

SILENT_MS = 10_000
"""A line comes each second, pulses or none: so long without one means that it is off or its cable is out."""
CYCLES = 3
"""A machine without a pulse for so many usual cycles stands still."""


class Parser:
    """Holds the line that is arriving and the last record. Without `cycle_ms` it counts, and tells no state."""

    def __init__(self, cycle_ms: int | None = None) -> None:
        self.tally = Tally()
        self._cycle_ms = cycle_ms
        self._lines = Lines(limit_bytes=200)
        self._last: Record | None = None
        self._said: MachineState | None = None
        self._heard_ms = 0
        self._pulse_ms = 0
        """When the last pulse was seen by our clock, or since when we have looked for one."""

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. Opening the port resets many boards: its count may begin again."""
        self._lines.drop()
        self._last, self._said, self._heard_ms = None, None, mono_ms

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first."""
        found = self.idle(mono_ms)
        for line in self._lines.feed(data):
            found += self._line(line, mono_ms)
        return found

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: a machine without pulses for 3 cycles stands still, a silent board is unknown."""
        if self._last is None:
            return []
        if mono_ms - self._heard_ms > SILENT_MS:
            self._last = None
            return [
                Gap("カウンタが答えません / the counter does not answer"),
                *self._state(MachineState.UNKNOWN, "SILENT"),
            ]
        if self._cycle_ms and mono_ms - self._pulse_ms > CYCLES * self._cycle_ms:
            return self._state(MachineState.IDLE, "NO PULSE")
        return []

    def to_send(self, mono_ms: int) -> bytes:
        """Return nothing, ever: a counter speaks by itself."""
        _ = mono_ms
        return b""

    def _line(self, line: bytes, mono_ms: int) -> list[Reading]:
        self.tally.lines += 1
        record = record_of(line)
        if record is None:
            self.tally.reject(line)
            return []
        readings: list[Reading] = []
        before, self._last, self._heard_ms = self._last, record, mono_ms
        if before and not record.follows(before):
            readings.append(Gap("カウンタの電源が切れ、入りました / the counter was switched off and on"))
            before = None
        if before is None:
            self._pulse_ms = mono_ms
            return [*readings, Total("parts", record.count)]
        if record.count == before.count:
            return []
        if self._cycle_ms and (record.count - before.count) % ROUND < ROUND // 2:
            self._pulse_ms = mono_ms
            readings = self._state(MachineState.RUNNING, "PULSES")
        return [Total("parts", record.count), *readings]

    def _state(self, state: MachineState, raw: str) -> list[Reading]:
        if state is self._said:
            return []
        self._said = state
        return [State(state, raw)]
