"""The demo's broker as a process of its own: amqtt on the loopback, no anonymous users, everything in memory.

Never for production: it forgets all when it ends. `broker/mosquitto/` holds the configuration for real use.

amqtt 0.12 forgets an unacknowledged message after 5 s and when its receiver disconnects (Yakifo/amqtt issue 401), sends
everybody's retained messages to whoever reconnects, and drops what it is sending while somebody subscribes. The two
classes here replace those parts; `tests/broker/test_embedded.py` says what must hold.
"""

import argparse
import asyncio
import contextlib
import hmac
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.errors import AMQTTError, BrokerError
from amqtt.mqtt.constants import QOS_0, QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.session import OutgoingApplicationMessage, Session

from broker.topics import GATEWAY, access_list

HOST = "127.0.0.1"

_log = structlog.get_logger("broker.embedded")


class Grants:
    """Who may read and write what: the very access list that Mosquitto is given, and `more` lines of its kind."""

    def __init__(self, more: Sequence[str] = ()) -> None:
        self._gateway: list[tuple[str, str]] = []
        self._firm: list[tuple[str, str]] = []
        for line in [*access_list().splitlines(), *more]:
            word, _, rest = line.partition(" ")
            if word in {"topic", "pattern"}:
                access, _, topic_filter = rest.partition(" ")
                (self._gateway if word == "topic" else self._firm).append((access, topic_filter))

    def allow(self, user: str, topic: str, access: str) -> bool:
        """Say whether `user` may `read` or `write` this topic."""
        lines = self._gateway if user == GATEWAY else [(way, line.replace("%u", user)) for way, line in self._firm]
        return any(way in (access, "readwrite") and matches(topic, line) for way, line in lines)


def matches(topic: str, topic_filter: str) -> bool:
    """Say whether a topic name matches a filter (MQTT 3.1.1, 4.7)."""
    names, levels = topic.split("/"), topic_filter.split("/")
    for index, level in enumerate(levels):
        if level == "#":
            return not (index == 0 and topic.startswith("$"))
        if index >= len(names) or level not in ("+", names[index]):
            return False
    return len(names) == len(levels)


class Handler(BrokerProtocolHandler):
    """One client's connection. What it has not acknowledged stays in its session until it has."""

    def __init__(self, broker: "Embedded") -> None:
        super().__init__(broker.plugins_manager)
        self._broker = broker
        self._online = False
        self._unsent: asyncio.Queue[PublishPacket] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin reading and sending; what the session still owes goes first."""
        assert self.session is not None
        if not self.session.transitions.is_connected():  # the connection that this one took over has just ended
            self.session.transitions.connect()
        self._sender = asyncio.create_task(self._send())
        await super().start()

    async def stop(self) -> None:
        """Stop sending; the session keeps what is not acknowledged."""
        self._online = False
        if self._sender:
            self._sender.cancel()
        await super().stop()

    def deliver(self, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Send a message now, or keep it for a session that is away and wants to be kept."""
        session = self.session
        if session is None or (not self._online and (session.clean_session or qos == QOS_0)):
            return
        try:
            packet_id = session.next_packet_id if qos else None
        except AMQTTError:
            _log.error("a session is full and lost a message: restart the demo", client=session.client_id, topic=topic)
            return
        message = OutgoingApplicationMessage(packet_id, topic, qos, data, retain)
        if packet_id is not None:
            session.inflight_out[packet_id] = message
        if self._online:
            self._unsent.put_nowait(message.build_publish_packet())

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Forget what its receiver has acknowledged."""
        if self.session:
            self.session.inflight_out.pop(puback.packet_id, None)

    async def handle_publish(self, publish_packet: PublishPacket) -> None:
        """Hand a message to everyone who asked for it, then acknowledge it."""
        header = publish_packet.variable_header
        if self.session is None or header is None or publish_packet.qos not in (QOS_0, QOS_1):
            await self.handle_connection_closed()  # QoS 2 is no part of our contract
            return
        self._broker.publish(self.session, publish_packet)
        if header.packet_id is not None:
            await self._send_packet(PubackPacket.build(header.packet_id))

    async def _retry_deliveries(self) -> None:
        """Send again what an earlier connection did not acknowledge [MQTT-4.4.0-1]."""
        assert self.session is not None
        for message in self.session.inflight_out.values():
            self._unsent.put_nowait(message.build_publish_packet(dup=True))
        self._online = True

    async def _send(self) -> None:
        while True:
            await self._send_packet(await self._unsent.get())


class Embedded(Broker):
    """The broker. `passwords` maps users (a firm's id, or `gateway`) to theirs."""

    def __init__(self, port: int, passwords: dict[str, str], grants: Sequence[str] = ()) -> None:
        listener = ListenerConfig(bind=f"{HOST}:{port}")
        super().__init__(BrokerConfig(listeners={"default": listener}, plugins={}))
        self._passwords = passwords
        self._grants = Grants(grants)

    def publish(self, session: Session, packet: PublishPacket) -> None:
        """Give one message to its subscribers, if its sender may write there; the same rules as Mosquitto's."""
        topic = packet.topic_name or ""
        if not topic or "+" in topic or "#" in topic or not self._grants.allow(session.username or "", topic, "write"):
            _log.warning("a message was refused", user=session.username, topic=topic)
            return
        data, qos = bytes(packet.data or b""), packet.qos or QOS_0
        if packet.retain_flag:
            self._retain(topic, data, qos)
        self._dispatch(topic, data, qos)

    def _dispatch(self, topic: str, data: bytes, qos: int) -> None:
        for topic_filter, subscribers in self._subscriptions.items():
            if matches(topic, topic_filter):
                for session, granted in subscribers:
                    self._deliver(session, topic, data, min(qos, granted), retain=False)

    def _deliver(self, session: Session, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        handler = self._get_handler(session)
        if isinstance(handler, Handler) and self._grants.allow(session.username or "", topic, "read"):
            handler.deliver(topic, data, qos, retain=retain)

    def _retain(self, topic: str, data: bytes, qos: int) -> None:
        if data:
            self._retained[topic] = (data, qos)
        else:
            self._retained.pop(topic, None)

    # -- what amqtt calls ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises BrokerError if the port is taken."""
        self._retained: dict[str, tuple[bytes, int]] = {}
        await super().start()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        _, session = await super()._initialize_client_session(reader, writer, remote_address, remote_port)
        return Handler(self), session

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        expected = self._passwords.get(session.username or "")
        return expected is not None and hmac.compare_digest(expected.encode(), (session.password or "").encode())

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:  # noqa: ARG002
        """Grant every subscription, as Mosquitto does; what may not be read is not delivered."""
        return True

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, qos = subscription
        if qos == QOS_0:  # amqtt asks this for every filter of everybody when a client connects
            return
        for topic, (data, retained_qos) in list(self._retained.items()):
            if matches(topic, topic_filter):
                self._deliver(session, topic, data, min(qos, retained_qos), retain=True)

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Do nothing: `Handler.start` has sent what was kept."""

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, data: bytes | bytearray | None, force_qos: int | None = None
    ) -> None:
        """Send a last will, the only message amqtt itself makes here."""
        if session and topic and self._grants.allow(session.username or "", topic, "write"):
            if session.will_retain:
                self._retain(topic, bytes(data or b""), force_qos or QOS_0)
            self._dispatch(topic, bytes(data or b""), force_qos or QOS_0)

    async def _handle_disconnect(
        self, client_session: Session, handler: BrokerProtocolHandler, disconnect_waiter: asyncio.Future[Any]
    ) -> None:
        if self._get_handler(client_session) is handler:
            await super()._handle_disconnect(client_session, handler, disconnect_waiter)
        else:  # taken over by a newer connection, whose session this now is
            await self._stop_handler(handler)


def passwords(file: Path) -> dict[str, str]:
    """Read `user:password` lines. Raises OSError, or ValueError that names the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            raise ValueError(f"{file}: line {number} is not user:password. Mend that line.")
        found[user] = password
    return found


async def serve(port: int, known: dict[str, str], grants: Sequence[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Embedded(port, known, grants)
    await server.start()
    _log.info("embedded broker is ready", host=HOST, port=port)
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.shutdown(), 3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m broker.embedded", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--password-file", type=Path, required=True, help="lines of user:password, readable by you only"
    )
    parser.add_argument("--grant", action="append", default=[], help="one more line of the access list")
    given = parser.parse_args()
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # what matters of it is said here, in a sentence
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(serve(given.port, passwords(given.password_file), given.grant))
    except (OSError, ValueError, BrokerError) as error:
        sys.exit(f"the embedded broker cannot start: {error}")


if __name__ == "__main__":
    main()
