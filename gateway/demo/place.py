"""Where a demo keeps its files, and the settings it writes there for the broker, the gateway and every edge."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from gateway.demo.floor import Firm

PREFIX = "mawashi-demo-"
DATABASE_PREFIX = "mawashi_demo_"
TIME_ZONE = "Asia/Tokyo"
SHIFTS = ("08:00-16:00", "16:00-00:00", "00:00-08:00")
FEEDBACK = "honeywell"
"""The kind of scanner that is played: it is told to sound by one command of two bytes for each answer."""
_OWNER = "demo.lock"


class Taken(Exception):  # noqa: N818 - what is the case
    """The directory is no place for a demo; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. `passwords` by user; empty: it asks for none."""

    port: int
    version: str
    passwords: dict[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of this demo alone, deleted when it ends. The lock is free as soon as the demo's process is gone."""

    path: Path
    lock: IO[str]

    @classmethod
    def make(cls, wanted: Path | None) -> Self:
        """Make the directory, or one under /tmp; first clear away what demos that were killed have left.

        Raises Taken if `wanted` holds something that no demo put there, or a demo that still runs.
        """
        if wanted is None:
            for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
                if os.access(old, os.W_OK) and not _alive(old):
                    shutil.rmtree(old, ignore_errors=True)
            path = Path(tempfile.mkdtemp(prefix=PREFIX))
        else:
            path = wanted.absolute()
            if path.exists():
                _clear(path)
            path.mkdir(parents=True, mode=0o700)
        lock = (path / _OWNER).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(path, lock)

    def remove(self) -> None:
        """Delete it all."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()

    @property
    def gateway(self) -> Path:
        """The gateway's data."""
        return self.path / "gateway"

    def log(self, name: str) -> Path:
        """Where a process logs."""
        return self.path / f"{name}.log"

    def outbox(self, firm: Firm) -> Path:
        """The outbox of a firm's edge."""
        return self.path / firm.id / "outbox.sqlite"

    def write_passwords(self, firms: Sequence[Firm]) -> dict[str, str]:
        """Mint a password for every user of the embedded broker; leave them where the broker and its users look."""
        passwords = {user: secrets.token_urlsafe(18) for user in ["gateway", *(firm.id for firm in firms)]}
        lines = "".join(f"{user}:{password}\n" for user, password in passwords.items())
        (self.path / "users").write_text(lines)
        for user, password in passwords.items():
            (self.path / f"{user}.password").write_text(password)
        return passwords

    def write_gateway(self, firms: Sequence[Firm], broker: Broker, *, web_port: int, influx: str | None) -> Path:
        """Write the gateway's settings."""
        self.gateway.mkdir()
        tables = [
            table(data_dir=str(self.gateway), time_zone=TIME_ZONE),
            self._mqtt("gateway", broker),
            table("[web]", port=web_port),
            *([table("[influx]", url=influx, database_prefix=DATABASE_PREFIX)] if influx else []),
            *(
                table("[[firms]]", id=firm.id, name=firm.name, name_en=firm.name_en, machine_figures=True)
                for firm in firms
            ),
        ]
        return self._write("gateway.toml", tables)

    def write_edge(self, firm: Firm, broker: Broker, ports: dict[str, str], machines: Sequence[str] = ()) -> Path:
        """Write the settings of a firm's edge; `ports` are its scanners' serial ports, `machines` tables of TOML."""
        data_dir = str(self.path / firm.id)
        tables = [
            table(firm=firm.id, edge=firm.edge, data_dir=data_dir, time_zone=TIME_ZONE, shifts=SHIFTS, panel="off"),
            self._mqtt(firm.id, broker),
            *(
                table(
                    "[[scanner]]",
                    id=bench.scanner,
                    port=ports[bench.scanner],
                    stations=bench.stations,
                    feedback=FEEDBACK,
                )
                for bench in firm.benches
            ),
            *machines,
        ]
        return self._write(f"{firm.id}.toml", tables)

    def _mqtt(self, user: str, broker: Broker) -> str:
        login = {"username": user, "password_file": str(self.path / f"{user}.password")} if broker.passwords else {}
        return table("[mqtt]", port=broker.port, version=broker.version, reconnect_seconds_max=1.0, **login)

    def _write(self, name: str, tables: Sequence[str]) -> Path:
        path = self.path / name
        path.write_text("\n".join(tables) + "\n", encoding="utf-8")
        return path


def table(head: str = "", **values: object) -> str:
    """Return a table of TOML, which writes strings, numbers and lists as JSON does."""
    return "\n".join([head, *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())])


def _clear(path: Path) -> None:
    """Delete what an earlier demo left; an empty directory will do as well. Raises Taken."""
    if not path.is_dir():
        raise Taken(f"{path} is no directory: give another one")
    if any(path.iterdir()):
        if not (path / _OWNER).exists():
            raise Taken(f"{path} holds something that is no demo's: give an empty directory, or none")
        if _alive(path):
            raise Taken(f"a demo runs in {path}: stop it first, or give another directory")
    shutil.rmtree(path)


def _alive(path: Path) -> bool:
    """Say whether the demo that made this directory still runs. One that is just being made counts as running."""
    with contextlib.suppress(FileNotFoundError), (path / _OWNER).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
    return path.exists() and not any(path.iterdir())
