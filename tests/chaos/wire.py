"""The wire between everybody and the broker: a TCP proxy that can be cut, held, and told to meddle with MQTT packets."""

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

_PUBLISH, _PUBACK = 3, 0x40
_FLUSH_SECONDS = 0.05


class Way(Enum):
    """UP is from a client to the broker."""

    UP = auto()
    DOWN = auto()


Meddle = Callable[[bytes, Way, "Line"], list[bytes]]
"""Given a packet, what goes on instead of it, in the same direction; `Line` for what goes the other way."""


class Line:
    """One client's connection: two pumps, and the client id it said."""

    def __init__(self, wire: "Wire", client: socket.socket) -> None:
        self._wire, self.client = wire, client
        self.broker = socket.create_connection(("127.0.0.1", wire.broker_port), timeout=5)
        self.broker.settimeout(None)
        self.name = ""
        for way in Way:
            threading.Thread(target=self._pump, args=(way,), daemon=True).start()

    def close(self) -> None:
        for end in (self.client, self.broker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def answer(self, packet: bytes, way: Way) -> None:
        """Send a packet against `way`."""
        (self.client if way is Way.UP else self.broker).sendall(packet)

    def _pump(self, way: Way) -> None:
        source, target = (self.client, self.broker) if way is Way.UP else (self.broker, self.client)
        buffer = bytearray()
        with suppress(OSError):
            while data := source.recv(65536):
                buffer += data
                for packet in _packets(buffer):
                    if not self.name and packet[0] >> 4 == 1:
                        self.name = _client_id(packet)
                    self._wire.open.wait()
                    for one in self._wire.meddle(packet, way, self):
                        target.sendall(one)
        self.close()
        self._wire.lines.discard(self)


class Wire:
    """A proxy in front of a broker that may come and go."""

    def __init__(self, broker_port: int) -> None:
        self.broker_port = broker_port
        self.lines: set[Line] = set()
        self.open = threading.Event()
        self.open.set()
        self._meddles: list[tuple[str, Meddle]] = []
        self._refusing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.open.set()
        self.cut()

    def cut(self, client: str = "") -> None:
        """End the connections of these clients (part of their id); they connect again."""
        for line in list(self.lines):
            if client in line.name:
                line.close()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody is let through meanwhile."""
        self._refusing = True
        self.cut()
        try:
            yield
        finally:
            self._refusing = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing moves meanwhile, and no connection ends."""
        self.open.clear()
        try:
            yield
        finally:
            self.open.set()

    @contextmanager
    def meddled(self, client: str, meddle: Meddle) -> Iterator[None]:
        """Meddle with what these clients (part of their id) send and receive."""
        entry = (client, meddle)
        self._meddles.append(entry)
        try:
            yield
        finally:
            self._meddles.remove(entry)

    def meddle(self, packet: bytes, way: Way, line: Line) -> list[bytes]:
        packets = [packet]
        for client, meddle in list(self._meddles):
            if client in line.name:
                packets = [out for one in packets for out in meddle(one, way, line)]
        return packets

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    if self._refusing:
                        raise ConnectionRefusedError
                    self.lines.add(Line(self, client))
                except OSError:
                    client.close()


class Repeat:
    """Every message comes one to five times."""

    def __init__(self, dice: random.Random, ways: tuple[Way, ...] = (Way.UP, Way.DOWN)) -> None:
        self._dice, self._ways = dice, ways

    def __call__(self, packet: bytes, way: Way, line: Line) -> list[bytes]:
        return [packet] * (self._dice.randint(1, 5) if topic(packet) and way in self._ways else 1)


class Shuffle:
    """Messages from the broker are kept until so many have come, or none comes any more, and go on in any order."""

    def __init__(self, dice: random.Random, most: int = 1000) -> None:
        self._dice, self._most = dice, most
        self._kept: list[bytes] = []
        self._guard = threading.Lock()
        self._timer: threading.Timer | None = None
        self.moved = 0

    def __call__(self, packet: bytes, way: Way, line: Line) -> list[bytes]:
        if way is Way.UP or not topic(packet):
            return [packet]
        with self._guard:
            self._kept.append(packet)
            if self._timer:
                self._timer.cancel()
            if len(self._kept) >= self._most:
                return self._take()
            self._timer = threading.Timer(_FLUSH_SECONDS, self._flush, (line,))
            self._timer.daemon = True
            self._timer.start()
        return []

    def _take(self) -> list[bytes]:
        packets, self._kept = self._kept, []
        before = list(packets)
        self._dice.shuffle(packets)
        self.moved += sum(one is not other for one, other in zip(before, packets, strict=True))
        return packets

    def _flush(self, line: Line) -> None:
        with self._guard, suppress(OSError):
            for packet in self._take():
                line.client.sendall(packet)


class Receipts:
    """Receipts are lost by chance, else repeated, and the last ones come again late."""

    def __init__(self, dice: random.Random, lost: float) -> None:
        self._dice, self._lost = dice, lost
        self._old: list[bytes] = []
        self.dropped = self.repeated = 0

    def __call__(self, packet: bytes, way: Way, line: Line) -> list[bytes]:
        if way is Way.UP or not topic(packet).endswith("/receipt"):
            return [packet]
        if self._dice.random() < self._lost:
            self.dropped += 1
            line.answer(puback(packet), way)  # else the broker waits for it and sends nothing more
            return []
        self._old.append(packet)
        late = [self._dice.choice(self._old) for _ in range(self._dice.randrange(3))]
        self.repeated += len(late)
        return [packet, *late]


def topic(packet: bytes) -> str:
    """The topic of a PUBLISH; empty for every other packet."""
    if packet[0] >> 4 != _PUBLISH:
        return ""
    at = _header(packet)
    return packet[at + 2 : at + 2 + int.from_bytes(packet[at : at + 2], "big")].decode()


def puback(packet: bytes) -> bytes:
    """The acknowledgement of a PUBLISH with QoS 1."""
    at = _header(packet)
    at += 2 + int.from_bytes(packet[at : at + 2], "big")
    return bytes((_PUBACK, 2)) + packet[at : at + 2]


def _packets(buffer: bytearray) -> Iterator[bytes]:
    """Take every whole packet off the buffer."""
    while len(buffer) >= 2:
        length = shift = 0
        for place in range(1, min(5, len(buffer))):
            length |= (buffer[place] & 0x7F) << shift
            shift += 7
            if buffer[place] < 0x80:
                break
        else:
            return
        end = place + 1 + length
        if len(buffer) < end:
            return
        yield bytes(buffer[:end])
        del buffer[:end]


def _header(packet: bytes) -> int:
    return next(place for place in range(1, 5) if packet[place] < 0x80) + 1


def _client_id(packet: bytes) -> str:
    at = _header(packet)
    at += 2 + int.from_bytes(packet[at : at + 2], "big") + 4  # protocol name; level, flags, keep-alive
    if packet[at - 3 - 1] == 5:
        at += packet[at] + 1  # properties; ours are below 128 bytes
    return packet[at + 2 : at + 2 + int.from_bytes(packet[at : at + 2], "big")].decode()
