"""A TCP port of a machine that is not there: clients come and go, it is switched off and on again at the same place."""

import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_RANGE = range(10_000, 20_000)
"""Below the ports that the system gives to outgoing connections: a machine that is switched on again finds its own."""


class TcpPort:
    """Listens between `start()` and `stop()`; `serve` talks with one client, on a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._number = _free_port()
        self._serve = serve
        self._clients: list[socket.socket] = []
        self._listener: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._number}"

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._number))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more, and hang up on every client."""
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Hang up on every client; they may come again."""
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def send(self, data: bytes) -> None:
        """Send to every client."""
        for client in list(self._clients):
            with suppress(OSError):  # it has just gone
                client.sendall(data)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        self._clients.append(client)
        with client, suppress(OSError):
            self._serve(client)
        self._clients.remove(client)


def _free_port() -> int:
    for port in random.sample(_RANGE, 1000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop}")
