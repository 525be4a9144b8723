"""Scanners: each folder under tests/drivers/scanner is a byte stream somebody's scanner sends, and what it means."""

import json
import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.codes import TicketCode, parse
from edge.drivers.scanner import MODELS, Frame, Framing, Model, Parser
from edge.drivers.scanner.parser import FRAME_LIMIT_BYTES
from edge.rules import Tone
from edge.settings import Scanner

CASES = sorted(path.parent for path in Path(__file__).parent.glob("scanner/*/input.bin"))
DRIVER = Path(__file__).parents[2] / "edge" / "drivers" / "scanner"

streams = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([b"\r", b"\n", b"\r\n", b"\x02", b"\x03", b"]Q1", b"7K3Q9F.20-R", b"\x00", b"A" * 3000]),
    max_size=12,
).map(b"".join)


def play(parser: Parser, data: bytes, expected: dict[str, Any]) -> list[Frame]:
    """Feed one byte at a time, with the pauses and reopenings the case asks for."""
    now, frames = 1000, []
    for offset in range(len(data) + 1):
        if offset in expected.get("reopened", []):
            parser.reopened()
        now += expected.get("pauses", {}).get(str(offset), 0)
        frames += parser.idle(now)
        frames += parser.feed(data[offset : offset + 1], now)
    return frames


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_scanner_sends_is_read_as_its_case_says(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    parser = Parser(Framing(**expected.get("framing", {})))
    frames = play(parser, (case / "input.bin").read_bytes(), expected)
    assert frames == [Frame(item) if isinstance(item, str) else Frame(*item) for item in expected["frames"]]
    if "counts" in expected:
        assert asdict(parser.counts) == expected["counts"]
    assert (case / "note.txt").read_text().strip()


@given(streams, st.data(), st.booleans())
def test_any_cutting_of_the_stream_gives_the_same_frames(stream: bytes, data: st.DataObject, aim_id: bool) -> None:
    framing = Framing(aim_id=aim_id)
    whole, cut = Parser(framing), Parser(framing)
    at_once = whole.feed(stream, 0)
    cuts = [*sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10))), len(stream)]
    pieces, start = [], 0
    for end in cuts:
        pieces += cut.feed(stream[start:end], 0)
        start = end
    assert pieces == at_once
    assert cut.counts == whole.counts


@given(st.lists(st.tuples(st.binary(max_size=200) | st.just(b"B" * 3000), st.integers(0, 3000))), st.booleans())
def test_any_bytes_never_raise_and_memory_stays_bounded(feeds: list[tuple[bytes, int]], idle_end: bool) -> None:
    parser, now = Parser(Framing(aim_id=True, idle_end=idle_end)), 0
    for data, pause in feeds:
        now += pause
        for frame in parser.feed(data, now):
            frame.text.encode()
        assert len(parser._frame) <= FRAME_LIMIT_BYTES


def test_a_stuck_scanner_counts_one_overflow_however_long_it_sends() -> None:
    parser = Parser()
    for _ in range(100):
        assert parser.feed(b"A" * 1000, 0) == []
    assert parser.counts.overflow == 1
    assert parser.feed(b"\rS.LATHE-1-X\r", 0) == [Frame("S.LATHE-1-X")]


def test_a_garbled_address_is_still_the_ticket() -> None:
    (frame,) = Parser().feed(b"https+//mawashi'example'jp/t/7k3q9f.20-r\r", 0)
    assert parse(frame.text) == TicketCode("7K3Q9F", 20)


def test_every_model_answers_every_tone() -> None:
    assert set(MODELS) == set(Model)
    for signals in MODELS.values():
        assert set(signals.tones) == set(Tone)


def test_zebras_packets_carry_their_length_and_checksum() -> None:
    signals = MODELS[Model.ZEBRA_SSI]
    for packet in (signals.acknowledge, signals.tones[Tone.START]):
        length, checksum = packet[0], int.from_bytes(packet[-2:], "big")
        assert len(packet) == length + 2
        assert (sum(packet[:-2]) + checksum) & 0xFFFF == 0


@pytest.mark.parametrize("tone", Tone)
def test_datalogic_is_never_sent_letters_that_are_commands(tone: Tone) -> None:
    commands = MODELS[Model.DATALOGIC].tones[tone]
    assert set(commands.split(b"\x1b")[1:]) <= {b"[3q", b"[4q", b"[5q", b"[6q", b"[7q", b"[8q", b"[9q"}


def test_the_readme_names_every_model_and_every_setting_of_the_sample() -> None:
    readme, sample = (DRIVER / "README.md").read_text(), (DRIVER / "sample.toml").read_text()
    (shown,) = tomllib.loads(re.sub(r"^# (?=[a-z_]+ =)", "", sample, flags=re.MULTILINE))["scanner"]
    assert set(shown) == set(Scanner.model_fields)
    assert Scanner(**shown) == Scanner(id=shown["id"], port=shown["port"], stations=shown["stations"])
    assert all(f"`{key}" in readme for key in shown if key != "id")
    assert all(f"`{model}`" in readme and str(model) in sample for model in Model)
