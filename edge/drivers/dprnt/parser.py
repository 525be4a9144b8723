"""DPRNT lines: `S/17 JOB/A2611-42 OP/20 EV/END N/12` in, states and totals out. Sans-io; nothing is ever sent.

The record is ours, the program that prints it is in README.md. It has no checksum: what is not exactly a record is
counted and left; other lines that a program prints (a measurement, a listing) are no fault. `S`, a running number,
names what was lost; `N` is the control's own count.
Source: Haas 96-8000, DPRNT (June 1999, p. 116); Fanuc custom macro B, POPEN, DPRNT and PCLOS. From documents, not from
a machine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from broker.events import MachineState
from edge.drivers.lines import Lines
from edge.drivers.readings import Gap, Reading, State, Tally, Total
from edge.drivers.seven_bits import seven_bits

SILENT_MS = 60 * 60_000
"""Longer than most cycles. A control that stopped in one says nothing, and is not running for ever."""
END_MS = 2_000
"""A line that has not ended by then lost its end."""
_LINE_BYTES = 200
_NUMBER_MOST = 10_000_000

_DROPPED = bytes([0x00, 0x11, 0x12, 0x13, 0x14, 0x7F])
"""Leader, DC1 to DC4 (POPEN, PCLOS, XON, XOFF), DEL."""
_FIELD = r"([A-Z]{1,8})/ *([A-Z0-9+./-]{1,40})"
_RECORD = re.compile(rf"{_FIELD}(?: +{_FIELD})*")
_FIELDS = re.compile(_FIELD)
_OTHER = re.compile(rb"[ -~]{4,}")
"""Clean text. Shorter pieces are what noise looks like between two bytes that happen to be ends of lines."""
_NUMBER = re.compile(r"(\d{1,10})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of ours: whether a cycle ends with it, its running number, and the control's count."""

    is_end: bool
    number: int | None
    count: int | None


class Parser:
    """Holds the line that is arriving and the last record."""

    def __init__(self, silent_ms: int = SILENT_MS) -> None:
        self.tally = Tally()
        self._silent_ms = silent_ms
        self._lines = Lines(limit_bytes=_LINE_BYTES)
        self._last: Record | None = None
        self._is_count_told = False
        self._ends: int | None = None
        """The ends of cycles, where the control tells no count."""
        self._said: MachineState | None = None
        self._has_starts = False
        """Whether the program prints a start too: then an end is the end of running."""
        self._byte_ms = self._heard_ms = 0

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. The running number goes on: it names what was lost meanwhile."""
        self._lines.drop()
        self._forget()
        self._heard_ms = mono_ms

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first."""
        text, parity = seven_bits(data, dropped=_DROPPED)
        self.tally.parity_bytes += parity
        found = self.idle(mono_ms)
        self._byte_ms = mono_ms
        for line in self._lines.feed(text):
            found += self._line(line, mono_ms)
        return found

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: half a line is given up, and what nothing was heard of for long is unknown."""
        if self._lines.waiting and mono_ms - self._byte_ms > END_MS:
            self._reject(self._lines.take())
        if self._said is None or self._said is MachineState.UNKNOWN or mono_ms - self._heard_ms <= self._silent_ms:
            return []
        self._forget()
        return list(self._state(MachineState.UNKNOWN, "SILENT"))

    def to_send(self, mono_ms: int) -> bytes:
        """Return nothing, ever: the part program speaks by itself."""
        _ = mono_ms
        return b""

    def _forget(self) -> None:
        self._said, self._has_starts = None, False

    def _line(self, line: bytes, mono_ms: int) -> Iterator[Reading]:
        text = line.decode("ascii", errors="replace").strip().upper()
        if not text or text.startswith("%"):
            return
        record = record_of(text)
        if record is None and _OTHER.fullmatch(line) and "EV/" not in text:
            self.tally.lines += 1
            self.tally.other += 1
            return
        if record is None:
            self._reject(line)
            return
        self.tally.lines += 1
        self._heard_ms = mono_ms
        if record.number is not None and record == self._last:
            return  # printed twice
        yield from self._missing(record)
        self._last = record
        yield from self._counts(record)
        self._has_starts = self._has_starts or not record.is_end
        if self._has_starts:
            state = MachineState.IDLE if record.is_end else MachineState.RUNNING
            yield from self._state(state, "END" if record.is_end else "START")

    def _reject(self, line: bytes) -> None:
        self.tally.lines += 1
        self.tally.reject(line)

    def _missing(self, record: Record) -> Iterator[Reading]:
        """Name the records that did not arrive between the last one and this."""
        before = self._last.number if self._last else None
        if before is None or record.number is None or record.number == before + 1:
            return
        if record.number <= before:
            yield Gap(
                f"記録番号が {before} から {record.number} に戻りました / "
                f"the control's record numbers went from {before} back to {record.number}"
            )
        else:
            first, last = before + 1, record.number - 1
            ja = f"記録 {first} が" if first == last else f"記録 {first}〜{last}（{last - before} 件）が"
            en = f"1 record is missing: {first}"
            if first != last:
                en = f"{last - before} records are missing: {first} to {last}"
            yield Gap(f"{ja}抜けました / {en}")

    def _counts(self, record: Record) -> Iterator[Reading]:
        """Return the control's count, or ours of ends: whichever came first, since two are never mixed."""
        if record.count is not None and self._ends is None:
            self._is_count_told = True
            yield Total("parts", record.count)
        elif record.is_end and not self._is_count_told:
            if self._ends is None:
                yield Total("parts", 0)
            self._ends = (self._ends or 0) + 1
            yield Total("parts", self._ends)

    def _state(self, state: MachineState, raw: str) -> Iterator[Reading]:
        if state is not self._said:
            self._said = state
            yield State(state, raw)


def record_of(text: str) -> Record | None:
    """Return a line's record; None if it is none. Other fields (`JOB`, `OP`, a tool's number) are for people.

    >>> record_of("S/   17 JOB/A2611-42 OP/20 EV/END N/ 12.")
    Record(is_end=True, number=17, count=12)
    """
    if _RECORD.fullmatch(text) is None:
        return None
    pairs = _FIELDS.findall(text)
    fields = dict(pairs)
    numbers = {name: _number(fields[name]) for name in ("S", "N") if name in fields}
    if len(fields) < len(pairs) or fields.get("EV") not in ("START", "END") or None in numbers.values():
        return None
    return Record(fields["EV"] == "END", numbers.get("S"), numbers.get("N"))


def _number(shown: str) -> int | None:
    """Return a whole number as controls print it, `12` or `12.`; None if it is none, or beyond all sense."""
    found = _NUMBER.fullmatch(shown)
    return int(found[1]) if found and int(found[1]) <= _NUMBER_MOST else None
