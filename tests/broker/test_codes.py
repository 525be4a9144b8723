"""Printed codes: ISO 7064, the alphabet, and what a scanner with the wrong country setting makes of them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.codes import (
    CROCKFORD,
    BadgeCode,
    Card,
    CardCode,
    Code,
    CodeError,
    Misread,
    StationCode,
    TicketCode,
    address,
    check_character,
    parse,
    printed,
)

tickets = st.builds(
    TicketCode, st.text(CROCKFORD, min_size=6, max_size=6), st.none() | st.integers(min_value=1, max_value=9999)
)
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)
details = st.none() | st.from_regex(r"[A-Z0-9]{1,16}", fullmatch=True)
codes = (
    tickets
    | st.builds(CardCode, st.sampled_from(Card), details)
    | st.builds(StationCode, names)
    | st.builds(BadgeCode, names)
)


def test_the_check_character_is_the_one_of_the_standards_example() -> None:
    assert check_character("A12425GABC1234002") == "M"  # GRid, the published example of MOD 37,36


@given(codes)
def test_what_is_printed_reads_back(code: Code) -> None:
    text = printed(code)
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-")
    assert parse(text) == code
    assert parse(text.lower()) == code
    assert parse(f"  {text}\r") == code


@given(codes, st.sampled_from(["https://floor.example.jp", "floor.example.jp/", "HTTPS://FLOOR.EXAMPLE.JP"]))
def test_the_address_in_the_qr_survives_any_country_setting(code: Code, public: str) -> None:
    text = address(code, public)
    assert text.startswith("HTTPS://FLOOR.EXAMPLE.JP/T/")
    assert parse(text) == code
    assert parse(text.replace(":", "+").replace("/T/", "/t/")) == code  # JIS keys read as US


@given(tickets, st.data())
def test_one_wrong_character_is_always_noticed(code: TicketCode, data: st.DataObject) -> None:
    text = printed(code)
    at = data.draw(st.integers(0, 5))
    other = data.draw(st.sampled_from(CROCKFORD).filter(lambda character: character != text[at]))
    with pytest.raises(CodeError) as caught:
        parse(text[:at] + other + text[at + 1 :])
    assert caught.value.reason is Misread.CHECK


@given(tickets, st.integers(0, 4))
def test_two_swapped_neighbours_are_always_noticed(code: TicketCode, at: int) -> None:
    text = printed(code)
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if swapped != text:
        with pytest.raises(CodeError):
            parse(swapped)


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_a_code_error(text: str) -> None:
    with contextlib.suppress(CodeError):
        assert parse(text) == parse(printed(parse(text)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Misread.NOT_OURS),
        ("4902102072618", Misread.NOT_OURS),
        ("7K3Q9F", Misread.NOT_OURS),
        ("7K3Q9F.0-X", Misread.NOT_OURS),
        ("7K3Q9F.020-X", Misread.NOT_OURS),
        ("7K3Q9F.20-A", Misread.CHECK),
        (f"C.DANCE-{check_character('CDANCE')}", Misread.UNKNOWN_CARD),
    ],
)
def test_a_misread_says_why(text: str, reason: Misread) -> None:
    with pytest.raises(CodeError) as caught:
        parse(text)
    assert caught.value.reason is reason
