"""The office's word on an order that exists: what it changes, what of it the history says, who learns of it."""

from datetime import date

from broker.events import IssuedTicket, OrderAction, OrderPart
from gateway.rules.order import Edit, State
from gateway.rules.sharing import view, view_sentence
from tests.rules.floor import Floor, T, at, steps


def test_the_history_says_who_changed_what_when_and_why() -> None:
    floor = Floor("10:a", part="shaft", due=date(2026, 12, 1), revision="A")
    new = OrderPart(due=date(2026, 12, 8), revision="B", part="shaft")
    floor.order(10, OrderAction.CHANGED, part=new, by="Sato", why="the customer called")
    created, changed = floor.state.history
    assert (created.action, created.edits) == ("created", ())
    assert (changed.at, changed.action, changed.by, changed.why) == (at(10), "changed", "Sato", "the customer called")
    assert changed.edits == (Edit("revision", "A", "B"), Edit("due", "2026-12-01", "2026-12-08"))


def test_the_history_never_repeats_the_customer_or_the_amount() -> None:
    floor = Floor("10:a", customer="Secret Ltd", amount=987_654)
    new = OrderPart(customer="Other Ltd", customer_number="PO-1", amount=1)
    floor.order(10, OrderAction.CHANGED, part=new)
    assert floor.state.history[-1].edits == tuple(
        Edit(name, None, None) for name in ("customer_number", "customer", "amount")
    )


def test_a_field_can_be_cleared() -> None:
    floor = Floor("10:a", part="shaft", due=date(2026, 12, 1))
    floor.order(10, OrderAction.CHANGED, cleared=("due",))
    assert floor.state.due is None
    assert floor.state.history[-1].edits == (Edit("due", "2026-12-01", None),)
    floor.order(20, OrderAction.CHANGED, part=OrderPart(due=date(2026, 12, 2)))
    assert floor.state.due == date(2026, 12, 2)


def test_a_reroute_says_which_step_went_where_and_which_papers_are_new() -> None:
    floor = Floor("10:a 20:b")
    issued = (IssuedTicket(id="BBBBBB", quantity=50, issue=2, replaces=T),)
    routed = floor.order(10, OrderAction.REROUTED, routing=steps("10:a 20:c"), version=2, tickets=issued)
    change = floor.state.history[-1]
    assert change.edits == (Edit("firm", "b", "c", 20), Edit("ticket", T, "BBBBBB"))
    assert floor.state.routed == (routed.author, routed.epoch, routed.seq)


def test_a_hold_is_a_mark_and_perhaps_a_number_and_a_release_takes_both_away() -> None:
    floor = Floor()
    floor.order(10, OrderAction.HELD, pieces=5)
    assert (floor.state.held, floor.state.held_pieces, floor.state.state) == (True, 5, State.READY)
    assert floor.state.history[-1].edits == (Edit("on_hold", None, "5"),)
    floor.order(20, OrderAction.RELEASED)
    assert (floor.state.held, floor.state.held_pieces) == (False, None)


def test_a_cancellation_by_mistake_is_taken_back_and_nothing_was_lost() -> None:
    floor = Floor("10:a")
    floor.order(10, OrderAction.CANCELLED)
    floor.job("a", 10, 20, 30, good=50)
    assert floor.state.state is State.CANCELLED
    floor.order(40, OrderAction.RELEASED)
    assert floor.state.state is State.DONE
    assert floor.flags() == []


def test_an_adopted_ticket_brings_its_pieces_and_stands_in_the_history() -> None:
    floor = Floor()
    floor.adopt(10, "AAAAAA", quantity=7, by="Sato", why="walk-in")
    assert [(one.id, one.quantity) for one in floor.state.tickets] == [(T, 50), ("AAAAAA", 7)]
    change = floor.state.history[-1]
    assert (change.action, change.by, change.why) == ("adopted", "Sato", "walk-in")
    assert change.edits == (Edit("ticket", None, "AAAAAA"), Edit("pieces", None, "7"))


def test_a_firm_that_lost_its_step_learns_that_its_papers_are_old_and_nothing_else() -> None:
    floor = Floor("10:a 20:b", part="shaft", drawing="D-1")
    floor.order(
        10,
        OrderAction.REROUTED,
        routing=steps("10:a 20:c"),
        version=2,
        tickets=(IssuedTicket(id="BBBBBB", quantity=50, issue=2, replaces=T),),
    )
    assert floor.state.former == ("b",)
    seen = view(floor.state, "b")
    assert seen is not None
    told = seen.model_dump(exclude_none=True, exclude_defaults=True)
    assert set(told) == {"order", "number", "level", "state", "tickets"}
    assert [(one.id, one.old, one.quantity) for one in seen.tickets] == [(T, True, None)]
    assert "only learns that its papers are old" in view_sentence(floor.state, "b").en


def test_a_firm_that_worked_on_a_step_left_out_stays_in_the_picture() -> None:
    floor = Floor("10:a 20:b")
    floor.start("b", 20, 5)
    floor.order(10, OrderAction.REROUTED, routing=steps("10:a"), version=2)
    assert floor.state.former == ()
    seen = view(floor.state, "b")
    assert seen is not None
    assert [(one.no, one.mine, one.stage) for one in seen.operations] == [
        (10, False, "to_come"),
        (20, True, "cancelled"),
    ]


def test_a_new_paper_of_a_part_that_was_split_off_by_scan_is_still_that_part() -> None:
    floor = Floor("10:a 20:b", quantity=50)
    floor.job("a", 10, 0, 30, good=50)
    floor.split("a", 40, "CCCCCC", 20)
    floor.start("b", 20, 50, ticket="CCCCCC")
    before = floor.state
    again = (
        IssuedTicket(id="BBBBBB", branch=1, quantity=30, issue=2, replaces=T),
        IssuedTicket(id="DDDDDD", branch=2, quantity=20, issue=2, replaces="CCCCCC"),
    )
    floor.order(60, OrderAction.CHANGED, part=OrderPart(revision="B"), tickets=again)
    state = floor.state
    assert [(one.id, one.branch, one.quantity, one.old, one.parent) for one in state.tickets] == [
        (T, 1, 30, True, None),
        ("BBBBBB", 1, 30, False, None),
        ("CCCCCC", 2, 20, True, T),
        ("DDDDDD", 2, 20, False, T),
    ]
    assert [one.state for one in state.operations] == [one.state for one in before.operations]
    assert floor.states()[10] is State.DONE
