"""A Haas control: both framings, the words of its states, what is asked and when, and that nothing else is ever sent."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.events import MachineState
from edge.drivers.haas.parser import Parser
from edge.drivers.haas.questions import NAMES, RARELY_MS, TIMEOUT_MS, sent
from edge.drivers.haas.settings import Haas
from edge.drivers.readings import Gap, Reading, State, Total
from gateway.demo.machines.haas import Control

Q100, Q104, Q402, Q500 = (sent(code) for code in ("Q100", "Q104", "Q402", "Q500"))
WHITELIST = {b"?Q100\r\n", b"?Q104\r\n", b"?Q402\r\n", b"?Q403\r\n", b"?Q500\r\n"}
"""Written out by hand: whoever adds a question to the driver has to add it here too, and think."""
ANSWERS = ["SERIAL NUMBER, 1234567", "MODE, (JOG)", "MODE, MEM", "M30 #1, 380", "M30 #2, 7", "STATUS, BUSY", "STATUS BUSY",
           "PROGRAM, O00123, IDLE, PARTS, 380", "PROGRAM, MDI, FEED HOLD, PARTS, 3", "PROGRAM, O1, ALARM ON, PARTS, X",
           "UNKNOWN", "P.O. TIME, 06282:17:13", ">>>", "?E600 1", "PROGRAM"]  # fmt: skip


def ethernet(*answers: str) -> bytes:
    return "".join(f">{answer}\r\n" for answer in answers).encode()


def serial(*answers: str) -> bytes:
    return b">" + b"".join(b"\x02%b\x17\r\n>" % answer.encode() for answer in answers)


def states(readings: list[Reading]) -> list[MachineState]:
    return [reading.state for reading in readings if isinstance(reading, State)]


def totals(readings: list[Reading]) -> list[int]:
    return [reading.value for reading in readings if isinstance(reading, Total)]


def talk(parser: Parser, control: Control, *, until_ms: int, since_ms: int = 0) -> list[Reading]:
    """Let a control answer everything at once, looking four times a second, as the thread of a machine does."""
    found: list[Reading] = []
    for now in range(since_ms, until_ms, 250):
        while question := parser.to_send(now):
            answers = control.asked(question)
            found += parser.feed(ethernet(*answers), now) if answers else []
            if not answers:
                break
        found += parser.idle(now)
    return found


@pytest.mark.parametrize("framed", [ethernet, serial])
@pytest.mark.parametrize(
    ("answers", "state", "raw"),
    [
        (["STATUS, BUSY"], MachineState.RUNNING, "BUSY"),
        (["STATUS BUSY"], MachineState.RUNNING, "BUSY"),
        (["PROGRAM, O00123, IDLE, PARTS, 380"], MachineState.IDLE, "IDLE"),
        (["PROGRAM, O00123, FEED HOLD, PARTS, 380"], MachineState.HOLD, "FEED HOLD"),
        (["PROGRAM, O00123, STATUS, FEED HOLD, PARTS, 380"], MachineState.HOLD, "FEED HOLD"),
        (["PROGRAM, O00123, ALARM ON, PARTS, 380"], MachineState.ALARM, "ALARM ON"),
        (["PROGRAM, MDI, IDLE, PARTS, 380"], MachineState.SETUP, "IDLE"),
        (["MODE, (JOG)", "PROGRAM, O00123, IDLE, PARTS, 380"], MachineState.SETUP, "IDLE"),
        (["MODE, MEM", "PROGRAM, MDI, IDLE, PARTS, 380"], MachineState.IDLE, "IDLE"),
        (["MODE, MDI", "STATUS, BUSY"], MachineState.RUNNING, "BUSY"),
        (["MODE, JOG", "PROGRAM, O1, ALARM ON, PARTS, 1"], MachineState.ALARM, "ALARM ON"),
        (["program, o1, idle, parts, 1"], MachineState.IDLE, "IDLE"),
        (["PROGRAM, O1, SLEEPING, PARTS, 1"], MachineState.UNKNOWN, "SLEEPING"),
    ],
)
def test_a_controls_words_become_one_state_in_either_framing(
    framed: Any, answers: list[str], state: MachineState, raw: str
):
    found = Parser().feed(framed(*answers), 0)
    assert [one for one in found if isinstance(one, State)][-1] == State(state, raw)


@pytest.mark.parametrize("shown", ["", "X", "-1", "3.8", "99999999999", "①"])
def test_a_count_that_is_no_number_is_absent_and_never_zero(shown: str):
    parser = Parser()
    assert totals(parser.feed(ethernet(f"PROGRAM, O1, IDLE, PARTS, {shown}"), 0)) == []
    assert totals(parser.feed(ethernet("PROGRAM, O1, IDLE, PARTS"), 0)) == []
    assert totals(parser.feed(ethernet("PROGRAM, O1, IDLE, PARTS, 0"), 0)) == [0]


def test_a_running_program_carries_no_count_and_the_m30_counter_is_read_meanwhile():
    parser, control = Parser(), Control()
    parser.opened(0)
    control.runs()
    assert totals(talk(parser, control, until_ms=3_000)) == [380]
    control.makes(2)
    assert totals(talk(parser, control, since_ms=3_000, until_ms=6_000)) == [382]


def test_two_counters_are_never_mixed_and_parts_is_read_where_the_control_knows_no_other():
    parser, control = Parser(), Control()
    parser.opened(0)
    assert totals(talk(parser, control, until_ms=1_000)) == [380]
    assert totals(parser.feed(ethernet("PROGRAM, O1, IDLE, PARTS, 385", "M30 #2, 390"), 1_000)) == []
    control.unknown = {"Q402"}
    parser.opened(2_000)
    assert totals(talk(parser, control, since_ms=2_000, until_ms=9_000)) == [380]
    assert control.heard.count(Q402) == 3, "one answered, two refused; then it is not asked any more"


def test_one_question_is_open_at_a_time_and_the_first_may_be_lost():
    parser = Parser()
    parser.opened(0)
    assert [parser.to_send(ms) for ms in (0, 1, 2_999)] == [Q100, b"", b""]
    assert parser.idle(TIMEOUT_MS) == []
    assert parser.to_send(TIMEOUT_MS) == Q100
    assert parser.feed(ethernet("SERIAL NUMBER, 1234567"), TIMEOUT_MS) == []
    assert parser.to_send(TIMEOUT_MS) == Q104


def test_an_answer_is_known_by_its_name_whoever_asked_for_it():
    parser = Parser()
    parser.opened(0)
    assert parser.to_send(0) == Q100
    assert states(parser.feed(ethernet("MODE, MEM", "STATUS, BUSY", "USING TOOL, 4"), 10)) == [MachineState.RUNNING]
    assert parser.to_send(20) == b"", "the serial number was asked for and has not come"
    parser.feed(ethernet("SERIAL NUMBER, 1"), 30)
    assert parser.to_send(30) == Q104
    assert parser.tally.malformed == 0


def test_an_unknown_meant_for_another_client_stops_nothing():
    parser, control = Parser(), Control()
    parser.opened(0)
    talk(parser, control, until_ms=1_000)
    for now in range(1_000, 20_000, 250):
        if question := parser.to_send(now):
            parser.feed(ethernet("UNKNOWN", *control.asked(question)), now)
    assert control.heard.count(Q402) > 5


def test_a_control_that_misses_three_questions_is_unknown_until_it_answers_and_is_then_asked_everything():
    parser, control = Parser(), Control()
    parser.opened(0)
    control.runs()
    assert states(talk(parser, control, until_ms=4_000)) == [MachineState.RUNNING]
    control.silent = True
    found = talk(parser, control, since_ms=4_000, until_ms=40_000)
    assert [type(reading) for reading in found] == [Gap, State]
    assert states(found) == [MachineState.UNKNOWN]
    control.silent = False
    control.heard = b""
    assert states(talk(parser, control, since_ms=40_000, until_ms=46_000)) == [MachineState.RUNNING]
    assert {Q104, Q402, Q500} == set(re.findall(rb"\?Q\d+\r\n", control.heard))


def test_a_control_that_never_knows_its_mode_is_not_asked_for_it_again_and_all_else_goes_on():
    parser, control = Parser(), Control()
    control.unknown = {"Q104"}
    parser.opened(0)
    assert states(talk(parser, control, until_ms=120_000)) == [MachineState.IDLE]
    assert control.heard.count(Q104) == 2
    assert control.heard.count(Q500) > 50


def test_a_control_that_does_not_know_its_state_is_asked_rarely():
    parser, control = Parser(), Control()
    control.unknown = {"Q500"}
    parser.opened(0)
    assert states(talk(parser, control, until_ms=3 * RARELY_MS)) == []
    assert 2 < control.heard.count(Q500) < 7


def test_a_mode_that_is_not_answered_any_more_is_forgotten():
    parser, control = Parser(), Control()
    control.is_set_up()
    parser.opened(0)
    assert states(talk(parser, control, until_ms=1_000)) == [MachineState.SETUP]
    for now in range(1_000, 12_000, 250):
        question = parser.to_send(now)
        found = parser.idle(now) if question in (b"", Q104) else parser.feed(ethernet(*control.asked(question)), now)
        if states(found):
            assert states(found) == [MachineState.IDLE]
            return
    pytest.fail("the mode of long ago still makes it set-up")


def test_xon_xoff_parity_echo_and_noise_between_answers_harm_nothing():
    even = bytes(byte | (byte.bit_count() % 2) << 7 for byte in serial("STATUS, BUSY"))
    noise = b"\xff\xfe\x00DLE, PARTS, 9\r\n\x02PROG\x02"
    parser = Parser()
    found = parser.feed(noise + b"\x17\r\n?Q500\r\n>\x02PROGRAM, O1,\x13 ID\x11LE, PARTS, 7\x17\r\n>" + even, 0)
    assert states(found) == [MachineState.IDLE, MachineState.RUNNING]
    assert totals(found) == [7]
    assert parser.tally.parity_bytes > 5
    assert (parser.tally.lines, parser.tally.malformed) == (4, 2)


def test_a_garbled_answer_is_none_and_the_state_stays_what_it_was():
    parser = Parser()
    parser.feed(ethernet("STATUS, BUSY"), 0)
    assert parser.feed(b">PROGRAM, O1, I\xefLE, PARTS, 3\r\n>PROGRAM, O1\r\n>STATUS,\r\n>MODE,\r\n", 0) == []
    assert (parser.tally.lines, parser.tally.malformed) == (5, 4)
    assert states(parser.feed(ethernet("PROGRAM, , IDLE, PARTS, 3"), 0)) == [MachineState.IDLE]


chunks = st.lists(
    st.binary(max_size=60)
    | st.sampled_from(ANSWERS).map(ethernet)
    | st.sampled_from(ANSWERS).map(serial)
    | st.sampled_from([b">", b"\x02", b"\x17", b"\r", b"\n", b",", b"\x11", b"A" * 600]),
    max_size=12,
)


@settings(deadline=None)
@given(chunks)
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(pieces: list[bytes]):
    whole, cut = Parser(), Parser()
    for parser in (whole, cut):
        parser.opened(0)
        parser.to_send(0)
    data = b"".join(pieces)
    once = whole.feed(data, 0)
    assert [reading for piece in pieces for reading in cut.feed(piece, 0)] == once
    by_one = Parser()
    by_one.opened(0)
    by_one.to_send(0)
    assert [reading for n in range(len(data)) for reading in by_one.feed(data[n : n + 1], 0)] == once
    assert whole.tally == cut.tally == by_one.tally
    assert len(whole._lines._line) <= 512
    last = whole.feed(b"\r\n" + ethernet("PROGRAM, O77, FEED HOLD, PARTS, 1", "STATUS, BUSY"), 0)
    assert states(last)[-1:] == [MachineState.RUNNING], "it is read again at the next good answer"


any_keys = st.fixed_dictionaries(
    {
        "poll_seconds": st.floats(min_value=1, max_value=60),
        "parts": st.sampled_from(["Q402", "Q403", "Q500"]),
        "ask_mode": st.booleans(),
    }
)
answers = st.binary(max_size=20) | st.sampled_from(ANSWERS).map(ethernet) | st.sampled_from(ANSWERS).map(serial)
turns = st.lists(
    st.tuples(st.sampled_from([0, 250, 1_000, 3_000, 70_000]), st.sampled_from(["feed", "feed", "idle", "opened"]), answers),
    max_size=20,
)  # fmt: skip


@settings(deadline=None)
@given(any_keys, turns)
def test_every_byte_ever_sent_is_a_question_of_the_whitelist_and_one_is_open_at_a_time(
    keys: dict[str, Any], said: list[tuple[int, str, bytes]]
):
    plain = {"id": "m", "driver": "haas", "station": "s", "address": "127.0.0.1:1"}
    parser, now = Haas.model_validate(plain | keys).parser(), 0
    parser.opened(0)
    for pause, what, answer in said:
        now += pause
        for _ in range(3):
            if question := parser.to_send(now):
                assert question in WHITELIST
        assert parser.to_send(now) == b"", "no second question before an answer or the time-out"
        if what == "feed":
            parser.feed(answer, now)
        elif what == "idle":
            parser.idle(now)
        else:
            parser.opened(now)
    assert {sent(code) for code in NAMES} == WHITELIST
