"""What was printed is remembered on each ticket, and moves nothing else."""

from dataclasses import replace

from broker.events import Paper
from gateway.resolve import Rejected, anchors, judge
from tests.rules.floor import Floor, T, at, row


def test_every_printing_stands_on_its_ticket_with_who_and_when():
    floor = Floor()
    floor.printing(5)
    floor.printing(9, paper=Paper.LABEL)
    (ticket,) = floor.state.tickets
    assert [(one.paper, one.at, one.by) for one in ticket.prints] == [("a4", at(5), "sato"), ("label", at(9), "sato")]


def test_a_paper_more_moves_no_order():
    floor = Floor()
    floor.job("a", 10, 1, 2, good=50)
    before = floor.state
    floor.printing(60)
    after = floor.state
    assert replace(after, tickets=before.tickets, rows=before.rows) == before


def test_a_printing_of_a_ticket_that_is_another_orders_is_not_counted_here():
    floor = Floor()
    floor.printing(5, "8M2C4X")
    assert [ticket.prints for ticket in floor.state.tickets] == [()]


def test_an_edge_cannot_say_that_something_was_printed():
    floor = Floor()
    floor.printing(5, who="a")
    (ticket,) = floor.state.tickets
    assert ticket.prints == ()
    stamped = floor.rows[-1]
    assert isinstance(judge(row(stamped.event, "a/e1", 1)), Rejected)
    assert anchors(stamped.event) == (f"t:{T}",)
