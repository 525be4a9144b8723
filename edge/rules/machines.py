"""What is said of a machine, and when: a state once it has lasted, a count at most every 10 s. Pure.

Readings in, events out; the memory is stored with the events, in one transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from broker.clock import Reading as Now
from broker.events import AnyEvent, ClockQuality, CountReading, Machine, MachineState, Ref
from edge.drivers.readings import Alarm, Gap, Reading, State, Text, Total
from edge.rules.counting import STEP_MOST, TOTAL_MOST, Counted, Step, step
from edge.rules.turn import escaped

DWELL_MS = 20_000
"""A state is said when it has lasted so long: a lathe in single block flips every 1 to 14 s (on a real day of 2017)."""
COUNT_MS = 10_000
AT_ONCE = frozenset({MachineState.UNKNOWN, MachineState.ALARM, MachineState.OFF})
"""Said without waiting for the dwell: somebody has to go there, or nothing more is known."""
SAID_MS = 3_000
"""Between two sayings, whatever they are: an adapter that flickers must not fill the disk. A board shows it in 5 s."""
SILENCE = (State(MachineState.UNKNOWN, ""),)
"""What is heard of a device that cannot be heard: what it did last is not what it does."""
ALARMS_MOST = 20
_AGE_MOST_MS = 5 * 60_000
"""A device's own time is believed when it is at most so much older than now: adapters send old stamps at connection."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one device is read: `wrap` and `step_most` as in `edge.rules.counting`."""

    dwell_ms: int = DWELL_MS
    wrap: int | None = None
    step_most: int = STEP_MOST


@dataclass(frozen=True, slots=True)
class Seen:
    """A state, when it began, and the text of an alarm in it."""

    state: MachineState
    since: datetime
    since_ms: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """What is remembered of one station: the state that was said, the one that waits to be said, and its counters."""

    said: Seen | None = None
    said_ms: int = -SAID_MS
    coming: Seen | None = None
    alarms: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, Counted] = field(default_factory=dict)
    told: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By signal: the total that was recorded last, and when (monotonic ms)."""
    stopped: datetime | None = None
    """When it was last seen to leave running; None if it runs, or if no clock could say."""


@dataclass(frozen=True, slots=True)
class Told:
    """What readings come to: the station after them, events to record, and sentences for the log."""

    station: Station
    events: tuple[AnyEvent, ...] = ()
    notes: tuple[str, ...] = ()


def hear(
    station: Station, name: str, readings: Iterable[Reading], now: Now, *, rules: Rules, start: Ref | None
) -> Told:
    """Take a device's readings for the station `name`. `start` is the one start that is open there, if there is one."""
    notes: list[str] = []
    for reading in readings:
        match reading:
            case State(state, raw, at):
                since = _believed(at, now)
                station = replace(station, coming=_coming(station, Seen(state, since, now.mono_ms, raw)))
            case Alarm(key, text, active):
                alarms = {name: said for name, said in station.alarms.items() if name != key}
                if active:
                    alarms[key] = text
                station = replace(station, alarms=dict(list(alarms.items())[-ALARMS_MOST:]))
            case Total(signal, _, old=True) if signal in station.counters:
                pass
            case Total(signal, value):
                station, note = _count(station, signal, value, rules)
                notes += [f"{name} {signal}: {note}"] if note else []
            case Gap(why):
                notes.append(f"{name}: {why}")
            case Text():  # a scan, and nothing about the machine
                pass
    told = pass_time(station, name, now, rules=rules, start=start)
    return replace(told, notes=tuple(notes))


def pass_time(
    station: Station, name: str, now: Now, *, rules: Rules, start: Ref | None, counts_at_once: bool = False
) -> Told:
    """Say what has lasted long enough by now. `counts_at_once`: the start may be about to end, its count is its own."""
    events: list[AnyEvent] = []
    coming = station.coming
    if coming and _due(station, coming, now, rules):
        text = escaped("、".join(station.alarms.values())) if coming.state is MachineState.ALARM else ""
        events.append(
            Machine(
                **_stamp(now),
                station=name,
                state=coming.state,
                since=coming.since,
                text=text[:200] or None,
                start=start,
            )
        )
        stopped = _stopped(station, coming, now)
        station = replace(station, said=coming, said_ms=now.mono_ms, coming=None, stopped=stopped)
    told = dict(station.told)
    for signal, counter in station.counters.items():
        before, at_ms = told.get(signal, (0, now.mono_ms - COUNT_MS))
        due = counts_at_once or now.mono_ms - at_ms >= COUNT_MS or now.mono_ms < at_ms
        if counter.total != before and due:
            events.append(CountReading(**_stamp(now), station=name, signal=signal, total=counter.total, start=start))
            told[signal] = (counter.total, now.mono_ms)
    return Told(replace(station, told=told), tuple(events))


def _stopped(station: Station, coming: Seen, now: Now) -> datetime | None:
    """Return when the machine stopped, once `coming` is said. What it did while nobody heard it is not known."""
    ran = station.said is not None and station.said.state is MachineState.RUNNING
    if coming.state is MachineState.RUNNING or (ran and coming.state is MachineState.UNKNOWN):
        return None
    if not ran:
        return station.stopped
    return coming.since if now.clock is ClockQuality.SYNCED else None


def _coming(station: Station, seen: Seen) -> Seen | None:
    """Return what waits to be said after a reading: nothing if it is what was said last."""
    if station.said and station.said.state is seen.state:
        return None
    if station.coming and station.coming.state is seen.state:
        return station.coming
    return seen


def _due(station: Station, coming: Seen, now: Now, rules: Rules) -> bool:
    if 0 <= now.mono_ms - station.said_ms < min(SAID_MS, rules.dwell_ms):
        return False
    if station.said is None or station.said.state is MachineState.UNKNOWN or coming.state in AT_ONCE:
        return True
    return now.mono_ms - coming.since_ms >= rules.dwell_ms or now.mono_ms < coming.since_ms


def _count(station: Station, signal: str, value: int, rules: Rules) -> tuple[Station, str]:
    before = station.counters.get(signal, Counted())
    after, taken = step(before, value, wrap=rules.wrap, step_most=rules.step_most)
    note = _NOTES.get(taken, "").format(before=before.shown, value=value, most=TOTAL_MOST)
    return replace(station, counters={**station.counters, signal: after}), note


_NEW = "the counter went from {before} to {value}; counting goes on from there"
_NOTES = {Step.RESET: _NEW, Step.JUMP: _NEW, Step.FULL: "{most} pieces are counted; counting begins again at 0"}


def _believed(at: datetime | None, now: Now) -> datetime:
    """Return the device's time if our clock can vouch for it, else now."""
    if at is None or now.clock is not ClockQuality.SYNCED:
        return now.at
    age_ms = (now.at - at).total_seconds() * 1000
    return at if 0 <= age_ms <= _AGE_MOST_MS else now.at


def _stamp(now: Now) -> dict[str, Any]:
    return {"at": now.at, "mono_ms": now.mono_ms, "boot": now.boot, "clock": now.clock}
