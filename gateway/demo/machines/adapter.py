"""An MTConnect adapter as machines have them: real TCP, says what it is told to say, answers pings."""

import socket
import socketserver
import threading
from contextlib import suppress
from datetime import UTC, datetime

from gateway.demo.machines.ports import free_port


class Adapter:
    """Listens on a free port of this machine; a new connection first gets all values, as the standard wants."""

    def __init__(self, heartbeat_ms: int = 1000) -> None:
        self.port = free_port()
        self.heard = b""
        self._heartbeat_ms = heartbeat_ms
        self._values: dict[str, str] = {}
        self._clients: list[socket.socket] = []
        self._server: socketserver.ThreadingTCPServer | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Adapter":
        adapter = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                adapter._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        """Switched off."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

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
        for client in list(self._clients):
            with suppress(OSError):  # it has just gone
                client.sendall(data)

    def _serve(self, client: socket.socket) -> None:
        client.sendall(_line(self._values) if self._values else b"")
        self._clients.append(client)
        with suppress(OSError):
            while data := client.recv(1024):
                self.heard += data
                if b"* PING" in data:
                    client.sendall(b"* PONG %d\n" % self._heartbeat_ms)
        self._clients.remove(client)


def _line(values: dict[str, str]) -> bytes:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return "|".join([stamp, *(part for pair in values.items() for part in pair)]).encode() + b"\n"
