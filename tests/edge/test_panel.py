"""The panel: two big lines, their tone, the open sessions, what waits; on any terminal, and without one."""

import io
import os
import pty
import re
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from broker.clock import Reading
from broker.events import ClockQuality
from edge.panel import Panel, Picture, draw
from edge.rules import Feedback, Phase, Session, Tone

TOKYO = ZoneInfo("Asia/Tokyo")
AT = Reading(datetime(2026, 11, 22, 0, 6, tzinfo=UTC), 1, "0", ClockQuality.SYNCED)
STARTED = Feedback(Tone.START, "着手 4471-20 / Started", "終わったら もう一度 / Scan again when done")


def session(n: int, phase: Phase = Phase.RUNNING, reason: str | None = None) -> Session:
    return Session(f"7K3Q{n:02d}", 20, f"lathe-{n}", phase, None, AT, f"44{n:02d}-20", reason)


def plain(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (132, 50)])
def test_it_fills_the_terminal_and_no_line_is_too_wide(size: tuple[int, int]):
    picture = Picture(STARTED, tuple(session(n) for n in range(40)), waiting=3, scanners_lost=("s1", "s2"))
    lines = plain(draw(picture, TOKYO, *size))
    assert len(lines) == size[1]
    assert max(map(width, lines)) <= size[0]


def test_it_says_the_fact_what_next_who_works_and_what_waits():
    text = "\n".join(
        plain(
            draw(
                Picture(STARTED, (session(7, Phase.PAUSED, "MATERIAL"),), waiting=3, connected=True, answered=True),
                TOKYO,
                132,
                24,
            )
        )
    )
    for part in (
        STARTED.line1,
        STARTED.line2,
        "4407-20",
        "lathe-7",
        "11-22 09:06",
        "中断中",
        "材料待ち",
        "未送信 3 件",
        "接続中",
    ):
        assert part in text


def test_each_tone_has_a_colour_and_a_sign_of_its_own():
    bands = {tuple(draw(Picture(Feedback(tone, "x")), TOKYO, 80, 24)[:3]) for tone in Tone}
    signs = {tuple(plain(list(band))) for band in bands}
    assert len(bands) == len(signs) == len(Tone) == 4


@pytest.mark.parametrize(
    ("picture", "sign"),
    [
        (Picture(), "つながっていません"),
        (Picture(connected=True), "共有サーバーの返事待ち"),
        (Picture(connected=True, answered=True), "接続中 / Online"),
        (Picture(connected=True, answered=True, other_server=True), "別のサーバーが返事をしています"),
        (Picture(scanners_lost=("s1",)), "スキャナを差してください / Plug in the scanner: s1"),
    ],
)
def test_the_last_line_says_how_things_are(picture: Picture, sign: str):
    assert sign in plain(draw(picture, TOKYO, 200, 24))[-1]


def test_without_a_terminal_it_writes_a_line_a_change():
    out = io.StringIO()
    panel = Panel("auto", TOKYO, out)
    panel.show(Picture(STARTED), new_feedback=STARTED)
    panel.show(Picture(STARTED))
    panel.show(Picture(STARTED, connected=True))
    panel.close()
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["[start]", "[panel]", "[panel]"]
    assert "\x1b" not in out.getvalue()


def drawn(terminal: int, end: bytes) -> bytes:
    """What arrives up to these bytes; a terminal hands over a large picture in parts."""
    seen = b""
    while not seen.endswith(end):
        seen += os.read(terminal, 65536)
    return seen


def test_on_a_terminal_it_draws_once_a_change_and_gives_the_cursor_back():
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        panel = Panel("auto", TOKYO, terminal)
        assert panel.kind == "screen"
        panel.show(Picture(STARTED))
        first = drawn(ours, b"\x1b[J")
        panel.show(Picture(STARTED))
        panel.close()
        assert drawn(ours, b"\r\n") == b"\x1b[?25h\x1b[0m\r\n"
    assert first.decode().count(STARTED.line1) == 1
    os.close(ours)


def test_a_terminal_that_knows_no_japanese_or_goes_away_stops_nothing():
    latin = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    panel = Panel("lines", TOKYO, latin)
    panel.show(Picture(STARTED), new_feedback=STARTED)
    latin.seek(0)
    assert "4471-20 / Started" in latin.read()
    gone = io.StringIO()
    panel = Panel("lines", TOKYO, gone)
    gone.close()
    panel.show(Picture(STARTED), new_feedback=STARTED)
    assert panel.kind == "off"


def test_the_agent_does_not_load_what_a_pi_cannot_afford():
    import subprocess

    code = "import edge.cli, edge.agent, edge.installer.check, edge.play, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"rich", "structlog", "sqlalchemy", "asyncio", "gateway"} & set(loaded)
