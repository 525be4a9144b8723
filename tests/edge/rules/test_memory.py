"""The scan memory: bounded, quick, and refused with a sentence when it is not ours."""

import time

import pytest

from broker.codes import Card
from broker.events import Ref
from edge.rules import EMPTY, Memory, NoOrders, Phase, Session, UnreadableError, dump, load, read
from edge.rules.memory import CLOSED_LIMIT, OPEN_LIMIT
from tests.edge.rules.bench import DESK, SYNCED, Bench, card, ticket


def full() -> Memory:
    """A memory at both limits, with three undoable scans in hand."""
    sessions = {}
    for number in range(1, OPEN_LIMIT + CLOSED_LIMIT + 1):
        phase = Phase.RUNNING if number <= OPEN_LIMIT else Phase.FINISHED
        opening = Ref(author="kita/pi-1", epoch="00000000000000e1", seq=number)
        session = Session("7K3Q9G", number, "lathe-1", phase, opening, SYNCED, f"7K3Q9G-{number}")
        sessions[session.key] = session
    return Memory(sessions, Bench().scan(ticket(), card(Card.SCRAP), ticket(), "2").memory.hands)


def test_an_empty_memory_is_empty_bytes_or_its_own() -> None:
    assert load(b"") == EMPTY
    assert load(dump(EMPTY)) == EMPTY


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"null", b'{"v":1}', b'{"v":1,"sessions":[[1]],"hands":{}}', b"\xff\xfe"]
)
def test_what_is_no_memory_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^the scan memory cannot be read: "):
        load(data)


def test_a_newer_memory_is_refused_with_its_version() -> None:
    with pytest.raises(UnreadableError, match=r"^the scan memory is of version 2, this program reads 1$"):
        load(b'{"v":2,"sessions":{}}')


def test_the_fullest_memory_comes_back_the_same_and_stays_below_a_fifth_of_a_megabyte() -> None:
    memory = full()
    assert load(dump(memory)) == memory
    assert len(dump(memory)) < 200_000


def test_beyond_the_limit_the_open_session_touched_longest_ago_is_forgotten() -> None:
    bench = Bench()
    bench.memory = full()
    bench.scan(ticket("7K3Q9F", 20))
    assert len(bench.memory.open()) == OPEN_LIMIT
    assert ("7K3Q9G", 1, DESK.default) not in bench.memory.sessions
    assert ("7K3Q9F", 20, DESK.default) in bench.memory.sessions


def test_a_scan_with_the_fullest_memory_takes_a_small_part_of_its_budget() -> None:
    memory, ref = full(), Ref(author="kita/pi-1", epoch="00000000000000e1", seq=1)
    dump(memory)
    began = time.process_time()
    for number in range(1, 21):
        memory = read(memory, DESK, ticket("7K3Q9F", number), SYNCED, orders=NoOrders(), next_ref=ref).memory
        dump(memory)
    assert (time.process_time() - began) / 20 < 0.02  # of 100 ms from scan to feedback
