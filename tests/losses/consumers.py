"""What people write today: an MQTT consumer that stores each message, as its library's documentation shows.

`python -m tests.losses.consumers paho|aiomqtt PORT FILE`: QoS 1, a session the broker keeps, a fixed client id,
reconnection, automatic acknowledgements; one durable SQLite commit a message; a failed one is logged.
"""

import asyncio
import json
import sqlite3
import sys

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

TOPIC = "events"
CLIENT_ID = "consumer"
SINK_SECONDS = 0.2
"""How long an insert waits for a locked file before it fails; one that waits for ever stops the network loop."""


class Sink:
    """One row a message, on the disk when `store` returns."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=SINK_SECONDS, check_same_thread=False)
        self._db.execute("PRAGMA synchronous=FULL")

    def store(self, payload: bytes | bytearray) -> None:
        try:
            self._db.execute("INSERT INTO event VALUES (?)", (json.loads(payload)["n"],))
        except sqlite3.OperationalError as error:
            print(f"not stored: {error}", file=sys.stderr)


def with_paho(port: int, sink: Sink) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=CLIENT_ID, clean_session=False)
    client.reconnect_delay_set(1, 2)
    client.on_connect = lambda it, *_: it.subscribe(TOPIC, qos=1)
    client.on_message = lambda _c, _u, message: sink.store(message.payload)
    client.connect("127.0.0.1", port, keepalive=10)
    client.loop_forever(retry_first_connection=True)


async def with_aiomqtt(port: int, sink: Sink) -> None:
    client = aiomqtt.Client("127.0.0.1", port, identifier=CLIENT_ID, clean_session=False, keepalive=10)
    while True:
        try:
            async with client:
                await client.subscribe(TOPIC, qos=1)
                async for message in client.messages:
                    sink.store(message.payload if isinstance(message.payload, bytes) else b"")
        except aiomqtt.MqttError:
            await asyncio.sleep(1)


if __name__ == "__main__":
    _, library, port_number, file = sys.argv
    if library == "paho":
        with_paho(int(port_number), Sink(file))
    else:
        asyncio.run(with_aiomqtt(int(port_number), Sink(file)))
