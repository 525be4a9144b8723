"""A store in a schema of a PostgreSQL database, over psycopg 3.

The right to write belongs to the connection that writes: it holds the schema's advisory lock, so a process whose
connection is gone can neither write nor keep another from writing. Commits are told by NOTIFY.
"""

import contextlib
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import psycopg
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    NullPool,
    String,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from broker.words import Word
from gateway.store.contract import StoreAwayError, StoreError

_LOCK_MS = 1000
"""How long PostgreSQL waits for another's lock before it says so; the caller then retries with back-off."""
_CONNECT_SECONDS = 5
_DELETE_SECONDS = 30
_KEEPALIVE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
"""Seconds, seconds, times: a connection over a dead network ends within 25 s on both sides, and its lock with it."""

_NO_SCHEMA, _NO_TABLE = "3F000", "42P01"
_READ_ONLY, _NO_RIGHT = "25006", "42501"
_WORLD = (_NO_SCHEMA, _NO_TABLE, _READ_ONLY, _NO_RIGHT)
"""A person's doing (a schema dropped, a standby, a right withdrawn), which can be undone while we wait."""
_DATA_CORRUPTED, _INDEX_CORRUPTED = "XX001", "XX002"
_REFUSED = re.compile(r"FATAL:|no password supplied")
"""In what the driver says of a connection: the server has answered. Before that there is no code to go by."""
_BEFORE = re.compile(r".*failed: |FATAL: +")
_NAMESPACE = text("SELECT to_regnamespace(:schema)::oid::bigint")
_MAY_CREATE = "has_database_privilege(current_database(), 'CREATE')"
_LOOK_SECONDS = 0.25
_DURABLE = """SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') IN ('off', 'local')"""
"""A server set to something stricter, such as remote_apply, keeps it."""


class Schema:
    """A store in the schema called `name`."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = make_url(url), name
        self._channel = f"mawashi_{name}"
        self._seen: object = None
        self._seen_on: Connection | None = None
        self._seen_until = 0.0

    def __str__(self) -> str:
        return f"PostgreSQL at {self._where}, database {self._url.database}, schema {self._name}"

    @property
    def _where(self) -> str:
        host = self._url.host or self._url.query.get("host") or "this machine"
        return f"{host}:{self._url.port}" if self._url.port else str(host)

    def check(self) -> None:
        """Raise StoreError if there is no schema yet, StoreAwayError if the server does not let us in."""
        with self._once() as connection:
            there = connection.scalar(_NAMESPACE, {"schema": self._name})
        if there is None:
            raise StoreError(f"{self} does not exist yet. Start the gateway first: mawashi gateway")

    def careless(self) -> str | None:
        """Return the server's setting by which a power cut may take what was committed; None if there is none.

        Raises StoreAwayError.
        """
        with self._once() as connection:
            off = (one for one in ("fsync", "full_page_writes") if connection.scalar(text(f"SHOW {one}")) == "off")
            return next(off, None)

    def lacking(self) -> str | None:
        """Return the right that our user lacks to keep the schema; None if it lacks none. Raises StoreAwayError."""
        with self._once() as connection:
            there = connection.scalar(_NAMESPACE, {"schema": self._name}) is not None
            may = "has_schema_privilege(:schema, 'CREATE')" if there else _MAY_CREATE
            return None if connection.scalar(text(f"SELECT {may}"), {"schema": self._name}) else "CREATE"

    def reader(self) -> Engine:
        """Return an engine that cannot write; each transaction sees one moment."""
        return self._engine(
            "default_transaction_read_only=on", "default_transaction_isolation=repeatable\\ read", pool_recycle=3600
        )

    def lock(self) -> "_OfTheConnection":
        """Make the schema if need be, and see that nobody writes it: the lock itself is the writing connection's.

        Raises StoreError if another process writes, StoreAwayError if the server does not let us in.
        """
        with self._once() as connection:
            driver: Any = connection.connection.driver_connection
            self._take_lock(driver)
            self._make(driver)
            driver.execute("SELECT pg_advisory_unlock_all()")
        return _OfTheConnection()

    def writer(self, *, durable: bool = True) -> Engine:
        """Return an engine with the one connection that may write; whatever connection follows takes the lock first."""
        engine = self._engine(pool_size=1, max_overflow=0)

        @event.listens_for(engine, "connect")
        def _on_connect(connection: psycopg.Connection[Any], _record: object) -> None:
            try:
                self._take_lock(connection)
                self._make(connection)
                connection.execute(_DURABLE if durable else "SET synchronous_commit = off")
                connection.commit()
            except StoreError as error:
                connection.close()
                raise psycopg.OperationalError(str(error)) from None
            except BaseException:
                connection.close()
                raise

        @event.listens_for(engine, "commit")
        def _on_commit(connection: Connection) -> None:
            connection.exec_driver_sql(f"NOTIFY {self._channel}")

        return engine

    def changes(self, _engine: Engine) -> "Changes":
        """Return a watch on the schema, over a connection of its own."""
        return Changes(self._engine(poolclass=NullPool, isolation_level="AUTOCOMMIT"), self._channel)

    def identity(self) -> object:
        """Return what a reader's engine is bound to: the name, since a schema made anew is found under it."""
        return self._name

    def written(self, connection: Connection) -> object:
        """Return what tells the schema from any other of its name, as it was a moment ago; None if there is none."""
        if connection is not self._seen_on or time.monotonic() > self._seen_until:
            try:
                self._seen = connection.scalar(_NAMESPACE, {"schema": self._name})
            finally:
                connection.rollback()
            self._seen_on, self._seen_until = connection, time.monotonic() + _LOOK_SECONDS
        return self._seen

    def delete(self) -> bool:
        """Drop the schema with all in it; return whether there was one. Raises StoreAwayError."""
        with self._once(f"lock_timeout={_DELETE_SECONDS}s") as connection:
            there = connection.scalar(_NAMESPACE, {"schema": self._name}) is not None
            if there:
                connection.exec_driver_sql(f"DROP SCHEMA {self._name} CASCADE")
                connection.exec_driver_sql(f"NOTIFY {self._channel}")
        return there

    def unusable(self, error: DatabaseError) -> bool:
        """Whether the schema itself is bad or gone, rather than the server away or somebody holding a lock."""
        return _state(error) in (_NO_SCHEMA, _NO_TABLE, _DATA_CORRUPTED, _INDEX_CORRUPTED)

    def being_made(self, error: DatabaseError) -> bool:
        """Whether a read failed because the schema is just being deleted or made."""
        return _state(error) in (_NO_SCHEMA, _NO_TABLE)

    # -- connections ---------------------------------------------------------------------------------------------------

    def _engine(self, *options: str, **pool: Any) -> Engine:
        server = (
            f"search_path={self._name}",
            f"lock_timeout={_LOCK_MS}",
            *(f"tcp_{name}={value}" for name, value in _KEEPALIVE.items()),
            *options,
        )
        asked = self._url.query
        own: dict[str, str] = {
            "connect_timeout": str(_CONNECT_SECONDS),
            "application_name": f"mawashi {self._name}",
            **_KEEPALIVE,
        }
        given = {name: value for name, value in own.items() if name not in asked}
        given["options"] = " ".join([str(asked.get("options", "")), *(f"-c {one}" for one in server)]).strip()
        engine = create_engine(self._url, connect_args=given, **pool)
        event.listen(engine, "connect", _teach)
        event.listen(engine, "handle_error", _of_the_world)
        return engine

    def _make(self, connection: psycopg.Connection[Any]) -> None:
        (there,) = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (self._name,)).fetchone() or (False,)
        if not there:
            connection.execute(f"CREATE SCHEMA {self._name}")  # only then, for it needs a right

    @contextlib.contextmanager
    def _once(self, *options: str) -> Iterator[Connection]:
        """One transaction over a connection of its own, its errors in sentences."""
        try:
            with self._engine(*options, poolclass=NullPool).begin() as connection:
                yield connection
        except (OperationalError, psycopg.Error) as error:
            raise self._away(error.orig if isinstance(error, OperationalError) else error) from None

    def _away(self, error: BaseException | None) -> StoreAwayError:
        """Return the sentence for a server that is not there, or that does not let us in."""
        lines = str(error).splitlines() or [""]
        line = next((one for one in lines if _REFUSED.search(one)), lines[0])
        said, key = _BEFORE.sub("", line).strip(" ."), f"{self._name}_url"
        ja = f"{self._where} の PostgreSQL（データベース {self._url.database}）"
        if _REFUSED.search(line) or getattr(error, "sqlstate", None):
            return StoreAwayError(
                Word(f"{ja}が断りました「{said}」", f"{self} refuses us: {said}"),
                Word(
                    f"gateway.toml の {key} の利用者・passfile・データベース名と、その権限を直してください："
                    "docs/postgresql.md",
                    f"Mend user, passfile or database in {key}, or that user's rights: docs/postgresql.md",
                ),
            )
        return StoreAwayError(
            Word(f"{ja}が答えません", f"{self} does not answer: {said}"),
            Word(
                f"起動するか、gateway.toml の {key} の宛先を直してください：docs/postgresql.md",
                f"Start it, or mend the address in {key}: docs/postgresql.md",
            ),
        )

    def _take_lock(self, connection: psycopg.Connection[Any]) -> None:
        """Take the advisory lock for as long as this connection lives. Raises StoreError if it is taken."""
        try:
            connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"mawashi {self._name}",))
        except psycopg.errors.LockNotAvailable:
            raise StoreError(f"another process is writing {self}. Stop that one first: only one may write.") from None


class _OfTheConnection:
    """The lock of a schema ends with the connection that writes it."""

    def release(self) -> None:
        """Nothing is left to do."""


class Changes:
    """Hears each commit over a connection of its own that listens."""

    def __init__(self, engine: Engine, channel: str) -> None:
        self._engine, self._channel, self._guard = engine, channel, threading.Lock()
        self._kept: Connection | None = None
        self._heard = 0

    def version(self) -> int:
        """Return a number that grows with every commit that was told of. Raises OperationalError."""
        with self._guard:
            try:
                if self._kept is None:
                    self._kept = self._engine.connect()
                    self._kept.exec_driver_sql(f"LISTEN {self._channel}")
                    self._heard += 1  # whatever was committed while nobody listened
                driver: Any = self._kept.connection.driver_connection
                self._heard += sum(1 for _ in driver.notifies(timeout=0))
            except (OperationalError, psycopg.Error) as error:
                self._let_go()
                if isinstance(error, psycopg.Error):
                    raise OperationalError("LISTEN", {}, error, connection_invalidated=True) from error
                raise
            return self._heard

    def close(self) -> None:
        """Give the connection back."""
        with self._guard:
            self._let_go()

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.invalidate()
            self._kept.close()
            self._kept = None


def copy_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows by COPY: a fifth of the driver's work for as many inserts (measured). Raises DatabaseError."""
    columns = [table.c[name] for name in rows[0]]
    names = ", ".join(f'"{one.name}"' for one in columns)
    driver: Any = connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)') as copy,
        ):
            copy.set_types([_binary(one) for one in columns])
            for row in rows:
                copy.write_row(tuple(row.values()))
    except psycopg.Error as error:
        _raise_from(connection, driver, error)


def _binary(column: Column[Any]) -> str:
    if isinstance(column.type, LargeBinary):
        return "bytea"
    if isinstance(column.type, String):
        return "text"
    return "int4" if type(column.type) is Integer else "int8"  # an instant is one of 64 bits too


def _raise_from(connection: Connection, driver: Any, error: psycopg.Error) -> NoReturn:
    """Raise what SQLAlchemy would have raised, had it run the statement."""
    gone = bool(driver.closed)
    if gone:
        connection.invalidate()
    kind = (
        OperationalError if isinstance(error, psycopg.OperationalError) or error.sqlstate in _WORLD else DatabaseError
    )
    raise kind("COPY", {}, error, connection_invalidated=gone) from error


class _Text(StrDumperUnknown):
    """PostgreSQL's text holds no NUL, and one on the way must stop nobody: it is kept as U+FFFD, 'unknown character'.

    Bytes as they arrived are not text; nothing changes in them.
    """

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def _teach(connection: psycopg.Connection[Any], _record: object) -> None:
    """Have every text accepted, and every number sent as 64 bits, so that a statement is planned once."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(int, Int8Dumper)


def _of_the_world(context: ExceptionContext) -> None:
    """Treat what a person did to the database as the world's fault too."""
    error, said = context.original_exception, context.sqlalchemy_exception
    if getattr(error, "sqlstate", None) in _WORLD and not isinstance(said, OperationalError):
        raise OperationalError(context.statement, {}, error) from error


def _state(error: DatabaseError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
