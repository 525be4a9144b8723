"""An order file becomes orders, or the list of everything to mend in it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from broker.clock import Reading
from broker.events import ClockQuality, OperationKind, decode, encode
from gateway.orders.columns import HEADINGS, Column
from gateway.orders.order_file import parse as parse_file
from gateway.orders.proposals import Known, Parsed, created
from gateway.settings import Firm
from gateway.sheets import ROW_LIMIT, SIZE_LIMIT_BYTES

FIRMS = (
    Firm(id="turning", name="旋削の会社", name_en="Turning Works"),
    Firm(id="grinding", name="研削の会社"),
    Firm(id="plating", name="めっきの会社"),
    Firm(id="inspection", name="検査の会社"),
)
KNOWN = Known(FIRMS, date(2026, 11, 22))
HEAD = "own_number,part,quantity,spare,lots,due,coordinator,step_no,step,firm,kind,station,step_due\n"
SAMPLE = Path(__file__).resolve().parents[2] / "config" / "orders.csv"


def parse(data: bytes, _: object = None) -> Parsed:
    return parse_file(data, KNOWN)


def problems(text: str) -> list[str]:
    parsed = parse(text.encode(), FIRMS)
    assert not parsed.proposals
    return [str(problem) for problem in parsed.problems]


def test_the_sample_is_two_orders_that_cross_firms():
    parsed = parse(SAMPLE.read_bytes(), FIRMS)
    assert parsed.problems == ()
    first, second = parsed.proposals
    assert first.part.own_number == "A-2611-031"
    assert (first.part.quantity, first.part.spare, first.part.due) == (48, 2, date(2026, 12, 18))
    assert [(step.no, step.firm) for step in first.routing] == [
        (10, "turning"),
        (20, "grinding"),
        (30, "plating"),
        (40, "inspection"),
    ]
    assert first.routing[2].kind is OperationKind.SPECIAL
    assert first.routing[0].station == "nc-3"
    assert second.part.series == "prototype"
    assert second.part.supplied == "材料支給"


def test_spare_pieces_travel_with_the_lots_and_the_larger_lots_come_first():
    parsed = parse(SAMPLE.read_bytes(), FIRMS)
    assert [proposal.lots for proposal in parsed.proposals] == [(50,), (102, 102, 102)]
    assert parse((HEAD + "A,軸,50,2,3,,turning,,旋削,turning,,,\n").encode(), FIRMS).proposals[0].lots == (18, 17, 17)


def test_english_and_japanese_headings_with_and_without_a_byte_order_mark_say_the_same():
    english = HEAD + "A,軸,50,2,1,2026-12-25,turning,10,旋削,turning,machining,nc-1,2026-12-01\n"
    named = [HEADINGS[Column(name)].ja for name in HEAD.strip().split(",")]
    japanese = (
        ",".join(named) + "\r\nＡ,軸,５０,2,1,2026年12月25日,旋削の会社,10,旋削,Turning works,加工,NC-1,2026/12/1\r\n"
    )
    expected = parse(english.encode(), FIRMS)
    assert expected.proposals
    assert parse(japanese.encode("utf-8-sig"), FIRMS).proposals == expected.proposals


def test_order_columns_may_be_repeated_or_blank_below_the_first_line():
    text = (
        HEAD + "A,軸,5,,,,turning,,旋削,turning,,,\nA,軸,5,,,,turning,,研削,grinding,,,\n,,,,,,,35,検査,inspection,,,\n"
    )
    (proposal,) = parse(text.encode(), FIRMS).proposals
    assert [step.no for step in proposal.routing] == [10, 20, 35]


def test_every_problem_is_listed_by_line_with_column_reason_and_remedy():
    text = HEAD + (
        "A,,five,-1,,2026-02-30,nobody,10,旋削,turning,welding,NC 1,\n"
        "A,軸,,,,,,10,,turning,,,\n"
        "B,軸,2,,3,,turning,,旋削,turning,,,,surplus\n"
        "C,軸,2,,3,,turning,10,旋削,turning,,,12月末\n"
        "A,軸,2,,,,turning,20,旋削,turning,,,\n"
    )
    found = parse(text.encode(), FIRMS)
    assert found.proposals == ()
    assert [(problem.line, problem.column) for problem in found.problems] == [
        (1, None),
        (2, Column.PART),
        (2, Column.QUANTITY),
        (2, Column.SPARE),
        (2, Column.DUE),
        (2, Column.COORDINATOR),
        (2, Column.KIND),
        (2, Column.STATION),
        (3, Column.PART),
        (3, Column.STEP_NO),
        (3, Column.STEP),
        (4, Column.LOTS),
        (5, Column.LOTS),
        (5, Column.STEP_DUE),
        (6, Column.OWN_NUMBER),
    ]
    assert all(problem.reason.ja and problem.reason.en and problem.remedy.ja for problem in found.problems)


def test_an_unknown_firm_is_answered_with_the_known_ones():
    (said,) = problems(HEAD + "A,軸,5,,,,turning,,旋削,welding,,,\n")
    assert said == (
        "2行目 J列「会社」：会社「welding」は登録されていない。"
        "次のどれかにしてください（旋削の会社、研削の会社、めっきの会社、検査の会社）。"
        "新しい会社は、共有サーバーを世話する人に加えてもらってください。\n"
        "    row 2, column J, firm: the firm 'welding' is not known. "
        "Use one of these: Turning Works, 研削の会社, めっきの会社, 検査の会社. "
        "A new firm is added by whoever looks after the shared server: ask them."
    )


def test_a_number_that_comes_again_after_another_order_is_a_duplicate():
    line = "{},軸,5,,,,turning,,旋削,turning,,,\n"
    (said,) = problems(HEAD + line.format("A") + line.format("B") + line.format("A"))
    assert said.startswith("4行目 A列「製番」：製番 A は2行目にもうある。")


def test_step_numbers_go_up():
    (said,) = problems(HEAD + "A,軸,5,,,,turning,20,旋削,turning,,,\n,,,,,,,10,研削,grinding,,,\n")
    assert said.startswith("3行目 H列「工程番号」：工程 10 が工程 20 の後にある。")


def test_a_heading_nobody_knows_and_one_that_is_missing_are_both_named():
    said = problems("own_number,part,colour,quantity,step,firm\nA,軸,red,5,旋削,turning\n")
    assert len(said) == 2
    assert said[0].startswith("1行目「幹事会社」：この列がない。どの列か --map 見出し=coordinator で示すか、")
    assert said[1].startswith("1行目 C列「colour」：何の列か分からない。")


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 0, "何も書かれていない"),
        (HEAD.encode(), 0, "受注が一件もない"),
        (b"own_number,part\nA,\xff\x81\n", 2, "UTF-8 でも Shift_JIS"),
        (HEAD.encode() + b'A,"\xe8\xbb\xb8,5\n', 2, "CSV として読めない"),
        (HEAD.encode() + b"A,b\0,5,,,,turning,,c,turning,,,\n", 2, "印刷できない文字がある"),
        (b"x" * (SIZE_LIMIT_BYTES + 1), 0, "上限の"),
        (HEAD.encode() + b"A,b\n" * (ROW_LIMIT + 1), ROW_LIMIT + 1, "行より多い"),
    ],
)
def test_what_is_no_order_file_is_refused_with_a_sentence(data, line, words):
    (problem,) = parse(data, FIRMS).problems
    assert problem.line == line
    assert words in str(problem)


def test_rows_are_counted_as_a_spreadsheet_does_when_a_cell_has_line_breaks():
    text = HEAD + 'A,"軸\n二行目",5,,,,turning,,旋削,turning,,,\nB,軸,x,,,,turning,,旋削,turning,,,\n'
    (problem,) = parse(text.encode(), FIRMS).problems
    assert problem.line == 3


def test_an_order_too_large_for_one_event_is_refused():
    steps = "".join(f",,,,,,,,{'工' * 190},turning,,,\n" for _ in range(40))
    (said,) = problems(HEAD + "A,軸,5,,,,turning,,旋削,turning,,,\n" + steps)
    assert "受注が大きすぎて" in said


def test_a_created_event_survives_the_wire_and_carries_number_and_tickets():
    proposal = parse(SAMPLE.read_bytes(), FIRMS).proposals[1]
    now = Reading(datetime(2026, 11, 22, 1, tzinfo=UTC), 5, "0a", ClockQuality.SYNCED)
    event = created(proposal, key="k1", number="1002", tickets=["7K3Q9F", "7K3Q9G", "7K3Q9H"], now=now, by="import")
    assert decode(encode(event)) == event
    assert event.part
    assert event.part.number == "1002"
    assert [(ticket.id, ticket.branch, ticket.quantity) for ticket in event.tickets] == [
        ("7K3Q9F", 1, 102),
        ("7K3Q9G", 2, 102),
        ("7K3Q9H", 3, 102),
    ]
