"""Bytes cut into lines, with a cap: the framing of every device that speaks in lines."""

import re

LINE_LIMIT_BYTES = 16 * 1024
"""The longest line of a real day is under 1 KiB; more than this has lost its end."""


class Lines:
    """Holds the line that is arriving, never more than the limit of it."""

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES, ends: bytes = b"\r\n") -> None:
        self._limit_bytes = limit_bytes
        self._ends = re.compile(b"[" + re.escape(ends) + b"]")
        self._line = bytearray()
        self._dropping = False

    @property
    def waiting(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._line) or self._dropping

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, without their ends; empty ones are left out.

        Of a line over the limit only its first bytes are returned, at its end, so that it is counted once.
        """
        *done, rest = self._ends.split(data)
        found = []
        for part in done:
            self._take(part)
            if self._line:
                found.append(bytes(self._line))
            self.drop()
        self._take(rest)
        return found

    def take(self) -> bytes:
        """Return what has arrived of a line, and forget it."""
        line = bytes(self._line)
        self.drop()
        return line

    def drop(self) -> None:
        """Forget what has arrived of a line."""
        self._line.clear()
        self._dropping = False

    def _take(self, part: bytes) -> None:
        if self._dropping:
            return
        room = self._limit_bytes - len(self._line)
        self._dropping = len(part) > room
        self._line += part[:room]
