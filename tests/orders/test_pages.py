"""The papers on the web: a page a browser may print, and nothing a stranger could put into it."""

import re
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.orders.pages import router
from gateway.settings import Firm
from tests.orders.test_ticket_page import GATEWAY, order, step


@pytest.fixture
def browser() -> Iterator[TestClient]:
    app = FastAPI()
    known = {"k1": order(step(10), step(20))}
    turning, *others = GATEWAY.firms
    firms = (Firm(**{**turning.model_dump(), "stations": {"nc-2": "", "bench": "作業台"}}), *others)
    gateway = GATEWAY.model_copy(update={"firms": firms})
    app.include_router(router(gateway, order=known.get, stations=lambda firm: ["nc-3"] if firm == "turning" else []))
    with TestClient(app) as client:
        yield client


def test_tickets_of_an_order(browser):
    page = browser.get("/orders/k1/tickets")
    assert page.status_code == 200
    assert "7K3Q9F.20-R" in page.text
    assert "客先A" not in page.text
    assert "客先A" in browser.get("/orders/k1/tickets?customer=1").text


def test_a_printing_that_nobody_recorded_is_not_waited_for(browser):
    begun = time.monotonic()
    page = browser.get("/orders/k1/tickets", params={"printing": f"{'0' * 16}-1"})
    assert page.status_code == 503, page.text
    assert time.monotonic() - begun < 5, "one that was just recorded is waited for 10 s"


def test_an_order_nobody_knows_is_404(browser):
    assert browser.get("/orders/k2/tickets").status_code == 404


def test_station_labels_of_the_settings_of_scans_and_typed_in_sorted_as_people_count(browser):
    page = browser.get("/papers/stations", params={"firm": "turning", "text": "NC-10\nnc-3 旋盤3号\r\n"})
    assert re.findall(r"S\.([A-Z0-9-]+)-\w<", page.text) == ["BENCH", "NC-2", "NC-3", "NC-10"]
    assert "旋盤3号" in page.text


def test_stations_can_be_printed_before_any_scan(browser):
    assert "S.BENCH-" in browser.get("/papers/stations?firm=turning").text
    assert browser.get("/papers/stations?firm=grinding").status_code == 422
    assert "S.CG-1-" in browser.get("/papers/stations?firm=grinding&text=cg-1").text


@pytest.mark.parametrize("text", ["<b>", "旋盤", "-1", "a" * 33, "\n".join(f"n{n}" for n in range(201))])
def test_what_is_no_id_is_refused(browser, text):
    assert browser.get("/papers/stations", params={"firm": "turning", "text": text}).status_code == 422


def test_cards_digits_and_badges(browser):
    assert "C.START-I" in browser.get("/papers/cards?firm=turning").text
    assert "C.D.7-J" in browser.get("/papers/digits?firm=turning").text
    badges = browser.get("/papers/badges", params={"firm": "turning", "text": "sato 佐藤<b>"}).text
    assert "B.SATO-" in badges
    assert "佐藤&lt;b&gt;" in badges
    assert browser.get("/papers/badges?firm=turning").status_code == 422
    assert browser.get("/papers/cards?firm=nobody").status_code == 404


def test_to_look_is_not_to_print(browser):
    """There is no gateway here: a GET asks it for nothing, a POST cannot do without it."""
    page = browser.get("/orders/k1/tickets?paper=label&boxes=2")
    assert page.status_code == 200
    assert "見本" in page.text
    for address, form in (("/orders/k1/tickets", {"paper": "a4"}), ("/papers/blanks", {"sheets": "1"})):
        answer = browser.post(address, data=form)
        assert answer.status_code == 503
        assert answer.json()["detail"][0].startswith("記録できないので、まだ刷れません。")


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/orders/k1/tickets", {"paper": "a3"}),
        ("/orders/k1/tickets", {"paper": "label", "boxes": "100"}),
        ("/orders/k1/tickets", {"paper": "label", "each": "many"}),
        ("/papers/blanks", {"sheets": "99999"}),
        ("/papers/blanks", {"skip": "24"}),
        ("/papers/blanks", {"width": "90"}),
        ("/papers/blanks", {"width": "nan"}),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_before_anything_is_recorded(browser, address, form):
    assert browser.post(address, data=form).status_code == 422


def test_a_form_of_any_size_is_refused(browser):
    assert browser.post("/papers/blanks", data={"by": "x" * 70_000}).status_code == 413


def test_a_ticket_of_another_order_is_not_printed_here(browser):
    assert browser.get("/orders/k1/tickets?ticket=8M2C4X").status_code == 404
    assert browser.post("/orders/k1/tickets", data={"ticket": "8M2C4X"}).status_code == 404


def test_the_page_allows_its_own_style_and_script_and_nothing_else(browser):
    policy = browser.get("/orders/k1/tickets").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")


@pytest.mark.parametrize("paper", ["cards", "digits", "stations", "badges"])
def test_a_paper_of_a_firm_without_saying_which_offers_the_firms(browser, paper):
    page = browser.get(f"/papers/{paper}", params={"text": "sato 佐藤"})
    assert page.status_code == 200
    assert "どの会社の紙ですか。" in page.text
    assert "For which firm?" in page.text
    for firm in GATEWAY.firms:
        assert f'href="/papers/{paper}?firm={firm.id}&amp;text=sato' in page.text
    unknown = browser.get(f"/papers/{paper}", params={"firm": "welding"})
    assert unknown.status_code == 404
    assert "[[firms]]" not in unknown.text
