"""The shared server as its owner runs it: appender and projector as processes of their own, on real stores."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.settings import load
from gateway.ledger import Ledger, StoreError
from gateway.orders.projected import wait_projected
from gateway.settings import Gateway
from gateway.state import State
from tests.conftest import until

FIRMS = {"turning": "旋削の会社", "grinding": "研削の会社", "plating": "表面処理の会社", "inspection": "検査の会社"}


class Server:
    """Settings on disk and the processes that read them. The folder's name is short: a socket lives in it."""

    def __init__(self, broker_port: int, *, influx: str = "", stores: str = "") -> None:
        """`influx`: tables of the settings; `stores`: where ledger and state are, if not in the folder."""
        self.folder = Path(tempfile.mkdtemp(prefix="mw-"))
        self.settings_path = self.folder / "gateway.toml"
        firms = "".join(f'[[firms]]\nid = "{name}"\nname = "{called}"\n' for name, called in FIRMS.items())
        self.settings_path.write_text(
            f'data_dir = "{self.folder / "data"}"\nfirst_number = 4471\n{stores}[mqtt]\nport = {broker_port}\n{influx}\n{firms}'
        )
        (self.folder / "data").mkdir()
        self.settings = load(Gateway, self.settings_path)
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            for part in ("appender", "projector"):
                command = [sys.executable, "-m", f"gateway.{part}", "--settings", str(self.settings_path)]
                own = os.environ | {"PYTHONFAULTHANDLER": "1"}
                self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=own))
        until(self.settings.socket.exists, seconds=60, what="the gateway's socket")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # the log then says where every thread of it stands
                process.wait(10)
                raise
        self.processes = []

    def end(self) -> None:
        try:
            self.stop()
        finally:
            with contextlib.suppress(FileNotFoundError):  # never started
                print((self.folder / "log").read_text())  # shown if the test failed
            shutil.rmtree(self.folder)

    def caught_up(self) -> State:
        """The state, once it has taken in the whole ledger."""
        with contextlib.suppress(StoreError), Ledger.open(self.settings.ledger_url) as ledger:
            state = State.open(self.settings.state_url)
            assert wait_projected(state, ledger.last_position(), seconds=60)
            return state
        raise AssertionError("there is no ledger")

    def mawashi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command as its user does."""
        program = Path(sys.executable).with_name("mawashi")
        return subprocess.run(
            [program, *arguments, "--settings", self.settings_path],
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )


@contextlib.contextmanager
def running(broker_port: int, *, influx: str = "") -> Iterator[Server]:
    """A server that runs, and is gone afterwards."""
    server = Server(broker_port, influx=influx)
    try:
        server.start()
        yield server
    finally:
        server.end()
