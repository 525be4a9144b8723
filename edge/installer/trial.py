"""`mawashi-edge try`: what a driver makes of a file or a device, for whoever installs it. Nothing is recorded."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from broker.clock import monotonic_ms
from broker.words import MACHINE_STATES, Word
from edge.drivers.readings import Alarm, Gap, Parser, Reading, State, Text, Total
from edge.rules.counting import Counted, Step, step
from edge.rules.turn import escaped

_LONG_MS = 24 * 3600 * 1000
_TEXTS_MOST = 1000
_WORDS_MOST = 1000
"""Words, alarms and gaps that are told apart: a file of noise may hold millions of them."""
_OTHERS = "…"


@dataclass
class Trial:
    """Adds up what a parser says."""

    parser: Parser
    readings: Counter[str] = field(default_factory=Counter)
    seconds_raw: dict[str, float] = field(default_factory=dict)
    seconds_state: dict[str, float] = field(default_factory=dict)
    counters: dict[str, Counted] = field(default_factory=dict)
    resets: int = 0
    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each state began, by the device's own word; all that is known of a recording without any clock."""
    texts: list[str] = field(default_factory=list)
    alarms: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    marks: int = 0
    """Bytes that came, without the NULs of a punch's leader."""
    _state: State | None = None
    _since: datetime | None = None
    _arrived: datetime | None = None

    def feed(self, data: bytes, mono_ms: int | None = None, *, arrived: datetime | None = None) -> list[Reading]:
        """Take bytes as they come and return what they say. `arrived`, if known, times a device without a clock."""
        self.marks += len(data) - data.count(0)
        return self._take(self.parser.feed(data, monotonic_ms() if mono_ms is None else mono_ms), arrived)

    def idle(self, mono_ms: int, *, arrived: datetime) -> list[Reading]:
        """Say that nothing has come until now; return what the silence says."""
        return self._take(self.parser.idle(mono_ms), arrived)

    def end(self) -> None:
        """Say that nothing more comes: what has begun never ends, the last state lasted until the last line's time."""
        self.parser.idle(monotonic_ms() + _LONG_MS)
        last = self._arrived if self._state and self._state.at is None else self.parser.tally.last_at
        self._until(last)
        self._state = None

    def plain(self) -> dict[str, object]:
        """Return it for JSON. Seconds by the device's own clock, else by arrival; never across a step backwards."""
        tally = self.parser.tally
        return {
            "lines": tally.lines,
            "malformed": tally.malformed,
            "first_malformed": [{"line": n, "text": shown(line)} for n, line in tally.first],
            **({"other": tally.other} if tally.other else {}),
            **({"parity_bytes": tally.parity_bytes} if tally.parity_bytes else {}),
            "readings": dict(self.readings),
            "seconds_raw": {name: round(seconds, 3) for name, seconds in self.seconds_raw.items()},
            "seconds_state": {name: round(seconds, 3) for name, seconds in self.seconds_state.items()},
            "count": sum(one.total for one in self.counters.values()),
            "counters": {name: {"shown": one.shown, "counted": one.total} for name, one in self.counters.items()},
            "counter_resets": self.resets,
            "alarms": dict(self.alarms),
            "gaps": self.gaps,
            **({"texts": [_printable(text) for text in self.texts]} if self.texts else {}),
        }

    def _take(self, found: list[Reading], arrived: datetime | None) -> list[Reading]:
        self._arrived = arrived
        for reading in found:
            self._add(reading)
        return found

    def _add(self, reading: Reading) -> None:
        self.readings[type(reading).__name__.lower()] += 1
        match reading:
            case State():
                word = _among({raw for _, raw in self.states}, reading.raw)
                self.states[reading.state.value, word] += 1
                at = reading.at or self._arrived
                self._until(at if self._same_clock(reading) else None)
                self._state, self._since = reading, at
            case Total(signal, _, old=True) if signal in self.counters:
                pass
            case Total(signal, value):
                self.counters[signal], taken = step(self.counters.get(signal, Counted()), value)
                self.resets += taken in (Step.RESET, Step.JUMP)
            case Alarm(_, text, active):
                self.alarms.update([_among(self.alarms, text)] if active else [])
            case Gap(why):
                self.gaps += [why] if len(self.gaps) < _WORDS_MOST else []
                self._state = None
            case Text(text):
                self.texts += [text] if len(self.texts) < _TEXTS_MOST else []

    def _same_clock(self, reading: State) -> bool:
        return self._state is not None and (self._state.at is None) == (reading.at is None)

    def _until(self, end: datetime | None) -> None:
        """Count the state that was, if both its ends are known."""
        if self._state is None or self._since is None or end is None:
            return
        seconds = max(0.0, (end - self._since).total_seconds())
        state = self._state
        raw = _among(self.seconds_raw, state.raw)
        self.seconds_raw[raw] = self.seconds_raw.get(raw, 0.0) + seconds
        self.seconds_state[state.state.value] = self.seconds_state.get(state.state.value, 0.0) + seconds


def _among(known: Collection[str], word: str) -> str:
    """Return a device's word as it can be printed; where there are too many already, the sign for all others."""
    word = escaped(word)
    return word if word in known or len(known) < _WORDS_MOST else _OTHERS


def shown(line: bytes) -> str:
    """Return bytes as text that can be printed."""
    return escaped(line.decode("utf-8", errors="backslashreplace"))


def said(reading: Reading) -> str:
    """Return one reading in a few words, for whoever watches a device."""
    match reading:
        case State(state, raw):
            return f"{_both(MACHINE_STATES[state.value])} ({escaped(raw)})"
        case Total(signal, value):
            return f"{escaped(signal)} = {value}"
        case Alarm(key, text, active):
            return f"アラーム / alarm {escaped(key)} {escaped(text)} {'+' if active else '-'}"
        case Text(text):
            return f"読み取り / scan {escaped(text)}"
        case Gap(why):
            return f"欠落 / gap: {why}"


def sentences(trial: Trial) -> Iterator[str]:
    """Say it for people, Japanese first."""
    tally = trial.parser.tally
    yield f"行 / lines: {tally.lines}"
    yield f"読めない行 / malformed: {tally.malformed}"
    for number, line in tally.first:
        yield f"  {number}: {shown(line)}"
    if tally.other:
        yield f"ほかの行 / other lines: {tally.other}"
    if tally.parity_bytes > tally.lines:  # fewer are noise
        yield f'パリティ付きの文字 / characters with parity: {tally.parity_bytes} (framing = "7E1")'
    for title, seconds in (
        ("機械の言葉 / the machine's own word", trial.seconds_raw),
        ("状態 / state", trial.seconds_state),
    ):
        for name, lasted in sorted(seconds.items(), key=lambda item: -item[1]):
            yield f"{title} {name}: {lasted:.1f} s"
    if not trial.seconds_state:
        for (state, raw), times in trial.states.most_common(10):
            yield f"状態 / state {_both(MACHINE_STATES[state])} ({escaped(raw)}): {times}"
    for name, counter in trial.counters.items():
        yield f"個数 / counted {name}: {counter.total} (表示 / shows {counter.shown})"
    for text in trial.texts[:20]:
        yield f"読み取り / scanned: {escaped(text)}"
    for text, times in trial.alarms.most_common(5):
        yield f"アラーム / alarm {text}: {times}"
    for why in trial.gaps[:5]:
        yield f"欠落 / gap: {why}"


def _printable(text: str) -> str:
    """Return a text for JSON, whose own escapes leave half a character as it is: no output takes it."""
    return text.encode(errors="backslashreplace").decode()


def _both(word: Word) -> str:
    return f"{word.ja} / {word.en}"
