"""The appender as a process, on a real Mosquitto and a real disk: what was accepted is committed once, whatever dies."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from broker.messages import BUNDLE_BYTES, LINEAGE, EpochHeld
from broker.topics import Kind
from tests.appender.parts import Gate, SomeEdge, some
from tests.conftest import Mosquitto, until

pytestmark = pytest.mark.slow
GUESTS = itertools.count()


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gate]:
    with Gate(tmp_path / "gateway", mosquitto.port) as gate:
        yield gate


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One appender for the tests in which nothing dies."""
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    with Gate(tmp_path_factory.mktemp("gateway"), broker.port) as gate:
        yield gate.start()
    broker.kill()


@pytest.fixture
def guest(running: Gate) -> Iterator[SomeEdge]:
    """An edge nobody has heard of, on the broker of `running`."""
    with SomeEdge(running.settings.mqtt.port, edge=f"g{next(GUESTS)}") as guest:
        yield guest


@pytest.fixture
def edge(mosquitto: Mosquitto) -> Iterator[SomeEdge]:
    with SomeEdge(mosquitto.port) as edge:
        yield edge


def test_what_is_receipted_is_in_the_ledger_and_a_fresh_event_passes(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 500))
    edge.wait_covered(500)
    assert gate.bodies() == some(1, 500)
    (receipt,) = edge.receipts
    with gate.ledger() as ledger:
        assert receipt.ledger == ledger.ledger_id
        assert (receipt.answers, receipt.lineage) == ("events", ())
    edge.send(501, some(501, 501))
    edge.wait_covered(501)
    assert gate.stop() == 0
    assert "stopped" in gate.log()


def test_messages_sent_1_to_5_times_are_committed_once_each_in_order(running: Gate, guest: SomeEdge) -> None:
    for first, times in zip(range(1, 101, 10), itertools.cycle([1, 2, 3, 4, 5])):
        guest.send(first, some(first, first + 9), times=times)
    guest.wait_covered(100)
    assert running.bodies(guest.author) == some(1, 100)
    with running.ledger() as ledger:
        assert [one for one in ledger.set_aside() if one.author == guest.author] == []


def test_a_bundle_that_came_before_an_earlier_one_leaves_a_hole_that_is_asked_for(
    running: Gate, guest: SomeEdge
) -> None:
    guest.send(11, some(11, 20))
    until(lambda: guest.receipts, what="a receipt")
    assert [(one.upto, one.missing) for one in guest.receipts[0].epochs] == [(20, ((1, 10),))]
    guest.send(1, some(1, 10))
    guest.wait_covered(5)
    assert guest.receipts[-1].epochs[0].missing == ()


def test_a_hello_is_answered_for_all_its_epochs(running: Gate, guest: SomeEdge) -> None:
    guest.send(1, some(1, 3))
    guest.wait_covered(3)
    old = EpochHeld(epoch="e" * 16, lowest=5, last=9, receipted=0)
    guest.greet(old, EpochHeld(epoch=guest.epoch, lowest=1, last=7, receipted=3))
    first, second = guest.wait_answer()
    assert (first.epoch, first.upto, first.missing) == ("e" * 16, 0, ()), "nothing of it is committed"
    assert (second.epoch, second.upto) == (guest.epoch, 3)
    with running.ledger() as ledger:
        by_epoch = {one.epoch: one for one in ledger.authors() if one.author == guest.author}
    assert by_epoch[guest.epoch].missing == ((4, 7),)
    assert (by_epoch["e" * 16].missing, by_epoch["e" * 16].gaps) == (((5, 9),), ((1, 4),))


@pytest.mark.parametrize("step", ["acknowledge", "publish"], ids=["between commit and ack", "between ack and receipt"])
def test_kill_9_after_the_commit_loses_nothing_and_repeats_nothing(gate: Gate, edge: SomeEdge, step: str) -> None:
    gate.start(dying_before=step)
    edge.send(1, some(1, 50))
    until(gate.dead, what="the appender to be killed")
    assert gate.bodies() == some(1, 50), "it was committed before"
    assert edge.receipts == []
    gate.start()
    if step == "acknowledge":
        edge.wait_covered(50)  # the broker has it still and sends it again
    else:
        edge.greet(EpochHeld(epoch=edge.epoch, lowest=1, last=50, receipted=0))
        edge.wait_covered(50)
    assert gate.bodies() == some(1, 50)
    edge.send(51, some(51, 51))
    edge.wait_covered(51)


def test_a_broker_that_forgets_everything_costs_a_repetition_and_no_event(
    gate: Gate, edge: SomeEdge, mosquitto: Mosquitto
) -> None:
    gate.start()
    edge.send(1, some(1, 10))
    edge.wait_covered(10)
    seen = gate.log().count("connected to the broker")
    mosquitto.restart()
    until(lambda: gate.log().count("connected to the broker") > seen, what="the appender to be back")
    edge.wait_connected()
    edge.send(1, some(1, 20))
    edge.wait_covered(20)
    assert gate.bodies() == some(1, 20)
    assert gate.log().count("no broker") == 1, "one line each way"


BAD = [
    (b"", Kind.EVENTS, "malformed"),
    (b'{"v":1,"firm":"turn', Kind.EVENTS, "malformed"),
    (b'{"v":1,"mono_ms":NaN}\n{}', Kind.EVENTS, "malformed"),
    (b"\xff\xfe\x00", Kind.EVENTS, "malformed"),
    (b'{"v":7,"firm":"turning"}\n{}', Kind.EVENTS, "unknown version"),
    (b"x" * 10_000_000, Kind.EVENTS, "too large"),
    (b"{}", Kind.HELLO, "malformed"),
]


def test_malformed_messages_are_set_aside_whole_acknowledged_and_never_receipted_or_in_the_way(
    gate: Gate, edge: SomeEdge
) -> None:
    gate.start()
    for payload, kind, _ in BAD:
        edge.put(payload, kind=kind)
    edge.put(b"{}", topic="mw/1/Turning_Shop/e1/events")
    edge.put(b"{}", topic="mw/1/gateway/e1/hello")
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    assert len(edge.receipts) == 1
    gate.stop()
    gate.start()
    edge.send(2, some(2, 2))
    edge.wait_covered(2)
    with gate.ledger() as ledger:
        aside = [ledger.set_aside_one(one.id) for one in ledger.set_aside()]
    assert [(one.body, one.reason, one.author) for one in aside if one] == [
        *((payload, reason, "turning/e1") for payload, _, reason in BAD),
        (b"{}", "wrong topic", None),
        (b"{}", "wrong topic", None),
    ]
    assert {one.times for one in aside if one} == {1}, "acknowledged: the broker did not send them again"


def test_a_number_used_twice_is_set_aside_said_and_only_then_receipted(running: Gate, guest: SomeEdge) -> None:
    guest.send(1, some(1, 2))
    guest.wait_covered(2)
    guest.receipts.clear()
    guest.send(1, some(1, 3, "clone-"))
    guest.wait_covered(3)
    assert running.bodies(guest.author) == [*some(1, 2), *some(3, 3, "clone-")]
    with running.ledger() as ledger:
        assert [(one.reason, one.seq) for one in ledger.set_aside() if one.author == guest.author] == [
            ("number used twice", 1),
            ("number used twice", 2),
        ]
    assert "a number was used twice" in running.log()


def test_while_the_ledger_is_locked_nothing_is_acknowledged_and_then_it_goes_on_without_a_restart(
    gate: Gate, edge: SomeEdge
) -> None:
    gate.start()
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for first in range(2, 102, 10):
        edge.send(first, some(first, first + 9))
    until(lambda: "the ledger cannot be written" in gate.log(), what="it to be said")
    assert not edge.covered(2)
    holder.execute("ROLLBACK")
    holder.close()
    edge.wait_covered(101)
    assert gate.log().count("the ledger cannot be written") == 1
    assert gate.log().count("the ledger can be written again") == 1
    assert gate.bodies() == some(1, 101)


def test_an_acknowledgement_that_comes_late_never_reaches_the_next_connection(
    gate: Gate, edge: SomeEdge, mosquitto: Mosquitto
) -> None:
    """F9: the broker is wiped while a commit is slow; the old packet id then names another message."""
    gate.start()
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    edge.send(2, some(2, 2))
    until(lambda: "the ledger cannot be written" in gate.log(), what="the commit to be slow")
    seen = gate.log().count("connected to the broker")
    mosquitto.restart()
    until(lambda: gate.log().count("connected to the broker") > seen, what="the appender to be back")
    edge.wait_connected()
    edge.send(3, some(3, 3))  # gets the packet id that the old connection used for number 2
    holder.execute("ROLLBACK")
    holder.close()
    edge.wait_covered(3)
    assert gate.bodies() == some(1, 3)


def test_a_ledger_put_back_from_an_older_copy_says_so_once_and_asks_for_what_it_lacks(
    gate: Gate, edge: SomeEdge
) -> None:
    gate.start()
    edge.send(1, some(1, 10))
    edge.wait_covered(10)
    gate.stop()
    folder = gate.settings.data_dir
    copy = (folder / "ledger.sqlite").read_bytes()
    gate.start()
    edge.send(11, some(11, 20))
    edge.wait_covered(20)
    old = edge.receipts[-1].ledger
    gate.stop()
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "ledger.sqlite").write_bytes(copy)
    gate.start()
    edge.receipts.clear()
    for _ in range(2):
        edge.greet(EpochHeld(epoch=edge.epoch, lowest=1, last=20, receipted=20), ledger=old)
    until(lambda: len(edge.receipts) == 2, what="both hellos to be answered")
    for receipt in edge.receipts:
        assert receipt.ledger != old
        assert receipt.lineage == (old,)
        assert receipt.epochs[0].upto == 10
    assert gate.log().count("an older copy of itself") == 1
    edge.send(11, some(11, 20))
    edge.wait_covered(20)
    assert gate.bodies() == some(1, 20)


def test_an_edge_that_slept_through_a_hundred_restores_is_told_that_this_is_still_its_ledger(
    gate: Gate, edge: SomeEdge
) -> None:
    gate.start().stop()
    with closing(sqlite3.connect(gate.settings.data_dir / "ledger.sqlite")) as db:
        names = [f"{number:032x}" for number in range(100)]
        db.executemany("INSERT INTO ledgers (id, since, why) VALUES (?, 1, 'restored')", [(one,) for one in names])
        db.commit()
    gate.start()
    edge.greet(EpochHeld(epoch=edge.epoch, lowest=1, last=1, receipted=0), ledger=names[3])
    until(lambda: edge.receipts, what="the hello to be answered")
    (receipt,) = edge.receipts
    assert receipt.ledger == names[-1]
    assert receipt.lineage == (names[3], *reversed(names[-LINEAGE:-1]))


def test_one_edge_that_drains_a_backlog_does_not_keep_another_waiting(gate: Gate, mosquitto: Mosquitto) -> None:
    gate.start().stop()
    with SomeEdge(mosquitto.port) as busy, SomeEdge(mosquitto.port, "grinding", "e2") as brief:
        for first in range(1, 20_001, 500):
            busy.send(first, some(first, first + 499))
        gate.start(connected=False)
        brief.send(1, some(1, 1))
        brief.wait_covered(1)
        busy.wait_covered(20_000)
    with gate.ledger() as ledger:
        rows = ledger.rows(0, 30_000)
    assert len(rows) == 20_001
    assert [row.seq for row in rows if row.author == "turning/e1"] == list(range(1, 20_001)), "the order within an edge"


def test_a_bundle_of_the_largest_size_is_taken(running: Gate, guest: SomeEdge) -> None:
    line = b"x" * 16_000
    guest.send(1, [line] * (BUNDLE_BYTES // 16_001))
    guest.wait_covered(1)
    assert set(running.bodies(guest.author)) == {line}


def test_what_was_published_while_the_appender_was_down_is_committed_when_it_is_back_also_with_mqtt_3_1_1(
    tmp_path: Path, mosquitto: Mosquitto, edge: SomeEdge
) -> None:
    with Gate(tmp_path / "old", mosquitto.port, version="3.1.1") as gate:
        gate.start().stop()
        for first in range(1, 1001, 100):
            edge.send(first, some(first, first + 99))
        gate.start()
        edge.wait_covered(1000)
        assert gate.bodies() == some(1, 1000)


def test_two_appenders_on_one_ledger_are_one_too_many(gate: Gate) -> None:
    gate.start()
    second = Gate(gate.settings.data_dir, gate.settings.mqtt.port)
    with second:
        second.start(connected=False)
        assert second.process
        assert second.process.wait(10) == 1
    assert "Stop that one first: only one may write." in gate.log()


def test_while_the_ledger_is_locked_memory_stays_bounded_whatever_arrives(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    assert gate.process
    process = psutil.Process(gate.process.pid)
    before = process.memory_info().rss
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    line = b"x" * 15_000
    for first in range(2, 2 + 16 * 250, 16):
        edge.send(first, [line] * 16)  # 60 MB in all
    until(lambda: "the ledger cannot be written" in gate.log(), what="it to be said")
    until(lambda: process.cpu_percent(0.3) < 5, what="the appender to have stopped reading")
    assert process.memory_info().rss - before < 30_000_000
    holder.execute("ROLLBACK")
    holder.close()
    edge.wait_covered(1 + 16 * 250, seconds=30)
    assert len(gate.bodies()) == 1 + 16 * 250
