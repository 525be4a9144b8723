"""Where the time went: of an operation, and of an order."""

from broker.events import OrderAction
from gateway.rules.account import Charge, operation_account, order_account
from gateway.rules.order import Cause
from tests.rules.floor import Floor, at


def charges(floor: Floor, until: float) -> list[tuple[float, float, str, str, int | None]]:
    def minutes(moment: object) -> float:
        return (moment - at(0)).total_seconds() / 60  # type: ignore[operator, no-any-return]

    return [
        (minutes(one.start), minutes(one.end), one.cause.value, one.firm, one.operation)
        for one in order_account(floor.state, at(until))
    ]


def minutes_of(floor: Floor, no: int, until: float) -> dict[str, float]:
    account = operation_account(floor.op(no), at(until))
    return {cause.value: seconds / 60 for cause, seconds in account.items() if seconds}


def the_usual_way() -> Floor:
    floor = Floor("10:a 20:b", coordinator="k")
    began = floor.setup("a", 10, 10)
    floor.start("a", 10, 20)
    floor.pause("a", 10, 40, closes=began, reason="MATERIAL")
    floor.start("a", 10, 60)
    floor.finish("a", 10, 80, closes=began, good=50)
    floor.ship("a", 100)
    floor.receive("b", 130)
    floor.job("b", 20, 150, 180)
    floor.ship("b", 200)
    return floor


def test_an_operations_own_times_by_cause() -> None:
    floor = the_usual_way()
    assert minutes_of(floor, 10, 999) == {
        "queue": 10, "setup": 10, "run": 40, "wait_external": 20, "wait_ship": 20,
    }  # fmt: skip
    assert minutes_of(floor, 20, 999) == {"transit": 30, "queue": 20, "run": 30, "wait_ship": 20}


def test_every_instant_of_an_order_is_charged_to_one_cause_and_firm() -> None:
    assert charges(the_usual_way(), 999) == [
        (0, 10, "queue", "a", 10),
        (10, 20, "setup", "a", 10),
        (20, 40, "run", "a", 10),
        (40, 60, "wait_external", "a", 10),
        (60, 80, "run", "a", 10),
        (80, 100, "wait_ship", "a", 10),
        (100, 130, "transit", "b", 20),
        (130, 150, "queue", "b", 20),
        (150, 180, "run", "b", 20),
        (180, 200, "wait_ship", "b", 20),
    ]


def test_overlapping_operations_count_twice_in_their_own_and_once_in_the_orders() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.job("a", 20, 20, 60, station="m2", good=20)
    floor.finish("a", 10, 60, closes=began, good=30)
    assert minutes_of(floor, 10, 60)["run"] == 60
    assert minutes_of(floor, 20, 60)["run"] == 40
    assert charges(floor, 60) == [(0, 60, "run", "a", 10)]


def test_work_anywhere_goes_before_waiting_anywhere() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.pause("a", 10, 20, closes=began)
    floor.job("a", 20, 30, 40, station="m2", good=20)
    assert charges(floor, 50) == [
        (0, 20, "run", "a", 10),
        (20, 30, "paused", "a", 10),
        (30, 40, "run", "a", 20),
        (40, 50, "paused", "a", 10),
    ]


def test_two_machines_at_one_operation_are_worked_hours_of_both() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 60, good=25)
    floor.job("a/e2", 10, 0, 60, station="m2", good=25)
    assert minutes_of(floor, 10, 999)["run"] == 120


def test_where_nothing_holds_it_is_the_queue_of_the_lowest_operation_not_done() -> None:
    floor = Floor("10:a 20:a", quantity=None)
    floor.job("a", 10, 10, 20)
    assert charges(floor, 40)[-1] == (20, 40, "queue", "a", 20)


def test_an_open_stretch_is_counted_up_to_now() -> None:
    floor = Floor()
    floor.start("a", 10, 10)
    assert minutes_of(floor, 10, 45) == {"queue": 10, "run": 35}


def test_with_no_hand_over_scanned_the_sender_waits_until_the_next_firm_begins() -> None:
    floor = Floor("10:a 20:b")
    floor.job("a", 10, 0, 30, good=50)
    floor.start("b", 20, 90)
    assert charges(floor, 100) == [
        (0, 30, "run", "a", 10),
        (30, 90, "wait_ship", "a", 10),
        (90, 100, "run", "b", 20),
    ]


def test_pieces_that_come_later_queue_again() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.job("a", 20, 20, 30, station="m2", good=20)
    floor.finish("a", 10, 40, closes=began, good=30)
    floor.job("a", 20, 55, 60, station="m2", good=30)
    assert minutes_of(floor, 20, 99) == {"queue": 10 + 15, "run": 10 + 5}


def test_nothing_is_charged_before_the_release_or_after_the_delivery() -> None:
    floor = Floor("10:a", created=10)
    assert order_account(floor.state, at(5)) == ()
    floor.job("a", 10, 20, 30, good=50)
    assert order_account(floor.state, at(999))[-1].end == at(30)


def test_a_cancelled_order_is_charged_no_longer() -> None:
    floor = Floor("10:a 20:a")
    floor.start("a", 10, 10)
    floor.order(40, OrderAction.CANCELLED)
    assert charges(floor, 999) == [(0, 10, "queue", "a", 10), (10, 40, "run", "a", 10)]
    assert minutes_of(floor, 10, 999) == {"queue": 10, "run": 30}


def test_an_order_without_operations_waits_for_its_coordinator() -> None:
    floor = Floor("")
    floor.order(0, OrderAction.CREATED)
    assert order_account(floor.state, at(5)) == (Charge(at(0), at(5), Cause.QUEUE, "", None),)
