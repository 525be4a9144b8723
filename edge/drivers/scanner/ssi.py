"""Zebra's Simple Serial Interface: packets out of a scanner's byte stream, each acknowledged. Sans-io.

What stands between packets (a scanner that is set to raw data with a suffix) is cut as every other scanner's stream.

Source: Zebra, Simple Serial Interface Programmer's Guide (72E-40451); DS9908 product reference guide, page 245
(opcodes). A packet is length (of all but the checksum), opcode, source, status, data, and the two's complement of the
sum of all that in 16 bits, high byte first.
"""

import re

from edge.drivers.readings import Reading, Tally
from edge.drivers.scanner.parser import FRAME_LIMIT_BYTES, Setup, scanned
from edge.drivers.scanner.parser import Parser as Raw

BEEP, CMD_ACK, CMD_NAK = 0xE6, 0xD0, 0xD1
_DECODE_DATA, _EVENT = 0xF3, 0xF6
_PARAM_SEND, _REPLY_REVISION = 0xC6, 0xA4
_HOST = 0x04
_AGAIN, _MORE = 0x01, 0x02
"""Bits of the status: sent before; another packet of the same code follows."""
_RESEND = 0x01
"""Why a packet is refused: its checksum."""

_TAIL_MS = 60
"""So long a pause says that what might begin a packet does not: a USB converter holds bytes back for 16 ms."""
_HALF_PACKET_MS = 200
_HALF_CODE_MS = 3000
"""A scanner that was not heard sends again after 2 s: only later is a code of several packets given up."""

_FROM_SCANNER = bytes([_DECODE_DATA, _EVENT, CMD_ACK, CMD_NAK, _PARAM_SEND, _REPLY_REVISION])
_HEADER = re.compile(rb"[\x04-\xff][" + re.escape(_FROM_SCANNER) + rb"]\x00", re.DOTALL)
"""Length, opcode, source 0 (the scanner). No text looks like this: it would hold a NUL."""


def packet(opcode: int, data: bytes = b"") -> bytes:
    """Return a packet of the host.

    >>> packet(CMD_ACK).hex(" ")
    '04 d0 04 00 ff 28'
    """
    head = bytes([4 + len(data), opcode, _HOST, 0]) + data
    return head + (-sum(head) & 0xFFFF).to_bytes(2, "big")


ACK, NAK = packet(CMD_ACK), packet(CMD_NAK, bytes([_RESEND]))


class Parser:
    """Holds the packet that is arriving and the parts of a code of several packets, never more than 4 KiB of them."""

    def __init__(self, setup: Setup | None = None) -> None:
        self._setup = setup or Setup()
        self._raw = Raw(self._setup)
        self._bytes = bytearray()
        self._parts = bytearray()
        self._type: int | None = None
        """The kind of code whose further packets are awaited."""
        self._taken = b""
        """The last packet that gave a text: it comes again if our acknowledgement was lost."""
        self._last_ms = 0
        self._owed = b""

    @property
    def tally(self) -> Tally:
        """See `Parser` in `edge.drivers.readings`: codes and what was damaged."""
        return self._raw.tally

    @tally.setter
    def tally(self, tally: Tally) -> None:
        self._raw.tally = tally

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`."""
        self._raw.opened(mono_ms)
        self._bytes.clear()
        self._forget_parts()
        self._taken, self._owed, self._last_ms = b"", b"", mono_ms

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return the texts they complete, oldest first."""
        found = self.idle(mono_ms)
        if data:
            self._last_ms = mono_ms
        self._bytes += data
        return found + self._cut(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived until `mono_ms`: ends what is no packet, discards half ones."""
        quiet_ms, found = mono_ms - self._last_ms, list[Reading]()
        if quiet_ms >= _TAIL_MS and self._bytes:
            if not _HEADER.match(self._bytes):
                tail, self._bytes = bytes(self._bytes), bytearray()
                found += self._raw.feed(tail, self._last_ms)
            elif quiet_ms >= _HALF_PACKET_MS:
                self._reject(bytes(self._bytes))
                self._bytes.clear()
        if quiet_ms > _HALF_CODE_MS:
            self._forget_parts()
        return found + self._raw.idle(mono_ms)

    def to_send(self, mono_ms: int) -> bytes:
        """Return the answer the scanner waits for: taken, or send it again."""
        owed, self._owed = self._owed, b""
        return owed or self._raw.to_send(mono_ms)

    def _cut(self, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        while self._bytes:
            header = _HEADER.search(self._bytes)
            begin = header.start() if header else len(self._bytes) - self._maybe_header()
            if begin:
                found += self._raw.feed(bytes(self._bytes[:begin]), mono_ms)
                del self._bytes[:begin]
            if not header:
                break
            size = self._bytes[0] + 2
            if len(self._bytes) < size:
                break
            found += self._packet(bytes(self._bytes[:size]))
        return found

    def _maybe_header(self) -> int:
        """Return how many of the last bytes may be the beginning of a header."""
        if len(self._bytes) >= 2 and self._bytes[-1] in _FROM_SCANNER and self._bytes[-2] >= 4:
            return 2
        return 1 if self._bytes[-1] >= 4 else 0

    def _packet(self, packet: bytes) -> list[Reading]:
        """Take the packet at the head. A damaged one may hide the beginning of a good one."""
        self._raw.drop()
        if (sum(packet[:-2]) + int.from_bytes(packet[-2:], "big")) & 0xFFFF:
            self._reject(packet)
            self._owed = NAK
            another = _HEADER.search(packet, 1)
            del self._bytes[: another.start() if another else len(packet)]
            return []
        del self._bytes[: len(packet)]
        match packet[1]:
            case 0xF3:
                self._owed = ACK
                return self._decoded(packet)
            case 0xF6:
                self._owed = ACK
        return []

    def _decoded(self, packet: bytes) -> list[Reading]:
        """Take the data of one code: its kind, then its bytes; several packets make one text."""
        status, data = packet[3], packet[4:-2]
        if status & _AGAIN and self._taken and _without_status(packet) == self._taken:
            return []
        self._taken = _without_status(packet)
        if not data:
            self._reject(packet)
            return []
        if self._type in (None, data[0]):
            self._type, data = data[0], data[1:]
        room = FRAME_LIMIT_BYTES - len(self._parts)
        self._parts += data[: room + 1]
        if status & _MORE:
            return []
        whole = bytes(self._parts).rstrip(b"\r\n\t\x03")
        too_long = len(self._parts) > FRAME_LIMIT_BYTES
        self._parts.clear()
        self._type = None
        if too_long:
            self._reject(whole)
            return []
        self._raw.tally.lines += 1
        return [scanned(whole, aim_id=self._setup.aim_id)] if whole.strip(b" \x00") else []

    def _forget_parts(self) -> None:
        if self._parts:
            self._reject(bytes(self._parts))
        self._parts.clear()
        self._type = None

    def _reject(self, data: bytes) -> None:
        self._taken = b""  # what comes again after this is not what was taken before it
        self._raw.tally.lines += 1
        self._raw.tally.reject(data)


def _without_status(packet: bytes) -> bytes:
    return packet[:3] + packet[4:-2]
