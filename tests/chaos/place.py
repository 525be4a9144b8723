"""Where the floor's gateway keeps ledger and state, and what can befall that place: SQLite files, or PostgreSQL."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from gateway.ledger.transaction import NEW_ID_EVERY
from tests.chaos.gateway import Gateway
from tests.postgresql import PostgreSql, program

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class WayBack:
    """A way in which yesterday's ledger comes back: keep a copy at a path, and put it back while no gateway runs."""

    what: str
    keep: Callable[[Gateway, Path], None]
    put_back: Callable[[Gateway, Path], None]
    found_out: bool
    """Whether the gateway has to find out by itself that its ledger is an older copy."""


class Place(Protocol):
    """The stores of one floor."""

    ways_back: Sequence[WayBack]
    unwritable: Mapping[str, Callable[[Gateway], AbstractContextManager[None]]]
    """What can keep everybody from writing the ledger for a while, by what it is called."""

    slowness: float
    """How much longer than with files folding may take there."""

    def settings(self) -> str:
        """Return the lines of the gateway's settings that name them."""

    def locked(self, gateway: Gateway) -> AbstractContextManager[None]:
        """Hold the ledger's lock."""

    def cut(self) -> None:
        """Cut the power of what serves it, if anything does."""

    def power_back(self) -> None:
        """Start what serves it again."""

    def close(self) -> None:
        """Leave nothing behind."""


class Files:
    """Two SQLite files in the gateway's folder."""

    slowness = 1.0

    def __init__(self) -> None:
        self.unwritable = {"locked": self.locked}
        self.ways_back = (
            WayBack("mawashi restore", self._copy, self._restore, found_out=False),
            WayBack("a bare file copy", self._copy, self._replace, found_out=True),
        )

    def settings(self) -> str:
        """Nothing: that is where they are unless told otherwise."""
        return ""

    @contextmanager
    def locked(self, gateway: Gateway) -> Iterator[None]:
        with closing(sqlite3.connect(_file(gateway), isolation_level=None, timeout=20)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                holder.execute("ROLLBACK")

    def cut(self) -> None:
        """Nobody serves a file."""

    def power_back(self) -> None:
        """Nobody serves a file."""

    def close(self) -> None:
        """They go with the gateway's folder."""

    def _copy(self, gateway: Gateway, copy: Path) -> None:
        with closing(sqlite3.connect(_file(gateway))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    def _restore(self, gateway: Gateway, copy: Path) -> None:
        done = gateway.mawashi("restore", str(copy), "--replace")
        assert done.returncode == 0, done.stdout + done.stderr

    def _replace(self, gateway: Gateway, copy: Path) -> None:
        for suffix in ("-wal", "-shm"):
            _file(gateway).with_name(f"ledger.sqlite{suffix}").unlink(missing_ok=True)
        shutil.copy(copy, _file(gateway))


def _file(gateway: Gateway) -> Path:
    return gateway.settings.data_dir / "ledger.sqlite"


class Database:
    """Ledger and state in one database of a PostgreSQL server of its own."""

    slowness = 4.0  # twice the projector's own time (measured, 2026-11-22), and the server's on top

    def __init__(self) -> None:
        self.unwritable = {"locked": self.locked, "its server stopped": self._stopped, "killed with -9": self._killed}
        self.ways_back = (
            WayBack("pg_dump and pg_restore", self._dump, self._restore, found_out=True),
            WayBack("a bare copy of the server's files", self._copy, self._replace, found_out=True),
        )
        self.server = PostgreSql()
        self.server.start()
        self.url = self.server.database()

    def settings(self) -> str:
        return f'ledger_url = "{self.url}"\nstate_url = "{self.url}"\n'

    @contextmanager
    def locked(self, _gateway: Gateway) -> Iterator[None]:
        """As VACUUM FULL would: nobody reads the events either."""
        with self.server.connect(self.url) as holder, holder.transaction():
            holder.execute("LOCK TABLE ledger.rows")
            yield

    @contextmanager
    def _stopped(self, _gateway: Gateway) -> Iterator[None]:
        self.server.stop()
        yield
        self.server.start()

    @contextmanager
    def _killed(self, _gateway: Gateway) -> Iterator[None]:
        self.server.kill()
        yield
        self.server.start()

    def cut(self) -> None:
        """End every process of the server with kill -9."""
        self.server.kill()

    def power_back(self) -> None:
        self.server.start()

    def close(self) -> None:
        self.server.remove()

    def _dump(self, _gateway: Gateway, copy: Path) -> None:
        self._run("pg_dump", "--schema=ledger", "--format=custom", "--file", str(copy))

    def _restore(self, _gateway: Gateway, copy: Path) -> None:
        with self.server.connect(self.url) as connection:
            connection.execute("DROP SCHEMA ledger CASCADE")
        self._run("pg_restore", "--exit-on-error", str(copy))
        self._ten_minutes_pass()

    def _run(self, name: str, *arguments: str) -> None:
        database = self.url.replace("+psycopg", "")
        subprocess.run([program(name), "--dbname", database, *arguments], check=True, capture_output=True)

    def _copy(self, _gateway: Gateway, copy: Path) -> None:
        self.server.stop()
        subprocess.run(["cp", "-a", self.server.data, copy], check=True)
        self.server.start()

    def _replace(self, _gateway: Gateway, copy: Path) -> None:
        self.server.stop()
        self.server.put_back(copy)
        self.server.start()
        self._ten_minutes_pass()

    def _ten_minutes_pass(self) -> None:
        """A ledger takes a new id of its own accord every ten minutes at most."""
        with self.server.connect(self.url) as connection:
            connection.execute("UPDATE ledger.ledgers SET since = since - %s", (NEW_ID_EVERY // _MICROSECOND,))
