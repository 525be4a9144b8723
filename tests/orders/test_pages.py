"""The papers on the web: a page a browser may print, and nothing a stranger could put into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.orders.pages import router
from tests.orders.test_ticket_page import GATEWAY, order, step


@pytest.fixture
def browser() -> Iterator[TestClient]:
    app = FastAPI()
    known = {"k1": order(step(10), step(20))}
    app.include_router(router(GATEWAY, order=known.get, stations=lambda firm: ["nc-3"] if firm == "turning" else []))
    with TestClient(app) as client:
        yield client


def test_tickets_of_an_order(browser):
    page = browser.get("/orders/k1/tickets")
    assert page.status_code == 200
    assert "7K3Q9F.20-R" in page.text
    assert "客先A" not in page.text
    assert "客先A" in browser.get("/orders/k1/tickets?customer=1").text


def test_an_order_nobody_knows_is_404(browser):
    assert browser.get("/orders/k2/tickets").status_code == 404


def test_cards_of_a_firm_with_its_stations_and_those_named(browser):
    page = browser.get("/cards?firm=turning&station=nc-9")
    assert "S.NC-3-9" in page.text
    assert "S.NC-9-" in page.text
    assert "C.START-I" in page.text
    assert browser.get("/cards?firm=nobody").status_code == 404
    assert browser.get("/cards?firm=turning&station=<b>").status_code == 422


def test_the_page_allows_its_own_style_and_script_and_nothing_else(browser):
    policy = browser.get("/orders/k1/tickets").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")


@pytest.mark.slow
def test_the_button_prints_under_that_policy(tmp_path: Path):
    from playwright.sync_api import sync_playwright

    app = FastAPI()
    app.include_router(router(GATEWAY, order={"k1": order(step(10))}.get, stations=lambda _: []))
    with TestClient(app) as client, sync_playwright() as play:
        answer = client.get("/orders/k1/tickets")
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.route("**/*", lambda route: route.fulfill(status=200, headers=dict(answer.headers), body=answer.text))
        page.add_init_script("window.print = () => { window.printed = true }")
        page.goto("http://127.0.0.1/orders/k1/tickets")
        page.get_by_role("button").click()
        assert page.evaluate("window.printed")
        assert refused == []
        chromium.close()
