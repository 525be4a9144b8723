"""One scanner or ten-key pad on its line: what it read goes to the agent's inbox, answers go back as its sounds.

What a text means is decided elsewhere.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.drivers.reader import Reader
from edge.drivers.readings import Alarm, Gap, Reading, Tally, Text
from edge.inbox import Inbox, PortLost, PortOpen, Remarked, Scanned
from edge.line import Line, Pace
from edge.rules import Tone
from edge.tap import Tap

_RETRY_SECONDS_FIRST = 0.2
_RETRY_SECONDS_MAX = 2.0
"""So that a scanner plugged in again is read within 5 s (F15)."""
_WAITING_MOST = 500


class Port:
    """Reads one scanner for as long as it lives, through unplugging and back.

    `machines` are ports of machines: a scanner is answered and a machine never, whatever name its port has.
    """

    def __init__(self, reader: Reader, inbox: Inbox, tap: Tap, *, machines: Iterable[Path] = ()) -> None:
        self._reader, self._inbox = reader, inbox
        pace = Pace(reader.read_seconds, _RETRY_SECONDS_FIRST, _RETRY_SECONDS_MAX)
        self._line = Line(
            f"port {reader.id}", reader.place, reader.parser(), pace=pace, ear=self, tap=tap, others=machines
        )
        self.start, self.leave, self.stop = self._line.start, self._line.leave, self._line.stop

    @property
    def tally(self) -> Tally:
        """What the scanner has sent since the start."""
        return self._line.parser.tally

    def sound(self, tone: Tone) -> None:
        """Make the scanner say so, if it can; a scanner that is away misses it."""
        self._line.write(self._reader.sound(tone))

    def opened(self) -> None:
        """See `Ear`."""
        self._inbox.put(PortOpen(self._reader.id))

    def lost(self, error: Exception) -> None:
        """See `Ear`."""
        why = (
            f"scanner {self._reader.id} cannot be read: plug it in, and see that no other program reads "
            f"{self._reader.place} ({error})"
        )
        self._inbox.put(PortLost(self._reader.id, why))

    def heard(self, readings: Sequence[Reading]) -> None:
        """See `Ear`."""
        for reading in readings:
            match reading:
                case Text(text):
                    self._inbox.put(Scanned(self._reader.id, text))
                case Alarm(_, why) | Gap(why):
                    self._inbox.put(Remarked(self._reader.id, why))

    def full(self) -> bool:
        """See `Ear`: no person scans so much, but a program that publishes scans without end must fill no memory."""
        return self._inbox.qsize() > _WAITING_MOST
