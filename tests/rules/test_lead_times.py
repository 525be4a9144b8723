"""Where delivered orders' time went: shares add up, a firm sees its own, and nothing is said of too few."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from broker.events import OrderAction
from gateway.rules.lead_times import CAUSES, Stay, lead_times, percentile, stays, telling
from gateway.rules.order import Cause, OrderState
from tests.rules.floor import EIGHT, Floor

TOKYO = ZoneInfo("Asia/Tokyo")
RUN, QUEUE = CAUSES.index(Cause.RUN), CAUSES.index(Cause.QUEUE)
HOUR = 3600.0


def one_firm() -> OrderState:
    """Two operations of one firm: 1 h of queue, 2 h of work, 3 h of queue, 1 h of work."""
    floor = Floor("10:a 20:a", coordinator="a")
    floor.start("a", 10, 60)
    floor.finish("a", 10, 180, good=50)
    floor.start("a", 20, 360)
    floor.finish("a", 20, 420, good=50)
    return floor.state


def two_firms() -> OrderState:
    """Firm a for an hour of queue and one of work, then b for an hour of work; a answers for it."""
    floor = Floor("10:a 20:b", coordinator="a")
    floor.start("a", 10, 60)
    floor.finish("a", 10, 120, good=50)
    floor.ship("a", 120, operation=10, id="s1")
    floor.receive("b", 150, operation=20, id="s1")
    floor.start("b", 20, 150)
    floor.finish("b", 20, 210, good=50)
    floor.ship("b", 210, operation=20, id="s2")
    return floor.state


def stay(days: int, run: float = 1.0, queue: float = 3.0) -> Stay:
    own = [0.0] * len(CAUSES)
    own[RUN], own[QUEUE] = run * HOUR, queue * HOUR
    return Stay(EIGHT + timedelta(days=days), tuple(own), 0.0, True, ())


def test_every_second_from_release_to_delivery_is_in_one_cause_and_one_step():
    (only,) = stays(one_firm()).values()
    assert only.lead == 7 * HOUR
    assert (only.own[RUN], only.own[QUEUE], only.elsewhere) == (3 * HOUR, 4 * HOUR, 0.0)
    assert sum(sum(step.seconds) for step in only.steps) == only.lead
    assert [sum(step.seconds) for step in only.steps] == [3 * HOUR, 4 * HOUR]


def test_what_others_had_an_order_for_is_one_number_and_never_a_cause():
    order = two_firms()
    found = stays(order)
    assert order.released_at
    assert order.delivered_at
    lead = (order.delivered_at - order.released_at).total_seconds()
    assert set(found) == {"a", "b"}
    for firm, own in found.items():
        assert own.lead == pytest.approx(lead)
        assert own.elsewhere > 0
        assert len(own.steps) == 1, f"{firm} sees its own step alone"
    assert found["a"].own[RUN] == HOUR
    assert found["b"].own[RUN] == HOUR


def test_an_order_under_way_or_cancelled_does_not_count():
    floor = Floor("10:a", coordinator="a")
    floor.start("a", 10, 60)
    assert stays(floor.state) == {}
    floor.order(70, OrderAction.CANCELLED)
    assert stays(floor.state) == {}


def test_a_month_is_that_of_the_delivery_where_the_shop_is():
    late = Stay(EIGHT.replace(day=30, hour=15), stay(0).own, 0.0, True, ())  # midnight in Tokyo
    assert [month for month, _ in lead_times([late], TOKYO).months] == ["2026-12"]
    assert [month for month, _ in lead_times([late], UTC).months] == ["2026-11"]


def test_median_and_p80_are_orders_that_were_and_shares_add_up():
    found = lead_times([stay(0, queue=queue) for queue in (1, 2, 3, 4, 9)], UTC)
    assert found.whole
    assert (found.whole.orders, found.whole.median, found.whole.p80) == (5, 4 * HOUR, 5 * HOUR)
    assert sum(found.whole.shares) + found.whole.elsewhere == pytest.approx(1)
    assert [(one.cause, one.orders, one.share) for one in found.causes] == [
        (Cause.RUN, 5, pytest.approx(5 / 24)),
        (Cause.QUEUE, 5, pytest.approx(19 / 24)),
    ]
    assert percentile([1.0], 0.8) == 1.0


def test_a_month_narrows_the_figures_and_not_the_list_of_months():
    found = lead_times([stay(0), stay(20), stay(21)], UTC, month="2026-12")
    assert found.whole
    assert found.whole.orders == 2
    assert [(month, figure.orders) for month, figure in found.months] == [("2026-12", 2), ("2026-11", 1)]
    assert lead_times([stay(0)], UTC, month="1999-01").whole is None


def test_processes_come_by_what_they_take_and_stations_by_name_for_nobody_is_ranked():
    found = stays(one_firm())["a"]
    by_name = lead_times([found], UTC).steps
    assert sum(share for *_, share in by_name) == pytest.approx(1)
    assert [share for *_, share in by_name] == sorted((share for *_, share in by_name), reverse=True)
    by_station = lead_times([found], UTC, by="station").steps
    assert [name for name, *_ in by_station] == sorted(name for name, *_ in by_station)
    assert [name for name, *_ in lead_times([found], UTC, by="kind").steps] == ["machining"]


def test_a_sentence_is_about_the_last_month_that_ended_with_enough_orders():
    some = [stay(0)] * 5
    months = lead_times([*some, *[stay(20)] * 5, *[stay(50)] * 4], UTC)
    assert telling(months, "2026-12") == months.months[2]
    assert telling(months, "2027-01") == months.months[1]
    assert telling(lead_times(some, UTC), "2026-11") == ("2026-11", lead_times(some, UTC).months[0][1])
    assert telling(lead_times(some[:4], UTC), "2026-11") is None
    scattered = lead_times([stay(40 * place) for place in range(5)], UTC)
    assert telling(scattered, "2027-06") == (None, scattered.whole)
    assert telling(lead_times([], UTC), "2026-11") is None
