"""The wire contract, chapter by chapter: topics, events, bundles, receipts. Bytes in, values or one sentence out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import topics
from broker.events import (
    Action,
    AnyEvent,
    Blank,
    ClockQuality,
    Correction,
    EventError,
    Grant,
    Order,
    OrderAction,
    OrderPart,
    Paper,
    Printed,
    Quality,
    Quantity,
    Ref,
    Step,
    Work,
    decode,
    encode,
)
from broker.messages import BUNDLE_BYTES, Bundle, EpochReceipt, Header, MessageError, Receipt, new_epoch, new_ledger
from broker.topics import Kind, Topic, TopicError

AT = datetime(2026, 11, 22, 0, 6, tzinfo=UTC)
CLOCK = {"at": AT, "mono_ms": 81_000, "boot": "e51de74e-81da-47fb-963d-9ff003843622", "clock": ClockQuality.SYNCED}


def finish(**more: object) -> Work:
    return Work(action=Action.FINISH, ticket="7K3Q9F", operation=20, station="nc-1", **CLOCK, **more)  # type: ignore[arg-type]


EVENTS: list[AnyEvent] = [
    finish(good=Quantity(n=48, q=Quality.COUNTED), closes=Ref(author="turning/pi-1", epoch="0" * 16, seq=3)),
    finish(good=Quantity(q=Quality.ASSUMED)),
    Correction(voids=Ref(author="turning/pi-1", epoch="0" * 16, seq=3), why="undo", **CLOCK),  # type: ignore[arg-type]
    Order(
        action=OrderAction.CREATED,
        order="k1",
        part=OrderPart(number="4471", quantity=50),
        routing=(Step(no=10, name="旋削", firm="turning"),),
        **CLOCK,
    ),  # type: ignore[arg-type]
    Grant(order="k1", viewer="plating", level=None, **CLOCK),  # type: ignore[arg-type]
    Blank(tickets=("7K3Q9F", "8M2C4X"), **CLOCK),  # type: ignore[arg-type]
    Printed(tickets=("7K3Q9F",), paper=Paper.A5, by="office", **CLOCK),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_reads_back_from_its_bytes(event: AnyEvent) -> None:
    line = encode(event)
    assert b"\n" not in line
    assert decode(line) == event


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "event: Invalid JSON"),
        (b'{"kind":"work"', "event: Invalid JSON"),
        (b"\xff\xfe", "event: Invalid JSON"),
        (b'{"kind":"dance"}', "does not match any of the expected tags"),
        (encode(finish()).replace(b'"v":1', b'"v":2'), "work.v: Input should be 1"),
        (encode(finish()).replace(b"81000", b'"81000"'), "work.mono_ms: Input should be a valid integer"),
        (encode(finish()).replace(b"7K3Q9F", b"7K3Q9O"), "work.ticket: String should match pattern"),
        (encode(finish())[:-1] + b',"mood":"good"}', "work.mood: Extra inputs are not permitted"),
        (encode(finish())[:-1] + b',"good":{"q":"counted"}}', "an assumed quantity has no number, every other has one"),
        (encode(finish())[:-1] + b',"good":{"n":NaN,"q":"counted"}}', "work.good.n: "),
        (b" " * 20_000, "the event has 20000 bytes, the limit is 16384"),
    ],
)
def test_what_is_no_event_gets_one_sentence(line: bytes, complaint: str) -> None:
    with pytest.raises(EventError) as caught:
        decode(line)
    assert complaint in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_an_event_error(line: bytes) -> None:
    with pytest.raises(EventError):
        decode(line)


def header(count: int, **more: object) -> Header:
    fields = {"firm": "turning", "edge": "pi-1", "epoch": new_epoch(), "first": 1, "count": count, "nonce": new_epoch()}
    return Header(**{**fields, **CLOCK, **more})  # type: ignore[arg-type]


def test_a_bundle_keeps_the_very_bytes_of_its_events() -> None:
    lines = tuple(encode(event) for event in EVENTS)
    bundle = Bundle(header(len(lines)), lines)
    assert Bundle.decode(bundle.encode()) == bundle


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "event: Invalid JSON"),
        (header(2).encode() + b"\n{}", "the header says 2 events, 1 lines follow it"),
        (header(1).encode(), "the header says 1 events, 0 lines follow it"),
        (header(1).encode() + b"\n" + b"x" * 17_000, "an event is longer than 16384 bytes"),
        (header(1).encode() + b"\n" + b"x" * (BUNDLE_BYTES + 2000), "the bundle has"),
        (header(1).encode().replace(b'"v":1', b'"v":9') + b"\n{}", "v: Input should be 1"),
    ],
)
def test_a_broken_bundle_is_refused_whole_with_one_sentence(payload: bytes, complaint: str) -> None:
    with pytest.raises(MessageError) as caught:
        Bundle.decode(payload)
    assert complaint in str(caught.value)


def test_a_receipt_covers_what_is_committed_and_not_its_holes() -> None:
    receipt = EpochReceipt(epoch=new_epoch(), upto=10, missing=((3, 4),))
    assert [seq for seq in range(1, 13) if receipt.covers(seq)] == [1, 2, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("missing", [(5, 4), (9, 10), (10, 12)])
def test_a_receipt_whose_hole_is_not_below_its_highest_is_no_receipt(missing: tuple[int, int]) -> None:
    good = Receipt(nonce=new_epoch(), ledger=new_ledger(), epochs=(EpochReceipt(epoch=new_epoch(), upto=10),))
    assert Receipt.decode(good.encode()) == good
    broken = good.encode().replace(b'"missing":[]', f'"missing":[[{missing[0]},{missing[1]}]]'.encode())
    with pytest.raises(MessageError):
        Receipt.decode(broken)


@pytest.mark.parametrize(
    "topic",
    [
        Topic("turning", "pi-1", Kind.EVENTS),
        Topic("turning", "pi-1", Kind.STATION, "nc-1"),
        Topic("turning", topics.GATEWAY, Kind.ORDER, "k1"),
    ],
    ids=str,
)
def test_a_topic_reads_back(topic: Topic) -> None:
    assert Topic.parse(str(topic)) == topic


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mw/2/a/b/events", "does not begin with mw/1"),
        ("mw/1/a/events", "has 4 parts, expected 5 or 6"),
        ("mw/1/a/b/dance", "unknown kind 'dance'"),
        ("mw/1/A/b/events", "'A' in 'mw/1/A/b/events' is not made of a-z, 0-9 and -"),
        ("mw/1/a/b/events/c", "wrong for the kind 'events'"),
        ("mw/1/a/b/station", "wrong for the kind 'station'"),
    ],
)
def test_a_foreign_topic_gets_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(TopicError) as caught:
        Topic.parse(text)
    assert complaint in str(caught.value)


def test_nobody_but_the_gateway_may_write_receipts_or_order_views() -> None:
    written = [line for line in topics.access_list().splitlines() if line.startswith("pattern write")]
    assert written
    assert not [line for line in written if "receipt" in line or "order" in line]
