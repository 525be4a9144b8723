"""What one edge can send to stand in everybody's way: it costs its own orders time, and nobody else theirs."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from broker.events import Action, Correction, Machine, MachineState, Ref, Split, Work
from gateway.events import Events, LedgerAway
from gateway.ledger import Ledger
from gateway.rules.voiding import Key, voided
from gateway.store import StoreError
from tests.gateway.projecting import House, finish, picture
from tests.gateway.shop import BEGIN, Line, Shop, commit

_LONG = 1200


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


def corrections(shop: Shop, first: Line, count: int) -> None:
    """Each voids the one before."""
    edge, last = shop.edges["turning"], first
    for n in range(count):
        last = edge.say(Correction, BEGIN + timedelta(seconds=n), voids=last.ref, why="undo")


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("what", ["start", "split", "machine"])
def test_a_long_chain_of_corrections_is_taken_in_and_holds_nobody_up(house: House, what: str, backwards: bool) -> None:
    shop = Shop()
    key, (ticket,) = shop.order()
    other, (others,) = shop.order()
    edge, child = shop.edges["turning"], shop.ticket()
    match what:
        case "start":
            first = edge.say(Work, BEGIN, action=Action.START, ticket=ticket, operation=10, station="nc-1")
        case "split":
            first = edge.say(Split, BEGIN, parent=ticket, child=child)
        case _:
            first = edge.say(Machine, BEGIN, station="nc-1", state=MachineState.RUNNING)
    corrections(shop, first, _LONG - 1)  # an odd number: the first is void
    shop.session(others, 20, "grinding", BEGIN)
    lines = [line for line in shop.lines if line.author == edge.name]
    rest = [line for line in shop.lines if line.author != edge.name]
    began = time.process_time()
    with house.projector() as (projector, _):
        some = list(reversed(lines)) if backwards else lines
        for start in range(0, len(some), 100):
            commit(house.writer, some[start : start + 100])
            finish(projector)
        commit(house.writer, rest)
        finish(projector)
    assert time.process_time() - began < 8
    kept, seen = house.state.order(key), house.state.order(other)
    assert seen
    assert any(one.sessions for one in seen.state.operations)
    if what == "start":
        assert kept
        assert not any(one.sessions for one in kept.state.operations)
        assert kept.state.rows == _LONG + 1
    elif what == "split":
        assert house.state.find(child) == []
    else:
        points = house.state.points(0, 10_000)
        assert all(point.void for point in points if point.measurement == "machine")


@pytest.mark.slow
def test_corrections_in_a_long_circle_do_nothing(house: House) -> None:
    shop = Shop()
    edge = shop.edges["turning"]
    edge.say(Correction, BEGIN, voids=Ref(author=edge.name, epoch=edge.epoch, seq=_LONG), why="undo")
    corrections(shop, edge.lines[0], _LONG - 1)
    key, _ = shop.order()
    commit(house.writer, shop.lines)
    house.project()
    assert [kept.key for kept in house.state.orders()] == [key]


def test_what_is_void_is_found_in_time_that_grows_with_the_corrections() -> None:
    keys: list[Key] = [("a/e1", "", n) for n in range(50_001)]
    chain = dict(zip(keys[1:], keys, strict=False))
    began = time.process_time()
    assert voided(chain) == set(keys[1::2])  # an even number: the first stands
    assert time.process_time() - began < 2


@pytest.mark.slow
@pytest.mark.parametrize("leaf_first", [True, False])
@pytest.mark.parametrize("at_once", [1100, 50])
def test_a_long_line_of_splits_moves_as_one_and_soon(house: House, leaf_first: bool, at_once: int) -> None:
    shop = Shop()
    key, (ticket,) = shop.order()
    edge = shop.edges["turning"]
    line = [ticket, *(shop.ticket() for _ in range(1100))]
    pairs = list(pairwise(line))
    for parent, child in reversed(pairs) if leaf_first else pairs:
        edge.say(Split, BEGIN, parent=parent, child=child)
    began = time.process_time()
    with house.projector() as (projector, _):
        for start in range(0, len(pairs), at_once):
            commit(house.writer, edge.lines[start : start + at_once])
            finish(projector)
        assert [kept.key for kept in house.state.orders()] == [f"u-{ticket.lower()}"]
        commit(house.writer, shop.office.lines)
        finish(projector)
    assert time.process_time() - began < 12
    assert [kept.key for kept in house.state.orders()] == [key]
    kept = house.state.order(key)
    assert kept
    assert kept.state.rows == 1101


def _ledger_of(house: House) -> Path:
    return house.directory / "ledger.sqlite"


@pytest.mark.parametrize("more", [5, 60])
def test_an_older_copy_of_the_ledger_is_projected_anew(tmp_path: Path, more: int) -> None:
    shop = Shop()
    for _ in range(100):
        shop.order()
    lines = shop.lines
    house = House(tmp_path / "data")
    commit(house.writer, lines[:20])
    house.writer.close()
    shutil.copy(_ledger_of(house), tmp_path / "old.sqlite")
    house = House(house.directory)
    commit(house.writer, lines[20:50])
    house.project()
    house.close()
    shutil.copy(tmp_path / "old.sqlite", _ledger_of(house))
    house = House(house.directory)
    commit(house.writer, lines[40 : 40 + more])  # another thirty than before, or fewer
    house.project()
    assert house.state.cursor() == 20 + more
    expected = House(tmp_path / "expected")
    commit(expected.writer, [*lines[:20], *lines[40 : 40 + more]])
    expected.project()
    assert picture(house.state) == picture(expected.state)
    house.close()
    expected.close()


def test_a_ledger_that_takes_another_name_while_it_is_read_is_projected_anew(house: House) -> None:
    shop = Shop()
    shop.order()
    shop.order()
    first, second = shop.lines
    with house.projector() as (projector, state):
        commit(house.writer, [first])
        finish(projector)
        with sqlite3.connect(_ledger_of(house)) as connection:
            connection.execute("INSERT INTO ledgers (id, since, why) VALUES ('another', 0, 'went back')")
        connection.close()
        commit(house.writer, [second])
        finish(projector)
        assert state.value("ledger") == "another"
        assert len(house.state.orders()) == 2


def test_a_ledger_that_has_no_name_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    sqlite3.connect(path).executescript("PRAGMA journal_mode = WAL").close()
    with Ledger.open(f"sqlite:///{path}") as ledger, pytest.raises(StoreError):
        _ = ledger.ledger_id
    with Ledger.open(f"sqlite:///{path}", write=True) as writer:
        name = writer.ledger_id
        sqlite3.connect(path).executescript("DELETE FROM ledgers").close()
        with Ledger.open(f"sqlite:///{path}") as ledger:
            with pytest.raises(LedgerAway):
                Events(ledger).ledger_id()
            with pytest.raises(StoreError):
                _ = ledger.lineage
        assert name
