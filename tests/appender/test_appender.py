"""The appender as a process, on a real Mosquitto and a real disk: what was accepted is committed once, whatever dies."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.messages import BUNDLE_BYTES, EpochHeld
from broker.topics import Kind
from tests.appender.parts import Gate, SomeEdge, some
from tests.conftest import Mosquitto, until

pytestmark = pytest.mark.slow


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gate]:
    with Gate(tmp_path / "gateway", mosquitto.port) as gate:
        yield gate


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


def test_messages_sent_1_to_5_times_are_committed_once_each_in_order(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    for first, times in zip(range(1, 101, 10), itertools.cycle([1, 2, 3, 4, 5])):
        edge.send(first, some(first, first + 9), times=times)
    edge.wait_covered(100)
    assert gate.bodies() == some(1, 100)
    with gate.ledger() as ledger:
        assert ledger.set_aside() == []


def test_a_bundle_that_came_before_an_earlier_one_leaves_a_hole_that_is_asked_for(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(11, some(11, 20))
    until(lambda: edge.receipts, what="a receipt")
    assert [(one.upto, one.missing) for one in edge.receipts[0].epochs] == [(20, ((1, 10),))]
    edge.send(1, some(1, 10))
    edge.wait_covered(5)
    assert edge.receipts[-1].epochs[0].missing == ()


def test_a_hello_is_answered_for_all_its_epochs(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 3))
    edge.wait_covered(3)
    old = EpochHeld(epoch="e" * 16, lowest=5, last=9, receipted=0)
    edge.greet(old, EpochHeld(epoch=edge.epoch, lowest=1, last=7, receipted=3))
    first, second = edge.wait_answer()
    assert (first.epoch, first.upto, first.missing) == ("e" * 16, 4, ()), "1-4 are gone and not asked for"
    assert (second.epoch, second.upto) == (edge.epoch, 3)
    with gate.ledger() as ledger:
        by_epoch = {one.epoch: one for one in ledger.authors()}
    assert by_epoch[edge.epoch].missing == ((4, 7),)
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


def test_what_was_published_while_the_appender_was_down_is_committed_when_it_is_back(
    gate: Gate, edge: SomeEdge
) -> None:
    gate.start().stop()
    for first in range(1, 1001, 100):
        edge.send(first, some(first, first + 99))
    gate.start()
    edge.wait_covered(1000)
    assert gate.bodies() == some(1, 1000)


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


@pytest.mark.parametrize(
    ("payload", "kind", "reason"),
    [
        (b"", Kind.EVENTS, "malformed"),
        (b'{"v":1,"firm":"turn', Kind.EVENTS, "malformed"),
        (b'{"v":1,"mono_ms":NaN}\n{}', Kind.EVENTS, "malformed"),
        (b"\xff\xfe\x00", Kind.EVENTS, "malformed"),
        (b'{"v":7,"firm":"turning"}\n{}', Kind.EVENTS, "unknown version"),
        (b"x" * 10_000_000, Kind.EVENTS, "too large"),
        (b"{}", Kind.HELLO, "malformed"),
    ],
    ids=["empty", "truncated", "NaN", "bad UTF-8", "unknown version", "10 MB", "hello"],
)
def test_a_malformed_message_is_set_aside_acknowledged_and_never_receipted_or_in_the_way(
    gate: Gate, edge: SomeEdge, payload: bytes, kind: Kind, reason: str
) -> None:
    gate.start()
    edge.put(payload, kind=kind)
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    gate.stop()
    with gate.ledger() as ledger:
        (aside,) = ledger.set_aside()
        whole = ledger.set_aside_one(aside.id)
    assert (aside.reason, aside.author, aside.times) == (reason, "turning/e1", 1)
    assert whole
    assert whole.body == payload
    assert len(edge.receipts) == 1
    gate.start()
    edge.send(2, some(2, 2))
    edge.wait_covered(2)
    with gate.ledger() as ledger:
        assert [one.times for one in ledger.set_aside()] == [1], "acknowledged: the broker did not send it again"


def test_topics_of_nobody_are_set_aside(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.put(b"{}", topic="mw/1/Turning_Shop/e1/events")
    edge.put(b"{}", topic="mw/1/gateway/e1/hello")
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    with gate.ledger() as ledger:
        assert [(one.reason, one.author) for one in ledger.set_aside()] == [("wrong topic", None)] * 2


def test_a_number_used_twice_is_set_aside_said_and_only_then_receipted(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 2))
    edge.wait_covered(2)
    edge.receipts.clear()
    edge.send(1, some(1, 3, "clone-"))
    edge.wait_covered(3)
    assert gate.bodies() == [*some(1, 2), *some(3, 3, "clone-")]
    with gate.ledger() as ledger:
        assert [(one.reason, one.seq) for one in ledger.set_aside()] == [
            ("number used twice", 1),
            ("number used twice", 2),
        ]
    assert "a number was used twice" in gate.log()


def test_while_the_ledger_is_locked_nothing_is_acknowledged_and_it_is_said_once(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    edge.send(2, some(2, 11))
    until(lambda: "the ledger cannot be written" in gate.log(), what="it to be said")
    assert not edge.covered(2)
    seen = gate.log().count("connected to the broker")
    gate.kill()
    gate.start(connected=False)
    until(lambda: "database is locked" in gate.log(), what="the appender to meet the lock")
    holder.execute("ROLLBACK")
    holder.close()
    if gate.process and gate.process.poll() is not None:
        gate.start(connected=False)
    until(lambda: gate.log().count("connected to the broker") > seen, what="the appender to be back")
    edge.wait_covered(11)
    assert gate.bodies() == some(1, 11)


def test_a_lock_that_is_let_go_is_got_over_without_a_restart(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    edge.send(1, some(1, 1))
    edge.wait_covered(1)
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for first in range(2, 102, 10):
        edge.send(first, some(first, first + 9))
    until(lambda: "the ledger cannot be written" in gate.log(), what="it to be said")
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


def test_a_bundle_of_the_largest_size_is_taken(gate: Gate, edge: SomeEdge) -> None:
    gate.start()
    line = b"x" * 16_000
    edge.send(1, [line] * (BUNDLE_BYTES // 16_001))
    edge.wait_covered(1)
    assert set(gate.bodies()) == {line}


def test_mqtt_3_1_1_is_good_enough(tmp_path: Path, mosquitto: Mosquitto, edge: SomeEdge) -> None:
    with Gate(tmp_path / "old", mosquitto.port, version="3.1.1") as gate:
        gate.start().stop()
        edge.send(1, some(1, 5))
        gate.start()
        edge.wait_covered(5)


def test_two_appenders_on_one_ledger_are_one_too_many(gate: Gate) -> None:
    gate.start()
    second = Gate(gate.settings.data_dir, gate.settings.mqtt.port)
    with second:
        second.start(connected=False)
        assert second.process
        assert second.process.wait(10) == 1
    assert "Stop that one first: only one may write." in gate.log()
