"""Retained views on a real Mosquitto: each firm its own, cleared, published again after a wipe, never before a PUBACK."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.events import Adopt
from broker.link import Delivery, Link
from broker.settings import Mqtt
from broker.topics import order_subscription
from gateway.sinks.views import ViewsSink
from gateway.state import State
from tests.conftest import Mosquitto, until
from tests.gateway.projecting import House, finish, running
from tests.gateway.shop import BEGIN, Shop, commit

pytestmark = pytest.mark.slow


class Edge:
    """A firm's edge: keeps the views it is sent; an empty one clears."""

    def __init__(self, port: int, firm: str) -> None:
        self.views: dict[str, dict[str, object]] = {}
        self.guard = threading.Lock()
        self.link = Link(Mqtt(port=port), f"test.{firm}", listener=self, subscriptions=(order_subscription(firm),))
        self.link.start()

    def on_up(self, *, session_present: bool) -> None:
        self.views.clear()  # what counts is what the broker sends now

    def on_down(self, reason: str) -> None:
        pass

    def on_message(self, delivery: Delivery) -> None:
        with self.guard:
            if delivery.payload:
                self.views[delivery.topic] = json.loads(delivery.payload)
            else:
                self.views.pop(delivery.topic, None)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def edge(mosquitto: Mosquitto) -> Iterator[Edge]:
    listening = Edge(mosquitto.port, "grinding")
    yield listening
    listening.link.stop()


def sink_to(house: House, mosquitto: Mosquitto) -> ViewsSink:
    settings = Mqtt(port=mosquitto.port, reconnect_seconds_max=0.5)
    return ViewsSink(settings, State.open(house.state_url), house.notes)


def told(house: House, firm: str) -> dict[str, dict[str, object]]:
    return {
        f"mw/1/{firm}/gateway/order/{seen.order}": json.loads(seen.payload)
        for seen in house.state.seen(0, 100_000)
        if seen.firm == firm and seen.payload
    }


def remember(house: House) -> int:
    """Write down what the sink noted, as the projector does; return how far it is."""
    with State.open(house.state_url, write=True) as state, state.turn():
        state.set_cursors(house.notes.collect().cursors)
    return house.state.cursors().get("views", 0)


def test_each_firm_receives_its_own_view_and_later_changes(house: House, mosquitto: Mosquitto, edge: Edge) -> None:
    shop = Shop()
    key, (ticket,) = shop.order(firms=("turning", "grinding"))
    shop.order(firms=("turning", "plating"))
    with running(sink_to(house, mosquitto)):
        commit(house.writer, shop.lines)
        house.project()
        until(lambda: edge.views)
        assert edge.views == told(house, "grinding")
        assert [view["order"] for view in edge.views.values()] == [key]
        shop.session(ticket, 10, "turning", BEGIN)
        commit(house.writer, shop.edges["turning"].lines)
        house.project()
        until(lambda: edge.views == told(house, "grinding"))
        last = max(seen.revision for seen in house.state.seen(0, 1000))
        until(lambda: remember(house) == last)


def test_an_order_that_a_firm_may_see_no_more_is_cleared(house: House, mosquitto: Mosquitto, edge: Edge) -> None:
    shop = Shop()
    blank = shop.ticket()
    shop.session(blank, 10, "grinding", BEGIN)
    with running(sink_to(house, mosquitto)), house.projector() as (projector, _):
        commit(house.writer, shop.lines)
        finish(projector)
        until(lambda: list(edge.views) == [f"mw/1/grinding/gateway/order/u-{blank.lower()}"])
        key, _ = shop.order(firms=("grinding",))
        shop.office.say(Adopt, BEGIN, ticket=blank, order=key)
        commit(house.writer, shop.office.lines)
        finish(projector)
        until(lambda: list(edge.views) == [f"mw/1/grinding/gateway/order/{key}"])


def test_a_broker_that_was_wiped_is_given_everything_again(house: House, mosquitto: Mosquitto, edge: Edge) -> None:
    shop = Shop()
    for _ in range(5):
        shop.order(firms=("turning", "grinding"))
    commit(house.writer, shop.lines)
    house.project()
    with running(sink_to(house, mosquitto)):
        until(lambda: len(edge.views) == 5)
        mosquitto.restart()
        until(lambda: not edge.link.connected, what="the edge to notice")
        until(lambda: edge.views == told(house, "grinding"), seconds=15)


def test_views_made_while_the_broker_is_away_are_published_when_it_is_back(
    house: House, mosquitto: Mosquitto, edge: Edge
) -> None:
    shop = Shop()
    shop.order(firms=("turning", "grinding"))
    with running(sink_to(house, mosquitto)):
        commit(house.writer, shop.lines)
        house.project()
        until(lambda: len(edge.views) == 1)
        mosquitto.kill()
        shop.order(firms=("grinding",))
        commit(house.writer, shop.lines)
        house.project()
        mosquitto.start()
        until(lambda: edge.views == told(house, "grinding") and len(edge.views) == 2, seconds=15)


def test_start_up_clears_topics_without_a_row_and_puts_right_what_differs(
    house: House, mosquitto: Mosquitto, edge: Edge
) -> None:
    shop = Shop()
    key, _ = shop.order(firms=("turning", "grinding"))
    commit(house.writer, shop.lines)
    house.project()
    with running(sink_to(house, mosquitto)):
        until(lambda: len(edge.views) == 1)
    remember(house)
    topic = f"mw/1/grinding/gateway/order/{key}"
    edge.link.publish("mw/1/grinding/gateway/order/of-yesterday", b'{"order":"of-yesterday"}', retain=True)
    edge.link.publish(topic, b'{"order":"tampered"}', retain=True)
    until(lambda: len(edge.views) == 2)
    with running(sink_to(house, mosquitto)):
        until(lambda: edge.views == told(house, "grinding"), seconds=15)
