"""Every paper as it leaves the printer: real Chromium, at a label printer's and a laser printer's dots, read back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import zxingcpp
from PIL import Image, ImageFilter

from broker.codes import BadgeCode, Card, CardCode, StationCode, TicketCode, address, parse, printed
from broker.events import Paper
from broker.words import CARDS
from gateway.orders.blank_page import render_blanks
from gateway.orders.card_page import render_badges, render_cards, render_digits, render_stations
from gateway.orders.label_page import render_labels
from gateway.orders.stickers import Stickers
from gateway.orders.ticket_page import render
from gateway.rules.order import OrderState, Ticket
from tests.orders.paper import Press, pressing, symbols, texts
from tests.orders.test_ticket_page import GATEWAY, TODAY, order, step

pytestmark = pytest.mark.slow

LABEL_PRINTER, LASER = 203, 300
PUBLIC = GATEWAY.model_copy(update={"public_url": "https://mawashi.example.jp"})
T = "7K3Q9F"
TWELVE = range(10, 130, 10)
BLANKS = [f"7K3Q{n:02d}" for n in range(24)]
STATIONS = {f"nc-{n}": f"NC旋盤 {n}号機" for n in range(1, 11)}
A4, A5, BOX = (210, 297), (210, 148), (62, 100)
A5_HEIGHT_MM = 148


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    with pressing(tmp_path_factory.mktemp("press")) as opened:
        yield opened


def worst() -> OrderState:
    """Long names, twelve steps, five digits: what a real shop types."""
    names = ("旋削 荒", "円筒研削 φ24h6 Ra0.4 両センター基準 段付き部は R0.3 以下", "Deburring, no sharp edges allowed")
    steps = (replace(step(no, names[no // 10 % 3]), station="nc-12" if no % 20 else None) for no in TWELVE)
    return replace(
        order(*steps, tickets=(Ticket(T, 1, 48600),)),
        number="10471",
        part="油圧シリンダ用 ピストンロッド組立品（特殊仕様・低温対応）",
        drawing="HYD-88-20431-A-0007-REV",
        material="SCM440H 調質 HRC28-32",
        size="φ120×1,850 全長±0.2",
        quantity=48000,
        spare=1200,
        own_number="2026-11-L-004512-B",
        supplied="素材・めっき治具・専用ゲージ一式（返却のこと）",
    )


@dataclass(frozen=True)
class Sample:
    """One kind of paper, and what a scanner must read on each of its pages."""

    name: str
    html: str
    size_mm: tuple[int, int]
    qr: list[list[str]]
    bars: list[list[str]]


def samples() -> list[Sample]:
    whole, box = printed(TicketCode(T)), [[printed(TicketCode(T))]] * 2
    steps = [printed(TicketCode(T, no)) for no in TWELVE]
    public = [address(TicketCode(T, no), "https://mawashi.example.jp") for no in TWELVE]
    blanks = [printed(TicketCode(one)) for one in BLANKS]
    stations, badge = [printed(StationCode(one)) for one in STATIONS], printed(BadgeCode("sato"))
    digits = [printed(CardCode(Card.DIGIT, one)) for one in "7894561230"]
    keys = [*digits, printed(CardCode(Card.ENTER)), printed(CardCode(Card.UNDO))]
    return [
        Sample("A4", render(worst(), GATEWAY, TODAY), A4, [steps[:10], steps[10:]], [[whole]] * 2),
        Sample(
            "A5",
            render(worst(), PUBLIC, TODAY, paper=Paper.A5),
            A5,
            [public[:4], public[4:8], public[8:]],
            [[whole]] * 3,
        ),
        Sample("現品票", render_labels(order(step(10)), GATEWAY, TODAY, boxes=2), BOX, box, box),
        Sample("白票", render_blanks(BLANKS, GATEWAY, Stickers(), TODAY), A4, [blanks], [blanks]),
        Sample("設備札", render_stations("旋削の会社", STATIONS), A4, [stations], [stations]),
        Sample("数字板", render_digits("旋削の会社"), A4, [keys], [keys]),
        Sample("名札", render_badges("旋削の会社", {"sato": "佐藤"}), A4, [[badge]], [[badge]]),
    ]


@pytest.mark.parametrize("dpi", [LABEL_PRINTER, LASER])
def test_every_symbol_of_every_paper_reads_back(press: Press, dpi: int) -> None:
    count = 0
    for sample in samples():
        pages = press.pages(sample.html, dpi)
        assert len(pages) == len(sample.qr), sample.name
        for page, qr, bars in zip(pages, sample.qr, sample.bars, strict=True):
            with Image.open(page) as image:
                assert image.size == pytest.approx([mm * dpi / 25.4 for mm in sample.size_mm], abs=4), sample.name
            found = symbols(page)
            assert sorted(texts(found, "QRCode")) == sorted(qr), sample.name
            assert sorted(texts(found, "Code128")) == sorted(bars), sample.name
            assert all(parse(one.text) for one in found)
            count += len(found)
    assert count == 12 + 2 + 12 + 3 + 4 + 48 + 20 + 24 + 2


def test_every_card_reads_back_and_none_is_missing(press: Press) -> None:
    found = [symbol for page in press.pages(render_cards("旋削の会社")) for symbol in symbols(page)]
    wanted = {Card(card) for card in CARDS} - {Card.DIGIT, Card.ENTER}
    for kind in ("QRCode", "Code128"):
        read = texts(found, kind)
        codes = [parse(text) for text in read]
        assert len(set(read)) == len(read) == len(wanted) + 8 + 4, "the reasons of a pause and of scrap besides"
        assert {code.card for code in codes if isinstance(code, CardCode)} == wanted


@pytest.mark.parametrize("turn", [-6, 3])
def test_a_smudged_paper_held_askew_still_reads(press: Press, turn: int) -> None:
    for sample in samples()[1:4]:
        (page, *_), (qr, *_), (bars, *_) = press.pages(sample.html, LASER), sample.qr, sample.bars
        with Image.open(page) as whole:
            image = whole.crop((0, 0, whole.width, min(whole.height, A5_HEIGHT_MM * LASER // 25)))
            soft = image.filter(ImageFilter.GaussianBlur(0.12 / 25.4 * LASER))
            askew = soft.rotate(turn, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
        found = symbols(askew)
        half = len(BLANKS) // 2  # of the sheet of stickers, the upper half
        assert sorted(texts(found, "QRCode")) == sorted(qr[:half]), sample.name
        assert sorted(texts(found, "Code128")) == sorted(bars[:half]), sample.name


def test_every_qr_is_18_mm_at_least_with_its_quiet_zone(press: Press) -> None:
    for sample in samples()[:6]:
        for page in press.pages(sample.html):
            with Image.open(page) as opened:
                image = opened.convert("L")
            for symbol in symbols(page):
                if "QR" in str(symbol.format):
                    side = width(symbol)
                    assert side * 25.4 / LABEL_PRINTER >= 17.8, sample.name
                    assert quiet(image, symbol, modules=25 if len(symbol.text) > 25 else 21) > 200, sample.name


def test_codes_stand_on_alternating_sides_and_off_the_fold(press: Press) -> None:
    mm = LABEL_PRINTER / 25.4
    (page, _) = press.pages(render(worst(), GATEWAY, TODAY))
    places = [symbol.position for symbol in symbols(page) if "QR" in str(symbol.format)]
    places.sort(key=lambda place: place.top_left.y)
    assert ["left" if place.top_left.x < 105 * mm else "right" for place in places] == ["left", "right"] * 5
    assert not any(place.top_left.y < 148.5 * mm < place.bottom_right.y for place in places)
    with Image.open(page) as image:
        fold = image.convert("L").crop((int(10 * mm), int(147.9 * mm), int(200 * mm), int(149.1 * mm)))
    assert fold.getextrema()[0] > 200, "something is printed across the fold"


def round_four_firms() -> OrderState:
    return order(
        *(step(no, firm=name) for no, name in enumerate(("turning", "grinding", "めっきの会社", "検査の会社"), 1))
    )


CELLS = ".facts > div, .cells > div > .text, .number, .branch, .grid > div, .pieces, .says, .copy, footer > p, .key, .last > div, header"


def test_nothing_is_cut_off_on_any_paper_with_what_a_real_shop_types(press: Press) -> None:
    several = worst()
    papers = [
        render(several, GATEWAY, TODAY),
        render(several, GATEWAY, TODAY, paper=Paper.A5, customer=True),
        render_labels(several, PUBLIC, TODAY, boxes=12, each=4050),
        render_labels(round_four_firms(), GATEWAY, TODAY, boxes=12),
        render_stations("旋削の会社", {"very-long-station-name-0012-abcd": "立形マシニングセンタ 2号機 第二工場"}),
        render_blanks(BLANKS, GATEWAY, Stickers(), TODAY),
        render_cards("旋削の会社"),
        render_digits("旋削の会社"),
    ]
    page = press.browser.new_page()
    page.emulate_media(media="print")
    for html in papers:
        page.set_content(html)
        cut = page.eval_on_selector_all(
            CELLS,
            """all => all.filter(one => {
                const type = parseFloat(getComputedStyle(one.querySelector("b") || one).fontSize);
                return one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + type / 5;
            }).map(one => one.className + ": " + one.innerText)""",  # a line of type is a fifth higher than its ink
        )
        assert cut == []
    page.close()


def test_texts_of_any_length_stay_on_their_sheets(press: Press) -> None:
    long = replace(
        order(*(step(no, "出荷前の洗浄・防錆・個別包装、方向をそろえて箱へ" * 7) for no in range(10, 110, 10))),
        part="長い品名" * 40,
        drawing="D" * 200,
        supplied="支給" * 90,
        own_number="N" * 200,
        material="材" * 100,
    )
    pages = press.pages(render(long, GATEWAY, TODAY, paper=Paper.A5))
    assert [len(texts(symbols(page), "QRCode")) for page in pages] == [4, 4, 2]
    (label,) = press.pages(render_labels(long, GATEWAY, TODAY))
    assert len(symbols(label)) == 2


def width(symbol: zxingcpp.Barcode) -> int:
    place = symbol.position
    return max(place.bottom_right.x, place.top_right.x) - min(place.top_left.x, place.bottom_left.x)


def quiet(image: Image.Image, symbol: zxingcpp.Barcode, *, modules: int) -> int:
    """Return the darkest tone within four modules around a QR code, less what the reader's corners may be off."""
    left, top = symbol.position.top_left.x, symbol.position.top_left.y
    right, bottom = symbol.position.bottom_right.x, symbol.position.bottom_right.y
    zone = int(4 * (right - left) / modules - 3)
    around = image.crop((left - zone, top - zone, right + zone, bottom + zone))
    around.paste(255, (zone - 4, zone - 4, around.width - zone + 4, around.height - zone + 4))
    darkest, _ = around.getextrema()
    return int(darkest)  # type: ignore[arg-type]
