"""The page of lead times: a sentence that is true, figures that say how many are behind them, and nobody else's causes."""

from collections.abc import Sequence

from gateway.rules.order import OrderState, State
from gateway.web.leads import Leads
from tests.conftest import until
from tests.rules.floor import EIGHT, Floor
from tests.web.conftest import House, client_of


def delivered(count: int, *, part: str = "", minutes: int = 60) -> list[OrderState]:
    """Orders of one firm: so long a queue, then twenty minutes of work."""
    floor = Floor("10:turning", coordinator="turning")
    floor.start("turning", 10, minutes)
    floor.finish("turning", 10, minutes + 20, good=50)
    made = floor.state
    assert made.state is State.DONE
    return [_named(made, f"{part}{place}") for place in range(count)]


def _named(order: OrderState, key: str) -> OrderState:
    return OrderState(
        **{name: getattr(order, name) for name in OrderState.__slots__}
        | {"key": f"k{key}", "number": key, "tickets": ()}
    )


def page(house: House, orders: Sequence[OrderState], query: str) -> str:
    house.put(*orders)
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse, what="the pages to have read the orders")
        answer = client.get(f"/lead-times?{query}")
    assert answer.status_code == 200
    return answer.text


def test_the_first_thing_it_says_is_where_the_time_went(house):
    html = page(house, delivered(6), "firm=turning&lang=ja")
    assert "2026年11月に納めた6件では、着手待ちがリードタイムの75%でした。加工は25%です。" in html
    assert "Of the 6 orders delivered in Nov 2026, queue was 75% of the lead time; running was 25%." in html
    assert "半分の受注は1時間20分以内、10件のうち8件は1時間20分以内です。" in html
    assert 'class="few"' not in html
    assert html.count('class="c-queue"') >= 4


def test_in_english_a_month_narrows_it_and_few_orders_are_grey_and_said(house):
    html = page(house, delivered(4), "firm=turning&lang=en&month=2026-11")
    assert "Orders delivered so far: 4. From 5 on, this says what the time went into." in html
    assert "Grey: fewer than 5 orders" in html
    assert 'class="few chosen"' in html
    assert "All months" in html


def test_a_firm_or_month_that_is_none_is_refused_and_an_empty_shop_is_told_what_comes(house):
    house.put(*delivered(1))
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse, what="the pages to have read the orders")
        assert client.get("/lead-times?firm=nobody").status_code == 404
        assert client.get("/lead-times?month=2026-1").status_code == 422
        assert client.get("/lead-times?by=person").status_code == 422
        for month in ("2026-99", "0000-00"):
            assert client.get(f"/lead-times?month={month}").status_code == 200
        other = client.get("/lead-times?firm=grinding&lang=ja").text
    assert "納めた受注は0件です。" in other


def test_names_of_processes_are_escaped(house):
    (order,) = delivered(1)
    (operation,) = order.operations
    named = type(operation)(
        **{name: getattr(operation, name) for name in type(operation).__slots__} | {"name": "<b>旋削"}
    )
    shown = OrderState(**{name: getattr(order, name) for name in OrderState.__slots__} | {"operations": (named,)})
    html = page(house, [shown], "firm=turning")
    assert "&lt;b&gt;旋削" in html
    assert "<b>旋削" not in html


def test_each_order_is_counted_once_and_again_when_it_changes_and_not_when_it_is_gone(house):
    leads = Leads(house.state)
    house.put(*delivered(3))
    assert leads.refresh(seconds=10) == (3, 3)
    assert leads.firms() == {"turning": 3}
    house.put(*delivered(1, minutes=120))
    leads.refresh(seconds=10)
    found = leads.of("turning", EIGHT.tzinfo, month=None, by="name")
    assert found.whole
    assert (found.whole.orders, found.whole.median, found.whole.p80) == (3, 80 * 60, 140 * 60)
    with house.state.turn():
        house.state.products.drop_order("k0")
    leads.refresh(seconds=10)
    assert leads.firms() == {"turning": 2}
    house.state.start_over()
    assert leads.refresh(seconds=10) == (0, 0)
    assert leads.firms() == {}


def test_a_first_look_at_many_orders_stops_in_time_and_goes_on(house):
    leads = Leads(house.state)
    house.put(*delivered(250))
    seen = [leads.refresh(seconds=0.0) for _ in range(3)]
    assert seen == [(100, 250), (200, 250), (250, 250)]
