"""The receiving side of others: a sender that sends again whatever had no PUBACK, and the consumer that is measured."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import ROOT, Influx, until
from tests.losses import peers
from tests.losses.consumers import CLIENT_ID, TOPIC
from tests.losses.contestant import event
from tests.losses.sinks import locked

DATABASE = "events"


class Publisher:
    """paho with QoS 1 and a queue without limit."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="publisher", clean_session=False)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)

    def start(self) -> None:
        self._client.connect("127.0.0.1", self._port, keepalive=10)
        self._client.loop_start()
        until(self._client.is_connected, what="the publisher to connect")

    def send(self, number: int) -> bool:
        self._client.publish(TOPIC, event(number), qos=1)
        return True

    def close(self) -> None:
        self._client.loop_stop()


class Plain:
    """A consumer of tests/losses/consumers.py and its table."""

    def __init__(self, library: str, folder: Path, port: int) -> None:
        self._library, self._port = library, port
        self._sink, self._log = folder / "sink.sqlite", folder / "consumer.log"
        with closing(sqlite3.connect(self._sink)) as db, db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE event (n INTEGER)")
        self._process: subprocess.Popen[bytes] | None = None
        self._publisher = Publisher(port)
        self.send = self._publisher.send

    def start(self) -> None:
        self.restart()
        self._publisher.start()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)

    def restart(self) -> None:
        command = [sys.executable, "-m", "tests.losses.consumers", self._library, str(self._port), str(self._sink)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd=ROOT)

    def stored(self) -> "Counter[int]":
        with closing(sqlite3.connect(self._sink)) as db:
            return Counter(n for (n,) in db.execute("SELECT n FROM event"))

    @contextmanager
    def sink_away(self) -> Iterator[None]:
        with locked(self._sink):
            yield

    def close(self) -> None:
        self._publisher.close()
        self.kill()


class NodeRed:
    """mqtt in, json, influxdb out; what failed is tried again, as Node-RED's cookbook shows."""

    def __init__(self, folder: Path, port: int) -> None:
        self._program = peers.node_red()
        self._folder, self._log = folder, folder / "node-red.log"
        influx = folder / "influx"
        influx.mkdir()
        self._influx = Influx(influx)
        (folder / "flows.json").write_text(json.dumps(flows(port, self._influx.port)))
        (folder / "settings.js").write_text(SETTINGS)
        self._process: subprocess.Popen[bytes] | None = None
        self._publisher = Publisher(port)
        self.send = self._publisher.send

    def start(self) -> None:
        self._influx.start()
        self._influx.query("", f"CREATE DATABASE {DATABASE}")
        self.restart()
        self._publisher.start()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)

    def restart(self) -> None:
        node = shutil.which("node")
        assert node
        command = [
            node,
            str(self._program),
            "--userDir",
            str(self._folder),
            "--settings",
            str(self._folder / "settings.js"),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def stored(self) -> "Counter[int]":
        rows = self._influx.query(DATABASE, "SELECT n FROM event")
        return Counter(int(str(row["n"]).removesuffix(".0")) for row in rows)

    @contextmanager
    def sink_away(self) -> Iterator[None]:
        self._influx.stop()
        try:
            yield
        finally:
            self._influx.start()

    def close(self) -> None:
        self._publisher.close()
        self.kill()
        self._influx.stop()


SETTINGS = """module.exports = {
    flowFile: "flows.json", httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,
    telemetry: { enabled: false }, logging: { console: { level: "info" } },
}
"""


def flows(broker_port: int, influx_port: int) -> list[dict[str, object]]:
    """Return the flow: the session kept by the broker, QoS 1, JSON; a write that failed waits a second and is repeated."""
    tab = {"z": "tab", "x": 0, "y": 0}
    return [
        {"id": "tab", "type": "tab", "label": "events"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker_port), "clientid": CLIENT_ID,
         "autoConnect": True, "protocolVersion": "4", "keepalive": "10", "cleansession": False, "autoUnsubscribe": False},
        {"id": "influx", "type": "influxdb", "hostname": "127.0.0.1", "port": str(influx_port), "protocol": "http",
         "database": DATABASE, "influxdbVersion": "1.x", "usetls": False},
        {"id": "in", "type": "mqtt in", "topic": TOPIC, "qos": "1", "datatype": "json", "broker": "broker",
         "inputs": 0, "wires": [["out"]], **tab},
        {"id": "out", "type": "influxdb out", "influxdb": "influx", "measurement": "event", "wires": [], **tab},
        {"id": "catch", "type": "catch", "scope": ["out"], "uncaught": False, "wires": [["wait"]], **tab},
        {"id": "wait", "type": "delay", "pauseType": "delay", "timeout": "1", "timeoutUnits": "seconds",
         "drop": False, "outputs": 1, "wires": [["out"]], **tab},
    ]  # fmt: skip
