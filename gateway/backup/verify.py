"""Whether a file is a good copy of a ledger: every page, every byte of every event, and marks that agree with the rows.

Reads only; what is done with a good or a bad one is decided in `gateway.backup.command` and `gateway.backup.restore`.
"""

import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.backup.copying import read_only, schema_of
from gateway.ledger.tables import EARLIEST, LATEST

_MARKS = """
SELECT author, epoch, upto,
       (SELECT coalesce(sum(last - first + 1), 0) FROM holes WHERE holes.epoch_id = epochs.id)
       + (SELECT coalesce(sum(last - first + 1), 0) FROM gaps WHERE gaps.epoch_id = epochs.id),
       (SELECT count(*) FROM rows WHERE rows.epoch_id = epochs.id),
       (SELECT coalesce(max(seq), 0) FROM rows WHERE rows.epoch_id = epochs.id)
FROM epochs"""

_NO_TIME = "SELECT id FROM bundles WHERE NOT (received_at BETWEEN ?1 AND ?2 AND at BETWEEN ?1 AND ?2)"


class BadCopyError(Exception):
    """The file is no good copy of a ledger; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good copy holds. `names`: its ledger's id, then the lineage."""

    rows: int
    last_position: int
    names: tuple[str, ...]


def verify(path: Path) -> Verified:
    """Read the whole file. Raises BadCopyError."""
    _forget_cached(path)
    try:
        with closing(read_only(path)) as db:
            return _verified(db)
    except sqlite3.Error as error:
        raise BadCopyError(f"it cannot be read ({error})") from None


def _verified(db: sqlite3.Connection) -> Verified:
    if missing := {"ledgers", "rows", "epochs", "bundles"} - schema_of(db).keys():
        raise BadCopyError(f"it is no ledger: it has no table {min(missing)}")
    said = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if said != "ok":
        raise BadCopyError(f"its pages are damaged ({said})")
    if found := db.execute("PRAGMA foreign_key_check").fetchone():
        raise BadCopyError(f"its table {found[0]} names a row of {found[2]} that is not there")
    names = tuple(str(one[0]) for one in db.execute("SELECT id FROM ledgers ORDER BY n DESC"))
    if not names:
        raise BadCopyError("it has no name: it was never finished")
    if found := db.execute(_NO_TIME, (EARLIEST, LATEST)).fetchone():
        raise BadCopyError(f"the time of bundle {found[0]} is damaged")
    rows = 0
    for position, sha256, body in db.execute("SELECT position, sha256, body FROM rows"):
        if hashlib.sha256(body).digest() != sha256:
            raise BadCopyError(f"the event at position {position} is damaged")
        rows += 1
    _marks_agree(db)
    last = int(db.execute("SELECT coalesce(max(position), 0) FROM rows").fetchone()[0])
    return Verified(rows, last, names)


def _marks_agree(db: sqlite3.Connection) -> None:
    """A mark that claims an event which is not there would have an edge delete its own."""
    for author, epoch, upto, absent, committed, highest in db.execute(_MARKS):
        if highest > upto or committed + absent != upto:
            raise BadCopyError(f"of {author} {epoch} it claims {upto - absent} events and holds {committed}")


def _forget_cached(path: Path) -> None:
    """Have the file read from its disk, as far as the system lets us: what is in memory proves nothing."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise BadCopyError(f"it cannot be read ({error.strerror})") from None
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
