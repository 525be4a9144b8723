"""A store in an SQLite file: WAL, a commit on the disk when it returns, a lock file beside it."""

import contextlib
import fcntl
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from gateway.store.contract import StoreError

_BUSY_MS = 1000
"""How long SQLite waits for another's lock before it says so; the caller then retries with back-off."""
_WAL_BYTES = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after a checkpoint."""
_CORRUPT, _NOT_A_DATABASE, _MOVED = 11, 26, 1032
"""SQLite's result codes SQLITE_CORRUPT, SQLITE_NOTADB (primary) and SQLITE_READONLY_DBMOVED (extended)."""
_NO_TABLE = "no such table"
_BEING_MADE = (_NO_TABLE, "unable to open", "disk I/O error", "file is not a database")


def path_of(url: str) -> Path:
    """Return the file of an SQLite address. Raises StoreError for every other database."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StoreError(f"{url} is not an SQLite file. Write sqlite:///PATH.")
    return Path(parsed.database)


class File:
    """A store in a file of its own."""

    def __init__(self, url: str) -> None:
        self._url, self.path = url, path_of(url)

    def __str__(self) -> str:
        return str(self.path)

    def check(self) -> None:
        """Raise StoreError if there is no store yet."""
        if not self.path.exists():
            raise StoreError(f"{self.path} does not exist yet. Start the gateway first: mawashi gateway")

    def careless(self) -> str | None:
        """Return nothing: how a file is written is ours to say."""
        return None

    def lacking(self) -> str | None:
        """Return nothing: the rights to a folder are looked at where the folder is."""
        return None

    def reader(self) -> Engine:
        """Return an engine that cannot write. Raises StoreError if there is no store yet."""
        self.check()
        return _engine(self._url, begin="BEGIN", pragmas=("query_only = ON",))

    def lock(self) -> "Lock":
        """Become the only writer. Raises StoreError if another process is."""
        return Lock(self.path)

    def writer(self, *, durable: bool = True) -> Engine:
        """Return an engine for the one writing process.

        Without `durable` a power cut may take the last commits, never what was there before.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return _engine(
            self._url,
            begin="BEGIN IMMEDIATE",
            pragmas=(
                "journal_mode = WAL",
                f"synchronous = {'FULL' if durable else 'NORMAL'}",
                f"journal_size_limit = {_WAL_BYTES}",
                "foreign_keys = ON",
                "cache_size = -16384",
            ),
        )

    def changes(self, engine: Engine) -> "Changes":
        """Return a watch on the file."""
        return Changes(engine)

    def identity(self) -> object:
        """Return what tells this file from any other of its name; None if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def written(self, _connection: Connection) -> object:
        """Return what tells the file that is there now from any other of its name."""
        return self.identity()

    def delete(self) -> bool:
        """Delete the file with its log; return whether there was one. Whoever writes it notices and begins again."""
        there = self.path.exists()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return there

    def unusable(self, error: DatabaseError) -> bool:
        """Whether the file itself is bad or gone, rather than the disk full or somebody holding a lock."""
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return code & 0xFF in (_CORRUPT, _NOT_A_DATABASE) or code == _MOVED or _NO_TABLE in str(error.orig)

    def being_made(self, error: DatabaseError) -> bool:
        """Whether a read failed because the file is just being deleted or made."""
        return any(word in str(error.orig) for word in _BEING_MADE)


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
