"""The pages over orders that the real rules folded: one lot through three firms, asked for at every step."""

from gateway.rules.order import OrderState
from gateway.settings import Firm, Gateway
from gateway.web.bars import order_time, own_times
from gateway.web.floor import Floor as Board
from gateway.web.floor import floor
from gateway.web.lane import lane
from gateway.web.look import environment
from gateway.web.reader import Language, Names, Reader
from gateway.web.sheet import checks, handovers
from gateway.web.whereabouts import answer
from tests.rules.floor import Floor, at
from tests.web.sample import ZONE

FIRMS = tuple(Firm(id=name, name=f"{name.upper()}社", name_en=f"{name.upper()} Works") for name in "abc")


def reader(minute: float, language: Language = "ja") -> Reader:
    return Reader(language, ZONE, at(minute), Names.of(Gateway(data_dir="/nowhere", firms=FIRMS)))


def numbers(board: Board) -> tuple[list[str], list[str], int, list[str]]:
    """What stands in each column: operations coming, ready, slips at stations, operations to ship."""
    return (
        [slip.operation for slip in board.coming],
        [slip.operation for slip in board.ready],
        sum(len(tile.slips) for tile in board.tiles),
        [slip.line for slip in board.to_ship],
    )


def test_the_answer_and_the_floors_follow_a_lot_from_firm_to_firm() -> None:
    story = Floor("10:a 20:b 30:a", coordinator="c")

    def said(minute: float) -> str:
        return (
            answer(story.state, reader(minute)).partition("社 ")[2].partition(" ")[0]
            + " "
            + _state(story.state, minute)
        )

    def board(firm: str, minute: float) -> tuple[list[str], list[str], int, list[str]]:
        return numbers(floor(firm, [story.state], (), reader(minute)))

    assert said(1) == "工程10 着手待ち"
    assert board("a", 1) == (["30 step 30"], ["10 step 10"], 0, [])
    began = story.start("a", 10, 5)
    assert said(6) == "工程10 作業中"
    assert board("a", 6) == (["30 step 30"], [], 1, [])
    story.finish("a", 10, 30, closes=began, good=48, scrap=2)
    assert said(31) == "工程10 出荷待ち"
    assert board("a", 31) == (["30 step 30"], [], 0, ["B社へ"])
    story.ship("a", 40, 48)
    assert answer(story.state, reader(41)).startswith("いま: B社へ 工程20 移動中")
    assert board("a", 41) == (["30 step 30"], [], 0, [])
    assert board("b", 41) == (["20 step 20"], [], 0, [])
    story.receive("b", 60, 47)
    assert said(61) == "工程20 着手待ち"
    story.job("b", 20, 70, 90)
    assert said(91) == "工程20 出荷待ち"
    assert board("b", 91) == ([], [], 0, ["A社へ"])
    story.job("a", 30, 100, 120)  # nobody scanned the way back
    assert said(121) == "工程30 出荷待ち"
    assert board("b", 121) == ([], [], 0, [])
    assert board("a", 121) == ([], [], 0, ["C社へ"])
    story.ship("a", 130)
    assert answer(story.state, reader(131)).startswith("完了しています")
    assert board("a", 131) == ([], [], 0, [])


def _state(order: OrderState, minute: float) -> str:
    return lane(order, reader(minute)).now.word.ja


def test_counts_that_differ_and_receipts_nobody_scanned_are_sentences_with_their_numbers() -> None:
    story = Floor("10:a 20:b 30:a")
    story.job("a", 10, 0, 30, good=50)
    story.ship("a", 40, 50)
    story.receive("b", 60, 48)
    story.job("b", 20, 70, 90)
    story.start("a", 30, 100)
    asked = {one.word.en: one.about for one in checks(story.state, reader(101))}
    assert asked["Shipped and received counts differ"] == "工程 20 · 出荷 50 · 受入 48"
    assert asked["Arrival assumed: nobody scanned it"].startswith("工程 30 · 票 ")
    first, second = handovers(story.state, reader(101))
    assert (first.sent.count, first.received.count, first.difference) == ("50", "48", "差 2")
    assert second.implied
    assert second.received.count == "48（未確認）"
    assert not second.sent.scanned


def test_both_accounts_of_a_folded_order_are_drawn() -> None:
    story = Floor("10:a 20:b", coordinator="c")
    began = story.setup("a", 10, 5)
    story.start("a", 10, 20)
    story.pause("a", 10, 40, closes=began, reason="MATERIAL")
    drawn = order_time(story.state, reader(60, "en"))
    assert drawn
    assert drawn.total == "1 h"
    assert [(row.word.en, row.total) for row in drawn.rows] == [
        ("Running", "20 min"),
        ("Set-up", "15 min"),
        ("Waiting for others", "20 min"),
        ("Queue", "5 min"),
    ]
    assert [one.no for one in own_times(story.state, reader(60))] == [10]


def test_a_ticket_nobody_knows_has_a_row_of_its_own() -> None:
    story = Floor("")
    story.start("a", None, 5)
    row = lane(story.state, reader(6))
    assert row.number is None
    assert row.checks >= 1
    for language in ("ja", "en"):
        html = environment().get_template("_row.html").render(lane=row, r=reader(6, language))
        assert ("番号不明" if language == "ja" else "Unknown number") in html
