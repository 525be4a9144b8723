"""The ledger on a real disk: what is fresh, repeated, used twice, missing, gone, set aside; and going back."""

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from broker.clock import Reading
from broker.events import ClockQuality
from broker.messages import HELLO_EPOCHS, LOST_RANGES, EpochHeld, Hello, Range
from broker.ranges import size
from gateway import store
from gateway.ledger import Ledger, Standing, StoreError
from gateway.ledger.intake import Batch, Greeting, Reason, Refusal, Sent, hashes, take
from gateway.ledger.marks import GAPS_MOST, LARGEST_NUMBER
from gateway.ledger.tables import metadata
from gateway.ledger.transaction import KEPT_A_FIRM, KEPT_A_TOPIC
from gateway.ledger.writer import WritableLedger
from tests.conftest import until

NOW = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)
READING = Reading(NOW, 77, "b0", ClockQuality.SYNCED)
EPOCH, OTHER = "0" * 15 + "1", "0" * 15 + "2"
OWN = "a" * 32
"""Stands for the id of the ledger under test."""
TOPIC, AUTHOR = "mw/1/turning/e1/events", "turning/e1"


def batch(first: int, lines: Sequence[bytes], *, epoch: str = EPOCH, received_at: datetime = NOW) -> Batch:
    sent = Sent(NOW - timedelta(seconds=2), 500, "ab-1", ClockQuality.UNSYNCED, received_at)
    return Batch(TOPIC, AUTHOR, epoch, first, tuple(lines), hashes(lines), sent, "f" * 16)


def greeting(
    *, lowest: int = 1, last: int, receipted: int = 0, lost: tuple[Range, ...] = (), ledger: str | None = None
) -> Greeting:
    held = EpochHeld(epoch=EPOCH, lowest=lowest, last=last, receipted=receipted, lost=lost)
    hello = Hello(
        at=NOW, mono_ms=1, boot="ab-1", clock=ClockQuality.SYNCED, nonce="f" * 16, ledger=ledger, epochs=(held,)
    )
    return Greeting(AUTHOR, hello, NOW)


def some(first: int, last: int) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(first, last + 1)]


@pytest.fixture
def ledger(url: str) -> Iterator[WritableLedger]:
    with Ledger.open(url, write=True) as opened:
        yield opened


def test_the_migrations_make_exactly_the_tables(ledger: WritableLedger, url: str) -> None:
    engine = store.at(url, "ledger").reader()
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_migrations_go_down_to_nothing_and_up_again(ledger: WritableLedger, url: str) -> None:
    ledger.close()
    engine = store.at(url, "ledger").writer()
    for to, there in (("base", False), ("0001", True), ("head", True), ("0001", True), ("head", True)):
        store.migrate(engine, "gateway.ledger.migrations", to=to)
        assert inspect(engine).has_table("rows") is there
    engine.dispose()
    with Ledger.open(url, write=True) as again:
        assert again.commit([batch(1, some(1, 3))]).fresh == 3


def test_every_commit_reaches_the_disk_before_it_returns(ledger: WritableLedger) -> None:
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            return
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"


def test_a_row_has_the_very_bytes_and_the_clocks_of_its_first_arrival(ledger: WritableLedger, url: str) -> None:
    ledger.commit([batch(1, [b"\xff no json at all", b""])])
    ledger.commit([batch(1, [b"\xff no json at all", b""], received_at=NOW + timedelta(hours=1))])
    with Ledger.open(url) as reader:
        one, two = reader.rows(0, 10)
    assert (one.position, one.key, one.body) == (1, (AUTHOR, EPOCH, 1), b"\xff no json at all")
    assert (two.position, two.key, two.body) == (2, (AUTHOR, EPOCH, 2), b"")
    assert (one.received_at, one.bundle_at) == (NOW, NOW - timedelta(seconds=2))
    assert (one.bundle_mono_ms, one.bundle_boot, one.bundle_clock) == (500, "ab-1", ClockQuality.UNSYNCED)


def test_positions_have_no_hole_whatever_is_repeated(ledger: WritableLedger) -> None:
    done = ledger.commit([batch(1, some(1, 5)), batch(3, some(3, 8)), batch(1, some(1, 5))])
    assert (done.fresh, done.repeated) == (8, 8)
    assert [row.seq for row in ledger.rows(0, 100)] == list(range(1, 9))
    assert [row.position for row in ledger.rows_at([8, 2, 2, 99])] == [2, 8]
    assert ledger.last_position() == 8
    found = ledger.row(AUTHOR, EPOCH, 3)
    assert found
    assert found.body == b'{"n":3}'


def test_what_came_again_is_counted_for_ever(url: str) -> None:
    with Ledger.open(url, write=True) as ledger:
        ledger.commit([batch(1, some(1, 5))])
        assert ledger.repeated() == 0
        ledger.commit([batch(1, some(1, 3)), batch(2, some(2, 6))])
        assert ledger.mint(1, 0, READING).numbers == ("1001",)
    with Ledger.open(url, write=True) as ledger:
        ledger.commit([batch(6, some(6, 6))])
        assert ledger.repeated() == 3 + 4 + 1


def test_how_an_author_stands_is_the_sum_of_its_epochs(ledger: WritableLedger) -> None:
    other = greeting(last=6).hello
    held = EpochHeld(epoch=OTHER, lowest=4, last=6, receipted=0, lost=((5, 5),))
    ledger.commit(
        [
            greeting(last=20, lowest=3),
            batch(5, some(5, 6)),
            batch(15, some(15, 30)),
            Greeting(AUTHOR, other.model_copy(update={"epochs": (held,)}), NOW),
            batch(4, some(4, 4), epoch=OTHER),
        ]
    )
    epochs = ledger.authors()
    assert ledger.standing() == [
        Standing(
            AUTHOR,
            committed=sum(one.committed for one in epochs),
            waiting=sum(one.waiting for one in epochs),
            missing=sum(size(one.missing) for one in epochs),
            lost=sum(size(one.gaps) for one in epochs),
            last_contact=NOW,
        )
    ]
    assert ledger.standing()[0].missing == 11, "3-4, 7-14 and 6 of the other"


def test_the_ends_of_each_epoch_are_told_in_the_order_in_which_the_epochs_came(ledger: WritableLedger) -> None:
    ledger.commit([batch(5, some(5, 9), epoch=OTHER), batch(1, some(1, 1))])
    ledger.commit([batch(2, some(2, 4), epoch=OTHER)])
    assert [(first.epoch, first.seq, last.seq) for first, last in ledger.ends(AUTHOR)] == [(OTHER, 2, 9), (EPOCH, 1, 1)]
    assert ledger.ends("turning/nobody") == []


def test_a_number_used_twice_is_kept_both_ways_and_receipted(ledger: WritableLedger) -> None:
    ledger.commit([batch(1, some(1, 3))])
    done = ledger.commit([batch(2, [b"another two", b'{"n":3}', b'{"n":4}']), batch(2, [b"another two"])])
    assert (done.fresh, done.repeated, done.used_twice) == (1, 1, 1)
    (aside,) = ledger.set_aside()
    assert (aside.reason, aside.author, aside.epoch, aside.seq, aside.times) == (
        "number used twice", AUTHOR, EPOCH, 2, 2,
    )  # fmt: skip
    whole = ledger.set_aside_one(aside.id)
    assert whole
    assert whole.body == b"another two"
    assert [row.body for row in ledger.rows(1, 1)] == [b'{"n":2}'], "what came first stays"
    assert ledger.receipt(AUTHOR, EPOCH).upto == 4


def test_holes_are_named_and_receipted_as_missing_until_they_come(ledger: WritableLedger, url: str) -> None:
    ledger.commit([greeting(last=20), batch(4, some(4, 6)), batch(9, some(9, 9))])
    receipt = ledger.receipt(AUTHOR, EPOCH)
    assert (receipt.upto, receipt.missing) == (9, ((1, 3), (7, 8)))
    with Ledger.open(url) as reader:
        (status,) = reader.authors()
    assert (status.announced_last, status.committed_upto, status.committed) == (20, 9, 4)
    assert status.missing == ((1, 3), (7, 8), (10, 20))
    assert status.waiting == 16
    ledger.commit([batch(1, some(1, 20))])
    assert ledger.receipt(AUTHOR, EPOCH).missing == ()
    assert ledger.authors()[0].missing == ()


def test_the_marks_are_the_same_after_the_ledger_was_closed_and_opened(url: str) -> None:
    with Ledger.open(url, write=True) as ledger:
        ledger.commit([greeting(last=20, lowest=3, lost=((12, 13),)), batch(5, some(5, 6)), batch(15, some(15, 15))])
        before = ledger.receipt(AUTHOR, EPOCH), ledger.authors(), ledger.ledger_id
    with Ledger.open(url, write=True) as ledger:
        assert (ledger.receipt(AUTHOR, EPOCH), ledger.authors(), ledger.ledger_id) == before
        assert before[0].missing == ((1, 4), (7, 14))
        assert before[1][0].gaps == ((1, 2), (12, 13))
        ledger.commit([batch(16, some(16, 16))])
        assert ledger.last_position() == 4


def test_an_epoch_that_was_only_announced_is_missing_whole(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=120), batch(1, some(1, 100))])
    (status,) = ledger.authors()
    assert status.missing == ((101, 120),), "the card is gone; these can be named"


def test_what_an_edge_no_longer_holds_is_a_gap_and_no_receipt_covers_it(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=10, lowest=4, lost=((6, 6),))])
    ledger.commit([batch(4, some(4, 5)), batch(7, some(7, 10))])
    assert ledger.receipt(AUTHOR, EPOCH).missing == ((1, 3), (6, 6)), "an older copy of the card may hold it"
    assert (ledger.authors()[0].gaps, ledger.authors()[0].missing) == (((1, 3), (6, 6)), ())
    ledger.commit([batch(2, some(2, 2))])
    assert ledger.authors()[0].gaps == ((1, 1), (3, 3), (6, 6)), "an event that still arrives shrinks its gap"


def test_the_worst_hello_that_is_accepted_holds_the_only_writer_up_for_less_than_a_second(
    ledger: WritableLedger,
) -> None:
    lost = tuple((n, n) for n in range(3, 3 + 2 * LOST_RANGES, 2))
    ranges = EpochHeld(epoch=EPOCH, lowest=2, last=10**6, receipted=0, lost=lost)
    epochs = [EpochHeld(epoch=f"{n:016x}", lowest=2, last=9, receipted=5) for n in range(2, 1 + HELLO_EPOCHS)]
    hello = greeting(last=9).hello.model_copy(update={"epochs": (ranges, *epochs), "ledger": ledger.ledger_id})
    taken = take(TOPIC.replace("events", "hello"), hello.encode(), NOW)
    assert isinstance(taken, Greeting)
    began = time.process_time()
    ledger.commit([taken])
    assert time.process_time() - began < 1
    assert size(ledger.authors()[0].gaps) == 1 + LOST_RANGES


def test_an_edge_that_names_lost_ranges_for_ever_cannot_slow_the_ledger(ledger: WritableLedger) -> None:
    for start in range(1, 8 * 2 * LOST_RANGES, 2 * LOST_RANGES):
        lost = tuple((n, n) for n in range(start, start + 2 * LOST_RANGES, 2))
        ledger.commit([greeting(last=lost[-1][1], lost=lost)])
    (author,) = ledger.authors()
    assert len(author.gaps) == GAPS_MOST
    named = 5 * LOST_RANGES
    assert author.gaps[-1] == (2 * named - 1, 2 * named - 1)
    ledger.commit([batch(2 * named + 1, some(2 * named + 1, 2 * named + 1))])
    assert ledger.authors()[0].missing[0][0] == 2, "what was never called lost is missing, and so is what came beyond"


@pytest.mark.parametrize("ranges", [(1001,), (600, 600)], ids=["of one epoch", "together"])
def test_a_hello_that_names_more_lost_ranges_is_set_aside(ledger: WritableLedger, ranges: tuple[int, ...]) -> None:
    epochs = ",".join(
        f'{{"epoch":"{place:016x}","lowest":1,"last":9999,"receipted":0,"lost":[%s]}}'
        % ",".join(f"[{n},{n}]" for n in range(1, 2 * count, 2))
        for place, count in enumerate(ranges)
    )
    plain = greeting(last=9).hello.model_copy(update={"epochs": ()}).encode().decode()
    hello = plain.replace('"epochs":[]', f'"epochs":[{epochs}]').encode()
    taken = take(TOPIC.replace("events", "hello"), hello, NOW)
    assert isinstance(taken, Refusal)
    assert taken.reason is Reason.MALFORMED


def copied(url: str, request: pytest.FixtureRequest) -> str:
    """A copy of a ledger that nobody has open."""
    if not url.startswith("sqlite"):
        name = url.rpartition("/")[2]
        with request.getfixturevalue("postgresql").connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
        return f"{url}_copy"
    path = store.path_of(url)
    shutil.copy(path, path.with_name("copy.sqlite"))
    return f"sqlite:///{path.with_name('copy.sqlite')}"


def test_a_ledger_that_went_back_gets_a_new_id_once_and_keeps_its_lineage(
    url: str, request: pytest.FixtureRequest
) -> None:
    with Ledger.open(url, write=True) as ledger:
        ledger.commit([batch(1, some(1, 5))])
        assert ledger.mint(1, 0, READING).numbers == ("1001",)
        old = ledger.ledger_id
    with Ledger.open(copied(url, request), write=True) as ledger:
        done = ledger.commit([greeting(last=9, receipted=8, ledger=old)])
        assert done.went_back
        assert (done.went_back.old, done.went_back.absent) == (old, ((6, 8),))
        assert ledger.identity == (ledger.ledger_id, old)
        assert (ledger.lineage, ledger.ledger_id != old) == ((old,), True)
        again = ledger.commit([greeting(last=9, receipted=8, ledger=old)])
        assert again.went_back is None
        assert ledger.receipt(AUTHOR, EPOCH).upto == 5
        liar = ledger.commit([greeting(last=9, receipted=8, ledger=ledger.ledger_id)])
        assert liar.went_back is None, "no hello can make all edges send all again and again"
        assert ledger.mint(1, 0, READING).numbers == ("2002",), "1,000 numbers may be on paper already"


def test_a_clock_that_was_years_ahead_does_not_keep_a_ledger_from_finding_that_it_went_back(
    ledger: WritableLedger,
) -> None:
    proof = greeting(last=9, receipted=8, ledger=ledger.ledger_id)
    assert ledger.commit([replace(proof, received_at=NOW + timedelta(days=3650))]).went_back
    proof = greeting(last=9, receipted=8, ledger=ledger.ledger_id)
    assert ledger.commit([proof]).went_back


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_nothing_is_committed_to_a_file_that_nobody_finds_any_more(tmp_path: Path, how: str) -> None:
    file, away = tmp_path / "ledger.sqlite", tmp_path / "away.sqlite"
    with Ledger.open(f"sqlite:///{file}", write=True) as ledger:
        ledger.commit([batch(1, some(1, 5))])
        file.rename(away)
        if how == "replaced":
            shutil.copyfile(away, file)
        with pytest.raises(store.Unwritable, match="another file is under its name now, or none"):
            ledger.commit([batch(6, some(6, 9))])
        with pytest.raises(store.Unwritable):
            ledger.mint(1, 1, READING)
        away.rename(file)
        assert ledger.commit([batch(6, some(6, 9))]).fresh == 4, "it goes on by itself once the file is back"


@pytest.mark.parametrize(
    "hello",
    [
        greeting(last=9, receipted=5, ledger=OWN),
        greeting(last=9, receipted=9, ledger="0" * 32),
        greeting(last=9, receipted=9),
        greeting(last=9, receipted=7, lost=((6, 7),), ledger=OWN),
    ],
    ids=["all is here", "told by another ledger", "told by none", "the edge cannot read them"],
)
def test_only_a_receipted_number_that_is_absent_proves_that_a_ledger_went_back(
    ledger: WritableLedger, hello: Greeting
) -> None:
    ledger.commit([batch(1, some(1, 5))])
    if hello.hello.ledger == OWN:
        hello = Greeting(AUTHOR, hello.hello.model_copy(update={"ledger": ledger.ledger_id}), NOW)
    assert ledger.commit([hello]).went_back is None
    assert ledger.lineage == ()


def test_a_gap_that_its_author_was_told_is_committed_proves_it_too(ledger: WritableLedger) -> None:
    ledger.commit([greeting(last=5, lost=((3, 3),)), batch(1, some(1, 2)), batch(4, some(4, 5))])
    assert ledger.commit([greeting(last=5, lowest=4, receipted=5, ledger=ledger.ledger_id)]).went_back is None
    done = ledger.commit([greeting(last=5, receipted=5, ledger=ledger.ledger_id)])
    assert done.went_back
    assert done.went_back.absent == ((3, 3),), "a clone held it and was told so, before this ledger was put back"


def refusal(payload: bytes) -> Refusal:
    return Refusal(TOPIC, AUTHOR, Reason.MALFORMED, "header: it is none", payload, NOW)


def test_what_is_set_aside_again_is_counted_and_does_not_fill_the_disk(ledger: WritableLedger) -> None:
    ledger.commit([refusal(b"x"), refusal(b"x")])
    assert [one.times for one in ledger.set_aside()] == [2]
    ledger.commit([refusal(b"%d" % number) for number in range(2 * KEPT_A_TOPIC)])
    kept = ledger.set_aside()
    assert len(kept) == KEPT_A_TOPIC
    assert sum(one.times for one in kept) == 2 + 2 * KEPT_A_TOPIC


@pytest.mark.parametrize(("lowest", "counted"), [(1, "missing"), (LARGEST_NUMBER, "lost")])
def test_the_largest_numbers_that_a_firm_can_announce_still_add_up(
    ledger: WritableLedger, lowest: int, counted: str
) -> None:
    for hello in range(3):
        epochs = [f"{hello * HELLO_EPOCHS + number:016x}" for number in range(HELLO_EPOCHS)]
        held = [EpochHeld(epoch=one, lowest=lowest, last=LARGEST_NUMBER, receipted=0) for one in epochs]
        said = greeting(last=1).hello.model_copy(update={"epochs": tuple(held)})
        taken = take("mw/1/turning/e1/hello", said.encode(), NOW)
        assert isinstance(taken, Greeting)
        ledger.commit([taken])
    (standing,) = ledger.standing()
    assert getattr(standing, counted) == 3 * HELLO_EPOCHS * (LARGEST_NUMBER - (counted == "lost"))


def test_what_was_discarded_leaves_its_place_to_what_comes_next(ledger: WritableLedger) -> None:
    ledger.commit([refusal(b"%d" % number) for number in range(KEPT_A_TOPIC)])
    for one in ledger.set_aside():
        assert ledger.discard(one.id, READING, by="Yamada", why="noise")
    ledger.commit([refusal(b"news"), refusal(b"7")])
    (shown,) = ledger.set_aside()
    whole = ledger.set_aside_one(shown.id)
    assert whole
    assert (whole.body, whole.times) == (b"news", 1), "and what was discarded once stays so"


def test_a_firm_that_calls_its_edges_ever_otherwise_does_not_fill_the_disk_either(ledger: WritableLedger) -> None:
    def by(author: str) -> Refusal:
        topic = f"mw/1/{author}/events"
        return Refusal(topic, author, Reason.MALFORMED, "header: it is none", author.encode(), NOW)

    ledger.commit([by(f"turning/e{n}") for n in range(KEPT_A_FIRM + 50)])
    assert len(ledger.set_aside()) == KEPT_A_FIRM
    ledger.commit([by("turning-2/e1")])
    assert len(ledger.set_aside()) == KEPT_A_FIRM + 1, "another firm has its own"


def test_discarding_drops_the_bytes_and_keeps_who_and_why(ledger: WritableLedger) -> None:
    ledger.commit([refusal(b"secret")])
    assert ledger.discard(1, READING, by="office", why="a test message")
    assert not ledger.discard(1, READING, by="office", why="twice"), "there is nothing left to drop"
    assert ledger.set_aside() == []
    (one,) = ledger.set_aside(settled=True)
    assert (one.discarded_by, one.discarded_why, one.discarded_at) == ("office", "a test message", NOW)
    whole = ledger.set_aside_one(1)
    assert whole
    assert whole.body is None


def test_minted_numbers_count_up_and_ticket_ids_are_never_given_twice(url: str) -> None:
    with Ledger.open(url, write=True) as ledger:
        first = ledger.mint(2, 3, READING, first_number=4471)
    with Ledger.open(url, write=True) as ledger:
        second = ledger.mint(1, 500, READING, first_number=4471)
    assert first.numbers + second.numbers == ("4471", "4472", "4473")
    assert len({*first.tickets, *second.tickets}) == 503


def test_the_gateways_own_events_are_numbered_in_a_new_epoch_at_each_opening(url: str) -> None:
    with Ledger.open(url, write=True) as ledger:
        one = ledger.append([b"{}"] * 1200, READING)
        two = ledger.append([b"{}"], READING)
        assert (one.first, one.count, one.last_position) == (1, 1200, 1200)
        assert (two.epoch, two.first, two.last_position) == (one.epoch, 1201, 1201)
        assert ledger.rows(1200, 1)[0].key == ("gateway", one.epoch, 1201)
    with Ledger.open(url, write=True) as ledger:
        assert ledger.append([b"{}"], READING).epoch != one.epoch


def test_only_one_process_writes_a_ledger(ledger: WritableLedger, url: str) -> None:
    with pytest.raises(StoreError, match=r"another process is writing .* Stop that one first"):
        Ledger.open(url, write=True)


def test_a_ledger_that_is_not_there_yet_says_how_to_get_one(url: str) -> None:
    with pytest.raises(StoreError, match=r"does not exist yet\. Start the gateway first: mawashi gateway"):
        Ledger.open(url)


def test_a_reader_notices_a_commit_and_cannot_write(ledger: WritableLedger, url: str) -> None:
    with Ledger.open(url) as reader:
        before = reader.data_version()
        assert reader.data_version() == before
        ledger.commit([batch(1, some(1, 1))])
        until(lambda: reader.data_version() != before, what="the reader to hear of it")
        with pytest.raises(store.Unwritable), reader._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM rows")


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else has the ledger in hand, whoever and why."""
    if url.startswith("sqlite"):
        holder: Any = sqlite3.connect(store.path_of(url), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder = psycopg.connect(url.replace("+psycopg", ""))
        holder.execute("LOCK TABLE ledger.rows")
    try:
        yield
    finally:
        holder.rollback()
        holder.close()


def test_after_a_failed_commit_nothing_has_happened_and_the_next_one_works(ledger: WritableLedger, url: str) -> None:
    ledger.commit([batch(1, some(1, 2))])
    with locked(url), pytest.raises(store.Unwritable):
        ledger.commit([batch(3, some(3, 4)), batch(1, some(1, 1), epoch=OTHER), greeting(last=50)])
    assert ledger.receipt(AUTHOR, EPOCH).upto == 2
    assert ledger.commit([batch(3, some(3, 4)), batch(1, some(1, 1), epoch=OTHER)]).fresh == 3
    assert ledger.last_position() == 5


def test_a_mad_clock_is_stored_and_read_back_as_the_nearest_time_that_can_be_shown(ledger: WritableLedger) -> None:
    mad = datetime.max.replace(tzinfo=UTC)
    sent = Sent(mad, 2**53, "b", ClockQuality.UNSYNCED, NOW)
    ledger.commit([Batch(TOPIC, AUTHOR, EPOCH, 1, (b"{}",), hashes([b"{}"]), sent)])
    assert ledger.rows(0, 1)[0].bundle_at.year == 9999
