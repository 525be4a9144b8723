"""A keyboard scanner or a ten-key pad: evdev's key events through a named pipe, as by /dev/input/by-id.

There is no /dev/uinput in most test machines: a pipe gives the same bytes, and cannot be grabbed.
"""

import os
import struct
from pathlib import Path

ENTER, TAB, CAPS, NUM, SHIFT, CTRL, ALT = 28, 15, 58, 69, 42, 29, 56
LONG = struct.calcsize("l")
PLAIN = {letter: 16 + n for n, letter in enumerate("qwertyuiop")}
PLAIN |= {letter: 30 + n for n, letter in enumerate("asdfghjkl")}
PLAIN |= {letter: 44 + n for n, letter in enumerate("zxcvbnm")}
PLAIN |= {digit: 2 + n for n, digit in enumerate("1234567890")}
PLAIN |= {"-": 12, ".": 52, "/": 53, ",": 51, " ": 57}
PAD = {"7": 71, "8": 72, "9": 73, "4": 75, "5": 76, "6": 77, "1": 79, "2": 80, "3": 81, "0": 82, "\n": 96}
# what stands elsewhere on the two keyboards: key and whether with shift
US = {":": (39, True), "_": (12, True), "=": (13, False), "&": (8, True), "?": (53, True), "[": (26, False), "]": (27, False), "'": (40, False), '"': (40, True), "@": (3, True), "+": (13, True), "(": (10, True), ")": (11, True), "*": (9, True), "\\": (43, False)}  # fmt: skip
JIS = {":": (40, False), "_": (89, True), "=": (12, True), "&": (7, True), "?": (53, True), "[": (27, False), "]": (43, False), "'": (8, True), '"': (3, True), "@": (26, False), "+": (39, True), "(": (9, True), ")": (10, True), "*": (40, True), "\\": (89, False)}  # fmt: skip


def event(kind: int, code: int, value: int, long_bytes: int = LONG) -> bytes:
    """One struct input_event: two longs of time, type, code, value."""
    return struct.pack("<qqHHi" if long_bytes == 8 else "<iiHHi", 1_700_000_000, 250_000, kind, code, value)


def key(code: int, value: int, long_bytes: int = LONG) -> bytes:
    """A key that goes down (1), up (0) or repeats (2), as the kernel reports it: scan code, key, report."""
    return event(4, 4, 0x70000 + code, long_bytes) + event(1, code, value, long_bytes) + event(0, 0, 0, long_bytes)


def press(code: int, *held: int, long_bytes: int = LONG) -> bytes:
    """A key struck while others are held down."""
    parts = [key(one, 1, long_bytes) for one in held] + [key(code, 1, long_bytes), key(code, 0, long_bytes)]
    return b"".join(parts + [key(one, 0, long_bytes) for one in reversed(held)])


def typed(text: str, others: dict[str, tuple[int, bool]] = US, *, long_bytes: int = LONG) -> bytes:
    """A text as a scanner of that country types it; a line feed is ENTER."""
    found = b""
    for one in text:
        if one == "\n":
            found += press(ENTER, long_bytes=long_bytes)
        elif one in others:
            code, shift = others[one]
            found += press(code, *([SHIFT] if shift else []), long_bytes=long_bytes)
        else:
            found += press(PLAIN[one.lower()], *([SHIFT] if one.isupper() else []), long_bytes=long_bytes)
    return found


class Keyboard:
    """The device; unplugging it closes the pipe and removes the name."""

    def __init__(self, directory: Path, name: str = "usb-Keyboard-event-kbd") -> None:
        self.port = directory / name
        self.plug()

    def plug(self) -> None:
        os.mkfifo(self.port)
        self._fd = os.open(self.port, os.O_RDWR)

    def unplug(self) -> None:
        self.port.unlink()
        os.close(self._fd)

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def scan(self, *codes: str, others: dict[str, tuple[int, bool]] = US) -> None:
        self.send(b"".join(typed(f"{code}\n", others) for code in codes))

    def pad(self, digits: str) -> None:
        """Key a number on the ten-key pad, and its Enter."""
        self.send(b"".join(press(PAD[one]) for one in f"{digits}\n"))
