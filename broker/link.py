"""One MQTT connection that is kept up: the only module that imports paho, and one thread of its own touches it.

Everything another thread wants (publish, acknowledge, pause) is queued to that thread, and each connection has its
own paho client. So an acknowledgement can never reach a later connection, where its packet id names another message.
What a message means is decided elsewhere.
"""

import contextlib
import random
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from broker.failpoints import Point, hit
from broker.settings import Mqtt

QOS = 1
"""The only one used: QoS 2 in paho acknowledges before the callback and loses on a crash (measured)."""

_RECONNECT_SECONDS_FIRST = 0.5
_SESSION_EXPIRY_SECONDS = 0xFFFFFFFF
"""MQTT 5, 3.1.2.11.2: the session does not expire."""
_IDLE_SECONDS = 0.5
_CONNECT_SECONDS = 10.0
_BRIEF_SECONDS, _BRIEF_TIMES = 10.0, 3
"""A connection that ends so soon so often in a row: likely somebody else has our name, and we push each other out.
Mosquitto 2.0.11 closes the older one without a word (seen on the wire)."""
_PACKETS_A_TURN = 100
"""Packets read before other threads' wishes are served again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message received. `connection` and `mid` are for `Link.acknowledge` alone."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    connection: int


@dataclass(frozen=True, slots=True)
class Will:
    """The last will: retained, sent by the broker when the connection is lost."""

    topic: str
    payload: bytes


class Listener(Protocol):
    """Who hears of the connection. Every method runs in the network thread and must return at once."""

    def on_up(self, *, session_present: bool) -> None:
        """Connected and subscribed. Nothing published before is still on its way."""

    def on_down(self, reason: str) -> None:
        """Say that the connection ended or could not be made; one sentence for the log."""

    def on_message(self, delivery: Delivery) -> None:
        """Take one message."""


class Link:
    """Connects, reconnects with back-off and jitter, and carries messages both ways.

    `manual_ack`: a message stays unacknowledged until `acknowledge`, and the broker keeps the session
    (`keep_session`) while we are away. `window` is how many unacknowledged messages we ask the broker to send (MQTT 5).
    """

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        *,
        listener: Listener,
        subscriptions: Sequence[str] = (),
        will: Will | None = None,
        keep_session: bool = False,
        manual_ack: bool = False,
        window: int | None = None,
    ) -> None:
        self._settings, self._client_id, self._listener = settings, client_id, listener
        self._subscriptions, self._will = tuple(subscriptions), will
        self._keep_session, self._manual_ack, self._window = keep_session, manual_ack, window
        self._wishes: deque[Callable[[], None]] = deque()
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._client: paho.Client | None = None
        self._connection = 0
        self._let_in = self._up = False
        self._up_at, self._brief = 0.0, 0
        self._reading = True
        self._stopping = threading.Event()
        self._awaiting: dict[int, Callable[[], None]] = {}
        self._thread = threading.Thread(target=self._run, name=f"mqtt {client_id}", daemon=True)

    # -- for any thread ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin connecting; returns at once. `on_up` or `on_down` follows."""
        self._thread.start()

    def stop(self, last: tuple[str, bytes] | None = None, timeout_seconds: float = 5.0) -> None:
        """Publish `last` (retained) if connected, disconnect cleanly, and wait for the thread to end."""
        if last:
            self.publish(*last, retain=True)
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and the subscriptions are made."""
        return self._up

    @property
    def connection(self) -> int:
        """Which connection this is, counted from 1; 0 before the first."""
        return self._connection

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        """Send one message on the present connection, or drop it if that has ended. `done` runs at its PUBACK.

        A PUBACK says that the broker has it in memory, no more.
        """
        connection = self._connection
        self._ask(lambda: self._publish(connection, topic, payload, retain=retain, done=done))

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge in this order; those of an earlier connection are dropped, the broker sends them again."""
        self._ask(lambda: self._acknowledge(deliveries))

    def pause(self) -> None:
        """Stop reading the socket, so that the broker keeps what we cannot take. Lasts at most a keep-alive."""
        self._reading = False

    def resume(self) -> None:
        """Read again."""
        self._reading = True
        self._wake()

    # -- in the network thread -----------------------------------------------------------------------------------------

    def _ask(self, wish: Callable[[], None]) -> None:
        self._wishes.append(wish)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake anyway; closed: nobody is asleep
            self._wake_w.send(b"\0")

    def _publish(
        self, connection: int, topic: str, payload: bytes, *, retain: bool, done: Callable[[], None] | None
    ) -> None:
        if not self._client or not self._let_in or connection != self._connection:
            return
        info = self._client.publish(topic, payload, qos=QOS, retain=retain)
        hit(Point.LINK_PUBLISHED)
        if done and info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._awaiting[info.mid] = done

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if self._client and delivery.mid and delivery.connection == self._connection:  # QoS 0 has no id
                hit(Point.LINK_ACKNOWLEDGING)
                self._client.ack(delivery.mid, QOS)
                hit(Point.LINK_ACKNOWLEDGED)

    def _run(self) -> None:
        wait = _RECONNECT_SECONDS_FIRST
        while not self._stopping.is_set():
            was_up = self._one_connection()
            if self._stopping.is_set():
                break
            settled = was_up and self._brief < _BRIEF_TIMES  # two of one name would push each other off for ever
            wait = _RECONNECT_SECONDS_FIRST if settled else min(wait * 2, self._settings.reconnect_seconds_max)
            self._stopping.wait(min(wait, self._settings.reconnect_seconds_max) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        self._wake_r.close()
        self._wake_w.close()

    def _one_connection(self) -> bool:
        """Connect, carry messages until the connection ends, and return whether it ever was up."""
        self._connection += 1
        self._wishes.clear()
        self._awaiting.clear()
        was_up = False
        lost = _Lost()
        try:
            client = self._new_client(lost)
            client.connect(self._settings.host, self._settings.port, **self._connect_options())
        except (OSError, ValueError, paho.WebsocketConnectionError) as error:
            self._listener.on_down(self._cannot_connect(error))
            return False
        self._client = client
        try:
            while client.socket() is not None and not (self._stopping.is_set() and not self._wishes):
                self._turn(client)
                was_up = was_up or self._up
            if self._stopping.is_set():
                self._farewell(client)
        except Exception as error:  # noqa: BLE001 - whatever a packet does to the library, the next connection is made
            lost.reason = f"the connection to {self._where()} failed: {type(error).__name__}: {error}"
        finally:
            self._client = None
            self._let_in = self._up = False
        reason = lost.reason or f"the connection to {self._where()} was closed"
        if was_up:
            self._brief = self._brief + 1 if time.monotonic() - self._up_at < _BRIEF_SECONDS else 0
        if self._brief >= _BRIEF_TIMES:
            reason += (
                f", {self._brief} times now soon after it was made: does another program connect as {self._client_id}?"
            )
        self._listener.on_down(reason)
        return was_up

    def _turn(self, client: paho.Client) -> None:
        """Wait for the socket or for a wish, then serve both."""
        sock = client.socket()
        reading = self._reading or not self._up  # a pause never keeps us from being let in
        readers = [self._wake_r, *([sock] if sock and reading else [])]
        pending = isinstance(sock, ssl.SSLSocket) and reading and sock.pending() > 0
        readable, writable, _ = select.select(
            readers, [sock] if sock and client.want_write() else [], [], 0 if pending else _IDLE_SECONDS
        )
        if self._wake_r in readable:
            with contextlib.suppress(BlockingIOError):
                self._wake_r.recv(4096)
        for _ in range(len(self._wishes)):
            self._wishes.popleft()()
        if sock in readable or pending:
            for _ in range(_PACKETS_A_TURN):
                client.loop_read()
                sock = client.socket()
                if sock is None or not self._reading or not _more(sock):
                    break
        if sock in writable:
            client.loop_write()
        client.loop_misc()

    def _farewell(self, client: paho.Client) -> None:
        deadline = time.monotonic() + 1.0
        while (client.want_write() or self._awaiting) and client.socket() and time.monotonic() < deadline:
            self._turn(client)
        client.disconnect()

    def _new_client(self, lost: "_Lost") -> paho.Client:
        v5 = self._settings.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if v5 else not self._keep_session,
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
            manual_ack=self._manual_ack,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.max_inflight_messages_set(0xFFFF)
        if self._settings.username:
            client.username_pw_set(self._settings.username, self._settings.password())
        if tls := self._settings.tls:
            client.tls_set(
                str(tls.ca_file),
                certfile=str(tls.cert_file) if tls.cert_file else None,
                keyfile=str(tls.key_file) if tls.key_file else None,
            )
        if self._will:
            client.will_set(self._will.topic, self._will.payload, qos=QOS, retain=True)
        connection = self._connection

        def on_connect(_c: paho.Client, _u: object, flags: paho.ConnectFlags, code: ReasonCode, _p: object) -> None:
            if code.is_failure:
                lost.reason = f"the broker at {self._where()} refused us: {code}"
                return
            self._let_in = True  # what a kept session brings comes before our SUBACK, and may be answered
            lost.session_present = flags.session_present
            if self._subscriptions:
                client.subscribe([(topic, QOS) for topic in self._subscriptions])
            else:
                self._now_up(lost)

        def on_subscribe(_c: paho.Client, _u: object, _m: int, codes: list[ReasonCode], _p: object) -> None:
            if refused := [str(code) for code in codes if code.is_failure]:
                lost.reason = f"the broker at {self._where()} refused our subscription: {refused[0]}"
                client.disconnect()
            else:
                self._now_up(lost)

        def on_message(_c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
            self._listener.on_message(
                Delivery(message.topic, bytes(message.payload), message.retain, message.mid, connection)
            )

        def on_publish(_c: paho.Client, _u: object, mid: int, *_: object) -> None:
            hit(Point.LINK_CONFIRMED)
            if done := self._awaiting.pop(mid, None):
                done()

        def on_disconnect(_c: paho.Client, _u: object, _f: object, code: ReasonCode, _p: object) -> None:
            lost.reason = lost.reason or f"the connection to {self._where()} ended: {code}"

        client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
        client.on_publish, client.on_disconnect = on_publish, on_disconnect
        return client

    def _now_up(self, lost: "_Lost") -> None:
        self._up, self._up_at = True, time.monotonic()
        self._listener.on_up(session_present=lost.session_present)

    def _connect_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"keepalive": self._settings.keepalive_seconds}
        if self._settings.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            if self._keep_session:
                properties.SessionExpiryInterval = _SESSION_EXPIRY_SECONDS
            if self._window:
                properties.ReceiveMaximum = self._window
            options |= {"clean_start": not self._keep_session, "properties": properties}
        return options

    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _cannot_connect(self, error: Exception) -> str:
        return f"the broker at {self._where()} cannot be reached: {error}"


def packets_of_at_most(size_bytes: int) -> Properties:
    """Return what tells an MQTT 5 broker, at connection, to send nothing larger."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = size_bytes
    return properties


@dataclass(slots=True)
class _Lost:
    """What one connection learns about its own end."""

    reason: str = ""
    session_present: bool = False


def _more(sock: Any) -> bool:
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return bool(select.select([sock], [], [], 0)[0])
