"""The line to a device: a serial port, a TCP connection, topics of a broker or a keyboard, read and written alike.

The only module that imports pyserial. What is read means nothing here.
"""

import errno
import os
import socket
import stat
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import serial

from edge.drivers.device import CANNOT_BE_SET, Framing, Gpio, Keys, Place, Serial, Tcp, Topics
from edge.gpio import open_pin
from edge.keyboard import KeyboardWire

FAILURES = (serial.SerialException, OSError, TypeError, ValueError, termios.error)
"""What a device that goes away raises: TypeError when the port was closed by another thread just now, termios.error
(no OSError) when it went while it was being set, or cannot be set so."""
_CONNECT_SECONDS = 3.0
_WRITE_SECONDS = 0.2
_READ_BYTES = 16_384
"""What one read takes at most: parsing it keeps the other threads waiting."""


class Wire(Protocol):
    """An open line. Every method raises one of FAILURES when the other end is gone."""

    def read(self, timeout_seconds: float) -> bytes:
        """Return what has arrived, waiting at most so long for its first byte; empty if nothing came."""

    def write(self, data: bytes) -> None:
        """Send."""

    def close(self) -> None:
        """Let go."""


class SerialWire:
    """A serial port, ours alone while it is open."""

    def __init__(self, path: Path, baud: int, framing: Framing = "8N1", *, xonxoff: bool = False) -> None:
        self._path = str(path)
        self._sentence = f"this port {CANNOT_BE_SET} {baud} {framing}: take another adapter (FTDI), or mend them"
        with self._settable():
            self._port = serial.Serial(
                self._path,
                baud,
                bytesize=int(framing[0]),
                parity=framing[1],
                stopbits=int(framing[2]),
                xonxoff=xonxoff,
                write_timeout=_WRITE_SECONDS,
                exclusive=True,
            )
        self._device = os.fstat(self._port.fileno()).st_rdev

    def read(self, timeout_seconds: float) -> bytes:
        if self._port.timeout != timeout_seconds:
            with self._settable():  # sets the whole port anew
                self._port.timeout = timeout_seconds
        data: bytes = self._port.read(1)
        if data:
            return data + bytes(self._port.read(min(self._port.in_waiting, _READ_BYTES)))
        if os.stat(self._path).st_rdev != self._device:  # noqa: PTH116 - a name that now means another device
            raise serial.SerialException("another device has this name now")
        return b""

    @contextmanager
    def _settable(self) -> Iterator[None]:
        """Say it in words where a port takes no such speed or framing."""
        try:
            yield
        except termios.error as error:
            if error.args[:1] != (errno.EINVAL,):
                raise
            raise serial.SerialException(self._sentence) from error

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def tune(self, baud: int, framing: Framing) -> None:
        """Hear it at another speed from now on; what came before is forgotten."""
        self._port.apply_settings(
            {"baudrate": baud, "bytesize": int(framing[0]), "parity": framing[1], "stopbits": int(framing[2])}
        )
        self._port.reset_input_buffer()

    def close(self) -> None:
        self._port.close()


class TcpWire:
    """A TCP connection to `HOST:PORT`."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def read(self, timeout_seconds: float) -> bytes:
        self._socket.settimeout(timeout_seconds)
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError("the device closed the connection")
        return data

    def write(self, data: bytes) -> None:
        self._socket.settimeout(_WRITE_SECONDS)
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


def is_one_of(port: Path, others: Iterable[Path]) -> bool:
    """Whether a port is one of these under any name: a link, or another device file of the same device."""
    device = _device(port)
    return any(port.resolve() == one.resolve() or (device and device == _device(one)) for one in others)


def _device(port: Path) -> int | None:
    try:
        found = port.stat()
    except OSError:
        return None
    return found.st_rdev if stat.S_ISCHR(found.st_mode) else None


def open_wire(place: Place) -> Wire:
    """Open the line to a device. Raises one of FAILURES."""
    match place:
        case Tcp(address):
            return TcpWire(address)
        case Serial(port, baud, framing, xonxoff):
            return SerialWire(port, baud, framing, xonxoff=xonxoff)
        case Gpio():
            return open_pin(place)
        case Topics():
            from edge.topics import TopicsWire  # noqa: PLC0415 - 3 MB that only an agent with such a device needs

            return TopicsWire(place)
        case Keys(port, grab):
            return KeyboardWire(port, grab=grab)
