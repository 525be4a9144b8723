"""A pulse counter on an Arduino, on a pty: a line each second with the pulses so far and its own check."""

import time
from pathlib import Path

from gateway.demo.machines.line import SerialLine


class PulseCounter:
    """The board that the sketch in edge/drivers/counter/README.md makes. Plugged in anew it begins at 0."""

    def __init__(self, directory: Path, name: str = "usb-Arduino-if00") -> None:
        self.line = SerialLine(directory, name)
        self.count = 0
        self._lines, self._on_since = 0, time.monotonic()

    @property
    def port(self) -> Path:
        return self.line.port

    def start(self) -> "PulseCounter":
        self.line.plug()
        self.count = self._lines = 0
        self._on_since = time.monotonic()
        return self

    def stop(self) -> None:
        self.line.unplug()

    def says(self) -> None:
        """Send its line, as it does each second."""
        self._lines += 1
        text = f"C,{self._lines},{self.count},{(time.monotonic() - self._on_since) * 1000:.0f}".encode()
        self.line.send(b"%b*%02X\n" % (text, crc8(text)))

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`. A counter knows nothing but pulses."""
        _ = running
        self.count = pieces
        self.says()


def crc8(data: bytes) -> int:
    """Return the CRC-8 of SMBus (polynomial 0x07), as the sketch computes it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
