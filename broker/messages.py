"""What travels under the topics: bundles, hellos, receipts, presence, and the retained pictures. Bytes in, values out.

A bundle is JSON Lines: a header, then one line an event, the very bytes the outbox stored. Events are parsed in
`broker.events`, never here.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from broker.events import (
    EVENT_LIMIT_BYTES,
    Boot,
    ClockQuality,
    Epoch,
    Id,
    MachineState,
    Model,
    Quality,
    TicketId,
    sentence,
)

BUNDLE_EVENTS = 500
BUNDLE_BYTES = 256 * 1024
IN_FLIGHT = 2
"""Bundles an edge may have unanswered: what bounds the gateway's memory, since Debian's broker does not."""

LINEAGE = 64
"""Ledgers that a receipt names: each is a restore."""

Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
LEDGER_PATTERN = r"^[0-9a-f]{32}$"
Ledger = Annotated[str, Field(pattern=LEDGER_PATTERN)]
Range = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
"""First and last number, both inclusive."""


HELLO_EPOCHS = 500
"""Epochs in one hello: each that is new costs the one writer of the gateway a row and a look-up."""
LOST_RANGES = 1000
"""Lost ranges in one hello, over all its epochs. What an edge leaves out stays listed as missing."""


class MessageError(ValueError):
    """The payload is no message of this version; the message is one sentence for the list of set-aside messages."""


def new_epoch() -> str:
    """Mint the id of one opening of an outbox: 8 random bytes in hex."""
    return secrets.token_hex(8)


new_nonce = new_epoch


def new_ledger() -> str:
    """Mint a ledger's id: 16 random bytes in hex."""
    return secrets.token_hex(16)


class Message(Model):
    """A message of this contract's version."""

    v: Literal[1] = 1

    def encode(self) -> bytes:
        """Return compact JSON in UTF-8; what is not set is left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read one message. Raises MessageError."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise MessageError(sentence(error)) from None


class Clocked(Message):
    """The sender's clock at sending, so that the gateway can date events that were recorded without one."""

    at: AwareDatetime
    mono_ms: Annotated[int, Field(ge=0)]
    boot: Boot
    clock: ClockQuality


class Header(Clocked):
    """First line of a bundle: `count` events of one epoch, numbered from `first` without a hole."""

    firm: Id
    edge: Id
    epoch: Epoch
    first: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=1, le=BUNDLE_EVENTS)]
    nonce: Nonce


@dataclass(frozen=True, slots=True)
class Bundle:
    """A header and its lines; line `i` has number `header.first + i`."""

    header: Header
    lines: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return header and lines joined by LF. Raises MessageError if they disagree or exceed the limits."""
        _judge(self.header, self.lines)
        return b"\n".join([self.header.encode(), *self.lines])

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Split a bundle without parsing its events. Raises MessageError; such a payload is set aside whole."""
        if len(payload) > BUNDLE_BYTES + 1024:
            raise MessageError(f"the bundle has {len(payload)} bytes, the limit is {BUNDLE_BYTES}")
        first, *lines = payload.removesuffix(b"\n").split(b"\n")
        header = Header.decode(first)
        _judge(header, lines)
        return cls(header, tuple(lines))


def _judge(header: Header, lines: Sequence[bytes]) -> None:
    if len(lines) != header.count:
        raise MessageError(f"the header says {header.count} events, {len(lines)} lines follow it")
    if any(len(line) > EVENT_LIMIT_BYTES for line in lines):
        raise MessageError(f"an event is longer than {EVENT_LIMIT_BYTES} bytes")


class EpochHeld(Model):
    """One epoch as the edge holds it: nothing below `lowest` is on its disk, `lost` are numbers it cannot read."""

    epoch: Epoch
    lowest: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=0)]
    receipted: Annotated[int, Field(ge=0)]
    lost: Annotated[tuple[Range, ...], Field(max_length=LOST_RANGES)] = ()

    @model_validator(mode="after")
    def _nothing_beyond_the_last(self) -> Self:
        if self.receipted > self.last:
            raise ValueError("more is receipted than was ever accepted")
        return self


class Hello(Clocked):
    """Sent on connect, every 60 s while anything waits, else every 15 minutes: what the edge has, by epoch."""

    nonce: Nonce
    ledger: Ledger | None = None
    """The ledger whose receipts this edge last obeyed."""
    epochs: Annotated[tuple[EpochHeld, ...], Field(max_length=HELLO_EPOCHS)] = ()
    waiting: Annotated[int, Field(ge=0)] = 0
    refused: Annotated[int, Field(ge=0)] = 0
    """Scans refused aloud since the last start because the disk was full."""
    version: Annotated[str, Field(max_length=32)] = ""

    @model_validator(mode="after")
    def _few_ranges(self) -> Self:
        if (count := sum(len(held.lost) for held in self.epochs)) > LOST_RANGES:
            raise ValueError(f"it names {count} lost ranges, the limit is {LOST_RANGES}")
        return self


class EpochReceipt(Model):
    """`upto`: highest committed number; `missing`: what is not committed below it; the edge sends what of it it holds.

    Also what an edge said it lost is missing: an older copy of its card may hold it.
    """

    epoch: Epoch
    upto: Annotated[int, Field(ge=0)]
    missing: tuple[Range, ...] = ()

    @model_validator(mode="after")
    def _holes_lie_below(self) -> Self:
        if any(first > last or last >= self.upto for first, last in self.missing):
            raise ValueError("a missing range is empty or not below the highest committed number")
        return self

    def covers(self, seq: int) -> bool:
        """Say whether the ledger has committed number `seq`."""
        return seq <= self.upto and not any(first <= seq <= last for first, last in self.missing)


class Receipt(Message):
    """The gateway's word, never retained: what `ledger` has committed of each epoch. Echoes the edge's nonce."""

    nonce: Nonce
    ledger: Ledger
    lineage: Annotated[tuple[Ledger, ...], Field(max_length=LINEAGE)] = ()
    """Ledgers this one was restored from, newest first."""
    answers: Literal["hello", "events"] = "events"
    epochs: tuple[EpochReceipt, ...]


class Presence(Message):
    """Retained, and the edge's last will: whether it is connected. Nothing else."""

    online: bool


class OpenSession(Model):
    """One session in the station picture."""

    ticket: TicketId
    operation: int | None = None
    label: Annotated[str, Field(max_length=40)]
    phase: Literal["setup", "running", "paused"]
    since: AwareDatetime
    reason: str | None = None


STATION_DEVICES = 16
"""Scanners and machines in one station's picture."""

DeviceState = Literal["heard", "waiting", "silent", "garbage", "lost"]
"""heard: what it says is understood; waiting: its line is open, nothing was understood yet; silent: it answers no more;
garbage: bytes come and nothing of them is understood; lost: unplugged, switched off, its line is gone."""


class DeviceView(Model):
    """How one scanner or machine is heard, and since when; `driver` is what the settings call it."""

    id: Id
    driver: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]
    state: DeviceState
    since: AwareDatetime


class Loose(Model):
    """A machine ran or counted with no session open on this edge: from when to when, and how many pieces it counted."""

    since: AwareDatetime
    until: AwareDatetime
    pieces: Annotated[int, Field(ge=0)] = 0


class StationView(Message):
    """Retained work in process of one station: a picture for the firm's own displays, never evidence.

    `devices` and `loose` came later in this version; no reader was there before them that would refuse them.
    """

    station: Id
    at: AwareDatetime
    sessions: tuple[OpenSession, ...] = ()
    machine: MachineState = MachineState.UNKNOWN
    machine_at: AwareDatetime | None = None
    devices: Annotated[tuple[DeviceView, ...], Field(max_length=STATION_DEVICES)] = ()
    loose: Loose | None = None


class Amount(Model):
    """A quantity as shown: `n` pieces; `assumed` is marked 未確認 wherever it appears."""

    n: int
    q: Quality


class OperationView(Model):
    """One operation of an order as one firm may see it; what is not granted is None and does not travel."""

    no: int
    name: str | None = None
    firm: Id
    mine: bool = False
    stage: Literal["done", "under_way", "to_come", "cancelled"]
    state: str | None = None
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    due: str | None = None
    promised: str | None = None
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    received_at: AwareDatetime | None = None
    shipped_at: AwareDatetime | None = None
    good: Amount | None = None
    scrap: Amount | None = None
    hold: Amount | None = None
    remaining: int | None = None
    remaining_q: Quality | None = None
    """The worst of the numbers that `remaining` rests on: what was reported here, and what arrived."""
    station: str | None = None


class TicketView(Model):
    """A ticket of the order: an edge resolves scans with it."""

    id: TicketId
    branch: int
    quantity: int | None = None
    old: bool = False


class OrderView(Message):
    """Retained under mw/1/<firm>/gateway/order/<key>: what this firm may see of one order (see gateway.rules.sharing).

    `current` False: the rules failed on this order and the picture may be old.
    """

    order: Id
    number: str | None = None
    level: str
    part: str | None = None
    drawing: str | None = None
    quantity: int | None = None
    due: str | None = None
    coordinator: Id | None = None
    state: str
    held: bool = False
    current: bool = True
    at: AwareDatetime | None = None
    operations: tuple[OperationView, ...] = ()
    tickets: tuple[TicketView, ...] = ()
