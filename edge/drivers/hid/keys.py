"""What each key types, on a US and on a Japanese keyboard (JIS 106/109). Keys are positions: Linux's KEY_ codes.

Source: Linux, include/uapi/linux/input-event-codes.h (codes); JIS X 6002 and OADG 109A (what stands on the keys).
"""

from collections.abc import Mapping
from enum import StrEnum

LEFT_SHIFT, RIGHT_SHIFT, LEFT_CTRL, RIGHT_CTRL, LEFT_ALT, RIGHT_ALT = 42, 54, 29, 97, 56, 100
SHIFTS, CTRLS, ALTS = {LEFT_SHIFT, RIGHT_SHIFT}, {LEFT_CTRL, RIGHT_CTRL}, {LEFT_ALT, RIGHT_ALT}
CAPS_LOCK, BACKSPACE, ESC = 58, 14, 1
ENTERS = {28, 96}
"""ENTER, KPENTER."""
ENDS = {*ENTERS, 15}
"""Those and TAB."""
NUM_LOCK = 69

_ROWS = {2: "1234567890", 16: "qwertyuiop", 30: "asdfghjkl", 44: "zxcvbnm"}
LETTERS: Mapping[int, str] = {
    first + n: letter for first, row in _ROWS.items() if first > 2 for n, letter in enumerate(row)
}
KEYPAD: Mapping[int, str] = {
    **{first + n: digit for first, row in {71: "789", 75: "456", 79: "123"}.items() for n, digit in enumerate(row)},
    82: "0",
    83: ".",
    55: "*",
    74: "-",
    78: "+",
    98: "/",
    117: "=",
    121: ",",
}
"""Digits whether NumLock is on or off: who holds the device alone has no NumLock."""

_BOTH = {51: ",<", 52: ".>", 53: "/?", 57: "  "}
_DIGITS = {2 + n: digit for n, digit in enumerate(_ROWS[2])}


class Layout(StrEnum):
    """The country a scanner is set to."""

    US = "us"
    JIS = "jis"

    @property
    def other(self) -> "Layout":
        return Layout.JIS if self is Layout.US else Layout.US


_US = {12: "-_", 13: "=+", 26: "[{", 27: "]}", 39: ";:", 40: "'\"", 41: "`~", 43: "\\|", 86: "\\|"}
_JIS = {12: "-=", 13: "^~", 26: "@`", 27: "[{", 39: ";+", 40: ":*", 43: "]}", 89: "\\_", 124: "\\|"}


def _typed(shifted_digits: str, others: Mapping[int, str]) -> dict[int, str]:
    digits = {code: digit + shifted_digits[n].strip() for n, (code, digit) in enumerate(_DIGITS.items())}
    return {**digits, **{code: letter + letter.upper() for code, letter in LETTERS.items()}, **_BOTH, **others}


TYPED: Mapping[Layout, Mapping[int, str]] = {
    Layout.US: _typed("!@#$%^&*()", _US),
    Layout.JIS: _typed("!\"#$%&'() ", _JIS),
}
"""For each key what it types without and with shift; only the first where shift types nothing."""


def typed(layout: Layout, code: int, *, shift: bool, caps: bool) -> str:
    """Return what a key types; empty if it types nothing on this keyboard.

    >>> typed(Layout.US, 39, shift=True, caps=False), typed(Layout.JIS, 39, shift=True, caps=False)
    (':', '+')
    """
    if code in KEYPAD:
        return KEYPAD[code]
    both = TYPED[layout].get(code, "")
    upper = shift != caps if code in LETTERS else shift
    return both[upper : upper + 1]
