"""Several units on one line: one question at a time, in turn, a silent one never in the others' way. Sans-io.

Source: MODBUS over Serial Line V1.02, 2.1: one master, one question, nobody speaks unasked.
"""

from collections.abc import Sequence

from edge.drivers.modbus.parser import Parser
from edge.drivers.readings import Reading


class Line:
    """Gives the line to one unit after the other. What arrives is for the one that asked last."""

    def __init__(self, units: Sequence[Parser]) -> None:
        self._units = units
        self.turn = 0
        """Whose answer is waited for, or came last: its place among the units."""

    def opened(self, mono_ms: int) -> None:
        """Say that the line is there (again)."""
        for unit in self._units:
            unit.opened(mono_ms)

    def to_send(self, mono_ms: int) -> bytes:
        """Return the next question, of whoever's turn it is; empty while an answer is waited for or none is due."""
        if self._units[self.turn].waiting:
            return b""
        for after in range(1, len(self._units) + 1):
            place = (self.turn + after) % len(self._units)
            if self._due_ms(place) <= mono_ms and (question := self._units[place].to_send(mono_ms)):
                self.turn = place
                return question
        return b""

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take what has arrived, empty if nothing has; return what the unit whose turn it is makes of it."""
        unit = self._units[self.turn]
        return unit.feed(data, mono_ms) if data else unit.idle(mono_ms)

    def next_ms(self) -> int:
        """When something is to be done next."""
        if self._units[self.turn].waiting:
            return self._units[self.turn].next_ms
        return min(self._due_ms(place) for place in range(len(self._units)))

    def _due_ms(self, place: int) -> int:
        """Return when a unit is next asked: not while an answer that is late may be taken for its own."""
        unit = self._units[place]
        return max(unit.next_ms, *(one.quiet_until_ms for one in self._units if one.unit == unit.unit))
