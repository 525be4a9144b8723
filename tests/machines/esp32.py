"""An ESP32 beside a machine: publishes what the sketch in edge/drivers/mqtt/README.md does, to a real broker."""

import json
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


class Esp32:
    """A board called `name`. Cut off, its will says that it is gone; `stop()` is its plug pulled."""

    def __init__(self, port: int, name: str = "saw-2") -> None:
        self.name = name
        self.count = 0
        self.state = "idle"
        self._port = port
        self._client: paho.Client | None = None

    def start(self) -> "Esp32":
        """Switched on: its count begins at 0, as it does in the sketch."""
        connected = threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"esp32-{self.name}", protocol=paho.MQTTv311)
        client.will_set(self._topic("online"), "false", qos=1, retain=True)
        client.on_connect = lambda *_: connected.set()
        client.connect("127.0.0.1", self._port, keepalive=5)
        client.loop_start()
        assert connected.wait(10)
        self._client, self.count = client, 0
        self.raw(self._topic("online"), b"true", retain=True)
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

    def scan(self, text: str) -> None:
        """Its scanner read something."""
        self.raw(self._topic("scan"), text.encode())

    def raw(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything."""
        assert self._client
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def _publish(self) -> None:
        record = {"count": self.count, "state": self.state}
        self.raw(self._topic(), json.dumps(record, separators=(",", ":")).encode(), retain=True)

    def _topic(self, *more: str) -> str:
        return "/".join(("machines", self.name, *more))
