"""What every driver makes of its device: one small set of readings, and what it counts of the bytes it was fed.

What a reading means for an operation is not known here (see `edge.rules.machines`).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from broker.events import MachineState

_SHOWN_LINES = 5
_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class State:
    """What the machine does. `raw` is the device's own word for it, `at` its own clock, if it has one."""

    state: MachineState
    raw: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A cumulative counter as the device shows it; what it counts and whether it may be believed is decided later.

    `old`: where it stood at some unknown time. It may begin a count that has none, and never adds to one.
    """

    signal: str
    value: int
    at: datetime | None = None
    old: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """A fault or warning began (`active`) or ended. `key` names it, so that a hundred repetitions are one."""

    key: str
    text: str
    active: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Something was scanned or keyed. `symbology` is the AIM identifier without `]`, if the scanner sends one."""

    text: str
    symbology: str | None = None


ENTER_ALONE = "\n"
"""The text of a ten-key pad's ENTER without a number. No scanner's frame can be it: they end at a line feed."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something the device sent is lost, and nobody can say what: never computed across. One sentence."""

    why: str


Reading = State | Total | Alarm | Text | Gap


@dataclass(slots=True)
class Tally:
    """What a parser has been fed: `lines` (or frames) that it looked at, those that fit no grammar, and the first few.

    Malformed ones are kept as they came, cut to 200 bytes, for whoever installs the device.
    """

    lines: int = 0
    malformed: int = 0
    first: list[tuple[int, bytes]] = field(default_factory=list)
    """Number (from 1) and bytes of the first malformed lines."""
    last_at: datetime | None = None
    """The time that the last line states by the device's own clock."""
    other: int = 0
    """Of the lines, those that are clean text and meant for somebody else: a listing, a measurement that is printed."""
    parity_bytes: int = 0
    """Characters that carried a parity bit: they are read without it, and the port should be set to 7E1."""

    def reject(self, line: bytes) -> None:
        """Count a line that fits no grammar."""
        self.malformed += 1
        if len(self.first) < _SHOWN_LINES:
            self.first.append((self.lines, line[:_SHOWN_BYTES]))


class Parser(Protocol):
    """Sans-io: bytes in with their monotonic time, readings out; and what it wants sent to the device.

    No method raises on any bytes, and none keeps more than a bounded buffer.
    """

    tally: Tally

    def opened(self, mono_ms: int) -> None:
        """Say that the connection was made (again): what had arrived of a frame is not its beginning."""

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first."""

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived until `mono_ms`."""

    def to_send(self, mono_ms: int) -> bytes | None:
        """Return what to send now; empty: nothing; None: hang up, and connect again. Only ever questions: no driver
        commands a machine.
        """


@runtime_checkable
class Asking(Parser, Protocol):
    """A parser to which an answer says nothing without its question: a recording gives it both."""

    def asked(self, question: bytes) -> None:
        """Say that this was sent to the device: what comes next is its answer."""
