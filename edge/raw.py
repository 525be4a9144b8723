"""What a device sent, byte for byte, as kept on the edge's disk for `listen`, `try` and support: files and format.

A folder a device holds a few numbered files; each begins with a line of ours, then chunks as they arrived:
`@<ms since 1970> <direction> <length>`, LF, the bytes, LF. Who writes them is `edge.tap`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

FOLDER = "raw"
FIRST_LINE = b"mawashi raw 1\n"
HEARD, SENT = b"<", b">"
FILES = 8
"""A ring is so many files: the oldest is dropped whole."""
CHUNK_BYTES = 64 * 1024

_HEAD = re.compile(rb"@(\d{1,15}) ([<>]) (\d{1,6})\n")
_NAME = re.compile(r"\d{8}\.raw")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MS = 253_402_300_799_000
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that arrived at once. `sent`: what was asked of the device, never more than a question."""

    at: datetime
    data: bytes
    sent: bool = False


def encode(chunk: Chunk) -> bytes:
    r"""Return a chunk as it stands in a file; at most CHUNK_BYTES of it.

    >>> encode(Chunk(_EPOCH, b"C,1,5"))
    b'@0 < 5\nC,1,5\n'
    """
    data = chunk.data[:CHUNK_BYTES]
    milliseconds = (chunk.at - _EPOCH) // timedelta(milliseconds=1)
    return b"@%d %s %d\n%s\n" % (milliseconds, SENT if chunk.sent else HEARD, len(data), data)


def files(folder: Path) -> list[Path]:
    """Return the files of one device, oldest first; none if there is no such folder."""
    try:
        return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))
    except OSError:
        return []


def is_raw(path: Path) -> bool:
    """Say whether a path is a device's folder here, or one file of it."""
    if path.is_dir():
        return bool(files(path))
    try:
        with path.open("rb") as stream:
            return stream.read(len(FIRST_LINE)) == FIRST_LINE
    except OSError:
        return False


def read(path: Path) -> Iterator[Chunk]:
    """Yield what a folder or a file holds, oldest first. What was cut short by a power cut ends its file."""
    for file in files(path) if path.is_dir() else [path]:
        try:
            with file.open("rb") as stream:
                if stream.readline(len(FIRST_LINE) + 1) == FIRST_LINE:
                    yield from chunks(stream)
        except FileNotFoundError:
            continue  # the oldest was dropped meanwhile


def chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Yield the whole chunks from here on, and leave the stream where the next one will begin."""
    while True:
        place = stream.tell()
        head = _HEAD.fullmatch(stream.readline(64))
        size = int(head[3]) if head else 0
        data = stream.read(size + 1) if head else b""
        if head is None or len(data) <= size or data[-1:] != b"\n" or int(head[1]) > _MOST_MS:
            stream.seek(place)
            return
        yield Chunk(_EPOCH + timedelta(milliseconds=int(head[1])), data[:-1], head[2] == SENT)
