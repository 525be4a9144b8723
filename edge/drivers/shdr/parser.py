"""MTConnect adapters (SHDR over TCP): lines in, states, totals and alarms out. Sans-io.

Source: cppagent, pipeline/shdr_tokenizer, timestamp_extractor and source/adapter/shdr; whole days of real adapters.
Devices.xml is not needed: a key that the settings do not name is skipped with its value.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from edge.drivers.execution import UNAVAILABLE, Execution
from edge.drivers.lines import Lines
from edge.drivers.readings import Alarm, Gap, Reading, State, Tally, Total
from edge.drivers.stamps import NOW, stamp_of

PING = b"* PING\n"
PING_MS_LEAST, PING_MS_MOST = 1, 30 * 60 * 1000
"""cppagent refuses a heartbeat outside of these."""
ASSET_LINES_MOST = 10_000
"""An asset's text that has not ended by then never will: its end was lost with a connection."""
FAULTS_MOST = 200
_COUNT_MOST = 10_000_000

_COUNT = re.compile(r"\d{1,20}", re.ASCII)
_LEVELS = frozenset({"unavailable", "normal", "warning", "fault"})
_CONDITION_TOKENS = 6
_ALARM_CHARACTERS = 200


@dataclass(frozen=True)
class Keys:
    """What the adapter calls what we read: the ids of its Devices.xml, each with the names that are usual."""

    execution: tuple[str, ...] = ("execution", "exec", "Program_Status")
    mode: tuple[str, ...] = ("mode", "controller_mode")
    estop: tuple[str, ...] = ("estop", "EStop_State")
    function: tuple[str, ...] = ("functional_mode", "functionalmode")
    parts: tuple[str, ...] = ("PartCountAct", "Part_Count", "part_count", "PartCount")
    power: tuple[str, ...] = ("power",)


@dataclass(slots=True)
class _Seen:
    """What has been heard of one device since its connection was made."""

    values: Execution = field(default_factory=Execution)
    said: State | None = None
    parts: str = ""


class Parser:
    """Holds the line that is arriving, and the last value of every key that matters."""

    def __init__(self, keys: Keys | None = None) -> None:
        self.tally = Tally()
        self.ping_ms = 0
        """How often the adapter wants to be pinged; 0 until it has said so."""
        self._fields = _by_key(keys or Keys())
        self._lines = Lines(ends=b"\n")
        self._seen = _Seen()
        self._asset: bytes | None = None
        self._asset_lines = 0
        self._heard_ms = self._pinged_ms = 0
        self._opened = self._silent = False

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. An adapter then sends all its values anew."""
        self._lines.drop()
        self._seen, self._asset, self._opened, self.ping_ms = _Seen(), None, True, 0
        self._heard_ms, self._silent = mono_ms, False

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; a state only when it changed."""
        before = self._understood
        lines = (line.rstrip(b"\r") for line in self._lines.feed(data))
        found = [reading for line in lines if line for reading in self._line(line)]
        if self._understood != before:
            self._heard_ms = mono_ms
            found += self._again(found)
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived: silence over two heartbeats is a state of its own, until it speaks again."""
        if not self.ping_ms or mono_ms - self._heard_ms <= 2 * self.ping_ms or self._seen.said is None or self._silent:
            return []
        self._silent = True
        return [Gap("アダプタが答えません / the adapter does not answer"), State(Execution().state(), UNAVAILABLE)]

    def to_send(self, mono_ms: int) -> bytes:
        """Return a ping when one is due: the only thing ever sent to an adapter."""
        if self._opened or (self.ping_ms and mono_ms - self._pinged_ms >= self.ping_ms):
            self._opened, self._pinged_ms = False, mono_ms
            return PING
        return b""

    def _again(self, found: list[Reading]) -> list[Reading]:
        """After silence on one connection what was said last holds again, for an adapter sends only what changes."""
        silent, self._silent = self._silent, False
        if not silent or self._seen.said is None or any(isinstance(one, State) for one in found):
            return []
        return [State(self._seen.said.state, self._seen.said.raw)]

    @property
    def _understood(self) -> tuple[int, int]:
        """What of all that came was a line: noise is as silent as nothing."""
        return self.tally.lines - self.tally.malformed, self._asset_lines

    def _line(self, line: bytes) -> Iterator[Reading]:
        if self._asset is not None:
            self._asset_lines += 1
            if line.strip() == self._asset or self._asset_lines > ASSET_LINES_MOST:
                self._asset = None
            return
        self.tally.lines += 1
        if line.startswith(b"* "):
            self._command(line)
            return
        tokens = tokens_of(line.decode("utf-8", errors="replace"))
        stamp = stamp_of(tokens[0]) if len(tokens) > 1 else None
        if stamp is None:
            self.tally.reject(line)
            return
        at = None if stamp is NOW else stamp
        self.tally.last_at = at or self.tally.last_at
        if tokens[1].startswith("@"):
            self._skip_asset(tokens)
            return
        yield from self._values(tokens[1:], at)

    def _command(self, line: bytes) -> None:
        """Heed `* PONG n`; other words of an adapter about itself change nothing."""
        word, _, rest = line[2:].strip().partition(b" ")
        if word == b"PONG" and rest.isdigit() and PING_MS_LEAST <= int(rest[:9]) < PING_MS_MOST:
            self.ping_ms = int(rest[:9])

    def _skip_asset(self, tokens: list[str]) -> None:
        if tokens[1] == "@ASSET@" and tokens[-1].startswith("--multiline--"):
            self._asset, self._asset_lines = tokens[-1].encode(), 0

    def _values(self, tokens: list[str], at: datetime | None) -> Iterator[Reading]:
        if len(tokens) == _CONDITION_TOKENS and tokens[1].lower() in _LEVELS:
            yield from self._condition(_key(tokens[0]), tokens[1].lower(), tokens[2], tokens[5], at)
        else:
            for key, value in zip(tokens[::2], tokens[1::2], strict=False):
                yield from self._value(self._fields.get(_key(key)), value, at)
        state = State(self._seen.values.state(), self._seen.values.execution, at)
        if self._seen.values.execution and (
            self._seen.said is None or (state.state, state.raw) != (self._seen.said.state, self._seen.said.raw)
        ):
            self._seen.said = state
            yield state

    def _value(self, name: str | None, value: str, at: datetime | None) -> Iterator[Reading]:
        if name == "parts":
            if value != self._seen.parts and _COUNT.fullmatch(value) and int(value) <= _COUNT_MOST:
                yield Total("parts", int(value), at)
            self._seen.parts = value
        elif name is not None:
            setattr(self._seen.values, name, value.upper()[:40])

    def _condition(self, key: str, level: str, code: str, text: str, at: datetime | None) -> Iterator[Reading]:
        """Note faults, and tell each alarm's beginning and end. NORMAL without a code clears all of its key."""
        faults = self._seen.values.faults
        name = f"{key}:{code}"
        ended = {one for one in faults if one.startswith(f"{key}:")} if not code else {name} & faults
        if level in ("normal", "unavailable", "warning"):
            faults -= ended
            for one in sorted(ended):
                yield Alarm(one, "", active=False, at=at)
        elif name not in faults and len(faults) < FAULTS_MOST:
            faults.add(name)
            yield Alarm(name, (text or code or key)[:_ALARM_CHARACTERS], active=True, at=at)


def tokens_of(line: str) -> list[str]:
    r"""Return a line's tokens, trimmed. A quoted token may hold an escaped bar: `"a\|b"`.

    >>> tokens_of('2026-11-22T09:00:00Z|msg| "a\\|b" |x')
    ['2026-11-22T09:00:00Z', 'msg', 'a|b', 'x']
    """
    if '"' not in line:
        return [token.strip() for token in line.split("|")]
    tokens, rest = [], line
    while True:
        quoted = re.match(r'\s*"((?:[^"\\]|\\.)*)"\s*(\||$)', rest)
        if quoted:
            tokens.append(quoted[1].replace("\\|", "|"))
            more, rest = quoted[2] == "|", rest[quoted.end() :]
        else:
            token, bar, rest = rest.partition("|")
            tokens.append(token.strip())
            more = bool(bar)
        if not more:
            return tokens


def _key(token: str) -> str:
    """Return a key without the name of its device: `lathe:execution`."""
    return token.rpartition(":")[2]


def _by_key(keys: Keys) -> dict[str, str]:
    named = {
        "execution": keys.execution,
        "mode": keys.mode,
        "estop": keys.estop,
        "function": keys.function,
        "parts": keys.parts,
        "power": keys.power,
    }
    return {key: name for name, usual in named.items() for key in usual}
