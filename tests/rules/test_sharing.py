"""What one firm may see of an order."""

from datetime import date
from typing import Any

import pytest

from broker.events import Level
from broker.messages import OperationView, OrderView
from gateway.rules.sharing import LEVELS, amount, view, view_sentence
from tests.rules.floor import Floor, at


def under_way(**fields: Any) -> Floor:
    """Turning at a is done and shipped, grinding at b pauses, plating at c is to come; k answers for it."""
    floor = Floor("10:a 20:b 30:c", coordinator="k", customer="Customer", drawing="D-1", part="shaft", **fields)
    floor.job("a", 10, 0, 30, good=47, scrap=3)
    floor.promise(1, 30, asked=date(2026, 12, 1), answered=date(2026, 12, 2))
    floor.ship("a", 40)
    floor.receive("b", 60)
    began = floor.start("b", 20, 70, badge="sato")
    floor.pause("b", 20, 80, closes=began, reason="MACHINE")
    return floor


def seen(floor: Floor, viewer: str) -> OrderView:
    found = view(floor.state, viewer)
    assert found is not None
    return found


def operation(floor: Floor, viewer: str, no: int) -> OperationView:
    return next(one for one in seen(floor, viewer).operations if one.no == no)


def told(one: OperationView) -> set[str]:
    """Which fields a view of an operation holds."""
    return set(one.model_dump(exclude_none=True)) - {"no", "name", "firm", "mine", "stage"}


def test_a_firm_off_the_routing_sees_nothing() -> None:
    assert view(under_way().state, "z") is None


def test_a_firm_sees_its_own_operations_whole() -> None:
    one = operation(under_way(), "a", 10)
    assert one.mine
    assert (one.state, one.percent, one.station, one.remaining) == ("done", 100, "m1", 0)
    assert (one.good and one.good.n, one.scrap and one.scrap.n) == (47, 3)


@pytest.mark.parametrize(
    ("good", "received", "quality"),
    [(47, 47, "counted"), (None, 47, "counted"), (47, None, "assumed")],
    ids=["all counted", "arrival counted", "arrival not counted"],
)
def test_what_remains_is_as_good_as_the_worst_number_it_rests_on(
    good: int | None, received: int | None, quality: str
) -> None:
    floor = Floor("10:a 20:b")
    floor.job("a", 10, 0, 30, good=good)
    floor.ship("a", 40)
    floor.receive("b", 60, received)
    assert operation(floor, "b", 20).remaining_q == quality


def test_what_remains_where_nobody_scanned_the_arrival_is_assumed() -> None:
    floor = Floor("10:a 20:b")
    floor.job("a", 10, 0, 30, good=47)
    floor.start("b", 20, 70)
    assert operation(floor, "b", 20).remaining_q == "assumed"


def test_what_remains_within_a_firm_is_as_good_as_the_count_before() -> None:
    for good, quality in ((47, "counted"), (None, "assumed")):
        floor = Floor("10:a 20:a")
        floor.job("a", 10, 0, 30, good=good)
        assert operation(floor, "a", 20).remaining_q == quality


def test_by_default_firms_on_one_routing_see_stages_and_dates_of_each_other_and_nothing_else() -> None:
    floor = under_way()
    assert [(one.no, one.stage) for one in seen(floor, "c").operations] == [
        (10, "done"),
        (20, "under_way"),
        (30, "to_come"),
    ]
    assert told(operation(floor, "c", 10)) == {"shipped_at"}
    assert told(operation(floor, "c", 20)) == {"received_at"}
    assert told(operation(floor, "a", 30)) == {"due", "promised"}


def test_a_pause_of_another_firm_leaves_no_trace_in_the_default_view() -> None:
    floor = under_way()
    pause = floor.rows.pop()
    before = seen(floor, "a"), seen(floor, "c")
    floor.rows.append(pause)
    assert (seen(floor, "a"), seen(floor, "c")) == before


def test_the_coordinator_sees_starts_finishes_and_counts_besides_but_no_scrap_and_no_pause() -> None:
    floor = under_way()
    assert told(operation(floor, "k", 10)) == {"shipped_at", "started_at", "finished_at", "good"}
    assert operation(floor, "k", 20).started_at == at(70)
    assert "state" not in told(operation(floor, "k", 20))


def test_own_is_the_firms_own_operations_only() -> None:
    floor = under_way()
    floor.grant(90, "b", Level.OWN)
    assert [one.no for one in seen(floor, "b").operations] == [20]


def test_progress_adds_states_and_percentages() -> None:
    floor = under_way()
    floor.grant(90, "c", Level.PROGRESS)
    assert told(operation(floor, "c", 20)) == {"received_at", "state", "percent"}
    assert (operation(floor, "c", 20).state, seen(floor, "c").state) == ("paused", "paused")


def test_full_is_everything_scrap_and_machines_too() -> None:
    floor = under_way()
    floor.grant(90, "z", Level.FULL)
    assert {"scrap", "hold", "station", "good", "remaining", "started_at"} <= told(operation(floor, "z", 10))
    assert seen(floor, "z").drawing == "D-1"


def test_a_grant_to_a_firm_off_the_routing_shows_dates_but_neither_drawing_nor_tickets() -> None:
    floor = under_way()
    floor.grant(90, "z", Level.DATES)
    found = seen(floor, "z")
    assert (found.drawing, found.quantity, found.tickets) == (None, None, ())
    assert (found.part, found.number, len(found.operations)) == ("shaft", "4471", 3)


@pytest.mark.parametrize("level", list(Level))
def test_never_customer_or_people_at_any_level(level: Level) -> None:
    floor = under_way()
    for viewer in ("a", "c", "k", "z"):
        floor.grant(90, viewer, level)
        text = seen(floor, viewer).encode().decode()
        assert "Customer" not in text
        assert "sato" not in text


@pytest.mark.parametrize("level", list(Level))
def test_what_the_customer_pays_is_in_no_view_and_only_the_coordinator_is_told_it(level: Level) -> None:
    floor = under_way(amount=987_654_321)
    for viewer in ("a", "b", "c", "k", "z"):
        floor.grant(90, viewer, level)
        assert "987654321" not in seen(floor, viewer).encode().decode()
    assert {viewer: amount(floor.state, viewer) for viewer in ("a", "b", "c", "z")} == dict.fromkeys("abcz")
    assert amount(floor.state, "k") == 987_654_321


def test_where_an_order_came_from_and_what_it_is_a_part_of_are_kept_and_in_no_view() -> None:
    floor = under_way(origin="telephone call", parent="order-0")
    assert (floor.state.origin, floor.state.parent) == ("telephone call", "order-0")
    floor.grant(90, "z", Level.FULL)
    text = seen(floor, "z").encode().decode()
    assert "telephone call" not in text
    assert "order-0" not in text


def test_an_assumed_number_travels_as_assumed() -> None:
    floor = Floor("10:a")
    floor.job("a", 10, 0, 30)
    good = operation(floor, "a", 10).good
    assert good is not None
    assert (good.n, good.q) == (50, "assumed")


def test_below_progress_the_order_is_to_come_under_way_or_done() -> None:
    floor = Floor("10:a 20:b")
    assert seen(floor, "b").state == "to_come"
    floor.job("a", 10, 0, 30, good=50)
    assert seen(floor, "b").state == "under_way"
    floor.job("b", 20, 40, 50, good=50)
    assert seen(floor, "a").state == "done"


def test_a_view_that_may_be_old_says_so() -> None:
    found = view(under_way().state, "a", current=False)
    assert found is not None
    assert not found.current


def test_tickets_travel_so_that_edges_can_resolve_them() -> None:
    assert [(ticket.id, ticket.branch) for ticket in seen(under_way(), "b").tickets] == [("7K3Q9F", 1)]


def test_what_a_firm_sees_is_one_sentence_in_both_languages() -> None:
    floor = under_way()
    assert view_sentence(floor.state, "z").en == (
        "This firm sees nothing of this order. To show it something, the coordinator grants a level."
    )
    assert view_sentence(floor.state, "b").ja == (
        "自社の工程はすべて見えます。他社の工程は、済・進行中・これからの別と、納期・受入・出荷の日時だけが見えます。"
        "待ち・中断・設備・時間・不良・人は見えません。"
    )
    assert view_sentence(floor.state, "k").en.endswith("how many good pieces they counted.")
    floor.grant(90, "z", Level.PROGRESS)
    assert view_sentence(floor.state, "z").en == (
        "Of other firms' operations it sees dates, states and percentages; no machines, hours, scrap or people. "
        "This ends when the order ships."
    )
    floor.grant(91, "z", Level.OWN)
    assert view_sentence(floor.state, "z").en.startswith("It sees no operation of another firm.")
    floor.grant(92, "z", Level.FULL)
    assert "見えます" in view_sentence(floor.state, "z").ja


def test_every_level_has_its_name() -> None:
    assert set(LEVELS) == set(Level)
