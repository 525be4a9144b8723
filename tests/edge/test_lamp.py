"""A lamp beside a scanner: what it is sent, that it keeps nobody waiting, and that it can hang on no machine's line."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.settings import SettingsError, validate
from edge.gpio import Outputs
from edge.installer.check import _lamp
from edge.lamp import LampPort
from edge.rules import Tone
from edge.rules.lamp import PATTERNS, Output
from edge.settings import Edge
from tests.conftest import until
from tests.edge.shop import PtyScanner

COMMANDS = {"ok": "01", "warning": "02", "error": "03", "off": "00"}
SCANNER = {"id": "s1", "port": "/dev/a", "stations": ["l"]}


def settings(**lamp: Any) -> Edge:
    lamp = {"id": "lamp", "beside": "s1", "commands": COMMANDS} | lamp
    return validate(Edge, {"firm": "f", "edge": "e", "data_dir": ".", "scanner": [SCANNER], "lamp": [lamp]}, "x")


class Lit:
    """A lamp on a pty, and its log."""

    def __init__(self, directory: Path) -> None:
        self.pty, self.log, self.got = PtyScanner(directory), list[str](), b""
        self.port = LampPort(settings(port=str(self.pty.port)).lamp[0], lambda _, text, **__: self.log.append(text))
        self.port.start()

    def sent(self) -> bytes:
        self.got += self.pty.heard()
        return self.got


@pytest.fixture
def lamp(tmp_path: Path) -> Iterator[Lit]:
    lit = Lit(tmp_path)
    yield lit
    lit.port.stop()


def test_every_answer_looks_different_and_ends_dark():
    assert set(PATTERNS) == set(Tone)
    assert len(set(PATTERNS.values())) == len(Tone)
    assert all(steps[-1][0] is not None and sum(ms for _, ms in steps) <= 2000 for steps in PATTERNS.values())


def test_a_lamp_is_sent_its_own_commands_alone_and_returns_at_once(lamp: Lit):
    began = time.monotonic()
    lamp.port.show(Tone.FINISH)
    assert time.monotonic() - began < 0.1
    until(lambda: lamp.sent() == bytes([0, 1, 0, 0, 1, 0]), what="two blinks of ok, dark at the end")
    lamp.port.show(Tone.STOP)
    until(lambda: 3 in lamp.sent(), what="the error")
    lamp.port.show(Tone.NOTHING)
    until(lambda: 2 in lamp.sent(), what="the next answer, which ends what is shown")
    assert set(lamp.sent()) <= {0, 1, 2, 3}


def test_a_lamp_that_is_away_is_said_once_and_shows_answers_again_when_it_is_back(lamp: Lit):
    lamp.pty.unplug()
    for times in (1, 2):
        lamp.port.show(Tone.START)
        until(lambda: lamp.log, what="the log to say it")
        assert len(lamp.log) == 1, times
    lamp.pty.plug()

    def again() -> bool:
        lamp.port.show(Tone.START)
        return len(lamp.log) == 2

    until(again, what="it to be said to be back")
    assert lamp.log[1] == "lamp lamp shows answers again"


def test_pins_are_on_one_at_a_time():
    class Request:
        """The kernel's side, written down."""

        def __init__(self) -> None:
            self.values: list[dict[int, int]] = []

        def set_values(self, values: dict[int, int]) -> None:
            self.values.append(values)

        def release(self) -> None:
            self.values.append({})

    request = Request()
    outputs = Outputs(request, {Output.OK: 5, Output.WARNING: 6, Output.ERROR: 13}, (0, 1))
    outputs.show(Output.ERROR)
    outputs.show(None)
    assert request.values == [{5: 0, 6: 0, 13: 1}, {5: 0, 6: 0, 13: 0}]


@pytest.mark.parametrize(
    ("lamp", "sentence"),
    [
        ({"port": "/dev/a"}, "2 devices have the port /dev/a: give each its own"),
        ({}, "give either port and commands (a lamp on USB) or gpio (pins of the Pi)"),
        ({"port": "/dev/b", "beside": "s9"}, "no scanner with stations has that id: write one of s1"),
        ({"port": "/dev/b", "commands": COMMANDS | {"ok": "ON"}}, "write at most 32 in hex, as A0 01 01 A2"),
    ],
    ids=["a scanner's port", "nowhere", "no such scanner", "no bytes"],
)
def test_a_lamp_on_another_devices_line_and_one_that_is_nowhere_are_refused(lamp: dict[str, Any], sentence: str):
    with pytest.raises(SettingsError) as caught:
        settings(**lamp)
    assert sentence in caught.value.problems[0]


def test_a_lamp_is_never_sent_to_another_devices_port_under_another_name(tmp_path: Path):
    pty = PtyScanner(tmp_path)
    lamp = settings(port=str(pty.port)).lamp[0]
    with pytest.raises(OSError, match="no lamp may be sent to"):
        lamp.light([pty.port.resolve()])
    assert pty.heard() == b""


def test_check_lights_each_output_and_says_when_there_is_no_lamp(tmp_path: Path):
    pty = PtyScanner(tmp_path)
    lamp = settings(port=str(pty.port)).lamp[0]
    assert _lamp(lamp, (), None).remedy is None
    assert pty.heard() == bytes([0, 1, 0, 2, 0, 3, 0])
    pty.unplug()
    remedy = _lamp(lamp, (), None).remedy
    assert remedy is not None
    assert "Plug it in" in remedy.en
