"""Writing the state: one process, one transaction a turn of the projector.

Statements of the busy tables are in `rowindex` and `products`; what is written is decided in `gateway.projector`.
"""

import contextlib
import importlib.metadata
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import structlog
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, delete, event, insert, select
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from gateway import store
from gateway.state import tables as t
from gateway.state.products import Products
from gateway.state.reader import State, identity_of
from gateway.state.rowindex import RowIndex
from gateway.state.shapes import Refusal

_log = structlog.get_logger()

_CORRUPT, _NOT_A_DATABASE, _MOVED = 11, 26, 1032
"""SQLite's result codes SQLITE_CORRUPT, SQLITE_NOTADB (primary) and SQLITE_READONLY_DBMOVED (extended)."""


class WritableState(State):
    """The state in the hands of its one writer: `index` and `products` are for one thread, within `turn()`."""

    def __init__(self, url: str, lock: store.Lock) -> None:
        super().__init__(url)
        self._lock = lock
        self._writer: Engine | None = None
        self._written: tuple[int, int] | None = None
        self._kept_connection: Connection | None = None
        self._connection: Connection | None = None
        self._revision = 0
        self.index: RowIndex
        self.products: Products

    @classmethod
    def create(cls, url: str) -> Self:
        """Take the lock, and open or make the state. Raises StoreError if another process writes it."""
        state = cls(url, store.Lock(store.path_of(url)))
        state.reopen()
        return state

    def close(self) -> None:
        """Close every connection and let another process write."""
        self._end_writing()
        super().close()
        self._lock.release()

    def reopen(self) -> None:
        """Open what is on the disk; if it cannot be used, delete it and make a new one. Raises DatabaseError."""
        self._end_writing()
        try:
            self._open_writer()
        except (DatabaseError, CommandError) as error:
            if not (isinstance(error, CommandError) or unusable(error)):
                raise
            _log.warning("state cannot be used: starting over", reason=str(getattr(error, "orig", error)))
            self.start_over()

    def start_over(self) -> None:
        """Delete the state and make an empty one."""
        self._end_writing()
        delete_files(self._path)
        self._open_writer()

    def present(self) -> bool:
        """Whether the file we write is still the one on the disk."""
        return self._written is not None and identity_of(self._path) == self._written

    def _open_writer(self) -> None:
        engine = store.writer(self._url)
        event.listen(engine, "connect", _not_durable)
        self._writer = engine
        store.migrate(engine, "gateway.state.migrations")
        with engine.begin() as connection:
            known = {one.name: one.value for one in connection.execute(select(t.meta))}
            version = importlib.metadata.version("mawashi")
            if not known:
                born = str(int(clock().read().at.timestamp() * 1e6))
                known = {"version": version, "born": born, "revision": born, "cursor": "0", "ledger": ""}
                connection.execute(insert(t.meta), [{"name": name, "value": value} for name, value in known.items()])
        if known["version"] != version:
            _log.info("state was made by another version: starting over", was=known["version"], now=version)
            self.start_over()
            return
        self._revision = int(known["revision"])
        self._kept_connection = engine.connect()
        driver = self._kept_connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self.index, self.products = RowIndex(driver), Products(driver, self._next)
        self._written = identity_of(self._path)

    def _end_writing(self) -> None:
        if self._kept_connection:
            self._kept_connection.invalidate()
            self._kept_connection.close()
        if self._writer:
            self._writer.dispose()
        self._kept_connection, self._writer, self._written = None, None, None

    # -- one turn ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction: everything written within is there afterwards, or nothing is. Raises DatabaseError."""
        assert self._kept_connection
        before = self._revision
        try:
            with self._kept_connection.begin():
                self._connection = self._kept_connection
                yield
                if self._revision != before:
                    self.set_value("revision", str(self._revision))
        except sqlite3.DatabaseError as error:  # from a prepared statement
            self._revision = before
            raise DatabaseError("", {}, error) from error
        except BaseException:
            self._revision = before
            raise
        finally:
            self._connection = None

    @property
    def _c(self) -> Connection:
        assert self._connection, "only within a turn"
        return self._connection

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    def _read(self, work: Callable[[Connection], Any], empty: Any) -> Any:
        """Within a turn, read what the turn has written so far."""
        return work(self._connection) if self._connection else super()._read(work, empty)

    def set_value(self, name: str, value: str) -> None:
        """Write one word of `meta`."""
        self._c.execute(delete(t.meta).where(t.meta.c.name == name))
        self._c.execute(insert(t.meta).values(name=name, value=value))

    def set_cursors(self, cursors: Mapping[str, int]) -> None:
        """Write how far sinks are."""
        for name, value in cursors.items():
            self._c.execute(delete(t.cursors).where(t.cursors.c.name == name))
            self._c.execute(insert(t.cursors).values(name=name, value=value))

    def add_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Keep the points that a sink's server refused for good."""
        if refusals:
            self._c.execute(
                insert(t.refusals),
                [
                    {"sink": one.sink, "firm": one.firm, "line": one.line, "reason": one.reason, "at": one.at}
                    for one in refusals
                ],
            )


def unusable(error: DatabaseError) -> bool:
    """Whether the file itself is bad or gone, rather than the disk full or somebody holding a lock."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (_CORRUPT, _NOT_A_DATABASE) or code == _MOVED or "no such table" in str(error.orig)


def delete_files(path: Path) -> bool:
    """Delete a state with its log; return whether there was one. Whoever writes it notices and begins again."""
    there = path.exists()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return there


def _not_durable(connection: Any, _record: object) -> None:
    """Spare the disk: a power cut may take the last turns, and they are made again from the ledger."""
    connection.execute("PRAGMA synchronous = NORMAL")
