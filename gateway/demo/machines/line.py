"""A serial line to a machine that is not there: a by-id name that points at a pty."""

import os
import pty
import tty
from contextlib import suppress
from pathlib import Path


class SerialLine:
    """Unplugging closes the pty and removes the name; plugging in makes another of the same name."""

    def __init__(self, directory: Path, name: str) -> None:
        self.port = directory / name
        self.fd = self._other = -1

    def plug(self) -> "SerialLine":
        self.fd, self._other = pty.openpty()
        tty.setraw(self._other)
        os.set_blocking(self.fd, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._other))
        return self

    def unplug(self) -> None:
        if self.fd >= 0:
            self.port.unlink(missing_ok=True)
            fds, self.fd, self._other = (self._other, self.fd), -1, -1
            for fd in fds:
                os.close(fd)

    def send(self, data: bytes) -> None:
        """Send it; what a line that nobody reads does not take is lost, as on a real one."""
        if self.fd >= 0:
            with suppress(BlockingIOError):
                os.write(self.fd, data)

    def heard(self) -> bytes:
        """Return what was sent to the machine and not yet returned."""
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""
