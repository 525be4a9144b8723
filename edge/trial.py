"""`mawashi-edge try`: what a driver makes of a file or a device, for whoever installs it. Nothing is recorded."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from edge.drivers.readings import Alarm, Gap, Parser, Reading, State, Text, Total
from edge.rules.counting import Counted, Step, step
from edge.rules.turn import escaped


@dataclass
class Trial:
    """Adds up what a parser says."""

    parser: Parser
    readings: Counter[str] = field(default_factory=Counter)
    seconds_raw: dict[str, float] = field(default_factory=dict)
    seconds_state: dict[str, float] = field(default_factory=dict)
    counters: dict[str, Counted] = field(default_factory=dict)
    resets: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    _state: State | None = None
    _began: float = 0.0

    def feed(self, data: bytes) -> list[Reading]:
        """Take bytes as they come; return what they say."""
        found = self.parser.feed(data, time.monotonic_ns() // 1_000_000)
        for reading in found:
            self._add(reading)
        return found

    def end(self) -> None:
        """Say that nothing more comes: the last state lasted until the last line's time."""
        last = self.parser.tally.last_at
        if self._state and self._state.at and last:
            self._lasted(self._state, self._state.at, last)
        self._state = None

    def plain(self) -> dict[str, object]:
        """Return it for JSON. Seconds by the device's own clock, never across a step backwards."""
        tally = self.parser.tally
        return {
            "lines": tally.lines,
            "malformed": tally.malformed,
            "first_malformed": [{"line": n, "text": shown(line)} for n, line in tally.first],
            **({"parity_bytes": tally.parity_bytes} if tally.parity_bytes else {}),
            "readings": dict(self.readings),
            "seconds_raw": {name: round(seconds, 3) for name, seconds in self.seconds_raw.items()},
            "seconds_state": {name: round(seconds, 3) for name, seconds in self.seconds_state.items()},
            "count": sum(one.total for one in self.counters.values()),
            "counters": {name: {"shown": one.shown, "counted": one.total} for name, one in self.counters.items()},
            "counter_resets": self.resets,
            "alarms": dict(self.alarms),
            "gaps": self.gaps,
        }

    def _add(self, reading: Reading) -> None:
        self.readings[type(reading).__name__.lower()] += 1
        match reading:
            case State():
                if self._state and self._state.at and reading.at:
                    self._lasted(self._state, self._state.at, reading.at)
                self._state = reading
            case Total(signal, value):
                self.counters[signal], taken = step(self.counters.get(signal, Counted()), value)
                self.resets += taken in (Step.RESET, Step.JUMP)
            case Alarm(_, text, active):
                self.alarms.update([text] if active else [])
            case Gap(why):
                self.gaps.append(why)
                self._state = None
            case Text():
                pass

    def _lasted(self, state: State, since: datetime, until: datetime) -> None:
        seconds = max(0.0, (until - since).total_seconds())
        self.seconds_raw[state.raw] = self.seconds_raw.get(state.raw, 0.0) + seconds
        self.seconds_state[state.state.value] = self.seconds_state.get(state.state.value, 0.0) + seconds


def shown(line: bytes) -> str:
    """Return bytes as text that can be printed."""
    return escaped(line.decode("utf-8", errors="backslashreplace"))


def sentences(trial: Trial) -> Iterator[str]:
    """Say it for people, Japanese first."""
    tally = trial.parser.tally
    yield f"行 / lines: {tally.lines}"
    yield f"読めない行 / malformed: {tally.malformed}"
    for number, line in tally.first:
        yield f"  {number}: {shown(line)}"
    if tally.parity_bytes > tally.lines:  # fewer are noise
        yield f'パリティ付きの文字 / characters with parity: {tally.parity_bytes} (framing = "7E1")'
    for title, seconds in (
        ("機械の言葉 / the machine's own word", trial.seconds_raw),
        ("状態 / state", trial.seconds_state),
    ):
        for name, lasted in sorted(seconds.items(), key=lambda item: -item[1]):
            yield f"{title} {name}: {lasted:.1f} s"
    for name, counter in trial.counters.items():
        yield f"個数 / counted {name}: {counter.total} (表示 / shows {counter.shown})"
    for text, times in trial.alarms.most_common(5):
        yield f"アラーム / alarm {text}: {times}"
    for why in trial.gaps[:5]:
        yield f"欠落 / gap: {why}"
