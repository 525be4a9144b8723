"""SHDR on whole days of real adapters, on any bytes, and its heartbeat."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.events import MachineState
from edge.drivers.readings import Gap, State, Total
from edge.drivers.shdr.parser import PING, Parser
from edge.installer.trial import Trial
from tests.conftest import DATA

DAYS = sorted((DATA / "nist_sms").glob("*.txt"))


def seconds_by_value(day: Path, key: str) -> dict[str, float]:
    """Add up how long a key had each value, by nothing but splitting at bars: another way to the same numbers."""
    seconds: dict[str, float] = {}
    value, since, at = "", None, None
    for line in day.read_text().splitlines():
        stamp, *tokens = line.split("|")
        at = datetime.fromisoformat(stamp.rstrip("Z")[:26])
        if tokens[0] == key and tokens[1] != value:
            if since is not None:
                seconds[value] = seconds.get(value, 0.0) + max(0.0, (at - since) / timedelta(seconds=1))
            value, since = tokens[1], at
    assert since
    assert at
    seconds[value] = seconds.get(value, 0.0) + max(0.0, (at - since) / timedelta(seconds=1))
    return seconds


@pytest.mark.skipif(not DAYS, reason="the folder of real data, ../shared/data, is not here")
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.stem)
def test_a_real_day_has_no_malformed_line_and_every_second_of_it_is_accounted_for(day: Path):
    trial = Trial(Parser())
    trial.feed(day.read_bytes())
    trial.end()
    made = trial.plain()
    assert (made["malformed"], made["lines"]) == (0, len(day.read_text().splitlines()))
    expected = seconds_by_value(day, "Program_Status" if day.name.startswith("Hurco") else "execution")
    assert made["seconds_raw"] == {name: pytest.approx(seconds, abs=0.001) for name, seconds in expected.items()}
    states = made["seconds_state"]
    assert isinstance(states, dict)
    assert sum(states.values()) == pytest.approx(sum(expected.values()), abs=0.01)
    assert states.get("running", 0.0) == pytest.approx(expected.get("ACTIVE", 0.0), abs=0.001)
    assert made["count"] == 0  # the part counters of these machines never counted


@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"|execution|ACTIVE\n", b'"', b"\n", b"|", b"* PONG 9\n"])))
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(chunks: list[bytes]):
    whole, cut = Parser(), Parser()
    once = whole.feed(b"".join(chunks), 0)
    assert [reading for chunk in chunks for reading in cut.feed(chunk, 0)] == once
    assert whole.tally == cut.tally


def test_a_line_without_an_end_is_bounded_and_the_next_good_line_is_read():
    parser = Parser()
    for _ in range(1000):
        assert parser.feed(b"x" * 1000, 0) == []
    found = parser.feed(b"\n2026-11-22T09:00:00Z|execution|ACTIVE\n", 0)
    assert [reading.state for reading in found if isinstance(reading, State)] == [MachineState.RUNNING]
    assert (parser.tally.lines, parser.tally.malformed) == (2, 1)


@pytest.mark.parametrize(
    ("shown", "totals"), [("0000000001234", [1234]), ("²", []), ("①", []), ("12345678901234", []), ("9" * 5000, [])]
)
def test_a_count_is_all_of_its_digits_and_what_is_no_number_leaves_the_line_open(shown: str, totals: list[int]):
    found = Parser().feed(f"|PartCountAct|{shown}\n".encode(), 0)
    assert [reading.value for reading in found if isinstance(reading, Total)] == totals


def test_an_asset_that_never_ends_does_not_swallow_the_machine():
    parser = Parser()
    parser.feed(b"2026-11-22T09:00:00Z|@ASSET@|T1|Tool|--multiline--X\n" + b"junk\n" * 20_000, 0)
    assert parser.feed(b"|execution|ACTIVE\n", 0)


def test_it_sends_nothing_but_pings_at_the_pace_the_adapter_asks_for():
    parser = Parser()
    parser.opened(0)
    assert [parser.to_send(0), parser.to_send(1)] == [PING, b""]
    parser.feed(b"* PONG 10000\n|execution|ACTIVE\n", 100)
    assert [parser.to_send(ms) for ms in (9_000, 10_000, 10_001, 20_000)] == [b"", PING, b"", PING]
    assert parser.idle(20_000) == []
    gap, state = parser.idle(20_101)
    assert isinstance(gap, Gap)
    assert isinstance(state, State)
    assert state.state is MachineState.UNKNOWN
    assert parser.idle(30_000) == []


@pytest.mark.parametrize("line", [b"* PONG 0\n", b"* PONG 1800000\n", b"* PONG -5\n", b"* PONG x\n", b"* uuid: 1\n"])
def test_a_heartbeat_outside_of_sense_is_refused(line: bytes):
    parser = Parser()
    parser.feed(line, 0)
    assert parser.ping_ms == 0


def test_noise_and_a_line_without_end_are_as_silent_as_nothing():
    parser = Parser()
    parser.opened(0)
    parser.feed(b"* PONG 1000\n|execution|ACTIVE\n", 0)
    assert parser.feed(b"x" * 5000, 2_000) == []
    said = [one for one in parser.feed(b"x" * 5000 + b"\n\xff\n", 2_001) if isinstance(one, State)]
    assert [one.state for one in said] == [MachineState.UNKNOWN]
    assert parser.feed(b"* PONG 1000\n", 2_100) == [State(MachineState.RUNNING, "ACTIVE")], "it says only what changes"
