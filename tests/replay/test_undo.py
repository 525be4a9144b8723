"""Which records taking a replay back reaches: all that it made, nobody else's, whatever other terminals say of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from broker.events import Action, Correction, MachineState, Order, OrderAction, Promise, Work
from broker.events import Machine as MachineEvent
from broker.settings import validate
from gateway.replay import issued
from gateway.replay.command import not_a_terminals
from gateway.replay.issued import Book, Issued, OtherHistory
from gateway.replay.undo import _effect, _question, _recorded
from gateway.settings import Gateway
from tests.gateway.projecting import House
from tests.gateway.shop import BEGIN, Author, Shop, commit


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


def test_another_firms_terminal_cannot_keep_a_record_from_being_taken_back(house: House) -> None:
    shop, played = Shop(), Author("turning/past", "a" * 16)
    shop.edges["past"] = played
    key, (ticket,) = shop.order()
    start = played.say(Work, BEGIN, action=Action.START, ticket=ticket, operation=10, station="nc-1")
    other = played.say(Work, BEGIN, action=Action.START, ticket=ticket, operation=20, station="nc-1")
    shop.edges["grinding"].say(Correction, BEGIN, voids=start.ref, why="undo")
    shop.edges["grinding"].say(Correction, BEGIN, voids=shop.office.lines[0].ref, why="undo")
    own = played.say(Correction, BEGIN, voids=other.ref, why="undo")
    commit(house.writer, shop.lines)
    book = Book(history="f" * 64, cases={"J1": Issued(key=key, number="1", ticket=ticket)}, firm="turning")
    found = _recorded(house.writer, "past", book)
    assert set(found.events) == {start.ref, shop.office.lines[0].ref}
    shop.office.say(Correction, BEGIN, voids=start.ref, why="replay_undone")
    shop.edges["turning"].say(Correction, BEGIN, voids=own.ref, why="undo")
    commit(house.writer, [shop.office.lines[-1], shop.edges["turning"].lines[-1]])
    found = _recorded(house.writer, "past", book)
    assert set(found.events) == {other.ref, shop.office.lines[0].ref}, "what was taken back once is not again"


def test_what_the_office_changed_afterwards_is_counted_said_and_asked_for(house: House) -> None:
    shop = Shop()
    key, (ticket,) = shop.order()
    shop.office.say(Order, BEGIN, action=OrderAction.HELD, order=key)
    shop.office.say(Promise, BEGIN, order=key, operation=10, asked=date(2026, 12, 1))
    commit(house.writer, shop.lines)
    book = Book(history="f" * 64, cases={"J1": Issued(key=key, number="1", ticket=ticket)}, firm="turning")
    found = _recorded(house.writer, "past", book)
    assert (len(found.events), found.changes) == (3, 2)
    assert "    2 of them are what the office changed on these orders afterwards. They go too" in _effect(
        "past", book, found
    )
    assert _question(found).endswith("Take it back, with the office's 2 changes?")
    assert _question(replace(found, changes=0)) == "取り消しますか / Take it back?"


def test_a_replay_never_takes_the_name_of_a_terminal_that_works(house: House, tmp_path: Path) -> None:
    shop = Shop()
    shop.edges["turning"].say(MachineEvent, BEGIN, station="nc-1", state=MachineState.IDLE)
    commit(house.writer, shop.lines)
    settings = validate(Gateway, {"data_dir": tmp_path / "data"}, "gateway.toml")
    with pytest.raises(OtherHistory, match="pi-1 is a terminal of turning"):
        not_a_terminals(settings, house.writer, firm="turning", name="pi-1")
    not_a_terminals(settings, house.writer, firm="turning", name="past")
    not_a_terminals(settings, house.writer, firm="grinding", name="pi-1")
    kept = issued.folder(settings.data_dir, "pi-1.undone-20261122-090000")
    kept.mkdir(parents=True)
    (kept / issued.EDGE).write_text('firm = "turning"\nedge = "pi-1"\n')
    not_a_terminals(settings, house.writer, firm="turning", name="pi-1")
