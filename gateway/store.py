"""Opening an SQLite store: durable writing by one process, reading by any, and migrations shipped in the package.

What is stored stands in `gateway.ledger` and `gateway.state`.
"""

import contextlib
import fcntl
import os
import re
import sqlite3
import threading
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

_BUSY_MS = 1000
"""How long SQLite waits for another's lock before it says so; the caller then retries with back-off."""
_WAL_BYTES = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after a checkpoint."""


_VERSION_FILE = re.compile(r"v(\d{4})_\w+\.py")

Unwritable = OperationalError
"""The world's fault: locked, disk full, read-only. Nothing was written; trying again later may succeed."""


class StoreError(Exception):
    """The store cannot be opened; the message is one sentence that says what to do."""


def path_of(url: str) -> Path:
    """Return the file of an SQLite address. Raises StoreError for every other database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StoreError(f"{url} is not an SQLite file. Use sqlite:///PATH; other databases are not supported yet.")
    return Path(parsed.database)


def reader(url: str) -> Engine:
    """Return an engine that cannot write. Each `begin()` sees one moment of the store; keep it under a second.

    Raises StoreError if there is no store yet.
    """
    path = path_of(url)
    if not path.exists():
        raise StoreError(f"{path} does not exist yet. Start the gateway first: mawashi gateway")
    return _engine(url, begin="BEGIN", pragmas=("query_only = ON",))


def writer(url: str) -> Engine:
    """Return an engine for the one writing process: WAL, and a commit is on the disk when it returns."""
    path_of(url).parent.mkdir(parents=True, exist_ok=True)
    return _engine(
        url,
        begin="BEGIN IMMEDIATE",
        pragmas=(
            "journal_mode = WAL",
            "synchronous = FULL",
            f"journal_size_limit = {_WAL_BYTES}",
            "foreign_keys = ON",
            "cache_size = -16384",
        ),
    )


def _engine(url: str, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; we say which BEGIN
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def migrate(engine: Engine, package: str) -> None:
    """Bring the tables up to date with the Alembic scripts in `package`: env.py and versions/v<REVISION>_<name>.py."""
    with engine.begin() as connection:
        if _revision(connection) == _newest(package):
            return
    from alembic import command  # noqa: PLC0415 - half a second and 8 MB, needed once a version
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    module, _, folder = package.rpartition(".")
    config.set_main_option("script_location", f"{module}:{folder}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _newest(package: str) -> str:
    names = (one.name for one in resources.files(f"{package}.versions").iterdir())
    return max(found[1] for name in names if (found := _VERSION_FILE.fullmatch(name)))


class Lock:
    """Held by the one process that writes a store, for as long as it lives; the kernel frees it after kill -9."""

    def __init__(self, store: Path) -> None:
        """Take the lock beside `store`. Raises StoreError if another process has it."""
        store.parent.mkdir(parents=True, exist_ok=True)
        path = store.with_name(store.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise StoreError(f"another process is writing {store}. Stop that one first: only one may write.") from None

    def release(self) -> None:
        """Let another process write."""
        with contextlib.suppress(OSError):
            os.close(self._file)


class Changes:
    """Tells cheaply whether another process has committed to the store (PRAGMA data_version of one kept connection)."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._guard = engine, threading.Lock()
        self._kept: Any = None

    def version(self) -> int:
        """Return a number that differs from the last one after any commit by another connection."""
        with self._guard:
            if self._kept is None:
                self._kept = self._engine.raw_connection()
            return int(self._kept.cursor().execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Give the connection back."""
        with self._guard:
            if self._kept is not None:
                self._kept.close()
                self._kept = None
