"""The terminal panel beside the scanner: two big lines, their colour, the open sessions, how many wait.

`draw` is pure; `Panel` writes what changed to a terminal of any size, or a line a change where there is none.
"""

import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TextIO
from zoneinfo import ZoneInfo

from broker.words import REASONS, STATES, Word
from edge.rules import Feedback, Session, Tone

_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_COLOURS = {
    Tone.START: "\x1b[42;30m",  # green
    Tone.FINISH: "\x1b[47;30m",  # white
    Tone.NOTHING: "\x1b[44;97m",  # blue
    Tone.STOP: "\x1b[41;97m",  # red
}
"""The eight colours every terminal has; black or white text for contrast."""
_SIGNS = {Tone.START: ">", Tone.FINISH: "*", Tone.NOTHING: "=", Tone.STOP: "!"}
"""For the eye that cannot tell the colours, and for a screen without any."""

READY = Word("票を読んでください", "Scan a ticket")
NOT_READY = Word("準備中です お待ちください", "Starting, please wait")
WAITING = Word("未送信", "not sent yet")
OFFLINE = Word("つながっていません 記録はこの端末に残ります", "Offline: kept here")
UNANSWERED = Word("共有サーバーの返事待ち", "Server not answering")
ONLINE = Word("接続中", "Online")
NO_SCANNER = Word("スキャナを差してください", "Plug in the scanner")
OTHER_SERVER = Word("別のサーバーが返事をしています 事務所へ", "Another server is answering")
SESSIONS = Word("作業", "Open work")
REFUSED_1 = Word("記録できません", "Not recorded")
REFUSED_2 = Word("紙に書いて事務所へ", "Write it down, tell the office")


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything the panel shows. `connected`: the broker; `answered`: the shared server behind it."""

    feedback: Feedback | None = None
    sessions: tuple[Session, ...] = ()
    waiting: int = 0
    connected: bool = False
    answered: bool = False
    other_server: bool = False
    scanners_lost: tuple[str, ...] = ()


def draw(picture: Picture, zone: ZoneInfo, width: int, height: int) -> list[str]:
    """Return `height` lines with colour codes, none wider than `width` columns (Japanese letters take two)."""
    feedback = picture.feedback or Feedback(Tone.NOTHING, f"{READY.ja} / {READY.en}")
    colour, sign = _COLOURS[feedback.tone], _SIGNS[feedback.tone] * 3
    big = ["", f"{sign} {feedback.line1} {sign}", "", feedback.line2, ""]
    lines = [colour + _BOLD + _centre(text, width) + _RESET for text in big]
    lines += ["", _fit(f" {SESSIONS.ja} / {SESSIONS.en}: {len(picture.sessions)}", width)]
    room = max(0, height - len(lines) - 2)
    newest = sorted(picture.sessions, key=lambda session: session.since.at, reverse=True)
    for session in newest[:room]:
        lines.append(_fit("   " + _session(session, zone), width))
    lines += [""] * (height - len(lines) - 1)
    return [*lines[: height - 1], _fit(" " + status(picture), width)]


def status(picture: Picture) -> str:
    """Return the bottom line: what waits, the connection, and what somebody should do about it."""
    parts = [f"{WAITING.ja} {picture.waiting} 件 / {picture.waiting} {WAITING.en}"]
    if picture.scanners_lost:
        parts.append(f"{NO_SCANNER.ja} / {NO_SCANNER.en}: {', '.join(picture.scanners_lost)}")
    state = ONLINE if picture.answered else UNANSWERED if picture.connected else OFFLINE
    parts.append(f"{state.ja} / {state.en}")
    if picture.other_server:
        parts.append(f"{OTHER_SERVER.ja} / {OTHER_SERVER.en}")
    return "  |  ".join(parts)


def _session(session: Session, zone: ZoneInfo) -> str:
    state = STATES[session.phase.value]
    why = f" {REASONS[session.reason].ja}" if session.reason in REASONS else ""
    since = session.since.at.astimezone(zone)
    return f"{session.label:<12} {session.station:<14} {since:%m-%d %H:%M}  {state.ja} / {state.en}{why}"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _fit(text: str, width: int) -> str:
    """Cut text that is too wide; never half a letter."""
    if _columns(text) <= width:
        return text
    taken, used = "", 0
    for letter in text:
        used += _columns(letter)
        if used >= width:
            break
        taken += letter
    return taken + "…"


def _centre(text: str, width: int) -> str:
    text = _fit(text, width)
    left = (width - _columns(text)) // 2
    return " " * left + text + " " * (width - left - _columns(text))


class Panel:
    """Shows pictures on a terminal ("screen"), as lines ("lines"), or not at all ("off"); only what changed."""

    def __init__(self, kind: str, zone: ZoneInfo, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        if kind == "auto":
            kind = "screen" if self._out.isatty() else "lines"
        self.kind, self._zone = kind, zone
        self._shown: object = None

    def show(self, picture: Picture, *, new_feedback: Feedback | None = None) -> None:
        """Show a picture; `new_feedback` is an answer just given, said even if it equals the last one."""
        if self.kind == "screen" and picture != self._shown:
            self._shown = picture
            self._screen(picture)
        elif self.kind == "lines":
            self._lines(picture, new_feedback)

    def close(self) -> None:
        """Give the terminal back."""
        if self.kind == "screen":
            self._write("\x1b[?25h\x1b[0m\n")

    def _screen(self, picture: Picture) -> None:
        try:
            width, height = os.get_terminal_size(self._out.fileno())
        except (OSError, ValueError):
            width, height = 80, 24
        lines = draw(picture, self._zone, width or 80, height or 24)
        self._write("\x1b[?25l\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")

    def _lines(self, picture: Picture, feedback: Feedback | None) -> None:
        if feedback:
            self._write(
                f"[{feedback.tone.value}] {feedback.line1}" + (f" | {feedback.line2}\n" if feedback.line2 else "\n")
            )
        state = (picture.connected, picture.answered, picture.other_server, picture.scanners_lost)
        if state != self._shown:
            self._shown = state
            self._write(f"[panel] {status(picture)}\n")

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except UnicodeEncodeError:  # a terminal without Japanese: the English half and the sign remain
            self._write(text.encode("ascii", "replace").decode())
        except (OSError, ValueError):  # nobody looks any more; the work goes on
            self.kind = "off"
