"""MQTT messages as lines of text, `RETAIN HEX TOPIC`: what `mosquitto_sub -F '%r %x %t'` prints; and topic filters.

So a recording, what a wire passes on and a test case are one format. Nothing here knows a broker (see `edge.topics`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edge.drivers.lines import Lines
from edge.drivers.readings import Tally

MESSAGE_BYTES_MOST = 64 * 1024
"""The largest payload that is read: a Sparkplug birth of a thousand metrics has it; a plug's message has 400 bytes."""
TOPIC_BYTES_MOST = 1024
LINE_BYTES_MOST = 2 * MESSAGE_BYTES_MOST + TOPIC_BYTES_MOST + 4

_LINE = re.compile(rb"([01]) ((?:[0-9A-Fa-f]{2})*) ([^\x00-\x1f]+)")
_FILTER = re.compile(r"(?:(?:\+|[^+#/\x00-\x1f]*)/)*(?:#|\+|[^+#/\x00-\x1f]*)")


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `retained`: the broker had it in store when we came; nobody knows how old it is."""

    topic: str
    payload: bytes
    retained: bool = False

    @property
    def line(self) -> bytes:
        """It as a line, with its end; what is too long, or cannot stand in a line, as one that is malformed."""
        topic = self.topic.encode(errors="replace")
        if len(self.payload) > MESSAGE_BYTES_MOST or len(topic) > TOPIC_BYTES_MOST:
            return b"%d too-long-%d %s\n" % (self.retained, len(self.payload), _plain(topic)[:100])
        return b"%d %s %s\n" % (self.retained, self.payload.hex().encode(), _plain(topic))


def message_of(line: bytes) -> Message | None:
    """Return the message that a line holds, None if it holds none.

    >>> message_of(b"1 4f4e stat/plug/POWER")
    Message(topic='stat/plug/POWER', payload=b'ON', retained=True)
    """
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    return Message(found[3].decode(errors="replace"), bytes.fromhex(found[2].decode()), found[1] == b"1")


class Messages:
    """Cuts bytes into messages, holding the line that is arriving; counts what it cuts."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lines = Lines(limit_bytes=LINE_BYTES_MOST, ends=b"\n")

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that these bytes complete. Each is counted as it is taken, so that `refuse` is of it."""
        for line in self._lines.feed(data):
            self._tally.lines += 1
            message = message_of(line.rstrip(b"\r"))
            if message is None:
                self._tally.reject(line.rstrip(b"\r"))
            else:
                yield message

    def refuse(self, message: Message) -> None:
        """Count the message just taken as one that fits no grammar."""
        self._tally.reject(f"{message.topic} ".encode() + message.payload)

    def drop(self) -> None:
        """Forget what has arrived of a line."""
        self._lines.drop()


def publish(topic: str, payload: bytes) -> bytes:
    """Return the line by which a driver asks that something be published."""
    return b"PUBLISH %s %s\n" % (topic.encode(), payload.hex().encode())


def to_publish(line: bytes) -> tuple[str, bytes]:
    """Return topic and payload of such a line, which only a driver of ours writes."""
    topic, _, payload = line.removeprefix(b"PUBLISH ").rpartition(b" ")
    return topic.decode(), bytes.fromhex(payload.decode())


def is_filter(text: str) -> bool:
    """Whether this can be subscribed to: + and # alone in their level, # at the end.

    Source: MQTT 5.0, 4.7.1 topic wildcards.
    """
    return 0 < len(text.encode()) <= TOPIC_BYTES_MOST and bool(_FILTER.fullmatch(text))


def matches(wanted: str, topic: str) -> bool:
    """Whether a topic, or all that another filter lets pass, falls under a filter.

    Source: MQTT 5.0, 4.7.1 and 4.7.2 (wildcards pass `$SYS` by).

    >>> [matches("tele/+/SENSOR", "tele/plug/SENSOR"), matches("zigbee2mqtt/#", "zigbee2mqtt"), matches("+", "a/b")]
    [True, True, False]
    """
    if topic.startswith("$") and wanted[:1] in ("+", "#"):
        return False
    levels, names = wanted.split("/"), topic.split("/")
    if levels[-1] == "#":
        levels.pop()
        names = names[: len(levels)]
    return len(levels) == len(names) and all(
        level == name or (level == "+" and name != "#") for level, name in zip(levels, names, strict=True)
    )


def widest(filters: tuple[str, ...]) -> tuple[str, ...]:
    """Return the filters without those that others cover: a message that two match may come twice."""
    once = dict.fromkeys(filters)
    return tuple(one for one in once if not any(other != one and matches(other, one) for other in once))


def _plain(topic: bytes) -> bytes:
    """Return a topic without what would end or hide a line; none that is written so can be read again as another."""
    return re.sub(rb"[\x00-\x1f]", b"\x00", topic)
