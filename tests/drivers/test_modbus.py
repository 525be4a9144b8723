"""Modbus: what is asked, what is made of answers, noise and silence; on real captures, and on a pty."""

import itertools
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from broker.events import MachineState
from edge.drivers.modbus.frames import Frame, Noise, Rtu, Tcp
from edge.drivers.modbus.line import Line
from edge.drivers.modbus.parser import BACK_OFF_MS, LAMP_MS
from edge.drivers.modbus.reads import Read
from edge.drivers.modbus.settings import Modbus
from edge.drivers.readings import Gap, Reading, State, Total
from edge.rules.counting import Counted, Step, step
from gateway.demo.machines.modbus import Unit, crc16

PARTS = {"name": "parts", "address": 40001}
GREEN = {"name": "green", "table": "discrete", "address": 10001}
RED = {"name": "red", "table": "discrete", "address": 10002}


def machine(*signals: dict[str, Any], **keys: Any) -> Modbus:
    where = {} if "address" in keys else {"port": "/dev/ttyUSB0"}
    return Modbus.model_validate(
        {"id": "m", "station": "s", "driver": "modbus", "signal": signals or (PARTS,)} | where | keys
    )


class Play:
    """A line of units and a clock: whatever is due is asked, whoever is there answers."""

    def __init__(self, *machines: Modbus, units: tuple[Unit, ...], damage: Any = None) -> None:
        self.parsers = [one.parser() for one in machines]
        self.tcp = machines[0].over_tcp
        self.units = {unit.number: unit for unit in units}
        self.line, self.ms = Line(self.parsers), 1_000
        self.line.opened(self.ms)
        self.asked: list[tuple[int, bytes]] = []
        self.said: list[list[Reading]] = [[] for _ in machines]
        self._damage = damage or (lambda question, answer: answer)

    def run(self, ms: int, every_ms: int = 10) -> "Play":
        until = self.ms + ms
        while self.ms < until:
            arrived = b""
            if question := self.line.to_send(self.ms):
                self.asked.append((self.ms, question))
                arrived = self._damage(question, self._answer(question))
            self.ms += every_ms
            self.said[self.line.turn] += self.line.feed(arrived, self.ms)
        return self

    def _answer(self, question: bytes) -> bytes:
        unit, pdu = (question[6], question[7:]) if self.tcp else (question[0], question[1:-2])
        there = self.units.get(unit)
        if there is None or there.silent:
            return b""
        answer = bytes([unit]) + there.answer(pdu)
        return question[:4] + len(answer).to_bytes(2, "big") + answer if self.tcp else answer + crc16(answer)

    def states(self, place: int = 0) -> list[str]:
        return [one.state.value for one in self.said[place] if isinstance(one, State)]

    def totals(self, place: int = 0) -> list[int]:
        return [one.value for one in self.said[place] if isinstance(one, Total)]

    def gaps(self, place: int = 0) -> list[str]:
        return [one.why for one in self.said[place] if isinstance(one, Gap)]


# -- what a value is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "registers", "value", "wrap"),
    [
        ("u16", [0xFFFE], 65_534, 1 << 16),
        ("u32", [0x0001, 0x0002], 65_538, 1 << 32),
        ("u32_swapped", [0x0002, 0x0001], 65_538, 1 << 32),
        ("bcd16", [0x9998], 9_998, 10_000),
        ("bcd32", [0x0012, 0x3456], 123_456, 100_000_000),
        ("bcd32_swapped", [0x3456, 0x0012], 123_456, 100_000_000),
    ],
)
@pytest.mark.parametrize("over", [{}, {"address": "10.0.0.1:502"}])
def test_a_counter_is_read_in_every_type_and_wraps_where_it_is_full(kind, registers, value, wrap, over):
    chosen = machine(PARTS | {"type": kind}, **over)
    unit = Unit(1, holding=dict(enumerate(registers)))
    play = Play(chosen, units=(unit,)).run(1_500)
    assert play.totals() == [value]
    assert chosen.wrap == wrap
    assert step(Counted(wrap - 2), 1, wrap=chosen.wrap) == (Counted(1, 3), Step.COUNTED)


def test_what_is_no_bcd_is_absent_and_said_once():
    unit = Unit(1, holding={0: 0x12AB})
    play = Play(machine(PARTS | {"type": "bcd16"}), units=(unit,)).run(5_000)
    assert (play.totals(), len(play.gaps())) == ([], 1)
    assert "check type" in play.gaps()[0]
    unit.holding[0] = 0x0012
    assert play.run(2_000).totals() == [12]


@pytest.mark.parametrize(
    ("addresses", "table", "address", "wire"),
    [
        ("manual", "holding", 40_001, 0),
        ("manual", "holding", 49_999, 9_998),
        ("manual", "holding", 400_001, 0),
        ("manual", "holding", 465_536, 65_535),
        ("manual", "input", 30_010, 9),
        ("manual", "input", 300_010, 9),
        ("manual", "discrete", 10_001, 0),
        ("manual", "discrete", 100_001, 0),
        ("manual", "coil", 1, 0),
        ("manual", "coil", 10_001, 10_000),
        ("from_1", "holding", 1, 0),
        ("wire", "holding", 0, 0),
        ("wire", "holding", 40_001, 40_001),
    ],
)
def test_an_address_is_taken_as_the_settings_say_it_is_written(addresses, table, address, wire):
    name = "running" if table in ("coil", "discrete") else "parts"
    (asked,) = (
        Play(machine({"name": name, "table": table, "address": address}, addresses=addresses), units=()).run(20).asked
    )
    assert int.from_bytes(asked[1][2:4], "big") == wire


@pytest.mark.parametrize(
    ("signal", "keys", "sentence"),
    [
        (PARTS | {"address": 0}, {}, "with addresses = 'manual' the first is 40001"),
        (PARTS | {"address": 30_001}, {}, "there is no holding 30001"),
        (PARTS | {"address": 65_535, "type": "u32"}, {"addresses": "wire"}, "there is no holding 65535"),
        (GREEN | {"name": "parts"}, {}, "a bit is named one of running"),
        (PARTS | {"type": "bit"}, {}, "say which bit"),
        (PARTS | {"bit": 3, "type": "u16"}, {}, "for one bit of a register only"),
        (GREEN | {"type": "u16"}, {}, "leave type out"),
        (PARTS | {"name": "state"}, {}, "belongs to the signal named 'state'"),
        (PARTS | {"values": {"1": "running"}}, {}, "belongs to the signal named 'state'"),
        (PARTS | {"name": "alarm"}, {}, "name it 'state'"),
        (PARTS, {"framing": "7E1"}, "8 bits and no xonxoff"),
        (PARTS, {"xonxoff": True}, "8 bits and no xonxoff"),
        (PARTS, {"protocol": "tcp"}, "leave it out"),
        (PARTS, {"unit": 0}, "1 to 247"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_with_a_sentence(signal, keys, sentence):
    with pytest.raises(ValidationError, match=sentence.replace("(", r"\(")):
        machine(signal, **keys)


def test_signals_without_a_gap_between_them_are_one_question_and_nothing_else_is_read():
    chosen = machine(
        PARTS | {"type": "u32"},
        {"name": "scrap", "address": 40_003},
        {"name": "running", "address": 40_003, "bit": 0},
        {"name": "other", "address": 40_010},
    )
    asked = {question for _, question in Play(chosen, units=()).run(400).asked}
    assert asked == {bytes.fromhex("010300000003") + crc16(bytes.fromhex("010300000003"))}
    play = Play(chosen, units=(Unit(1, holding={0: 0, 1: 7, 2: 1, 9: 5}),)).run(500)
    assert sorted((one.signal, one.value) for one in play.said[0] if isinstance(one, Total)) == [
        ("other", 5),
        ("parts", 7),
        ("scrap", 1),
    ]


# -- read only ---------------------------------------------------------------------------------------------------------

names = st.sampled_from(["parts", "scrap", "running", "alarm", "green", "red", "state"])
tables = {"holding": 40_001, "input": 30_001, "coil": 1, "discrete": 10_001}


@st.composite
def signals(draw: st.DrawFn) -> dict[str, Any]:
    table = draw(st.sampled_from(sorted(tables)))
    bits = table in ("coil", "discrete")
    signal = {"table": table, "address": tables[table] + draw(st.integers(0, 40))}
    if bits:
        return signal | {"name": draw(st.sampled_from(["running", "alarm", "green", "red", "idle"]))}
    kind = draw(st.sampled_from(["bit", "u16", "u32", "u32_swapped", "bcd16", "bcd32"]))
    if kind == "bit":
        return signal | {"name": draw(st.sampled_from(["hold", "setup", "yellow"])), "bit": draw(st.integers(0, 15))}
    name = draw(st.sampled_from(["parts", "scrap", "white", "state"]))
    return signal | {"name": name, "type": kind} | ({"values": {"1": "running"}} if name == "state" else {})


@settings(deadline=None)
@given(
    st.lists(signals(), min_size=1, max_size=8, unique_by=lambda one: one["name"]),
    st.booleans(),
    st.integers(1, 247),
    st.lists(st.binary(max_size=30), max_size=20),
)
def test_whatever_is_set_and_whatever_comes_back_only_the_four_reads_are_ever_sent(wired, over_tcp, unit, answers):
    chosen = machine(*wired, unit=unit, **({"address": "10.0.0.1:502"} if over_tcp else {}))
    line, now = Line([chosen.parser()]), 0
    line.opened(now)
    places = {
        (one.place("manual").read, one.place("manual").address + n)
        for one in chosen.signal
        for n in range(one.place("manual").size)
    }
    for answer in [*answers, *[b""] * 20]:
        sent = line.to_send(now)
        if sent:
            if over_tcp:
                assert (sent[2:6], len(sent)) == (b"\0\0\0\6", 12)
                question = sent[6:]
            else:
                assert (crc16(sent[:-2]), len(sent)) == (sent[-2:], 8)
                question = sent[:-2]
            address, count = int.from_bytes(question[2:4], "big"), int.from_bytes(question[4:6], "big")
            assert question[0] == unit
            assert question[1] in {1, 2, 3, 4}
            assert 1 <= count <= (16 if question[1] < 3 else 60)
            assert {(Read(question[1]), address + n) for n in range(count)} <= places
        line.feed(answer, now)
        now += 700


# -- any bytes ---------------------------------------------------------------------------------------------------------


def rtu(unit: int, pdu: bytes) -> bytes:
    return bytes([unit]) + pdu + crc16(bytes([unit]) + pdu)


def tcp(tag: int, unit: int, pdu: bytes) -> bytes:
    return tag.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu


pdus = st.sampled_from(
    [
        b"\x03\x02\x01\x7c",
        b"\x83\x02",
        b"\x01\x01\x05",
        b"\x03\x00\x00\x00\x01",
        b"\x10\x00\x01\x00\x02",
        b"\x03\x03abc",
    ]
)
pieces = (
    st.binary(max_size=40)
    | st.builds(rtu, st.sampled_from([1, 2]), pdus)
    | st.builds(tcp, st.integers(0, 3), st.sampled_from([1, 255]), pdus)
)


@pytest.mark.parametrize("over", [{}, {"address": "10.0.0.1:502"}])
@settings(deadline=None)
@given(stream=st.lists(pieces, max_size=12).map(b"".join), data=st.data(), asked=st.booleans())
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(over, stream, data, asked):
    chosen = machine(PARTS, GREEN, **over)
    whole, cut = chosen.parser(), chosen.parser()
    for parser in (whole, cut):
        parser.opened(0)
        if asked:
            parser.to_send(0)
    once = whole.feed(stream, 1)
    cuts = [*sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10))), len(stream)]
    found, start = [], 0
    for end in cuts:
        found += cut.feed(stream[start:end], 1)
        start = end
    assert found == once
    assert cut.tally == whole.tally


@pytest.mark.parametrize("over", [{}, {"address": "10.0.0.1:502"}])
@pytest.mark.parametrize(
    "junk", [b"\xff" * 997, b"\x01\x03\xfa" * 331, b"\0\0\0\0\0\xfe\1" * 141, b"\x01\x83\x02" * 331]
)
def test_a_line_that_babbles_without_end_fills_no_memory_and_is_read_again_when_it_stops(over, junk):
    chosen = machine(**over)
    play = Play(chosen, units=(Unit(1, holding={0: 7}),)).run(100)
    assert play.totals() == [7]
    (parser,) = play.parsers
    for _ in range(5):
        parser.feed(junk, play.ms)
        assert len(pickle.dumps(parser)) < 20_000
    play.units[1].holding[0] = 8
    assert play.run(30_000).totals() == [7, 8]


def test_a_good_frame_between_noise_is_found_and_the_noise_is_counted():
    stream = b"\x01\x03\x00" + rtu(1, b"\x03\x02\x01\x7c") + b"\xff\x01\x03\x04" + rtu(1, b"\x83\x02")
    assert [type(one) for one in Rtu().feed(stream)] == [Noise, Frame, Noise, Frame]
    stream = b"\xff" * 9 + tcp(1, 1, b"\x03\x02\x01\x7c") + b"\xff" * 7 + tcp(2, 1, b"\x83\x02")
    assert [one.tag for one in Tcp().feed(stream) if isinstance(one, Frame)] == [1, 2]


# -- noise, echo, silence ----------------------------------------------------------------------------------------------


def test_a_spoilt_answer_is_dropped_silently_and_asked_for_once_more():
    spoilt = iter([True])
    play = Play(
        machine(),
        units=(Unit(1, holding={0: 380}),),
        damage=lambda _, answer: answer[:3] + b"\x55" + answer[4:] if next(spoilt, False) else answer,
    ).run(1_900)
    assert [question for _, question in play.asked[:2]] == [play.asked[0][1]] * 2
    assert (play.totals(), play.gaps(), play.states()) == ([380], [], [])
    assert (play.parsers[0].tally.lines, play.parsers[0].tally.malformed) == (2, 1)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=12), st.binary(max_size=12))
def test_noise_around_an_answer_and_the_echo_of_our_question_change_nothing(before, after):
    play = Play(
        machine(PARTS, GREEN),
        units=(Unit(1, holding={0: 380}, discrete={0: 1}),),
        damage=lambda question, answer: question + before + answer + after,
    ).run(4_000)
    assert (play.totals(), play.states()) == ([380], ["running"])


@pytest.mark.parametrize("address", range(0x0300, 0x0400, 17))
@pytest.mark.parametrize("count", [3, 17, 24])
def test_an_echo_is_never_taken_for_an_answer_though_nobody_answers(address, count):
    bits = [
        {"name": name, "table": "coil", "address": address + n * (count - 1) // 2}
        for n, name in enumerate(("running", "hold", "alarm"))
    ]
    play = Play(machine(*bits, addresses="wire"), units=(), damage=lambda question, _: question).run(4_000)
    assert play.states() == ["unknown"]
    assert play.parsers[0].tally.malformed == 0


def test_a_silent_unit_is_unknown_after_three_questions_then_asked_every_ten_seconds_and_the_others_keep_their_pace():
    here, gone = Unit(1, holding={0: 5}, discrete={0: 1}), Unit(2, holding={0: 9}, discrete={0: 1})
    play = Play(machine(PARTS, GREEN), machine(PARTS, GREEN, unit=2), units=(here, gone)).run(5_000)
    assert (play.states(0), play.states(1)) == (["running"], ["running"])
    gone.silent, since = True, play.ms
    play.run(60_000)
    assert play.states(1) == ["running", "unknown"]
    assert len(play.gaps(1)) == 1
    assert "局番 2 が答えません / unit 2 does not answer" in play.gaps(1)[0]
    asked = [ms for ms, question in play.asked if question[0] == 2 and ms >= since]
    assert asked[2] - since < 3_000, "known to be silent within three seconds"
    assert all(BACK_OFF_MS <= later - ms <= BACK_OFF_MS + 1_500 for ms, later in itertools.pairwise(asked[2:]))
    others = [ms for ms, question in play.asked if question[0] == 1 and ms > asked[2]]
    assert len(others) > 0.85 * (play.ms - asked[2]) / LAMP_MS, "the other is asked nearly as often as before"
    gone.silent = False
    play.run(11_000 + 2_000)
    assert play.states(1) == ["running", "unknown", "running"]
    assert play.totals(1) == [9, 9]


def test_an_answer_that_comes_late_is_nobodys_not_the_next_questions():
    """Two places of one shape, and a unit that takes 0.7 s where we wait for 0.5: nothing may be mixed up."""
    chosen = machine(PARTS, {"name": "other", "address": 40_011})
    parser, now, due = chosen.parser(), 0, list[tuple[int, bytes]]()
    parser.opened(0)
    unit, found = Unit(1, holding={0: 111, 10: 222}), list[Reading]()
    for now in range(0, 60_000, 10):
        if question := parser.to_send(now):
            due.append((now + 700, rtu(1, unit.answer(question[1:-2]))))
        arrived = b"".join(answer for ms, answer in due if ms == now)
        found += parser.feed(arrived, now)
    assert not [
        one for one in found if isinstance(one, Total) and one.value != {"parts": 111, "other": 222}[one.signal]
    ]
    assert MachineState.UNKNOWN in [one.state for one in found if isinstance(one, State)]


@pytest.mark.parametrize(
    ("code", "words"),
    [(1, "does not know this function"), (2, "has nothing there"), (3, "refuses it so"), (4, "fault of its own")],
)
def test_a_refusal_is_said_once_in_plain_words_and_is_over_when_it_answers(code, words):
    unit = Unit(1, holding={0: 5}, discrete={0: 1})
    unit.said[bytes.fromhex("0300000001")] = bytes([0x83, code])
    play = Play(machine(PARTS, GREEN), units=(unit,)).run(60_000)
    assert len(play.gaps()) == 1
    assert words in play.gaps()[0]
    assert "holding 40001" in play.gaps()[0]
    assert (play.totals(), play.states()) == ([], ["running"]), "what it does tell is still told"
    assert sum(question[1] == 3 for _, question in play.asked) <= 7
    unit.said.clear()
    assert play.run(11_000).totals() == [5]
    unit.said[bytes.fromhex("0300000001")] = bytes([0x83, code])
    assert len(play.run(20_000).gaps()) == 2, "refused anew, said anew"


@pytest.mark.parametrize("code", [5, 6, 10, 11])
def test_a_unit_that_is_only_ever_busy_or_behind_a_gateway_that_does_not_reach_it_is_unknown(code):
    unit = Unit(1, holding={0: 5}, discrete={0: 1})
    play = Play(machine(PARTS, GREEN), units=(unit,)).run(5_000)
    unit.said |= {bytes.fromhex("0300000001"): bytes([0x83, code]), bytes.fromhex("0200000001"): bytes([0x82, code])}
    assert play.run(5_000).states() == ["running", "unknown"]


def test_a_place_that_is_never_answered_is_absent_while_the_rest_is_told():
    unit = Unit(1, holding={0: 5}, discrete={0: 1})
    play = Play(
        machine(PARTS, GREEN),
        units=(unit,),
        damage=lambda question, answer: b"" if question[1] == 2 else answer,
    ).run(30_000)
    assert play.totals() == [5]
    assert play.states() == ["unknown"]
    assert "discrete 10001: it does not answer" in play.gaps()[0]
    assert len(play.gaps()) == 1


# -- lamps and bits ----------------------------------------------------------------------------------------------------


def lamps(play: Play, unit: Unit, *, on: tuple[int, ...], flashing: tuple[int, ...] = (), ms: int = 6_000) -> str:
    for _ in range(ms // 500):
        for place in unit.discrete:
            unit.discrete[place] = place in on or (place in flashing and not unit.discrete[place])
        play.run(500)
    return play.states()[-1]


@pytest.fixture
def tower() -> tuple[Play, Unit]:
    unit = Unit(1, discrete={0: 0, 1: 0, 2: 0})
    yellow = {"name": "yellow", "table": "discrete", "address": 10_003}
    chosen = machine(GREEN, RED, yellow, tower={"green_flashing": "setup", "yellow_flashing": "none"})
    return Play(chosen, units=(unit,)), unit


def test_a_towers_lamps_are_a_state_by_the_custom_of_the_shop(tower: tuple[Play, Unit]):
    play, unit = tower
    assert lamps(play, unit, on=()) == "idle"
    assert lamps(play, unit, on=(0,)) == "running"
    assert lamps(play, unit, on=(0, 2)) == "running", "green with yellow still runs"
    assert lamps(play, unit, on=(2,)) == "hold"
    assert lamps(play, unit, on=(0, 1)) == "alarm", "red before all"
    assert lamps(play, unit, on=(), flashing=(0,)) == "setup"
    assert lamps(play, unit, on=(), flashing=(1,)) == "alarm"
    assert lamps(play, unit, on=(), flashing=(2,)) == "idle", "this shop's flashing yellow means nothing"
    assert [one.raw for one in play.said[0] if isinstance(one, State)] == [
        "NOTHING ON", "green", "yellow", "red", "green_flashing", "red_flashing", "NOTHING ON",
    ]  # fmt: skip


@pytest.mark.parametrize("half_ms", [250, 400, 500, 800])
def test_flashing_at_any_usual_pace_is_flashing_and_not_a_state_that_flickers(tower: tuple[Play, Unit], half_ms: int):
    play, unit = tower
    lamps(play, unit, on=())
    for _ in range(20_000 // half_ms):
        unit.discrete[0] = 1 - unit.discrete[0]
        play.run(half_ms)
    assert play.states() == ["idle", "setup"]
    assert lamps(play, unit, on=(0,)) == "running"


def test_a_lamp_is_no_state_before_it_has_been_watched_for_two_seconds(tower: tuple[Play, Unit]):
    play, unit = tower
    unit.discrete[0] = 1
    assert play.run(1_900).states() == []
    assert play.run(700).states() == ["running"]


def test_a_patlite_tower_says_itself_whether_it_flashes():
    unit = Unit(1, holding={0: 0, 1: 0, 2: 1})
    colours = [{"name": name, "address": n} for n, name in enumerate(("red", "yellow", "green"), start=1)]
    chosen = machine(*colours, addresses="from_1", address="10.0.0.1:502", tower={"red_flashing": "hold"})
    play = Play(chosen, units=(unit,)).run(1_500)
    unit.holding |= {0: 2, 2: 0}
    play.run(1_500)
    unit.holding[0] = 1
    assert play.run(1_500).states() == ["running", "hold", "alarm"]


def test_bits_of_a_register_inverted_ones_too_and_a_number_with_its_table_are_states():
    bits = machine(
        {"name": "running", "address": 40_001, "bit": 3},
        {"name": "alarm", "address": 40_001, "bit": 15, "inverted": True},
    )
    unit = Unit(1, holding={0: 1 << 15 | 1 << 3})
    play = Play(bits, units=(unit,)).run(1_500)
    unit.holding[0] = 1 << 15
    play.run(1_500)
    unit.holding[0] = 1 << 3
    assert play.run(1_500).states() == ["running", "idle", "alarm"]

    table = machine({"name": "state", "address": 40_001, "values": {"0": "idle", "4": "running"}})
    play = Play(table, units=(unit,))
    for number in (0, 4, 7, 7, 4):
        unit.holding[0] = number
        play.run(1_500)
    assert play.states() == ["idle", "running", "unknown", "running"]
    assert [why for why in play.gaps() if "shows 7, which values does not name" in why] == play.gaps()
    assert len(play.gaps()) == 1


def test_where_only_an_alarm_is_wired_no_alarm_does_not_mean_standing_still():
    alarm = {"name": "alarm", "table": "discrete", "address": 10_001}
    unit = Unit(1, discrete={0: 0})
    assert Play(machine(alarm), units=(unit,)).run(1_500).states() == ["unknown"]
    assert Play(machine(alarm, nothing_on="idle"), units=(unit,)).run(1_500).states() == ["idle"]


def test_questions_are_numbered_on_tcp_and_an_answer_with_another_number_is_nobodys():
    play = Play(
        machine(address="10.0.0.1:502"),
        units=(Unit(1, holding={0: 7}),),
        damage=lambda _, answer: bytes([answer[0], answer[1] ^ 1]) + answer[2:],
    ).run(5_000)
    assert (play.totals(), play.states()) == ([], ["unknown"])


def test_pymodbus_is_imported_only_when_a_modbus_machine_is_set(tmp_path: Path):
    code = (
        "import sys; from edge.settings import Edge; import edge.agent; from edge.drivers.table import usual\n"
        "before = 'pymodbus' in sys.modules; usual('modbus'); print(before, 'pymodbus' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]
