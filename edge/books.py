"""The file an outbox is: its tables, its checksums, and what can be read off it from outside, also while it is in use.

Who writes what when is in `edge.outbox`.
"""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from broker.ranges import Ranges
from edge.sending import Held, uncommitted

SHIFT = 2**40
"""A row's id is its epoch's ordinal * SHIFT + its number."""
FORMAT = 1
PAGE_BYTES = 4096

SCHEMA = """
CREATE TABLE epoch (ordinal INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, lowest INTEGER NOT NULL,
                    last INTEGER NOT NULL, upto INTEGER NOT NULL, missing TEXT NOT NULL, lost TEXT NOT NULL,
                    seal BLOB);
CREATE TABLE event (id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
                    checksum BLOB NOT NULL);
CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL, checksum BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Books:
    """What an outbox holds, as another process sees it."""

    ledger: str | None = None
    held: tuple[Held, ...] = ()
    used_bytes: int = 0


def books(path: Path) -> Books:
    """Read what an outbox holds, also while its agent runs; a missing file holds nothing. Raises sqlite3.Error."""
    if not path.exists():
        return Books()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
        row = db.execute("SELECT value FROM note WHERE name='ledger'").fetchone()
        pages = db.execute("PRAGMA page_count").fetchone()[0] - db.execute("PRAGMA freelist_count").fetchone()[0]
        return Books(row[0].decode() if row else None, tuple(held_in(db)), pages * PAGE_BYTES)


def held_in(db: sqlite3.Connection) -> list[Held]:
    """Return every epoch in an open outbox, oldest first. Raises DamagedError."""
    found = []
    for *book, stored in db.execute(
        "SELECT epoch, lowest, last, upto, missing, lost, seal FROM epoch ORDER BY ordinal"
    ):
        if seal(*book) != stored:
            raise DamagedError("the books of an epoch do not add up")
        epoch, lowest, last, upto, missing, lost = book
        found.append(Held(epoch, lowest, last, ranges_of(lost), uncommitted(upto, ranges_of(missing), last)))
    return found


def make_tables(db: sqlite3.Connection) -> None:
    """Create the tables if the file is new."""
    if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={FORMAT}; COMMIT;")


class DamagedError(sqlite3.DatabaseError):
    """The file can be read but contradicts itself; `edge.salvage` makes the best of it."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file itself is damaged (SQLITE_CORRUPT, SQLITE_NOTADB), not the disk full or away."""
    return (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def checksum_of(epoch: str, seq: int, line: bytes) -> bytes:
    """Return 8 bytes over key and body, so that rows that changed places are noticed too."""
    return hashlib.blake2b(b"%s %d " % (epoch.encode(), seq) + line, digest_size=8).digest()


def seal(*book: object) -> bytes:
    """Return 8 bytes over what is known of an epoch."""
    return hashlib.blake2b(repr(book).encode(), digest_size=8).digest()


def bytes_of(value: object) -> bytes:
    """Return a body as bytes; damage can turn a BLOB into any other type."""
    return value if isinstance(value, bytes) else b""


def ranges_of(text: str) -> Ranges:
    return tuple((int(first), int(last)) for first, last in json.loads(text))
