"""The stream: what changed reaches every open page at once, nothing is missed, and how current it is stays honest."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from gateway.ledger import Standing
from gateway.rules.order import Amount
from gateway.state import Kept
from gateway.web.memory import Memory
from gateway.web.watch import SILENT_SECONDS, Contacts
from tests.conftest import until
from tests.web import sample
from tests.web.conftest import House, Server, client_of

Told = tuple[float, str, dict[str, Any]]


class Stream:
    """One open page's stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._told: Queue[Told] = Queue()
        threading.Thread(target=self._read, args=(response,), daemon=True).start()

    def _read(self, response: httpx.Response) -> None:
        name = ""
        try:
            for line in response.iter_lines():
                if line.startswith("event:"):
                    name = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    self._told.put((time.monotonic(), name, json.loads(line.removeprefix("data:"))))
        except httpx.HTTPError:
            pass  # the server went away; whoever waits for an event finds out by its deadline

    def next(self, wanted: str, seconds: float = 5) -> Told:
        """The next event of this name."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                told = self._told.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                pytest.fail(f"no event {wanted} within {seconds} s")
            if told[1] == wanted:
                return told


@contextmanager
def stream(url: str, **headers: str) -> Iterator[Stream]:
    with httpx.Client(timeout=30) as client, client.stream("GET", url, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def more(pieces: int) -> Any:
    """4471 with so many pieces counted at 20."""
    state = sample.running()
    first, second, *rest = state.operations
    return replace(state, operations=(first, replace(second, good=Amount(pieces)), *rest))


@pytest.mark.slow
def test_a_commit_reaches_an_open_page_within_150_ms(running: Server) -> None:
    house = running.house
    with stream(f"{running.url}/live") as page, httpx.Client() as client:
        page.next("pulse")
        delays = []
        for pieces in range(33, 43):
            house.put(more(pieces))
            committed = time.monotonic()
            heard, _, data = page.next("order")
            assert data["order"] == "k4471"
            assert data["position"] == house.position
            assert data["firms"] == ["turning", "grinding", "plating", "inspection"]
            row = client.get(f"{running.url}/fragments/rows?keys=k4471").json()["rows"]["k4471"]
            assert f"{pieces} / 48" in row
            delays.append(heard - committed)
        assert sorted(delays)[len(delays) // 2] < 0.15


@pytest.mark.slow
def test_a_page_that_was_away_is_told_what_it_missed(running: Server) -> None:
    house = running.house
    with stream(f"{running.url}/live") as page:
        revision = page.next("hello")[2]["revision"]
        house.put(more(40))
        seen = page.next("order")[2]
    house.put(replace(sample.running(), key="knew", number="4500"))
    with stream(f"{running.url}/live?since={revision}") as page:
        assert [page.next("order")[2]["order"] for _ in range(2)] == ["k4471", "knew"]
    with stream(f"{running.url}/live?since={revision}", **{"Last-Event-ID": str(seen["revision"])}) as page:
        assert page.next("order")[2]["order"] == "knew"


@pytest.mark.slow
def test_the_server_ends_soon_though_pages_are_open(server: Server) -> None:
    with stream(f"{server.url}/live") as page:
        page.next("hello")
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 8


def test_what_waits_at_the_edges_is_said(client: TestClient, house: House) -> None:
    assert "未送信 0件" in client.get("/?lang=ja").text
    house.greet(holds=7)
    until(lambda: "未送信 7件" in client.get("/?lang=ja").text)
    assert "7 not sent yet" in client.get("/?lang=en").text


@pytest.mark.slow
def test_a_page_is_only_as_of_the_last_row_that_was_folded(client: TestClient, house: House) -> None:
    memory: Memory = client.app.state.memory
    house.append()
    until(lambda: memory.pulse and memory.pulse.age_seconds > 1.5, what="the pages to age")
    with house.state.turn():
        house.state.set_value("cursor", str(house.ledger.last_position()))
    until(lambda: memory.pulse and memory.pulse.age_seconds < 1.2, what="the pages to be current again")


@pytest.mark.slow
def test_a_state_made_anew_takes_the_old_ones_place_only_when_it_has_caught_up(house: House) -> None:
    house.append()
    house.put(*sample.orders())
    with house.state.turn():
        house.state.set_value("cursor", "1")
    with client_of(house) as client:
        memory: Memory = client.app.state.memory
        until(lambda: memory.pulse)
        house.state.start_over()
        house.put(more(44))
        house.greet(holds=3)
        until(lambda: memory.pulse and memory.pulse.waiting == 3, what="the next look at the stores")
        assert len(memory.orders) == len(sample.orders())
        with house.state.turn():
            house.state.set_value("cursor", "1")
        until(lambda: len(memory.orders) == 1, what="the new state")
        assert "44 / 48" in client.get("/").text


def test_a_nameless_order_vanishes_once_the_office_has_given_it_away(client: TestClient, house: House) -> None:
    with house.state.turn():
        house.state.products.drop_order("unknown1")
    until(lambda: "unknown1" not in client.app.state.memory.orders, what="the order to vanish")


class Orders(dict[str, Kept]):
    """Orders that may be walked by the pages' thread only: it changes them while others would walk."""

    def items(self) -> Any:
        assert threading.current_thread().name != "watch"
        return super().items()


@pytest.mark.slow
def test_the_thread_that_watches_never_walks_what_the_pages_thread_changes(client: TestClient) -> None:
    memory: Memory = client.app.state.memory
    memory.orders = Orders(memory.orders)
    before = memory.pulse
    until(lambda: memory.pulse != before, what="the next beat")
    later = memory.pulse
    until(lambda: memory.pulse != later, what="the beat after it")


def test_changes_of_one_order_that_a_slow_page_has_not_fetched_become_one() -> None:
    async def slow_page() -> list[int]:
        memory = Memory()
        with memory.listening() as listener:
            for n in range(1, 1001):
                memory.merge([Kept("k4471", more(n % 48), n, n, None)], n)
            return [kept.revision for kept in (await listener.next()).orders]

    assert asyncio.run(slow_page()) == [1000]


def test_an_edge_not_heard_for_sixteen_real_minutes_is_counted_as_silent() -> None:
    contacts = Contacts()

    def status(minutes_ago: float) -> list[Standing]:
        contact = sample.NOW - timedelta(minutes=minutes_ago)
        return [Standing("turning/e1", 1, 0, 0, 0, contact)]

    assert contacts.silent(status(20), sample.NOW, 5000.0) == {"turning/e1"}
    assert not contacts.silent(status(0), sample.NOW, 5001.0)
    # a demo's clock runs fast: hours of it pass between two hellos that are a minute apart
    assert not contacts.silent(status(0), sample.NOW + timedelta(hours=9), 5061.0)
    assert contacts.silent(status(0), sample.NOW, 5001.0 + SILENT_SECONDS + 1) == {"turning/e1"}
