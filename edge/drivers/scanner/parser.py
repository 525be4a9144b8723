"""A scanner's byte stream cut into scanned texts. Sans-io: it is fed bytes with their time, and asked when it is quiet.

What a text means is not known here (see `broker.codes` and `edge.rules`). Packets are cut in `ssi`.
"""

import re
from dataclasses import dataclass

from edge.drivers.readings import Reading, Tally, Text

FRAME_LIMIT_BYTES = 4096
"""A QR code holds at most 2,953 bytes (ISO/IEC 18004, version 40-L); what is longer has lost its end."""
HALF_FRAME_MS = 1000
"""A scanner sends a code without pause: so long a gap inside one means a pulled cable or a hub that browned out."""
IDLE_END_MS = 80
"""With `idle_end`: between the 50 and 100 ms that industrial readers leave between codes."""
ACK = b"\x06"
"""Taken. NAK is never sent: it makes the scanner send the same again, and no check says that a frame is damaged.

Source: Honeywell 3310g user's guide, page 40 (ACK/NAK protocol, off by default).
"""

_AIM = re.compile(r"\]([A-Za-z][0-9A-Za-z])")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_UNLIKELY = re.compile(r"[\x80-\x9f\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True)
class Setup:
    """How one scanner is set. `aim_id`: it sends an AIM identifier (`]Q1`) before each code. `idle_end`: no suffix.

    `ack_nak`: after each code it waits for an ACK.
    """

    aim_id: bool = False
    idle_end: bool = False
    ack_nak: bool = False


class Parser:
    """Holds the frame that is arriving, never more than 4 KiB of it."""

    def __init__(self, setup: Setup | None = None) -> None:
        self.tally = Tally()
        self._setup = setup or Setup()
        self._frame = bytearray()
        self._too_long = False
        self._last_ms = 0
        self._owes_ack = False

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`."""
        self._last_ms, self._owes_ack = mono_ms, False
        self.drop()

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes that arrived at `mono_ms` and return the texts they complete, oldest first."""
        found = self.idle(mono_ms)
        if data:
            self._last_ms = mono_ms
        for chunk in re.split(b"([\r\n\x03\x02])", data):
            if chunk in (b"\r", b"\n", b"\x03"):
                found += self._end()
            elif chunk == b"\x02":
                self.drop()  # a prefix begins a frame: what came before it has no end
            else:
                self._take(chunk)
        return found

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived until `mono_ms`: ends the frame if set so, or discards a half one."""
        quiet_ms = mono_ms - self._last_ms
        if self._setup.idle_end and quiet_ms >= IDLE_END_MS:
            return self._end()
        if quiet_ms > HALF_FRAME_MS:
            self.drop()
        return []

    def to_send(self, mono_ms: int) -> bytes:
        """Return an ACK if the scanner waits for one, else nothing."""
        _ = mono_ms
        owes, self._owes_ack = self._owes_ack, False
        return ACK if owes else b""

    def drop(self) -> None:
        """Forget what has arrived of a frame, and count it."""
        if self._frame:
            self._reject()
        self._too_long = False

    def _take(self, chunk: bytes) -> None:
        if self._too_long:
            return
        room = FRAME_LIMIT_BYTES - len(self._frame)
        self._frame += chunk[:room]
        if len(chunk) > room:
            self._reject()
            self._too_long = True

    def _end(self) -> list[Reading]:
        data, too_long = bytes(self._frame), self._too_long
        self._frame.clear()
        self._too_long = False
        if not data.strip(b" \t\x00"):  # the LF after a CR; NULs while the line comes up
            self._owes_ack |= too_long and self._setup.ack_nak
            return []
        self._owes_ack |= self._setup.ack_nak
        self.tally.lines += 1
        return [scanned(data, aim_id=self._setup.aim_id)]

    def _reject(self) -> None:
        self.tally.lines += 1
        self.tally.reject(bytes(self._frame))
        self._frame.clear()


def scanned(data: bytes, *, aim_id: bool) -> Text:
    r"""Return the text of one frame and, where the scanner sends them, its AIM identifier.

    UTF-8; else Shift_JIS (cp932) where that gives Japanese; else what is not UTF-8 stands in the text as `\x..`.
    """
    text = _decoded(data)
    found = _AIM.match(text) if aim_id else None
    return Text(text[found.end() :], found[1]) if found else Text(text)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    text = data.decode("cp932", errors="ignore")
    whole = text.encode("cp932", errors="ignore") == data
    if whole and _JAPANESE.search(text) and not _UNLIKELY.search(text):
        return text
    return data.decode(errors="backslashreplace")
