"""The four functions that read, and a question made of one. Nothing else is ever asked of a unit. Pure.

Source: MODBUS Application Protocol V1.1b3, 6.1 to 6.4. How a question becomes bytes: `frames`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Read(IntEnum):
    """A function that reads, by its number."""

    COILS = 1
    DISCRETE = 2
    HOLDING = 3
    INPUT = 4


READS: Mapping[str, Read] = {
    "coil": Read.COILS,
    "discrete": Read.DISCRETE,
    "input": Read.INPUT,
    "holding": Read.HOLDING,
}
BITS = frozenset({Read.COILS, Read.DISCRETE})
BITS_MOST, REGISTERS_MOST = 2000, 125
"""What the standard lets anybody ask at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """Read `count` bits or registers of a unit from `address`, counted from 0 as on the wire."""

    unit: int
    read: Read
    address: int
    count: int

    @property
    def answer_bytes(self) -> int:
        """How many bytes of values its answer has."""
        return (self.count + 7) // 8 if self.read in BITS else self.count * 2
