"""PLCs, counters and lamp modules as a shop has them: several units on one RS-485 line (a pty), or on TCP.

    plc = Unit(1, discrete={0: 0, 1: 1})          # the table's places, counted from 0
    line = Line(plc).start()                      # line.port for RTU, line.address for TCP
    plc.holding[0] = 380
    plc.silent = True                             # switched off

Written without pymodbus, so that the driver is not tried against itself.
"""

import os
import pty
import socket
import threading
import time
import tty
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.machines.tcp import TcpPort

_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


def crc16(data: bytes) -> bytes:
    """The CRC of RTU, low byte first: `crc16(bytes.fromhex("010300000002"))` is C4 0B."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


@dataclass
class Unit:
    """One unit: only the places that are in its tables exist. `said` holds answers given word for word, by question."""

    number: int = 1
    holding: dict[int, int] = field(default_factory=dict)
    input: dict[int, int] = field(default_factory=dict)
    coil: dict[int, int] = field(default_factory=dict)
    discrete: dict[int, int] = field(default_factory=dict)
    said: dict[bytes, bytes] = field(default_factory=dict)
    silent: bool = False
    spoil: int = 0
    """So many of its next answers get a wrong byte."""
    asked: list[bytes] = field(default_factory=list)

    def flash(self, place: int, times: int, *, seconds: float = 0.4) -> None:
        """Let the lamp at a discrete input flash: `seconds` on, `seconds` off. Returns when it is done."""
        for n in range(2 * times):
            self.discrete[place] = 1 - n % 2
            time.sleep(seconds)

    def answer(self, pdu: bytes) -> bytes:
        """The answer to a question, an exception for what it does not have or would have to do."""
        self.asked.append(pdu)
        if pdu in self.said:
            return self.said[pdu]
        function = pdu[0]
        if function not in _TABLES or len(pdu) != 5:
            return bytes([function | 0x80, 1])
        address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        table: dict[int, int] = getattr(self, _TABLES[function])
        if any(place not in table for place in range(address, address + count)):
            return bytes([function | 0x80, 2])
        found = [table[place] for place in range(address, address + count)]
        if function > 2:
            data = b"".join(value.to_bytes(2, "big") for value in found)
        else:
            bits = sum(bool(bit) << n for n, bit in enumerate(found))
            data = bits.to_bytes((count + 7) // 8, "little")
        return bytes([function, len(data)]) + data


class Line:
    """The units of one line, by pty and by TCP at once. `echo`: a two-wire adapter that hears itself."""

    def __init__(self, *units: Unit, echo: bool = False, noise: bytes = b"") -> None:
        self.units = {unit.number: unit for unit in units}
        self.echo, self.noise = echo, noise
        self.heard = bytearray()
        """Every byte that was ever sent to it."""
        self._tcp = TcpPort(self._serve_tcp)
        self.plug()

    @property
    def address(self) -> str:
        return self._tcp.address

    @property
    def port(self) -> Path:
        return Path(os.ttyname(self._other))

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`: the first unit's count is in two registers, low word first, a lamp at its first input."""
        unit = next(iter(self.units.values()))
        unit.holding |= {0: pieces & 0xFFFF, 1: pieces >> 16}
        unit.discrete[0] = int(running)

    def plug(self) -> None:
        self._fd, self._other = pty.openpty()
        tty.setraw(self._other)
        threading.Thread(target=self._serve_rtu, args=(self._fd,), daemon=True).start()

    def start(self) -> "Line":
        """Listen on TCP too."""
        self._tcp.start()
        return self

    def stop(self) -> None:
        """Switched off, and the adapter pulled out."""
        self._tcp.stop()
        for fd in (self._other, self._fd):
            with suppress(OSError):
                os.close(fd)

    def _answer(self, unit: int, pdu: bytes) -> bytes | None:
        there = self.units.get(unit)
        return there.answer(pdu) if there and not there.silent else None

    def _serve_rtu(self, fd: int) -> None:
        """Answer questions of 8 bytes, as all reads are; what does not fit is dropped byte by byte."""
        waiting = b""
        with suppress(OSError):
            while data := os.read(fd, 1024):
                self.heard += data
                waiting += data
                while len(waiting) >= 8:
                    question, waiting = waiting[:8], waiting[8:]
                    if crc16(question[:-2]) != question[-2:]:
                        waiting = question[1:] + waiting
                        continue
                    if self.echo:
                        os.write(fd, question)
                    if (answer := self._answer(question[0], question[1:-2])) is not None:
                        frame = question[:1] + answer
                        frame += crc16(frame)
                        unit = self.units[question[0]]
                        if unit.spoil:
                            unit.spoil -= 1
                            frame = frame[:2] + bytes([frame[2] ^ 0x10]) + frame[3:]
                        os.write(fd, self.noise + frame + self.noise)

    def _serve_tcp(self, client: socket.socket) -> None:
        waiting = b""
        while data := client.recv(1024):
            self.heard += data
            waiting += data
            while len(waiting) >= 7 and len(waiting) >= (size := 6 + int.from_bytes(waiting[4:6], "big")):
                frame, waiting = waiting[:size], waiting[size:]
                if (answer := self._answer(frame[6], frame[7:])) is not None:
                    client.sendall(frame[:4] + (len(answer) + 1).to_bytes(2, "big") + frame[6:7] + answer)
