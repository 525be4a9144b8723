"""What stands on a 工程移動票 and what does not. How it prints is `test_printing`."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from broker.events import OperationKind, Paper
from gateway.orders.blank_page import render_blanks
from gateway.orders.card_page import render_stations
from gateway.orders.label_page import render_labels
from gateway.orders.papers import Issue
from gateway.orders.stickers import Stickers
from gateway.orders.ticket_page import render
from gateway.rules.order import Operation, OrderState, Printing, State, Ticket
from gateway.settings import Firm, Gateway

GATEWAY = Gateway(
    data_dir=Path("/nowhere"),
    firms=(Firm(id="turning", name="旋削の会社", telephone="000-000-0000"), Firm(id="grinding", name="研削の会社")),
)
TODAY = Issue(date(2026, 11, 22))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


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
    html = render(order(step(10), step(20, "円筒研削", "grinding")), GATEWAY, TODAY)
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
    html = render(order(step(10)), GATEWAY, TODAY, customer=True)
    assert "客先A　PO-88120" in html


def test_what_somebody_typed_is_never_markup():
    html = render(order(step(10, "<script>alert(1)</script>")), GATEWAY, TODAY)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_a_replaced_ticket_is_not_printed_again():
    tickets = (Ticket("7K3Q9F", 1, 50, old=True), Ticket("8M2C4X", 1, 50, issue=2))
    html = render(order(step(10), tickets=tickets), GATEWAY, TODAY)
    assert "7K3Q9F" not in html
    assert "第2版" in html


def test_material_and_size_together_decide_how_small_they_are_printed():
    long = replace(order(step(10)), material="SUS316L ELN", size="φ40×62 ±0.02 h6 研削代込み")
    assert '<b class="s1">SUS316L ELN' in render(long, GATEWAY, TODAY)


def test_a_cancelled_step_has_no_code():
    html = render(order(step(10), step(20, state=State.CANCELLED)), GATEWAY, TODAY)
    assert html.count('class="qr"') == 1
    assert "取消" in html


def test_an_order_without_routing_prints_a_sheet_to_write_on():
    html = render(order(), GATEWAY, TODAY)
    assert html.count('class="row ') == 10
    assert html.count('class="qr"') == 0
    assert html.count('class="code128"') == 1


def test_a5_has_four_steps_a_sheet_and_says_where_it_goes_on():
    html = render(order(*map(step, range(10, 130, 10))), GATEWAY, TODAY, paper=Paper.A5)
    assert html.count('<section class="sheet">') == 3
    assert html.count('class="qr"') == 12
    assert [f"続き {n}／3 へ" in html for n in (2, 3, 4)] == [True, True, False]
    assert html.count("4471</b>") == 3, "the header is on every sheet"


def test_one_lot_can_be_printed_alone():
    tickets = (Ticket("7K3Q9F", 1, 25), Ticket("8M2C4X", 2, 25))
    html = render(order(step(10), tickets=tickets), GATEWAY, TODAY, ticket="8M2C4X")
    assert "7K3Q9F" not in html
    assert "2<small>／2</small>" in html


def test_a_paper_that_nobody_recorded_says_that_it_is_a_sample():
    assert "見本<i>Preview, not recorded</i>" in render(order(step(10)), GATEWAY, TODAY)


def test_the_second_paper_says_reprint_and_the_first_says_nothing():
    made = [Printing(("gateway", "0" * 16, n), paper, NOW, None) for n, paper in enumerate(Paper, start=1)]
    printed = order(step(10), tickets=(Ticket("7K3Q9F", 1, 50, prints=tuple(made)),))
    a4, a5, label = (Issue(TODAY.on, one.key) for one in made)
    assert "copy" not in marked(render(printed, GATEWAY, a4))
    assert "再発行 1<i>Reprint 1</i>" in render(printed, GATEWAY, a5, paper=Paper.A5), "another size of the same paper"
    assert "copy" not in marked(render_labels(printed, GATEWAY, label)), "a box label is another paper"


def marked(html: str) -> str:
    return html.partition("</style>")[2]


def test_a_box_has_what_was_asked_for_and_the_last_one_the_rest():
    html = marked(render_labels(order(step(10)), GATEWAY, TODAY, each=20))
    assert re.findall(r"箱 <i>Box</i> <b>(\d+)</b>／(\d+)", html) == [("1", "3"), ("2", "3"), ("3", "3")]
    assert re.findall(r"Planned</i></span><b[^>]*>([^<]*)</b>", html) == ["20", "20", "10"]


def test_nobody_guesses_what_is_in_a_box():
    html = marked(render_labels(order(step(10)), GATEWAY, TODAY, boxes=2))
    assert re.findall(r"Planned</i></span><b[^>]*>([^<]*)</b>", html) == ["", ""]


def test_stickers_that_do_not_fit_are_refused_in_a_sentence():
    for given, said in (
        ({"width": 90}, "do not fit on A4"),
        ({"width": 40, "columns": 4}, "too small"),
        ({"top": 5}, "do not fit"),
    ):
        with pytest.raises(ValueError, match=said):
            Stickers(**given)


def test_a_sheet_that_was_begun_keeps_its_empty_places():
    html = marked(render_blanks(["7K3Q9F", "8M2C4X"], GATEWAY, Stickers(), TODAY, skip=23))
    assert re.findall(r'style="left: ([0-9.]+)mm; top: ([0-9.]+)mm"', html) == [("140.0", "259.5"), ("0.0", "0.5")]
    assert html.count('<section class="sheet">') == 2


def test_stations_are_called_as_people_call_them():
    html = marked(render_stations("旋削の会社", {"nc-1": "NC旋盤1号", "nc-2": ""}))
    for words in ("NC旋盤1号</b><i>NC-1</i>", "NC-2</b><i>Station</i>", "S.NC-1-D"):
        assert words in html
