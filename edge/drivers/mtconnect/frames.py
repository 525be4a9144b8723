"""Bytes cut into XML documents, whatever stands around them. What a document says is not known here.

A document begins at its declaration or its root and ends with the end tag of its root, so a file saved from a browser,
a body without a length, and the parts of a stream are cut alike, and a wrong length of a part spoils nothing. The heads
of a stream's parts are what stands between.
"""

import re

DOCUMENT_BYTES_MOST = 4 * 1024 * 1024
"""A machine with 300 data items says some 100 KB in /current; a thousand observations are 250 KB."""
_SHOWN_BYTES = 200
_TAG_BYTES = 128
"""More than the longest tag looked for."""

_BEGIN = re.compile(rb"<\?xml\s|<(?:[\w.-]{1,40}:)?MTConnect[A-Z]\w")
_END_OR_NEXT = re.compile(rb"</(?:[\w.-]{1,40}:)?MTConnect[A-Z]\w{1,20}\s{0,20}>|<\?xml\s")


class Frames:
    """Holds the document that is arriving, never more than the limit of it.

    `between`: what stands between documents is returned too, its first bytes, once.
    """

    def __init__(self, limit_bytes: int = DOCUMENT_BYTES_MOST, *, between: bool) -> None:
        self._limit_bytes, self._between = limit_bytes, between
        self._bytes = bytearray()
        self._inside = False
        self._searched = 0
        self._junk = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return what these bytes complete: documents, broken ones, and (`between`) the beginning of what is none."""
        self._bytes += data
        found: list[bytes] = []
        while self._document(found) if self._inside else self._to_beginning(found):
            pass
        return found

    def end(self) -> list[bytes]:
        """Say that nothing more comes: return what had begun."""
        found = [bytes(self._bytes[:_SHOWN_BYTES])] if self._inside else []
        if not self._inside:
            self._skip(len(self._bytes))
            found = self._take_junk()
        self._bytes.clear()
        self._inside = self._dropping = False
        return found

    def _to_beginning(self, found: list[bytes]) -> bool:
        begin = _BEGIN.search(self._bytes)
        self._skip(begin.start() if begin else max(0, len(self._bytes) - _TAG_BYTES))
        if begin is None:
            return False
        found += self._take_junk()
        self._inside, self._dropping, self._searched = True, False, 1
        return True

    def _document(self, found: list[bytes]) -> bool:
        end = _END_OR_NEXT.search(self._bytes, self._searched)
        if end is None and len(self._bytes) <= self._limit_bytes:
            self._searched = max(1, len(self._bytes) - _TAG_BYTES)
            return False
        cut = len(self._bytes) if end is None else end.start() if end[0].startswith(b"<?") else end.end()
        too_long = cut > self._limit_bytes
        found.append(bytes(self._bytes[: _SHOWN_BYTES if too_long else cut]))
        del self._bytes[:cut]
        self._inside, self._dropping = False, too_long
        return bool(self._bytes)

    def _skip(self, size: int) -> None:
        room = _SHOWN_BYTES - len(self._junk)
        if self._between and not self._dropping and room > 0:
            self._junk += (
                bytes(self._bytes[:size]).lstrip()[:room] if not self._junk else self._bytes[: min(size, room)]
            )
        del self._bytes[:size]

    def _take_junk(self) -> list[bytes]:
        junk = bytes(self._junk).strip()
        self._junk.clear()
        return [junk] if junk else []
