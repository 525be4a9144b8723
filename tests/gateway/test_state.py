"""The state on a real disk: migrations, names, facts that keep their revision, reading while it is deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from gateway import store
from gateway.rules.order import OrderState, Ticket
from gateway.rules.order import State as Stage
from gateway.state import Refusal, State, StoreError
from gateway.state.shapes import normal, spellings
from gateway.state.tables import metadata
from gateway.state.writer import WritableState
from tests.gateway.shop import BEGIN


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every chapter holds for a file and for a server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.sqlite'}"
    return str(request.getfixturevalue("postgresql").database())


@pytest.fixture
def state(url: str) -> Iterator[WritableState]:
    with State.open(url, write=True) as opened:
        yield opened


def order(key: str = "k1", number: str | None = "4471") -> OrderState:
    return OrderState(key, True, number, Stage.READY, False, BEGIN, None, BEGIN, tickets=(Ticket("7K3Q9F", 1, 50),))


def test_the_migrations_make_exactly_the_tables(state: WritableState, url: str) -> None:
    with store.at(url, "state").reader().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrations_go_down_to_nothing_and_up_again(url: str) -> None:
    State.open(url, write=True).close()
    engine = store.at(url, "state").writer()
    for to, there in (("base", False), ("head", True)):
        store.migrate(engine, "gateway.state.migrations", to=to)
        assert inspect(engine).has_table("orders") is there
    engine.dispose()


def test_a_state_that_is_not_there_reads_as_empty(url: str) -> None:
    with State.open(url) as reader:
        assert not any([reader.orders(), reader.stations(), reader.verdicts(), reader.find("4471")])
        assert reader.revision() == reader.cursor() == reader.born() == 0
        assert reader.order("k1") is None
        version = reader.data_version()
        with State.open(url, write=True):
            assert reader.data_version() != version
            assert reader.born() > 0


def test_what_is_put_in_comes_out_and_every_change_has_a_higher_revision(state: WritableState, url: str) -> None:
    with State.open(url) as reader:
        version, before = reader.data_version(), reader.revision()
        with state.turn():
            state.products.put_order(order(), 5)
        (kept,) = reader.orders()
        assert (kept.state, kept.position, kept.parked) == (order(), 5, None)
        assert reader.data_version() != version
        assert before < kept.revision <= reader.revision()
        assert reader.changed(kept.revision) == []
        with state.turn():
            state.products.put_order(order(number="4472"), 6)
        assert reader.find("4471") == []
        assert reader.find("4472-20") == reader.find("7k3q9f") == ["k1"]
        with state.turn():
            state.products.drop_order("k1")
        assert not reader.orders()
        assert not reader.find("4472")
        assert reader.revision() > kept.revision


def test_a_turn_that_fails_leaves_nothing(state: WritableState) -> None:
    before = state.revision()

    def fail() -> None:
        with state.turn():
            state.products.put_order(order(), 5)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert state.orders() == []
    assert state.revision() == before
    with state.turn():
        state.products.put_order(order(), 5)
    assert len(state.orders()) == 1


def test_an_unchanged_fact_keeps_its_revision_and_one_no_longer_said_becomes_void(state: WritableState) -> None:
    one, two = ("turning", "order", "[]", 1), ("turning", "order", "[]", 2)
    with state.turn():
        state.products.put_facts("o:1", {one: "{}", two: "{}"})
    first = {point.at_ns: point.revision for point in state.points(0, 10)}
    with state.turn():
        state.products.put_facts("o:1", {one: "{}"})
        state.products.put_facts("o:2", {})
    points = {point.at_ns: point for point in state.points(0, 10)}
    assert points[1].revision == first[1]
    assert points[2].void
    assert points[2].revision > max(first.values())
    assert state.standing("turning", "order") == {("[]", 1)}
    with state.turn():
        state.products.put_facts("o:1", {one: "{}", two: "{}"})
    assert not any(point.void for point in state.points(0, 10))


def test_only_one_process_writes(state: WritableState, url: str) -> None:
    with pytest.raises(StoreError, match="another process is writing"):
        State.open(url, write=True)


def test_what_sinks_note_is_remembered(state: WritableState) -> None:
    refusal = Refusal("influx", "turning", "order x=1 5", "field type conflict", BEGIN)
    with state.turn():
        state.set_cursors({"influx": 5})
        state.add_refusals([refusal])
    with state.turn():
        state.set_cursors({"influx": 7})
    assert state.cursors() == {"influx": 7}
    assert state.refusals() == [refusal]


def test_a_state_made_by_another_version_is_made_anew(url: str) -> None:
    with State.open(url, write=True) as state, state.turn():
        state.products.put_order(order(), 5)
        state.set_value("version", "0.0.1")
    with State.open(url, write=True) as state:
        assert state.orders() == []
        assert state.cursor() == 0


def test_a_reader_follows_from_the_deleted_file_to_the_new_one(state: WritableState, url: str) -> None:
    with State.open(url) as reader:
        with state.turn():
            state.products.put_order(order(), 5)
        revision = reader.revision()
        assert len(reader.orders()) == 1
        assert store.at(url, "state").delete()
        assert not store.at(url, "state").delete()
        assert reader.orders() == []
        state.reopen()
        with state.turn():
            state.products.put_order(order("k2"), 1)
        assert [kept.key for kept in reader.changed(revision)] == ["k2"], "revisions never fall"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4471-20", ["4471-20", "4471"]),
        ("7K3Q9F.20-R", ["7K3Q9F.20-R", "7K3Q9F", "7K3Q9F"]),
        ("https://x/t/7k3q9f.20-r", ["HTTPS://X/T/7K3Q9F.20-R", "7K3Q9F", "HTTPS://X/T/7K3Q9F"]),
        ("AB-100", ["AB-100", "AB"]),
        ("", [""]),
    ],
)
def test_what_a_person_may_have_meant(text: str, expected: list[str]) -> None:
    assert list(spellings(text)) == expected
    assert normal(" ４４７１ ") == "4471"
