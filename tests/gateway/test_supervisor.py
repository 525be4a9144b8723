"""`mawashi gateway`: starts its parts, starts again what dies, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gateway.api import Api, GatewayAway
from gateway.supervisor import PARTS
from tests.appender.parts import Gate
from tests.conftest import ROOT, Mosquitto, until
from tests.ports import free_port
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.slow

SUPERVISE = """
import sys
from pathlib import Path
from gateway import log, supervisor
log.setup("gateway")
sys.exit(supervisor.run(Path(sys.argv[1]), parts=sys.argv[2:]))
"""


class Running:
    """A supervisor with only the appender below it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.gate = Gate(folder, port)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, str(self.gate.path), "appender"], stderr=log, cwd=ROOT
            )

    def part(self) -> psutil.Process:
        """The appender, once it answers."""
        until(self._answers, what="the appender to answer")
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def _answers(self) -> bool:
        try:
            Api.connect(self.gate.settings.socket)
        except GatewayAway:
            return False
        return any(not gone(child) for child in psutil.Process(self.process.pid).children())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "g", port=9)
    yield running
    running.process.kill()
    running.process.wait(10)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_part_that_dies_is_started_again_and_sigterm_ends_all(running: Running) -> None:
    first = running.part()
    first.kill()
    until(lambda: not first.is_running(), what="the supervisor to notice")
    second = running.part()
    assert second.pid != first.pid
    assert "a part ended and is started again part=appender status=-9" in running.log.read_text()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(15) == 0
    assert gone(second)
    assert "stopped" in running.log.read_text(), "the appender ended by itself"


def test_the_parts_end_when_the_supervisor_is_killed(running: Running) -> None:
    part = running.part()
    running.process.kill()
    until(lambda: gone(part), what="the appender to end")


def test_settings_that_a_part_cannot_use_end_everything_with_status_2(running: Running) -> None:
    part = running.part()
    running.gate.path.write_text("data_dri = 1\n")
    part.kill()
    assert running.process.wait(15) == 2
    assert "data_dri: そういう設定はありません" in running.log.read_text()


def test_the_whole_gateway_serves_its_page_and_ends_with_ctrl_c(tmp_path: Path, mosquitto: Mosquitto) -> None:
    web = free_port()
    settings = tmp_path / "gateway.toml"
    settings.write_text(f'data_dir = "{tmp_path / "d"}"\n[mqtt]\nport = {mosquitto.port}\n[web]\nport = {web}\n')
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from gateway.cli import main; main()", "gateway", "--settings", str(settings)],
            stdout=subprocess.PIPE, stderr=log, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        assert process.stdout
        assert process.stdout.readline().decode() == f"http://127.0.0.1:{web}/  （この端末だけ / this machine only）\n"

        with urllib.request.urlopen(f"http://127.0.0.1:{web}/", timeout=5) as answer:
            assert answer.status == 200, "what is said to be there, answers"
        Api.connect(tmp_path / "d" / "gateway.sock")
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait(10)


def test_without_postgresql_each_part_says_so_once_waits_and_begins_when_it_is_there(
    tmp_path: Path, own_postgresql: PostgreSql
) -> None:
    url = own_postgresql.database()
    own_postgresql.kill()
    settings, path = tmp_path / "gateway.toml", tmp_path / "log"
    settings.write_text(
        f'data_dir = "{tmp_path}"\nledger_url = "{url}"\nstate_url = "{url}"\n'
        f"[mqtt]\nport = 9\n[web]\nport = {free_port()}\n"
    )
    with path.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", SUPERVISE, str(settings), *PARTS], stderr=log, cwd=ROOT)

    def said(what: str) -> list[str]:
        return [line for line in path.read_text().splitlines() if what in line]

    try:
        away = f"PostgreSQL at 127.0.0.1:{own_postgresql.port}, database {url.rpartition('/')[2]}, schema"
        until(lambda: len(said(away)) == len(PARTS), seconds=30, what="each part to say so")
        assert len(said("does not answer: Connection refused. Start it, or mend the address in")) == len(PARTS)
        own_postgresql.start()
        for begun in ("appender: appending", "projector: the database lets us in", "web: following the orders"):
            until(lambda begun=begun: said(begun), seconds=30, what=begun)
        assert said("a part ended") == said("Traceback") == []
    finally:
        process.terminate()
        process.wait(20)
