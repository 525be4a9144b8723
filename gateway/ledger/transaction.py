"""One transaction of the ledger: finds what is fresh, repeated or used twice, and writes it all at its end.

Works on copies of the marks; `gateway.ledger.writer` adopts them only once the commit has returned.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, literal, select, update

from broker.messages import EpochHeld, new_ledger
from broker.ranges import Ranges, both, minus, union
from gateway import store
from gateway.ledger import tables as t
from gateway.ledger.closing import marks_of
from gateway.ledger.intake import Batch, Greeting, Reason, Refusal, Sent
from gateway.ledger.marks import GAPS_MOST, Marks
from gateway.ledger.reader import NUMBER, REPEATED

NEW_ID_EVERY = timedelta(minutes=10)
"""A hello can give the ledger a new id no more often: each makes every edge send again what it holds."""
_WENT_BACK = "went back"
KEPT_A_TOPIC = 100
"""Messages kept open per topic and reason: an edge that retries a refused bundle must not fill the disk. Nothing is
lost by it: what is refused is never receipted, so the edge keeps it. Numbers used twice are all kept."""

KEPT_A_FIRM = 500
"""The same per firm and reason: a firm chooses how its edges are called, and may name a thousand."""

NUMBERS_SKIPPED = 1000
"""共通番号 left out once the ledger has gone back, since some may be on paper already."""

_UPDATE_UPTO = update(t.epochs).where(t.epochs.c.id == bindparam("key")).values(upto=bindparam("reach"))
_UPDATE_ANNOUNCED = (
    update(t.epochs)
    .where(t.epochs.c.id == bindparam("key"))
    .values(
        announced_lowest=bindparam("lowest"),
        announced_last=case(
            (t.epochs.c.announced_last > bindparam("highest"), t.epochs.c.announced_last), else_=bindparam("highest")
        ),
        announced_receipted=bindparam("receipted"),
        announced_at=bindparam("now"),
    )
)
_INSERT_EPOCH = insert(t.epochs).returning(t.epochs.c.id)
_EPOCH = select(t.epochs.c.id, t.epochs.c.upto).where(
    t.epochs.c.author == bindparam("whose"), t.epochs.c.epoch == bindparam("which")
)
_INSERT_RANGES = {table.name: insert(table) for table in (t.holes, t.gaps)}
_UPDATE_CONTACT = update(t.authors).where(t.authors.c.author == bindparam("key")).values(last_contact=bindparam("now"))


@dataclass(frozen=True, slots=True)
class Known:
    """An epoch the ledger has heard of: its row id and its marks."""

    id: int
    marks: Marks


@dataclass(frozen=True, slots=True)
class WentBack:
    """A hello proved that this ledger is an older copy of itself: `absent` were receipted, and are not here."""

    author: str
    epoch: str
    absent: Ranges
    old: str
    new: str


class Transaction:
    """Everything one commit does. `position` and `bundle` are the highest numbers in use."""

    def __init__(
        self,
        connection: Connection,
        known: dict[tuple[str, str], Known],
        *,
        position: int,
        bundle: int,
        identity: tuple[str, ...],
    ) -> None:
        self._connection, self._known = connection, known
        self.position, self.bundle, self.identity = position, bundle, identity
        self.touched: dict[tuple[str, str], Known] = {}
        self.fresh = self.repeated = self.used_twice = 0
        self.went_back: WentBack | None = None
        self._before: dict[tuple[str, str], Marks] = {}
        self._rows: list[dict[str, Any]] = []
        self._bundles: list[dict[str, Any]] = []
        self._contacts: dict[str, datetime] = {}
        self._announced: list[dict[str, Any]] = []

    # -- what arrives --------------------------------------------------------------------------------------------------

    def batch(self, batch: Batch) -> None:
        """Add the fresh events of a batch; what the ledger has already is compared and, if it differs, set aside."""
        key = (batch.author, batch.epoch)
        known = self._epoch(key, batch.sent.received_at)
        had = known.marks.committed(batch.first, batch.last)
        for first, last in had:
            self._compare(batch, known.id, first, last)
        fresh = minus(((batch.first, batch.last),), had)
        if fresh:
            self._add_bundle(batch.sent)
        marks = known.marks
        for first, last in fresh:
            self._add_rows(batch, known.id, first, last)
            marks = marks.arrived(first, last)
        self.touched[key] = Known(known.id, marks)
        self._contacts[batch.author] = batch.sent.received_at

    def greeting(self, greeting: Greeting) -> None:
        """Record what an author holds; give the ledger a new id if the author proves that it has gone back."""
        hello = greeting.hello
        for held in hello.epochs:
            key = (greeting.author, held.epoch)
            known = self._epoch(key, greeting.received_at)
            if hello.ledger == self.identity[0]:
                self._judge(greeting, held, known.marks)
            not_held = ((1, held.lowest - 1),)
            marks = known.marks.gone((*not_held, *held.lost))
            if len(marks.gaps) > GAPS_MOST:
                marks = known.marks.gone(not_held)
            self.touched[key] = Known(known.id, marks)
            self._announce(known.id, held, greeting.received_at)
        self._meet(greeting)

    def refusal(self, refusal: Refusal) -> None:
        """Set a message aside whole; one that was set aside before is only counted."""
        seen = t.set_aside.c
        for_this, still_open = seen.reason == refusal.reason.value, seen.discarded_at.is_(None) & seen.read_at.is_(None)
        same = (seen.topic == refusal.topic) & for_this
        sha256 = hashlib.sha256(refusal.payload).digest()
        found = self._connection.scalar(select(seen.id).where(same, seen.sha256 == sha256))
        limits = [(same, KEPT_A_TOPIC)]
        if refusal.author is not None:
            firm = refusal.author.partition("/")[0]
            limits.append((seen.author.startswith(firm + "/") & for_this, KEPT_A_FIRM))
        for these, most in limits:
            if found is None:
                counted = select(func.count(), func.max(seen.id)).where(these, still_open)
                kept, last = self._connection.execute(counted).one()
                found = last if kept >= most else None
        if found is not None:
            self._count_again(found, refusal.received_at)
            return
        self._set_aside(
            topic=refusal.topic,
            author=refusal.author,
            reason=refusal.reason,
            detail=refusal.detail,
            sha256=sha256,
            body=refusal.payload,
            seen_at=refusal.received_at,
        )

    def late(self, item: Batch | Greeting) -> None:
        """Take in what was set aside once and is understood now.

        It tells nothing of how its author stands today: of a hello only the numbers that it announced count.
        """
        match item:
            case Batch():
                self.batch(item)
            case Greeting(author=author, hello=hello, received_at=at):
                e = t.epochs.c
                for held in hello.epochs:
                    known = self._epoch((author, held.epoch), at)
                    self._connection.execute(
                        update(t.epochs)
                        .where(e.id == known.id)
                        .values(
                            announced_last=case((e.announced_last > held.last, e.announced_last), else_=held.last),
                            announced_at=func.coalesce(e.announced_at, literal(at, t.Instant)),
                        )
                    )
        self._contacts.pop(item.author, None)

    def finish(self) -> None:
        """Write what has been gathered."""
        self._flush()
        if self._announced:
            self._connection.execute(_UPDATE_ANNOUNCED, self._announced)
        self._store_marks([(known.id, self._before[key], known.marks) for key, known in self.touched.items()])
        if self.repeated:
            self._count_repeated()
        if self._contacts:
            self._connection.execute(
                _UPDATE_CONTACT, [{"key": author, "now": at} for author, at in self._contacts.items()]
            )

    def _count_repeated(self) -> None:
        counter = t.counters.c
        counted = update(t.counters).where(counter.name == REPEATED).values(next=counter.next + self.repeated)
        if not self._connection.execute(counted).rowcount:
            self._connection.execute(insert(t.counters).values(name=REPEATED, next=self.repeated))

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _add_bundle(self, sent: Sent) -> None:
        self.bundle += 1
        self._bundles.append(
            {
                "id": self.bundle,
                "at": t.microseconds(sent.at),
                "mono_ms": sent.mono_ms,
                "boot": sent.boot,
                "clock": sent.clock.value,
                "received_at": t.microseconds(sent.received_at),
            }
        )

    def _add_rows(self, batch: Batch, epoch_id: int, first: int, last: int) -> None:
        bundle, position, offset = self.bundle, self.position, batch.first
        self._rows += [
            {
                "position": position + place,
                "epoch_id": epoch_id,
                "seq": seq,
                "bundle_id": bundle,
                "sha256": batch.hashes[seq - offset],
                "body": batch.lines[seq - offset],
            }
            for place, seq in enumerate(range(first, last + 1), start=1)
        ]
        self.position += last - first + 1
        self.fresh += last - first + 1

    def _flush(self) -> None:
        if self._rows:
            store.insert_rows(self._connection, t.bundles, self._bundles)
            store.insert_rows(self._connection, t.rows, self._rows)
            self._bundles, self._rows = [], []

    def _compare(self, batch: Batch, epoch_id: int, first: int, last: int) -> None:
        self._flush()  # the first of two may be in this very transaction
        stored = self._connection.execute(
            select(t.rows.c.seq, t.rows.c.sha256).where(
                t.rows.c.epoch_id == epoch_id, t.rows.c.seq.between(first, last)
            )
        )
        for seq, sha256 in stored:
            place = seq - batch.first
            if batch.hashes[place] == sha256:
                self.repeated += 1
            else:
                self._used_twice(batch, seq, batch.hashes[place], batch.lines[place])

    def _used_twice(self, batch: Batch, seq: int, sha256: bytes, line: bytes) -> None:
        seen = t.set_aside.c
        found = self._connection.scalar(
            select(seen.id).where(
                seen.topic == batch.topic,
                seen.reason == Reason.NUMBER_USED_TWICE.value,
                seen.sha256 == sha256,
                seen.author == batch.author,
                seen.epoch == batch.epoch,
                seen.seq == seq,
            )
        )
        if found is not None:
            self._count_again(found, batch.sent.received_at)
            return
        self.used_twice += 1
        self._set_aside(
            topic=batch.topic,
            author=batch.author,
            reason=Reason.NUMBER_USED_TWICE,
            detail=f"{batch.author} {batch.epoch} {seq} is in the ledger with other contents",
            sha256=sha256,
            body=line,
            seen_at=batch.sent.received_at,
            key=(batch.epoch, seq),
        )

    # -- epochs and authors --------------------------------------------------------------------------------------------

    def _epoch(self, key: tuple[str, str], now: datetime) -> Known:
        known = self.touched.get(key) or self._known.get(key) or load(self._connection, key)
        if known is None:
            if key[0] not in self._contacts:
                self._ensure_author(key[0], now)
            self._contacts.setdefault(key[0], now)
            made: int = self._connection.execute(
                _INSERT_EPOCH, {"author": key[0], "epoch": key[1], "first_seen": now, "upto": 0}
            ).scalar_one()
            known = Known(made, Marks())
        self.touched.setdefault(key, known)
        self._before.setdefault(key, known.marks)
        return known

    def _store_marks(self, changes: Sequence[tuple[int, Marks, Marks]]) -> None:
        reach = [{"key": epoch, "reach": new.upto} for epoch, old, new in changes if new.upto != old.upto]
        if reach:
            self._connection.execute(_UPDATE_UPTO, reach)
        holes = [(epoch, before.holes, after.holes) for epoch, before, after in changes]
        gaps = [(epoch, before.gaps, after.gaps) for epoch, before, after in changes]
        for table, ranges in ((t.holes, holes), (t.gaps, gaps)):
            fresh: list[dict[str, int]] = []
            for epoch, old, new in ranges:
                if old == new:
                    continue
                kept = set(old) & set(new)
                for first, _ in set(old) - kept:
                    self._connection.execute(delete(table).where(table.c.epoch_id == epoch, table.c.first == first))
                fresh += [{"epoch_id": epoch, "first": first, "last": last} for first, last in set(new) - kept]
            if fresh:
                self._connection.execute(_INSERT_RANGES[table.name], fresh)

    def _announce(self, epoch_id: int, held: EpochHeld, now: datetime) -> None:
        self._announced.append(
            {"key": epoch_id, "lowest": held.lowest, "highest": held.last, "receipted": held.receipted, "now": now}
        )

    def _ensure_author(self, author: str, now: datetime) -> None:
        if self._connection.scalar(select(t.authors.c.author).where(t.authors.c.author == author)) is None:
            self._connection.execute(
                insert(t.authors).values(author=author, last_contact=now, waiting=0, refused=0, version="")
            )

    def _meet(self, greeting: Greeting) -> None:
        self._ensure_author(greeting.author, greeting.received_at)
        self._contacts[greeting.author] = greeting.received_at
        hello = greeting.hello
        self._connection.execute(
            update(t.authors)
            .where(t.authors.c.author == greeting.author)
            .values(waiting=hello.waiting, refused=hello.refused, version=hello.version, ledger=hello.ledger)
        )

    def _judge(self, greeting: Greeting, held: EpochHeld, marks: Marks) -> None:
        """See whether a number that this very ledger receipted is absent: then it is an older copy of itself.

        Also a gap is absent, unless the author itself cannot fill it: no receipt ever covered one.
        """
        here = both(marks.gaps, ((held.lowest, held.receipted),))
        absent = minus(union(marks.absent(held.receipted), here), held.lost)
        if not absent:
            return
        renamed = select(func.max(t.ledgers.c.since)).where(t.ledgers.c.why.startswith(_WENT_BACK))
        since = self._connection.scalar(renamed)
        if since is not None and abs(greeting.received_at - since) < NEW_ID_EVERY:  # our clock may have been ahead then
            return  # it will say so again; nobody can make every edge send everything again and again
        old, new = self.identity[0], new_ledger()
        number = f"{held.epoch} {absent[0][0]}"
        why = f"{_WENT_BACK}: {greeting.author} was told that {number} is committed, and it is not here"
        self._connection.execute(insert(t.ledgers).values(id=new, since=greeting.received_at, why=why))
        self._connection.execute(
            update(t.counters).where(t.counters.c.name == NUMBER).values(next=t.counters.c.next + NUMBERS_SKIPPED)
        )
        self.identity = (new, *self.identity)
        self.went_back = WentBack(greeting.author, held.epoch, absent, old, new)

    # -- set aside -----------------------------------------------------------------------------------------------------

    def _count_again(self, number: int, now: datetime) -> None:
        self._connection.execute(
            update(t.set_aside).where(t.set_aside.c.id == number).values(times=t.set_aside.c.times + 1, last_seen=now)
        )

    def _set_aside(
        self,
        *,
        topic: str,
        author: str | None,
        reason: Reason,
        detail: str,
        sha256: bytes,
        body: bytes,
        seen_at: datetime,
        key: tuple[str | None, int | None] = (None, None),
    ) -> None:
        self._connection.execute(
            insert(t.set_aside).values(
                topic=topic,
                author=author,
                epoch=key[0],
                seq=key[1],
                reason=reason.value,
                detail=detail,
                sha256=sha256,
                size_bytes=len(body),
                body=body,
                first_seen=seen_at,
                last_seen=seen_at,
                times=1,
            )
        )


def load(connection: Connection, key: tuple[str, str]) -> Known | None:
    """Return what the ledger knows of an epoch, or None."""
    found = connection.execute(_EPOCH, {"whose": key[0], "which": key[1]}).first()
    return Known(found.id, marks_of(connection, found.id, found.upto)) if found else None
