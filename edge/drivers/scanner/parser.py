"""A scanner's byte stream cut into scanned texts. Sans-io: it is fed bytes with their time, and asked when it is quiet.

What a text means is not known here (see `broker.codes` and `edge.rules`).
"""

import re
from dataclasses import dataclass, replace

FRAME_LIMIT_BYTES = 4096
"""A QR code holds at most 2,953 bytes (ISO/IEC 18004, version 40-L); what is longer has lost its end."""
HALF_FRAME_MS = 1000
"""A scanner sends a code without pause: so long a gap inside one means a pulled cable or a hub that browned out."""
IDLE_END_MS = 80
"""With `idle_end`: between the 50 and 100 ms that industrial readers leave between codes."""

_AIM = re.compile(r"\]([A-Za-z][0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Framing:
    """How one scanner is set. `aim_id`: it sends an AIM identifier (`]Q1`) before each code. `idle_end`: no suffix."""

    aim_id: bool = False
    idle_end: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    r"""One scanned text. `symbology` is the AIM identifier without `]`, None if the scanner sent none.

    Bytes that are not UTF-8 stand in the text as `\x..`.
    """

    text: str
    symbology: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What this scanner has sent since the agent started. `overflow`: frames over 4 KiB; `half`: frames cut short."""

    frames: int = 0
    overflow: int = 0
    half: int = 0


class Parser:
    """Holds the frame that is arriving, never more than 4 KiB of it."""

    def __init__(self, framing: Framing | None = None) -> None:
        self.framing = framing or Framing()
        self.counts = Counts()
        self._frame = bytearray()
        self._too_long = False
        self._last_ms = 0

    def feed(self, data: bytes, mono_ms: int) -> list[Frame]:
        """Take bytes that arrived at `mono_ms` (monotonic) and return the frames they complete, oldest first."""
        found = self.idle(mono_ms)
        if data:
            self._last_ms = mono_ms
        for chunk in re.split(b"([\r\n\x03\x02])", data):
            if chunk in (b"\r", b"\n", b"\x03"):
                found += self._end()
            elif chunk == b"\x02":
                self._drop()  # a prefix begins a frame: what came before it has no end
            else:
                self._take(chunk)
        return found

    def idle(self, mono_ms: int) -> list[Frame]:
        """Say that nothing has arrived until `mono_ms`: ends the frame if set so, or discards a half one."""
        quiet_ms = mono_ms - self._last_ms
        if self.framing.idle_end and quiet_ms >= IDLE_END_MS:
            return self._end()
        if quiet_ms > HALF_FRAME_MS:
            self._drop()
        return []

    def reopened(self) -> None:
        """Say that the port was closed and opened again: what had arrived of a frame is not its beginning."""
        self._drop()

    def _take(self, chunk: bytes) -> None:
        if self._too_long:
            return
        if len(self._frame) + len(chunk) > FRAME_LIMIT_BYTES:
            self._frame.clear()
            self._too_long = True
            self.counts = replace(self.counts, overflow=self.counts.overflow + 1)
        else:
            self._frame += chunk

    def _end(self) -> list[Frame]:
        data = bytes(self._frame)
        self._frame.clear()
        self._too_long = False
        if not data.strip(b" \t\x00"):  # the LF after a CR; NULs while the line comes up
            return []
        self.counts = replace(self.counts, frames=self.counts.frames + 1)
        text = data.decode("utf-8", errors="backslashreplace")
        found = _AIM.match(text) if self.framing.aim_id else None
        return [Frame(text[found.end() :], found[1]) if found else Frame(text)]

    def _drop(self) -> None:
        if self._frame:
            self._frame.clear()
            self.counts = replace(self.counts, half=self.counts.half + 1)
        self._too_long = False
