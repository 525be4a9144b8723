"""The 工程移動票 prints on A4, every symbol reads back, and a page is full at ten steps."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from broker.codes import Card, CardCode, TicketCode, address, parse, printed
from broker.events import OperationKind
from broker.words import CARDS
from gateway.orders.card_page import render_cards
from gateway.orders.ticket_page import render
from gateway.rules.order import Operation, OrderState, State, Ticket
from gateway.settings import Firm, Gateway
from tests.orders.paper import print_pdf, symbols, texts

GATEWAY = Gateway(
    data_dir=Path("/nowhere"),
    firms=(Firm(id="turning", name="旋削の会社", telephone="000-000-0000"), Firm(id="grinding", name="研削の会社")),
)
A4_AT_200_DPI = pytest.approx((1654, 2339), abs=1)


def step(no: int, name: str = "旋削 1・2次", firm: str = "turning", state: State = State.WAITING) -> Operation:
    return Operation(no, name, firm, OperationKind.MACHINING, state, None, station="nc-3", due=date(2026, 12, 4))


def order(*operations: Operation, tickets: tuple[Ticket, ...] = (Ticket("7K3Q9F", 1, 50),)) -> OrderState:
    return OrderState(
        key="k1",
        known=True,
        number="4471",
        state=State.WAITING,
        held=False,
        released_at=None,
        delivered_at=None,
        last_at=None,
        own_number="A-2611-031",
        customer_number="PO-88120",
        customer="客先A",
        part="バルブボディ",
        drawing="VB-2204",
        revision="C",
        material="SUS316L",
        size="φ40×62",
        supplied="材料支給",
        series="series",
        quantity=48,
        spare=2,
        due=date(2026, 12, 18),
        coordinator="turning",
        operations=operations,
        tickets=tickets,
    )


def test_everything_the_floor_needs_is_on_the_sheet_and_the_customer_is_not():
    html = render(order(step(10), step(20, "円筒研削", "grinding")), GATEWAY, on=date(2026, 11, 22))
    for word in (
        *(
            "4471",
            "7K3Q9F",
            "VB-2204",
            "バルブボディ",
            "SUS316L",
            "φ40×62",
            "48",
            "＋2",
            "12/18 金",
            "材料支給",
            "量産",
        ),
        *("旋削の会社", "000-000-0000", "A-2611-031", "2026-11-22", "研削の会社", "NC-3", "12/4 金"),
        *("7K3Q9F.10-V", "7K3Q9F.20-R", "7K3Q9F-N"),
    ):
        assert word in html, word
    assert "客先A" not in html
    assert "PO-88120" not in html


def test_the_customer_is_printed_when_asked_for():
    html = render(order(step(10)), GATEWAY, on=date(2026, 11, 22), customer=True)
    assert "客先A　PO-88120" in html


def test_what_somebody_typed_is_never_markup():
    html = render(order(step(10, "<script>alert(1)</script>")), GATEWAY, on=date(2026, 11, 22))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_a_replaced_ticket_is_not_printed_again():
    tickets = (Ticket("7K3Q9F", 1, 50, old=True), Ticket("8M2C4X", 1, 50, issue=2))
    html = render(order(step(10), tickets=tickets), GATEWAY, on=date(2026, 11, 22))
    assert "7K3Q9F" not in html
    assert "第2版" in html


def test_material_and_size_together_decide_how_small_they_are_printed():
    long = replace(order(step(10)), material="SUS316L ELN", size="φ40×62 ±0.02 h6 研削代込み")
    assert '<b class="s1">SUS316L ELN' in render(long, GATEWAY, on=date(2026, 11, 22))


def test_a_cancelled_step_has_no_code():
    html = render(order(step(10), step(20, state=State.CANCELLED)), GATEWAY, on=date(2026, 11, 22))
    assert html.count('class="qr"') == 1
    assert "取消" in html


def test_an_order_without_routing_prints_a_sheet_to_write_on():
    html = render(order(), GATEWAY, on=date(2026, 11, 22))
    assert html.count('class="row ') == 10
    assert html.count('class="qr"') == 0
    assert html.count('class="code128"') == 1


@pytest.mark.slow
@pytest.mark.parametrize("public_url", [None, "https://mawashi.example.jp"])
def test_every_symbol_of_every_page_reads_back_from_the_print(tmp_path, public_url):
    gateway = GATEWAY.model_copy(update={"public_url": public_url})
    numbers = range(10, 130, 10)
    tickets = (Ticket("7K3Q9F", 1, 25), Ticket("8M2C4X", 2, 25))
    pages = print_pdf(render(order(*map(step, numbers), tickets=tickets), gateway, on=date(2026, 11, 22)), tmp_path)
    assert len(pages) == 4, "two lots of twelve steps are two sheets each"
    for place, (page, ticket) in enumerate(zip(pages, ["7K3Q9F", "7K3Q9F", "8M2C4X", "8M2C4X"], strict=True)):
        with Image.open(page) as image:
            assert image.size == A4_AT_200_DPI
        found = symbols(page)
        steps = list(numbers)[:10] if place % 2 == 0 else list(numbers)[10:]
        assert texts(found, "QRCode") == [address(TicketCode(ticket, no), public_url) for no in steps]
        assert texts(found, "Code128") == [printed(TicketCode(ticket))]
        assert [parse(text) for text in texts(found, "QRCode")] == [TicketCode(ticket, no) for no in steps]


@pytest.mark.slow
def test_codes_are_18_mm_on_alternating_sides_with_their_quiet_zone_and_off_the_fold(tmp_path):
    (page,) = print_pdf(render(order(*map(step, range(10, 110, 10))), GATEWAY, on=date(2026, 11, 22)), tmp_path)
    mm = 200 / 25.4
    found = sorted(
        (symbol.position for symbol in symbols(page) if "QR" in str(symbol.format)), key=lambda place: place.top_left.y
    )
    sides = ["left" if place.top_left.x < 1654 / 2 else "right" for place in found]
    assert sides == ["left", "right"] * 5
    with Image.open(page) as image:
        for place in found:
            left, top = place.top_left.x, place.top_left.y
            right, bottom = place.bottom_right.x, place.bottom_right.y
            assert (right - left) / mm == pytest.approx(18, abs=0.3)
            assert not top < 148.5 * mm < bottom
            quiet = 4 * (right - left) / 21 - 3  # less what the reader's corners may be off
            around = image.convert("L").crop(
                (int(left - quiet), int(top - quiet), int(right + quiet), int(bottom + quiet))
            )
            inner = (int(quiet) - 4, int(quiet) - 4, around.width - int(quiet) + 4, around.height - int(quiet) + 4)
            around.paste(255, inner)
            darkest, _ = around.getextrema()
            assert darkest > 200, "something is printed in the quiet zone"


@pytest.mark.slow
def test_long_texts_stay_inside_one_sheet(tmp_path):
    long = replace(
        order(*(step(no, "出荷前の洗浄・防錆・個別包装、方向をそろえて箱へ" * 7) for no in range(10, 110, 10))),
        part="長い品名" * 40,
        drawing="D" * 200,
        supplied="支給" * 90,
        own_number="N" * 200,
        material="材" * 100,
    )
    pages = print_pdf(render(long, GATEWAY, on=date(2026, 11, 22)), tmp_path)
    assert len(pages) == 1
    assert len(texts(symbols(pages[0]), "QRCode")) == 10


@pytest.mark.slow
def test_every_card_and_station_label_reads_back_from_the_print(tmp_path):
    pages = print_pdf(render_cards("旋削の会社", ["nc-1", "nc-3"]), tmp_path)
    read = {text for page in pages for text in texts(symbols(page), "QRCode")}
    assert {"S.NC-1-D", "S.NC-3-9", printed(CardCode(Card.START)), "C.PAUSE.MATERIAL-T"} <= read
    assert len(read) == 2 + len(CARDS) - 1 + 10 + 8 + 4
