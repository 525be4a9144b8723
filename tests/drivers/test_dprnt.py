"""DPRNT: our record as different controls print it, what is missing by name, and that nothing is ever sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.events import MachineState
from edge.drivers.dprnt.parser import Parser, Record, record_of
from edge.drivers.dprnt.settings import Dprnt
from edge.drivers.readings import Gap, Reading, State, Total
from edge.rules.counting import Counted, step
from gateway.demo.machines.dprnt import LEADER, printed

END = Record(is_end=True, number=17, count=12)


def said(readings: list[Reading]) -> list[object]:
    """Readings in short: a state, a count, or the sentence of a gap."""
    short = []
    for reading in readings:
        match reading:
            case State(state):
                short.append(state.value)
            case Total(_, value):
                short.append(value)
            case Gap(why):
                short.append(why)
    return short


def heard(*lines: str, parser: Parser | None = None) -> list[object]:
    return said((parser or Parser()).feed(printed(*lines), 0))


@pytest.mark.parametrize(
    "line",
    [
        "S/17 EV/END N/12",
        "S/   17 EV/END N/   12",
        "S/17  JOB/A2611-42  OP/20  EV/END  N/12",
        "JOB/A2611-42 OP/20 EV/END N/12 S/17",
        "S/17. EV/END N/12.000",
        "S/00017 EV/END N/00012 T/4",
    ],
)
def test_a_record_is_read_with_the_spaces_zeros_and_fields_that_controls_differ_in(line: str):
    assert record_of(line) == END


@pytest.mark.parametrize(
    "line",
    [
        "",
        "X1.5436 Z 1.544 T 1",
        "S/17 N/12",
        "S/17 EV/ENF N/12",
        "S/17 EV/ENDN/12",
        "S/17,EV/END,N/12",
        "S/1.7 EV/END",
        "S/-1 EV/END",
        "S/17 EV/END N/99999999999",
        "S/17 EV/END EV/START",
        "S/17 EV/END N/",
        "O1234",
        "S/17 EV/END N/12 (HELLO)",
    ],
)
def test_what_is_not_exactly_a_record_is_none(line: str):
    assert record_of(line) is None


@pytest.mark.parametrize("even_parity", [False, True])
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\n\r\r"])
def test_every_line_end_leader_control_codes_and_parity_are_read_alike(end: bytes, even_parity: bool):
    parser = Parser()
    found = parser.feed(printed("S/1 EV/START", "S/2 EV/END N/1", end=end, even_parity=even_parity), 0)
    assert said(found) == ["running", 1, "idle"]
    assert (parser.tally.lines, parser.tally.malformed) == (2, 0)
    assert (parser.tally.parity_bytes > 0) is even_parity


def test_a_haas_prints_by_carriage_returns_alone():
    found = Parser().feed(printed("S/1 EV/END N/7", "S/2 EV/END N/8", control="haas"), 0)
    assert said(found) == [7, 8]


def test_a_start_runs_an_end_counts_and_without_starts_nothing_is_told_but_counts():
    parser = Parser()
    assert heard("S/1 EV/END N/5", parser=parser) == [5]
    assert heard("S/2 EV/START N/5", parser=parser) == [5, "running"]
    assert heard("S/3 EV/END N/6", parser=parser) == [6, "idle"]


def test_without_a_count_of_the_controls_the_ends_are_counted_from_the_first():
    found = Parser().feed(printed("S/1 EV/END", "S/2 EV/START", "S/3 EV/END"), 0)
    counter = Counted()
    for reading in found:
        if isinstance(reading, Total):
            counter, _ = step(counter, reading.value)
    assert counter.total == 2


def test_the_controls_count_and_ours_of_ends_are_never_mixed():
    assert heard("S/1 EV/START", "S/2 EV/END N/40", "S/3 EV/END", "S/4 EV/END N/42") == ["running", 40, "idle", 42]
    assert heard("S/1 EV/END", "S/2 EV/END N/40", "S/3 EV/END N/41") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ("S/9 EV/END N/2", "記録 8 が抜けました / 1 record is missing: 8"),
        ("S/12 EV/END N/2", "記録 8〜11（4 件）が抜けました / 4 records are missing: 8 to 11"),
        ("S/1 EV/END N/2", "記録番号が 7 から 1 に戻りました / the control's record numbers went from 7 back to 1"),
        ("S/7 EV/END N/2", "記録番号が 7 から 7 に戻りました / the control's record numbers went from 7 back to 7"),
    ],
)
def test_what_is_missing_is_named_by_its_numbers(then: str, sentence: str):
    assert heard("S/7 EV/END N/1", then) == [1, sentence, 2]


def test_a_spoilt_record_is_missing_by_its_number_and_one_printed_twice_is_one():
    parser = Parser()
    assert heard("S/1 EV/END N/1", "S/1 EV/END N/1", parser=parser) == [1]
    assert heard("S/2 EV/ENX N/2", "S/3 EV/END N/3", parser=parser) == [
        "記録 2 が抜けました / 1 record is missing: 2",
        3,
    ]
    assert parser.tally.malformed == 1


def test_records_lost_while_the_cable_was_out_are_named_when_it_is_back():
    parser = Parser()
    heard("S/1 EV/START", parser=parser)
    parser.opened(60_000)
    assert said(parser.feed(printed("S/6 EV/END N/3"), 61_000)) == [
        "記録 2〜5（4 件）が抜けました / 4 records are missing: 2 to 5",
        3,
    ]


def test_a_cycle_that_never_ends_is_unknown_in_the_end_and_not_running_for_ever():
    parser = Dprnt(id="m", driver="dprnt", station="s", address="h:1", silent_seconds=600).parser()
    parser.opened(0)
    assert said(parser.feed(printed("S/1 EV/START N/0"), 0)) == [0, "running"]
    assert parser.idle(600_000) == []
    (state,) = parser.idle(600_001)
    assert isinstance(state, State)
    assert state.state is MachineState.UNKNOWN
    assert parser.idle(700_000) == []
    assert said(parser.feed(printed("S/2 EV/END N/1"), 700_001)) == [1], "nobody saw it run"
    assert said(parser.feed(printed("S/3 EV/START"), 700_002)) == ["running"]


def test_half_a_line_is_given_up_after_two_seconds_and_the_next_is_whole():
    parser = Parser()
    parser.feed(b"S/1 EV/EN", 0)
    assert parser.idle(2_000) == []
    assert parser.tally.malformed == 0
    assert parser.idle(2_001) == []
    assert parser.tally.first == [(1, b"S/1 EV/EN")]
    assert said(parser.feed(b"S/2 EV/END N/5\r", 2_002)) == [5]


def test_a_listing_or_a_measurement_on_the_same_line_is_no_fault_and_a_misspelt_record_is():
    parser = Parser()
    listing = LEADER + b"%\r\nO1234\r\nG0 X1.5436 Z1.\r\n#500=#500+1\r\nX1.5436 Z 1.544 T 1\r\n%\r\n"
    assert parser.feed(listing, 0) == []
    assert (parser.tally.lines, parser.tally.other, parser.tally.malformed) == (4, 4, 0)
    assert heard("S/1 EV/STRT", "M3\x01", "\x7e", "S/2 EV/END N/5", parser=parser) == [5]
    assert (parser.tally.lines, parser.tally.other, parser.tally.malformed) == (8, 4, 3)


chunks = st.lists(
    st.binary(max_size=60)
    | st.builds(lambda n, event: f"S/{n} EV/{event} N/{n}\r\n".encode(), st.integers(0, 99), st.sampled_from(["START", "END"]))
    | st.sampled_from([b"\r", b"\n", b"%", b"\x12", b"\x00", b"EV/END", b" ", b"A" * 300])
)  # fmt: skip


@settings(deadline=None)
@given(chunks)
def test_any_bytes_however_they_are_cut_give_the_same_never_an_error_and_nothing_is_ever_sent(pieces: list[bytes]):
    whole, cut, by_one = Parser(), Parser(), Parser()
    data = b"".join(pieces)
    once = whole.feed(data, 0)
    assert [reading for piece in pieces for reading in cut.feed(piece, 0)] == once
    assert [reading for n in range(len(data)) for reading in by_one.feed(data[n : n + 1], 0)] == once
    assert whole.tally == cut.tally == by_one.tally
    assert len(whole._lines._line) <= 200
    assert [parser.to_send(ms) for parser in (whole, cut) for ms in (0, 10**6)] == [b""] * 4
    again = whole.feed(b"\r\nS/555 EV/START\r\nS/556 EV/END N/777\r\n", 0)
    assert said(again)[-1] == "idle", "it is read again at the next good record"
