"""The shapes of an order's state: what a fold returns, and what boards, views, accounts and facts are made from.

Only shapes and what can be read off them; `gateway.rules.fold` fills them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from broker.events import OperationKind, Paper, Quality


class State(StrEnum):
    """An operation's state: the first of these that holds."""

    CANCELLED = "cancelled"
    RUNNING = "running"
    SETUP = "setup"
    PAUSED = "paused"
    DONE = "done"
    READY = "ready"
    IN_TRANSIT = "in_transit"
    WAITING = "waiting"


class Cause(StrEnum):
    """What an instant is charged to, in the order in which an order's account asks (RUN first)."""

    RUN = "run"
    SETUP = "setup"
    PAUSED = "paused"
    WAIT_EXTERNAL = "wait_external"
    TRANSIT = "transit"
    WAIT_SHIP = "wait_ship"
    QUEUE = "queue"


class Phase(StrEnum):
    """A session's phase."""

    SETUP = "setup"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


EXTERNAL_REASONS = frozenset({"CUSTOMER", "MATERIAL", "DRAWING"})
"""Pause reasons that are never the firm's own time: `wait_external`."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Pieces by where the number comes from. Its total is only as good as its worst part."""

    counted: int = 0
    machine: int = 0
    assumed: int = 0

    @property
    def total(self) -> int:
        return self.counted + self.machine + self.assumed

    @property
    def quality(self) -> Quality:
        """ASSUMED if any piece is assumed, else MACHINE if any is a machine's, else COUNTED."""
        if self.assumed:
            return Quality.ASSUMED
        return Quality.MACHINE if self.machine else Quality.COUNTED

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.counted + other.counted, self.machine + other.machine, self.assumed + other.assumed)


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of one cause; `end` None: it goes on."""

    cause: Cause
    start: datetime
    end: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """作業: one stretch of work of a ticket at a station. `start` is its opening's ledger key (author, epoch, seq)."""

    ticket: str
    station: str
    edge: str
    start: tuple[str, str, int]
    phase: Phase
    opened_at: datetime
    phase_since: datetime
    closed_at: datetime | None
    spans: tuple[Span, ...]
    reason: str | None = None
    badges: tuple[str, ...] = ()
    good: Amount = Amount()
    scrap: Amount = Amount()
    rework: Amount = Amount()
    hold: Amount = Amount()
    approximate: bool = False
    """Some of its times come from a clock nobody trusted."""


@dataclass(frozen=True, slots=True)
class Operation:
    """工程: one step at one firm. `own` are its own times (they may overlap other operations'), open spans included."""

    no: int
    name: str
    firm: str
    kind: OperationKind
    state: State
    state_since: datetime | None
    station: str | None = None
    due: date | None = None
    promised: date | None = None
    available: int | None = None
    """Pieces that have reached it so far; None when the order's quantity is not known."""
    remaining: int | None = None
    """What is available less what was reported; never below 0."""
    planned: int | None = None
    """Pieces it will get if nothing more is scrapped."""
    good: Amount = Amount()
    scrap: Amount = Amount()
    rework: Amount = Amount()
    hold: Amount = Amount()
    reworking: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    received_at: datetime | None = None
    shipped_at: datetime | None = None
    sessions: tuple[Session, ...] = ()
    own: tuple[Span, ...] = ()

    @property
    def label(self) -> str:
        return str(self.no)

    @property
    def approximate(self) -> bool:
        """Whether any of its times comes from a clock nobody trusted."""
        return any(session.approximate for session in self.sessions)


@dataclass(frozen=True, slots=True)
class Transfer:
    """受け渡し over one link: shipped, received, or both. Times None where that side has not been scanned.

    `implied` with a `received_at`: that is when the work began, and its received number is assumed.
    """

    id: str
    ticket: str
    shipped_at: datetime | None
    received_at: datetime | None
    sent: Amount | None
    received: Amount | None
    boxes_sent: int | None = None
    boxes_received: int | None = None
    implied: bool = False
    """受入 推定: nobody scanned the receipt, the work began."""


@dataclass(frozen=True, slots=True)
class Link:
    """The way from one operation to the next. `transfers` only where the firm changes."""

    source: int
    target: int
    sent: int = 0
    received: int = 0
    available: int = 0
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """要確認: something for a person. `code` is a key of `broker.words.FLAGS`; `detail` says more."""

    code: str
    operation: int | None
    at: datetime
    detail: tuple[tuple[str, str], ...] = ()
    settled: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that changed: a field of the order or of its step `operation`, a ticket, pieces. None: nothing.

    Both texts are None where the history may not repeat them (see `gateway.rules.history`).
    """

    what: str
    before: str | None
    after: str | None
    operation: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """履歴: one word of the office. `action` is an order event's, or `adopted`."""

    at: datetime
    action: str
    by: str | None
    why: str | None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Printing:
    """One time that a ticket was printed. `key` is its ledger key (author, epoch, seq)."""

    key: tuple[str, str, int]
    paper: Paper
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """工程移動票: one lot in one issue; `old` after a newer issue replaced it."""

    id: str
    branch: int
    quantity: int | None
    issue: int = 1
    old: bool = False
    parent: str | None = None
    prints: tuple[Printing, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderState:
    """受注: everything the rules know of one order after folding all its rows.

    `known` False: 番号不明, scanned before the office named it; `number` is then None. `released_at` is when the order
    was created (or first seen), `delivered_at` when its last operation was done and, if its coordinator is another
    firm, shipped. `last_at` is the time of its latest event.
    """

    key: str
    known: bool
    number: str | None
    state: State
    held: bool
    released_at: datetime | None
    delivered_at: datetime | None
    last_at: datetime | None
    own_number: str | None = None
    customer_number: str | None = None
    customer: str | None = None
    part: str | None = None
    drawing: str | None = None
    revision: str | None = None
    material: str | None = None
    size: str | None = None
    supplied: str | None = None
    series: str | None = None
    origin: str | None = None
    parent: str | None = None
    """The key of the order that this one is a part of."""
    amount: int | None = None
    """Yen. Nobody reads it here: `gateway.rules.sharing.amount` says who may know it."""
    quantity: int | None = None
    spare: int = 0
    due: date | None = None
    coordinator: str | None = None
    version: int = 1
    operations: tuple[Operation, ...] = ()
    links: tuple[Link, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    flags: tuple[Flag, ...] = ()
    grants: tuple[tuple[str, str], ...] = ()
    """(viewer firm, level) in force, beyond the default."""
    former: tuple[str, ...] = ()
    """Firms of earlier routings that have nothing to do with it any more; their papers are old."""
    held_pieces: int | None = None
    """How many are on hold, if it was said; the mark is `held`."""
    history: tuple[Change, ...] = ()
    """Every word of the office, oldest first; so many there are, that is which version of the order this is."""
    routed: tuple[str, str, int] | None = None
    """The ledger's key of the event with the routing in force; None without a routing."""
    rows: int = field(default=0)
    """How many rows were folded."""

    def operation(self, no: int) -> Operation | None:
        """Return the operation with this number, or None."""
        return next((operation for operation in self.operations if operation.no == no), None)

    @property
    def approximate(self) -> bool:
        """Whether any of its times comes from a clock nobody trusted."""
        return any(operation.approximate for operation in self.operations)

    @property
    def firms(self) -> tuple[str, ...]:
        """Every firm on the routing and the coordinator, each once, in routing order."""
        named = [operation.firm for operation in self.operations] + ([self.coordinator] if self.coordinator else [])
        return tuple(dict.fromkeys(named))
