"""Key events of a keyboard scanner or a ten-key pad made into texts. Sans-io: it is fed the bytes that evdev gives.

Which device they come from, and that nobody else hears it, is the wire's business (`edge.keyboard`).
"""

import re
import struct
from dataclasses import dataclass, field

from edge.drivers.hid import keys
from edge.drivers.hid.keys import Layout
from edge.drivers.readings import ENTER_ALONE, Alarm, Gap, Reading, Tally, Text

KEYS_LIMIT = 4096
"""As a scanner's frame: more keys than a QR code holds have lost their end."""
IDLE_END_MS = 250
"""With `idle_end`: a scanner leaves 1 to 15 ms between keys, and some leave 100 at a capital."""
TYPED_MS = 10_000
"""A person at a ten-key pad may look at the box between two digits; what has lain so long was not meant."""
EVENT_BYTES = struct.calcsize("@llHHi")
"""What one event has here: 24 bytes where a long has 64 bits, 16 in a 32-bit system, also on a 64-bit kernel."""

_BODY = struct.Struct("<HHi")
_SYN, _KEY = 0, 1
_SYN_DROPPED = 3
_DOWN, _UP = 1, 0
_GARBLED = re.compile(r"https?[+']//", re.IGNORECASE)
"""An address whose colon was typed for a keyboard of another country."""
_CLEAN = re.compile(r"https?://", re.IGNORECASE)


@dataclass(slots=True)
class _Held:
    """What is held down or locked, and the digits of an Alt code (Alt + 029 is the separator GS)."""

    shifts: set[int] = field(default_factory=set)
    ctrls: set[int] = field(default_factory=set)
    alts: set[int] = field(default_factory=set)
    caps: bool = False
    alt_digits: str = ""


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A key that was struck, kept until the end: only then is known for which country it was meant."""

    code: int
    shift: bool
    caps: bool
    control: bool = False


class Parser:
    """Holds the keys struck since the last ENTER, never more than a QR code has."""

    def __init__(
        self,
        layout: Layout = Layout.US,
        *,
        idle_end: bool = False,
        aim_id: bool = False,
        pad: bool = False,
        event_bytes: int = EVENT_BYTES,
    ) -> None:
        self.tally = Tally()
        self._layout, self._idle_end, self._aim_id, self._pad = layout, idle_end, aim_id, pad
        self._event_bytes = event_bytes
        self._bytes = b""
        self._strokes: list[_Stroke | str] = []
        self._held = _Held()
        self._too_long = False
        self._lost = False
        """Events were lost until the next report of the device: what is held down is not known."""
        self._last_ms = 0
        self._warned = False
        self._touched = False
        """Whether any key was struck since the last ENTER, also one that was dropped or taken back: on a pad an ENTER
        alone says something, the end of a lost number nothing."""

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. A key that was down when the plug was pulled is not down now."""
        self._bytes, self._held, self._lost, self._last_ms = b"", _Held(), False, mono_ms
        self._drop()

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return the texts they complete, oldest first."""
        found = self.idle(mono_ms)
        if data:
            self._last_ms = mono_ms
        self._bytes += data
        whole = len(self._bytes) - len(self._bytes) % self._event_bytes
        for end in range(self._event_bytes, whole + 1, self._event_bytes):
            found += self._event(*_BODY.unpack_from(self._bytes, end - _BODY.size))
        self._bytes = self._bytes[whole:]
        return found

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived until `mono_ms`: ends the text if set so, or discards one without an end."""
        quiet_ms = mono_ms - self._last_ms
        if self._idle_end and quiet_ms >= IDLE_END_MS:
            return self._end()
        if quiet_ms > TYPED_MS:
            self._drop()
        return []

    def to_send(self, mono_ms: int) -> bytes:
        """Return nothing, ever: there is no way to answer a keyboard."""
        _ = mono_ms
        return b""

    def _event(self, kind: int, code: int, value: int) -> list[Reading]:
        if kind == _SYN and code == _SYN_DROPPED:
            self._held, self._lost = _Held(caps=self._held.caps), True
            self._drop()
            self._touched = True
            return [Gap("端末が忙しく、打鍵が失われました / keys were lost: this computer was too busy to read them")]
        if kind == _SYN:
            self._lost = False
        if kind != _KEY or self._lost:
            return []
        if code in keys.SHIFTS | keys.CTRLS | keys.ALTS:
            self._modifier(code, value)
        elif value == _DOWN:  # a repetition (2) is a key that somebody leans on, or one that hangs
            return self._struck(code)
        return []

    def _modifier(self, code: int, value: int) -> None:
        held = self._held
        group = held.shifts if code in keys.SHIFTS else held.ctrls if code in keys.CTRLS else held.alts
        if value == _DOWN:
            group.add(code)
        elif value == _UP:
            group.discard(code)
        if not held.alts and held.alt_digits:
            number, held.alt_digits = int(held.alt_digits), ""
            self._add(chr(number) if 0 < number < 0x80 else "�")

    def _struck(self, code: int) -> list[Reading]:
        held = self._held
        self._touched = self._touched or code not in keys.ENDS | {keys.CAPS_LOCK, keys.NUM_LOCK}
        if code == keys.CAPS_LOCK:
            held.caps = not held.caps
        elif code in keys.ENDS:
            alone, self._touched = not self._touched, False
            return self._end() or ([Text(ENTER_ALONE)] if alone and self._pad and code in keys.ENTERS else [])
        elif code == keys.BACKSPACE:
            del self._strokes[-1:]
        elif code == keys.ESC:
            self._strokes.clear()
        elif held.alts and keys.KEYPAD.get(code, "").isdigit():
            held.alt_digits = (held.alt_digits + keys.KEYPAD[code])[-5:]
        elif held.ctrls and keys.typed(self._layout, code, shift=False, caps=False) in ("m", "j", "i"):
            return self._end()  # CR, LF and TAB as they are typed
        else:
            self._add(_Stroke(code, bool(held.shifts), held.caps, bool(held.ctrls)))
        return []

    def _add(self, stroke: _Stroke | str) -> None:
        if self._too_long:
            return
        self._strokes.append(stroke)
        if len(self._strokes) > KEYS_LIMIT:
            self._drop()
            self._too_long = True

    def _end(self) -> list[Reading]:
        strokes, self._strokes, self._too_long = self._strokes, [], False
        text = _text(strokes, self._layout)
        if not text.strip():
            return []
        self.tally.lines += 1
        found: list[Reading] = []
        if _GARBLED.match(text) and _CLEAN.match(other := _text(strokes, self._layout.other)):
            text = other
            found = self._warn()
        if self._aim_id and (aim := _aim(strokes, text, self._layout)):
            return [*found, Text(text[3:], aim)]
        return [*found, Text(text)]

    def _warn(self) -> list[Reading]:
        """Say once that the scanner types for another country; the text is mended."""
        if self._warned:
            return []
        self._warned = True
        is_set, here = self._layout.other, self._layout
        why = (
            f"スキャナの国設定は {is_set}、layout は {here} です。layout を {is_set} にしてください / "
            f'the scanner is set to country {is_set}, and layout to {here}: write layout = "{is_set}"'
        )
        return [Alarm("layout", why, active=True)]

    def _drop(self) -> None:
        """Forget keys that have no end, and count them."""
        text = _text(self._strokes, self._layout)
        self._strokes = []
        self._too_long = False
        if text:
            self.tally.lines += 1
            self.tally.reject(text.encode())


def struck(data: bytes, event_bytes: int = EVENT_BYTES) -> tuple[int, ...]:
    """Return the numbers of the keys that go down in these whole events, for whoever looks at a device."""
    bodies = (_BODY.unpack_from(data, end - _BODY.size) for end in range(event_bytes, len(data) + 1, event_bytes))
    return tuple(code for kind, code, value in bodies if (kind, value) == (_KEY, _DOWN))


def _text(strokes: list[_Stroke | str], layout: Layout) -> str:
    """Return what these keys type on a keyboard of that country."""
    return "".join(one if isinstance(one, str) else _one(one, layout) for one in strokes)


def _one(stroke: _Stroke, layout: Layout) -> str:
    shift = stroke.shift and not stroke.control
    character = keys.typed(layout, stroke.code, shift=shift, caps=stroke.caps and not stroke.control)
    if not stroke.control:
        return character
    return chr(ord(character.upper()) & 0x1F) if character else ""


def _aim(strokes: list[_Stroke | str], text: str, layout: Layout) -> str | None:
    """Return the AIM identifier without `]`, which may have been typed for the other country."""
    for one in (text, _text(strokes[:3], layout.other)):
        if found := re.match(r"\]([A-Za-z][0-9A-Za-z])", one):
            return found[1]
    return None
