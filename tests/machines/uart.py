"""A serial device as its wire is: a pty whose reader gets what a UART makes of the bits at the speed that it has set.

A pty alone passes bytes whatever the speed. Here the bytes become a wave, and the wave is sampled as the reader's termios
say: another speed gives the very garbage that an installer sees.
"""

import os
import pty
import termios
import tty
from contextlib import suppress
from pathlib import Path

_SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200)}
_BITS = {termios.CS7: 7, termios.CS8: 8}


class Uart:
    """A device that speaks at one speed. `framing` as in the settings: data bits, parity, stop bits."""

    def __init__(self, directory: Path, baud: int, framing: str = "8N1") -> None:
        self.baud, self.framing = baud, framing
        self.fd, self._other = pty.openpty()
        tty.setraw(self._other)
        self.port = directory / "usb-Device-if00"
        self.port.symlink_to(os.ttyname(self._other))
        self.heard = b""

    def send(self, data: bytes) -> None:
        """Say something, as it arrives at whoever listens now."""
        os.write(self.fd, received(wave(data, self.framing), self.baud, *self._reader()))

    def written(self) -> bytes:
        """Return what somebody has sent to the device."""
        os.set_blocking(self.fd, False)
        with suppress(BlockingIOError):
            self.heard += os.read(self.fd, 65_536)
        os.set_blocking(self.fd, True)
        return self.heard

    @property
    def reader_baud(self) -> int:
        """The speed at which somebody listens now."""
        return self._reader()[0]

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._other)

    def _reader(self) -> tuple[int, int, bool]:
        """Return speed, data bits and whether there is a parity bit, as set at the other end."""
        flags, speed = termios.tcgetattr(self._other)[2], termios.tcgetattr(self._other)[4]
        return _SPEEDS[speed], _BITS[flags & termios.CSIZE], bool(flags & termios.PARENB)


def wave(data: bytes, framing: str) -> list[int]:
    """Return the levels on the line, one a bit, with an idle bit between bytes."""
    bits, parity, stops = int(framing[0]), framing[1], int(framing[2])
    levels: list[int] = [1] * 20
    for byte in data:
        body = [byte >> n & 1 for n in range(bits)]
        even = sum(body) % 2
        check = {"N": [], "E": [even], "O": [1 - even]}[parity]
        levels += [0, *body, *check, *([1] * stops), 1]
    return [*levels, *([1] * 20)]


def received(levels: list[int], sent_baud: int, baud: int, bits: int, parity: bool) -> bytes:
    """Return what a UART at `baud` makes of levels sent at `sent_baud`: a framing error is a NUL, as in Linux."""
    end = len(levels) / sent_baud

    def level(at: float) -> int:
        return levels[int(at * sent_baud)] if at < end else 1

    found, now, step = bytearray(), 0.0, 1 / sent_baud / 16
    while now < end:
        if level(now):
            now += step
            continue
        sample = [level(now + (n + 1.5) / baud) for n in range(bits + parity + 1)]
        found.append(sum(bit << n for n, bit in enumerate(sample[:bits])) if sample[-1] else 0)
        now += (bits + parity + 1.5) / baud
        while now < end and not level(now):
            now += step
    return bytes(found)
