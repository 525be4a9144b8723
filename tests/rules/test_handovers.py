"""Goods between firms: two scans, one, none, in parts, with other counts."""

from gateway.rules.order import Amount, Cause, State
from tests.rules.floor import Floor, T, at

OTHER = "AAAAAA"


def turned(**fields: object) -> Floor:
    """Turning at a is done: 50 good pieces; grinding at b comes next."""
    floor = Floor("10:a 20:b", **fields)  # type: ignore[arg-type]
    floor.job("a", 10, 0, 30, good=50)
    return floor


def test_a_ship_sends_and_a_receive_takes() -> None:
    floor = turned()
    floor.ship("a", 40, 50)
    floor.receive("b", 90, 50)
    (link,) = floor.state.links
    (transfer,) = link.transfers
    assert (link.sent, link.received, link.available) == (50, 50, 50)
    assert (transfer.shipped_at, transfer.received_at, transfer.implied) == (at(40), at(90), False)
    assert (transfer.sent, transfer.received) == (Amount(counted=50), Amount(counted=50))
    assert (floor.op(10).shipped_at, floor.op(20).received_at) == (at(40), at(90))
    assert floor.flags() == []


def test_finished_goods_wait_then_travel_then_lie_ready() -> None:
    floor = turned()
    assert floor.states() == {10: State.DONE, 20: State.WAITING}
    floor.ship("a", 40)
    assert floor.states()[20] is State.IN_TRANSIT
    assert floor.op(20).state_since == at(40)
    floor.receive("b", 90)
    assert (floor.op(20).state, floor.op(20).state_since) == (State.READY, at(90))


def test_hand_overs_without_a_number_are_what_was_good_and_say_so() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.receive("b", 90)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.sent, transfer.received) == (Amount(assumed=50), Amount(assumed=50))
    assert floor.op(20).available == 50


def test_what_was_received_and_counted_is_what_is_available_and_a_difference_is_flagged() -> None:
    floor = turned()
    floor.ship("a", 40, 50)
    floor.receive("b", 90, 48)
    assert floor.op(20).available == 48
    (flag,) = floor.state.flags
    assert (flag.code, flag.operation) == ("counts_differ", 20)
    assert dict(flag.detail)["sent"] == "50"


def test_differing_boxes_are_flagged_too() -> None:
    floor = turned()
    floor.ship("a", 40, boxes=3)
    floor.receive("b", 90, boxes=2)
    assert floor.flags() == [("counts_differ", 20)]


def test_a_ship_without_a_number_before_the_finish_is_what_the_counted_ones_leave() -> None:
    floor = Floor("10:a 20:b 30:c")
    began = floor.start("a", 10, 0)
    floor.ship("a", 20)
    floor.receive("b", 25)
    assert floor.op(20).available == 50, "nothing else is known yet"
    floor.finish("a", 10, 30, closes=began, good=50)
    floor.ship("a", 40, 15)
    floor.receive("b", 45, 15)
    assert [transfer.sent for transfer in floor.state.links[0].transfers] == [Amount(assumed=35), Amount(counted=15)]
    assert (floor.op(20).available, floor.op(20).planned, floor.op(30).planned) == (50, 50, 50)


def test_more_counted_out_than_there_was_leaves_nothing_to_assume() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.receive("b", 50)
    floor.ship("a", 60, 52)
    assert [transfer.sent for transfer in floor.state.links[0].transfers] == [Amount(), Amount(counted=52)]


def test_the_count_two_firms_agree_on_is_what_is_available() -> None:
    floor = turned()
    floor.ship("a", 40, 50)
    floor.receive("b", 90, 48)
    floor.settle(100, "counts_differ", 20, good=49)
    assert floor.op(20).available == 49
    assert floor.flags() == []


def test_work_that_begins_implies_the_receipt_and_ends_the_senders_wait() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.job("b", 20, 100, 130)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.implied, transfer.received_at, transfer.received) == (True, at(100), Amount(assumed=50))
    assert floor.op(20).good == Amount(assumed=50)
    assert floor.flags() == [("implied_receipt", 20)]
    assert floor.op(10).own[-1].cause is Cause.WAIT_SHIP
    assert floor.op(10).own[-1].end == at(40)


def test_set_up_implies_nothing_the_goods_may_still_be_on_the_road() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.setup("b", 20, 100)
    assert floor.state.links[0].transfers[0].received_at is None


def test_with_no_hand_over_ever_scanned_the_work_beyond_makes_what_was_reported_available() -> None:
    floor = turned()
    floor.job("b", 20, 100, 130)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.implied, transfer.shipped_at, transfer.sent) == (True, None, None)
    assert (floor.op(20).available, floor.op(20).good) == (50, Amount(assumed=50))
    assert floor.op(10).own[-1].end == at(100)
    assert floor.flags() == [("implied_receipt", 20)]


def test_it_is_asked_once() -> None:
    floor = turned()
    floor.ship("a", 40, 20)
    began = floor.start("b", 20, 50)
    floor.finish("b", 20, 60, closes=began, good=20)
    floor.ship("a", 70, 30)
    floor.job("b", 20, 80, 90)
    (flag,) = floor.state.flags
    assert (flag.code, flag.at, dict(flag.detail)["times"]) == ("implied_receipt", at(50), "2")


def test_a_receipt_scanned_after_the_work_began_is_no_longer_implied() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.start("b", 20, 100)
    floor.receive("b", 120, 50)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.implied, transfer.received) == (False, Amount(counted=50))
    assert floor.op(20).available == 50
    assert floor.flags() == []


def test_a_ship_scanned_after_the_work_beyond_began_belongs_to_it() -> None:
    floor = turned()
    floor.start("b", 20, 100)
    floor.ship("a", 120)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.implied, transfer.shipped_at) == (True, at(120))
    assert floor.op(20).available == 50
    assert floor.states()[20] is State.RUNNING


def test_a_receive_nobody_shipped_makes_its_pieces_available() -> None:
    floor = turned()
    floor.receive("b", 90, 50)
    (transfer,) = floor.state.links[0].transfers
    assert (transfer.shipped_at, transfer.sent, floor.op(20).available) == (None, None, 50)


def test_receives_pair_by_id_and_ticket() -> None:
    floor = turned()
    floor.split("a", 31, OTHER, 20)
    floor.ship("a", 40, 30, id="van-1")
    floor.ship("a", 41, 20, id="van-2", ticket=OTHER)
    floor.receive("b", 90, 20, id="van-2", ticket=OTHER)
    first, second = floor.state.links[0].transfers
    assert (first.received_at, second.received_at) == (None, at(90))


def test_receives_without_an_id_pair_first_in_first_out() -> None:
    floor = turned()
    floor.ship("a", 40, 20)
    floor.ship("a", 50, 30)
    floor.receive("b", 90, 20)
    first, second = floor.state.links[0].transfers
    assert (first.received_at, second.received_at) == (at(90), None)
    assert floor.flags() == []


def test_a_lot_that_moves_in_parts_is_worked_in_parts() -> None:
    floor = Floor("10:a 20:b")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 20, closes=began, good=20)
    floor.ship("a", 21, 20)
    floor.receive("b", 40, 20)
    floor.job("b", 20, 50, 60, good=20)
    assert (floor.states()[20], floor.op(20).planned) == (State.WAITING, 50)
    floor.finish("a", 10, 70, closes=began, good=30)
    floor.ship("a", 71, 30)
    assert floor.states()[20] is State.IN_TRANSIT
    floor.receive("b", 80, 30)
    assert (floor.states()[20], floor.op(20).remaining) == (State.READY, 30)
    floor.job("b", 20, 90, 100, good=30)
    assert floor.states()[20] is State.DONE
    assert floor.flags() == []


def test_going_on_with_the_first_part_implies_nothing_of_the_second_on_its_way() -> None:
    floor = turned()
    floor.ship("a", 40, 20)
    floor.receive("b", 50, 20)
    began = floor.start("b", 20, 60)
    floor.pause("b", 20, 70, closes=began)
    floor.ship("a", 75, 30)
    floor.start("b", 20, 80)
    assert floor.state.links[0].transfers[1].received_at is None
    floor.finish("b", 20, 90, closes=began, good=50)
    assert floor.state.links[0].transfers[1].implied
    assert floor.flags() == [("implied_receipt", 20)]


def test_the_same_goods_scanned_out_or_in_twice_go_once() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.ship("a", 45)
    floor.receive("b", 90)
    floor.receive("b", 95)
    assert len(floor.state.links[0].transfers) == 1
    assert floor.op(20).available == 50


def test_goods_that_left_before_anybody_scanned_the_finish_still_arrive() -> None:
    floor = Floor("10:a 20:b")
    floor.start("a", 10, 0)
    floor.ship("a", 40)
    floor.receive("b", 90)
    assert (floor.op(20).available, floor.states()[20]) == (50, State.READY)
    assert floor.state.links[0].transfers[0].received == Amount(assumed=50)


def test_scrap_before_the_ship_is_not_sent() -> None:
    floor = Floor("10:a 20:b")
    floor.job("a", 10, 0, 30, good=47, scrap=3)
    floor.ship("a", 40)
    floor.receive("b", 90)
    assert floor.op(20).available == 47


def test_a_ship_leaves_from_the_firms_last_operation_of_the_visit() -> None:
    floor = Floor("10:a 20:a 30:b 40:a")
    floor.job("a", 10, 0, 10, good=50)
    floor.job("a", 20, 10, 30, good=50)
    floor.ship("a", 40)
    assert (floor.op(20).shipped_at, floor.op(10).shipped_at, floor.op(40).shipped_at) == (at(40), None, None)


def test_a_ship_scanned_with_an_earlier_steps_code_leaves_from_the_last_one_too() -> None:
    floor = Floor("10:a 20:a 30:b")
    floor.ship("a", 40, 50, operation=10)
    assert floor.op(20).shipped_at == at(40)


def test_a_receive_arrives_where_the_goods_were_sent() -> None:
    floor = Floor("10:b 20:a 30:b")
    floor.job("b", 10, 0, 10, good=50)
    floor.ship("b", 11, 50, id="van-1")
    floor.receive("a", 20, 50)
    floor.job("a", 20, 30, 40, good=50)
    floor.ship("a", 50, 50)
    floor.receive("b", 60, 50)
    assert (floor.op(20).received_at, floor.op(30).received_at) == (at(20), at(60))
    assert floor.op(10).received_at is None


def test_material_received_at_the_first_operation_is_noted_there() -> None:
    floor = Floor("10:a 20:b")
    floor.receive("a", 5, 50)
    assert floor.op(10).received_at == at(5)


def test_the_coordinator_receives_what_it_answers_for() -> None:
    floor = Floor("10:a", coordinator="k")
    floor.job("a", 10, 0, 30, good=50)
    floor.ship("a", 40)
    floor.receive("k", 90)
    assert floor.flags() == []


def test_a_firm_with_nothing_to_do_on_the_order_is_asked() -> None:
    floor = turned()
    floor.receive("z", 90)
    assert floor.flags() == [("no_operation", None)]


def test_another_firms_operation_is_not_shipped_by_anybody() -> None:
    floor = turned()
    floor.ship("b", 40, 50, operation=10)
    assert floor.op(10).shipped_at is None
    assert floor.flags() == [("other_firms_operation", 10)]


def test_a_lot_whose_hand_over_nobody_scanned_is_implied_beside_one_that_was_scanned() -> None:
    floor = Floor("10:a 20:b")
    floor.split("a", 0, OTHER, 20)
    floor.job("a", 10, 1, 20, good=30)
    floor.job("a", 10, 1, 25, station="m2", ticket=OTHER, good=20)
    floor.ship("a", 30)
    floor.receive("b", 40)
    floor.job("b", 20, 50, 60, good=30)
    floor.job("b", 20, 70, 80, ticket=OTHER)
    assert (floor.op(20).available, floor.op(20).good) == (50, Amount(counted=30, assumed=20))
    assert floor.flags() == [("implied_receipt", 20)]


def test_a_lot_split_on_arrival_needs_no_receipt_of_its_own() -> None:
    floor = turned()
    floor.ship("a", 40)
    floor.receive("b", 50, 50)
    floor.split("b", 55, OTHER, 20, parent=T)
    floor.job("b", 20, 60, 70, good=30)
    floor.job("b", 20, 60, 80, station="m2", ticket=OTHER, good=20)
    assert floor.flags() == []
    assert floor.states()[20] is State.DONE
