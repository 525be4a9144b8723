"""From the scanner's wire to the wall: what two firms scan is what an open browser shows, without a reload."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from broker.codes import Card, CardCode, TicketCode, printed
from tests.conftest import ROOT, Influx, Mosquitto, listening, until
from tests.edge.shop import FIRM, Agent, PtyScanner
from tests.orders.server import Server
from tests.orders.test_order_file import HEAD
from tests.ports import free_port

pytestmark = pytest.mark.slow

ORDER = HEAD + "A-1,軸,50,,1,2099-12-25,turning,10,旋削,turning,,,\n,,,,,,,20,研削,grinding,,,\n"
START, FINISH, SHIP, RECEIVE = (printed(CardCode(card)) for card in (Card.START, Card.FINISH, Card.SHIP, Card.RECEIVE))

WITHIN_MS = 15_000
"""Far more than it takes: this machine also runs other tests."""


class Gateway(Server):
    """`mawashi gateway`, whole: recording, folding, InfluxDB and pages."""

    def __init__(self, broker_port: int, influx: Influx) -> None:
        self.web = free_port()
        tables = f'[influx]\nurl = "{influx.url}"\ndatabase_prefix = "story_"\n[web]\nport = {self.web}'
        super().__init__(broker_port, influx=tables)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web}/"

    def start(self) -> None:
        command = [sys.executable, "-c", "from gateway.cli import main; main()", "gateway"]
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen([*command, "--settings", self.settings_path], stdout=log, stderr=log, cwd=ROOT)
            )
        try:
            until(lambda: self.settings.socket.exists() and listening(self.web), seconds=60, what="the gateway")
        except BaseException as failed:
            failed.add_note((self.folder / "log").read_text())
            raise


class Floor:
    """One firm's terminal and its scanner."""

    def __init__(self, firm: str, folder: Path, broker_port: int) -> None:
        folder.mkdir()
        self.scanner = PtyScanner(folder)
        self.agent = Agent(folder, broker_port, self.scanner)
        settings = self.agent.settings.read_text().replace(f'firm = "{FIRM}"', f'firm = "{firm}"')
        self.agent.settings.write_text(settings)
        self.agent.ready()

    def scan(self, *codes: str) -> None:
        self.scanner.scan(*codes)


@pytest.fixture
def gateway(mosquitto: Mosquitto, influx: Influx) -> Iterator[Gateway]:
    server = Gateway(mosquitto.port, influx)
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def floors(gateway: Gateway, tmp_path: Path, mosquitto: Mosquitto) -> Iterator[dict[str, Floor]]:
    opened = {firm: Floor(firm, tmp_path / firm, mosquitto.port) for firm in ("turning", "grinding")}
    yield opened
    for floor in opened.values():
        floor.agent.kill()
        print(floor.agent.text())  # shown if the test failed
    print((gateway.folder / "log").read_text())


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.fail("chromium is not installed: run `make test`, which says or installs what is needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(locale="ja-JP")
        browser.close()


def test_what_two_firms_scan_is_what_the_open_board_shows_until_the_order_is_done(
    gateway: Gateway, floors: dict[str, Floor], page: Page, influx: Influx
) -> None:
    file = gateway.folder / "orders.csv"
    file.write_text(ORDER, encoding="utf-8")
    imported = gateway.mawashi("order", "import", str(file), "--json")
    assert imported.returncode == 0, imported.stderr
    (order,) = json.loads(imported.stdout)["orders"]
    turned, ground = (printed(TicketCode(order["tickets"][0], no)) for no in (10, 20))
    gateway.caught_up()

    page.goto(gateway.address)
    row = page.locator("#lanes > li")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))

    def board_says(firm: str, state: str) -> None:
        expect(row.locator(".now-firm")).to_contain_text(firm, timeout=WITHIN_MS)
        expect(row.locator(".now-state")).to_contain_text(state, timeout=WITHIN_MS)

    turning, grinding = floors["turning"], floors["grinding"]
    expect(row.locator(".number")).to_contain_text("4471")
    board_says("旋削の会社", "着手待ち")
    turning.scan(turned)
    board_says("旋削の会社", "作業中")
    turning.scan(FINISH, turned)
    board_says("旋削の会社", "出荷待ち")
    turning.scan(SHIP, turned)
    board_says("研削の会社", "移動中")
    grinding.scan(RECEIVE, ground)
    board_says("研削の会社", "着手待ち")
    grinding.scan(START, ground)
    board_says("研削の会社", "作業中")
    expect(row.locator(".step.s-done")).to_contain_text("50（未確認） / 50")  # nobody counted, and the board says so
    grinding.scan(FINISH, ground)
    board_says("研削の会社", "出荷待ち")
    grinding.scan(SHIP, ground)
    expect(row).to_have_count(0, timeout=WITHIN_MS)
    expect(page.locator('[data-tab="done"]')).to_have_text("1")
    expect(page.locator("[data-unsent-now]")).to_have_text("未送信 0件", timeout=WITHIN_MS)
    assert loads == [], "the board was never loaded again"

    page.goto(f"{gateway.address}where?q={order['tickets'][0]}")
    expect(page.locator(".answer")).to_contain_text(re.compile("^完了しています"))
    expect(page.locator(".handovers li")).to_have_count(1)

    def stored() -> list[dict[str, object]]:
        asked = 'SELECT "name", "state", "order", "firm" FROM "operation" WHERE "void" = 0'
        return influx.query("story_grinding", asked)

    until(
        lambda: [row["state"] for row in stored() if row["firm"] == "grinding" and row["order"] == "4471"] == ["done"],
        what=f"grinding's own database to say what the board says; it says {stored()}",
    )
