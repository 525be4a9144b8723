"""What a fold collects on its way: plain mutable lists, read by `pieces`, `links` and `states`, frozen at the end.

The walk over the rows writes it (`office`, `sessions`, `handovers`); nothing here decides anything.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from broker.events import Step
from gateway.rules.order import Change, Phase, Printing, Span
from gateway.rules.sequence import Oddity
from gateway.rules.voiding import Key

GOOD, SCRAP, REWORK, HOLD = range(4)
"""What a number of pieces says; the places of a session's four amounts."""


@dataclass(slots=True, eq=False)
class SessionDraft:
    """One session under way. Its numbers stand in its operation's `reports` and `guesses`."""

    ticket: str
    station: str
    edge: str
    firm: str
    start: Key
    phase: Phase
    opened_at: datetime
    phase_since: datetime
    closed_at: datetime | None = None
    reason: str | None = None
    spans: list[Span] = field(default_factory=list)
    badges: list[str] = field(default_factory=list)
    approximate: bool = False


@dataclass(slots=True, eq=False)
class Report:
    """`n` pieces of one kind that somebody counted, or a machine did."""

    at: datetime
    session: SessionDraft | None
    ticket: str
    what: int
    n: int
    machine: bool


@dataclass(slots=True, eq=False)
class Guess:
    """The absence of a number; `pieces` fills it."""

    at: datetime
    session: SessionDraft | None
    ticket: str
    what: int


@dataclass(slots=True, eq=False)
class Passing:
    """One ship or one receive. `n` None: nobody counted."""

    at: datetime
    id: str
    ticket: str
    n: int | None
    machine: bool
    boxes: int | None


@dataclass(slots=True, eq=False)
class OperationDraft:
    """One operation and everything that happened at it, in fold order."""

    no: int
    step: Step
    sessions: list[SessionDraft] = field(default_factory=list)
    starts: list[tuple[datetime, str]] = field(default_factory=list)
    finishes: list[datetime] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    ships: list[Passing] = field(default_factory=list)
    receives: list[Passing] = field(default_factory=list)
    asked: date | None = None
    answered: date | None = None

    @property
    def firm(self) -> str:
        return self.step.firm

    @property
    def open(self) -> bool:
        """Whether somebody is at it, be it in a pause."""
        return any(session.closed_at is None for session in self.sessions)


@dataclass(slots=True, eq=False)
class TicketDraft:
    """One lot's paper; `old_since` once a newer issue replaced it."""

    id: str
    branch: int
    quantity: int | None = None
    issue: int = 1
    parent: str | None = None
    split_at: datetime | None = None
    old_since: datetime | None = None


@dataclass(slots=True, eq=False)
class Agreed:
    """What a person settled: flags of this code and operation up to `at`."""

    at: datetime
    flag: str
    operation: int | None
    decision: str
    good: int | None


@dataclass(slots=True, eq=False)
class Draft:
    """One order under way."""

    key: str
    known: bool = False
    created_at: datetime | None = None
    released: datetime | None = None
    part: dict[str, object] = field(default_factory=dict)
    supply: list[tuple[datetime, int]] = field(default_factory=list)
    """Pieces the first operation gets, and when: quantity and spare at the release, later changes as differences."""
    supposed: bool = False
    """Nobody stated how many pieces are wanted: `supply` is no more than what its lots were issued with."""
    routings: list[tuple[datetime, dict[int, Step]]] = field(default_factory=list)
    version: int = 1
    held: bool = False
    held_pieces: int | None = None
    history: list[Change] = field(default_factory=list)
    routed: Key | None = None
    """The event with the routing in force."""
    cancelled_at: datetime | None = None
    tickets: dict[str, TicketDraft] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    """The ticket of the older issue, by that of the newer."""
    prints: dict[str, list[Printing]] = field(default_factory=dict)
    promises: dict[int, tuple[date | None, date | None]] = field(default_factory=dict)
    grants: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    agreed: list[Agreed] = field(default_factory=list)
    operations: dict[int, OperationDraft] = field(default_factory=dict)
    chain: list[OperationDraft] = field(default_factory=list)
    """The operations of the routing in force, in order."""
    by_start: dict[Key, tuple[OperationDraft, SessionDraft]] = field(default_factory=dict)
    refused: set[Key] = field(default_factory=set)
    """Starts that were flagged and changed nothing; what closes them changes nothing either."""
    oddities: list[Oddity] = field(default_factory=list)
    last_at: datetime | None = None

    def flag(self, at: datetime, code: str, operation: int | None, *detail: tuple[str, str]) -> None:
        """Note something for a person."""
        self.oddities.append((at, code, operation, detail))

    @property
    def free(self) -> bool:
        """Whether there is no routing: every firm that touches it has one operation."""
        return not self.routings

    @property
    def coordinator(self) -> str | None:
        coordinator = self.part.get("coordinator")
        return coordinator if isinstance(coordinator, str) else None

    def lots_before(self, ticket: str, at: datetime) -> list[int]:
        """Return the branches a ticket's pieces went under at a time: its own and, before the split, its parent's."""
        branches: list[int] = []
        found = self.tickets.get(ticket)
        while found is not None and found.branch not in branches:
            branches.append(found.branch)
            if found.parent is None or (found.split_at is not None and found.split_at < at):
                break
            found = self.tickets.get(found.parent)
        return branches

    def live_tickets(self) -> list[TicketDraft]:
        """Return the tickets no newer issue has replaced."""
        return [ticket for ticket in self.tickets.values() if ticket.old_since is None]
