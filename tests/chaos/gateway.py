"""The shared server of the chaos floor: its parts as processes of their own, killed and started one by one."""

import os
import signal
import subprocess
import sys
import threading
from typing import IO

from broker.failpoints import VARIABLE
from tests.conftest import ROOT, until
from tests.orders.server import Server

_PARTS = ("appender", "projector")


class Gateway(Server):
    """The shared server, whose parts can be killed one by one and started with failpoints."""

    def __init__(self, port: int, influx_url: str, prefix: str, stores: str = "") -> None:
        tables = f'reconnect_seconds_max = 0.5\n[influx]\nurl = "{influx_url}"\ndatabase_prefix = "{prefix}"\n'
        super().__init__(port, influx=tables + "timeout_seconds = 1\n", stores=stores)
        self.parts: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start what does not run, and wait until it receives."""
        if missing := [name for name in _PARTS if name not in self.parts or self.parts[name].poll() is not None]:
            seen = self.log().count("connected to the broker")
            for name in missing:
                self.part(name)
            if "appender" in missing:
                until(lambda: self.log().count("connected to the broker") > seen, seconds=60, what="the gateway")

    def part(self, name: str, failpoints: str = "") -> subprocess.Popen[bytes]:
        """Start one part."""
        return self.run(name, "-m", f"gateway.{name}", failpoints=failpoints)

    def run(self, name: str, *program: str, failpoints: str = "") -> subprocess.Popen[bytes]:
        """Start this program as a part. Its log goes through a pipe, so that a limit on files is not one on words."""
        process = subprocess.Popen(
            [sys.executable, *program, "--settings", str(self.settings_path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, VARIABLE: failpoints},
        )
        threading.Thread(target=self._keep_log, args=(process.stderr,), daemon=True).start()
        self.parts[name] = process
        self.processes = list(self.parts.values())
        return process

    def _keep_log(self, said: IO[bytes]) -> None:
        with (self.folder / "log").open("ab", buffering=0) as log, said:
            for line in said:
                log.write(line)

    def kill(self, *names: str) -> None:
        """kill -9."""
        for name in names or _PARTS:
            if name in self.parts:
                self.parts[name].kill()
                self.parts[name].wait(10)

    def stop(self) -> None:
        for process in self.parts.values():
            process.send_signal(signal.SIGCONT)
        super().stop()
        self.parts = {}

    def dies(self, name: str) -> None:
        """Wait until a part has killed itself at its failpoint."""
        until(lambda: self.parts[name].poll() is not None, seconds=100, what=f"the {name} to die at its failpoint")

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""
