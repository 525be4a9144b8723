"""What an arrived message is to the ledger; every malformed one is a value with its reason, never an exception."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.events import ClockQuality
from broker.messages import Bundle, EpochHeld, Header, Hello
from gateway.ledger.intake import Batch, Greeting, Reason, Refusal, take

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
EVENTS, HELLO = "mw/1/turning/e1/events", "mw/1/turning/e1/hello"


def header(**changed: object) -> dict[str, object]:
    made = Header(
        firm="turning", edge="e1", epoch="0" * 16, first=7, count=2, nonce="f" * 16,
        at=NOW, mono_ms=1, boot="ab", clock=ClockQuality.SYNCED,
    )  # fmt: skip
    return {**made.model_dump(mode="json"), **changed}


def bundle(*lines: bytes, **changed: object) -> bytes:
    return b"\n".join([json.dumps(header(**changed)).encode(), *lines])


def test_a_bundle_is_split_and_hashed_and_its_events_are_not_looked_into() -> None:
    taken = take(EVENTS, bundle(b"\xff\x00 no json", b"{}"), NOW)
    assert isinstance(taken, Batch)
    assert (taken.author, taken.first, taken.last, taken.lines) == ("turning/e1", 7, 8, (b"\xff\x00 no json", b"{}"))
    assert taken.hashes[1].hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_hello_is_a_greeting() -> None:
    hello = Hello(at=NOW, mono_ms=1, boot="ab", clock=ClockQuality.SYNCED, nonce="f" * 16)
    assert take(HELLO, hello.encode(), NOW) == Greeting("turning/e1", hello, NOW)


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "detail"),
    [
        (EVENTS, b"", Reason.MALFORMED, "event: Invalid JSON"),
        (EVENTS, bundle(b"{}", b"{}")[:40], Reason.MALFORMED, "event: Invalid JSON"),
        (EVENTS, bundle(b"{}"), Reason.MALFORMED, "the header says 2 events, 1 lines follow it"),
        (EVENTS, bundle(b"{}", b"x" * 16385), Reason.MALFORMED, "an event is longer than 16384 bytes"),
        (EVENTS, bundle(b"{}", b"{}", mono_ms=float("nan")), Reason.MALFORMED, "mono_ms"),
        (EVENTS, b"\xff\xfe{}\n{}", Reason.MALFORMED, "event: Invalid JSON"),
        (EVENTS, bundle(b"{}", b"{}", first=2**40), Reason.MALFORMED, "is larger than"),
        (EVENTS, bundle(b"{}", b"{}", first=10**30), Reason.MALFORMED, "is larger than"),
        (EVENTS, bundle(b"{}", b"{}", surprise=1), Reason.MALFORMED, "surprise: Extra inputs are not permitted"),
        (EVENTS, bundle(b"{}", b"{}", v=2), Reason.WRONG_VERSION, "v: Input should be 1"),
        (EVENTS, b"[" * 100_000, Reason.MALFORMED, "event: "),
        (EVENTS, b"x" * 10_000_000, Reason.TOO_LARGE, "the message has 10000000 bytes, the limit is 263168"),
        (EVENTS, bundle(b"{}", b"{}", firm="grinding"), Reason.WRONG_TOPIC, "names grinding/e1, the topic turning/e1"),
        (HELLO, bundle(b"{}", b"{}"), Reason.MALFORMED, ""),
        (HELLO, b'{"v":9}', Reason.WRONG_VERSION, ""),
        ("mw/1/Turning/e1/events", b"{}", Reason.WRONG_TOPIC, "'Turning' in 'mw/1/Turning/e1/events' is not made of"),
        ("mw/1/gateway/e1/events", b"{}", Reason.WRONG_TOPIC, "is no topic that an edge sends"),
        ("mw/1/turning/e1/station/s", b"{}", Reason.WRONG_TOPIC, "is no topic that an edge sends"),
        ("mw/1/会社/e1/events", b"{}", Reason.WRONG_TOPIC, "is not made of"),
    ],
)
def test_a_message_that_cannot_be_taken_in_is_set_aside_whole_with_its_reason(
    topic: str, payload: bytes, reason: Reason, detail: str
) -> None:
    taken = take(topic, payload, NOW)
    assert isinstance(taken, Refusal)
    assert (taken.reason, taken.payload) == (reason, payload)
    assert detail in taken.detail


def test_a_hello_with_numbers_no_disk_has_is_set_aside() -> None:
    held = EpochHeld(epoch="0" * 16, lowest=1, last=2**40 + 1, receipted=0)
    hello = Hello(at=NOW, mono_ms=1, boot="ab", clock=ClockQuality.SYNCED, nonce="f" * 16, epochs=(held,))
    assert isinstance(take(HELLO, hello.encode(), NOW), Refusal)


@given(st.binary(max_size=300), st.sampled_from([EVENTS, HELLO]))
def test_nothing_that_arrives_raises(payload: bytes, topic: str) -> None:
    take(topic, payload, NOW)


@given(st.integers(0, 2000))
def test_a_bundle_cut_anywhere_is_taken_whole_or_not_at_all(cut: int) -> None:
    whole = Bundle(Header(**{**header(), "at": NOW, "clock": ClockQuality.SYNCED}), (b'{"a":1}', b'{"b":2}')).encode()
    taken = take(EVENTS, whole[:cut], NOW)
    if isinstance(taken, Batch):
        assert taken.lines[0] == b'{"a":1}'
        assert whole.startswith(b"\n".join([whole.split(b"\n", 1)[0], *taken.lines]))
