"""A keyboard device of Linux (evdev), heard by nobody else while it is grabbed. What its bytes mean is the driver's.

The two system calls that it takes are here; python-evdev would do the same and has to be compiled on a Pi.
"""

import fcntl
import os
import select
import stat
from pathlib import Path

_EVIOCGRAB = 0x40044590
"""_IOW('E', 0x90, int) of linux/input.h: from now on what is typed reaches us alone, and no console."""
_READ_BYTES = 24 * 512


class KeyboardWire:
    """An event device, `/dev/input/by-id/...-event-kbd`. A pipe with recorded events will do as well, for trying."""

    def __init__(self, path: Path, *, grab: bool = True) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            opened = os.fstat(self._fd)
            self._device = opened.st_dev, opened.st_ino
            if grab and stat.S_ISCHR(opened.st_mode):
                fcntl.ioctl(self._fd, _EVIOCGRAB, 1)
        except BaseException:
            os.close(self._fd)
            raise

    def read(self, timeout_seconds: float) -> bytes:
        """See `Wire`."""
        ready, _, _ = select.select([self._fd], [], [], timeout_seconds)
        if ready:
            data = os.read(self._fd, _READ_BYTES)
            if not data:
                raise ConnectionResetError("the device closed")
            return data
        named = self._path.stat()
        if (named.st_dev, named.st_ino) != self._device:
            raise ConnectionResetError("another device has this name now")
        return b""

    def write(self, data: bytes) -> None:
        """See `Wire`. Nothing is ever sent: a keyboard cannot hear."""

    def close(self) -> None:
        """See `Wire`."""
        os.close(self._fd)
