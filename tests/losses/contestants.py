"""Who is measured: each is given numbered events, has a consumer that can be killed, and a sink that can be locked."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from broker.clock import clock
from broker.settings import Mqtt
from edge.inbox import Down, Inbox, Up
from edge.outbox import Keeping, Outbox
from edge.settings import Edge
from edge.uplink import Uplink
from tests.appender.parts import Gate
from tests.conftest import ROOT, until
from tests.losses.consumers import TOPIC


class Contestant(Protocol):
    """One way from a sender to a table."""

    name: str
    sink: Path

    def start(self) -> None: ...
    def send(self, number: int) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def stored(self) -> "Counter[int]": ...
    def close(self) -> None: ...


class Plain:
    """A paho publisher that keeps what has no PUBACK and sends it again; a consumer with automatic acknowledgements."""

    def __init__(self, library: str, folder: Path, port: int) -> None:
        self.name, self._port = library, port
        self.sink = folder / "sink.sqlite"
        self._log = folder / "consumer.log"
        with closing(sqlite3.connect(self.sink)) as db, db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE event (n INTEGER)")
        self._publisher = paho.Client(CallbackAPIVersion.VERSION2, client_id="publisher", clean_session=False)
        self._publisher.max_queued_messages_set(0)
        self._publisher.reconnect_delay_set(1, 1)

    def start(self) -> None:
        self.restart()
        until(self._subscribed, what="the consumer to subscribe", seconds=90)
        self._publisher.connect("127.0.0.1", self._port, keepalive=10)
        self._publisher.loop_start()
        until(self._publisher.is_connected, what="the publisher to connect")

    def send(self, number: int) -> None:
        self._publisher.publish(TOPIC, str(number), qos=1)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def restart(self) -> None:
        command = [sys.executable, "-m", "tests.losses.consumers", self.name, str(self._port), str(self.sink)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd=ROOT)

    def stored(self) -> "Counter[int]":
        with closing(sqlite3.connect(self.sink)) as db:
            return Counter(n for (n,) in db.execute("SELECT n FROM event"))

    def close(self) -> None:
        self._publisher.loop_stop()
        self.kill()

    def _subscribed(self) -> bool:
        """Whether a test message, numbered 0, comes through."""
        probe = paho.Client(CallbackAPIVersion.VERSION2)
        probe.connect("127.0.0.1", self._port)
        probe.publish(TOPIC, "0", qos=1)
        probe.loop(0.2)
        probe.disconnect()
        with closing(sqlite3.connect(self.sink)) as db:
            return bool(db.execute("SELECT count(*) FROM event").fetchone()[0])


class Ours:
    """The edge's outbox and uplink in a thread of this process; the gateway's appender as a process of its own."""

    name = "mawashi"

    def __init__(self, folder: Path, port: int) -> None:
        self._gate = Gate(folder / "gateway", port)
        self.sink = folder / "gateway" / "ledger.sqlite"
        self._settings = Edge(firm="turning", edge="e1", data_dir=folder, mqtt=Mqtt(port=port, keepalive_seconds=10))
        self._scans: SimpleQueue[int] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self.restart()
        until(lambda: "connected to the broker" in self._gate.log(), what="the appender to connect", seconds=90)
        self._thread.start()

    def send(self, number: int) -> None:
        self._scans.put(number)

    def kill(self) -> None:
        self._gate.kill()

    def restart(self) -> None:
        self._gate.start(connected=False)

    def stored(self) -> "Counter[int]":
        return Counter(int(json.loads(body)["n"]) for body in self._gate.bodies("turning/e1"))

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self.kill()

    def _work(self) -> None:
        inbox: Inbox = SimpleQueue()
        outbox = Outbox(self._settings.outbox_path, self._settings.author, Keeping())
        uplink = Uplink(self._settings, outbox, clock=clock(), inbox=inbox, log=lambda *_, **__: None)
        uplink.start()
        while not self._stopping.is_set():
            try:
                match inbox.get(timeout=0.002):
                    case Up():
                        uplink.up()
                    case Down(reason):
                        uplink.down(reason)
                    case delivery if uplink.is_receipt(delivery):  # type: ignore[arg-type]
                        uplink.receive(delivery)  # type: ignore[arg-type]
            except Empty:
                pass
            while not self._scans.empty():
                uplink.accepted(outbox.accept([b'{"n":%d}' % self._scans.get()], at=clock().read().at))
            uplink.pump()
        uplink.stop()
        outbox.close()


def locked(path: Path, seconds: float) -> None:
    """Keep a SQLite file from being written for so long, as a backup or a full disk does."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        db.execute("ROLLBACK")


def contestants(folder: Path, port: int) -> dict[str, Contestant]:
    """Return everybody, by name; only the one that runs may be started."""
    made: dict[str, Contestant] = {}
    for name in ("paho", "aiomqtt", "mawashi"):
        place = folder / name
        place.mkdir()
        made[name] = Ours(place, port) if name == "mawashi" else Plain(name, place, port)
    return made
