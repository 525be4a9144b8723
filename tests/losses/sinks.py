"""The ends of the ways: a table, an InfluxDB, a subscriber that writes down what it hears; and how they go away."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import until
from tests.losses.consumers import TOPIC
from tests.losses.contestant import number_of


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a SQLite file from being written, as a backup or a full disk does."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


class Recorder:
    """A subscriber that nothing happens to: what it heard is what came through."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._heard: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="recorder", clean_session=False)
        self._client.on_message = self._hear
        self._client.on_subscribe = lambda *_: self._ready.set()

    def start(self) -> None:
        self._client.connect("127.0.0.1", self._port, keepalive=600)
        self._client.loop_start()
        self._client.subscribe(TOPIC, qos=1)
        until(self._ready.is_set, what="the recorder to subscribe")

    def stored(self) -> "Counter[int]":
        with self._lock:
            return self._heard.copy()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            self._heard[number_of(message.payload)] += 1
