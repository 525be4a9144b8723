"""An ESP32 beside a machine: publishes what the sketch in edge/drivers/mqtt/README.md does, to a real broker."""

import json
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

_BEAT_SECONDS = 5.0
"""It publishes so often when nothing is new; the sketch too."""


class Esp32:
    """A board called `name`. Cut off, its will says that it is gone; `stop()` is its plug pulled."""

    def __init__(self, port: int, name: str = "saw-2", *, login: tuple[str, str] | None = None) -> None:
        self.name = name
        self.count = 0
        self.state = "idle"
        self._said_at = 0.0
        self._port, self._login = port, login
        self._client: paho.Client | None = None

    def start(self) -> "Esp32":
        """Switched on: its count begins at 0, as it does in the sketch."""
        connected = threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"esp32-{self.name}", protocol=paho.MQTTv311)
        client.will_set(self._topic("online"), "false", qos=1, retain=True)
        if self._login:
            client.username_pw_set(*self._login)

        def on_connect(*_: object) -> None:  # also when the broker was away
            client.publish(self._topic("online"), "true", qos=1, retain=True)
            connected.set()

        client.on_connect = on_connect
        client.connect("127.0.0.1", self._port, keepalive=5)
        client.loop_start()
        assert connected.wait(10)
        self._client, self.count = client, 0
        self._publish()
        return self

    def stop(self) -> None:
        """Cut off without a word: the broker publishes its will."""
        if self._client:
            self._client.loop_stop()
            sock = self._client.socket()
            if sock:
                sock.close()
            self._client = None

    def run(self) -> None:
        """The machine runs."""
        self.state = "running"
        self._publish()

    def idle(self) -> None:
        """The machine stands still."""
        self.state = "idle"
        self._publish()

    def piece(self, pieces: int = 1) -> None:
        """So many pieces passed the sensor."""
        for _ in range(pieces):
            self.count += 1
            self._publish()

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`: published as the sketch does, at most once a second."""
        new = "running" if running else "idle", pieces
        if self._client and (new != (self.state, self.count) or time.monotonic() - self._said_at > _BEAT_SECONDS):
            self.state, self.count = new
            self._said_at = time.monotonic()
            self._client.publish(self._topic(), self._record(), qos=1, retain=True)

    def scan(self, text: str) -> None:
        """Its scanner read something."""
        self.raw(self._topic("scan"), text.encode())

    def raw(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything."""
        assert self._client
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def _publish(self) -> None:
        self.raw(self._topic(), self._record(), retain=True)

    def _record(self) -> bytes:
        return json.dumps({"count": self.count, "state": self.state}, separators=(",", ":")).encode()

    def _topic(self, *more: str) -> str:
        return "/".join(("machines", self.name, *more))
