"""What bytes from an unknown device look like: text or not, seven bits or eight, which driver knows them. Pure.

Only evidence and a proposal with its reasons; whoever installs the device decides. A receiver cannot tell one stop bit
from two, so those are never part of a proposal.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.codes import CodeError, parse
from broker.words import Word
from edge.drivers.device import Framing
from edge.drivers.readings import Gap, Parser, Reading, Text
from edge.drivers.scanner import ssi
from edge.drivers.table import DRIVERS, READERS, usual

ENOUGH_BYTES = 8
"""The shortest thing a device says in one piece: a short code and its CR. Less proves nothing."""
TEXT_SHARE = 0.95

_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\x02\x03\x11\x12\x13\x14")
"""ASCII, with STX and ETX of scanners and the DC codes of Fanuc's interface (field data, RS-232)."""
_LEADER = re.compile(rb"(?<=[\x12\x92])[\x00\x80]+")
"""The NULs that a punch sends after its DC2, with or without parity: no text, and no sign of a wrong speed."""
_ENDS = (b"\r", b"\n", b"\x03")
_ZEBRA = "scanner (feedback = zebra-ssi)"
_PATIENCE_BYTES = 64
_WORTH_SHARE = 0.5
"""Of less text no driver could read a line: all that speak unasked speak in text."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What one driver made of the bytes: lines it read, lines that fit no grammar, and its first readings."""

    driver: str
    read: int
    malformed: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Sounding:
    """What was heard at one setting of the line, and what it looks like."""

    baud: int | None
    framing: Framing
    count: int
    text_share: float
    ends: int
    hits: tuple[Hit, ...]
    parity_seen: bool = False

    @property
    def score(self) -> float:
        """How much speaks for it: a driver that reads it weighs most, then text, then ends of lines."""
        best = max((hit.read - hit.malformed for hit in self.hits), default=0)
        return min(best, 10) * 2 + self.text_share * 10 + min(self.ends, 5)

    @property
    def good(self) -> bool:
        """Whether this may be proposed: a driver reads it, or it is text that ends its lines."""
        if self.count < ENOUGH_BYTES:
            return False
        return any(hit.read > hit.malformed for hit in self.hits) or (self.text_share >= TEXT_SHARE and self.ends > 0)

    @property
    def bad(self) -> bool:
        """Whether enough was heard to go on to the next setting."""
        return not self.good and (
            self.count >= _PATIENCE_BYTES or (self.count >= ENOUGH_BYTES and self.text_share < TEXT_SHARE - 0.25)
        )


def sound(data: bytes, baud: int | None, framing: Framing = "8N1") -> Sounding:
    r"""Return what bytes heard at a baud rate (None: not a serial line) and framing look like.

    Heard as 8N1, seven bits with parity show it in the eighth bit of every byte.

    >>> sound(bytes(b | (b.bit_count() % 2) << 7 for b in b"DPRNT 12 34 56 78 90 12 34\r\n"), 4800).framing
    '7E1'
    """
    data = _LEADER.sub(b"", data)
    parity = _parity(data) if framing == "8N1" and baud is not None else None
    if parity:
        framing, data = parity, bytes(byte & 0x7F for byte in data)
    text = sum(byte in _TEXT for byte in data)
    share = text / len(data) if data else 0.0
    ends = max(data.count(end) for end in _ENDS)
    hits = drivers(data) if share >= _WORTH_SHARE else ()
    return Sounding(baud, framing, len(data), share, ends, hits, parity is not None)


def best(soundings: Iterable[Sounding]) -> Sounding | None:
    """Return the one that most speaks for; None if none may be proposed."""
    return max((one for one in soundings if one.good), key=lambda one: one.score, default=None)


def drivers(data: bytes) -> tuple[Hit, ...]:
    """Return what each driver makes of the bytes, the best first; those that read nothing are left out.

    Some drivers only hear answers to what they ask: nobody asks here, so they are not found.
    """
    codes = [_codes(name, usual(name), data) for name in READERS]
    if not any(hit.read for hit in codes):
        codes.append(_codes(_ZEBRA, ssi.Parser(), data))  # what stands in no packet is plain text to it, too
    found = [hit for hit in (*codes, *(_hit(name, data) for name in DRIVERS)) if hit.read]
    return tuple(sorted(found, key=lambda hit: (hit.malformed - hit.read, hit.driver)))


def _hit(name: str, data: bytes) -> Hit:
    parser = usual(name)
    parser.opened(0)
    readings = [*parser.feed(data, 0), *parser.feed(b"\n", 0)]
    told = tuple(reading for reading in readings if not isinstance(reading, Gap))
    tally = parser.tally
    return Hit(name, tally.lines - tally.malformed - tally.other, tally.malformed, told[:3])


def _codes(name: str, parser: Parser, data: bytes) -> Hit:
    """Return what a scanner would have read: only codes of ours count, since any text could be somebody's bar code."""
    parser.opened(0)
    texts = [reading for reading in (*parser.feed(data, 0), *parser.feed(b"\r", 0)) if isinstance(reading, Text)]
    known = [text for text in texts if _is_code(text.text)]
    return Hit(name, len(known), 0, tuple(known[:3]))


def _is_code(text: str) -> bool:
    try:
        parse(text.strip())
    except CodeError:
        return False
    return True


def reasons(found: Sounding) -> Sequence[Word]:
    """Say why a setting is proposed."""
    share = f"{found.text_share:.0%}"
    said = [Word(f"{found.count} バイト中 {share} が文字", f"{share} of {found.count} bytes are text")]
    if found.ends:
        said.append(Word(f"行の終わり {found.ends}", f"{found.ends} ends of line"))
    if found.parity_seen:
        kind = Word("偶数", "even") if found.framing == "7E1" else Word("奇数", "odd")
        said.append(Word(f"全バイトが{kind.ja}パリティ", f"every byte has {kind.en} parity"))
    for hit in found.hits[:2]:
        total = hit.read + hit.malformed
        said.append(
            Word(
                f"{hit.driver} が {total} 行中 {hit.read} 行を読めた", f"{hit.driver} reads {hit.read} of {total} lines"
            )
        )
    return said


def _parity(data: bytes) -> Framing | None:
    """Return the framing that the eighth bits show; None if they show none (all clear is eight bits of ASCII).

    Eight bytes have one parity, and are text below it, by chance once in some thousand times.
    """
    if len(data) < ENOUGH_BYTES or not any(byte & 0x80 for byte in data):
        return None
    if sum(byte & 0x7F in _TEXT for byte in data) < TEXT_SHARE * len(data):
        return None
    odd = sum(byte.bit_count() % 2 for byte in data)
    if odd == 0:
        return "7E1"
    return "7O1" if odd == len(data) else None
