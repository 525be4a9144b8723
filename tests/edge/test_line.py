"""The line to one device: what its listener is told when the device comes, goes, or accepts and closes at once."""

import os
import pty
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.drivers.device import Serial, Tcp
from edge.drivers.readings import Gap, Reading, Tally
from edge.drivers.table import usual
from edge.line import Line, Pace, Share
from edge.tap import Tap
from tests.conftest import until


class Told:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def opened(self) -> None:
        self.said.append("opened")

    def lost(self, error: Exception) -> None:
        self.said.append("lost")

    def heard(self, readings: Sequence[Reading]) -> None:
        self.said.append("heard")

    def full(self) -> bool:
        return False


class Stumbling:
    """A driver with a bug: what is asked of it raises when the device says `boom`."""

    def __init__(self) -> None:
        self.tally = Tally()

    def opened(self, mono_ms: int) -> None:
        pass

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        if b"boom" in data:
            raise OverflowError("boom")
        return [Gap("something")]

    def idle(self, mono_ms: int) -> list[Reading]:
        return []

    def to_send(self, mono_ms: int) -> bytes:
        return b""


class Door:
    """A device that accepts; until it is `kind`, it closes at once."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.accepted, self.kind = 0, False
        self.word = b""
        """What it says before it closes."""
        self.held: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            if self.kind:
                self.held.append(visitor)
            else:
                visitor.sendall(self.word)
                visitor.close()
            self.accepted += 1

    def close(self) -> None:
        for one in [self._socket, *self.held]:
            one.close()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_a_device_that_accepts_and_closes_is_told_of_once_until_it_stays(door: Door, tmp_path: Path):
    told = Told()
    pace = Pace(read_seconds=0.05, retry_seconds_first=0.02, retry_seconds_max=0.05)
    line = Line("line", Tcp(door.address), usual("shdr"), pace=pace, ear=told, tap=Tap(tmp_path, 0))
    line.start()
    try:
        until(lambda: door.accepted >= 5, what="five attempts")
        assert told.said == ["opened", "lost"]
        door.kind = True
        until(lambda: door.held, what="the device to keep us")
        door.held[-1].sendall(b"|execution|READY\n")
        until(lambda: told.said[2:4] == ["opened", "heard"], what="the line to be open as soon as it says something")
    finally:
        line.stop()


@pytest.mark.slow
def test_a_device_that_says_a_byte_and_closes_for_ever_is_called_less_and_less(door: Door, tmp_path: Path):
    door.word, told = b"x", Told()
    pace = Pace(read_seconds=0.05, retry_seconds_first=0.02, retry_seconds_max=60.0)
    line = Line("line", Tcp(door.address), usual("shdr"), pace=pace, ear=told, tap=Tap(tmp_path, 0))
    line.start()
    try:
        until(lambda: door.accepted >= 5, what="five attempts")
        threading.Event().wait(1.0)  # at the first pace some sixty would follow
        assert door.accepted < 15
    finally:
        line.stop()


def test_a_bug_in_a_driver_is_told_with_its_traceback_and_ends_neither_the_line_nor_the_agent(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    told, door.kind = Told(), True
    pace = Pace(read_seconds=0.05, retry_seconds_first=0.02, retry_seconds_max=0.05)
    line = Line("line", Tcp(door.address), Stumbling(), pace=pace, ear=told, tap=Tap(tmp_path, 0))
    line.start()
    try:
        for times in (1, 2, 3):
            until(lambda times=times: len(door.held) == times, what="the line to be opened (again)")
            door.held[-1].sendall(b"boom")
        until(lambda: len(door.held) == 4, what="the line to be opened again")
        door.held[-1].sendall(b"sense")
        until(lambda: told.said[-1] == "heard", what="it to be heard")
        assert told.said.count("lost") == told.said.count("opened") - 1
    finally:
        line.stop()
    assert capsys.readouterr().err.count("OverflowError: boom") == 1


def test_a_line_takes_a_tenth_of_the_processor_and_a_burst_is_read_at_once():
    share = Share()
    assert share.rest_seconds(0.01, 100.0) == 0, "a burst"
    assert share.rest_seconds(0.01, 100.0) == pytest.approx(0.18)
    assert share.rest_seconds(0.0, 100.18) == 0, "it has rested"
    assert share.rest_seconds(5.0, 101.0) == 2.0, "never so long that nobody knows what the machine does"
    share, now, worked = Share(), 0.0, 0.0
    while now < 60:
        worked += 0.003
        now += 0.003 + share.rest_seconds(0.003, now)
    assert 0.08 < worked / now < 0.11


def test_a_scanners_line_never_opens_a_machines_port_whatever_its_name(tmp_path: Path):
    ours, theirs = pty.openpty()
    alias = tmp_path / "usb-Scanner-if00"
    alias.symlink_to(os.ttyname(theirs))
    told, pace = Told(), Pace(read_seconds=0.05, retry_seconds_first=0.02, retry_seconds_max=0.05)
    others = (Path(os.ttyname(theirs)),)
    line = Line(
        "line", Serial(alias), usual("scanner"), pace=pace, ear=told, tap=Tap(tmp_path / "raw", 0), others=others
    )
    line.start()
    try:
        until(lambda: told.said, what="it to be refused")
        assert told.said == ["lost"]
        line.write(b"\x07")
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)
    finally:
        line.stop()
        os.close(ours)
        os.close(theirs)
