"""A Zebra scanner in SSI mode on a pty: it sends packets, waits for the acknowledgement, and beeps when told."""

import os
import pty
import select
import threading
import time
import tty
from pathlib import Path

DECODE_DATA, EVENT, CMD_ACK, CMD_NAK, BEEP = 0xF3, 0xF6, 0xD0, 0xD1, 0xE6
QR = 0x1C


def packet(opcode: int, data: bytes = b"", *, status: int = 0, source: int = 0) -> bytes:
    head = bytes([len(data) + 4, opcode, source, status]) + data
    return head + (0x10000 - sum(head)).to_bytes(4, "big")[2:]


def decoded(text: bytes, *, status: int = 0, kind: int = QR) -> bytes:
    return packet(DECODE_DATA, bytes([kind]) + text, status=status)


class SsiScanner:
    """The device; `heard` are the packets of the host, with the seconds after the code was sent."""

    def __init__(self, directory: Path, name: str = "usb-Zebra-if00") -> None:
        self.port = directory / name
        self.heard: list[tuple[float, bytes]] = []
        self.fd, self._other = pty.openpty()
        tty.setraw(self._other)
        self.port.symlink_to(os.ttyname(self._other))
        self._sent_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        self._sent_at = time.monotonic()
        os.write(self.fd, data)

    def scan(self, text: str) -> None:
        self.send(decoded(text.encode()))

    def opcodes(self) -> list[int]:
        return [one[1] for _, one in self.heard]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(2.0)
        os.close(self.fd)
        os.close(self._other)

    def _listen(self) -> None:
        data = b""
        while not self._stopping.is_set():
            if select.select([self.fd], [], [], 0.05)[0]:
                data += os.read(self.fd, 1024)
            while data and len(data) >= data[0] + 2:
                one, data = data[: data[0] + 2], data[data[0] + 2 :]
                self.heard.append((time.monotonic() - self._sent_at, one))
                if one[1] == BEEP:
                    os.write(self.fd, packet(CMD_ACK))
