"""An MTConnect adapter as machines have them: real TCP, says what it is told to say, answers pings."""

import socket
from datetime import UTC, datetime

from gateway.demo.machines.tcp import TcpPort


class Adapter:
    """Listens on a free port of this machine; a new connection first gets all values, as the standard wants."""

    def __init__(self, heartbeat_ms: int = 1000) -> None:
        self.heard = b""
        self._tcp = TcpPort(self._serve)
        self._heartbeat_ms = heartbeat_ms
        self._values: dict[str, str] = {}

    @property
    def address(self) -> str:
        return self._tcp.address

    def start(self) -> "Adapter":
        self._tcp.start()
        return self

    def stop(self) -> None:
        """Switched off."""
        self._tcp.stop()

    def say(self, **values: object) -> None:
        """Set values, and tell every client."""
        new = {name: str(value) for name, value in values.items()}
        self._values |= new
        self.raw(_line(new))

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`: only what is new is said."""
        new = {"execution": "ACTIVE" if running else "READY", "PartCountAct": str(pieces)}
        if new := {name: value for name, value in new.items() if self._values.get(name) != value}:
            self.say(**new)

    def raw(self, data: bytes) -> None:
        self._tcp.send(data)

    def _serve(self, client: socket.socket) -> None:
        client.sendall(_line(self._values) if self._values else b"")
        while data := client.recv(1024):
            self.heard += data
            if b"* PING" in data:
                client.sendall(b"* PONG %d\n" % self._heartbeat_ms)


def _line(values: dict[str, str]) -> bytes:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return "|".join([stamp, *(part for pair in values.items() for part in pair)]).encode() + b"\n"
