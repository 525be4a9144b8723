"""What an arrived message is to the ledger: a batch of events, a greeting, or something to set aside. Pure.

Reads topics and headers, splits lines and hashes them; never looks into an event.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from broker.events import ClockQuality
from broker.messages import BUNDLE_BYTES, Bundle, Clocked, Hello, MessageError
from broker.topics import GATEWAY, Kind, Topic, TopicError
from gateway.ledger.marks import LARGEST_NUMBER

MESSAGE_BYTES = BUNDLE_BYTES + 1024
_MONO_LIMIT = 2**53
_PEEKED_BYTES = 4096


class Reason(StrEnum):
    """Why something was set aside."""

    WRONG_TOPIC = "wrong topic"
    TOO_LARGE = "too large"
    WRONG_VERSION = "unknown version"
    MALFORMED = "malformed"
    NUMBER_USED_TWICE = "number used twice"


@dataclass(frozen=True, slots=True)
class Sent:
    """The sender's clock at sending, and ours at receipt."""

    at: datetime
    mono_ms: int
    boot: str
    clock: ClockQuality
    received_at: datetime

    @classmethod
    def of(cls, message: Clocked, received_at: datetime) -> "Sent":
        return cls(message.at, min(message.mono_ms, _MONO_LIMIT), message.boot, message.clock, received_at)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events `first`, `first + 1`... of one epoch, with the SHA-256 of each."""

    topic: str
    author: str
    epoch: str
    first: int
    lines: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    sent: Sent
    nonce: str = ""

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


@dataclass(frozen=True, slots=True)
class Greeting:
    """A valid hello and who said it."""

    author: str
    hello: Hello
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that is set aside whole; `detail` is one sentence."""

    topic: str
    author: str | None
    reason: Reason
    detail: str
    payload: bytes
    received_at: datetime


Taken = Batch | Greeting | Refusal


def hashes(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the SHA-256 of each line: by it a repetition is told from a number used twice."""
    return tuple(hashlib.sha256(line).digest() for line in lines)


def take(topic: str, payload: bytes, received_at: datetime) -> Taken:
    """Say what an arrived message is. Never raises for anything that can arrive."""
    try:
        parsed = _topic(topic)
    except TopicError as error:
        return Refusal(topic, None, Reason.WRONG_TOPIC, str(error), payload, received_at)

    def refused(reason: Reason, detail: str) -> Refusal:
        return Refusal(topic, parsed.author, reason, detail, payload, received_at)

    if len(payload) > MESSAGE_BYTES:
        return refused(Reason.TOO_LARGE, f"the message has {len(payload)} bytes, the limit is {MESSAGE_BYTES}")
    try:
        if parsed.kind is Kind.HELLO:
            return _greeting(parsed, Hello.decode(payload), received_at)
        return _batch(topic, parsed, Bundle.decode(payload), received_at)
    except _WrongSenderError as error:
        return refused(Reason.WRONG_TOPIC, str(error))
    except MessageError as error:
        return refused(Reason.WRONG_VERSION if _of_another_version(payload) else Reason.MALFORMED, str(error))


class _WrongSenderError(MessageError):
    """The header names another firm or edge than the topic, which the access list checked."""


@lru_cache(maxsize=65536)
def _topic(text: str) -> Topic:
    topic = Topic.parse(text)
    if GATEWAY in (topic.firm, topic.edge) or topic.kind not in (Kind.HELLO, Kind.EVENTS):
        raise TopicError(f"{text!r} is no topic that an edge sends events or hellos under")
    return topic


def _batch(topic: str, parsed: Topic, bundle: Bundle, received_at: datetime) -> Batch:
    header = bundle.header
    if (header.firm, header.edge) != (parsed.firm, parsed.edge):
        raise _WrongSenderError(f"the header names {header.firm}/{header.edge}, the topic {parsed.author}")
    _within_bounds([header.first + header.count])
    return Batch(
        topic,
        parsed.author,
        header.epoch,
        header.first,
        bundle.lines,
        hashes(bundle.lines),
        Sent.of(header, received_at),
        header.nonce,
    )


def _greeting(parsed: Topic, hello: Hello, received_at: datetime) -> Greeting:
    for held in hello.epochs:
        _within_bounds([held.lowest, held.last, held.receipted, *(last for _, last in held.lost)])
    _within_bounds([hello.waiting, hello.refused])
    return Greeting(parsed.author, hello, received_at)


def _within_bounds(numbers: Sequence[int]) -> None:
    if max(numbers) > LARGEST_NUMBER:
        raise MessageError(f"the number {max(numbers)} is larger than {LARGEST_NUMBER}")


def _of_another_version(payload: bytes) -> bool:
    try:
        first = json.loads(payload[:_PEEKED_BYTES].split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("v", 1) != 1
