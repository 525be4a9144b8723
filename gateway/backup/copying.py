"""A copy of the ledger in a second SQLite file, brought up to date in place while the gateway runs.

A turn reads what one moment of the ledger has more than the copy, ends that reading, then writes it in one transaction:
a slow or dead second disk never holds up the ledger. Rows and bundles are only ever added, so they go by position;
every other table is small and goes by comparison, whatever its columns. After a turn that was `whole` the copy is
exactly the ledger of that moment; of a longer way the rows go ahead in steps, and `copied` says how far it is whole.
Where copies are kept and for how long is decided in `gateway.backup.command` and `gateway.backup.follow`.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any

ROWS_A_TURN = 4000
"""About 2 MB of events, and a tenth of a second."""
_GROWING = ("rows", "bundles")
_ONLY_ADDED = "tickets"
"""Never changed and never deleted, and there may be a great many: they go by the order in which they were added."""
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_COPIED = (
    "CREATE TABLE copied (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, at INTEGER NOT NULL)"
)
_LAST = (
    "SELECT position, epoch_id, seq, sha256, bundle_id, received_at FROM rows JOIN bundles ON bundles.id = bundle_id"
)

Key = tuple[Any, ...]
Values = tuple[Any, ...]
Schema = dict[str, tuple[str, str]]
"""Of each table and index, the table it belongs to and the statement that makes it."""


class LedgerAwayError(Exception):
    """The ledger itself cannot be read just now; a sentence."""


class Turned(Enum):
    """Why a copy and a ledger are not two moments of one history."""

    OLDER = auto()
    """The ledger is an older copy of itself, and nobody has noticed yet."""
    RESTORED = auto()
    """The ledger was restored, or found out that it went back: it has a new name."""
    ANOTHER = auto()
    """It is another ledger, or tables of another version that cannot be followed in place."""


class TurnedError(Exception):
    """The copy holds what the ledger does not: it must stay as it is."""

    def __init__(self, how: Turned) -> None:
        super().__init__(how.name)
        self.how = how


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did: how many rows, up to which position, and whether the copy is now whole."""

    rows: int
    position: int
    whole: bool


@dataclass(slots=True)
class _Changes:
    """What one small table has more, other, or less than the copy. `seen`: every key and its plain values."""

    columns: Sequence[str]
    key: Sequence[str]
    put: list[Values] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    seen: dict[Key, Values] = field(default_factory=dict)


@dataclass(slots=True)
class _News:
    """What one moment of the ledger has that the copy does not."""

    whole: bool
    last: int
    rows: list[Values]
    bundles: list[Values]
    schema: Schema
    create: list[str] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    small: dict[str, _Changes] = field(default_factory=dict)
    tickets: list[Values] = field(default_factory=list)


class Copy:
    """The copy `target` of the ledger `source`. One thread, and nobody else writes `target`.

    `durable`: what a turn wrote is on its disk when it returns. Raises sqlite3.Error for trouble with the copy,
    LedgerAwayError with the ledger.
    """

    def __init__(self, source: Path, target: Path, *, durable: bool) -> None:
        self.target = target
        with _reading():
            self._source = read_only(source)
        self._db = sqlite3.connect(target, isolation_level=None, timeout=1.0)
        try:
            self._db.execute("PRAGMA journal_mode=DELETE")  # one file, whole after every commit, on any file system
            self._db.execute(f"PRAGMA synchronous={'EXTRA' if durable else 'OFF'}")
            self._schema = schema_of(self._db)
            self._small = {table: _seen(self._db, table) for table in _small(self._schema)}
            self._last = self._last_row(self._db) if self._schema else None
            self._bundle = self._max("bundles", "id") if self._schema else 0
        except BaseException:
            self.close()
            raise
        self._ticket = 0

    def close(self) -> None:
        """Close both files."""
        self._db.close()
        self._source.close()

    @property
    def version(self) -> int:
        """A number that changes when the ledger has committed. Raises LedgerAwayError."""
        with _reading():
            return int(self._source.execute("PRAGMA data_version").fetchone()[0])

    @property
    def position(self) -> int:
        """The highest row in the copy."""
        return int(self._last[0]) if self._last else 0

    def turn(self, now: datetime) -> Turn:
        """Bring the copy further; ask again until it is `whole`. Raises TurnedError: nothing was written."""
        with _reading():
            self._source.execute("BEGIN")
            try:
                news = self._read()
            finally:
                self._source.execute("ROLLBACK")
        self._write(news, now)
        return Turn(len(news.rows), self.position, news.whole)

    # -- reading the ledger --------------------------------------------------------------------------------------------

    def _read(self) -> _News:
        source = self._source
        schema = schema_of(source)
        self._see_that_it_is_ours(schema)
        last = int(source.execute("SELECT coalesce(max(position), 0) FROM rows").fetchone()[0])
        found = source.execute(
            "SELECT bundle_id, * FROM rows WHERE position > ? ORDER BY position LIMIT ?", (self.position, ROWS_A_TURN)
        ).fetchall()
        rows = [one[1:] for one in found]
        whole = self.position + len(rows) >= last
        upto = 2**62 if whole else found[-1][0]
        bundles = source.execute(
            "SELECT * FROM bundles WHERE id > ? AND id <= ? ORDER BY id", (self._bundle, upto)
        ).fetchall()
        news = _News(whole, last, rows, bundles, schema)
        if schema != self._schema and (whole or not self._schema):
            ours = [] if not self._schema else _GROWING
            made = {name: sql for name, (table, sql) in schema.items() if table not in ours}
            news.create = sorted(made.values(), key=lambda sql: not sql.startswith("CREATE TABLE"))
            news.drop = _small(self._schema)
        if whole:
            known = {} if news.create else self._small
            for table in _small(schema):
                if table != _ONLY_ADDED:
                    news.small[table] = _changes(source, table, known.get(table, {}))
            since = 0 if news.create else self._ticket
            news.tickets = source.execute(f"SELECT rowid, * FROM {_ONLY_ADDED} WHERE rowid > ?", (since,)).fetchall()
        return news

    def _see_that_it_is_ours(self, schema: Schema) -> None:
        if "ledgers" not in schema:
            raise LedgerAwayError("the ledger is not made yet")
        if not self._schema:
            return
        theirs = [one[0] for one in self._source.execute("SELECT id FROM ledgers ORDER BY n DESC")]
        ours = [one[1] for _, one in sorted(self._small.get("ledgers", {}).items(), reverse=True)]
        here = self._source.execute(f"{_LAST} WHERE position = ?", (self.position,)).fetchone()
        if self._last != here or (self._last is None and ours):
            if ours and not set(ours) & set(theirs):
                raise TurnedError(Turned.ANOTHER)
            if self._last != here:
                raise TurnedError(Turned.OLDER if ours[:1] == theirs[:1] else Turned.RESTORED)
        if any(schema.get(table) != self._schema.get(table) for table in _GROWING):
            raise TurnedError(Turned.RESTORED)

    # -- writing the copy ----------------------------------------------------------------------------------------------

    def _write(self, news: _News, now: datetime) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for table in news.drop:
                db.execute(f'DROP TABLE "{table}"')
            for statement in news.create:
                db.execute(statement)
            if not self._schema:
                db.execute(_COPIED)
            _insert(db, "bundles", news.bundles)
            _insert(db, "rows", news.rows)
            if news.whole:
                self._write_small(news)
                db.execute("INSERT OR REPLACE INTO copied VALUES (1, ?, ?)", (news.last, _microseconds(now)))
            last = self._last_row(db) if news.rows else self._last
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full or vanished disk has rolled back already
                db.execute("ROLLBACK")
            raise
        self._last = last
        if news.create:
            self._schema = news.schema
        if news.bundles:
            self._bundle = int(news.bundles[-1][0])
        if news.whole:
            self._small = {table: changes.seen for table, changes in news.small.items()}
            self._ticket = int(news.tickets[-1][0]) if news.tickets else self._ticket

    def _write_small(self, news: _News) -> None:
        for table, changes in news.small.items():
            where = " AND ".join(f'"{one}" = ?' for one in changes.key)
            self._db.executemany(f'DELETE FROM "{table}" WHERE {where}', changes.gone)
            columns = ", ".join(f'"{one}"' for one in changes.columns)
            marks = ", ".join("?" * len(changes.columns))
            self._db.executemany(f'INSERT OR REPLACE INTO "{table}" ({columns}) VALUES ({marks})', changes.put)
        _insert(self._db, _ONLY_ADDED, [one[1:] for one in news.tickets], "INSERT OR IGNORE")

    def _last_row(self, db: sqlite3.Connection) -> Values | None:
        found: Values | None = db.execute(f"{_LAST} ORDER BY position DESC LIMIT 1").fetchone()
        return found

    def _max(self, table: str, column: str) -> int:
        return int(self._db.execute(f'SELECT coalesce(max("{column}"), 0) FROM "{table}"').fetchone()[0])


def read_only(path: Path) -> sqlite3.Connection:
    """Open an SQLite file that exists without any right to write it. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=1.0)


def schema_of(db: sqlite3.Connection) -> Schema:
    """Return what the ledger's tables and indexes are made of, by name; nothing for an empty file."""
    found = db.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'copied'")
    return {name: (table, sql) for name, table, sql in found}


def finish(path: Path) -> int:
    """Make a copy a ledger again: drop rows beyond the last whole moment, and the note of it.

    Returns the position that the copy is whole up to. Raises sqlite3.Error; ValueError if it was never whole.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'copied'").fetchone():
            return int(db.execute("SELECT coalesce(max(position), 0) FROM rows").fetchone()[0])
        found = db.execute("SELECT position FROM copied").fetchone()
        if found is None:
            raise ValueError("it was never finished")
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM rows WHERE position > ?", found)
        db.execute("DELETE FROM bundles WHERE id > (SELECT coalesce(max(bundle_id), 0) FROM rows)")
        db.execute("DROP TABLE copied")
        db.execute("COMMIT")
        return int(found[0])


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerAwayError(str(error)) from error


def _small(schema: Schema) -> list[str]:
    return [name for name, (table, _) in schema.items() if name == table and name not in _GROWING]


def _columns(db: sqlite3.Connection, table: str) -> tuple[list[str], list[str], list[str]]:
    """Return all columns, those of the key, and those that hold no bytes."""
    info = db.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [one[1] for one in sorted(info, key=lambda one: one[5]) if one[5]]
    return [one[1] for one in info], keys, [one[1] for one in info if one[2] != "BLOB"]


def _seen(db: sqlite3.Connection, table: str) -> dict[Key, Values]:
    if table == _ONLY_ADDED:
        return {}
    _, key, plain = _columns(db, table)
    wanted = ", ".join(f'"{one}"' for one in [*key, *plain])
    return {one[: len(key)]: one[len(key) :] for one in db.execute(f'SELECT {wanted} FROM "{table}"')}


def _changes(db: sqlite3.Connection, table: str, known: dict[Key, Values]) -> _Changes:
    """Compare without the bytes, then fetch what changed with them: no bytes change without a time beside them."""
    columns, key, _ = _columns(db, table)
    seen = _seen(db, table)
    where = " AND ".join(f'"{one}" = ?' for one in key)
    changed = [one for one, values in seen.items() if known.get(one) != values]
    put = [db.execute(f'SELECT * FROM "{table}" WHERE {where}', one).fetchone() for one in changed]
    return _Changes(columns, key, put, [one for one in known if one not in seen], seen)


def _insert(db: sqlite3.Connection, table: str, rows: Sequence[Values], how: str = "INSERT") -> None:
    if rows:
        db.executemany(f'{how} INTO "{table}" VALUES ({", ".join("?" * len(rows[0]))})', rows)


def _microseconds(at: datetime) -> int:
    return (at - _ZERO) // timedelta(microseconds=1)
