"""A control whose part program prints our record by DPRNT, on a pty: as Fanuc or as Haas prints it."""

import random
from pathlib import Path
from typing import Literal

from gateway.demo.machines.line import SerialLine

LEADER = b"\x00" * 20
_NOISE = random.Random(1)  # noqa: S311 - noise


def printed(
    *lines: str, control: Literal["fanuc", "haas"] = "fanuc", end: bytes = b"\r\n", even_parity: bool = False
) -> bytes:
    """Return what a control sends for these DPRNT blocks; Fanuc's between POPEN and PCLOS."""
    text = b"".join(line.encode() + (end if control == "fanuc" else b"\r") for line in lines)
    if control == "fanuc":
        text = b"\x12" + LEADER + b"%" + end + text + b"%" + end + b"\x14"
    return bytes(byte | (byte.bit_count() % 2) << 7 for byte in text) if even_parity else text


class DprntControl:
    """Runs cycles and prints their start and end. Numbers are padded with spaces, as most controls print them."""

    def __init__(self, directory: Path, name: str = "usb-Fanuc-if00", *, even_parity: bool = False) -> None:
        self.line = SerialLine(directory, name)
        self.number, self.pieces = 0, 0
        self._even_parity = even_parity
        self._cutting = False

    @property
    def port(self) -> Path:
        return self.line.port

    def start(self) -> "DprntControl":
        self.line.plug()
        return self

    def stop(self) -> None:
        self.line.unplug()

    def begins(self) -> None:
        self.number += 1
        self._print(f"S/{self.number:5d} EV/START")

    def ends(self) -> None:
        self.number += 1
        self.pieces += 1
        self._print(f"S/{self.number:5d} EV/END N/{self.pieces:5d}")

    def loses(self, records: int = 1) -> None:
        """Count records that nobody will ever see."""
        self.number += records

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`: a cycle begins, and at its end the count is printed."""
        if pieces > self.pieces:
            self.pieces = pieces - 1
            self.ends()
            self._cutting = False
        if running and not self._cutting:
            self.begins()
        elif self._cutting and not running:
            self.pieces -= 1
            self.ends()  # the program was ended by hand: no piece more
        self._cutting = running

    def babbles(self) -> None:
        """Send what comes of a wrong speed."""
        self.line.send(bytes(_NOISE.randrange(256) for _ in range(60)) + b"\r\n")

    def _print(self, line: str) -> None:
        self.line.send(printed(line, even_parity=self._even_parity))
