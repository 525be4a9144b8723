"""A real PostgreSQL for tests: a cluster of its own in a temporary directory, run by a user who is not root.

Debian's own cluster is neither needed nor touched.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.ports import free_port

_COLLATION = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=ja-JP")
"""A shop's server sorts as people do; nothing of ours may depend on it."""


class PostgreSql:
    """A server process on a free port and a Unix socket, both without a password."""

    def __init__(self, *, files: Path | None = None) -> None:
        """A new server without databases; with `files`, on a copy of another one's."""
        self.directory = Path(tempfile.mkdtemp(prefix="mawashi-pg-", dir=_roomy()))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to be run by root
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        if files:
            self._take(files)
        else:
            command = [program("initdb"), "-D", self.data, "-U", "mawashi", "-A", "trust", "--no-sync", *_COLLATION]
            subprocess.run(command, check=True, capture_output=True, cwd=self.directory, **self._as)

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.directory / "data"

    def start(self, *settings: str) -> None:
        """Start, unless it runs, and wait until it answers; each setting is `name=value`."""
        if self.process and self.process.poll() is None:
            return
        log = (self.directory / "log").open("ab")
        given = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.directory}")
        command = [program("postgres"), "-D", str(self.data)]
        for setting in (*given, "max_connections=60", *settings):
            command += ["-c", setting]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, **self._as)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as its own administrator would who cannot wait: every connection is cut, nothing is lost."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End every process of it with kill -9."""
        if self.process and self.process.poll() is None:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            self.process.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):  # it saw its postmaster die
                    os.kill(int(child), signal.SIGKILL)
        self._end(signal.SIGKILL)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def put_back(self, files: Path) -> None:
        """Put a copy of these in the place of its own files; it does not run."""
        shutil.rmtree(self.data)
        self._take(files)

    def _take(self, files: Path) -> None:
        subprocess.run(["cp", "-a", files, self.data], check=True)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """End it and delete all it holds."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def database(self) -> str:
        """Make a new database and return its address."""
        name = f"t{next(self._numbers)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str) -> str:
        """The address of a database, as settings have it."""
        return f"postgresql+psycopg://mawashi@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> "psycopg.Connection[Any]":
        """A connection of the test's own, each statement a transaction. `database` may be an address."""
        name = database.rpartition("/")[2]
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=mawashi dbname={name}", autocommit=True)

    def _answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, sign: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(20)


def _roomy() -> str | None:
    """In memory, where there is room: what a test keeps need not outlive the machine."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


def program(name: str) -> str:
    """The newest PostgreSQL's program of this name, which need not be in the PATH. Fails the test if there is none."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if not found:
        pytest.fail(f"{name} is not installed: run `make test`, which says or installs what is needed")
    return found
