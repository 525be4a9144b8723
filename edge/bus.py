"""One line with several devices that speak only when asked: a thread that keeps it open and gives each its turn.

Whose turn it is is decided in `edge.drivers.modbus.line`; what the readings mean, in `edge.rules.machines`.
"""

from collections.abc import Mapping, Sequence

from broker.clock import monotonic_ms
from edge.drivers.device import Device, Serial
from edge.drivers.modbus.settings import Modbus
from edge.drivers.readings import Tally
from edge.inbox import Inbox, MachineFound, MachineLost, Sensed
from edge.line import KeptOpen, Pace
from edge.machine import WAITING_MOST, why_lost
from edge.tap import Tap
from edge.wire import Wire

_READ_SECONDS = (0.02, 0.05, 0.25)
"""How long a read may wait. Few values, because a port is set anew for each other one."""
_PACE = Pace(read_seconds=_READ_SECONDS[-1], retry_seconds_first=0.5, retry_seconds_max=10.0)
_FRAME_GAP_BITS = 3.5 * 11
"""The silence between two frames, in bits. Source: MODBUS over Serial Line V1.02, 2.5.1.1."""
_GAP_SECONDS_LEAST = 0.005


class Bus:
    """Hears all machines of one line for as long as it lives, through being unplugged and back."""

    def __init__(self, machines: Sequence[Modbus], inbox: Inbox, taps: Mapping[str, Tap]) -> None:
        from edge.drivers.modbus.line import Line  # noqa: PLC0415 - pymodbus costs memory: only if it is used

        self._machines, self._inbox = machines, inbox
        self._taps = [taps[one.id] for one in machines]
        self._units = [one.parser() for one in machines]
        self._line = Line(self._units)
        self._place = machines[0].place
        self._heard: list[bool | None] = [None] * len(machines)
        """Of each machine: what was said of it last, heard or lost; None if nothing was."""
        self._kept = KeptOpen(f"line {self._place}", self._place, pace=_PACE, hear=self._hear, failed=self._fail)
        self.start, self.leave, self.stop = self._kept.start, self._kept.leave, self._kept.stop

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """What each machine has sent since the start."""
        return {machine.id: unit.tally for machine, unit in zip(self._machines, self._units, strict=True)}

    def _fail(self, error: Exception) -> None:
        for place, machine in enumerate(self._machines):
            self._say(place, heard=False, why=why_lost(machine, error))

    def _hear(self, wire: Wire) -> None:
        """Ask in turn until the line fails or we are asked to end. Where nobody answers a network is connected anew."""
        self._line.opened(monotonic_ms())
        gap_seconds = 0.0
        if isinstance(self._place, Serial):
            gap_seconds = max(_GAP_SECONDS_LEAST, _FRAME_GAP_BITS / self._place.baud)
        while not self._kept.stopping.is_set():
            if question := self._line.to_send(monotonic_ms()):
                wire.write(question)
                self._taps[self._line.turn].note(question, sent=True)
            place, data = self._line.turn, wire.read(self._read_seconds())
            if data:
                self._taps[place].note(data)
            readings = self._line.feed(data, monotonic_ms())
            if readings:
                self._inbox.put(Sensed(self._machines[place].id, tuple(readings)))
            if (answering := self._units[place].answering) is not None:
                self._say(place, heard=answering, why=_silent(self._machines[place]))
                if answering:
                    self._kept.settled()
            if not self._units[place].waiting and gap_seconds:
                self._kept.stopping.wait(gap_seconds)
            if not gap_seconds and all(unit.answering is False for unit in self._units):
                raise TimeoutError("nobody answers")
            self._kept.rest()
            while self._inbox.qsize() > WAITING_MOST and not self._kept.stopping.wait(_READ_SECONDS[-1]):
                pass

    def _say(self, place: int, *, heard: bool, why: str) -> None:
        if heard is self._heard[place]:
            return
        self._heard[place] = heard
        machine = self._machines[place].id
        self._inbox.put(MachineFound(machine) if heard else MachineLost(machine, why))

    def _read_seconds(self) -> float:
        """Return how long a read may wait until something is to be done."""
        left_seconds = (self._line.next_ms() - monotonic_ms()) / 1000
        return max((one for one in _READ_SECONDS if one <= left_seconds), default=_READ_SECONDS[0])


def lines(machines: Sequence[Device]) -> list[list[Modbus]]:
    """Return the machines that share a line, line by line."""
    found: dict[object, list[Modbus]] = {}
    for one in machines:
        if isinstance(one, Modbus):
            found.setdefault(one.place, []).append(one)
    return list(found.values())


def _silent(machine: Modbus) -> str:
    return (
        f"machine {machine.id} does not answer at {machine.place}, unit {machine.unit}: is it switched on? "
        "Else check unit, baud and framing, and the two wires A and B"
    )
