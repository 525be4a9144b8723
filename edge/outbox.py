"""The edge's outbox: every accepted event on disk, numbered, until the ledger has it and for a while after.

What is sent when, and which receipt counts, is decided in `edge.sending`. One thread uses an outbox; another process
may read the file.

A row's id is its epoch's ordinal * 2**40 + its number, so that one tree in one order serves every question. A checksum
over (epoch, number, bytes) is verified on each read: a row that fails it, or is not there, is lost and is said to be.
Every row names its epoch, so that `edge.salvage` can rescue rows from a file whose other pages are gone.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from broker.clock import Reading
from broker.events import ClockQuality, Ref
from broker.failpoints import Point, hit
from broker.messages import new_epoch
from broker.ranges import Ranges, minus, size, union
from edge.books import PAGE_BYTES, SHIFT, bytes_of, checksum_of, held_in, make_tables, ranges_of, seal
from edge.sending import Held, Mark

_RESERVE_BYTES = 8 * 1024 * 1024
"""Left free for marks, deletions and the write-ahead log (4 MB) when the disk fills, so that it can empty again."""
_SPARE_PAGES = 16
_TRIM_ROWS = 2000
"""Rows deleted in one transaction: about 10 ms, so that no scan waits for housekeeping."""
_EMPTIED_BOOKS = 100
"""Openings of which nothing is kept but how far they went: a line each in a hello."""
_OLDEST_SANE = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""A row from before was accepted by a clock that was not set: its age is unknown, so it counts as young."""
_MACHINE_SHARE = 0.8
"""Above this share of the limit the rest of the outbox is for people."""


class Source(Enum):
    """Who makes an event: the last fifth of the outbox is for people."""

    PEOPLE = auto()
    MACHINE = auto()


class RefusedError(Exception):
    """The outbox could not store an event, and nothing of it is stored: whoever scanned must be told. A sentence."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much stays on the edge. `limit_bytes` is the whole file; the other two are for receipted events."""

    limit_bytes: int = 1_000_000_000
    kept_bytes: int = 200_000_000
    kept_days: int = 30


class Outbox:
    """The file. Opening it begins a new epoch, which exists once something was accepted into it."""

    def __init__(self, path: Path, author: str, keeping: Keeping) -> None:
        self.path, self.author, self.keeping = path, author, keeping
        self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heeded by a new file only
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._reserve_bytes = min(_RESERVE_BYTES, shutil.disk_usage(path.parent).total // 4)
        self._db.execute(f"PRAGMA wal_autocheckpoint={self._reserve_bytes // 2 // PAGE_BYTES}")
        self._db.execute(f"PRAGMA journal_size_limit={self._reserve_bytes // 2}")
        self._db.execute("PRAGMA cache_size=-2000")
        make_tables(self._db)
        self._db.create_function("seal", -1, seal, deterministic=True)
        self._ordinal = int(self._one("SELECT coalesce(max(ordinal), 0) FROM epoch")) + 1
        self._epoch = new_epoch()
        self._last = 0
        self._ordinals = dict(self._db.execute("SELECT epoch, ordinal FROM epoch"))

    def close(self) -> None:
        """Close the file; what was accepted is on disk already."""
        self._db.close()

    # -- accepting -----------------------------------------------------------------------------------------------------

    @property
    def next_ref(self) -> Ref:
        """Return the key the next accepted event gets."""
        return Ref(author=self.author, epoch=self._epoch, seq=self._last + 1)

    def accept(
        self,
        lines: Sequence[bytes],
        *,
        at: datetime,
        notes: Mapping[str, bytes] | None = None,
        source: Source = Source.PEOPLE,
    ) -> tuple[str, int] | None:
        """Store events and notes in one transaction; when this returns they are on disk, all or none.

        `lines` are encoded events, numbered from `next_ref` on. Returns the epoch and its last number, or None if there
        were only notes. Raises RefusedError if there is no room or the disk fails, and for machines already at 80 % of
        the limit (their state is then unknown).
        """
        if source is Source.MACHINE and self.used_bytes > _MACHINE_SHARE * self.keeping.limit_bytes:
            raise RefusedError(
                "未送信の記録で 80 % 埋まりました。残りは人の読み取りに使います / "
                f"{self.path} is 80 % full: what is left is for people"
            )
        try:
            self._make_room(sum(map(len, lines)) // PAGE_BYTES * 2 + _SPARE_PAGES)
            self._store(lines, int(at.timestamp()), notes or {})
        except sqlite3.OperationalError as error:
            raise RefusedError(self._why_refused(error)) from error
        return (self._epoch, self._last) if lines else None

    def note(self, name: str) -> bytes | None:
        """Return what was stored under this name; None if nothing was, or if it is damaged."""
        row = self._db.execute("SELECT value, checksum FROM note WHERE name=?", (name,)).fetchone()
        return bytes_of(row[0]) if row and checksum_of(name, 0, bytes_of(row[0])) == row[1] else None

    @property
    def leaves_room(self) -> bool:
        """Whether the disk has room for what can be had again; the last of it is for events and their marks."""
        return self._free_bytes() > 2 * self._reserve_bytes

    @property
    def used_bytes(self) -> int:
        """What events and notes take of the file."""
        return int(self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")) * PAGE_BYTES

    # -- sending -------------------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> str | None:
        """The ledger whose receipts were last obeyed."""
        value = self.note("ledger")
        return value.decode() if value else None

    def held(self) -> list[Held]:
        """Return every epoch of which something is held, oldest first. Raises DamagedError."""
        return held_in(self._db)

    def read(self, epoch: str, first: int, *, events: int, size_bytes: int) -> tuple[list[bytes], Ranges]:
        """Return the lines from `first` on, up to the first that is damaged, and the damaged ones met.

        Without a line at `first` the list is empty and the ranges say how far the damage reaches. Raises
        sqlite3.DatabaseError if the file itself is damaged: then `edge.salvage` finds rows that cannot be found here.
        """
        base = self._ordinals[epoch] * SHIFT
        lines: list[bytes] = []
        total = 0
        expected = first
        for key, body, checksum in self._db.execute(
            "SELECT id, body, checksum FROM event WHERE id >= ? AND id < ? ORDER BY id",
            (base + first, base + first + events),
        ):
            seq, line = key - base, bytes_of(body)
            if seq != expected or checksum_of(epoch, seq, line) != checksum:
                break
            total += len(line) + 1
            if lines and total > size_bytes:
                return lines, ()
            lines.append(line)
            expected += 1
        if expected == first + events:
            return lines, ()
        return lines, self._damage(epoch, expected, first + events - 1)

    def mark(self, ledger: str, marks: Sequence[Mark]) -> None:
        """Remember what the ledger has."""
        with self._transaction():
            if ledger != self.ledger:
                self._put_note("ledger", ledger.encode())
            self._db.executemany(
                "UPDATE epoch SET upto=?, missing=? WHERE epoch=?",
                [(mark.upto, json.dumps(mark.missing), mark.epoch) for mark in marks],
            )
            self._seal(*(mark.epoch for mark in marks))
            hit(Point.EDGE_MARKING)
        hit(Point.EDGE_MARKED)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def keep(self, now: Reading) -> dict[str, int]:
        """Delete some of the receipted events that are too old or too many; return the lowest number kept by epoch.

        Oldest first and a few at a time: call it now and then. Unreceipted events are never deleted, and nothing is
        called old by a clock that is not synced. Raises sqlite3.OperationalError if the disk fails.
        """
        short = self._free_bytes() < 2 * self._reserve_bytes
        if short or self._too_many():
            self._trim(self._cutoff_of_everything())
        elif now.clock is ClockQuality.SYNCED:
            self._trim(self._cutoff_by_age(now.at))
        if not short:
            # execute() would stop at the first of the rows without columns that this pragma yields, one a page
            self._db.executescript(f"PRAGMA incremental_vacuum({_TRIM_ROWS})")
        return dict(self._db.execute("SELECT epoch, lowest FROM epoch"))

    def _cutoff_by_age(self, now: datetime) -> int:
        """Rows are in the order of acceptance: everything before the first young one of those looked at may go."""
        oldest = int((now - timedelta(days=self.keeping.kept_days)).timestamp())
        last = young = 0
        for last, at in self._db.execute("SELECT id, at FROM event ORDER BY id LIMIT ?", (_TRIM_ROWS,)):
            if at >= oldest or at < _OLDEST_SANE:
                young = last
                break
        return young or last + 1

    def _cutoff_of_everything(self) -> int:
        return int(self._one("SELECT coalesce(max(id), 0) FROM event")) + 1

    def _too_many(self) -> bool:
        held = self.held()
        rows = sum(one.last - one.lowest + 1 for one in held)
        waiting = sum(size(one.waiting) for one in held)
        kept_bytes = self.used_bytes * (rows - waiting) // rows if rows else 0
        return kept_bytes > self.keeping.kept_bytes or self.used_bytes > _MACHINE_SHARE * self.keeping.limit_bytes

    def _trim(self, cutoff: int) -> None:
        """Delete up to _TRIM_ROWS rows below the id `cutoff` that are receipted or cannot be read, oldest first."""
        room = _TRIM_ROWS
        with self._transaction():
            for held in self.held():
                base = self._ordinals[held.epoch] * SHIFT
                end = min(held.last, cutoff - base - 1)
                if room <= 0:
                    break
                if end < held.lowest:  # all young, or emptied before
                    continue
                for first, last in minus(((held.lowest, end),), held.waiting):
                    until = min(last, first + room - 1)
                    self._db.execute("DELETE FROM event WHERE id BETWEEN ? AND ?", (base + first, base + until))
                    room -= until - first + 1
                    if room <= 0:
                        break
                self._note_lowest(held, base)
            self._forget_emptied()
            hit(Point.EDGE_DELETING)
        hit(Point.EDGE_DELETED)

    def _note_lowest(self, held: Held, base: int) -> None:
        row = self._db.execute(
            "SELECT id FROM event WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1", (base + 1, base + held.last)
        ).fetchone()
        lowest = row[0] - base if row else held.last + 1
        self._db.execute("UPDATE epoch SET lowest=? WHERE epoch=?", (lowest, held.epoch))
        self._seal(held.epoch)

    def _forget_emptied(self) -> None:
        """Keep the last of the books whose rows are gone: a server that was restored learns from them what it lacks."""
        self._db.execute(
            "DELETE FROM epoch WHERE lowest > last AND ordinal < ?"
            " AND ordinal NOT IN (SELECT ordinal FROM epoch WHERE lowest > last ORDER BY ordinal DESC LIMIT ?)",
            (self._ordinal, _EMPTIED_BOOKS),
        )

    # -- inside --------------------------------------------------------------------------------------------------------

    def _make_room(self, pages: int) -> None:
        """Where space is short, see that the file has free pages of its own. Raises sqlite3.OperationalError."""
        may_grow = (
            self._free_bytes() > self._reserve_bytes
            and int(self._one("PRAGMA page_count")) + pages < self.keeping.limit_bytes // PAGE_BYTES
        )
        if may_grow or int(self._one("PRAGMA freelist_count")) >= pages:
            return
        self._trim(self._cutoff_of_everything())  # the pages it frees stay ours
        if int(self._one("PRAGMA freelist_count")) < pages:
            raise sqlite3.OperationalError("database or disk is full")

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.path.parent).free

    def _store(self, lines: Sequence[bytes], at: int, notes: Mapping[str, bytes]) -> None:
        first, last = self._last + 1, self._last + len(lines)
        base = self._ordinal * SHIFT
        with self._transaction():
            if lines:
                self._db.execute(
                    "INSERT INTO epoch VALUES (?, ?, 1, ?, 0, '[]', '[]', NULL)"
                    " ON CONFLICT (ordinal) DO UPDATE SET last=excluded.last",
                    (self._ordinal, self._epoch, last),
                )
                self._seal(self._epoch)
                self._db.executemany(
                    "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
                    [
                        (base + seq, bytes.fromhex(self._epoch), at, line, checksum_of(self._epoch, seq, line))
                        for seq, line in enumerate(lines, start=first)
                    ],
                )
            for name, value in notes.items():
                self._put_note(name, value)
            hit(Point.EDGE_COMMITTING)
        hit(Point.EDGE_COMMITTED)
        self._last = last
        if lines:
            self._ordinals[self._epoch] = self._ordinal

    def _damage(self, epoch: str, first: int, upto: int) -> Ranges:
        """Find out which numbers from `first` on cannot be read, up to the next good one; remember and return them."""
        ordinal = self._ordinals[epoch]
        last = min(upto, int(self._one("SELECT last FROM epoch WHERE ordinal=?", ordinal)))
        end = first
        while end <= last and not self._good(epoch, ordinal, end):
            end += 1
        if end == first:
            return ()
        lost: Ranges = ((first, end - 1),)
        known = ranges_of(str(self._one("SELECT lost FROM epoch WHERE ordinal=?", ordinal)))
        with self._transaction():
            self._db.execute("UPDATE epoch SET lost=? WHERE ordinal=?", (json.dumps(union(known, lost)), ordinal))
            self._seal(epoch)
        return lost

    def _good(self, epoch: str, ordinal: int, seq: int) -> bool:
        row = self._db.execute("SELECT body, checksum FROM event WHERE id=?", (ordinal * SHIFT + seq,)).fetchone()
        return row is not None and checksum_of(epoch, seq, bytes_of(row[0])) == row[1]

    def _seal(self, *epochs: str) -> None:
        self._db.executemany(
            "UPDATE epoch SET seal=seal(epoch, lowest, last, upto, missing, lost) WHERE epoch=?",
            [(epoch,) for epoch in epochs],
        )

    def _put_note(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (name, value, checksum_of(name, 0, value)))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled back already
                self._db.execute("ROLLBACK")
            raise

    def _one(self, statement: str, *values: object) -> int:
        return self._db.execute(statement, values).fetchone()[0]  # type: ignore[no-any-return]

    def _why_refused(self, error: sqlite3.Error) -> str:
        free_mb = self._free_bytes() / 1e6
        return (
            "この端末に記録できません。空きを作ってください / "
            f"{self.path} cannot store an event: {error}. "
            f"{free_mb:.1f} MB are free there and it may grow to {self.keeping.limit_bytes / 1e6:.0f} MB: make room"
        )
