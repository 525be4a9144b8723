"""Keyboard scanners and ten-key pads: each folder under tests/drivers/hid is what evdev gives, and what it means."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.drivers.hid.keys import Layout
from edge.drivers.hid.parser import KEYS_LIMIT, Parser
from edge.drivers.readings import ENTER_ALONE, Text
from tests.drivers.played import cases, check
from tests.machines import keyboard
from tests.machines.keyboard import event, press, typed

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

codes = st.text(string.ascii_uppercase + string.digits + "-./", min_size=1, max_size=30)
events = st.lists(
    st.binary(max_size=60)
    | st.builds(event, st.sampled_from([0, 1, 4]), st.integers(0, 130) | st.integers(0, 65535), st.integers(0, 2))
    | st.builds(press, st.integers(1, 125), st.sampled_from([42, 29, 56, 58]))
    | codes.map(typed)
    | st.just(press(keyboard.ENTER)),
    max_size=20,
).map(b"".join)


def keys(settings: dict[str, Any]) -> Parser:
    return Parser(Layout(settings.pop("layout", "us")), event_bytes=24, **settings)


@pytest.mark.parametrize("case", cases("hid"), ids=lambda case: case.name)
def test_what_a_keyboard_sends_is_read_as_its_case_says(case: Path):
    check(case, lambda settings: keys(dict(settings)))


@patient
@given(codes, st.sampled_from(Layout), st.sampled_from([4, 8]))
def test_our_own_codes_are_the_same_on_every_keyboard_and_in_both_layouts_of_an_event(
    code: str, layout: Layout, long_bytes: int
):
    parser = Parser(layout, event_bytes=8 + 2 * long_bytes)
    assert parser.feed(typed(f"{code}\n", long_bytes=long_bytes), 0) == [Text(code)]


@patient
@given(st.lists(events, max_size=8), st.sampled_from(Layout), st.booleans())
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(
    chunks: list[bytes], layout: Layout, aim_id: bool
):
    whole, cut = Parser(layout, aim_id=aim_id), Parser(layout, aim_id=aim_id)
    once = whole.feed(b"".join(chunks), 0)
    assert [reading for chunk in chunks for reading in cut.feed(chunk, 0)] == once
    assert whole.tally == cut.tally
    assert whole.to_send(0) == b""
    for reading in once:
        if isinstance(reading, Text):
            reading.text.encode()


@patient
@given(events)
def test_after_anything_at_all_the_next_scan_is_read_once_the_device_was_opened_again(noise: bytes):
    parser = Parser()
    parser.feed(noise, 0)
    parser.opened(1)
    assert parser.feed(typed("7K3Q9F.20-R\n"), 2) == [Text("7K3Q9F.20-R")]


def test_a_key_that_hangs_is_bounded_and_one_malformed_text():
    parser = Parser()
    for _ in range(3):
        assert parser.feed(press(30) * KEYS_LIMIT, 0) == []
    assert len(parser._strokes) <= KEYS_LIMIT
    assert parser.tally.malformed == 1
    parser.feed(press(keyboard.ENTER), 0)
    assert parser.feed(typed("7K3Q9F.20-R\n"), 0) == [Text("7K3Q9F.20-R")]


def test_a_pads_enter_alone_is_said_and_never_the_end_of_a_number_that_was_lost_or_taken_back():
    pad, later = Parser(pad=True, event_bytes=24), 60_000
    assert pad.feed(typed("\n"), 0) == [Text(ENTER_ALONE)]
    assert pad.feed(typed("48\n"), 10) == [Text("48")]
    assert pad.feed(typed("\n"), 20) == [Text(ENTER_ALONE)]
    assert pad.feed(typed("48"), 30) == []
    assert pad.feed(typed("\n"), later) == [], "the 48 has lapsed"
    assert pad.feed(typed("\n"), later + 10) == [Text(ENTER_ALONE)]
    assert Parser(event_bytes=24).feed(typed("\n"), 0) == [], "a scanner's CR and LF are no answer to anything"
