"""What the chapters of backup and restore share: a ledger with something in every table, and what a file holds."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gateway.ledger.intake import Reason, Refusal
from gateway.ledger.writer import WritableLedger
from tests.ledger.test_ledger import AUTHOR, EPOCH, NOW, READING, TOPIC, batch, greeting, some

LEDGER = "ledger.sqlite"
Content = dict[str, list[tuple[object, ...]]]


def content(path: Path) -> Content:
    """Every table of a file with everything in it; a copy's own note of itself is not the ledger's."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in names
            if name != "copied"
        }


def statements(path: Path) -> set[str]:
    """Every table and index of a file, as they were made."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'copied'")
        return {sql for (sql,) in found}


def fill(ledger: WritableLedger, first: int = 1, last: int = 10) -> None:
    """Put something into every table."""
    ledger.commit([batch(first, some(first, last)), batch(last + 3, some(last + 3, last + 3))])
    ledger.commit([greeting(lowest=1, last=last + 4, lost=((last + 1, last + 1),))])
    refusal = Refusal(TOPIC, AUTHOR, Reason.MALFORMED, "it is none", b"\xff" * 20, NOW)
    ledger.commit([refusal, Refusal(TOPIC, AUTHOR, Reason.MALFORMED, "nor this", b"%d" % first, NOW)])
    ledger.mint(2, 3, READING)
    ledger.append(some(1, 2), READING)
    ledger.close_numbers(AUTHOR, EPOCH, [(last + 2, last + 2)], READING, by="test", why="nobody has it")


def more(ledger: WritableLedger, first: int, lines: Sequence[bytes]) -> None:
    ledger.commit([batch(first, lines, received_at=NOW + timedelta(seconds=first))])
