"""Modbus frames out of bytes, and questions into bytes, by pymodbus's own framers and decoders. Sans-io.

The only module that imports pymodbus (its clients, servers and threads stay unused). Where a frame begins and ends is
found here, because pymodbus's RTU framer drops all it holds at the first bad CRC, a good answer behind the noise too.
Source: MODBUS over Serial Line V1.02 (2.5.1 RTU frame, 256 bytes at most); MODBUS Messaging on TCP/IP V1.0b (3.1.3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from edge.drivers.modbus.reads import BITS, BITS_MOST, REGISTERS_MOST, Question, Read

_RTU_MOST, _RTU_LEAST = 256, 5
_TCP_MOST = 260
_QUESTION_BYTES = 8
_EXCEPTION = 0x80
_READS = frozenset(Read)


_REQUESTS: dict[Read, type[ModbusPDU]] = {
    Read.COILS: ReadCoilsRequest,
    Read.DISCRETE: ReadDiscreteInputsRequest,
    Read.HOLDING: ReadHoldingRegistersRequest,
    Read.INPUT: ReadInputRegistersRequest,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose length and checksum are right. `pdu` begins with the function. `tag`: TCP's transaction, else 0."""

    unit: int
    tag: int
    pdu: bytes
    raw: bytes

    @property
    def question(self) -> Question | None:
        """The question that it is, if it can be one: somebody else's, or in a recording of both ways."""
        if len(self.pdu) != 5 or self.pdu[0] not in _READS:
            return None
        address, count = int.from_bytes(self.pdu[1:3], "big"), int.from_bytes(self.pdu[3:5], "big")
        most = BITS_MOST if self.pdu[0] in BITS else REGISTERS_MOST
        return Question(self.unit, Read(self.pdu[0]), address, count) if 1 <= count <= most else None

    @property
    def fits(self) -> bool:
        """Whether an answer to a read is as long as it says. Other functions are not ours to judge."""
        function, *rest = self.pdu
        if function & _EXCEPTION:
            return len(rest) in (1, 2)  # a device of a published capture adds a 0
        if function in _READS and self.question is None:
            return len(rest) > 1 and rest[0] == len(rest) - 1 and (function in BITS or rest[0] % 2 == 0)
        return True


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that belong to no frame, as far as they are kept."""

    raw: bytes


class Framing(Protocol):
    """What RTU and TCP have in common. `numbered`: an answer has the number of its question."""

    numbered: ClassVar[bool]

    def ask(self, question: Question, tag: int) -> bytes:
        """Return the bytes of a question."""

    def feed(self, data: bytes) -> Iterator[Frame | Noise]:
        """Return what these bytes complete. The same however a stream is cut."""

    def drop(self) -> None:
        """Forget what has arrived of a frame: the connection is a new one."""

    def lull(self) -> bytes:
        """Say that the line was quiet, so that what has arrived of a frame is none; return it."""

    def values(self, frame: Frame, question: Question) -> list[int] | int:
        """Return an answer's values, one a bit or register; of an exception its code. For a frame that fits."""


class Rtu:
    """A serial line. A frame has no length there: each place that may be a beginning is held until its end is there."""

    numbered: ClassVar[bool] = False

    def __init__(self) -> None:
        self._framer = FramerRTU(DecodePDU(is_server=False))
        self._bytes = bytearray()
        self._ends: dict[int, list[int]] = {}
        """By the place after a frame's last byte: where it would have begun. Places are counted from `drop`."""
        self._gone = 0
        self._noise = b""

    def ask(self, question: Question, tag: int) -> bytes:
        """See `Framing`."""
        return _built(self._framer, question, tag)

    def feed(self, data: bytes) -> Iterator[Frame | Noise]:
        """See `Framing`."""
        for byte in data:
            self._take(byte)
            end = self._gone + len(self._bytes)
            for start in self._ends.pop(end, ()):
                raw = bytes(self._bytes[start - self._gone :])
                if FramerRTU.check_CRC(raw[:-2], int.from_bytes(raw[-2:], "big")):
                    if before := self._noise + self._bytes[: start - self._gone]:
                        yield Noise(bytes(before[:_RTU_MOST]))
                    self.drop()
                    yield Frame(raw[0], 0, raw[1:-2], raw)
                    break

    def drop(self) -> None:
        """See `Framing`."""
        self._bytes.clear()
        self._ends.clear()
        self._gone, self._noise = 0, b""

    def lull(self) -> bytes:
        """See `Framing`."""
        kept = bytes(self._noise + self._bytes)[:_RTU_MOST]
        self.drop()
        return kept

    def values(self, frame: Frame, question: Question) -> list[int] | int:
        """See `Framing`."""
        return _values(self._framer, frame, question)

    def _take(self, byte: int) -> None:
        """Keep a byte, and note where a frame would end that began two bytes ago."""
        self._bytes.append(byte)
        if len(self._bytes) > _RTU_MOST:
            self._noise = self._noise or bytes(self._bytes[:_RTU_MOST])
            del self._bytes[0]
            self._gone += 1
        if len(self._bytes) < 3:
            return
        start, function = self._gone + len(self._bytes) - 3, self._bytes[-2]
        if function & _EXCEPTION:
            self._ends.setdefault(start + _RTU_LEAST, []).append(start)
        elif function in _READS:
            self._ends.setdefault(start + _QUESTION_BYTES, []).append(start)
            if 0 < byte <= _RTU_MOST - _RTU_LEAST and byte != 3:
                self._ends.setdefault(start + _RTU_LEAST + byte, []).append(start)


class Tcp:
    """A TCP connection: a header says how long a frame is. Where it cannot, a sensible one is looked for byte by byte.

    A frame of another protocol is passed whole by its length: what follows is in its place then.
    """

    numbered: ClassVar[bool] = True

    def __init__(self) -> None:
        self._framer = FramerSocket(DecodePDU(is_server=False))
        self._bytes = bytearray()
        self._noise = bytearray()
        self._lost = False

    def ask(self, question: Question, tag: int) -> bytes:
        """See `Framing`."""
        return _built(self._framer, question, tag)

    def feed(self, data: bytes) -> Iterator[Frame | Noise]:
        """See `Framing`."""
        for byte in data:
            self._bytes.append(byte)
            while len(self._bytes) >= 6 and (self._lost or self._length() > _TCP_MOST - 6) and not self._sensible():
                self._lost = True
                if len(self._noise) < _TCP_MOST:
                    self._noise.append(self._bytes[0])
                del self._bytes[0]
            if len(self._bytes) >= 6 and len(self._bytes) == 6 + self._length():
                raw, noise, good = bytes(self._bytes), bytes(self._noise), self._sensible()
                self.drop()
                if noise:
                    yield Noise(noise)
                yield Frame(raw[6], int.from_bytes(raw[:2], "big"), raw[7:], raw) if good else Noise(raw)

    def drop(self) -> None:
        """See `Framing`."""
        self._bytes.clear()
        self._noise.clear()
        self._lost = False

    def lull(self) -> bytes:
        """See `Framing`."""
        kept = bytes(self._noise + self._bytes)
        self.drop()
        return kept

    def values(self, frame: Frame, question: Question) -> list[int] | int:
        """See `Framing`."""
        return _values(self._framer, frame, question)

    def _length(self) -> int:
        return int.from_bytes(self._bytes[4:6], "big")

    def _sensible(self) -> bool:
        return self._bytes[2:4] == b"\0\0" and 2 <= self._length() <= _TCP_MOST - 6


class Either:
    """A recording of which nobody said whether it is RTU or TCP: the one that understands a frame first it is."""

    numbered: ClassVar[bool] = False

    def __init__(self) -> None:
        self._framings: list[Rtu | Tcp] = [Rtu(), Tcp()]

    def ask(self, question: Question, tag: int) -> bytes:
        """See `Framing`. Where nothing is known nothing is asked."""
        _ = question, tag
        return b""

    def feed(self, data: bytes) -> Iterator[Frame | Noise]:
        """See `Framing`."""
        for n in range(len(data)):
            found = [list(framing.feed(data[n : n + 1])) for framing in self._framings]
            for framing, pieces in zip(self._framings, found, strict=True):
                if any(isinstance(piece, Frame) and piece.fits for piece in pieces):
                    self._framings, found = [framing], [pieces]
                    break
            if len(self._framings) == 1:
                yield from found[0]

    def drop(self) -> None:
        """See `Framing`."""
        self._framings = [Rtu(), Tcp()]

    def lull(self) -> bytes:
        """See `Framing`."""
        return self._framings[0].lull()

    def values(self, frame: Frame, question: Question) -> list[int] | int:
        """See `Framing`."""
        return self._framings[0].values(frame, question)


def _built(framer: FramerRTU | FramerSocket, question: Question, tag: int) -> bytes:
    request = _REQUESTS[question.read](
        address=question.address, count=question.count, dev_id=question.unit, transaction_id=tag
    )
    return framer.buildFrame(request)


def _values(framer: FramerRTU | FramerSocket, frame: Frame, question: Question) -> list[int] | int:
    _, pdu = framer.handleFrame(frame.raw, 0, 0)
    assert pdu is not None, "the frame was looked at before"
    if pdu.isError():
        return pdu.exception_code
    found = [int(bit) for bit in pdu.bits] if question.read in BITS else list(pdu.registers)
    return found[: question.count]
