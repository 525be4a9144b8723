"""What is between the demo and its edges: virtual serial ports, and a network cable that can be pulled."""

import contextlib
import os
import pty
import select
import socket
import threading


class Wire:
    """A virtual serial port: what is written here, whoever opens `path` reads."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)  # from now on the other end is whoever opens the port
        os.set_blocking(self._master, False)

    def fileno(self) -> int:
        """Return what select waits on."""
        return self._master

    def write(self, data: bytes) -> None:
        """Send bytes as a scanner would; what a dead reader does not take is lost, as on a real one."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._master, data)

    def read(self) -> bytes:
        """Return what the scanner was told to sound; empty if nothing, or if nobody is there."""
        with contextlib.suppress(BlockingIOError, OSError):
            return os.read(self._master, 4096)
        return b""

    def close(self) -> None:
        """Unplug it."""
        os.close(self._master)


class Cable:
    """A TCP connection from an edge to the broker that goes through here, so that it can be pulled and put back."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.pulled = False
        threading.Thread(target=self._accept, name="cable", daemon=True).start()

    def pull(self) -> None:
        """Cut every connection and refuse new ones."""
        with self._guard:
            self.pulled = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def put_back(self) -> None:
        """Let connections through again."""
        self.pulled = False

    def close(self) -> None:
        """End for good."""
        self.pull()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._door.accept()
                try:
                    if self.pulled:
                        raise ConnectionRefusedError
                    far = socket.create_connection(("127.0.0.1", self._to), timeout=2.0)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(near, far), name="cable", daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with self._guard:
            self._open |= {near, far}
            alive = not self.pulled
        with contextlib.suppress(OSError):
            while alive:
                readable, _, _ = select.select([near, far], [], [])
                for one in readable:
                    data = one.recv(65536)
                    (far if one is near else near).sendall(data)
                    alive = alive and bool(data)
        with self._guard:
            self._open -= {near, far}
        near.close()
        far.close()
