"""The real parts every chapter of the tests uses: Mosquitto, InfluxDB, PostgreSQL, and the folder of real data."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.ports import free_port
from tests.postgresql import PostgreSql

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float = 10.0, what: str = "") -> T:
    """Wait until the condition is true and return its value; fail, saying what was awaited, after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for {what or condition}")
        time.sleep(0.01)
    return value


def listening(port: int) -> bool:
    """Whether somebody accepts connections on this port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """A broker process of our own on a free port. `directory` None: nothing survives it."""

    def __init__(self, directory: Path, extra: str = "") -> None:
        self.port = free_port()
        self.directory = directory
        self.extra = extra
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        config = self.directory / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            f"max_queued_messages 0\nlog_dest file {self.directory / 'mosquitto.log'}\n{self.extra}\n"
        )
        # as root Mosquitto steps down to its own user, which cannot write here
        user = ["user root"] if os.geteuid() == 0 else []
        config.write_text(config.read_text() + "\n".join(user) + "\n")
        said = self.directory / "mosquitto.err"  # before it opens its log: that it runs as root, or what it cannot read
        with said.open("ab") as errors:
            self.process = subprocess.Popen([_program("mosquitto"), "-c", str(config)], stdout=errors, stderr=errors)
        until(lambda: listening(self.port), what=f"Mosquitto to listen ({said} says why not)")

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with kill -9."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it from running, its sockets stay open."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run again."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again on the same port, with nothing of what it held."""
        self.kill()
        self.start()

    def _end(self, sign: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(10)


class Influx:
    """A real InfluxDB 1.x with directories of its own."""

    def __init__(self, directory: Path) -> None:
        self.port, self.directory = free_port(), directory
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        config = self.directory / "influxd.toml"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\ndir = "{self.directory}/meta"\n'
            f'[data]\ndir = "{self.directory}/data"\nwal-dir = "{self.directory}/wal"\nindex-version = "tsi1"\n'
            f'query-log-enabled = false\n[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n'
            "[monitor]\nstore-enabled = false\n"
        )
        log = (self.directory / "influxd.log").open("ab")
        self.process = subprocess.Popen([_program("influxd"), "-config", str(config)], stdout=log, stderr=log)
        until(self._answers, seconds=60, what="InfluxDB to answer")

    def stop(self) -> None:
        """End it with kill -9: tests are in a hurry, and it must survive that anyway."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def query(self, database: str, text: str) -> list[dict[str, object]]:
        """Run InfluxQL and return the rows of all series, tags included."""
        data = urllib.parse.urlencode({"db": database, "q": text}).encode()
        with urllib.request.urlopen(f"{self.url}/query", data=data, timeout=30) as answer:
            result = json.load(answer)["results"][0]
        if "error" in result:
            raise AssertionError(f"{result['error']} in {text}")
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1) as answer:
                return bool(answer.status == 204)
        except OSError:
            return False


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not found:
        pytest.fail(f"{name} is not installed: run `make test`, which says or installs what is needed")
    return found


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of this test's own."""
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = Mosquitto(directory)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One InfluxDB for the whole run; tests use databases (prefixes) of their own."""
    database = Influx(tmp_path_factory.mktemp("influx"))
    database.start()
    yield database
    database.stop()


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[Influx]:
    """An InfluxDB that this test may stop and start."""
    directory = tmp_path / "influx"
    directory.mkdir()
    database = Influx(directory)
    database.start()
    yield database
    database.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """One PostgreSQL for the whole run; tests make databases of their own, and none may stop it."""
    server = PostgreSql()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL that a chapter may stop and start."""
    server = PostgreSql()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real logs nobody here wrote, beside the project; it is never committed."""
    if not DATA.is_dir():
        pytest.skip("the folder of real data is not beside the project (../shared/data)")
    return DATA
