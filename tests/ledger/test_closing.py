"""What a person closes, and what was set aside and is understood later: written down, and never in the way of truth."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text

from broker.clock import Reading
from broker.events import ClockQuality
from broker.messages import EpochHeld
from gateway import store
from gateway.ledger import Closure, Ledger, Standing
from gateway.ledger.intake import Greeting, Reason, Refusal
from gateway.ledger.writer import WritableLedger
from tests.ledger.test_ledger import AUTHOR, EPOCH, NOW, OTHER, TOPIC, batch, greeting, some

LATER = Reading(NOW + timedelta(hours=1), 78, "b0", ClockQuality.SYNCED)
WHY = "the card was thrown away"


@pytest.fixture
def ledger(url: str) -> Iterator[WritableLedger]:
    with Ledger.open(url, write=True) as opened:
        yield opened


def close(ledger: WritableLedger, *wanted: tuple[int, int], epoch: str = EPOCH) -> tuple[tuple[int, int], ...]:
    return ledger.close_numbers(AUTHOR, epoch, wanted, LATER, by="office", why=WHY).ranges


def test_what_the_dead_edge_announced_is_named_until_it_is_closed_and_listed_ever_after(
    ledger: WritableLedger, url: str
) -> None:
    """F26: the edge dies after accepting 120 and sending 100; its card is gone."""
    ledger.commit([greeting(last=120), batch(1, some(1, 100))])
    assert ledger.authors()[0].missing == ((101, 120),)
    assert close(ledger, (101, 120)) == ((101, 120),)
    with Ledger.open(url) as reader:
        (status,) = reader.authors()
        assert reader.standing() == [Standing(AUTHOR, 100, 0, 0, 0, NOW)]
    assert (status.missing, status.waiting) == ((), 0)
    assert status.closed == (Closure(101, 120, LATER.at, "office", WHY, left=((101, 120),)),)


def test_a_closed_event_that_arrives_after_all_is_committed_and_asked_for_until_then(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=20), batch(1, some(1, 10)), batch(20, some(20, 20))])
    close(ledger, (11, 19))
    assert ledger.receipt(AUTHOR, EPOCH).missing == ((11, 19),), "closing tells no edge that it may forget"
    ledger.commit([batch(12, some(12, 19))])
    (status,) = ledger.authors()
    assert (status.committed, status.missing, status.closed[0].left) == (19, (), ((11, 11),))
    ledger.commit([batch(11, some(11, 11))])
    (status,) = ledger.authors()
    assert [(one.first, one.last, one.left) for one in status.closed] == [(11, 19, ())], "it stays listed"
    assert ledger.standing() == [Standing(AUTHOR, 20, 0, 0, 0, NOW)]


def test_gaps_and_missing_numbers_are_closed_alike_and_counted_apart(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=20, lowest=4, lost=((6, 7),)), batch(4, some(4, 5)), batch(8, some(8, 10))])
    assert close(ledger, (2, 6), (15, 99)) == ((2, 3), (6, 6), (15, 20)), "only what is not here, as far as it is known"
    (status,) = ledger.authors()
    assert (status.gaps, status.missing, status.waiting) == (((1, 1), (7, 7)), ((11, 14),), 4)
    assert ledger.standing() == [Standing(AUTHOR, 5, 4, 4, 2, NOW)]
    assert close(ledger, (1, 20)) == ((1, 1), (7, 7), (11, 14)), "and nothing twice"
    assert close(ledger, (1, 20)) == ()


def test_nobody_closes_numbers_of_an_epoch_that_was_never_heard_of(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=5)])
    assert ledger.close_numbers(AUTHOR, OTHER, [(1, 5)], LATER, by="office", why=WHY).known is False
    assert ledger.close_numbers("turning/e9", EPOCH, [(1, 5)], LATER, by="office", why=WHY).known is False


def aside(ledger: WritableLedger, payload: bytes, topic: str = TOPIC, reason: Reason = Reason.WRONG_VERSION) -> int:
    ledger.commit([Refusal(topic, AUTHOR, reason, "version 2 is unknown", payload, NOW)])
    return ledger.set_aside()[-1].id


def bundle(first: int, last: int) -> bytes:
    header = (
        f'{{"v":1,"at":"2026-11-22T03:04:00Z","mono_ms":5,"boot":"ab-1","clock":"synced","firm":"turning","edge":"e1",'
        f'"epoch":"{EPOCH}","first":{first},"count":{last - first + 1},"nonce":"{"f" * 16}"}}'
    )
    return b"\n".join([header.encode(), *some(first, last)])


def test_what_is_understood_later_is_committed_as_of_its_first_arrival(ledger: WritableLedger) -> None:
    number = aside(ledger, bundle(1, 3))
    ledger.commit([batch(2, some(2, 2), received_at=LATER.at)])
    done = ledger.read_again(number, LATER, by="office")
    assert (done.outcome, done.fresh, done.repeated, done.used_twice) == ("taken in", 2, 1, 0)
    rows = {row.seq: row for row in ledger.rows(0, 10)}
    assert [rows[n].body for n in (1, 2, 3)] == some(1, 3)
    assert rows[1].received_at == NOW
    assert ledger.standing()[0].last_contact == LATER.at, "it is no sign of life of today"
    assert ledger.set_aside() == []
    (kept,) = ledger.set_aside(settled=True)
    assert (kept.settled, kept.read_at, kept.read_by) == (True, LATER.at, "office")
    assert ledger.read_again(number, LATER, by="office").outcome == "nothing there", "once"
    assert not ledger.discard(number, LATER, by="office", why="too late")


def test_an_old_hello_that_is_understood_later_tells_only_what_it_announced(ledger: WritableLedger) -> None:
    held = (
        EpochHeld(epoch=EPOCH, lowest=9, last=30, receipted=8),
        EpochHeld(epoch=OTHER, lowest=1, last=7, receipted=0),
    )
    old = greeting(last=1).hello.model_copy(update={"epochs": held, "waiting": 29})
    number = aside(ledger, old.encode(), TOPIC.replace("events", "hello"))
    ledger.commit([Greeting(AUTHOR, greeting(last=12).hello, LATER.at), batch(1, some(1, 12), received_at=LATER.at)])
    assert ledger.read_again(number, LATER, by="office").outcome == "taken in"
    one, two = ledger.authors()
    assert (one.missing, one.gaps, one.announced_at, one.last_contact) == (((13, 30),), (), LATER.at, LATER.at)
    assert (two.missing, two.announced_at) == (((1, 7),), NOW)


def test_what_is_still_not_understood_stays_set_aside_with_its_bytes(ledger: WritableLedger) -> None:
    number = aside(ledger, b"noise", reason=Reason.MALFORMED)
    done = ledger.read_again(number, LATER, by="office")
    assert (done.outcome, "JSON" in done.detail) == ("not understood", True)
    whole = ledger.set_aside_one(number)
    assert whole
    assert (whole.body, whole.settled) == (b"noise", False)


def test_a_number_used_twice_cannot_be_read_into_the_place_that_is_taken(ledger: WritableLedger) -> None:
    ledger.commit([batch(1, some(1, 1)), batch(1, [b"another"])])
    (one,) = ledger.set_aside()
    assert ledger.read_again(one.id, LATER, by="office").outcome == "not understood"
    assert len(ledger.set_aside()) == 1


def test_the_second_migration_goes_back_and_forth_without_losing_what_was_there_before(url: str) -> None:
    with Ledger.open(url, write=True) as ledger:
        ledger.commit([greeting(last=5), Refusal(TOPIC, AUTHOR, Reason.MALFORMED, "none", b"x", NOW)])
        close(ledger, (1, 2))
    engine = store.at(url, "ledger").writer()
    store.migrate(engine, "gateway.ledger.migrations", to="0001")
    with engine.begin() as connection:
        assert not inspect(connection).has_table("closures")
        assert connection.scalar(text("SELECT body FROM set_aside")) == b"x"
    engine.dispose()
    with Ledger.open(url, write=True) as ledger:
        (status,) = ledger.authors()
        assert (status.missing, status.closed) == (((1, 5),), ())
        assert len(ledger.set_aside()) == 1
