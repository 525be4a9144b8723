"""A pulse counter: its record, what a board does when it goes on and off and round, and a Pi's pins read alike."""

import re
import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.drivers.counter.parser import SILENT_MS, Parser
from edge.drivers.counter.pulses import Pulses
from edge.drivers.counter.record import ROUND, Record, record_of
from edge.drivers.counter.settings import Counter, Pin
from edge.drivers.device import Gpio, Serial
from edge.drivers.readings import Gap, Reading, State, Total
from edge.gpio import PinWire
from edge.rules.counting import Counted, step
from edge.wire import FAILURES, open_wire

DRIVER = Path(__file__).parents[2] / "edge" / "drivers" / "counter"
DAY_MS = 86_400_000
numbers = st.integers(0, ROUND - 1)


def said(readings: list[Reading]) -> list[object]:
    """Readings in short: a state, a count, or `gap`."""
    short: list[object] = []
    for reading in readings:
        match reading:
            case State(state):
                short.append(state.value)
            case Total(_, value):
                short.append(value)
            case Gap():
                short.append("gap")
    return short


def pieces(readings: list[Reading]) -> int:
    """What the rules make of the totals."""
    counter = Counted()
    for reading in readings:
        if isinstance(reading, Total):
            counter, _ = step(counter, reading.value, wrap=ROUND)
    return counter.total


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_what_a_board_sends_is_what_is_read(number: int, count: int, uptime_ms: int):
    record = Record(number, count, uptime_ms)
    assert record_of(record.line().rstrip(b"\n")) == record


@settings(deadline=None)
@given(numbers, numbers, numbers, st.data())
def test_a_flipped_bit_is_always_noticed(number: int, count: int, uptime_ms: int, data: st.DataObject):
    line = bytearray(Record(number, count, uptime_ms).line()[:-1])
    at = data.draw(st.integers(0, len(line) * 8 - 1))
    line[at // 8] ^= 1 << at % 8
    assert record_of(bytes(line)) in (None, Record(number, count, uptime_ms))  # a5 and A5 are one checksum


def test_lines_that_are_lost_lose_no_piece_and_are_no_gap():
    found = Parser().feed(Record(1, 100, 1000).line() + Record(9, 104, 9000).line(), 0)
    assert said(found) == [100, 104]
    assert pieces(found) == 4


def test_an_uptime_that_went_round_after_49_days_is_no_switching_off():
    parser = Parser(cycle_ms=10_000)
    before, after = Record(5_000_000, 70, ROUND - 400), Record(5_000_001, 71, 600)
    assert said(parser.feed(before.line(), 0)) == [70]
    assert said(parser.feed(after.line(), 1000)) == [71, "running"]


def test_a_count_and_a_line_number_that_went_round_go_on():
    parser = Parser(cycle_ms=10_000)
    found = parser.feed(Record(ROUND - 1, ROUND - 1, 5_000).line() + Record(0, 1, 6_000).line(), 0)
    assert said(found) == [ROUND - 1, 1, "running"]
    assert pieces(found) == 2
    assert Counter(id="m", driver="counter", station="s", address="h:1").wrap == ROUND


def test_a_board_that_never_wraps_is_read_after_years():
    found = Parser().feed(Record(1, 7, 1).line() + b"C,900000000000,8,900000000000*A1\n", 0)
    assert said(found) == [7, 8]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Record(500, 50, 500_000), Record(1, 0, 40)),
        (Record(4, 3, 4_000), Record(9, 3, 3_900)),
        (Record(500, 50, ROUND - 1000), Record(1, 0, 40)),
    ],
)
def test_a_board_that_was_switched_off_and_on_is_a_gap_and_a_new_beginning(before: Record, after: Record):
    found = Parser(cycle_ms=1_000).feed(before.line() + after.line(), 0)
    assert said(found) == [before.count, "gap", after.count]
    assert pieces(found) == 0


def test_a_counter_cleared_by_its_button_begins_anew_and_is_no_running_machine():
    parser = Parser(cycle_ms=1_000)
    found = parser.feed(Record(1, 50, 1000).line() + Record(2, 0, 2000).line() + Record(3, 0, 3000).line(), 0)
    assert said(found) == [50, 0]
    assert pieces(found) == 0


def test_pulses_are_running_and_three_cycles_without_one_are_idle_but_not_before_three_cycles_were_watched():
    parser = Parser(cycle_ms=1_000)
    parser.opened(100_000)
    assert said(parser.feed(Record(1, 5, 1000).line(), 100_000)) == [5], "nobody knows yet whether it runs"
    assert parser.idle(103_000) == []
    assert said(parser.idle(103_001)) == ["idle"]
    assert said(parser.feed(Record(2, 6, 4100).line(), 103_100)) == [6, "running"]
    assert parser.idle(106_100) == []
    assert said(parser.idle(106_101)) == ["idle"]
    assert parser.idle(107_000) == []


def test_a_silent_board_is_unknown_until_it_speaks_and_what_it_counted_meanwhile_counts():
    parser = Parser(cycle_ms=1_000)
    found = parser.feed(Record(1, 5, 1000).line() + Record(2, 6, 2000).line(), 0)
    found += parser.idle(SILENT_MS + 1)
    assert said(found) == [5, 6, "running", "gap", "unknown"]
    assert parser.idle(2 * SILENT_MS) == []
    found += parser.feed(Record(40, 8, 30_000).line(), 30_000)
    assert said(found)[-1] == 8
    assert pieces(found) == 3


chunks = st.lists(
    st.binary(max_size=40)
    | st.builds(lambda n, count, ms: Record(n, count, ms).line(), st.integers(0, 50), st.integers(0, 50), st.integers(0, 9999))
    | st.sampled_from([b"C,1,5,1000*48", b"\n", b"\r\n", b"*", b"C," + b"9" * 300])
)  # fmt: skip


@settings(deadline=None)
@given(chunks, st.none() | st.integers(1, 5_000))
def test_any_bytes_however_they_are_cut_give_the_same_never_an_error_and_nothing_is_ever_sent(
    said_bytes: list[bytes], cycle_ms: int | None
):
    whole, cut, by_one = Parser(cycle_ms), Parser(cycle_ms), Parser(cycle_ms)
    data = b"".join(said_bytes)
    once = whole.feed(data, 0)
    assert [reading for piece in said_bytes for reading in cut.feed(piece, 0)] == once
    assert [reading for n in range(len(data)) for reading in by_one.feed(data[n : n + 1], 0)] == once
    assert whole.tally == cut.tally == by_one.tally
    assert len(whole._lines._line) <= 200
    assert whole.to_send(0) == b""
    assert [one for one in whole.feed(b"\n" + Record(1, 77, 1).line(), 0) if isinstance(one, Total)]


# -- a pin of the Pi ---------------------------------------------------------------------------------------------------


class Edge:
    def __init__(self, line_seqno: int) -> None:
        self.line_seqno = line_seqno


class Pins:
    """Stands for the kernel: edges come at given times of a clock that moves only while somebody waits."""

    def __init__(self, edges_ms: list[int], *, kept: int = 1000) -> None:
        self.now_ms = 0
        self._coming = list(enumerate(edges_ms, start=1))
        self._kept = kept
        """How many edges wait until the oldest are thrown away."""
        self.released = False

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool:
        assert isinstance(timeout, float)
        until = self.now_ms + round(timeout * 1000)
        due = [ms for _, ms in self._coming if ms <= until]
        self.now_ms = max(self.now_ms, due[0]) if due else until
        return bool(due)

    def read_edge_events(self, max_events: int | None = None) -> list[Edge]:
        found = [number for number, ms in self._coming if ms <= self.now_ms]
        self._coming = self._coming[len(found) :]
        return [Edge(number) for number in found[-self._kept :]]

    def release(self) -> None:
        self.released = True


def heard_on_a_pin(pins: Pins, *, until_ms: int, cycle_ms: int | None = None) -> list[Reading]:
    wire, parser, found = PinWire(pins, lambda: pins.now_ms), Parser(cycle_ms), []
    while pins.now_ms < until_ms:
        data = wire.read(0.25)
        found += parser.feed(data, pins.now_ms) if data else parser.idle(pins.now_ms)
    wire.close()
    assert pins.released
    assert parser.tally.malformed == 0
    return found


def test_edges_of_a_pin_become_the_lines_of_a_counter_and_the_first_edge_counts():
    found = heard_on_a_pin(Pins([1, 5_000, 10_000]), until_ms=20_000, cycle_ms=3_000)
    assert said(found) == [0, 1, "running", 2, 3, "idle"]
    assert pieces(found) == 3


def test_a_pin_without_edges_sends_a_line_a_second_and_is_never_silent():
    pins = Pins([])
    wire = PinWire(pins, lambda: pins.now_ms)
    lines = b""
    while pins.now_ms < 5_000:
        lines += wire.read(0.25)
    assert [record_of(line) for line in lines.splitlines()] == [Record(n + 1, 0, n * 1000) for n in range(6)]


def test_edges_that_the_kernel_threw_away_are_counted_by_its_numbers():
    found = heard_on_a_pin(Pins([500] * 9, kept=2), until_ms=3_000)
    assert pieces(found) == 9


@settings(deadline=None)
@given(st.lists(st.integers(1, 5_000), max_size=12).map(sorted))
def test_however_edges_come_on_a_pin_each_is_counted_once(edges_ms: list[int]):
    parser, pins = Parser(), Pins(edges_ms)
    wire, last = PinWire(pins, lambda: pins.now_ms), 0
    while pins.now_ms <= 5_000:
        for reading in parser.feed(wire.read(0.25), pins.now_ms):
            assert isinstance(reading, Total)
            last = reading.value
    assert last == len(edges_ms)


@pytest.mark.parametrize("times", [1, 2, 8])
def test_a_pin_that_is_open_for_months_goes_round_as_a_board_does(times: int):
    pulses, parser, found = Pulses(0), Parser(), []
    for number, ms in enumerate(range(times * ROUND - 5_000, times * ROUND + 5_000, 1_000), start=1):
        pulses.edges([number])
        found += parser.feed(pulses.line(ms), 0)
    assert said(found) == list(range(1, 11))


def test_nothing_is_ever_written_to_a_pin():
    with pytest.raises(OSError, match="only read"):
        PinWire(Pins([]), lambda: 0).write(b"x")


def test_without_gpiod_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(OSError, match=r"pip install '.\[gpio\]' を実行してください / gpiod is not installed: run"):
        open_wire(Gpio(Path("/dev/gpiochip0"), 17))


@pytest.mark.parametrize("pull", ["up", "down", "none"])
def test_a_chip_that_is_not_there_is_a_failure_as_any_other_device_that_is_away(tmp_path: Path, pull: str):
    pytest.importorskip("gpiod")
    with pytest.raises(FAILURES):
        open_wire(Gpio(tmp_path / "gpiochip9", "GPIO17", pull=pull))


PLAIN = {"id": "m", "driver": "counter", "station": "s"}


def test_a_counter_is_heard_at_one_place_a_port_an_address_or_a_pin():
    assert Counter(**PLAIN, port="/dev/ttyUSB0").place == Serial(Path("/dev/ttyUSB0"))
    assert Counter(**PLAIN, gpio={"line": 17}).place == Gpio(Path("/dev/gpiochip0"), 17)
    assert str(Counter(**PLAIN, gpio={"line": "GPIO17"}).place) == "/dev/gpiochip0 GPIO17"
    for places in ({}, {"port": "/dev/ttyUSB0", "gpio": {"line": 17}}, {"port": "/dev/ttyUSB0", "address": "h:1"}):
        with pytest.raises(ValidationError, match=r"どれか一つ.*and only one"):
            Counter(**PLAIN, **places)


def test_the_readme_names_every_key_of_a_pin_with_its_default():
    readme = (DRIVER / "README.md").read_text()
    (table,) = re.findall(r"```toml\n(.*?)```", readme, flags=re.DOTALL)
    (shown,) = tomllib.loads(table)["machine"]
    assert Counter(**shown).gpio == Pin(line=shown["gpio"]["line"])
    assert set(shown["gpio"]) == set(Pin.model_fields)
