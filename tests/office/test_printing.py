"""Papers of an order in a running server: by command as .html and .pdf, and by pressing 刷る in a real browser."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from gateway.office import command
from gateway.office.wishes import Cancel
from gateway.orders.ticket_command import Wanted, print_tickets
from gateway.settings import Web
from gateway.web.app import create_app
from tests.conftest import until
from tests.office.house import order
from tests.orders.server import Server
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def address(server: Server) -> Iterator[str]:
    """Where the pages of this server are, as a browser opens them."""
    settings = server.settings.model_copy(update={"web": Web(port=free_port())})
    web = uvicorn.Server(uvicorn.Config(create_app(settings), port=settings.web.port, log_config=None, ws="none"))
    thread = threading.Thread(target=web.run)
    thread.start()
    until(lambda: web.started, seconds=30, what="the pages")
    yield f"http://127.0.0.1:{settings.web.port}"
    web.should_exit = True
    thread.join(20)


def test_a_command_says_what_it_printed_on_how_many_pages_and_into_which_file(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, number, ticket = order(server)
    page, labels = tmp_path / "ticket.html", tmp_path / "labels.PDF"
    assert print_tickets(server.settings, Wanted(number, page)) == 0
    assert capsys.readouterr().out == (
        f"受注 {number} 軸：工程移動票 A4、票 {ticket}、1ページ → {page}\n"
        f"Order {number}: A4 travellers, tickets {ticket}, pages 1, in {page}\n"
        "見本です。発行は記録していません / A preview: no printing was recorded\n"
    )
    asked = Wanted(number, labels, paper="label", each=20, by="sato", json=True)
    assert print_tickets(server.settings, asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["number"], told["tickets"], told["paper"], told["recorded"]) == (number, [ticket], "label", True)
    pdf = labels.read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == told["pages"] == 3, "one label a page"


def test_the_papers_of_a_cancelled_order_are_printed_with_a_warning_and_say_so_themselves(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, number, _ = order(server)
    sure = command.How(by="A", why="x", yes=True)
    assert command.carry_out(server.settings, number, lambda _: Cancel(), sure) == 0
    page = tmp_path / "ticket.html"
    assert print_tickets(server.settings, Wanted(number, page, by="sato")) == 0
    assert (
        "この受注は取り消されています。刷った票にも「取消」と入ります / This order is cancelled."
        in capsys.readouterr().err
    )
    assert "取消<i>Cancelled</i>" in page.read_text(encoding="utf-8")


def test_pressing_print_records_it_and_shows_the_paper_of_which_the_second_is_a_reprint(
    server: Server, address: str
) -> None:
    key, _, ticket = order(server)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_page(locale="ja-JP")
        page.goto(f"{address}/papers/order/{key}")
        page.locator("input[name=by]").first.fill("佐藤")
        for copy in (1, 2):
            with page.expect_popup() as opened:
                page.get_by_role("button", name="刷る").first.click()
            paper = opened.value
            paper.wait_for_load_state()
            assert ticket in paper.content()
            assert ("再発行 1" in paper.inner_text(".sheet")) == (copy == 2)
            assert "見本" not in paper.inner_text(".sheet")
        page.reload()
        said = page.inner_text(".copies")
        chromium.close()
    assert "佐藤" in said
    assert "再発行 1" in said
    kept = server.caught_up().order(key)
    assert kept
    assert [(one.paper.value, one.by) for one in kept.state.tickets[0].prints] == [("a4", "佐藤")] * 2
