"""Where a unit keeps what we want to know, and what its registers and bits come to. Pure.

Which bytes carry them is not known here (see `frames`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from broker.events import MachineState
from edge.drivers.modbus.reads import BITS, Question, Read

BITS_MOST, REGISTERS_MOST = 16, 60
"""So much is asked at once. Answers to 16 bits have 6 or 7 bytes, to registers an odd number: a question has 8, so its
echo (a two-wire adapter hears itself) is never taken for its answer."""


class Type(StrEnum):
    """How a value lies in registers. `swapped`: the low word comes first, as in most Japanese PLCs."""

    BIT = "bit"
    U16 = "u16"
    U32 = "u32"
    U32_SWAPPED = "u32_swapped"
    BCD16 = "bcd16"
    BCD32 = "bcd32"
    BCD32_SWAPPED = "bcd32_swapped"


WRAPS: Mapping[Type, int] = {
    Type.U16: 1 << 16,
    Type.U32: 1 << 32,
    Type.U32_SWAPPED: 1 << 32,
    Type.BCD16: 10_000,
    Type.BCD32: 100_000_000,
    Type.BCD32_SWAPPED: 100_000_000,
}
"""The value after which a full counter begins again at 0."""

_TWO_WORDS = frozenset({Type.U32, Type.U32_SWAPPED, Type.BCD32, Type.BCD32_SWAPPED})
_LOW_FIRST = frozenset({Type.U32_SWAPPED, Type.BCD32_SWAPPED})
_BCD = frozenset({Type.BCD16, Type.BCD32, Type.BCD32_SWAPPED})


@dataclass(frozen=True, slots=True)
class Signal:
    """One value of a unit. `address` counts from 0; `shown` is how the settings name the place."""

    name: str
    read: Read
    address: int
    type: Type
    bit: int = 0
    inverted: bool = False
    states: Mapping[int, MachineState] = field(default_factory=dict)
    shown: str = ""

    @property
    def size(self) -> int:
        """How many bits or registers it lies in."""
        return 2 if self.type in _TWO_WORDS else 1

    def value(self, found: Sequence[int]) -> int | None:
        """Return what its registers or its bit come to; None where a digit of BCD is none."""
        if self.read in BITS:
            return found[0] ^ self.inverted
        if self.type is Type.BIT:
            return (found[0] >> self.bit & 1) ^ self.inverted
        words = reversed(found) if self.type in _LOW_FIRST else found
        digits = "".join(f"{word:04x}" for word in words)
        if self.type in _BCD:
            return int(digits) if digits.isdecimal() else None
        return int(digits, 16)


def questions(unit: int, signals: Iterable[Signal]) -> tuple[Question, ...]:
    """Return the fewest questions that read only what the settings name: what lies between is often forbidden."""
    found: list[Question] = []
    for one in sorted(signals, key=lambda one: (one.read, one.address, one.size)):
        last = found[-1] if found else None
        most = BITS_MOST if one.read in BITS else REGISTERS_MOST
        if last and last.read is one.read and one.address <= last.address + last.count:
            count = max(last.count, one.address + one.size - last.address)
            if count <= most:
                found[-1] = Question(unit, last.read, last.address, count)
                continue
        found.append(Question(unit, one.read, one.address, one.size))
    return tuple(found)


def values(question: Question, found: Sequence[int], signals: Iterable[Signal]) -> Mapping[str, int | None]:
    """Return the values of the signals that an answer holds whole."""
    return {
        one.name: one.value(found[one.address - question.address : one.address - question.address + one.size])
        for one in signals
        if covers(question, one) and len(found) >= one.address - question.address + one.size
    }


def covers(question: Question, signal: Signal) -> bool:
    """Return whether a question asks for a signal, all of it."""
    return (
        signal.read is question.read
        and question.address <= signal.address
        and signal.address + signal.size <= question.address + question.count
    )
