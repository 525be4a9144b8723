"""The projector on real SQLite and PostgreSQL: any order of arrival, deletion, kill -9, rules that fail, rows that are no event."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import structlog

from broker.codes import TicketCode, printed
from broker.events import Action, Adopt, Correction, CountReading, Ref, Split, Work
from gateway import folding, store
from gateway.projector import rebuild
from gateway.rules.fold import fold as fold_rows
from gateway.rules.order import OrderState
from gateway.rules.stamp import Stamped
from gateway.store.sqlite import File
from tests.conftest import until
from tests.gateway.projecting import House, finish, picture
from tests.gateway.shop import BEGIN, Line, Shop, a_shop, commit


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """Files, or one database for ledger and state."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgresql").database())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def either(tmp_path: Path, url: str) -> Iterator[House]:
    """A house on each database."""
    opened = House(tmp_path / "data", url)
    yield opened
    opened.close()


def test_an_order_is_found_by_everything_people_call_it(house: House) -> None:
    shop = Shop()
    key, (ticket, *_) = shop.order()
    commit(house.writer, shop.lines)
    house.project()
    for text in (
        "4471",
        " ４４７１ ",
        "4471-20",
        "sh-4471",
        ticket,
        ticket.lower(),
        printed(TicketCode(ticket, 20)),
        "44",
    ):
        assert house.state.find(text) == [key], text
    assert house.state.find("9999") == house.state.find("") == house.state.find("%") == []


@pytest.mark.parametrize(
    ("seed", "url"),
    [(1, "sqlite"), (2, "sqlite"), (3, "sqlite"), pytest.param(1, "postgresql", marks=pytest.mark.slow)],
    indirect=["url"],
)
def test_any_order_of_arrival_gives_the_same_state(tmp_path: Path, seed: int, url: str) -> None:
    shop = a_shop(seed, orders=4)
    shop.edges["turning"].say(Correction, shop.at, voids=shop.edges["turning"].lines[-2].ref, why="undo")
    lines = shop.lines
    one = House(tmp_path / "one")
    commit(one.writer, lines)
    one.project()
    expected = picture(one.state)
    one.close()
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    other = House(tmp_path / "other", url)
    with other.projector() as (projector, _):
        for start in range(0, len(shuffled), 17):  # folded again and again on the way
            commit(other.writer, shuffled[start : start + 17])
            commit(other.writer, shuffled[start : start + 5])
            finish(projector)
    assert picture(other.state) == expected
    assert house_is_current(other, len(lines))
    other.close()


def house_is_current(house: House, rows: int) -> bool:
    return house.state.cursor() == rows and house.state.unfinished() == 0


def test_a_walk_in_moves_to_its_order_with_what_was_split_off_and_its_old_key_is_gone(house: House) -> None:
    shop = Shop()
    key = shop.walk_in()
    lines = shop.lines
    with house.projector() as (projector, _):
        commit(house.writer, [line for line in lines if line.author != "gateway"])
        finish(projector)
        (unknown,) = house.state.orders()
        assert unknown.key.startswith("u-")
        assert not unknown.state.known
        assert [session.ticket for operation in unknown.state.operations for session in operation.sessions]
        commit(house.writer, [line for line in lines if line.author == "gateway"])
        finish(projector)
    (kept,) = house.state.orders()
    assert kept.key == key
    assert kept.state.known
    assert len(kept.state.operations[0].sessions) == 2
    assert all(point.void for point in house.state.points(0, 1000) if f'"{unknown.key}"' in point.tags)
    assert {seen.payload is None for seen in house.state.seen(0, 1000) if seen.order == unknown.key} == {True}


def test_an_adoption_that_is_taken_back_gives_the_ticket_its_own_order_again(house: House) -> None:
    shop = Shop()
    blank = shop.ticket()
    shop.session(blank, 10, "turning", BEGIN)
    key, _ = shop.order(firms=("turning",), at=BEGIN + timedelta(hours=2))
    adopt = shop.office.say(Adopt, BEGIN + timedelta(hours=3), ticket=blank, order=key)
    with house.projector() as (projector, _):
        commit(house.writer, shop.lines)
        finish(projector)
        assert [kept.key for kept in house.state.orders()] == [key]
        undo = shop.office.say(Correction, BEGIN + timedelta(hours=4), voids=adopt.ref, why="mistake")
        commit(house.writer, [undo])
        finish(projector)
        assert {kept.key for kept in house.state.orders()} == {key, f"u-{blank.lower()}"}
        commit(house.writer, [shop.office.say(Correction, BEGIN + timedelta(hours=5), voids=undo.ref, why="mistake")])
        finish(projector)
        assert [kept.key for kept in house.state.orders()] == [key]


def test_tickets_split_from_each_other_in_a_circle_are_one_order(house: House) -> None:
    shop = Shop()
    one, two = shop.ticket(), shop.ticket()
    shop.edges["turning"].say(Split, BEGIN, parent=one, child=two)
    shop.edges["turning"].say(Split, BEGIN, parent=two, child=one)
    commit(house.writer, shop.lines)
    house.project()
    assert [kept.key for kept in house.state.orders()] == [f"u-{min(one, two).lower()}"]


@pytest.mark.parametrize("at_once", [True, False])
def test_one_blank_for_two_orders_is_the_first_ones_and_no_paper_of_either_shows_at_the_other(
    house: House, at_once: bool
) -> None:
    shop = Shop()
    (one, (paper,)), (other, (its_paper,)) = shop.order(), shop.order()
    blank, edge = shop.ticket(), shop.edges["turning"]
    edge.say(Split, BEGIN, parent=paper, child=blank)
    if not at_once:
        commit(house.writer, shop.lines)
        house.project()
    edge.say(Split, BEGIN + timedelta(minutes=1), parent=its_paper, child=blank)
    commit(house.writer, shop.lines)
    house.project()
    lots = {kept.key: [ticket.id for ticket in kept.state.tickets] for kept in house.state.orders()}
    assert lots == {one: [paper, blank], other: [its_paper]}
    for kept in house.state.orders():
        assert "blank_twice" in {flag.code for flag in kept.state.flags}


def test_rows_that_are_no_event_are_kept_as_verdicts_and_hold_nothing_up(house: House) -> None:
    shop = Shop()
    key, (ticket,) = shop.order()
    edge = shop.edges["turning"]
    start = edge.say(Work, BEGIN, action=Action.START, ticket=ticket, operation=10, station="nc-1")
    for body in (
        b"\xff\xfe",
        b"[" * 20_000,
        start.body.replace(b'"work"', b'"dance"'),
        start.body.replace(b'"v":1', b'"v":2'),
        start.body.replace(b'"station"', b'"firm":"plating","station"'),
        shop.office.lines[0].body,
    ):
        edge.lines.append(Line(edge.name, edge.epoch, len(edge.lines) + 1, start.event, body, BEGIN))
    commit(house.writer, shop.lines)
    house.project()
    assert house.state.verdict_counts() == {
        "no_event": 2,
        "unknown_kind": 1,
        "unknown_version": 1,
        "wrong_firm": 1,
        "wrong_author": 1,
    }
    sentences = {one.reason: one.sentence for one in house.state.verdicts()}
    assert sentences["wrong_firm"] == "turning/pi-1 speaks for plating: an edge speaks only for its own firm"
    assert sentences["wrong_author"] == "turning/pi-1 may not send order: it counts for nothing"
    kept = house.state.order(key)
    assert kept
    assert kept.state.rows == 2


def test_a_machines_count_is_a_fact_and_folds_no_order_again(house: House) -> None:
    shop = Shop()
    key, (ticket,) = shop.order()
    edge = shop.edges["turning"]
    start = edge.say(Work, BEGIN, action=Action.START, ticket=ticket, operation=10, station="nc-1")
    with house.projector() as (projector, _):
        commit(house.writer, shop.lines)
        finish(projector)
        before = house.state.order(key)
        count = edge.say(CountReading, BEGIN, station="nc-1", signal="cycle", total=7, start=start.ref)
        commit(house.writer, [count])
        finish(projector)
        assert house.state.order(key) == before
        assert [point.void for point in house.state.points(0, 1000) if point.measurement == "count"] == [False]
        commit(house.writer, [edge.say(Correction, BEGIN, voids=count.ref, why="undo")])
        finish(projector)
        assert house.state.order(key) == before
        assert [point.void for point in house.state.points(0, 1000) if point.measurement == "count"] == [True]


def test_corrections_of_each_other_that_nobody_may_make_hold_nothing_up(house: House) -> None:
    shop = Shop()
    one, other = shop.edges["turning"], shop.edges["grinding"]
    key, _ = shop.order()
    issued = shop.office.lines[-1]
    first = one.say(Correction, BEGIN, voids=Ref(author=other.name, epoch=other.epoch, seq=1), why="undo")
    other.say(Correction, BEGIN, voids=first.ref, why="undo")
    one.say(Correction, BEGIN, voids=issued.ref, why="undo")
    commit(house.writer, shop.lines)
    house.project()
    assert [kept.key for kept in house.state.orders()] == [key]
    assert house.state.find("4471") == [key]


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Rules with a bug: they raise on the orders listed here."""
    poisoned: list[str] = []
    real = fold_rows

    def fold(key: str, events: list[Stamped]) -> OrderState:
        if key in poisoned:
            raise ZeroDivisionError("a bug in the rules")
        return real(key, events)

    monkeypatch.setattr(folding, "fold", fold)
    return poisoned


def test_an_order_on_which_the_rules_fail_is_parked_and_every_other_goes_on(house: House, poison: list[str]) -> None:
    shop = Shop()
    bad, (bad_ticket,) = shop.order()
    good, (good_ticket,) = shop.order()
    with house.projector() as (projector, _):
        commit(house.writer, shop.lines)
        finish(projector)
        before = house.state.order(bad)
        poison.append(bad)
        shop.session(bad_ticket, 10, "turning", BEGIN + timedelta(hours=1))
        shop.session(good_ticket, 10, "turning", BEGIN + timedelta(hours=1))
        with structlog.testing.capture_logs() as logged:
            commit(house.writer, shop.edges["turning"].lines)
            finish(projector)
    parked, other = house.state.order(bad), house.state.order(good)
    assert before
    assert parked
    assert other
    assert "ZeroDivisionError: a bug in the rules" in (parked.parked or "")
    assert parked.state == before.state
    assert other.parked is None
    assert other.state.operations[0].sessions
    assert {'"current":false' in (seen.payload or "") for seen in house.state.seen(0, 100) if seen.order == bad} == {
        True
    }
    assert [line["order"] for line in logged if line["log_level"] == "error"] == [bad]
    poison.clear()
    house.project()  # the next start tries it again
    healed = house.state.order(bad)
    assert healed
    assert healed.parked is None
    assert healed.state.operations[0].sessions
    assert {'"current":true' in (seen.payload or "") for seen in house.state.seen(0, 100) if seen.order == bad} == {
        True
    }


def test_a_first_fold_that_fails_still_shows_the_order_as_parked(house: House, poison: list[str]) -> None:
    shop = Shop()
    key, _ = shop.order()
    poison.append(key)
    commit(house.writer, shop.lines)
    house.project()
    kept = house.state.order(key)
    assert kept
    assert kept.parked
    assert house_is_current(house, 1)


def test_live_orders_are_folded_before_those_that_catch_up(house: House) -> None:
    shop = Shop()
    for _ in range(300):  # more than one turn folds, less than it takes in at once
        shop.order()
    now = BEGIN + timedelta(days=60)
    key, _ = shop.order(at=now)
    commit(house.writer, shop.lines, at=now)
    with house.projector(now) as (projector, _):
        assert projector.turn()
        assert house.state.order(key)
        assert house.state.marked() > 0
        finish(projector)
    assert house_is_current(house, 301)


def test_a_state_that_is_deleted_or_damaged_is_made_again_with_higher_revisions(either: House) -> None:
    house = either
    shop = a_shop(1, orders=2)
    commit(house.writer, shop.lines)
    with house.projector() as (projector, state):
        finish(projector)
        before, revision = picture(house.state), house.state.revision()
        assert rebuild(house.settings)
        assert house.state.orders() == []
        until(lambda: not state.present(), what="it to be noticed")
        projector.begin()
        finish(projector)
        assert picture(house.state) == before
        assert house.state.revision() > revision
    if house.state_url.startswith("sqlite"):
        (house.directory / "state.sqlite").write_bytes(b"no database" * 1000)
    else:
        with psycopg.connect(house.state_url.replace("+psycopg", "")) as connection:
            connection.execute("DROP TABLE state.homes, state.meta")
    house.project()
    assert picture(house.state) == before


class Vanishing(File):
    """A state's file that somebody deletes in the very moment in which it is looked at."""

    def identity(self) -> object:
        self.delete()
        return super().identity()


def test_a_state_that_is_deleted_while_it_is_being_opened_is_noticed_all_the_same(house: House) -> None:
    with house.projector() as (projector, state):
        place = state._place
        state._place = Vanishing(house.state_url)
        state.reopen()
        state._place = place
        assert not state.present()
        projector.begin()
        assert state.present()
        finish(projector)
        assert house.state.value("ledger") == house.writer.ledger_id


def test_a_state_made_from_another_ledger_is_made_again(either: House, url: str) -> None:
    house = either
    shop = a_shop(1, orders=1)
    commit(house.writer, shop.lines)
    house.project()
    house.writer.close()
    store.at(house.ledger_url, "ledger").delete()
    other = House(house.directory, url)
    commit(other.writer, shop.lines[:1])
    other.project()
    assert len(other.state.orders()) == 1
    assert other.state.cursor() == 1
    other.close()


def settings_file(house: House, tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'data_dir = "{house.directory}"\nledger_url = "{house.ledger_url}"\nstate_url = "{house.state_url}"\n'
        "[mqtt]\nport = 1\n"
    )
    return path


def start(settings: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "gateway.projector", "--settings", str(settings)])


@pytest.mark.slow
def test_kill_9_in_the_middle_of_turns_and_a_deleted_state_end_in_the_same_state(tmp_path: Path, url: str) -> None:
    shop = a_shop(5, orders=40)
    expected = House(tmp_path / "expected")
    commit(expected.writer, shop.lines)
    expected.project()
    house = House(tmp_path / "data", url)
    commit(house.writer, shop.lines)
    settings, chance = settings_file(house, tmp_path), random.Random(3)
    for orders in (1, 12, 25) if house.state_url.startswith("sqlite") else (12,):
        process = start(settings)
        until(lambda orders=orders: len(house.state.orders()) >= orders, seconds=20)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.1))  # anywhere in a turn
        process.kill()
        process.wait(10)
    process = start(settings)
    try:
        until(lambda: house.state.cursor() > 100, seconds=20)
        rebuild(house.settings)
        until(lambda: house_is_current(house, len(shop.lines)), seconds=30)
        assert picture(house.state) == picture(expected.state)
        key, _ = shop.order()
        commit(house.writer, shop.office.lines[-1:])
        until(lambda: house.state.order(key))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        house.close()
        expected.close()


@pytest.mark.slow
def test_a_state_that_is_deleted_again_and_again_while_it_is_made_ends_no_process(tmp_path: Path, url: str) -> None:
    shop = a_shop(5, orders=4)
    house = House(tmp_path / "data", url)
    commit(house.writer, shop.lines)
    process = start(settings_file(house, tmp_path))
    try:
        until(lambda: house_is_current(house, len(shop.lines)), seconds=30)
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            with contextlib.suppress(store.StoreAwayError):
                rebuild(house.settings)
        assert process.poll() is None
        until(lambda: house_is_current(house, len(shop.lines)), seconds=30)
    finally:
        process.kill()
        house.close()


@pytest.mark.slow
def test_a_second_projector_is_refused(house: House, tmp_path: Path) -> None:
    with house.projector():
        process = subprocess.run(
            [sys.executable, "-m", "gateway.projector", "--settings", str(settings_file(house, tmp_path))],
            capture_output=True,
            timeout=20,
            check=False,
        )
    assert process.returncode == 1
    assert b"another process is writing" in process.stderr
