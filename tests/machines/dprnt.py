"""A control whose part program prints our record by DPRNT, on a pty: DC2, lines, DC4, as Fanuc or as Haas prints them."""

from pathlib import Path
from typing import Literal

from tests.machines.line import SerialLine

LEADER = b"\x00" * 20


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

    def _print(self, line: str) -> None:
        self.line.send(printed(line, even_parity=self._even_parity))
