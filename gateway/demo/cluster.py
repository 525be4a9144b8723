"""All processes of a demo: the broker, the gateway with its three, every firm's edge on its virtual serial ports."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from broker.clock import FastClock
from broker.settings import load
from gateway.demo import tally
from gateway.demo.fleet import GRANT, Fleet, Where
from gateway.demo.floor import Firm
from gateway.demo.place import Broker, Place
from gateway.demo.process import Process, children, peak_rss_mb, python
from gateway.demo.watch import ledger_exists
from gateway.demo.wires import Cable, Wire
from gateway.settings import Gateway

_START_SECONDS = 45.0
_STOP_SECONDS = 8.0
_PARTS = ("appender", "projector", "web")


class Failed(Exception):  # noqa: N818 - what is the case
    """The demo cannot go on; the message says why, with the last lines of whoever is to blame."""


@dataclass(slots=True)
class Edge:
    """One firm's edge, its serial ports by scanner, and the cable its network goes through, if that is to be pulled."""

    firm: Firm
    process: Process
    wires: dict[str, Wire]
    cable: Cable | None
    log: Path
    read_from: int = 0
    """Where in the log this start of the process begins."""
    ready: bool = False
    """Whether it has been seen to read every scanner since it was last started."""

    def is_reading(self) -> bool:
        """Say whether it has said that it reads every scanner. Before that a machinist would not scan."""
        if not self.ready:
            said = self._said()
            self.ready = all(f"scanner {name} is read" in said for name in self.wires)
        return self.ready

    def has_joined(self) -> bool:
        """Say whether the gateway has answered it for the first time."""
        return "joined a ledger" in self._said()

    def _said(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.read_from)
            return file.read().decode(errors="replace")


@dataclass(slots=True)
class Cluster:
    """Made in one go; `start` and `stop` belong to the main thread."""

    place: Place
    firms: Sequence[Firm]
    clock: FastClock
    web_port: int
    influx: str | None
    broker: Broker
    broker_process: Process | None
    pulled: str
    """The firm whose cable will be pulled."""
    gateway: Process = field(init=False)
    fleet: Fleet = field(init=False)
    edges: dict[str, Edge] = field(init=False, default_factory=dict)
    peaks: dict[str, float] = field(init=False, default_factory=dict)
    settings: Gateway = field(init=False)

    def __post_init__(self) -> None:
        environment = {"MAWASHI_DEMO_CLOCK": self.clock.setting()}
        path = self.place.write_gateway(self.firms, self.broker, web_port=self.web_port, influx=self.influx)
        self.settings = load(Gateway, path)
        command = [_beside("mawashi"), "gateway", "--settings", str(path)]
        self.fleet = Fleet(Where(self.place.path, self.broker))
        self.gateway = Process("gateway", command, log=self.place.log("gateway"), environment=environment)
        for firm in self.firms:
            wires = {bench.scanner: Wire() for bench in firm.benches}
            cable = Cable(self.broker.port) if firm.id == self.pulled else None
            through = replace(self.broker, port=cable.port) if cable else self.broker
            path = self.place.write_edge(
                firm, through, {name: wire.path for name, wire in wires.items()}, self.fleet.tables(firm.id)
            )
            log = self.place.log(firm.id)
            command = [_beside("mawashi-edge"), "run", "--settings", str(path)]
            process = Process(f"edge {firm.id}", command, log=log, environment=environment)
            self.edges[firm.id] = Edge(firm, process, wires, cable, log)

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self, stopping: Callable[[], bool]) -> None:
        """Start everything and wait until it is ready. Raises Failed; returns early if asked to stop."""
        if self.broker_process:
            self.broker_process.start()
        self.gateway.start()
        first: dict[str, Callable[[], bool]] = {
            "broker": partial(_listens, self.broker.port),
            "gateway": self._ledger_is_there,
        }
        self._wait(first, stopping)  # an edge that greets before asks again seconds later, and its first scans wait
        if stopping():
            return
        self.fleet.start()
        for edge in self.edges.values():
            edge.process.start()
        left: dict[str, Callable[[], bool]] = {
            "web": partial(_answers, self.web_port),
            **{f"edge {name}": edge.is_reading for name, edge in self.edges.items()},
            **{f"edge {name}, the gateway's answer": edge.has_joined for name, edge in self.edges.items()},
        }
        self._wait(left, stopping)

    def _wait(self, left: Mapping[str, Callable[[], bool]], stopping: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while left and not stopping():
            left = {name: ready for name, ready in left.items() if not ready()}
            self.check()
            if left and time.monotonic() > deadline:
                raise Failed(f"after {_START_SECONDS:.0f} s these are not ready: {', '.join(left)}\n{self._tails()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise Failed if something that should run has ended."""
        for process in self._processes():
            if process.started and process.ended is not None:
                raise Failed(f"{process.name} ended with status {process.ended}:\n{process.log_tail()}")

    def stop(self) -> None:
        """End everything: the edges first, then the gateway, then the broker; nothing is left behind."""
        self.note_peaks()
        for group in ([edge.process for edge in self.edges.values()], [self.gateway], [self.broker_process]):
            for process in group:
                if process:
                    process.ask_to_end()
            for process in group:
                if process:
                    process.wait(_STOP_SECONDS)
        self.fleet.stop()
        for edge in self.edges.values():
            if edge.cable:
                edge.cable.close()
            for wire in edge.wires.values():
                wire.close()

    def stop_edges(self) -> None:
        """End the edges alone, as a clean shutdown does."""
        self.note_peaks()
        for edge in self.edges.values():
            edge.process.ask_to_end()
        for edge in self.edges.values():
            edge.process.wait(_STOP_SECONDS)

    # -- faults --------------------------------------------------------------------------------------------------------

    @property
    def cable(self) -> Cable:
        """The cable that can be pulled."""
        cable = self.edges[self.pulled].cable
        assert cable, "made for this firm"
        return cable

    def kill_part(self, name: str) -> None:
        """Kill a process of the gateway with -9; its supervisor starts it again."""
        self.note_peaks()
        if pid := children(self.gateway.pid).get(name):
            os.kill(pid, signal.SIGKILL)

    def kill_broker(self) -> None:
        """Kill the embedded broker with -9 and start it anew: it remembers nothing."""
        self.note_peaks()
        if self.broker_process:
            self.broker_process.kill()
            self.broker_process.start()

    def kill_edge(self, firm: str) -> None:
        """Kill an edge with -9 and start it again."""
        self.note_peaks()
        edge = self.edges[firm]
        edge.ready = False
        edge.process.kill()
        edge.read_from = edge.log.stat().st_size
        edge.process.start()

    # -- what is seen of it --------------------------------------------------------------------------------------------

    def accepted(self) -> list[tally.Epoch]:
        """Return what every edge has accepted, by epoch, read from their outboxes."""
        return [epoch for firm in self.firms for epoch in tally.outbox(self.place.outbox(firm), firm.id, firm.edge)]

    def malformed(self) -> dict[str, int]:
        """Return how many lines of each machine nobody could read, as the edges said last."""
        return {name: lines for firm in self.firms for name, lines in self._status(firm).get("malformed", {}).items()}

    def heard(self, firm: str) -> dict[str, str]:
        """Return how each device of a firm's edge is heard, as it said last."""
        status = next(self._status(one) for one in self.firms if one.id == firm)
        return {name: device["state"] for name, device in status.get("devices", {}).items()}

    def _status(self, firm: Firm) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.place.outbox(firm).parent / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def note_peaks(self) -> None:
        """Note how much memory each process has taken at most, over all its lives."""
        pids: dict[str, int] = {"demo": os.getpid()}
        for process in self._processes():
            if process.ended is None:
                pids[process.name] = process.pid
                if process is self.gateway:
                    pids |= {name: pid for name, pid in children(process.pid).items() if name in _PARTS}
        for name, pid in pids.items():
            self.peaks[name] = max(self.peaks.get(name, 0.0), peak_rss_mb(pid))

    def _processes(self) -> list[Process]:
        own = [self.broker_process] if self.broker_process else []
        return [*own, self.gateway, *(edge.process for edge in self.edges.values())]

    def _ledger_is_there(self) -> bool:
        return self.settings.socket.exists() and ledger_exists(
            self.settings.ledger_url, self.settings.data_dir / "ledger.sqlite"
        )

    def _tails(self) -> str:
        return "\n".join(process.log_tail(4) for process in self._processes())


def embedded(place: Place, firms: Sequence[Firm], environment: Mapping[str, str]) -> tuple[Broker, Process]:
    """Return the demo's own broker, not started yet."""
    port = free_port()
    passwords = place.write_passwords(firms)
    command = python(
        "broker.embedded", "--port", str(port), "--password-file", str(place.path / "users"), "--grant", GRANT
    )
    return Broker(port, "3.1.1", passwords), Process(
        "broker", command, log=place.log("broker"), environment=environment
    )


def free_port(wanted: int = 0) -> int:
    """Return a port of this machine that nobody listens on: `wanted` if that is free. Raises Failed if it is not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            raise Failed(f"port {wanted} is taken: give another one with --port") from None
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _beside(name: str) -> str:
    """Return a command of ours: the one installed beside this Python, else one on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Failed(f"there is no {name} beside this command. Install it: pip install 'mawashi[edge,gateway]'")
    return found
