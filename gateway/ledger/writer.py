"""Writing the ledger: one process, one transaction a group, and what each author should be told afterwards.

Which messages are grouped and when they are acknowledged stands in `gateway.appender`.
"""

import contextlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, Engine, func, insert, select, update

from broker.clock import Reading, clock
from broker.codes import CROCKFORD, TICKET_LENGTH
from broker.failpoints import Point, hit
from broker.messages import BUNDLE_EVENTS, EpochReceipt, Range, new_epoch, new_ledger
from broker.topics import GATEWAY
from gateway import store
from gateway.ledger import tables as t
from gateway.ledger.closing import close as close_numbers
from gateway.ledger.given import Appended, Minted, NumbersClosed, ReadAgain, Unless, WrittenMeanwhile
from gateway.ledger.intake import Batch, Greeting, Reason, Refusal, Sent, Taken, hashes, take
from gateway.ledger.marks import Marks
from gateway.ledger.reader import MIGRATIONS, NUMBER, STORE, Ledger
from gateway.ledger.transaction import NUMBERS_SKIPPED, Known, Transaction, WentBack, load

_EPOCHS_REMEMBERED = 50_000
"""Marks kept in memory, about 300 bytes each; beyond it they are read again from the ledger."""
_KNOWN_HERE = "mawashi: what is remembered was read here"
_ANOTHER = (
    "another file is under its name now, or none. Put the right one back under this name, or stop the gateway and use: "
    "mawashi restore"
)


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction did. `went_back`: the ledger was found to be an older copy of itself and has a new id."""

    fresh: int
    repeated: int
    used_twice: int
    went_back: WentBack | None


class WritableLedger(Ledger):
    """The ledger in the hands of its one writer. The writing methods are for one thread."""

    def __init__(self, place: store.Store, engine: Engine, lock: store.Held) -> None:
        super().__init__(place, engine)
        self._lock = lock
        self._known: dict[tuple[str, str], Known] = {}
        self._own = (new_epoch(), 1)
        self._identity: tuple[str, ...] = ()
        self._position = self._bundle = 0
        with self._begin():
            pass

    @classmethod
    def create(cls, url: str) -> Self:
        """Take the lock, migrate, and name a new ledger. Raises StoreError if another process writes it."""
        place = store.at(url, STORE)
        lock = place.lock()
        engine = place.writer()
        store.migrate(engine, MIGRATIONS)
        with engine.begin() as connection:
            if connection.scalar(select(func.count()).select_from(t.ledgers)) == 0:
                now = clock().read().at
                connection.execute(insert(t.ledgers).values(id=new_ledger(), since=now, why="created"))
        return cls(place, engine, lock)

    def close(self) -> None:
        """Close every connection and let another process write."""
        super().close()
        self._lock.release()

    @property
    def identity(self) -> tuple[str, ...]:
        """The present id and its lineage, from memory."""
        return self._identity

    def commit(self, items: Sequence[Taken]) -> Committed:
        """Put everything into one transaction, in this order. If it raises, nothing has happened."""
        with self._begin() as connection:
            work = self._transaction(connection)
            for item in items:
                match item:
                    case Batch():
                        work.batch(item)
                    case Greeting():
                        work.greeting(item)
                    case Refusal():
                        work.refusal(item)
            work.finish()
            hit(Point.APPENDER_COMMITTING)
        self._adopt(work)
        return Committed(work.fresh, work.repeated, work.used_twice, work.went_back)

    def receipt(self, author: str, epoch: str) -> EpochReceipt:
        """Return what an author should be told of one of its epochs."""
        known = self._known.get((author, epoch))
        if known is None:
            with self._engine.begin() as connection:
                known = load(connection, (author, epoch))
        return (known.marks if known else Marks()).receipt(epoch)

    def append(self, lines: Sequence[bytes], now: Reading, *, unless: Unless | None = None) -> Appended:
        """Commit events of the gateway's own, all or none. Each opening of the ledger numbers them in a new epoch.

        Raises WrittenMeanwhile, and nothing is written, if that is so of what `unless` names.
        """
        sent = Sent(now.at, now.mono_ms, now.boot, now.clock, now.at)
        with self._begin() as connection:
            if unless is not None and _named_since(connection, unless):
                raise WrittenMeanwhile
            epoch, first = self._own
            work = self._transaction(connection)
            for start in range(0, len(lines), BUNDLE_EVENTS):
                some = tuple(lines[start : start + BUNDLE_EVENTS])
                work.batch(Batch(GATEWAY, GATEWAY, epoch, first + start, some, hashes(some), sent))
            work.finish()
        self._adopt(work)
        self._own = (epoch, first + len(lines))
        return Appended(epoch=epoch, first=first, count=len(lines), last_position=self._position)

    def mint(self, numbers: int, tickets: int, now: Reading, *, first_number: int = 1001) -> Minted:
        """Give out `numbers` 共通番号 and `tickets` ticket ids that were never given out before."""
        with self._begin() as connection:
            start = self._count_up(connection, numbers, first_number) if numbers else 0
            ids = _unused(connection, tickets)
            if ids:
                connection.execute(insert(t.tickets), [{"id": one, "minted_at": now.at} for one in ids])
        return Minted(numbers=tuple(str(start + place) for place in range(numbers)), tickets=ids)

    def discard(self, number: int, now: Reading, *, by: str, why: str) -> bool:
        """Drop the bytes of something set aside; who and why stay. Returns False if there is no such thing to drop."""
        with self._begin() as connection:
            done = connection.execute(
                update(t.set_aside)
                .where(
                    t.set_aside.c.id == number, t.set_aside.c.discarded_at.is_(None), t.set_aside.c.read_at.is_(None)
                )
                .values(body=None, discarded_at=now.at, discarded_by=by, discarded_why=why)
            )
        return done.rowcount == 1

    def read_again(self, number: int, now: Reading, *, by: str) -> ReadAgain:
        """Try the bytes of something set aside again; what is understood is committed as of when it first arrived."""
        one = self.set_aside_one(number)
        if one is None or one.settled or one.body is None:
            return ReadAgain(outcome="nothing there")
        if one.reason == Reason.NUMBER_USED_TWICE:
            return ReadAgain(outcome="not understood", detail=one.detail)  # understood, but its number is taken
        item = take(one.topic, one.body, one.first_seen)
        if isinstance(item, Refusal):
            return ReadAgain(outcome="not understood", detail=item.detail)
        with self._begin() as connection:
            work = self._transaction(connection)
            work.late(item)
            work.finish()
            connection.execute(update(t.set_aside).where(t.set_aside.c.id == number).values(read_at=now.at, read_by=by))
        self._adopt(work)
        return ReadAgain(outcome="taken in", fresh=work.fresh, repeated=work.repeated, used_twice=work.used_twice)

    def close_numbers(
        self, author: str, epoch: str, wanted: Sequence[Range], now: Reading, *, by: str, why: str
    ) -> NumbersClosed:
        """Close numbers that nobody can send any more; those that are here, unheard of or closed stay as they are."""
        with self._begin() as connection:
            known = load(connection, (author, epoch))
            ranges = close_numbers(connection, known.id, wanted, at=now.at, by=by, why=why) if known else ()
        return NumbersClosed(known=known is not None, ranges=ranges)

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Connection]:
        """Begin a transaction, over a new connection with nothing remembered from before.

        When a connection breaks, a commit may have been made that nobody confirmed. Raises Unwritable, and nothing is
        written, if the file was deleted or replaced under us: nobody would ever find what is committed to it.
        """
        with self._engine.begin() as connection:
            if _KNOWN_HERE not in connection.info:
                self._known.clear()
                self._own = (new_epoch(), 1)
                self._identity = tuple(connection.scalars(select(t.ledgers.c.id).order_by(t.ledgers.c.n.desc())))
                self._position = connection.scalar(select(func.max(t.rows.c.position))) or 0
                self._bundle = connection.scalar(select(func.max(t.bundles.c.id))) or 0
                connection.info[_KNOWN_HERE] = self._place.identity()
            yield connection
            if self._place.identity() != connection.info[_KNOWN_HERE]:
                raise store.Unwritable("COMMIT", None, FileNotFoundError(_ANOTHER))

    def _transaction(self, connection: Connection) -> Transaction:
        return Transaction(
            connection, self._known, position=self._position, bundle=self._bundle, identity=self._identity
        )

    def _adopt(self, work: Transaction) -> None:
        if len(self._known) > _EPOCHS_REMEMBERED:
            self._known.clear()
        self._known.update(work.touched)
        self._position, self._bundle, self._identity = work.position, work.bundle, work.identity

    def _count_up(self, connection: Connection, by: int, first: int) -> int:
        counter = t.counters.c
        start = connection.scalar(select(counter.next).where(counter.name == NUMBER))
        if start is None:  # a copy older than the first number of all has no counter to move on
            start = first + NUMBERS_SKIPPED * (len(self._identity) - 1)
            connection.execute(insert(t.counters).values(name=NUMBER, next=start))
        connection.execute(update(t.counters).where(counter.name == NUMBER).values(next=start + by))
        return start


def _named_since(connection: Connection, unless: Unless) -> bool:
    """Whether an event of the gateway's own above a position states one of these, as JSON writes it."""
    own = select(t.epochs.c.id).where(t.epochs.c.author == GATEWAY)
    later = select(t.rows.c.body).where(t.rows.c.position > unless.since, t.rows.c.epoch_id.in_(own))
    keys = [json.dumps(key, ensure_ascii=False).encode() for key in unless.named]
    return any(key in body for body in connection.scalars(later) for key in keys)


def _unused(connection: Connection, wanted: int) -> tuple[str, ...]:
    """Return random ticket ids that are not in the table of those given out."""
    found: dict[str, None] = {}
    while len(found) < wanted:
        some = ["".join(secrets.choice(CROCKFORD) for _ in range(TICKET_LENGTH)) for _ in range(wanted - len(found))]
        found |= dict.fromkeys(_without_used(connection, some))
    return tuple(found)


def _without_used(connection: Connection, ids: Iterable[str]) -> list[str]:
    return [one for one in ids if connection.scalar(select(t.tickets.c.id).where(t.tickets.c.id == one)) is None]
