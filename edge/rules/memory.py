"""What an edge remembers between scans: its sessions, and what each scanner has in hand. Values only.

Stored in the same transaction as the events, at every scan: so it is bounded and quickly written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from broker.clock import Reading
from broker.events import AnyEvent, Ref

Key = tuple[str, int | None, str]
"""Ticket, operation (None: nobody knew it), station."""

OPEN_LIMIT = 500
CLOSED_LIMIT = 100
"""The least recently touched go first. A shop has some tens of open sessions; a dump at both limits has 0.2 MB."""
HANDS_LIMIT = 64
DONE_LIMIT = 3


class Phase(StrEnum):
    """Where a session stands."""

    SETUP = "setup"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Session:
    """作業: one ticket, operation and station. `opening` is the setup or start that a later event names.

    `opening` None: a finish nobody had started. `since` is when the phase began, `label` what the machinist was told.
    `reported`: pieces were reported in it, so what remains is no longer known here.
    """

    ticket: str
    operation: int | None
    station: str
    phase: Phase
    opening: Ref | None
    since: Reading
    label: str
    reason: str | None = None
    reported: bool = False

    def __hash__(self) -> int:
        """Hash by what differs between sessions: dump keeps the text of each, and looks it up at every scan."""
        return hash((self.ticket, self.operation, self.station, self.since.mono_ms))

    @property
    def key(self) -> Key:
        return (self.ticket, self.operation, self.station)

    @property
    def open(self) -> bool:
        return self.phase is not Phase.FINISHED


@dataclass(frozen=True, slots=True)
class Held:
    """Something that waits for the next read: a station, a badge, the digits so far."""

    text: str
    since: Reading


@dataclass(frozen=True, slots=True)
class Pending:
    """A card that waits for its ticket. `parent`: the lot being split. `handover`: shared by tickets read together."""

    card: str
    detail: str | None
    since: Reading
    parent: str | None = None
    handover: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An event that was recorded, under its key."""

    ref: Ref
    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Target:
    """What a number would count now. `event` is it without the number, `slot` the field the number goes to.

    `carrier` is the event that carries the present number and would be replaced. `finish` is what 途中まで would
    replace. `remaining` is what 全部良品 would count, where the firm's view knew it at the finish. `offered` is when
    the machine stopped, which 確定 would take for the finish's time; `paused` is a pause that it would replace too.
    """

    event: AnyEvent
    slot: str
    label: str
    since: Reading
    carrier: Written | None = None
    finish: Written | None = None
    remaining: int | None = None
    offered: datetime | None = None
    paused: Written | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A session before and after one scan; None: there was none."""

    key: Key
    before: Session | None
    after: Session | None


@dataclass(frozen=True, slots=True)
class Done:
    """One scan that 元に戻す can take back: what it recorded, what it replaced, and what it changed here."""

    refs: tuple[Ref, ...]
    replaced: tuple[Written, ...]
    changes: tuple[Change, ...]
    target: Target | None
    label: str
    at: Reading


@dataclass(frozen=True, slots=True)
class Hand:
    """What one scanner has in hand. `last` is the mark and time of its last read, against re-reads."""

    pending: Pending | None = None
    station: Held | None = None
    badge: Held | None = None
    digits: Held | None = None
    last: Held | None = None
    target: Target | None = None
    done: tuple[Done, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything the rules of one edge remember, least recently touched first."""

    sessions: Mapping[Key, Session] = field(default_factory=dict)
    hands: Mapping[str, Hand] = field(default_factory=dict)

    def open(self) -> tuple[Session, ...]:
        """Return the sessions in set-up, running or paused, for the panel and the station pictures."""
        return tuple(session for session in self.sessions.values() if session.open)


EMPTY = Memory()
