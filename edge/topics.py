"""The line to devices that speak by MQTT: a subscription, its messages as the lines of `edge.drivers.messages`.

The only module that imports aiomqtt, and imported only where such a device is in the settings. What a message means is
not known here.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

import aiomqtt

from broker.link import packets_of_at_most
from broker.settings import Connection
from edge.drivers.device import Topics
from edge.drivers.messages import Message, to_publish

T = TypeVar("T")

_ANSWER_SECONDS = 5.0
_PACKET_BYTES_MOST = 1_000_000
"""More than this a broker that speaks MQTT 5 does not even send us, and from no broker it is read."""
_WAITING_BYTES_MOST = 1_000_000
_MESSAGE_BYTES = 500
"""What a message takes beside its payload and topic."""
_READ_BYTES = 65_536
_QUIET = logging.getLogger("mawashi.topics")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())
"""What the library logs at each attempt; that a line is lost is said once, by us."""
_REFUSED = 128
"""Reason codes from here on are failures. Source: MQTT 5.0, 2.4; 3.1.1 has only 128, in 3.9.3."""


class _Waiting(asyncio.Queue[aiomqtt.Message]):
    """What has arrived and was not read yet: at most a MB of it, so that who publishes without end fills no memory."""

    size_bytes = 0
    dropped = 0
    refused = ""
    """Why the connection was ended, if something was too large."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Take a message, or drop and count it."""
        if self.size_bytes + _size(item) > _WAITING_BYTES_MOST:
            self.dropped += 1
            return
        super().put_nowait(item)

    def _put(self, item: aiomqtt.Message) -> None:
        self.size_bytes += _size(item)
        super()._put(item)

    def _get(self) -> aiomqtt.Message:
        item: aiomqtt.Message = super()._get()
        self.size_bytes -= _size(item)
        return item


class TopicsWire:
    """A connection of our own, under a name of its own and without a past: what came while we were away is gone.

    Its event loop runs while it is read: no thread beside the machine's own is needed.
    """

    def __init__(self, place: Topics) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # an end that the library told to nobody: `read` meets it
        self._waiting = _Waiting()
        self._client: aiomqtt.Client | None = None
        self._next: asyncio.Task[aiomqtt.Message] | None = None
        self._told_dropped = 0
        try:
            self._run(self._open(place))
        except BaseException:
            self.close()
            raise

    def read(self, timeout_seconds: float) -> bytes:
        """See `Wire`: whole lines only."""
        return self._run(self._lines(timeout_seconds))

    def write(self, data: bytes) -> None:
        """Publish what lines of `edge.drivers.messages.publish` ask for."""
        for line in data.splitlines():
            self._run(self._publish(*to_publish(line)))

    def close(self) -> None:
        """See `Wire`."""
        if self._loop.is_closed():
            return
        try:
            with suppress(OSError):  # it was gone already
                self._run(self._end())
        finally:
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run_until_complete(work)
        except aiomqtt.MqttError as error:
            raise ConnectionError(self._waiting.refused or str(error)) from error

    async def _open(self, place: Topics) -> None:
        client = _client(place.broker, self._waiting)
        await client.__aenter__()
        self._client = client
        codes: Sequence[Any] = await client.subscribe([(one, 1) for one in place.filters])
        for one, code in zip(place.filters, codes, strict=True):
            if getattr(code, "value", code) >= _REFUSED:
                raise PermissionError(f"the broker does not let us hear {one}")

    async def _lines(self, timeout_seconds: float) -> bytes:
        """Return what has arrived. The wait for a message outlives this call: cancelled, it could lose one."""
        assert self._client
        found = bytearray()
        while len(found) < _READ_BYTES:
            if self._next is None:
                self._next = self._loop.create_task(anext(self._client.messages))
            done, _ = await asyncio.wait({self._next}, timeout=0 if found else timeout_seconds)
            if not done:
                break
            message, self._next = self._next.result(), None
            found += Message(str(message.topic), bytes(message.payload), bool(message.retain)).line
        if (dropped := self._waiting.dropped) != self._told_dropped:
            found += b"dropped-%d of too many messages\n" % (dropped - self._told_dropped)
            self._told_dropped = dropped
        return bytes(found)

    async def _publish(self, topic: str, payload: bytes) -> None:
        assert self._client
        await self._client.publish(topic, payload)

    async def _end(self) -> None:
        if self._next:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        if self._client:
            await self._client.__aexit__(None, None, None)
        await self._loop.shutdown_default_executor()


def _client(broker: Connection, waiting: _Waiting) -> aiomqtt.Client:
    tls = broker.tls
    five = broker.version == "5"
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password(),
        identifier=f"mawashi-{secrets.token_hex(6)}",  # at most 23 characters, as every 3.1.1 broker takes them
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        clean_session=None if five else True,
        properties=packets_of_at_most(_PACKET_BYTES_MOST) if five else None,
        keepalive=broker.keepalive_seconds,
        timeout=_ANSWER_SECONDS,
        queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", lambda **_: waiting),
        tls_params=aiomqtt.TLSParameters(
            ca_certs=str(tls.ca_file),
            certfile=str(tls.cert_file) if tls.cert_file else None,
            keyfile=str(tls.key_file) if tls.key_file else None,
        )
        if tls
        else None,
        logger=_QUIET,
    )
    _bound(client._client, waiting)  # noqa: SLF001 - no public place knows a packet's length before it is read
    return client


def _bound(client: Any, waiting: _Waiting) -> None:
    """Let a client read no packet that is too large: 3.1.1 cannot forbid one, and 256 MB fill the memory of a Pi."""
    receive = client._sock_recv  # noqa: SLF001

    def bounded(size_bytes: int) -> bytes:
        if size_bytes > _PACKET_BYTES_MOST:
            waiting.refused = f"the broker sends a message of {size_bytes} bytes, which is too large to be read"
            raise ConnectionAbortedError(waiting.refused)
        data: bytes = receive(size_bytes)
        return data

    client._sock_recv = bounded  # noqa: SLF001


def _size(message: aiomqtt.Message) -> int:
    return len(message.payload) + len(str(message.topic)) + _MESSAGE_BYTES
