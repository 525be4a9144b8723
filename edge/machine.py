"""One machine on its line: what it says goes to the inbox. What that means is decided in `edge.rules.machines`."""

from collections.abc import Sequence

from edge.drivers.device import Device
from edge.drivers.readings import Reading, Tally, Text
from edge.inbox import Inbox, MachineFound, MachineLost, Scanned, Sensed
from edge.line import Line, Pace
from edge.tap import Tap

_RETRY_SECONDS_FIRST, _RETRY_SECONDS_MAX = 0.5, 10.0
WAITING_MOST = 20
"""Beyond so many unread items a device is not read on: one that never stops talking must fill no memory. An item is up
to 16 KiB of lines, four times as much when read."""


class MachinePort:
    """Hears one machine for as long as it lives, through being switched off and back."""

    def __init__(self, machine: Device, inbox: Inbox, tap: Tap) -> None:
        self._machine, self._inbox = machine, inbox
        pace = Pace(machine.read_seconds, _RETRY_SECONDS_FIRST, _RETRY_SECONDS_MAX)
        self._line = Line(f"machine {machine.id}", machine.place, machine.parser(), pace=pace, ear=self, tap=tap)
        self.start, self.leave, self.stop = self._line.start, self._line.leave, self._line.stop

    @property
    def tally(self) -> Tally:
        """What the machine has sent since the start."""
        return self._line.parser.tally

    def opened(self) -> None:
        """See `Ear`."""
        self._inbox.put(MachineFound(self._machine.id))

    def lost(self, error: Exception) -> None:
        """See `Ear`."""
        self._inbox.put(MachineLost(self._machine.id, why_lost(self._machine, error)))

    def heard(self, readings: Sequence[Reading]) -> None:
        """See `Ear`."""
        scanned = [one.text for one in readings if isinstance(one, Text)] if self._machine.scans else []
        if said := tuple(one for one in readings if not isinstance(one, Text)):
            self._inbox.put(Sensed(self._machine.id, said))
        for text in scanned:
            self._inbox.put(Scanned(self._machine.id, text))

    def full(self) -> bool:
        """See `Ear`."""
        return self._inbox.qsize() > WAITING_MOST


def why_lost(machine: Device, error: Exception) -> str:
    """Return why a machine cannot be heard, and what to do."""
    return f"machine {machine.id} cannot be heard at {machine.place}: is it switched on, its cable in? ({error})"
