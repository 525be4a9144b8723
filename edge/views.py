"""The firm's order views, as the broker last delivered them, kept on disk for the time when it cannot be reached.

They may be lost: the broker retains them too. What may stand in one is decided by the gateway.
"""

import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from broker.messages import MessageError, OrderView
from edge.books import is_damage
from edge.log import Log

_UNSEEN_DAYS = 90
"""Every view that still exists comes again at each connection: one not seen for so long was withdrawn meanwhile."""
_FORMAT = 1


class Views:
    """Implements `edge.rules.Orders`. A file that fails, at any time, begins anew: trouble here ends nothing."""

    def __init__(self, path: Path, now: datetime, *, log: Log) -> None:
        self._path, self._log = path, log
        self._said_lost = False
        self._db = sqlite3.connect(":memory:")
        try:
            self._open(path)
            self._db.execute("DELETE FROM view WHERE seen < ?", (_day(now - timedelta(days=_UNSEEN_DAYS)),))
            self._db.execute("DELETE FROM ticket WHERE key NOT IN (SELECT key FROM view)")
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, key: str, payload: bytes, now: datetime) -> str | None:
        """Keep what was retained under an order's key; empty bytes delete it. Returns why it was refused, or None."""
        for last_try in (False, True):
            try:
                self._put(key, payload, _day(now))
            except MessageError as error:
                return str(error)
            except sqlite3.DatabaseError as error:
                if last_try or not is_damage(error):
                    return f"the disk refuses it: {error}"
                self._begin_anew(error)
            else:
                break
        return None

    def by_ticket(self, ticket: str) -> OrderView | None:
        """Return the order to which a ticket belongs; None if the firm has no view of it here."""
        try:
            row = self._db.execute("SELECT body FROM ticket JOIN view USING (key) WHERE ticket=?", (ticket,)).fetchone()
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return None
        with suppress(MessageError):
            return OrderView.decode(row[0]) if row else None
        return None

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM view").fetchone()[0])

    def _put(self, key: str, payload: bytes, day: int) -> None:
        if self._db.execute("SELECT body, seen FROM view WHERE key=?", (key,)).fetchone() == (payload, day):
            return
        view = OrderView.decode(payload) if payload else None
        with self._db:  # commits, or rolls back
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM view WHERE key=?", (key,))
            self._db.execute("DELETE FROM ticket WHERE key=?", (key,))
            if view:
                self._db.execute("INSERT INTO view VALUES (?, ?, ?)", (key, payload, day))
                self._db.executemany(
                    "INSERT OR REPLACE INTO ticket VALUES (?, ?)", [(ticket.id, key) for ticket in view.tickets]
                )

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Go on with an empty file; in memory if the disk does not let us have one."""
        if not self._said_lost:
            self._said_lost = True
            self._log(
                "ERROR", "the kept order views are lost and come again from the server: check the card", why=error
            )
        self._db.close()
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._open(self._path)
        except (OSError, sqlite3.DatabaseError):
            self._db.close()
            self._open(":memory:")

    def _open(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA cache_size=-1000")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
            self._db.executescript(
                "DROP TABLE IF EXISTS view; DROP TABLE IF EXISTS ticket;"
                "CREATE TABLE view (key TEXT PRIMARY KEY, body BLOB NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;"
                "CREATE TABLE ticket (ticket TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;"
                f"CREATE INDEX ticket_key ON ticket (key); PRAGMA user_version={_FORMAT};"
            )


def _day(at: datetime) -> int:
    return int(at.timestamp()) // 86400
