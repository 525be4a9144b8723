"""Anything on a broker: what known firmwares say, old news, silence, any bytes, and that nothing is ever sent."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from broker.clock import Reading as Now
from broker.events import ClockQuality, MachineState
from broker.settings import SettingsError, validate
from edge.drivers.messages import LINE_BYTES_MOST, Message, is_filter, matches, message_of, widest
from edge.drivers.mqtt.parser import Parser
from edge.drivers.mqtt.settings import Mqtt
from edge.drivers.mqtt.sources import PRESETS, of_any_firmware
from edge.drivers.readings import Gap, Reading, State, Text, Total
from edge.rules.counting import Counted
from edge.rules.machines import Rules, Station, hear

CASES = Path(__file__).parent / "mqtt"
ON, OFF, IDLE, UNKNOWN = MachineState.RUNNING, MachineState.OFF, MachineState.IDLE, MachineState.UNKNOWN


def device(**keys: object) -> Parser:
    return validate(Mqtt, {"id": "m", "station": "s", "driver": "mqtt"} | keys, "x").parser()


def say(parser: Parser, topic: str, payload: object, *, retained: bool = False, ms: int = 0) -> list[Reading]:
    data = payload if isinstance(payload, bytes) else payload.encode() if isinstance(payload, str) else None
    return parser.feed(Message(topic, json.dumps(payload).encode() if data is None else data, retained).line, ms)


def states(readings: list[Reading]) -> list[tuple[MachineState, str]]:
    return [(one.state, one.raw) for one in readings if isinstance(one, State)]


def totals(readings: list[Reading]) -> list[int]:
    return [one.value for one in readings if isinstance(one, Total)]


def test_a_scan_of_nothing_is_none_and_a_retained_one_is_old_news():
    parser = device(scan={"topic": "s", "path": "code"})
    assert say(parser, "s", {"code": ""}) == say(parser, "s", {"code": " "}) == []
    assert say(parser, "s", {"code": "7K3Q9F"}, retained=True) == []
    assert say(parser, "s", {"code": "7K3Q9F"}) == [Text("7K3Q9F")]


# -- what known firmwares say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "known", "expected"),
    [
        ("tasmota-plug", ("tasmota", "press-1"), [(IDLE, "5 W"), (ON, "640 W"), (OFF, "0 W"), (UNKNOWN, "OFFLINE")]),
        (
            "shelly-gen1-plug",
            ("shelly-gen1", "shellyplug-s-040BAD"),
            [(OFF, "2.13 W"), (ON, "412.8 W"), (IDLE, "14.02 W"), (UNKNOWN, "OFFLINE")],
        ),
        ("shelly-gen1-clamp", ("shelly-gen1", "shellyem-B9E0F1"), [(ON, "1830.44 W"), (IDLE, "62.1 W")]),
        (
            "shelly-gen2-plug",
            ("shelly-gen2", "shellyplugsg3-d885ac1234ab"),
            [(IDLE, "8.9 W"), (ON, "731.2 W"), (OFF, "0 W"), (UNKNOWN, "OFFLINE")],
        ),
        ("zigbee2mqtt-plug", ("zigbee2mqtt", "press-1"), [(ON, "512 W"), (UNKNOWN, "OFFLINE")]),
    ],
)
def test_the_power_of_a_known_plug_tells_its_machines_states(case: str, known: tuple[str, str], expected: Any):
    data = (CASES / case / "input.bin").read_bytes()
    firmware, name = known
    parser = device(preset=firmware, name=name, running_watts=200, idle_watts=5)
    assert states(parser.feed(data, 0)) == expected
    assert parser.tally.malformed == 0
    without = Parser(of_any_firmware())
    assert [state for state, _ in states(without.feed(data, 0))] == [state for state, _ in expected]


def test_our_own_record_on_an_esp32_gives_state_count_and_scans():
    found = device(preset="esp32", name="saw-2").feed((CASES / "esp32/input.bin").read_bytes(), 0)
    assert states(found) == [(IDLE, "idle"), (ON, "running"), (IDLE, "idle"), (UNKNOWN, "OFFLINE")]
    assert totals(found) == [57, 57, 58, 60, 60]
    assert [one for one in found if isinstance(one, Text)] == [Text("7K3Q9F.20-R")]


def test_every_preset_has_a_case_from_its_documentation():
    assert {one for one in PRESETS if any(case.name.startswith(one) for case in CASES.iterdir())} == set(PRESETS)


# -- one's own topics --------------------------------------------------------------------------------------------------


def test_a_topic_a_path_and_words_of_ones_own():
    parser = device(
        state={"topic": "shop/+/mode", "path": "a.0.mode", "words": {"Cut": "running", "WAIT": "idle", "7": "alarm"}}
    )
    for mode, state in (("CUT", ON), ("wait", IDLE), (7, MachineState.ALARM), ("LUNCH", UNKNOWN)):
        assert states(say(parser, "shop/1/mode", {"a": [{"mode": mode}]})) == [(state, str(mode))]
    assert say(parser, "shop/1/mode", {"a": []}) == []
    assert parser.tally.malformed == 0


@pytest.mark.parametrize(
    ("kind", "payloads", "expected"),
    [
        ("total", ["100", "101", " 103 ", '"104"'], [100, 101, 103, 104]),
        ("pieces", ["1", "2", "bump", "0"], [0, 1, 3, 4]),
        ("edge", ["on", "off", "on", "on", "off", "1", "true", "0", "1"], [0, 1, 2, 3]),
    ],
)
def test_pieces_and_edges_are_added_up_because_our_counters_are_cumulative(
    kind: str, payloads: list[str], expected: list[int]
):
    parser = device(count={"topic": "c", "kind": kind})
    assert totals([one for payload in payloads for one in say(parser, "c", payload)]) == expected


def test_an_input_that_is_on_when_we_come_is_no_piece():
    parser = device(count={"topic": "c", "kind": "edge"})
    for payload in ("off", "on"):
        say(parser, "c", payload)
    parser.opened(1)
    assert totals(say(parser, "c", "on")) == []
    assert totals(say(parser, "c", "off") + say(parser, "c", "on")) == [2]


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 4000, "9" * 5000, "1e400", "NaN", "-Infinity", "1e16"])
@pytest.mark.parametrize("path", ["count", "watts"])
def test_a_number_beyond_all_sense_is_counted_as_malformed_and_nothing_else(path: str, number: str):
    keys = {"running_watts": 5} if path == "watts" else {}
    parser = device(**keys, **{path: {"topic": "t", "path": "n"}})
    assert say(parser, "t", f'{{"n": {number}}}') == []
    assert (parser.tally.lines, parser.tally.malformed) == (1, 1)


def test_two_devices_under_one_filter_are_never_taken_for_one():
    parser = device(count={"topic": "shop/+/count"})
    found = [one for n in range(5) for name in "ab" for one in say(parser, f"shop/{name}/count", str(n + 3))]
    assert totals(found) == [3, 4, 5, 6, 7]
    assert parser.tally.malformed == 5


# -- old news and silence ----------------------------------------------------------------------------------------------


def test_a_retained_state_is_believed_only_once_the_device_is_said_to_be_there():
    plug = {"preset": "tasmota", "name": "p", "running_watts": 200}
    sensor = {"ENERGY": {"Power": 640}}
    parser = device(**plug)
    assert say(parser, "tele/p/SENSOR", sensor, retained=True) == []
    assert states(say(parser, "tele/p/LWT", "Online", retained=True)) == [(ON, "640 W")]
    other = device(**plug)
    say(other, "tele/p/LWT", "Offline", retained=True)
    assert say(other, "tele/p/SENSOR", sensor, retained=True) == []
    assert states(say(other, "tele/p/SENSOR", sensor)) == [(ON, "640 W")], "what is said now outweighs a stale will"


def test_a_retained_state_of_a_device_of_which_nothing_says_that_it_is_there_is_no_state():
    parser = device(state={"topic": "s"})
    assert say(parser, "s", "running", retained=True) == []
    behind = device(preset="zigbee2mqtt", name="p", running_watts=200)
    say(behind, "zigbee2mqtt/p", {"power": 640}, retained=True)
    assert say(behind, "zigbee2mqtt/bridge/state", {"state": "online"}, retained=True) == []
    assert states(say(behind, "zigbee2mqtt/p/availability", {"state": "online"}, retained=True)) == [(ON, "640 W")]


def test_a_retained_state_is_gone_when_nothing_follows_it():
    parser = device(preset="tasmota", name="p", running_watts=200, silent_seconds=10)
    parser.opened(0)
    say(parser, "tele/p/LWT", "Online", retained=True)
    assert states(say(parser, "tele/p/SENSOR", {"ENERGY": {"Power": 640}}, retained=True, ms=9_000))
    assert parser.idle(10_000) == []
    assert states(parser.idle(10_001)) == [(UNKNOWN, "SILENT")]


def test_a_retained_scan_or_piece_is_none():
    parser = device(scan={"topic": "scan"}, count={"topic": "c", "kind": "pieces"})
    assert say(parser, "scan", "7K3Q9F.20-R", retained=True) == []
    assert say(parser, "c", "5", retained=True) == []
    assert say(parser, "scan", "7K3Q9F.20-R") == [Text("7K3Q9F.20-R")]


def test_a_retained_count_begins_a_count_and_never_adds_to_one():
    parser = device(count={"topic": "c"})
    old, new = say(parser, "c", "55", retained=True), say(parser, "c", "61")

    def counted(station: Station) -> int:
        for n, readings in enumerate((old, new)):
            now = Now(datetime(2026, 11, 22, tzinfo=UTC), 20_000 * n, "b" * 8, ClockQuality.SYNCED)
            told = hear(station, "s", readings, now, rules=Rules(), start=None)
            station = told.station
        return station.counters["parts"].total

    assert counted(Station()) == 6
    known = Station(counters={"parts": Counted(60, 7)})
    assert counted(known) == 8, "one more than the 60 that we saw ourselves, whatever an old disk of the broker said"


def test_silence_is_unknown_and_other_peoples_messages_do_not_break_it():
    parser = device(state={"topic": "shop/m/#", "path": "state"}, silent_seconds=30)
    parser.opened(0)
    assert parser.idle(100_000) == []
    assert states(say(parser, "shop/m/a", {"state": "running"}, ms=100_000)) == [(ON, "running")]
    assert say(parser, "shop/m/b", {"uptime": 3}, ms=129_000) == []
    found = say(parser, "shop/m/b", {"uptime": 4}, ms=131_000)
    assert isinstance(found[0], Gap)
    assert states(found) == [(UNKNOWN, "SILENT")]
    assert parser.idle(200_000) == []
    assert states(say(parser, "shop/m/a", {"state": "running"}, ms=200_001)) == [(ON, "running")]


# -- any bytes ---------------------------------------------------------------------------------------------------------

topics = st.sampled_from(
    ["tele/p/SENSOR", "tele/p/LWT", "machines/a", "machines/b", "machines/a/scan", "zigbee2mqtt/p", "x/status/switch:0"]
)
names = st.sampled_from(["ENERGY", "Power", "COUNTER", "C1", "state", "count", "power", "apower"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
payloads = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())
lines = st.builds(lambda topic, payload, old: Message(topic, payload, old).line, topics, payloads, st.booleans())


@settings(deadline=None, max_examples=60)
@given(st.lists(lines | st.binary(max_size=80)), st.data())
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(chunks: list[bytes], data: st.DataObject):
    whole, cut, stream = Parser(of_any_firmware()), Parser(of_any_firmware()), b"".join(chunks)
    once = whole.feed(stream, 0)
    cuts = [0, *sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10))), len(stream)]
    assert [one for a, b in pairwise(cuts) for one in cut.feed(stream[a:b], 0)] == once
    assert whole.tally == cut.tally
    assert all(one.value >= 0 for one in once if isinstance(one, Total))
    assert whole.to_send(0) == b""


@pytest.mark.parametrize("keys", [{"preset": one, "name": "p", "count": {"topic": "c"}} for one in PRESETS] + [{}])
def test_no_byte_is_ever_sent(keys: dict[str, object]):
    parser = device(**keys) if keys else Parser(of_any_firmware())
    parser.opened(0)
    sent = parser.to_send(0)
    for ms, case in enumerate(sorted(CASES.glob("*/input.bin"))):
        parser.feed(case.read_bytes(), ms)
        sent += parser.to_send(ms) + parser.to_send(10**9 + ms)
    assert sent == b""


def test_what_never_ends_is_bounded_and_the_next_good_message_is_read():
    parser = device(preset="esp32", name="a")
    for _ in range(400):
        assert parser.feed(b"0 44" * 250, 0) == []
    assert len(parser._messages._lines._line) <= LINE_BYTES_MOST
    assert states(parser.feed(b"\n", 0) + say(parser, "machines/a", {"state": "running"})) == [(ON, "running")]
    assert parser.tally.malformed == 1


def test_a_message_that_is_too_long_or_whose_topic_breaks_lines_is_one_malformed_line():
    for message in (Message("machines/a", b"x" * 70_000), Message("machines/a\n0 31 machines/a", b"1")):
        parser = device(preset="esp32", name="a")
        assert parser.feed(message.line, 0) == []
        assert (parser.tally.lines, parser.tally.malformed) == (1, 1)


@given(st.text(max_size=30).filter(lambda text: text and min(text) >= " "), st.binary(max_size=99), st.booleans())
def test_a_message_is_read_again_from_its_line(topic: str, payload: bytes, retained: bool):
    message = Message(topic, payload, retained)
    assert message_of(message.line.rstrip(b"\n")) == message


parts = st.lists(st.sampled_from(["a", "b", "", "+", "#", "$SYS"]), min_size=1, max_size=4).map("/".join)


@settings(deadline=None)
@given(parts.filter(is_filter), parts.filter(lambda topic: "+" not in topic and "#" not in topic))
def test_topics_match_filters_as_paho_says(wanted: str, topic: str):
    assert matches(wanted, topic) == topic_matches_sub(wanted, topic)


@settings(deadline=None)
@given(st.lists(parts.filter(is_filter), max_size=5), parts.filter(lambda topic: "+" not in topic and "#" not in topic))
def test_leaving_out_filters_that_others_cover_leaves_nothing_unheard(filters: list[str], topic: str):
    kept = widest(tuple(filters))
    assert any(matches(one, topic) for one in kept) == any(matches(one, topic) for one in filters)


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({}, "nothing to read: give running_watts, state, count or scan"),
        ({"preset": "tasmota"}, "preset and name (what the device is called in its topics) go together"),
        ({"preset": "tasmota", "name": "+", "running_watts": 9}, "'+' is no name: without + and #"),
        ({"preset": "shelly-gen1", "name": "p"}, "nothing to read"),
        ({"running_watts": 9}, "power needs running_watts"),
        ({"watts": {"topic": "w"}}, "power needs running_watts"),
        ({"watts": {"topic": "w"}, "running_watts": 9, "idle_watts": 9}, "idle_watts must be less than running_watts"),
        ({"state": {"topic": "s"}, "watts": {"topic": "w"}, "running_watts": 9}, "not by both"),
        ({"state": {"topic": "a/#/b"}}, "'a/#/b' is no topic"),
        ({"state": {"topic": "s"}, "host": "10.0.0.9"}, "10.0.0.9 is another machine and needs TLS"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(keys: dict[str, object], part: str):
    with pytest.raises(SettingsError, match="/ ") as caught:
        device(**keys)
    assert part in str(caught.value)


def test_what_is_listened_to_is_what_is_read_and_nothing_twice():
    one = validate(
        Mqtt,
        {"id": "m", "station": "s", "driver": "mqtt", "preset": "tasmota", "name": "p", "running_watts": 9}
        | {"scan": {"topic": "tele/p/+"}},
        "x",
    )
    assert one.filters == ("tele/p/+",)
    assert str(one.place) == "127.0.0.1:1883 tele/p/+"
