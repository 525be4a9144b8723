"""The machines of one edge: their ports, what is remembered of each station, and recording what is to be told.

What is told and when is decided in `edge.rules.machines`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from broker.clock import Reading as Now
from broker.events import Action, AnyEvent, MachineState, Ref, Work
from broker.messages import Loose
from edge.drivers.device import Device
from edge.drivers.readings import Gap, Reading, State, Tally, Total
from edge.inbox import Inbox, MachineFound, MachineLost, Sensed
from edge.log import Log
from edge.machine import MachinePort
from edge.outbox import RefusedError
from edge.rules.counting import Counted
from edge.rules.desk import Heard
from edge.rules.loose import Cycles, look
from edge.rules.machines import SILENCE, Rules, Seen, Station, Told, hear, pass_time
from edge.rules.memory import Phase
from edge.settings import Edge
from edge.store import Store
from edge.tap import Tap

if TYPE_CHECKING:
    from edge.bus import Bus

_NOTE, _MARKS, _STOPS = "machines", "machine-marks", "machine-stops"
_MARKS_MOST = 200
_NOTES_MS = 60_000
"""What is odd about a machine is logged at most so often: one whose counter jumps to and fro does it all day."""
_SIGNAL = "parts"
"""What is offered at a finish; other signals are counted and told, and offered to nobody."""


class Machines:
    """Hears every machine of this edge; one that is silent or talks nonsense never holds the others up."""

    def __init__(self, settings: Edge, store: Store, inbox: Inbox, taps: Mapping[str, Tap], log: Log) -> None:
        self._store, self._log = store, log
        self._settings = {one.id: one for one in settings.machine}
        self._ports = {one.id: MachinePort(one, inbox, taps[one.id]) for one in settings.machine if not one.shares_line}
        self._lines = _shared_lines(settings.machine, inbox, taps)
        counters, stops = _load(store.outbox.note(_NOTE)), _load_stops(store.outbox.note(_STOPS))
        self._stations = {
            one.id: _begun(counters.get(one.station, {}), stops.get(one.station)) for one in settings.machine
        }
        self._marks = _load_marks(store.outbox.note(_MARKS))
        self.lost: dict[str, str | None] = dict.fromkeys(self._settings, "not heard yet")
        self._cycles: dict[str, Cycles] = {}
        self._refusing = False
        self._noted: dict[str, int] = {}
        self._unsaid = dict.fromkeys(self._settings, 0)
        self._remarks: dict[str, str] = {}
        """The last thing a driver could not read, until its machine says something again."""
        self._told: set[tuple[str, str]] = set()
        """Machines and signals heard since the start: what was recorded before it is not what a machine says now."""

    def start(self) -> None:
        """Begin connecting to all of them; returns at once."""
        for one in self._hearing():
            one.start()

    def leave(self) -> None:
        """Ask all their threads to let go; returns at once."""
        for one in self._hearing():
            one.leave()

    def stop(self) -> None:
        """Let go of all of them."""
        self.leave()
        for one in self._hearing():
            one.stop()

    def take(self, item: Sensed | MachineFound | MachineLost, now: Now) -> bool:
        """Take what a machine's thread says; return whether a station's picture changed."""
        machine = self._settings[item.machine]
        before = self._stations[machine.id].said
        match item:
            case Sensed(_, readings):
                self._remark(machine.id, readings)
                self._hear(machine, readings, now)
            case MachineFound():
                self.lost[machine.id] = None
                self._log("INFO", f"machine {machine.id} is connected")
            case MachineLost(_, reason):
                self.lost[machine.id] = reason
                self._log("WARNING", reason)
                self._hear(machine, SILENCE, now)
        return self._stations[machine.id].said != before

    def tick(self, now: Now) -> bool:
        """Say what has lasted; return whether a station's picture changed."""
        before = [station.said for station in self._stations.values()]
        for machine in self._settings.values():
            self._pass_time(machine, now)
        return [station.said for station in self._stations.values()] != before

    def look(self, now: Now) -> bool:
        """Look, once a second, which machine works without a ticket; return whether what is told of one changed."""
        tickets = {session.station for session in self._store.memory.open()}
        before = [cycles.told for cycles in self._cycles.values()]
        for name, machine in self._settings.items():
            said = self._stations[name].said
            running = said is not None and said.state is MachineState.RUNNING
            ticket = machine.station in tickets
            self._cycles[name] = look(
                self._cycles.get(name), now, running=running, total=self._total(name), ticket=ticket
            )
        return before != [cycles.told for cycles in self._cycles.values()]

    def loose(self, station: str) -> Loose | None:
        """Return what a station's machine did without a ticket; None if nothing that is worth a flag."""
        for name, machine in self._settings.items():
            told = self._cycles[name].told if name in self._cycles else None
            if machine.station == station and told:
                return Loose(since=told.since, until=told.until, pieces=told.last - told.first)
        return None

    def seen(self, station: str) -> tuple[MachineState, datetime | None]:
        """Return what a station's machine does and since when; unknown if there is none."""
        for name, machine in self._settings.items():
            said = self._stations[name].said
            if machine.station == station and said:
                return said.state, said.since
        return MachineState.UNKNOWN, None

    # -- machine meets job ---------------------------------------------------------------------------------------------

    def flush(self, stations: Iterable[str], now: Now) -> None:
        """Tell what was counted until a scan, before it is answered: it may end the start that this counts for."""
        for machine in self._settings.values():
            if machine.station in stations:
                self._pass_time(machine, now, counts_at_once=True)

    def marks(self, events: Iterable[AnyEvent], first: Ref) -> dict[str, bytes]:
        """Return the note to store with these events: where each machine's counter stood when a start was made."""
        totals = {machine.station: self._total(name) for name, machine in self._settings.items()}
        new = {
            _mark(first.model_copy(update={"seq": first.seq + n})): totals[event.station]
            for n, event in enumerate(events)
            if isinstance(event, Work) and event.action is Action.START and event.station in totals
        }
        if not new:
            return {}
        self._marks = dict(list((self._marks | new).items())[-_MARKS_MOST:])
        return {_MARKS: json.dumps(self._marks, separators=(",", ":")).encode()}

    def heard(self, station: str, opening: Ref) -> Heard:
        """Return what a station's machine says of a start that is about to end (see `edge.rules.desk.Machines`)."""
        for name, machine in self._settings.items():
            if machine.station == station:
                begun = self._marks.get(_mark(opening))
                pieces = None if begun is None else max(0, self._total(name) - begun) or None
                return Heard(pieces, self._stations[name].stopped)
        return Heard()

    def _total(self, machine: str) -> int:
        return self._stations[machine].counters.get(_SIGNAL, Counted()).total

    def tally(self, machine: str) -> Tally:
        """Return what a machine has sent since the start."""
        return self._tallies()[machine]

    def said(self, machine: str) -> Seen | None:
        """Return what was last said of a machine; None if nothing was."""
        return self._stations[machine].said

    @property
    def malformed(self) -> dict[str, int]:
        """How many lines of each machine fit no grammar."""
        return {name: tally.malformed for name, tally in self._tallies().items()}

    @property
    def readings(self) -> dict[str, dict[str, object]]:
        """What each machine says now, before any dwell: state, since when, its counters, what its driver remarked."""
        found: dict[str, dict[str, object]] = {}
        for name, station in self._stations.items():
            seen = station.coming or station.said
            found[name] = {
                "state": seen.state.value if seen else None,
                "since": seen.since.isoformat(timespec="seconds") if seen else None,
                "word": seen.text if seen else "",
                "counters": {one: station.counters[one].shown for one in station.counters if (name, one) in self._told},
                "note": self._remarks.get(name, ""),
            }
        return found

    def _tallies(self) -> dict[str, Tally]:
        tallies = {name: port.tally for name, port in self._ports.items()}
        for line in self._lines:
            tallies.update(line.tallies)
        return tallies

    def _hearing(self) -> "list[MachinePort | Bus]":
        return [*self._ports.values(), *self._lines]

    def _hear(self, machine: Device, readings: Sequence[Reading], now: Now) -> None:
        station, start = self._stations[machine.id], self._start_at(machine.station)
        self._tell(machine, hear(station, machine.station, readings, now, rules=_rules(machine), start=start), now)

    def _pass_time(self, machine: Device, now: Now, *, counts_at_once: bool = False) -> None:
        station, start = self._stations[machine.id], self._start_at(machine.station)
        told = pass_time(
            station, machine.station, now, rules=_rules(machine), start=start, counts_at_once=counts_at_once
        )
        self._tell(machine, told, now)

    def _tell(self, machine: Device, told: Told, now: Now) -> None:
        """Record; where there is no room for machines, what they do is unknown from now on."""
        self._note(machine.id, told.notes, now.mono_ms)
        after = self._stations | {machine.id: told.station}
        if told.events:
            stations = {self._settings[name].station: one for name, one in after.items()}
            notes = {
                _NOTE: _dump({name: one.counters for name, one in stations.items()}),
                _STOPS: _dump_stops({name: one.stopped for name, one in stations.items()}),
            }
            try:
                self._store.record(told.events, now, notes)
            except RefusedError as error:
                if not self._refusing:
                    self._log("WARNING", str(error))
                self._refusing = True
                since = Seen(MachineState.UNKNOWN, now.at, now.mono_ms)
                self._stations[machine.id] = Station(said=since, counters=told.station.counters)
                return
            self._refusing = False
        self._stations = after

    def _remark(self, machine: str, readings: Sequence[Reading]) -> None:
        for one in readings:
            match one:
                case Gap(why):
                    self._remarks[machine] = why
                case State(MachineState.UNKNOWN):
                    pass
                case _:
                    self._remarks.pop(machine, None)
            if isinstance(one, Total):
                self._told.add((machine, one.signal))

    def _note(self, machine: str, notes: Sequence[str], mono_ms: int) -> None:
        """Log the latest note, unless one was logged just now; `more` were not logged since."""
        self._unsaid[machine] += len(notes)
        if notes and mono_ms - self._noted.get(machine, -_NOTES_MS) >= _NOTES_MS:
            self._log("WARNING", notes[-1], more=self._unsaid[machine] - 1)
            self._noted[machine], self._unsaid[machine] = mono_ms, 0

    def _start_at(self, station: str) -> Ref | None:
        """Return the one start that is running at a station; None if there is none, or more than one."""
        running = [
            session.opening
            for session in self._store.memory.open()
            if session.station == station and session.phase is Phase.RUNNING and session.opening
        ]
        return running[0] if len(running) == 1 else None


def _shared_lines(machines: Sequence[Device], inbox: Inbox, taps: Mapping[str, Tap]) -> "list[Bus]":
    if not any(one.shares_line for one in machines):
        return []
    from edge.bus import Bus, lines  # noqa: PLC0415 - it loads a driver, which costs memory

    return [Bus(line, inbox, taps) for line in lines(machines)]


def _rules(machine: Device) -> Rules:
    return Rules(int(machine.dwell_seconds * 1000), machine.wrap, machine.step_most)


def _begun(counters: Mapping[str, Counted], stopped: datetime | None) -> Station:
    """Return a station whose counters go on where they were recorded last."""
    told = {name: (one.total, 0) for name, one in counters.items()}
    return Station(counters=counters, told=told, stopped=stopped)


def _mark(ref: Ref) -> str:
    return f"{ref.epoch} {ref.seq}"


def _load_marks(note: bytes | None) -> dict[str, int]:
    try:
        return {str(name): int(total) for name, total in json.loads(note or b"{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _dump_stops(stops: Mapping[str, datetime | None]) -> bytes:
    return json.dumps({station: at.isoformat() for station, at in stops.items() if at}, separators=(",", ":")).encode()


def _load_stops(note: bytes | None) -> dict[str, datetime]:
    """Read what `_dump_stops` wrote; what cannot be read is offered to nobody."""
    try:
        found = {str(station): datetime.fromisoformat(at) for station, at in json.loads(note or b"{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {station: at for station, at in found.items() if at.tzinfo}


def _dump(counters: Mapping[str, Mapping[str, Counted]]) -> bytes:
    plain = {
        station: {name: [one.shown, one.total] for name, one in signals.items()}
        for station, signals in counters.items()
    }
    return json.dumps(plain, separators=(",", ":")).encode()


def _load(note: bytes | None) -> dict[str, dict[str, Counted]]:
    """Read what `_dump` wrote; what cannot be read is a new beginning of every counter."""
    try:
        plain = json.loads(note or b"{}")
        return {
            station: {name: Counted(shown, int(total)) for name, (shown, total) in signals.items()}
            for station, signals in plain.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
