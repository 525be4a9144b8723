"""Scanners: each folder under tests/drivers/scanner is a byte stream somebody's scanner sends, and what it means."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from broker.codes import TicketCode, parse
from edge.drivers.readings import Parser as AnyParser
from edge.drivers.readings import Text
from edge.drivers.scanner import ssi
from edge.drivers.scanner.feedback import MODELS, Model
from edge.drivers.scanner.parser import ACK, FRAME_LIMIT_BYTES, Parser, Setup
from edge.drivers.scanner.settings import Scanner
from edge.rules import Tone
from tests.drivers.played import cases, check
from tests.machines.ssi import DECODE_DATA, decoded, packet

DRIVER = Path(__file__).parents[2] / "edge" / "drivers" / "scanner"
CODE = b"7K3Q9F.20-R"

streams = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([b"\r", b"\n", b"\r\n", b"\x02", b"\x03", b"]Q1", CODE, b"\x00", b"A" * 3000])
    | st.sampled_from(
        [decoded(CODE), decoded(CODE, status=2), decoded(b"x" * 8), packet(DECODE_DATA), b"\x0b\xf3\x00"]
    ),
    max_size=12,
).map(b"".join)


def scanner(settings: dict[str, Any]) -> AnyParser:
    return Scanner(id="s", port=Path("/dev/x"), stations=("lathe",), **settings).parser()


patient = hypothesis(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings = st.fixed_dictionaries(
    {
        "aim_id": st.booleans(),
        "idle_end": st.booleans(),
        "ack_nak": st.booleans(),
        "feedback": st.sampled_from([Model.NONE, Model.ZEBRA_SSI]),
    }
)


@pytest.mark.parametrize("case", cases("scanner"), ids=lambda case: case.name)
def test_what_a_scanner_sends_is_read_as_its_case_says(case: Path) -> None:
    check(case, scanner)


@patient
@given(streams, st.data(), settings)
def test_any_cutting_of_the_stream_gives_the_same_texts(
    stream: bytes, data: st.DataObject, chosen: dict[str, Any]
) -> None:
    whole, cut = scanner(chosen), scanner(chosen)
    at_once = whole.feed(stream, 0)
    cuts = [*sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10))), len(stream)]
    pieces, start = [], 0
    for end in cuts:
        pieces += cut.feed(stream[start:end], 0)
        start = end
    assert pieces == at_once
    assert whole.idle(70) == cut.idle(70)
    assert cut.tally == whole.tally


@patient
@given(st.lists(st.tuples(streams | st.just(b"B" * 3000), st.integers(0, 4000)), max_size=20), settings)
def test_any_bytes_never_raise_memory_stays_bounded_and_what_is_sent_is_on_the_list(
    feeds: list[tuple[bytes, int]], chosen: dict[str, Any]
) -> None:
    parser, now = scanner(chosen), 0
    parser.opened(now)
    for data, pause in feeds:
        now += pause
        for reading in parser.feed(data, now):
            assert isinstance(reading, Text)
            reading.text.encode()
        assert parser.to_send(now) in (b"", ACK, ssi.ACK, ssi.NAK)
        raw = parser._raw if isinstance(parser, ssi.Parser) else parser
        assert len(raw._frame) <= FRAME_LIMIT_BYTES
        if isinstance(parser, ssi.Parser):
            assert len(parser._bytes) <= 257
            assert len(parser._parts) <= FRAME_LIMIT_BYTES + 1


@patient
@given(streams)
def test_after_anything_at_all_the_next_whole_packet_is_read_within_one_repetition(noise: bytes) -> None:
    parser = scanner({"feedback": Model.ZEBRA_SSI})
    parser.feed(noise, 0)
    found = parser.feed(decoded(b"S.LATHE-1-X"), 4000) + parser.feed(decoded(b"S.LATHE-1-X", status=1), 8000)
    assert Text("S.LATHE-1-X") in found


def test_a_stuck_scanner_is_one_malformed_code_however_long_it_sends() -> None:
    parser = Parser()
    for _ in range(100):
        assert parser.feed(b"A" * 1000, 0) == []
    assert (parser.tally.lines, parser.tally.malformed) == (1, 1)
    assert parser.feed(b"\rS.LATHE-1-X\r", 0) == [Text("S.LATHE-1-X")]


def test_a_garbled_address_is_still_the_ticket() -> None:
    (text,) = Parser().feed(b"https+//mawashi'example'jp/t/7k3q9f.20-r\r", 0)
    assert isinstance(text, Text)
    assert parse(text.text) == TicketCode("7K3Q9F", 20)


def test_japanese_is_read_in_utf_8_and_in_shift_jis_and_noise_stays_bytes() -> None:
    for encoding in ("utf-8", "cp932"):
        assert Parser().feed("図面①-1\r".encode(encoding), 0) == [Text("図面①-1")]
    assert Parser(Setup(aim_id=True)).feed(b"]Q1\x83\x7f\r", 0) == [Text("\\x83\x7f", "Q1")]


def test_every_model_answers_every_tone() -> None:
    assert set(MODELS) == set(Model)
    for tones in MODELS.values():
        assert set(tones) == set(Tone)
    for model in (Model.DATALOGIC, Model.HONEYWELL, Model.ZEBRA_SSI):
        assert len({MODELS[model][tone] for tone in Tone}) == len(Tone), "four different answers"


def test_the_packets_are_those_of_the_guide() -> None:
    assert bytes.fromhex("04 D0 04 00 FF 28") == ssi.ACK
    assert MODELS[Model.ZEBRA_SSI][Tone.START] == bytes.fromhex("05 E6 04 00 00 FF 11")
    assert packet(0xD1, b"\x01", source=4) == ssi.NAK


@pytest.mark.parametrize("tone", Tone)
def test_a_scanner_is_never_sent_letters_that_are_commands(tone: Tone) -> None:
    assert set(MODELS[Model.DATALOGIC][tone].split(b"\x1b")[1:]) <= {
        b"[3q", b"[4q", b"[5q", b"[6q", b"[7q", b"[8q", b"[9q"
    }  # fmt: skip
    assert MODELS[Model.HONEYWELL][tone] in {b"\x1b6", b"\x1b4", b"\x1b1", b"\x1b8"}
    assert MODELS[Model.ZEBRA_SSI][tone] in {packet(0xE6, bytes([code]), source=4) for code in (0, 1, 5, 15)}
    assert MODELS[Model.NONE][tone] == b""


def test_the_readme_names_every_model_and_every_setting_of_the_sample() -> None:
    readme, sample = (DRIVER / "README.md").read_text(), (DRIVER / "sample.toml").read_text()
    (shown,) = tomllib.loads(re.sub(r"^# (?=[a-z_]+ =)", "", sample, flags=re.MULTILINE))["scanner"]
    (plain,) = tomllib.loads(sample)["scanner"]
    assert Scanner(**shown) == Scanner(**plain)
    assert all(f"`{key}" in readme for key in Scanner.model_fields if key not in ("id", "beside"))
    assert all(f"`{model}`" in readme and str(model) in sample for model in Model)
