"""A pulse counter's record `C,<seq>,<count>,<uptime ms>*<CRC-8>`: its text, its check, how its numbers go round."""

import re
from dataclasses import dataclass

ROUND = 2**32
"""An Arduino's `unsigned long`, in which it keeps all three numbers: its uptime begins again at 0 after 49.7 days."""
_UPTIME_STEP_MOST_MS = 60 * 60_000
_RECORD = re.compile(rb"C,(\d{1,20}),(\d{1,10}),(\d{1,20})\*([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Record:
    """What a counter says: the line's own number, the pulses so far, and for how long it has been on."""

    number: int
    count: int
    uptime_ms: int

    def line(self) -> bytes:
        r"""Return it as it is sent.

        >>> Record(1, 5, 1000).line()
        b'C,1,5,1000*48\n'
        """
        text = b"C,%d,%d,%d" % (self.number % ROUND, self.count % ROUND, self.uptime_ms % ROUND)
        return b"%b*%02X\n" % (text, crc8(text))

    def follows(self, before: "Record") -> bool:
        """Whether the same board has been on since `before`; an uptime that went round is no beginning."""
        if self.uptime_ms >= before.uptime_ms:
            return True
        went_round = (self.uptime_ms - before.uptime_ms) % ROUND <= _UPTIME_STEP_MOST_MS
        return went_round and 0 < (self.number - before.number) % ROUND <= ROUND // 2


def record_of(line: bytes) -> Record | None:
    """Return a line's record; None if it is none, or its checksum is not that of its text."""
    found = _RECORD.fullmatch(line)
    if found is None or crc8(line[: line.index(b"*")]) != int(found[4], 16):
        return None
    return Record(int(found[1]), int(found[2]), int(found[3]))


def crc8(data: bytes) -> int:
    """Return the CRC-8 of SMBus (polynomial 0x07, beginning at 0): a few lines on any board.

    >>> crc8(b"123456789")
    244
    """
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
