"""The firm's order views, as the broker last delivered them, kept on disk for the time when it cannot be reached.

They may be lost: the broker retains them too. What may stand in one is decided by the gateway.
"""

import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from broker.messages import MessageError, OrderView
from edge.books import is_damage

_UNSEEN_DAYS = 90
"""Every view that still exists comes again at each connection: one not seen for so long was withdrawn meanwhile."""
_FORMAT = 1


class Views:
    """Implements `edge.rules.Orders`. Opening a damaged file begins with an empty one."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        try:
            self._open()
            self._db.execute("DELETE FROM view WHERE seen < ?", (_day(now - timedelta(days=_UNSEEN_DAYS)),))
            self._db.execute("DELETE FROM ticket WHERE key NOT IN (SELECT key FROM view)")
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._db.close()
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._open()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, key: str, payload: bytes, now: datetime) -> str | None:
        """Keep what was retained under an order's key; empty bytes delete it. Returns why it was refused, or None."""
        if not payload:
            self._db.execute("DELETE FROM view WHERE key=?", (key,))
            self._db.execute("DELETE FROM ticket WHERE key=?", (key,))
            return None
        row = self._db.execute("SELECT body, seen FROM view WHERE key=?", (key,)).fetchone()
        if row == (payload, _day(now)):
            return None
        try:
            view = OrderView.decode(payload)
        except MessageError as error:
            return str(error)
        self._db.execute("BEGIN")
        self._db.execute("INSERT OR REPLACE INTO view VALUES (?, ?, ?)", (key, payload, _day(now)))
        self._db.execute("DELETE FROM ticket WHERE key=?", (key,))
        self._db.executemany(
            "INSERT OR REPLACE INTO ticket VALUES (?, ?)", [(ticket.id, key) for ticket in view.tickets]
        )
        self._db.execute("COMMIT")
        return None

    def by_ticket(self, ticket: str) -> OrderView | None:
        """Return the order to which a ticket belongs; None if the firm has no view of it here."""
        row = self._db.execute("SELECT body FROM ticket JOIN view USING (key) WHERE ticket=?", (ticket,)).fetchone()
        with suppress(MessageError):
            return OrderView.decode(row[0]) if row else None
        return None

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM view").fetchone()[0])

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None, timeout=2.0)
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
