"""States of operations and orders, flags, and when an order is delivered."""

from datetime import date

import pytest

from broker.events import IssuedTicket, Level, OrderAction, OrderPart, Step
from gateway.rules.fold import fold
from gateway.rules.order import Amount, State
from tests.rules.floor import KEY, Floor, T, at, steps


def test_the_first_state_that_holds_is_the_state() -> None:
    floor = Floor("10:a 20:a")
    assert floor.states() == {10: State.READY, 20: State.WAITING}
    began = floor.setup("a", 10, 10)
    assert floor.states()[10] is State.SETUP
    floor.start("a", 10, 20, station="m2")
    assert floor.states()[10] is State.RUNNING
    floor.pause("a", 10, 30, station="m2")
    assert floor.states()[10] is State.SETUP
    floor.pause("a", 10, 40, closes=began)
    assert floor.states()[10] is State.PAUSED
    floor.finish("a", 10, 50, closes=began, good=25)
    assert floor.states()[10] is State.PAUSED
    floor.finish("a", 10, 60, station="m2", good=25)
    assert floor.states() == {10: State.DONE, 20: State.READY}


def test_a_state_knows_since_when() -> None:
    floor = Floor("10:a 20:a")
    assert [operation.state_since for operation in floor.state.operations] == [at(0), at(0)]
    began = floor.start("a", 10, 10)
    assert floor.op(10).state_since == at(10)
    floor.pause("a", 10, 20, closes=began)
    assert floor.op(10).state_since == at(20)
    floor.finish("a", 10, 30, closes=began, good=50)
    assert [operation.state_since for operation in floor.state.operations] == [at(30), at(30)]


def test_the_station_is_where_the_work_is_or_was_or_should_be() -> None:
    floor = Floor("")
    floor.order(0, OrderAction.CREATED, routing=(Step(no=10, name="turn", firm="a", station="lathe"),))
    assert floor.op(10).station == "lathe"
    floor.job("a", 10, 10, 20, station="m1")
    assert floor.op(10).station == "m1"


def test_an_order_is_where_its_furthest_going_operation_is() -> None:
    floor = Floor("10:a 20:b")
    states = [floor.state.state]
    began = floor.start("a", 10, 10)
    states.append(floor.state.state)
    floor.finish("a", 10, 20, closes=began, good=50)
    states.append(floor.state.state)
    floor.ship("a", 30)
    states.append(floor.state.state)
    floor.job("b", 20, 40, 50)
    states.append(floor.state.state)
    assert states == [State.READY, State.RUNNING, State.WAITING, State.IN_TRANSIT, State.DONE]


def test_delivered_is_when_the_last_operation_was_done() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, good=50)
    assert floor.state.delivered_at is None
    floor.job("a", 20, 40, 60, good=50)
    assert floor.state.delivered_at == at(60)


def test_and_shipped_if_another_firm_answers_for_the_order() -> None:
    floor = Floor("10:a", coordinator="k")
    floor.job("a", 10, 0, 30, good=50)
    assert (floor.state.delivered_at, floor.state.state) == (None, State.DONE)
    floor.ship("a", 90)
    assert floor.state.delivered_at == at(90)


def test_the_coordinators_own_last_operation_needs_no_ship() -> None:
    floor = Floor("10:a", coordinator="a")
    floor.job("a", 10, 0, 30, good=50)
    assert floor.state.delivered_at == at(30)


def test_part_of_the_last_operation_delivers_nothing() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.job("a", 20, 20, 30, station="m2", good=20)
    assert floor.state.delivered_at is None


def test_a_held_order_is_a_mark_and_not_a_state_and_ends_when_it_is_voided() -> None:
    floor = Floor()
    held = floor.order(10, OrderAction.HELD, why="drawing")
    assert (floor.state.held, floor.state.state) == (True, State.READY)
    floor.void("gateway", 20, held)
    assert not floor.state.held


def test_a_held_order_is_released_and_may_be_held_again() -> None:
    floor = Floor()
    floor.order(10, OrderAction.HELD, why="drawing")
    floor.order(20, OrderAction.RELEASED)
    assert not floor.state.held
    floor.order(30, OrderAction.HELD, why="material")
    assert floor.state.held
    floor.order(40, OrderAction.RELEASED, as_of=at(15))
    assert floor.state.held, "a release said to be from before the last hold ends only the one before"


def test_a_cancelled_order_keeps_what_was_done_and_flags_what_is_begun_after() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, good=50)
    floor.order(40, OrderAction.CANCELLED)
    assert (floor.state.state, floor.states()) == (State.CANCELLED, {10: State.DONE, 20: State.CANCELLED})
    assert floor.op(20).state_since == at(40)
    floor.start("a", 20, 50)
    assert floor.flags() == [("cancelled_work", 20)]
    assert len(floor.op(20).sessions) == 1


def test_a_change_states_only_what_changed() -> None:
    floor = Floor(part="shaft", due=date(2026, 12, 1))
    floor.order(10, OrderAction.CHANGED, part=OrderPart(due=date(2026, 12, 8)))
    state = floor.state
    assert (state.part, state.due, state.number, state.quantity) == ("shaft", date(2026, 12, 8), "4471", 50)


def test_an_operation_that_a_newer_routing_leaves_out_stays_if_somebody_worked_on_it() -> None:
    floor = Floor("10:a 20:a 30:b")
    floor.job("a", 20, 0, 30, good=50)
    floor.order(60, OrderAction.REROUTED, routing=steps("10:a 30:b"), version=2)
    state = floor.state
    assert state.version == 2
    assert floor.states() == {10: State.READY, 20: State.CANCELLED, 30: State.WAITING}
    assert floor.op(20).good == Amount(counted=50)
    assert [(link.source, link.target) for link in state.links] == [(10, 30)]


def test_one_nobody_touched_goes() -> None:
    floor = Floor("10:a 20:a")
    floor.order(60, OrderAction.REROUTED, routing=steps("10:a"), version=2)
    assert list(floor.states()) == [10]


def test_a_new_issue_makes_the_old_ticket_old_and_work_on_it_is_flagged() -> None:
    floor = Floor()
    floor.start("a", 10, 10)
    floor.order(20, OrderAction.CHANGED, tickets=(IssuedTicket(id="BBBBBB", quantity=50, issue=2, replaces=T),))
    assert floor.flags() == []
    assert [(ticket.id, ticket.old, ticket.issue) for ticket in floor.state.tickets] == [
        (T, True, 1),
        ("BBBBBB", False, 2),
    ]
    floor.finish("a", 10, 30, good=50)
    assert floor.flags() == []
    floor.start("a", 10, 40)
    assert floor.flags() == [("old_issue", 10)]


def test_a_split_gives_the_next_branch_and_takes_its_pieces_from_the_lot() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA", 20)
    assert [(ticket.id, ticket.branch, ticket.quantity, ticket.parent) for ticket in floor.state.tickets] == [
        (T, 1, 30, None),
        ("AAAAAA", 2, 20, T),
    ]


def test_a_split_nobody_counted_leaves_both_numbers_open() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA")
    assert [ticket.quantity for ticket in floor.state.tickets] == [50, None]


def test_a_split_nobody_counted_is_for_the_office_to_ask_about_until_somebody_counts() -> None:
    floor = Floor()
    first = floor.split("a", 10, "AAAAAA")
    (flag,) = floor.state.flags
    assert (flag.code, flag.at, flag.detail) == (
        "split_uncounted",
        at(10),
        (("ticket", T), ("child", "AAAAAA")),
    )
    floor.void("a", 11, first)
    assert floor.flags() == [], "the split was taken back"
    floor.split("a", 12, "AAAAAA")
    floor.split("a", 13, "AAAAAA", 20)
    assert floor.flags() == []


def test_a_new_paper_with_a_number_settles_a_split_that_nobody_counted() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA")
    floor.order(20, OrderAction.CHANGED, tickets=(IssuedTicket(id="BBBBBB", branch=2, quantity=20, replaces="AAAAAA"),))
    assert floor.flags() == []


def test_the_number_keyed_after_a_split_counts() -> None:
    floor = Floor()
    first = floor.split("a", 10, "AAAAAA")
    floor.void("a", 11, first)
    floor.split("a", 11, "AAAAAA", 20)
    assert [ticket.quantity for ticket in floor.state.tickets] == [30, 20]


def test_a_split_by_the_office_leaves_the_branches_that_the_floor_gave() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA", 20)
    floor.order(20, OrderAction.SPLIT, tickets=(IssuedTicket(id="BBBBBB", branch=3, quantity=5),))
    assert [(ticket.id, ticket.branch) for ticket in sorted(floor.state.tickets, key=lambda one: one.branch)] == [
        (T, 1),
        ("AAAAAA", 2),
        ("BBBBBB", 3),
    ]


def test_a_blank_that_was_split_off_two_lots_stays_with_the_first_and_is_flagged() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA", 20)
    floor.split("a", 20, "AAAAAA", 10, parent="ZZZZZZ")
    assert [(ticket.id, ticket.quantity) for ticket in floor.state.tickets] == [(T, 30), ("AAAAAA", 20)]
    assert floor.flags() == [("blank_twice", None)]


def test_a_split_with_a_ticket_of_another_order_gives_nothing_away_and_is_flagged() -> None:
    floor = Floor()
    floor.split("a", 10, "AAAAAA", 20)
    state = fold(KEY, floor.rows, frozenset({"AAAAAA"}))
    assert [(ticket.id, ticket.quantity) for ticket in state.tickets] == [(T, 50)]
    assert [flag.code for flag in state.flags] == ["blank_twice"]


def test_two_terminals_that_split_more_than_there_is_are_both_kept_and_flagged() -> None:
    floor = Floor()
    floor.split("a/e1", 10, "AAAAAA", 30)
    floor.split("a/e2", 10, "BBBBBB", 30)
    assert [ticket.quantity for ticket in floor.state.tickets] == [0, 30, 30]
    (flag,) = floor.state.flags
    assert (flag.code, dict(flag.detail)["over"]) == ("split_over", "10")


def test_what_is_split_off_an_old_paper_is_taken_from_the_one_in_force_and_flagged() -> None:
    floor = Floor()
    floor.order(10, OrderAction.CHANGED, tickets=(IssuedTicket(id="NNNNNN", quantity=50, issue=2, replaces=T),))
    floor.split("a", 20, "AAAAAA", 4)
    assert {ticket.id: ticket.quantity for ticket in floor.state.tickets if not ticket.old} == {
        "NNNNNN": 46,
        "AAAAAA": 4,
    }
    assert floor.flags() == [("old_issue", None)]


def test_a_firm_that_is_not_on_the_order_splits_nothing_and_is_flagged() -> None:
    floor = Floor("10:a 20:b")
    floor.split("x", 10, "XXXXXX", 50)
    floor.split("x", 10, "XXXXXX", 50, parent="YYYYYY")
    assert [(ticket.id, ticket.quantity) for ticket in floor.state.tickets] == [(T, 50)]
    assert floor.flags() == [("not_allowed", None)]


@pytest.mark.parametrize("firm", ["b", "gateway", "c"])
def test_every_firm_of_the_routing_the_gateway_and_the_coordinator_may_split(firm: str) -> None:
    floor = Floor("10:a 20:b", coordinator="c")
    floor.split(firm, 10, "AAAAAA", 20)
    assert [(ticket.id, ticket.quantity) for ticket in floor.state.tickets] == [(T, 30), ("AAAAAA", 20)]
    assert floor.flags() == []


def test_without_a_routing_whoever_works_on_a_lot_may_split_it() -> None:
    floor = Floor("")
    floor.split("x", 5, "XXXXXX", 20)
    floor.start("a", None, 10)
    floor.split("a", 20, "AAAAAA", 20)
    assert {ticket.id for ticket in floor.state.tickets} == {T, "AAAAAA"}
    assert ("not_allowed", None) in floor.flags()


def test_an_unknown_ticket_is_its_own_order_with_one_operation_a_firm() -> None:
    floor = Floor("")
    floor.start("a", None, 10)
    floor.finish("a", None, 20)
    floor.start("b", None, 30)
    state = floor.state
    assert (state.known, state.number, state.released_at) == (False, None, at(10))
    assert [(operation.no, operation.firm) for operation in state.operations] == [(10, "a"), (20, "b")]
    assert floor.states() == {10: State.DONE, 20: State.RUNNING}
    assert ("unknown_number", None) in floor.flags()


def test_adopted_it_becomes_work_of_the_order() -> None:
    floor = Floor("10:a", created=60)
    floor.start("a", None, 10, ticket="CCCCCC")
    floor.adopt(70, "CCCCCC")
    state = floor.state
    assert state.known
    assert floor.states() == {10: State.RUNNING}
    assert [ticket.id for ticket in state.tickets] == [T, "CCCCCC"]
    assert floor.flags() == []


def test_work_that_came_before_its_order_was_created_uses_the_routing_and_releases_the_order() -> None:
    floor = Floor("10:a 20:b", created=1000)
    floor.job("b", 20, 10, 40, good=5)
    assert floor.state.released_at == at(10)
    assert floor.op(20).good.counted == 5


def test_a_created_order_without_a_routing_has_one_operation_a_firm() -> None:
    floor = Floor("")
    floor.order(0, OrderAction.CREATED, tickets=(IssuedTicket(id=T, quantity=5),))
    floor.start("a", None, 10)
    assert (floor.state.known, floor.states()) == (True, {10: State.RUNNING})


def test_no_rows_are_an_empty_order() -> None:
    state = fold(KEY, [])
    assert (state.known, state.operations, state.flags, state.rows) == (False, (), (), 0)


def test_promises_are_asked_and_answered() -> None:
    floor = Floor()
    floor.promise(1, 10, asked=date(2026, 12, 1))
    floor.promise(2, 10, answered=date(2026, 12, 3))
    assert (floor.op(10).due, floor.op(10).promised) == (date(2026, 12, 1), date(2026, 12, 3))


def test_a_settled_flag_stays_with_the_decision_and_a_new_occasion_asks_again() -> None:
    floor = Floor("10:a 20:b")
    floor.start("a", 20, 10)
    floor.settle(30, "other_firms_operation", 20, decision="discard")
    assert floor.flags() == []
    assert [flag.settled for flag in floor.state.flags] == ["discard"]
    floor.start("a", 20, 40)
    assert floor.flags() == [("other_firms_operation", 20)]


def test_a_read_that_nobody_could_place_is_shown_to_a_person() -> None:
    floor = Floor()
    floor.scan("a", 10, "two_open", ticket=T, operation=10)
    floor.scan("a", 11, "already_started", ticket=T, operation=10)
    assert floor.flags() == [("two_open", 10)]


def test_grants_are_in_force_from_their_stamp_never_from_a_stated_time() -> None:
    floor = Floor()
    floor.grant(10, "z", Level.FULL)
    floor.grant(20, "z", None, as_of=at(5))
    assert floor.state.grants == ()


def test_a_grant_ends_when_the_order_is_delivered() -> None:
    floor = Floor("10:a")
    floor.grant(10, "z", Level.PROGRESS)
    before = floor.state.grants
    floor.job("a", 10, 20, 30, good=50)
    assert (before, floor.state.grants) == ((("z", "progress"),), ())
