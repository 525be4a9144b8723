"""A Haas control with Machine Data Collection: answers questions over TCP or on a pty, in the framing of each.

It speaks the examples of the documents; no real control was at hand.
"""

import os
import re
import select
import socket
import threading
from contextlib import suppress
from pathlib import Path

from gateway.demo.machines.line import SerialLine
from gateway.demo.machines.tcp import TcpPort

_QUESTION = re.compile(rb"\?(Q\d+)[^\r\n]*[\r\n]")


class Control:
    """What the machine does, and what it says when asked."""

    def __init__(self) -> None:
        self.program, self.word, self.mode = "O00123", "IDLE", "MEM"
        self.parts = 380
        self.unknown: set[str] = set()
        """Questions that this control does not know."""
        self.silent = False
        self.heard = b""
        """Everything that was ever sent to it."""

    def runs(self) -> None:
        self.word, self.mode = "BUSY", "MEM"

    def stands(self) -> None:
        self.word = "IDLE"

    def is_held(self) -> None:
        self.word = "FEED HOLD"

    def alarms(self) -> None:
        self.word = "ALARM ON"

    def is_set_up(self) -> None:
        self.word, self.mode = "IDLE", "JOG"

    def makes(self, pieces: int = 1) -> None:
        self.parts += pieces

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`."""
        self.word, self.parts = "BUSY" if running else "IDLE", pieces

    def answer(self, question: str) -> str:
        if question in self.unknown:
            return "UNKNOWN"
        stands = f"PROGRAM, {self.program}, {self.word}, PARTS, {self.parts}"
        answers = {
            "Q100": "SERIAL NUMBER, 1234567",
            "Q101": "SOFTWARE VERSION, 100.17.000.2037",
            "Q102": "MODEL, CSMD-G2",
            "Q104": f"MODE, {self.mode}",
            "Q402": f"M30 #1, {self.parts}",
            "Q403": f"M30 #2, {self.parts}",
            "Q500": "STATUS, BUSY" if self.word == "BUSY" else stands,
        }
        return answers.get(question, "UNKNOWN")

    def asked(self, data: bytes) -> list[str]:
        """Take what was sent; return the answers to the questions that it completes."""
        before = self.heard
        self.heard += data
        done = len(_QUESTION.findall(before))
        questions = _QUESTION.findall(self.heard)[done:]
        return [] if self.silent else [self.answer(question.decode()) for question in questions]


class EthernetHaas(Control):
    """A control of today on a free TCP port. What one client asked, every client is told."""

    def __init__(self) -> None:
        super().__init__()
        self._tcp = TcpPort(self._serve)

    @property
    def address(self) -> str:
        return self._tcp.address

    def start(self) -> "EthernetHaas":
        self._tcp.start()
        return self

    def stop(self) -> None:
        """Switched off."""
        self._tcp.stop()

    def say(self, text: str) -> None:
        """Tell every client something, as if another had asked."""
        self.raw(f">{text}\r\n".encode())

    def raw(self, data: bytes) -> None:
        self._tcp.send(data)

    def _serve(self, client: socket.socket) -> None:
        while data := client.recv(1024):
            for answer in self.asked(data):
                self.say(answer)


class SerialHaas(Control):
    """An older control behind a serial port (a pty), with XON and XOFF strewn in."""

    def __init__(self, directory: Path, name: str = "usb-Haas-if00") -> None:
        super().__init__()
        self.line = SerialLine(directory, name)

    @property
    def port(self) -> Path:
        return self.line.port

    def start(self) -> "SerialHaas":
        self.line.plug()
        threading.Thread(target=self._serve, args=(self.line.fd,), daemon=True).start()
        return self

    def stop(self) -> None:
        self.line.unplug()

    def say(self, text: str) -> None:
        self.line.send(b"\x11\x02" + text.encode() + b"\x17\r\n\x13>")

    def _serve(self, fd: int) -> None:
        with suppress(OSError, ValueError):  # unplugged
            while fd == self.line.fd:
                if select.select([fd], [], [], 0.1)[0]:
                    for answer in self.asked(os.read(fd, 1024)):
                        self.say(answer)
