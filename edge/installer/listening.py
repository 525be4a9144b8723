"""`mawashi-edge listen`: what comes over a line, as it comes, and at which speed it makes sense. Sends nothing.

What the bytes look like is judged in `edge.installer.sounding`.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from broker.words import Word
from edge import raw
from edge.drivers.device import Framing, Place, Serial
from edge.installer.places import Kept
from edge.installer.sounding import Sounding, best, reasons, sound
from edge.installer.trial import said, shown
from edge.raw import Chunk
from edge.wire import SerialWire, Wire, open_wire

SETTINGS: tuple[tuple[int, Framing], ...] = (
    *((baud, "8N1") for baud in (9600, 115_200, 19_200, 4800, 38_400, 57_600, 2400, 1200)),
    (9600, "8E1"),
    (19_200, "8E1"),
)
"""The speeds of shop devices, likeliest first: scanners and Haas 9600, Arduinos 115200, Fanuc punches 4800. Seven bits
show themselves in 8N1 (`edge.installer.sounding`); 8E1 is Modbus RTU's own."""

_READ_SECONDS, _GATHER_SECONDS, _GATHER_BYTES = 0.25, 0.06, 256
_WINDOW_BYTES = 4096
_SHOWN_BYTES = 24
_TAIL_CHUNKS = 20


@dataclass
class Listening:
    """What was heard so far at each setting, and which one is tried now. `tune` None: there is nothing to tune."""

    tune: Callable[[int, Framing], None] | None
    baud: int | None = None
    framing: Framing = "8N1"
    speedless: bool = False
    """Whether the line has no speed at all, as USB-COM: whatever is set is read."""
    heard_bytes: int = 0
    tried: dict[tuple[int | None, Framing], Sounding] = field(default_factory=dict)
    _window: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> Sounding:
        """Take bytes and return what the present setting sounds like; if it is bad, the next one is tried."""
        self.heard_bytes += len(data)
        self._window += data
        del self._window[:-_WINDOW_BYTES]
        found = sound(bytes(self._window), self.baud, self.framing)
        self.tried[self.baud, self.framing] = found
        if found.bad and self.tune:
            self._next()
        return found

    @property
    def proposal(self) -> Sounding | None:
        """What speaks for itself most; None if nothing does."""
        return best(self.tried.values())

    def _next(self) -> None:
        left = [one for one in SETTINGS if one not in self.tried]
        if left:
            self.baud, self.framing = left[0]
        else:
            self.tried.clear()
            self.baud, self.framing = SETTINGS[0]
        self._window.clear()
        assert self.tune
        self.tune(self.baud, self.framing)


def hear(place: Kept | Place) -> Iterator[tuple[Listening, Chunk | None]]:
    """Yield what is heard, as it comes, for ever or to the end of a file; None when a moment has brought nothing.

    Raises one of `edge.wire.FAILURES` when the line is gone.
    """
    if isinstance(place, Kept):
        listening = Listening(None)
        for chunk in _recorded(place):
            yield listening, chunk
        return
    wire = open_wire(place)
    try:
        tune = wire.tune if isinstance(wire, SerialWire) else None
        listening = Listening(None)
        if isinstance(place, Serial):
            listening = Listening(tune, place.baud, place.framing, _is_speedless(place.port))
        while True:
            data = _gather(wire)
            yield listening, Chunk(datetime.now(UTC), data) if data else None
    finally:
        wire.close()


def lines(chunk: Chunk) -> Iterator[str]:
    """Show bytes for people: time, hex and text."""
    when = f"{chunk.at.astimezone():%H:%M:%S}.{chunk.at.microsecond // 1000:03}"
    for start in range(0, len(chunk.data), _SHOWN_BYTES):
        part = chunk.data[start : start + _SHOWN_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        yield f"{when} {'>' if chunk.sent else '<'} {part.hex(' '):{_SHOWN_BYTES * 3}} {text}"
        when = " " * len(when)


def verdict(listening: Listening) -> Iterator[str]:
    """Say for people what was heard and what is proposed, and why."""
    found = listening.proposal
    if not listening.heard_bytes:
        yield _both(_NOTHING)
    elif found is None:
        yield _both(_NO_SENSE)
    else:
        setting = f'baud = {found.baud}, framing = "{found.framing}"' if found.baud else _both(_NO_SPEED)
        why = reasons(found)
        yield f"提案 / proposal: {setting}"
        if found.baud and listening.speedless and len(listening.tried) == 1:
            yield f"  {_both(_ANY_SPEED)}"
        yield f"  理由 / because: {'、'.join(word.ja for word in why)} / {', '.join(word.en for word in why)}"
        if not found.hits:
            yield f"  {_both(_ANY_TEXT)}"
        for hit in found.hits:
            told = "  ".join(said(reading) for reading in hit.readings)
            yield f"  {hit.driver}: {hit.read} ok, {hit.malformed} malformed  {told}"


def plain(listening: Listening) -> dict[str, object]:
    """Return the same for programs."""
    found = listening.proposal
    return {
        "heard_bytes": listening.heard_bytes,
        "proposal": _plain(found) if found else None,
        "tried": [_plain(one) for one in listening.tried.values()],
    }


def plain_chunk(listening: Listening, chunk: Chunk) -> dict[str, object]:
    """Return bytes for programs."""
    return {
        "at": chunk.at.isoformat(timespec="milliseconds"),
        "sent": chunk.sent,
        "baud": listening.baud,
        "framing": listening.framing if listening.baud else None,
        "hex": chunk.data.hex(),
        "text": shown(chunk.data),
    }


def _plain(found: Sounding) -> dict[str, object]:
    return {
        "baud": found.baud,
        "framing": found.framing if found.baud else None,
        "bytes": found.count,
        "text_share": round(found.text_share, 3),
        "because": [word.en for word in reasons(found)],
        "drivers": {
            hit.driver: {
                "lines": hit.read + hit.malformed,
                "malformed": hit.malformed,
                "readings": [said(reading) for reading in hit.readings],
            }
            for hit in found.hits
        },
    }


def _is_speedless(port: Path) -> bool:
    """Whether a port is USB from end to end (CDC-ACM), or a pty."""
    real = port.resolve()
    return real.name.startswith("ttyACM") or real.is_relative_to("/dev/pts")


def _gather(wire: Wire) -> bytes:
    """Return what comes together: at a slow speed a line arrives byte by byte."""
    data = wire.read(_READ_SECONDS)
    while data and len(data) < _GATHER_BYTES and (more := wire.read(_GATHER_SECONDS)):
        data += more
    return data


def _recorded(kept: Kept) -> Iterator[Chunk | None]:
    if kept.growing:
        yield from _follow(kept.path)
    elif raw.is_raw(kept.path):
        yield from raw.read(kept.path)
    else:
        with kept.path.open("rb") as stream:
            while data := stream.read(_GATHER_BYTES):
                yield Chunk(datetime.fromtimestamp(kept.path.stat().st_mtime, UTC), data)


def _follow(folder: Path) -> Iterator[Chunk | None]:
    """Yield the last chunks of a recording that another process makes, and then what it adds."""
    known = raw.files(folder)
    file, place = (known[-1], 0) if known else (None, 0)
    if file is not None:
        with file.open("rb") as stream:
            stream.seek(len(raw.FIRST_LINE))
            yield from deque(raw.chunks(stream), _TAIL_CHUNKS)
            place = stream.tell()
    while True:
        newer = [one for one in raw.files(folder) if file is None or one.name > file.name]
        if file is not None and file.exists():
            with file.open("rb") as stream:
                stream.seek(place)
                yield from raw.chunks(stream)
                place = stream.tell()
        if newer:
            file, place = newer[0], len(raw.FIRST_LINE)
            continue
        yield None
        time.sleep(_READ_SECONDS)


_NOTHING = Word(
    "何も届きません。線と電源を確かめ、装置を動かしてください（聞かれて答える装置は try haas、modbus、mtconnect）",
    "nothing was heard. See cable and power, and make the device speak (some only answer when asked: use try, with "
    "haas, modbus or mtconnect)",
)
_NO_SENSE = Word(
    "届きましたが、どの速さでも文字になりません。速さと枠を取扱説明書で確かめてください",
    "bytes came, but they are text at no speed tried. Look up speed and framing in the device's manual",
)
_ANY_TEXT = Word(
    "文字ですが、票でも、知っている機械の行でもありません。スキャナなら、印刷した票を読んで確かめ、[[scanner]] に",
    "it is text, but no ticket and no line of a machine we know. If it is a scanner, scan a printed ticket to be sure, "
    "and write it as a [[scanner]]",
)
_ANY_SPEED = Word(
    "この口に速さはありません（USB-COM など）。どの baud でも同じに読め、書かなくて構いません",
    "this port has no speed of its own (USB-COM and the like): any baud reads it, and none need be written",
)
_NO_SPEED = Word("速さの設定は要りません", "no speed to set")


def _both(word: Word) -> str:
    return f"{word.ja} / {word.en}"
