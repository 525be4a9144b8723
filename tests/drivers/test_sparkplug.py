"""Sparkplug B, encoded by the protobuf library: births, aliases, sequence, deaths; and what may ever be published."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.events import MachineState
from broker.settings import SettingsError, validate
from edge.drivers.messages import Message, to_publish
from edge.drivers.readings import Gap, Reading, State, Total
from edge.drivers.sparkplug.parser import ASK_MS, DOUBT_MS, Parser
from edge.drivers.sparkplug.payload import payload_of, rebirth, signed
from edge.drivers.sparkplug.settings import Sparkplug
from tests.machines.sparkplug import BOOLEAN, DOUBLE, FLOAT, INT8, INT32, INT64, STRING, Payload, payload

CASES = Path(__file__).parent / "sparkplug"
RUNNING, IDLE, UNKNOWN = MachineState.RUNNING, MachineState.IDLE, MachineState.UNKNOWN
NOW_MS = 1_763_787_600_000


def driver(**keys: object) -> Parser:
    told = {"id": "m", "station": "s", "driver": "sparkplug", "group": "shop", "node": "cell-1", "device": "lathe-1"}
    return validate(Sparkplug, told | keys, "x").parser()


class Talk:
    """One node's side: counts the sequence, and feeds a parser."""

    def __init__(self, parser: Parser) -> None:
        self.parser, self.seq = parser, -1
        parser.opened(0)

    def say(self, kind: str, *metrics: dict[str, Any], ms: int = 0, lost: int = 0) -> list[Reading]:
        self.seq = 0 if kind == "NBIRTH" else (self.seq + 1 + lost) % 256
        device = "/lathe-1" if kind.startswith("D") else ""
        data = payload(*metrics, timestamp=NOW_MS + ms, seq=self.seq)
        return self.raw(f"spBv1.0/shop/{kind}/cell-1{device}", data, ms)

    def raw(self, topic: str, data: bytes, ms: int = 0) -> list[Reading]:
        return self.parser.feed(Message(topic, data).line, ms)

    def born(self, state: str = "ACTIVE", count: int = 100, *, bd_seq: int = 0, ms: int = 0) -> list[Reading]:
        found = self.say("NBIRTH", {"name": "bdSeq", "datatype": INT64, "long_value": bd_seq}, ms=ms)
        return found + self.say(
            "DBIRTH",
            {"name": "Execution", "alias": 0, "datatype": STRING, "string_value": state},
            {"name": "PartCount", "alias": 8, "datatype": INT32, "int_value": count},
            ms=ms,
        )

    def death(self, bd_seq: int) -> list[Reading]:
        will = payload({"name": "bdSeq", "datatype": INT64, "long_value": bd_seq}, timestamp=NOW_MS)
        return self.raw("spBv1.0/shop/NDEATH/cell-1", will)


def states(readings: list[Reading]) -> list[tuple[MachineState, str]]:
    return [(one.state, one.raw) for one in readings if isinstance(one, State)]


def totals(readings: list[Reading]) -> list[int]:
    return [one.value for one in readings if isinstance(one, Total)]


@pytest.mark.parametrize(
    ("case", "said", "counted"),
    [
        ("day", [(IDLE, "READY"), (RUNNING, "ACTIVE"), (IDLE, "READY"), (UNKNOWN, "DDEATH")], [100, 101, 102, 103]),
        ("lost", [(IDLE, "READY"), (RUNNING, "ACTIVE"), (IDLE, "READY")], [100, 105, 106, 107]),
        ("stale-will", [(IDLE, "READY"), (RUNNING, "ACTIVE"), (UNKNOWN, "NULL")], [100, 101]),
        ("disguise", [(IDLE, "READY"), (RUNNING, "ACTIVE")], [100]),
    ],
)
def test_what_a_node_says_is_read_as_its_case_tells(case: str, said: list[Any], counted: list[int]):
    data = (CASES / case / "input.bin").read_bytes()
    for parser in (driver(), Parser()):
        parser.opened(0)
        found = parser.feed(data, 0)
        assert (states(found), totals(found)) == (said, counted)


def test_values_are_of_an_alias_only_as_the_last_birth_says():
    talk = Talk(driver())
    assert states(talk.say("DDATA", {"alias": 0, "string_value": "ACTIVE"})) == []
    assert states(talk.born("READY")) == [(IDLE, "READY")]
    assert states(talk.say("DDATA", {"alias": 0, "string_value": "ACTIVE"})) == [(RUNNING, "ACTIVE")]
    talk.say("NBIRTH", {"name": "bdSeq", "datatype": INT64, "long_value": 1})
    assert states(talk.say("DDATA", {"alias": 0, "string_value": "READY"})) == [], "its device is not born yet"


def test_the_node_itself_may_be_the_machine_and_a_number_means_what_the_settings_say():
    parser = driver(device=None, state=["Mode"], words={"6": "running", "2": "idle"})
    talk = Talk(parser)
    mode = {"name": "mode", "alias": 3, "datatype": INT8, "int_value": 6}
    assert states(talk.say("NBIRTH", mode)) == [(RUNNING, "6")]
    for value, state in ((2, IDLE), (1, UNKNOWN)):
        assert states(talk.say("NDATA", {"alias": 3, "int_value": value})) == [(state, str(value))]


def test_a_will_of_an_earlier_connection_is_no_death_and_its_own_is():
    talk = Talk(driver())
    talk.born(bd_seq=7)
    assert talk.death(6) == []
    assert states(talk.death(7)) == [(UNKNOWN, "NDEATH")]
    assert states(talk.born(bd_seq=8)) == [(RUNNING, "ACTIVE")]


def test_a_lost_message_is_a_gap_a_rebirth_is_asked_for_and_without_one_nothing_is_known():
    talk = Talk(driver())
    talk.born()
    found = talk.say("DDATA", {"alias": 8, "int_value": 101}, lost=1, ms=1000)
    assert [type(one) for one in found] == [Gap, Total]
    assert talk.parser.to_send(1000)
    assert talk.parser.idle(1000 + DOUBT_MS) == []
    assert states(talk.parser.idle(1001 + DOUBT_MS)) == [(UNKNOWN, "NOT BORN AGAIN")]
    assert states(talk.born(ms=20_000)) == [(RUNNING, "ACTIVE")]
    assert talk.parser.to_send(90_000) == b""


def test_the_sequence_goes_on_from_255_to_0():
    talk = Talk(driver())
    talk.born()
    found = [one for n in range(300) for one in talk.say("DDATA", {"alias": 8, "int_value": 101 + n})]
    assert totals(found) == list(range(101, 401))
    assert not [one for one in found if isinstance(one, Gap)]


def test_who_comes_in_the_middle_asks_for_a_birth_at_most_once_a_minute():
    talk = Talk(driver())
    assert talk.parser.to_send(0) == b"", "nobody was heard: whom should it ask, and at what time?"
    talk.say("DDATA", {"alias": 8, "int_value": 5}, ms=500)
    asked = [ms for ms in range(500, 200_000, 250) if talk.parser.to_send(ms)]
    assert asked == [500, 500 + ASK_MS, 500 + 2 * ASK_MS, 500 + 3 * ASK_MS]


def test_a_broker_that_cuts_us_off_again_and_again_makes_us_ask_no_more_often():
    talk = Talk(driver())
    asked = []
    for ms in range(500, 120_000, 500):
        talk.parser.opened(ms)
        talk.say("DDATA", {"alias": 8, "int_value": 5}, ms=ms)
        asked += [ms] if talk.parser.to_send(ms) else []
    assert asked == [500, 500 + ASK_MS]


def test_a_quiet_node_is_asked_and_unknown_if_it_does_not_answer():
    talk = Talk(driver(silent_seconds=200))
    talk.born()
    assert talk.parser.to_send(100_000) == b""
    assert talk.parser.to_send(100_001)
    assert talk.parser.idle(200_000) == []
    gap, state = talk.parser.idle(200_001)
    assert isinstance(gap, Gap)
    assert states([state]) == [(UNKNOWN, "SILENT")]
    assert talk.parser.to_send(10**9) == b"", "a dead one is asked no more"
    assert states(talk.born(ms=10**9)) == [(RUNNING, "ACTIVE")]


# -- the payload, against the protobuf library -------------------------------------------------------------------------

texts = st.text("aé木 /\x00", max_size=5)
metrics = st.fixed_dictionaries(
    {},
    optional={
        "name": texts,
        "alias": st.integers(0, 2**64 - 1),
        "timestamp": st.integers(0, 2**64 - 1),
        "datatype": st.integers(0, 2**32 - 1),
        "is_historical": st.booleans(),
        "is_transient": st.booleans(),
        "is_null": st.booleans(),
    },
)
scalars = st.one_of(
    st.tuples(st.just("int_value"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("long_value"), st.integers(0, 2**64 - 1)),
    st.tuples(st.just("float_value"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("double_value"), st.floats(allow_nan=False)),
    st.tuples(st.just("boolean_value"), st.booleans()),
    st.tuples(st.just("string_value"), texts),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(metrics, scalars), max_size=5), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_what_the_protobuf_library_writes_is_read(made: list[Any], timestamp: int, seq: int):
    data = payload(*(fields | {what: value} for fields, (what, value) in made), timestamp=timestamp, seq=seq)
    read = payload_of(data)
    assert (read.timestamp_ms, read.seq, len(read.metrics)) == (timestamp, seq, len(made))
    for one, (fields, (_, value)) in zip(read.metrics, made, strict=True):
        assert (one.name, one.alias) == (fields.get("name", ""), fields.get("alias"))
        assert (one.historical, one.null) == (fields.get("is_historical", False), fields.get("is_null", False))
        assert (type(one.value), one.value) == (type(value), value)


@settings(deadline=None)
@example(b"\xb5\x80\x80\x80\x80\x00\x00\x00\x00\x00")
@given(st.binary(max_size=80))
def test_bytes_are_read_or_refused_and_nothing_is_believed_that_the_library_refuses(data: bytes):
    try:
        payload_of(data)
    except ValueError:
        return
    Payload.FromString(data)


@pytest.mark.parametrize(("kind", "value", "meant"), [(INT8, 0xFFFFFFFB, -5), (INT32, 7, 7), (INT64, 2**64 - 1, -1)])
def test_signed_numbers_stand_in_unsigned_fields(kind: int, value: int, meant: int):
    assert signed(value, kind) == meant
    assert [signed(one, 0) for one in (True, 1.5, "x", None)] == [True, 1.5, "x", None]
    assert {FLOAT, DOUBLE, BOOLEAN}.isdisjoint({INT8, INT32, INT64})


def test_a_rebirth_is_a_time_and_one_metric_and_no_sequence_number():
    asked = Payload.FromString(rebirth(NOW_MS))
    assert (asked.timestamp, asked.HasField("seq"), len(asked.metrics)) == (NOW_MS, False, 1)
    (metric,) = asked.metrics
    assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", BOOLEAN, True)


# -- any bytes ---------------------------------------------------------------------------------------------------------

topics = st.sampled_from(
    [f"spBv1.0/shop/{kind}/cell-1{device}" for kind in ("NBIRTH", "NDEATH", "NDATA", "NCMD") for device in ("", "/x")]
    + [f"spBv1.0/shop/{kind}/cell-1/lathe-1" for kind in ("DBIRTH", "DDEATH", "DDATA")]
    + ["spBv1.0/STATE/host", "spBv1.0/other/NBIRTH/cell-1", "spBv1.0/shop"]
)
named = st.sampled_from([{"name": "State", "alias": 1}, {"alias": 1}, {"name": "PartCount"}, {"name": "bdSeq"}, {}])
said = st.sampled_from([{"int_value": 2**32 - 1}, {"string_value": "on"}, {"is_null": True}, {"double_value": 1e300}])
good = st.builds(
    lambda name, value, timestamp, seq: payload(name | value, timestamp=timestamp, seq=seq),
    *(named, said, st.sampled_from([0, NOW_MS, 2**63]), st.sampled_from([0, 1, 2, 255, 256])),
)
lines = st.builds(
    lambda topic, data, old: Message(topic, data, old).line, topics, good | st.binary(max_size=40), st.booleans()
)


@settings(deadline=None, max_examples=40)
@given(st.lists(lines | st.binary(max_size=60)), st.data())
def test_any_bytes_however_they_are_cut_give_the_same_and_only_rebirths_are_ever_asked_for(
    chunks: list[bytes], data: st.DataObject
):
    whole, cut, stream = driver(), driver(), b"".join(chunks)
    once = whole.feed(stream, 0)
    cuts = [0, *sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10))), len(stream)]
    assert [one for a, b in pairwise(cuts) for one in cut.feed(stream[a:b], 0)] == once
    assert whole.tally == cut.tally
    for ms in (0, 1, ASK_MS, 400_000, 10**9):
        whole.idle(ms)
        if line := whole.to_send(ms):
            topic, asked = to_publish(line.rstrip(b"\n"))
            assert line.count(b"\n") == 1
            assert topic == "spBv1.0/shop/NCMD/cell-1"
            assert [one.name for one in Payload.FromString(asked).metrics] == ["Node Control/Rebirth"]


@given(st.lists(lines))
@settings(deadline=None, max_examples=20)
def test_without_a_node_in_the_settings_nothing_at_all_is_published(chunks: list[bytes]):
    parser = Parser()
    parser.feed(b"".join(chunks), 0)
    assert [parser.to_send(ms) for ms in (0, 400_000)] == [b"", b""]


def test_names_that_are_more_than_one_level_of_a_topic_are_refused():
    for name in ("a/b", "+", "#", "a\nb"):
        with pytest.raises(SettingsError, match="one level of spBv1"):
            driver(node=name)
