"""Sparkplug B in, states and counts out: births, aliases, sequence numbers, deaths. Sans-io; messages are lines.

Source: Sparkplug 3.0, chapters 5 and 6. The only thing ever asked for is a rebirth, which moves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from broker.events import MachineState
from edge.drivers.execution import BY_EXECUTION
from edge.drivers.messages import Message, Messages, publish
from edge.drivers.readings import Gap, Reading, State, Tally, Total
from edge.drivers.sparkplug.payload import Metric, Payload, payload_of, rebirth, signed
from edge.drivers.values import WORDS, whole, word

NAMESPACE = "spBv1.0"
ASK_MS = 60_000
"""At most one rebirth a minute is asked for: a birth may be the largest message of a whole plant."""
DOUBT_MS = 10_000
"""What was said last is held for so long after a message was lost, or a node was born again, until the new birth."""
SIGNAL = "parts"
_RAW_CHARACTERS = 40
_TIME_MOST_MS = 4_102_444_800_000
"""The year 2100: a later time is no time."""
_SEQ_MOST = 255


STATE_NAMES = ("Execution", "State", "Status", "Machine State", "Machine/State", "Machine/Execution")
COUNT_NAMES = ("PartCount", "Part Count", "Parts", "Machine/PartCount", "Machine/Part Count")
"""Names that are usual; the specification knows none."""
STATES: Mapping[str, MachineState] = {name.casefold(): state for name, state in BY_EXECUTION.items()} | {
    name: state for name, state in WORDS.items() if not name.isdigit()
}
"""MTConnect's words and everybody's. A number is an enumeration of its maker: it has to be said what it means."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose metrics are read, and which: full names, the first that a birth has. Without a `node`: the first heard."""

    group: str = ""
    node: str = ""
    device: str = ""
    """Empty: the node's own metrics; without a `node`, those of the first device."""
    state: tuple[str, ...] = STATE_NAMES
    count: tuple[str, ...] = COUNT_NAMES
    words: Mapping[str, MachineState] = field(default_factory=lambda: STATES)
    silent_ms: int = 600_000


@dataclass(slots=True)
class _Node:
    """What is known of the edge node since its birth."""

    born: bool = False
    bd_seq: int | None = None
    seq: int | None = None


@dataclass(slots=True)
class _Told:
    """The metrics that are read, as the birth of what we read names them."""

    names: dict[str, str] = field(default_factory=dict)
    aliases: dict[int, str] = field(default_factory=dict)
    """By name and by alias: `state` or `count`."""
    datatypes: dict[str, int] = field(default_factory=dict)


class Parser:
    """Holds the line that is arriving, the node's sequence, and the names of at most two metrics."""

    def __init__(self, wanted: Wanted | None = None) -> None:
        self.tally = Tally()
        self._wanted = wanted or Wanted()
        self._messages = Messages(self.tally)
        self._asked_ms: int | None = None
        """Across connections: who is cut off again and again asks no more often for it."""
        self._begin()

    def _begin(self) -> None:
        self._group, self._name, self._device = self._wanted.group, self._wanted.node, self._wanted.device
        self._node = _Node()
        self._told: _Told | None = None
        """None: what we read is not born."""
        self._said: MachineState | None = None
        self._heard_ms: int | None = None
        self._doubt_ms: int | None = None
        """Since when what was said last may be wrong."""
        self._clock: tuple[int, int] | None = None
        """The node's own time and when it was told, in ms: what we publish must bear a time, and we have no clock."""
        self._ask = False

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. Births are not retained: what we know is nothing."""
        self._messages.drop()
        _ = mono_ms
        self._begin()

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; a state only when it changed."""
        found: list[Reading] = []
        for message in self._messages.feed(data):
            try:
                found += self._message(message, mono_ms)
            except ValueError:
                self._messages.refuse(message)
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: after doubt or silence for too long nothing is known any more."""
        if self._doubt_ms is not None and mono_ms - self._doubt_ms > DOUBT_MS:
            self._doubt_ms = None
            return self._say(MachineState.UNKNOWN, "NOT BORN AGAIN")
        if self._heard_ms is not None and mono_ms - self._heard_ms > self._wanted.silent_ms:
            self._heard_ms = None
            lost = self._said not in (None, MachineState.UNKNOWN)
            return [
                *([Gap("機器が答えません / the edge node does not answer")] if lost else []),
                *self._say(MachineState.UNKNOWN, "SILENT"),
            ]
        return []

    def to_send(self, mono_ms: int) -> bytes:
        """Return the request for a rebirth when one is due: the only thing ever published."""
        quiet = self._heard_ms is not None and mono_ms - self._heard_ms > self._wanted.silent_ms // 2
        if not (self._ask or quiet) or not self._wanted.node or self._clock is None:
            return b""
        if self._asked_ms is not None and mono_ms - self._asked_ms < ASK_MS:
            return b""
        self._asked_ms = mono_ms
        told_ms, at_ms = self._clock
        return publish(
            f"{NAMESPACE}/{self._wanted.group}/NCMD/{self._wanted.node}", rebirth(told_ms + max(0, mono_ms - at_ms))
        )

    def _message(self, message: Message, mono_ms: int) -> list[Reading]:
        """Raises ValueError for a message that is not what the specification says."""
        kind, group, node, device = _topic(message.topic)
        if not kind:
            return []
        payload = payload_of(message.payload)
        if not message.payload or (kind != "NDEATH" and (payload.seq is None or payload.seq > _SEQ_MOST)):
            raise ValueError("without a sequence number")
        if message.retained or not self._is_ours(group, node, device, kind):
            return []
        if kind == "NDEATH":
            return self._died(payload)
        found = self._in_order(kind, payload, mono_ms)
        self._heard_ms = mono_ms
        if payload.timestamp_ms is not None and payload.timestamp_ms < _TIME_MOST_MS:
            self._clock, self.tally.last_at = (payload.timestamp_ms, mono_ms), _time(payload.timestamp_ms)
        if device != self._device:
            return found
        if kind == "DDEATH":
            self._told = self._doubt_ms = None
            return [*found, *self._say(MachineState.UNKNOWN, kind, _time(payload.timestamp_ms))]
        if kind in ("NBIRTH", "DBIRTH"):
            self._told, self._doubt_ms = self._birth(payload), None
        self._ask = self._ask or self._told is None
        return [*found, *self._metrics(message, payload)]

    def _is_ours(self, group: str, node: str, device: str, kind: str) -> bool:
        """Whether a message is of our node. Without one in the settings: of the first heard, and its first device."""
        if not self._wanted.node:
            if not self._name:
                self._group, self._name = group, node
            if kind == "DBIRTH" and not (self._told and self._told.names):
                self._device = device
        return (self._group, self._name) == (group, node)

    def _in_order(self, kind: str, payload: Payload, mono_ms: int) -> list[Reading]:
        """Follow the sequence, which all messages of a node share. Raises ValueError for a number told twice."""
        if kind == "NBIRTH":
            bd_seq = payload.named("bdSeq")
            self._node = _Node(True, bd_seq.value if bd_seq and isinstance(bd_seq.value, int) else None, payload.seq)
            self._told, self._ask = None, False
            if self._said is not None:
                self._doubt_ms = mono_ms
            return []
        before, self._node.seq = self._node.seq, payload.seq
        if before == payload.seq:
            raise ValueError("told twice")
        self._ask = self._ask or not self._node.born
        if before is None or payload.seq == (before + 1) % (_SEQ_MOST + 1):
            return []
        self._ask = True
        self._doubt_ms = mono_ms if self._doubt_ms is None else self._doubt_ms
        return [Gap("機器のメッセージが失われました / messages of the edge node were lost")]

    def _died(self, payload: Payload) -> list[Reading]:
        """Heed a death, unless it is that of an earlier connection: wills arrive late, after a quick return."""
        death = payload.named("bdSeq")
        if self._node.bd_seq is not None and death is not None and death.value != self._node.bd_seq:
            return []
        self._node, self._ask = _Node(), False
        self._told = self._doubt_ms = self._heard_ms = None
        return self._say(MachineState.UNKNOWN, "NDEATH")

    def _birth(self, payload: Payload) -> _Told:
        """Choose the metrics that are read: of each kind the one whose name stands first in the settings."""
        metrics, told = {one.name.casefold(): one for one in payload.metrics if one.name}, _Told()
        for what, names in (("state", self._wanted.state), ("count", self._wanted.count)):
            metric = next((metrics[name.casefold()] for name in names if name.casefold() in metrics), None)
            if metric:
                told.names[metric.name], told.datatypes[what] = what, metric.datatype
                if metric.alias is not None:
                    told.aliases[metric.alias] = what
        return told

    def _metrics(self, message: Message, payload: Payload) -> list[Reading]:
        """Return what the metrics that are read say now; what was kept back while the node was away says nothing."""
        found: list[Reading] = []
        told = self._told or _Told()
        for metric in payload.metrics:
            alias = -1 if metric.alias is None else metric.alias
            what = told.names.get(metric.name) if metric.name else told.aliases.get(alias)
            if what is None or metric.historical:
                continue
            at = _time(metric.timestamp_ms if metric.timestamp_ms is not None else payload.timestamp_ms)
            try:
                found += self._value(what, metric, metric.datatype or told.datatypes[what], at)
            except ValueError:
                self._messages.refuse(message)
        return found

    def _value(self, what: str, metric: Metric, datatype: int, at: datetime | None) -> list[Reading]:
        value = None if metric.null else signed(metric.value, datatype)
        if what == "count":
            return [] if value is None else [Total(SIGNAL, whole(value), at)]
        if value is None:
            return self._say(MachineState.UNKNOWN, "NULL", at)
        state = self._wanted.words.get(word(value), MachineState.UNKNOWN)
        return self._say(state, str(value)[:_RAW_CHARACTERS], at)

    def _say(self, state: MachineState, raw: str, at: datetime | None = None) -> list[Reading]:
        if state is self._said:
            return []
        self._said = state
        return [State(state, raw, at)]


_KINDS = {"NBIRTH": 4, "NDEATH": 4, "NDATA": 4, "DBIRTH": 5, "DDEATH": 5, "DDATA": 5}
"""Types of messages that we read, and how many levels their topics have. Source: Sparkplug 3.0, 4.2."""


def _topic(topic: str) -> tuple[str, str, str, str]:
    """Return type, group, node and device; empty for what is not read.

    Raises ValueError if a topic of the namespace is not made so.
    """
    parts = topic.split("/")
    if parts[0] != NAMESPACE or len(parts) < 4 or parts[2] not in _KINDS:
        return "", "", "", ""
    if len(parts) != _KINDS[parts[2]] or not all(parts):
        raise ValueError("no topic of a node or device")
    return parts[2], parts[1], parts[3], parts[4] if len(parts) == 5 else ""


def _time(timestamp_ms: int | None) -> datetime | None:
    if timestamp_ms is None or not 0 < timestamp_ms < _TIME_MOST_MS:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
