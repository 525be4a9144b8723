"""Writing the state: one process, one transaction a turn of the projector.

Statements of the busy tables are in `rowindex` and `products`; what is written is decided in `gateway.projector`.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import structlog
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from gateway import store
from gateway.state import tables as t
from gateway.state.products import Products
from gateway.state.reader import State
from gateway.state.rowindex import RowIndex
from gateway.state.shapes import Refusal

_log = structlog.get_logger()


class WritableState(State):
    """The state in the hands of its one writer: `index` and `products` are for one thread, within `turn()`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._lock = self._place.lock()
        self._writer: Engine | None = None
        self._written: object = None
        self._kept_connection: Connection | None = None
        self._connection: Connection | None = None
        self._revision = 0
        self.index: RowIndex
        self.products: Products

    @classmethod
    def create(cls, url: str) -> Self:
        """Take the lock, and open or make the state. Raises StoreError if another process writes it."""
        state = cls(url)
        state.reopen()
        return state

    def close(self) -> None:
        """Close every connection and let another process write."""
        self._end_writing()
        super().close()
        self._lock.release()

    def reopen(self) -> None:
        """Open what is there; if it cannot be used, delete it and make a new one. Raises DatabaseError."""
        self._end_writing()
        try:
            self._open_writer()
        except (DatabaseError, store.StoreNewerError) as error:
            if isinstance(error, DatabaseError) and not self.unusable(error):
                raise
            _log.warning("state cannot be used: starting over", reason=str(getattr(error, "orig", error)))
            self.start_over()

    def start_over(self) -> None:
        """Delete the state and make an empty one."""
        self._end_writing()
        self._place.delete()
        self._open_writer()

    def present(self) -> bool:
        """Whether the state we write is still there, and our connection to it. Raises DatabaseError."""
        kept = self._kept_connection
        if self._written is None or kept is None or kept.invalidated:
            return False
        return self._place.written(kept) == self._written

    def unusable(self, error: DatabaseError) -> bool:
        """Whether the state itself is bad or gone, rather than the disk full or somebody holding a lock."""
        return self._place.unusable(error)

    def _open_writer(self) -> None:
        engine = self._place.writer(durable=False)  # what a power cut takes is made again from the ledger
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
        before = self._place.identity()
        self._kept_connection = engine.connect()
        driver: Any = self._kept_connection.connection.driver_connection
        self.index, self.products = RowIndex(driver), Products(driver, self._next)
        there = before is not None and self._place.identity() == before  # else deleted while it was being opened
        self._written = self._place.written(self._kept_connection) if there else None

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
        assert self._writer
        before = self._revision
        try:
            with self._kept_connection.begin():
                self._connection = self._kept_connection
                yield
                if self._revision != before:
                    self.set_value("revision", str(self._revision))
        except self._writer.dialect.loaded_dbapi.DatabaseError as error:  # from a prepared statement
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
