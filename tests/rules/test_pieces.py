"""Pieces: counted, assumed, over, short, and what the next operation gets."""

import pytest

from broker.events import IssuedTicket, OrderAction, OrderPart, Quality, Quantity
from gateway.rules.order import Amount, State
from tests.rules.floor import ASSUMED, Floor, T, at


def test_the_first_operation_has_quantity_and_spare_from_the_release() -> None:
    operation = Floor(quantity=50, spare=2).op(10)
    assert (operation.available, operation.remaining, operation.planned) == (52, 52, 52)


def test_an_absent_number_is_what_is_left_and_says_that_nobody_counted() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30)
    operation = floor.op(10)
    assert (operation.good, operation.good.quality) == (Amount(assumed=50), Quality.ASSUMED)
    assert operation.remaining == 0
    assert floor.flags() == []


def test_a_number_keyed_after_the_finish_replaces_the_assumed_one() -> None:
    floor = Floor()
    began = floor.job("a", 10, 0, 30, good=ASSUMED)
    floor.report("a", 10, 30.1, closes=began, good=48)
    assert floor.op(10).good == Amount(counted=48)


def test_nought_counted_is_a_number_too() -> None:
    floor = Floor()
    began = floor.job("a", 10, 0, 30)
    floor.report("a", 10, 31, closes=began, good=0)
    assert floor.op(10).good == Amount()
    assert floor.op(10).remaining == 50


def test_a_number_given_while_the_work_went_on_leaves_the_rest_assumed() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.finish("a", 10, 30, closes=began)
    assert floor.op(10).good == Amount(counted=20, assumed=30)


def test_assumed_numbers_are_filled_after_all_counted_ones() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30)
    floor.job("a", 10, 10, 60, station="m2", good=20)
    first, second = floor.op(10).sessions
    assert (first.good, second.good) == (Amount(assumed=30), Amount(counted=20))
    assert floor.flags() == []


def test_an_assumed_number_is_capped_at_what_remains_and_the_cut_is_flagged() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30)
    floor.job("a", 10, 0, 40, station="m2")
    assert floor.op(10).good == Amount(assumed=50)
    assert floor.flags() == [("assumed_cut", 10)]


def test_counted_pieces_over_the_available_are_kept_and_flagged() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=70)
    operation = floor.op(10)
    assert (operation.good.counted, operation.remaining) == (70, 0)
    assert floor.flags() == [("over_quantity", 10)]


def test_a_machines_number_is_neither_counted_nor_assumed() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=Quantity(n=49, q=Quality.MACHINE))
    assert floor.op(10).good == Amount(machine=49)
    assert floor.op(10).good.quality is Quality.MACHINE


def test_scrap_at_ten_limits_twenty() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, scrap=3)
    assert floor.op(10).good == Amount(assumed=47)
    assert (floor.op(20).available, floor.op(20).planned) == (47, 47)


def test_rework_and_hold_do_not_pass_on_but_may_come_later() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, rework=2, hold=1)
    assert floor.op(20).available == 47
    assert floor.op(20).planned == 50


def test_reworked_and_released_pieces_are_not_too_many() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, good=47, rework=2, hold=1)
    floor.job("a", 10, 60, 70, good=3)
    assert floor.op(10).good.counted == 50
    assert floor.op(20).available == 50
    assert floor.flags() == []


def test_finishing_the_rework_without_a_number_says_all_of_it_is_good() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=47, rework=3)
    floor.job("a", 10, 60, 70)
    assert floor.op(10).good == Amount(counted=47, assumed=3)
    assert floor.flags() == []


def test_a_scrap_card_without_a_number_is_one_piece_nobody_counted() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, scrap=ASSUMED)
    floor.finish("a", 10, 30, closes=began)
    assert (floor.op(10).scrap, floor.op(10).good) == (Amount(assumed=1), Amount(assumed=49))


def test_a_number_keyed_after_the_scrap_card_replaces_it() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    card = floor.report("a", 10, 10, closes=began, scrap=ASSUMED)
    floor.void("a", 11, card)
    floor.report("a", 10, 11, closes=began, scrap=4)
    assert floor.op(10).scrap == Amount(counted=4)


def test_scrap_found_while_nobody_works_counts_for_the_operation() -> None:
    floor = Floor()
    floor.report("a", 10, 10, scrap=2, reason="SCRATCH")
    assert (floor.op(10).scrap.counted, floor.op(10).remaining) == (2, 48)
    assert floor.op(10).sessions == ()


def test_good_scrap_and_hold_reported_one_by_one_for_the_same_start_are_all_kept() -> None:
    floor = Floor()
    began = floor.job("a", 10, 0, 30)
    floor.report("a", 10, 31, closes=began, good=40)
    floor.report("a", 10, 32, closes=began, scrap=4)
    floor.report("a", 10, 33, closes=began, hold=6)
    (session,) = floor.op(10).sessions
    assert (session.good.counted, session.scrap.counted, session.hold.counted) == (40, 4, 6)
    assert floor.op(10).remaining == 0


def test_numbers_far_over_the_available_keep_every_sum() -> None:
    floor = Floor("10:a 20:a", quantity=10)
    for _ in range(5):
        floor.job("a", 10, 0, 30, good=30, scrap=3, hold=1)
        floor.job("a", 20, 5, 35, station="m2", good=25, scrap=2)
    for no, good, scrap, hold in ((10, 150, 15, 5), (20, 125, 10, 0)):
        operation = floor.op(no)
        assert (operation.good.counted, operation.scrap.counted, operation.hold.counted) == (good, scrap, hold)
        assert operation.remaining == 0 if no == 10 else operation.remaining is not None


def test_the_next_operation_of_the_same_firm_has_good_pieces_at_once() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=5)
    operation = floor.op(20)
    assert (operation.state, operation.state_since, operation.available) == (State.READY, at(10), 5)


def test_pieces_that_come_after_the_finish_wait_again() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.job("a", 20, 20, 30, station="m2")
    assert floor.op(20).good == Amount(assumed=20)
    assert floor.states()[20] is State.WAITING
    floor.finish("a", 10, 40, closes=began, good=30)
    operation = floor.op(20)
    assert (operation.good.total, operation.remaining, operation.state) == (20, 30, State.READY)
    assert operation.state_since == at(40)


def test_an_operation_finished_before_the_number_of_the_one_before_came_is_done_all_the_same() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.job("a", 20, 10, 30, station="m2", good=50)
    floor.finish("a", 10, 40, closes=began, good=50)
    assert floor.states() == {10: State.DONE, 20: State.DONE}


def test_work_beyond_a_forgotten_finish_is_recorded_and_flagged() -> None:
    floor = Floor("10:a 20:a")
    floor.start("a", 10, 0)
    floor.job("a", 20, 10, 30, station="m2", good=50)
    assert floor.states() == {10: State.RUNNING, 20: State.DONE}
    assert floor.op(20).good.counted == 50
    assert floor.flags() == [("over_quantity", 20)]


def test_a_finish_short_of_the_pieces_is_done_and_flagged() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=45)
    assert (floor.states()[10], floor.op(10).remaining) == (State.DONE, 5)
    assert floor.flags() == [("shortfall", 10)]


def test_not_yet_done_is_never_scrap() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, good=45)
    assert (floor.op(10).scrap, floor.op(20).planned) == (Amount(), 50)


def test_each_lots_assumed_number_is_that_lot() -> None:
    floor = Floor()
    floor.split("a", 0, "AAAAAA", 20)
    floor.job("a", 10, 10, 30, ticket="AAAAAA")
    assert floor.op(10).good == Amount(assumed=20)
    floor.job("a", 10, 10, 40, station="m2", ticket=T)
    assert [session.good.assumed for session in floor.op(10).sessions] == [20, 30]
    assert floor.flags() == []


def test_a_lot_that_lost_pieces_claims_no_more_than_the_rest() -> None:
    floor = Floor("10:a 20:a")
    floor.split("a", 0, "AAAAAA", 20)
    floor.job("a", 10, 10, 30, good=30)
    floor.job("a", 10, 10, 30, station="m2", ticket="AAAAAA", good=18, scrap=2)
    floor.job("a", 20, 40, 50, ticket="AAAAAA")
    assert floor.op(20).good == Amount(assumed=18)
    assert floor.flags() == []


@pytest.mark.parametrize("later", [60, 20])
def test_a_larger_quantity_makes_more_pieces_available_when_it_is_told(later: float) -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30)
    floor.order(later, OrderAction.CHANGED, part=OrderPart(quantity=60))
    operation = floor.op(10)
    expected = (State.READY, 50, 10) if later > 30 else (State.DONE, 60, 0)
    assert (operation.state, operation.good.total, operation.remaining) == expected


@pytest.mark.parametrize("good", [20, 40])
def test_a_quantity_that_nobody_stated_is_never_short_and_one_that_an_adoption_stated_is(good: int) -> None:
    floor = Floor("10:a", quantity=None, tickets=[IssuedTicket(id=T, quantity=30)])
    floor.job("a", 10, 0, 30, good=good)
    assert floor.states() == {10: State.DONE}
    assert floor.flags() == []
    floor.adopt(40, quantity=30)
    assert floor.flags() == [("shortfall" if good < 30 else "over_quantity", 10)]


def test_an_order_without_a_quantity_knows_no_remainder() -> None:
    floor = Floor("10:a 20:a", quantity=None)
    floor.job("a", 10, 0, 30)
    assert (floor.op(10).available, floor.op(10).remaining, floor.op(10).planned) == (None, None, None)
    assert floor.states() == {10: State.DONE, 20: State.READY}
    assert floor.flags() == []
