"""What to send next and what a receipt means: the uplink's decisions, sans-io. Told facts, it answers with decisions.

No socket, file or clock here (`now` is a monotonic time in seconds); `edge.uplink` does what is decided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.messages import BUNDLE_EVENTS, IN_FLIGHT, EpochHeld, EpochReceipt, Receipt
from broker.ranges import Ranges, both, minus, size, union

HELLO_SECONDS_WAITING = 60.0
HELLO_SECONDS_IDLE = 15 * 60.0
HELLO_SECONDS_UNANSWERED = 5.0
"""Until anybody answers on a connection, doubled each time: after a broker's restart the server may come after us."""
HELLO_SECONDS_ASKED = 5.0
"""A hole or a loss is said at once, but not more often than this, or a lossy line would hear nothing else."""
HELLO_SECONDS_UNRECEIPTED = 15.0
"""A bundle without its receipt after this is asked for, once: the server may have died between commit and receipt."""
ANSWER_SECONDS = 10.0
"""A hello not answered within this is shown as a server that does not answer."""
TRIES = 3
_FOREVER = 2**63
_OWN_NONCES = 64


@dataclass(slots=True)
class Held:
    """One epoch as the outbox holds it: numbers lowest..last less `lost`; `uncommitted` as far as we were told."""

    epoch: str
    lowest: int
    last: int
    lost: Ranges = ()
    uncommitted: Ranges = ()

    @property
    def waiting(self) -> Ranges:
        """What can be sent and should be."""
        return minus(both(self.uncommitted, ((self.lowest, self.last),)), self.lost)

    @property
    def receipted(self) -> int:
        """The highest number up to which the ledger has everything that is not lost."""
        sought = minus(self.uncommitted, self.lost)
        return sought[0][0] - 1 if sought else self.last

    def stated(self) -> EpochHeld:
        """Return what a hello says of it."""
        return EpochHeld(epoch=self.epoch, lowest=self.lowest, last=self.last, receipted=self.receipted, lost=self.lost)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the outbox should remember of one epoch: committed up to `upto`, less `missing`."""

    epoch: str
    upto: int
    missing: Ranges


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A valid receipt: write these marks, under this ledger. `joined`, `replaced`: all older marks are void."""

    ledger: str
    marks: tuple[Mark, ...]
    joined: bool
    replaced: bool


class Ignored(StrEnum):
    """Why a receipt was not obeyed."""

    LATE = "late"
    """For an earlier connection of ours, from the ledger we joined: harmless and usual after a reconnection."""
    OTHER_NONCE = "other nonce"
    OTHER_LEDGER = "other ledger"


@dataclass(frozen=True, slots=True)
class SayHello:
    """Send a hello now."""


@dataclass(frozen=True, slots=True)
class SendBundle:
    """Send a bundle of this epoch from `first`, at most `most` events."""

    epoch: str
    first: int
    most: int


@dataclass(frozen=True, slots=True)
class _Flying:
    epoch: str
    first: int
    last: int
    turn: int
    at: float


@dataclass(slots=True)
class _Tries:
    count: int = 0
    events: int = BUNDLE_EVENTS


@dataclass(slots=True)
class Sending:
    """Which numbers wait, which are in flight, and whom we obey. Epochs in the order in which they were opened."""

    held: dict[str, Held]
    ledger: str | None = None
    ignored: int = 0
    nonce: str | None = None
    _own_nonces: list[str] = field(default_factory=list)
    _flying: list[_Flying] = field(default_factory=list)
    _tries: dict[tuple[str, int], _Tries] = field(default_factory=dict)
    _turn: int = 0
    _hello_turn: int = 0
    _hello_at: float = 0.0
    _hello_asked: bool = False
    _answered_at: float | None = None
    _unanswered: int = 0
    _waiting_since: float | None = None

    @classmethod
    def of(cls, held: Iterable[Held], ledger: str | None) -> "Sending":
        """Begin with what the outbox holds and the ledger it last obeyed."""
        return cls({one.epoch: one for one in held}, ledger)

    # -- facts ---------------------------------------------------------------------------------------------------------

    def up(self, nonce: str, now: float) -> None:
        """Note a new connection under a nonce of its own; nothing sent before is still on its way."""
        self.down()
        self.nonce = nonce
        self._own_nonces = [*self._own_nonces[-_OWN_NONCES:], nonce]
        self._unanswered = 0
        self._hello_at = now - HELLO_SECONDS_IDLE  # due at once
        self._hello_asked = True
        self._note_waiting(now)

    def down(self) -> None:
        """Note that the connection ended."""
        self.nonce = None
        self._answered_at = None
        self._flying.clear()

    def accepted(self, epoch: str, last: int, now: float) -> None:
        """Note that the outbox now holds this epoch up to `last`."""
        held = self.held.setdefault(epoch, Held(epoch, 1, 0))
        if last > held.last:
            held.uncommitted = union(held.uncommitted, ((held.last + 1, last),))
            held.last = last
        self._note_waiting(now)

    def damaged(self, epoch: str, lost: Ranges) -> None:
        """Note numbers that cannot be read any more; the next hello says so, soon."""
        held = self.held[epoch]
        held.lost = union(held.lost, lost)
        self._hello_asked = True

    def ask_hello(self) -> None:
        """Note that there is something to say that only a hello says; it goes soon."""
        self._hello_asked = True

    def kept(self, lowest: Mapping[str, int]) -> None:
        """Note from which number on each epoch is still kept; an epoch not named is gone, all of it committed."""
        self.held = {epoch: held for epoch, held in self.held.items() if epoch in lowest}
        for epoch, held in self.held.items():
            held.lowest = lowest[epoch]
        self._flying = [one for one in self._flying if one.epoch in self.held]

    def sent(self, epoch: str, first: int, count: int, now: float) -> None:
        """Note a bundle as sent."""
        self._turn += 1
        self._flying.append(_Flying(epoch, first, first + count - 1, self._turn, now))
        tries = self._tries.setdefault((epoch, first), _Tries())
        tries.count += 1
        if tries.count >= TRIES:
            tries.count, tries.events = 0, max(1, count // 2)

    def said_hello(self, now: float) -> None:
        """Note a hello as sent."""
        self._turn += 1
        self._hello_turn, self._hello_at, self._hello_asked = self._turn, now, False
        self._unanswered += 1

    def receipt(self, receipt: Receipt, now: float) -> Obeyed | Ignored:
        """Judge a receipt and, if it is valid, take it in."""
        why = self._why_not(receipt)
        if why is not None:
            self.ignored += 1
            return why
        joined, replaced = self.ledger is None, self.ledger not in (None, receipt.ledger)
        if joined or replaced:  # marks of a ledger that is not this one, or whose name a damaged card forgot, are void
            for held in self.held.values():
                held.uncommitted = ((1, held.last),) if held.last else ()
            self._flying.clear()
            self._hello_asked = True
        self.ledger = receipt.ledger
        self._answered_at = now
        touched = [self._take(self.held[one.epoch], one) for one in receipt.epochs if one.epoch in self.held]
        marked = self.held.values() if joined or replaced else touched
        if receipt.answers == "hello":
            for held in touched:  # the server knows now that nobody has these here
                held.uncommitted = minus(held.uncommitted, ((1, held.lowest - 1),))
            self._flying = [one for one in self._flying if one.turn > self._hello_turn]
        self._settle(now)
        return Obeyed(receipt.ledger, tuple(_mark(held) for held in marked), joined, replaced)

    # -- decisions -----------------------------------------------------------------------------------------------------

    def turn(self, now: float) -> SayHello | SendBundle | None:
        """Say what to do next; ask again after doing it. None: nothing until something happens or `due` comes."""
        if self.nonce is None:
            return None
        if now >= self._hello_due():
            return SayHello()
        if len(self._flying) >= IN_FLIGHT:
            return None
        for held in self.held.values():
            flying: Ranges = union(tuple((one.first, one.last) for one in self._flying if one.epoch == held.epoch))
            if free := minus(held.waiting, flying):
                first, last = free[0]
                tries = self._tries.get((held.epoch, first))
                return SendBundle(held.epoch, first, min(last - first + 1, tries.events if tries else BUNDLE_EVENTS))
        return None

    def due(self) -> float | None:
        """Return when `turn` should be asked again even if nothing happens; None while there is no connection."""
        return None if self.nonce is None else self._hello_due()

    @property
    def waiting(self) -> int:
        """How many events wait for the ledger."""
        return sum(size(held.waiting) for held in self.held.values())

    def answered(self, now: float) -> bool:
        """Say whether the server itself answers on this connection, not only the broker."""
        if self._answered_at is None:
            return False
        return self._answered_at >= self._hello_at or now - self._hello_at < ANSWER_SECONDS

    # -- inside --------------------------------------------------------------------------------------------------------

    def _why_not(self, receipt: Receipt) -> Ignored | None:
        known = self.ledger is None or self.ledger == receipt.ledger or self.ledger in receipt.lineage
        if self.nonce is None or receipt.nonce != self.nonce:
            return Ignored.LATE if known and receipt.nonce in self._own_nonces else Ignored.OTHER_NONCE
        return None if known else Ignored.OTHER_LEDGER

    def _take(self, held: Held, receipt: EpochReceipt) -> Held:
        """Receipts of one ledger add up: a number is uncommitted only if every one of them leaves it out."""
        holes: Ranges = (*receipt.missing, (receipt.upto + 1, _FOREVER))
        held.uncommitted = both(held.uncommitted, union(holes))
        if both(held.waiting, receipt.missing):
            self._hello_asked = True
        return held

    def _settle(self, now: float) -> None:
        self._flying = [one for one in self._flying if both(self.held[one.epoch].waiting, ((one.first, one.last),))]
        self._tries = {
            (epoch, first): tries
            for (epoch, first), tries in self._tries.items()
            if epoch in self.held and both(self.held[epoch].waiting, ((first, first),))
        }
        self._note_waiting(now)

    def _note_waiting(self, now: float) -> None:
        if not any(held.waiting for held in self.held.values()):
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now

    def _hello_due(self) -> float:
        due = self._hello_at + HELLO_SECONDS_IDLE
        if self._waiting_since is not None:
            due = min(due, max(self._waiting_since, self._hello_at) + HELLO_SECONDS_WAITING)
        if self._answered_at is None and self._unanswered:
            due = min(due, self._hello_at + HELLO_SECONDS_UNANSWERED * 2 ** min(self._unanswered - 1, 16))
        if self._hello_asked:
            due = min(due, self._hello_at + HELLO_SECONDS_ASKED)
        if sent_since := [one.at for one in self._flying if one.turn > self._hello_turn]:
            due = min(due, min(sent_since) + HELLO_SECONDS_UNRECEIPTED)
        return due


def _mark(held: Held) -> Mark:
    """Return what is committed as a mark that stays true when the epoch grows."""
    if held.uncommitted and held.uncommitted[-1][1] == held.last:
        return Mark(held.epoch, held.uncommitted[-1][0] - 1, held.uncommitted[:-1])
    return Mark(held.epoch, held.last, held.uncommitted)


def uncommitted(upto: int, missing: Ranges, last: int) -> Ranges:
    """Return the numbers up to `last` that a mark leaves open.

    >>> uncommitted(10, ((3, 4),), 12)
    ((3, 4), (11, 12))
    """
    return both(union(missing, ((upto + 1, _FOREVER),)), ((1, last),))
