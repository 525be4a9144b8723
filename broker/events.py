"""Every kind of event an author can record, as strict models. Bytes in, one event or one sentence out.

An event is immutable: to change one is a `correction` that voids it plus a new one. Which epoch and number an event
has is not in it: its place in a bundle gives that (see `broker.messages`).
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from broker.codes import CROCKFORD, TICKET_LENGTH

EVENT_LIMIT_BYTES = 16 * 1024

ID_PATTERN = r"^[a-z0-9-]{1,32}$"
Id = Annotated[str, Field(pattern=ID_PATTERN)]
TicketId = Annotated[str, Field(pattern=rf"^[{CROCKFORD}]{{{TICKET_LENGTH}}}$")]
OperationNumber = Annotated[int, Field(ge=1, le=9999)]
Author = Annotated[str, Field(pattern=r"^([a-z0-9-]{1,32}/[a-z0-9-]{1,32}|gateway)$")]
Epoch = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Boot = Annotated[str, Field(pattern=r"^[0-9a-f-]{1,36}$")]
Text = Annotated[str, Field(max_length=200)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Yen = Annotated[int, Field(ge=0, le=1_000_000_000_000)]


class ClockQuality(StrEnum):
    """How far the author trusted its clock; `given` means a person or a file states the time in `as_of`."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    GIVEN = "given"


class Quality(StrEnum):
    """Where a quantity comes from. `assumed` is the absence of a number, never a number somebody counted."""

    COUNTED = "counted"
    MACHINE = "machine"
    ASSUMED = "assumed"


class Model(BaseModel):
    """Strict and frozen; unknown keys are errors, because a key we do not know is a newer version's meaning."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Ref(Model):
    """Names one event for ever: the ledger's key."""

    author: Author
    epoch: Epoch
    seq: Annotated[int, Field(ge=1)]


class Quantity(Model):
    """Pieces. `n` is None exactly when the quality is `assumed`; the gateway's fold then fills it."""

    n: Count | None = None
    q: Quality

    @model_validator(mode="after")
    def _a_number_or_none(self) -> "Quantity":
        if (self.n is None) != (self.q is Quality.ASSUMED):
            raise ValueError("an assumed quantity has no number, every other has one")
        return self


class Event(Model):
    """What every event carries: the author's clock (`at`, `mono_ms` within `boot`) and how good it was."""

    v: Literal[1] = 1
    at: AwareDatetime
    mono_ms: Annotated[int, Field(ge=0)]
    boot: Boot
    clock: ClockQuality
    as_of: AwareDatetime | None = None
    by: Text | None = None
    """Who did it, where somebody must answer for it (the office, an import); never filled by a scan."""


class Action(StrEnum):
    """What a `work` event says of its session. Resuming is a start."""

    SETUP = "setup"
    START = "start"
    PAUSE = "pause"
    FINISH = "finish"
    REPORT = "report"


class Work(Event):
    """One step of one session (ticket, operation, station). `operation` None: no view at the edge, the fold decides.

    `closes` is the setup or start that a pause, finish or report belongs to. `firm` and `told_by` only from the
    gateway, for work told by telephone.
    """

    kind: Literal["work"] = "work"
    action: Action
    ticket: TicketId
    operation: OperationNumber | None = None
    station: Id
    closes: Ref | None = None
    good: Quantity | None = None
    scrap: Quantity | None = None
    rework: Quantity | None = None
    hold: Quantity | None = None
    reason: Word | None = None
    badge: Id | None = None
    firm: Id | None = None
    told_by: Text | None = None


class Scan(Event):
    """A read that changes nothing, and why (`already_started`, `not_ours`...). `text` is what was read, escaped."""

    kind: Literal["scan"] = "scan"
    text: Annotated[str, Field(max_length=4096)]
    why: Word
    ticket: TicketId | None = None
    operation: OperationNumber | None = None
    station: Id | None = None
    badge: Id | None = None


class Split(Event):
    """A part of a lot goes on under a ticket of its own (分割)."""

    kind: Literal["ticket"] = "ticket"
    action: Literal["split"] = "split"
    parent: TicketId
    child: TicketId
    quantity: Quantity | None = None


class Adopt(Event):
    """The office says which order a ticket belongs to (飛び込み, 番号不明). Gateway only.

    `quantity`: so many pieces go with it.
    """

    kind: Literal["ticket"] = "ticket"
    action: Literal["adopt"] = "adopt"
    ticket: TicketId
    order: Id
    quantity: Count | None = None
    why: Text | None = None


class Blank(Event):
    """A sheet of blank tickets was made: fresh ids, for walk-ins and splits. Gateway only."""

    kind: Literal["ticket"] = "ticket"
    action: Literal["blank"] = "blank"
    tickets: Annotated[tuple[TicketId, ...], Field(min_length=1, max_length=1000)]


class Paper(StrEnum):
    """What is printed of a ticket: 工程移動票 in two sizes, 現品票."""

    A4 = "a4"
    A5 = "a5"
    LABEL = "label"


class Printed(Event):
    """Somebody had these tickets printed. Gateway only."""

    kind: Literal["ticket"] = "ticket"
    action: Literal["printed"] = "printed"
    tickets: Annotated[tuple[TicketId, ...], Field(min_length=1, max_length=1000)]
    paper: Paper


class HandoverAction(StrEnum):
    """出荷（渡した） and 受入（受け取った）: two events, two counts."""

    SHIP = "ship"
    RECEIVE = "receive"


class Handover(Event):
    """One ticket leaves for, or arrives from, another firm. Tickets scanned together share `id`.

    `operation` is the one at this firm that was last done (ship) or comes next (receive), if the edge knew it.
    """

    kind: Literal["handover"] = "handover"
    action: HandoverAction
    ticket: TicketId
    operation: OperationNumber | None = None
    id: Id
    quantity: Quantity | None = None
    boxes: Annotated[int, Field(ge=0, le=9999)] | None = None
    station: Id | None = None
    badge: Id | None = None
    firm: Id | None = None
    told_by: Text | None = None


class MachineState(StrEnum):
    """One vocabulary for all machines (MTConnect Execution and ControllerMode mapped down)."""

    RUNNING = "running"
    IDLE = "idle"
    SETUP = "setup"
    HOLD = "hold"
    ALARM = "alarm"
    OFF = "off"
    UNKNOWN = "unknown"


class Machine(Event):
    """A machine's state changed and stayed changed for its dwell; `since` is when it began."""

    kind: Literal["machine"] = "machine"
    station: Id
    state: MachineState
    since: AwareDatetime | None = None
    text: Text | None = None
    start: Ref | None = None


class CountReading(Event):
    """A cumulative counter of a station, at most every 10 s a signal, with the start it counts for."""

    kind: Literal["count"] = "count"
    station: Id
    signal: Word
    total: Count
    start: Ref | None = None


class Call(Event):
    """Somebody at a station asks for a person (材料, 図面, 保全...)."""

    kind: Literal["call"] = "call"
    station: Id
    reason: Word
    ticket: TicketId | None = None


class Correction(Event):
    """Voids one event. An edge may void events of its own firm; the gateway any, in that firm's name."""

    kind: Literal["correction"] = "correction"
    voids: Ref
    why: Word
    firm: Id | None = None


class OperationKind(StrEnum):
    """加工, 検査, 特殊工程, 外注."""

    MACHINING = "machining"
    INSPECTION = "inspection"
    SPECIAL = "special"
    SUBCONTRACT = "subcontract"


class Step(Model):
    """One line of a routing."""

    no: OperationNumber
    name: Text
    firm: Id
    kind: OperationKind = OperationKind.MACHINING
    station: Id | None = None
    due: date | None = None


class IssuedTicket(Model):
    """One lot's ticket in one issue. `replaces` names the ticket of an older issue, which then answers 旧版.

    `quantity` None: nobody has counted the lot (it was split off by scan).
    """

    id: TicketId
    branch: Annotated[int, Field(ge=1, le=999)] = 1
    quantity: Count | None = None
    issue: Annotated[int, Field(ge=1, le=999)] = 1
    replaces: TicketId | None = None


class OrderAction(StrEnum):
    """What the office says. `released` takes back a hold or a cancellation."""

    CREATED = "created"
    CHANGED = "changed"
    REROUTED = "rerouted"
    SPLIT = "split"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"


class OrderPart(Model):
    """What an order asks for; every field is optional so that `changed` can state only what changed."""

    number: Text | None = None
    """共通番号: the cluster's counted number, an alias."""
    own_number: Text | None = None
    """製番（自社）."""
    customer_number: Text | None = None
    """注文番号（客先）."""
    customer: Text | None = None
    part: Text | None = None
    drawing: Text | None = None
    revision: Text | None = None
    material: Text | None = None
    size: Text | None = None
    quantity: Count | None = None
    spare: Count | None = None
    due: date | None = None
    coordinator: Id | None = None
    series: Literal["prototype", "series"] | None = None
    supplied: Text | None = None
    """支給材: what the customer furnishes."""
    origin: Text | None = None
    """Where the order came from: a customer's file, the telephone, a walk-in."""
    parent: Id | None = None
    """The key of the order that this one is a part of."""
    amount: Yen | None = None
    """What the customer pays. For the coordinator's eyes only (`gateway.rules.sharing.amount`)."""


class Order(Event):
    """The gateway's word on an order: created with part, routing and tickets; later changes state what is new.

    `order` is the random key. A `created` or `rerouted` carries the whole routing; `version` counts routings.
    `cleared` names fields of the part that hold nothing any more. `pieces`: so many are held, if not all, or split off.
    """

    kind: Literal["order"] = "order"
    action: OrderAction
    order: Id
    part: OrderPart | None = None
    cleared: tuple[Word, ...] = ()
    routing: tuple[Step, ...] | None = None
    tickets: tuple[IssuedTicket, ...] = ()
    version: Annotated[int, Field(ge=1)] = 1
    pieces: Count | None = None
    why: Text | None = None


class Level(StrEnum):
    """見せる範囲: own 自社の工程だけ, dates 予定と出荷まで, progress 進み具合まで, full すべて."""

    OWN = "own"
    DATES = "dates"
    PROGRESS = "progress"
    FULL = "full"


class Grant(Event):
    """What one firm may see of one order from now on (`level` None: the grant ends)."""

    kind: Literal["grant"] = "grant"
    order: Id
    viewer: Id
    level: Level | None = None


class Promise(Event):
    """工程納期 / 納期回答: the date asked of a firm for a step, or the date it answered."""

    kind: Literal["promise"] = "promise"
    order: Id
    operation: OperationNumber
    asked: date | None = None
    answered: date | None = None


class Settlement(Event):
    """A person settled a flag or a question: which, how, and the counts agreed on."""

    kind: Literal["settlement"] = "settlement"
    order: Id
    flag: Word
    operation: OperationNumber | None = None
    decision: Word
    good: Count | None = None


_ByKind = Annotated[
    Work
    | Scan
    | Annotated[Split | Adopt | Blank | Printed, Field(discriminator="action")]
    | Handover
    | Machine
    | CountReading
    | Call
    | Correction
    | Order
    | Grant
    | Promise
    | Settlement,
    Field(discriminator="kind"),
]
AnyEvent = (
    Work
    | Scan
    | Split
    | Adopt
    | Blank
    | Printed
    | Handover
    | Machine
    | CountReading
    | Call
    | Correction
    | Order
    | Grant
    | Promise
    | Settlement
)

FROM_FLOOR = ("work", "scan", "ticket", "handover", "machine", "count", "call", "correction")
FROM_GATEWAY = ("order", "ticket", "grant", "promise", "settlement", "work", "handover", "correction")

_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(_ByKind)


class EventError(ValueError):
    """The bytes are no event of this version; the message is one sentence that says what is wrong and where."""


def encode(event: AnyEvent) -> bytes:
    """Return the bytes that are stored at accept and never change: compact JSON, one line, unset fields left out.

    Raises EventError if the event is larger than EVENT_LIMIT_BYTES.
    """
    line = event.model_dump_json(exclude_none=True).encode()
    if len(line) > EVENT_LIMIT_BYTES:
        raise EventError(f"the event has {len(line)} bytes, the limit is {EVENT_LIMIT_BYTES}")
    return line


def decode(line: bytes) -> AnyEvent:
    """Return the event in `line`, JSON in UTF-8. Raises EventError; the bytes then stay in the ledger as they are."""
    if len(line) > EVENT_LIMIT_BYTES:
        raise EventError(f"the event has {len(line)} bytes, the limit is {EVENT_LIMIT_BYTES}")
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        raise EventError(sentence(error)) from None


def sentence(error: ValidationError) -> str:
    """Return the first complaint of a validation as `where: what`, and how many more there are."""
    complaints = error.errors(include_url=False, include_context=False)
    first = complaints[0]
    where = ".".join(str(part) for part in first["loc"]) or "event"
    more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
    return f"{where}: {first['msg']}{more}"
