"""Messages of a device in, its states, counts and scans out. Sans-io: a message is a line, see `edge.drivers.messages`.

A retained message is old news of unknown age: a count in it begins a count and adds nothing, a state in it is believed
only while the device is said to be there, a scan in it is none.
"""

from dataclasses import dataclass

from broker.events import MachineState
from edge.drivers.messages import Message, Messages, matches
from edge.drivers.mqtt.payload import Payload
from edge.drivers.mqtt.sources import OFF, ON, Counting, Sources
from edge.drivers.readings import Gap, Reading, State, Tally, Text, Total
from edge.drivers.values import Scalar, number, whole, word

SIGNAL = "parts"
_RAW_CHARACTERS = 40
_GONE = State(MachineState.UNKNOWN, "OFFLINE")
_SILENT = State(MachineState.UNKNOWN, "SILENT")


@dataclass(slots=True)
class _Heard:
    """What is known since the connection was made."""

    at_ms: int
    """When the device last said something that we read, or when we came."""
    said: MachineState | None = None
    old: State | None = None
    """A retained state, until it is known whether the device is there."""


class Parser:
    """Holds the line that is arriving, the last state, and what says whether the device is there."""

    def __init__(self, sources: Sources) -> None:
        self.tally = Tally()
        self._sources = sources
        self._messages = Messages(self.tally)
        self._heard = _Heard(0)
        self._there: dict[str, bool] = {}
        """By topic."""
        self._speaks: dict[str, str] = {}
        """By what is told: the one topic that tells it. Two counters under one filter must never be taken for one."""
        self._pieces = 0
        self._level: bool | None = None

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. The broker then sends what it retains, and we know nothing else."""
        self._messages.drop()
        self._heard = _Heard(mono_ms)
        self._there, self._speaks, self._level = {}, {}, None

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; a state only when it changed."""
        found: list[Reading] = []
        for message in self._messages.feed(data):
            found += self._message(message, mono_ms) if message.payload else []
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: a device that says nothing for too long is unknown, whatever it said last."""
        if mono_ms - self._heard.at_ms <= self._sources.silent_ms or self._heard.said in (None, MachineState.UNKNOWN):
            return []
        return [Gap("機器が何も言わなくなりました / the device says nothing any more"), *self._say(_SILENT)]

    def to_send(self, mono_ms: int) -> bytes:
        """Return nothing, ever: a device publishes by itself."""
        _ = mono_ms
        return b""

    def _message(self, message: Message, mono_ms: int) -> list[Reading]:
        """Return what a message says; one with a value that cannot be read is counted, its other values are taken."""
        payload, found, understood, refused = Payload(message.payload), list[Reading](), False, False
        for read, sources in (
            (self._is_there, self._sources.available),
            (self._does, self._sources.state),
            (self._draws, self._sources.watts),
            (self._counts, self._sources.count),
            (self._scans, self._sources.scan),
        ):
            for source in sources:
                if not matches(source.topic, message.topic):
                    continue
                try:
                    available = source in self._sources.available
                    value = payload.at_or_whole(source.path) if available else payload.at(source.path)
                    if value is not None:
                        found += read(value, message)
                        understood = understood or not available
                except ValueError:
                    refused = True
        if refused:
            self._messages.refuse(message)
        if understood and not message.retained:
            self._heard.at_ms = mono_ms
        return found

    def _is_there(self, value: Scalar, message: Message) -> list[Reading]:
        self._there[message.topic] = word(value) in ON
        if not self._there[message.topic]:
            self._heard.old = None
            return self._say(_GONE)
        return self._believe()

    def _does(self, value: Scalar, message: Message) -> list[Reading]:
        self._only("state", message)
        state = self._sources.words.get(word(value), MachineState.UNKNOWN)
        return self._state(State(state, str(value)[:_RAW_CHARACTERS]), message)

    def _draws(self, value: Scalar, message: Message) -> list[Reading]:
        """Take a power. Its sign says which way round a clamp was put on, and nothing else."""
        watts = abs(number(value))
        self._only("watts", message)
        state = MachineState.RUNNING if watts >= self._sources.running_watts else MachineState.IDLE
        if watts < self._sources.idle_watts:
            state = MachineState.OFF
        return self._state(State(state, f"{watts:g} W"), message)

    def _counts(self, value: Scalar, message: Message) -> list[Reading]:
        if self._sources.counting is Counting.TOTAL:
            total = whole(value)
            self._only("count", message)
            return [Total(SIGNAL, total, old=message.retained)]
        if self._sources.counting is Counting.PIECES:
            return self._add(0 if message.retained else _pieces(value))
        level = _level(value)
        self._only("count", message)
        rises = level and self._level is False and not message.retained
        self._level = level
        return self._add(int(rises))

    def _scans(self, value: Scalar, message: Message) -> list[Reading]:
        return [] if message.retained or not str(value).strip() else [Text(str(value))]

    def _add(self, pieces: int) -> list[Reading]:
        """Return the total after so many more; before the first it stood at 0, and there counting begins."""
        if not pieces:
            return []
        first = [] if self._pieces else [Total(SIGNAL, 0)]
        self._pieces += pieces
        return [*first, Total(SIGNAL, self._pieces)]

    def _only(self, what: str, message: Message) -> None:
        """Raise ValueError if another device has told this before: a filter with + or # falls on both."""
        if self._speaks.get(what, message.topic) != message.topic:
            raise ValueError("two devices")
        if not message.retained:
            self._speaks[what] = message.topic

    def _state(self, state: State, message: Message) -> list[Reading]:
        if message.retained:
            self._heard.old = state
            return self._believe()
        self._heard.old = None
        return self._say(state)

    def _believe(self) -> list[Reading]:
        """Return the retained state if everything that says whether the device is there has said that it is."""
        if self._heard.old is None or len(self._there) < len(self._sources.available) or not all(self._there.values()):
            return []
        old, self._heard.old = self._heard.old, None
        return self._say(old) if self._there else []

    def _say(self, state: State) -> list[Reading]:
        if state.state is self._heard.said:
            return []
        self._heard.said = state.state
        return [state]


def _pieces(value: Scalar) -> int:
    """Return the pieces that a message tells: a number is so many, any other text is one."""
    if isinstance(value, bool):
        return int(value)
    try:
        number(value)
    except ValueError:
        return 1 if isinstance(value, str) else whole(value)
    return whole(value)


def _level(value: Scalar) -> bool:
    if word(value) in ON:
        return True
    if word(value) in OFF:
        return False
    raise ValueError("neither on nor off")
