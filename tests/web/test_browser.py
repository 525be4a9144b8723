"""A real browser: the board changes by itself, greys when the stream is lost, and fits wall and phone."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web import sample
from tests.web.conftest import Server
from tests.web.machine_day import PAGE as MACHINE_PAGE
from tests.web.machine_day import put_machine
from tests.web.test_live import more

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.fail("chromium is not installed: run `make test`, which says or installs what is needed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    yield opened
    context.close()
    assert not complaints


def test_the_board_changes_by_itself_and_greys_when_the_server_is_gone(page: Page, server: Server) -> None:
    house = server.house
    page.goto(f"{server.url}/")
    row = page.locator("#o-k4471")
    expect(row).to_contain_text("32（未確認） / 48")
    expect(page.locator("body")).not_to_have_class("stale")
    house.put(more(45))
    expect(row).to_contain_text("45 / 48", timeout=2000)
    expect(page.locator("#lanes > li").first).to_have_id("o-k4465")

    house.put(replace(sample.running(), key="knew", number="4500", due=date(2026, 11, 17)))
    expect(page.locator("#lanes > li").first).to_have_id("o-knew")
    expect(page.locator('[data-tab="late"]')).to_have_text("2")

    house.put(replace(more(48), delivered_at=sample.NOW))
    expect(row).to_have_count(0)

    house.greet(holds=20, edge="turning/e2", minutes_ago=20)
    expect(page.locator("#as-of")).to_contain_text("応答なし 1台／旋盤工場 e2 の 20件が届いていません")

    server.kill()
    expect(page.locator("body")).to_have_class("stale", timeout=8000)
    expect(page.locator(".stale-word")).to_be_visible()


def test_a_firms_floor_and_an_orders_page_change_by_themselves(page: Page, running: Server) -> None:
    server, house = running, running.house
    page.goto(f"{server.url}/firm/grinding")
    expect(page.locator(".stations")).to_contain_text("32（未確認） / 48")
    house.put(more(46))
    expect(page.locator(".stations")).to_contain_text("46 / 48", timeout=2000)
    page.locator("input[name=q]").fill("4471")
    page.locator("input[name=q]").press("Enter")
    expect(page.locator(".answer")).to_have_text("いま: 研削工場 工程20 作業中 8:06から")
    house.put(more(47))
    expect(page.locator(".hero .chain")).to_contain_text("47 / 48", timeout=2000)


def test_a_machines_day_changes_by_itself(page: Page, running: Server) -> None:
    house = running.house
    put_machine(house)
    page.goto(f"{running.url}{MACHINE_PAGE}")
    expect(page.locator(".states").last).to_contain_text("加工")
    for order in sample.orders():
        house.put(replace(order, operations=tuple(replace(one, sessions=()) for one in order.operations)))
    expect(page.locator(".states").last).not_to_contain_text("加工", timeout=5000)
    expect(page.locator(".states").first).to_contain_text("アラーム")
    for width in (1920, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_the_page_of_an_order_given_away_says_so_and_asks_no_more(page: Page, server: Server) -> None:
    house = server.house
    page.goto(f"{server.url}/order/unknown1")
    expect(page.locator("main.order")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with house.state.turn():
        house.state.products.drop_order("unknown1")
    expect(page.locator("main")).to_contain_text("この受注はありません", timeout=5000)
    page.wait_for_timeout(1000)  # what is measured is that nothing is asked in this time
    order = f"{server.url}/order/unknown1"
    assert [url for url in asked if "unknown1" in url] == [f"{order}?part=1&lang=ja", order]


def test_no_page_is_wider_than_its_screen(page: Page, running: Server) -> None:
    for path in ("/", "/?wall=1", "/firm/turning", "/order/k4471", "/where?q=447", "/?lang=en"):
        page.goto(f"{running.url}{path}")
        for width, height in ((1920, 1080), (1280, 800), (820, 1180), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_the_wall_turns_its_pages_so_that_every_order_is_seen(page: Page, running: Server) -> None:
    page.clock.install()
    page.goto(f"{running.url}/?wall=1")
    expect(page.locator("#pages")).to_have_text("● ○")
    first = page.locator("#lanes > li:not(.aside)").evaluate_all("rows => rows.map(row => row.id)")
    page.clock.run_for(12_500)
    expect(page.locator("#pages")).to_have_text("○ ●")
    second = page.locator("#lanes > li:not(.aside)").evaluate_all("rows => rows.map(row => row.id)")
    assert not set(first) & set(second)
    assert len(first) + len(second) == int(page.locator('[data-tab="open"]').inner_text())
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
