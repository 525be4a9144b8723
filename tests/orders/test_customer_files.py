"""A customer's file as it comes: read, asked about once, remembered, and every problem named where it stands."""

import io
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook

from broker.events import OperationKind, Step
from broker.settings import SettingsError
from gateway.orders.bring import keep_answers
from gateway.orders.columns import Column
from gateway.orders.layout import Answers, Source
from gateway.orders.order_file import parse
from gateway.orders.parts import master
from gateway.orders.proposals import Known, Parsed
from gateway.orders.remembered import Remembered, recall, remember
from gateway.rules.order import Change, Operation, OrderState, State
from gateway.settings import Gateway
from tests.orders.awful import awful, book
from tests.orders.test_order_file import FIRMS, SAMPLE

TODAY = date(2026, 11, 22)
HEAD = "注文番号,図番,改訂,品名,数量,納期,幹事会社"
ANSWERED = Answers(
    {"型番": Column.DRAWING, "区分": None},
    given={Column.COORDINATOR: "turning", Column.FIRM: "turning"},
    customer="サンプル精機",
)
SAID = Remembered(
    customer="サンプル精機",
    columns={
        **dict.fromkeys(("区分",), "-"),
        "注文 No.": Column.CUSTOMER_NUMBER,
        "型番": Column.DRAWING,
        "品 名": Column.PART,
        "改訂": Column.REVISION,
        "注文 数量": Column.QUANTITY,
        "納期": Column.DUE,
        "金額": Column.AMOUNT,
    },
    given={Column.COORDINATOR: "turning"},
)


def made(key: str = "k1", **what: object) -> OrderState:
    """An order that is there: VB-2204 C by turning, then inspection."""
    steps = [(10, "旋削", "turning"), (20, "検査", "inspection")]
    order = OrderState(
        key=key,
        known=True,
        number="4471",
        state=State.RUNNING,
        held=False,
        released_at=datetime(2026, 8, 3, tzinfo=UTC),
        delivered_at=None,
        last_at=None,
        coordinator="turning",
        drawing="VB-2204",
        revision="C",
        part="バルブボディ",
        quantity=48,
        operations=tuple(
            Operation(no, name, firm, OperationKind.MACHINING, State.READY, None) for no, name, firm in steps
        ),
    )
    return replace(order, **what)


def known(*orders: OrderState, remembered: tuple[Remembered, ...] = (), again: bool = False) -> Known:
    def named(name: str) -> list[OrderState]:
        return [
            one for one in orders if name in {one.own_number, one.customer_number, one.drawing, one.part, one.number}
        ]

    return Known(FIRMS, TODAY, remembered, named, again)


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *rows)).encode("cp932")


def said(parsed: Parsed, *, notes: bool = False) -> list[tuple[int, str | None, str]]:
    found = parsed.notes if notes else parsed.problems
    return [(one.line, one.column and one.column.value, one.reason.ja) for one in found]


def test_what_nobody_knows_is_asked_with_a_proposal_and_nothing_is_guessed():
    parsed = parse(awful(), known())
    assert parsed.proposals == ()
    assert [str(one).splitlines()[0] for one in parsed.problems] == [
        (
            "シート「注文一覧」5行目「幹事会社」：この列がない。どの列か --map 見出し=coordinator で示すか、"
            "全部の行で同じなら --set coordinator=... としてください。"
        ),
        (
            "シート「注文一覧」5行目 B列「型番」：何の列か分からない。図番なら --map 型番=drawing、"
            "読まないなら --map 型番=-（分からない列を全部読まないなら --ignore-rest）。"
        ),
        (
            "シート「注文一覧」5行目 K列「区分」：何の列か分からない。--map 区分=列名、"
            "読まないなら --map 区分=-（分からない列を全部読まないなら --ignore-rest）。"
        ),
    ]
    assert parsed.layout
    assert parsed.layout.headings == (4, 5)
    assert {one.heading for one in parsed.layout.fields} >= {"工程番号", "工程名称", "工程納期", "注文 数量"}


def test_everything_wrong_in_an_awful_workbook_is_named_at_once_with_its_place_and_remedy():
    parsed = parse(awful(), known(), ANSWERED)
    assert said(parsed) == [
        (8, "drawing", "「125」は初めての品で、工程が書かれていない"),
        (9, "drawing", "Excel が日付 2026-05-12 に変えている"),
        (9, "quantity", "Excel のエラー #REF!（参照していたセルがなくなっている）"),
        (9, "due", "「至急」という日付はない"),
        (9, "amount", "式の値が計算されていない"),
        (10, "drawing", "「00127」は初めての品で、工程が書かれていない"),
        (10, "quantity", "「12.5」は1から10,000,000までの整数ではない"),
        (10, "due", "「12/1/27」はどの数が年か分からない"),
        (10, "amount", "Excel のエラー #N/A（探した値が見つからない）"),
        (11, "quantity", "数量が -5（マイナス）。返品や取消は受注ではない"),
        (16, None, "8行目と同じ受注"),
        (16, "drawing", "「125」は初めての品で、工程が書かれていない"),
    ]
    assert str(parsed.problems[2]) == (
        "シート「注文一覧」9行目 E列「注文 数量」（数量）：Excel のエラー #REF!（参照していたセルがなくなっている）。"
        "式を直すか、値を入れて保存し直してください。\n"
        '    sheet 注文一覧, row 9, column E, "注文 数量" (quantity): it holds Excel\'s error #REF! '
        "(the cell it refers to is gone). Mend the formula, or put the value in its place."
    )
    assert [one[2] for one in said(parsed, notes=True) if one[0] > 5] == [
        "「12/1」を 2026-12-01 と読みました",
        "125 と 00123 が混ざっている。Excel が先頭の 0 を消したかもしれない",
        "「46374」を 2026-12-18 と読みました",
        "合計の行なので読みません",
        "見出しがもう一度あるので読みません",
        "125 と 00123 が混ざっている。Excel が先頭の 0 を消したかもしれない",
        "「46374」を 2026-12-18 と読みました",
        "「以上」だけの行なので読みません",
        "「備考:単価は別途お見積りの通り。図面は返却してください。」は受注ではない書き込みなので読みません",
        "「1. 材料は支給」は受注ではない書き込みなので読みません",
    ]
    assert [one[2] for one in said(parsed, notes=True) if one[0] == 0][1:] == [
        "Excel で隠れている行（12行目。絞り込みで見えない行も）を読みました",
        "Excel で隠れている列（D 改訂）を読みました",
    ]


def test_a_row_or_column_that_nobody_sees_is_said_only_where_it_is_read():
    plain = ["PO-1", "00123", "軸", "A", 5, "R8.12.18", 10, "旋削"]
    rows = (plain, *([f"PO-{n}", *plain[1:]] for n in range(2, 7)), [None, None, "合計", None, 30], ["以上"])

    def hidden(*which: int | str) -> list[str]:
        parsed = parse(book(*rows, hidden=which), known(), ANSWERED)
        assert len(parsed.proposals) == 6
        return [one.reason.en for one in parsed.notes if "Excel hides" in one.reason.en]

    assert hidden(2, 12, 13, "K") == [], "a title, a total, the end, and a column that is not read"
    assert hidden(6, 8, 9, 10) == ["rows that Excel hides, by a filter or by hand, were read too: 6, 8-10"]
    assert hidden("D", "J") == ["columns that Excel hides were read too: D 改訂, J 金額"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("備考：梱包は一個ずつ", True),
        ("※至急", True),
        ("* 材料は支給", True),
        ("図面は返却してください", True),
        ("Note: pack each one", True),
        ("注水ノズル", False),
        ("VB-2204", False),
        ("1. 材料は支給", False),
    ],
)
def test_a_row_of_one_cell_is_a_note_if_nobody_would_call_a_part_so(text, note):
    file = f"図番,品名,数量,工程,会社,幹事会社\nA-1,軸,5,旋削,turning,turning\n,{text},,,,\n"
    parsed = parse(file.encode(), known())
    assert (not parsed.problems) is note
    assert [one.line for one in parsed.notes if "note" in one.reason.en] == [3] * note


def test_notes_have_a_heading_or_go_on_below_one_and_an_order_below_them_is_read():
    file = (
        "図番,品名,数量,工程,会社,幹事会社\n備考,梱包は一個ずつ,,,,\n1) 材料は支給,,,,,\n"
        "・検査表を付ける,,,,,\nA-1,軸,5,旋削,turning,turning\n"
    )
    parsed = parse(file.encode(), known())
    assert [one.line for one in parsed.notes] == [2, 3, 4]
    assert [one.line for one in parsed.proposals] == [5]


@pytest.mark.parametrize("text", ["-5", "－５", "▲5", "△ 1,000", "-5個"])
def test_what_is_sent_back_is_no_order(text):
    file = f'図番,品名,数量,納期,幹事会社\nA-1,軸,"{text}",至急,turning\n'
    (problem,) = parse(file.encode(), known()).problems
    assert "below zero" in problem.reason.en
    assert "Remove the row" in problem.remedy.en


def test_a_good_workbook_becomes_one_order_a_part_under_the_customers_one_number():
    data = book(
        ["PO-1", "00123", "軸", "A", "１，０００", "R8.12.18", 10, "旋削", "令和8年12月1日", "¥120,000", "急ぎ"],
        [None, None, None, None, None, None, 20, "検査"],
        ["PO-1", "00124", "カラー", "B", "50個", datetime.fromisoformat("2026-12-18"), 10, "旋削"],
    )
    parsed = parse(data, known(), ANSWERED)
    assert parsed.problems == ()
    first, second = parsed.proposals
    assert [one.part.customer_number for one in parsed.proposals] == ["PO-1", "PO-1"]
    assert (first.part.drawing, first.part.quantity, first.part.amount) == ("00123", 1000, 120_000)
    assert [(step.no, step.name, step.firm, step.due) for step in first.routing] == [
        (10, "旋削", "turning", date(2026, 12, 1)),
        (20, "検査", "turning", None),
    ]
    assert first.part.due == second.part.due == date(2026, 12, 18)
    assert second.part.quantity == 50
    assert first.part.customer == "サンプル精機"


def test_the_sample_of_a_customers_file_is_read_as_the_guide_says():
    answers = Answers(
        {"品番": Column.DRAWING, "納入日": Column.DUE, "備考": None},
        given={Column.COORDINATOR: "turning"},
        customer="客先A",
    )
    sample = SAMPLE.with_name("orders-customer.csv").read_bytes()
    parsed = parse(sample, known(made(customer="客先A"), made("k2", drawing="SP-0113", revision=None)), answers)
    assert [(one.part.drawing, one.part.quantity, one.part.due) for one in parsed.proposals] == [
        ("VB-2204", 1000, date(2027, 2, 26)),
        ("SP-0113", 50, date(2027, 2, 26)),
    ]


def test_what_was_answered_is_kept_readable_and_the_next_file_is_known_by_its_headings(tmp_path):
    parsed = parse(awful(), known(), ANSWERED)
    assert parsed.layout
    kept = keep_answers(Gateway(data_dir=tmp_path), parsed.layout, ANSWERED)
    assert kept == tmp_path / "order-files" / "サンプル精機.toml"
    written = tomllib.loads(kept.read_text())
    assert written["columns"]["型番"] == "drawing"
    assert written["columns"]["区分"] == "-"
    assert written["given"] == {"coordinator": "turning", "firm": "turning"}
    assert keep_answers(Gateway(data_dir=tmp_path), parsed.layout, ANSWERED) is None, "nothing new"

    again = parse(awful(), known(remembered=tuple(recall(tmp_path))))
    assert said(again) == said(parsed)
    assert again.layout
    assert (again.layout.customer, again.layout.remembered) == ("サンプル精機", "サンプル精機")
    assert {one.source for one in again.layout.fields} == {Source.REMEMBERED}
    assert "「サンプル精機」のファイルとして、覚えている読み方で読みました" in [one.reason.ja for one in again.notes]


def test_a_file_that_two_customers_may_have_sent_is_asked_about(tmp_path):
    other = Remembered(customer="見本工業", columns={**SAID.columns, "型番": Column.PART, "品 名": "-"})
    row = ["PO-1", "VB-2204", "軸", "C", 5, "R8.12.18"]
    both = known(made(), remembered=(SAID, other))
    parsed = parse(book(row), both)
    assert (5, None, "何の列か分からない") in said(parsed)
    assert (0, None, "どの客先のファイルか分からない（サンプル精機、見本工業）") in said(parsed, notes=True)
    assert parse(book(row), both, Answers(customer="サンプル精機")).proposals[0].part.drawing == "VB-2204"


def test_two_columns_of_the_same_heading_are_remembered_by_their_letters(tmp_path):
    head = "注文番号,図番,数量,納期,納期"
    row = "PO-1,VB-2204,5,2026/12/25,12月末ごろ"
    (problem, *_) = parse(csv(row, head=head), known(made()), Answers(given={Column.COORDINATOR: "turning"})).problems
    assert problem.remedy.ja == "どちらかを読まないでください（--map E=-）"
    answers = Answers({"e": None}, given={Column.COORDINATOR: "turning"}, customer="見本工業")
    parsed = parse(csv(row, head=head), known(made()), answers)
    assert parsed.layout
    keep_answers(Gateway(data_dir=tmp_path), parsed.layout, answers)
    again = parse(csv(row, head=head), known(made(), remembered=tuple(recall(tmp_path))))
    assert [one.part.due for one in again.proposals] == [date(2026, 12, 25)]


def test_a_row_with_its_step_twice_is_no_order_of_two_steps():
    row = "PO-9,VB-1,,,5,,turning,旋削,turning"
    parsed = parse(csv(row, row, head="注文番号,図番,改訂,品名,数量,納期,幹事会社,工程,会社"), known())
    assert [(line, reason) for line, _, reason in said(parsed)] == [(3, "2行目と同じ受注")]


def test_customers_with_names_no_file_may_have_are_kept_apart(tmp_path):
    for name in ("../../etc/passwd", "A/B", "A_B", "。", "x" * 200, 'say "hi"\n'):
        remember(tmp_path, Remembered(customer=name, columns={'a"b\\c': Column.PART}))
    assert len(recall(tmp_path)) == 6
    assert {path.parent for path in tmp_path.rglob("*.toml")} == {tmp_path / "order-files"}


def test_headings_that_differ_in_what_nobody_sees_do_not_spoil_what_is_remembered(tmp_path):
    columns = {"図\x01番": Column.DRAWING, "図\x02番": "-"}
    kept = remember(tmp_path, Remembered(customer="見本工業", columns=columns))
    assert [one.columns for one in recall(tmp_path)] == [{"図 番": Column.DRAWING}]
    assert kept
    assert remember(tmp_path, Remembered(customer="見本工業", columns=columns)) is None


def test_a_file_of_answers_that_somebody_spoilt_is_named(tmp_path):
    (tmp_path / "order-files").mkdir()
    (tmp_path / "order-files" / "a.toml").write_text('customer = "a"\n[columns]\n"型番" = "drwaing"\n')
    with pytest.raises(SettingsError, match=r"a\.toml"):
        recall(tmp_path)


def test_a_part_that_was_made_takes_its_last_routing_and_says_whose():
    older = made("k0", number="4400", released_at=datetime(2026, 1, 5, tzinfo=UTC), operations=made().operations[:1])
    parsed = parse(csv("PO-9,VB-2204,Ｃ,,200,12/25,turning"), known(older, made()))
    (proposal,) = parsed.proposals
    assert proposal.routing == (Step(no=10, name="旋削", firm="turning"), Step(no=20, name="検査", firm="inspection"))
    assert proposal.routing_from == "k1"
    assert (2, "drawing", "前回（4471、2026-08-03）と同じ工程で：旋削→検査") in said(parsed, notes=True)


def test_a_new_revision_of_a_known_drawing_is_said_clearly():
    parsed = parse(csv("PO-9,VB-2204,D,,200,12/25,turning"), known(made()))
    assert len(parsed.proposals[0].routing) == 2
    assert (2, "revision", "図番は同じでも改訂 D は初めて。改訂 C（4471）の工程を使います：旋削→検査") in said(
        parsed, notes=True
    )


@pytest.mark.parametrize(
    ("there", "row"),
    [
        (made(coordinator="grinding"), "PO-9,VB-2204,C,,5,,turning"),
        (made(state=State.CANCELLED, operations=()), "PO-9,VB-2204,C,,5,,turning"),
        (made(drawing=None, part="軸"), "PO-9,VB-2204,C,軸,5,,turning"),
    ],
    ids=["another coordinator's", "never made", "another drawing"],
)
def test_what_is_another_part_is_new_and_needs_its_steps_once(there, row):
    (problem,) = parse(csv(row), known(there), Answers(customer="サンプル精機")).problems
    assert problem.reason.ja == "「VB-2204」は初めての品で、工程が書かれていない"
    assert "次からは前回と同じ工程で入ります" in problem.remedy.ja


def test_a_part_made_for_another_customer_is_not_called_new():
    row = "PO-9,VB-2204,C,,5,,turning"
    (problem,) = parse(csv(row), known(made(customer="見本工業")), Answers(customer="サンプル精機")).problems
    assert problem.reason.ja == "「VB-2204」は別の客先（見本工業）の受注 4471 で作った品で、工程が書かれていない"
    assert "同じ品なら、その受注と同じ工程を書いてください" in problem.remedy.ja
    assert "客先の名前をそろえて" in problem.remedy.ja
    unsaid = parse(csv(row), known(made(customer=None)), Answers(customer="サンプル精機"))
    assert unsaid.proposals[0].routing_from == "k1"


def test_a_name_alone_takes_a_routing_only_if_one_part_has_it():
    row = "PO-9,,,バルブボディ,5,,turning"
    assert parse(csv(row), known(made())).proposals[0].routing_from == "k1"
    (problem,) = parse(csv(row), known(made(), made("k2", drawing="VB-9999"))).problems
    assert problem.reason.ja == "「バルブボディ」という品は図番が違うものが2つある（VB-2204, VB-9999）"


def test_the_words_as_last_time_are_no_step():
    head = "注文番号,図番,改訂,品名,数量,幹事会社,工程,会社"
    parsed = parse(csv("PO-9,VB-2204,C,,5,turning,前回と同じ工程で,", head=head), known(made()))
    assert parsed.proposals[0].routing_from == "k1"


def test_an_order_that_is_there_already_is_a_problem_unless_a_further_one_is_meant():
    there = made(customer_number="PO-9", due=date(2026, 12, 25), quantity=200)
    row = "PO-9,VB-2204,C,,200,2026/12/25,turning"
    (problem,) = parse(csv(row), known(there)).problems
    assert (problem.line, problem.column, problem.reason.ja) == (
        2,
        Column.CUSTOMER_NUMBER,
        "もう登録されている（共通番号 4471）",
    )
    assert parse(csv(row), known(there, again=True)).proposals
    cancelled = replace(
        there,
        state=State.CANCELLED,
        history=(Change(datetime(2026, 11, 20, tzinfo=UTC), "cancelled", "佐藤", "客先から電話"),),
    )
    (problem,) = parse(csv(row), known(cancelled, made("k2", number="1"))).problems
    assert problem.reason.ja == "2026-11-20 に取り消した受注（共通番号 4471）と同じ（客先から電話）"
    assert problem.on_page
    assert "取消を解除" in problem.on_page.ja
    assert parse(csv(row), known(cancelled, made("k2", number="1"), again=True)).proposals
    other = parse(csv("PO-9,VB-2204,C,,100,2027/1/25,turning"), known(there))
    assert other.proposals
    assert any("とは別の受注になる" in note for _, _, note in said(other, notes=True))


def test_two_customers_may_use_one_order_number():
    head = "注文番号,客先,図番,品名,数量,納期,工程,会社,幹事会社"
    row = "PO-9,{},VB-2204,軸,50,2026/12/25,旋削,turning,turning"
    there = made(customer_number="PO-9", customer="サンプル精機", due=date(2026, 12, 25), quantity=50)
    assert parse(csv(row.format("見本工業"), head=head), known(there)).proposals
    for same in ("サンプル精機", ""):  # whose it is nobody said: it may be the same
        (problem,) = parse(csv(row.format(same), head=head), known(there)).problems
        assert problem.reason.ja == "もう登録されている（共通番号 4471）"
    both = parse(csv(row.format("見本工業"), row.format("サンプル精機"), head=head), known())
    assert [one.part.customer for one in both.proposals] == ["見本工業", "サンプル精機"]


def test_the_same_row_twice_is_a_problem_and_a_part_delivery_is_not():
    row = "PO-9,VB-2204,C,,200,2026/12/25,turning"
    (problem,) = parse(csv(row, row), known(made())).problems
    assert (problem.line, problem.reason.ja) == (3, "2行目と同じ受注")
    assert len(parse(csv(row, row.replace("12/25", "12/26")), known(made())).proposals) == 2


def test_a_number_written_once_above_several_parts_is_taken_and_told():
    parsed = parse(csv("PO-9,VB-2204,C,,200,,turning", ",VB-2205,,,10,,"), known(made(), made("k2", drawing="VB-2205")))
    assert [one.part.customer_number for one in parsed.proposals] == ["PO-9", "PO-9"]
    assert (3, "customer_number", "空いているので上の行と同じ PO-9 と読みました") in said(parsed, notes=True)


def test_a_drawing_that_was_made_with_leading_zeros_is_told_and_not_changed():
    parsed = parse(csv("PO-9,123,,,200,,turning"), known(made(drawing="00123")))
    assert (2, "drawing", "前に作ったのは 00123。Excel が先頭の 0 を消したかもしれない") in said(parsed, notes=True)
    assert parsed.problems[0].reason.ja.startswith("「123」は初めての品")


@pytest.mark.parametrize(
    ("drawing", "problem", "note"),
    [
        ("1.23457E+11", "Excel が 1.23457E+11 と縮めている", None),
        ("#NAME?", "Excel のエラー #NAME?（名前か関数の綴りが違う）", None),
        ("5月12日", None, "「5月12日」は Excel が日付に変えたものかもしれない"),
        ("12-May", None, "「12-May」は Excel が日付に変えたものかもしれない"),
    ],
)
def test_what_a_spreadsheet_made_of_a_drawing_number_in_a_csv_is_seen(drawing, problem, note):
    parsed = parse(csv(f"PO-9,{drawing},,,5,,turning,旋削,turning", head=f"{HEAD},工程,会社"), known())
    assert [one.reason.ja for one in parsed.problems] == ([problem] if problem else [])
    assert [one.reason.ja for one in parsed.notes] == ([note] if note else [])


def test_a_parent_is_an_order_by_its_number():
    head = "注文番号,図番,改訂,品名,数量,幹事会社,親受注"
    row = "PO-9,VB-2204,C,,5,turning,{}"
    assert parse(csv(row.format("4471"), head=head), known(made())).proposals[0].part.parent == "k1"
    (problem,) = parse(csv(row.format("9999"), head=head), known(made())).problems
    assert problem.reason.ja == "親受注「9999」がない"


def test_the_part_master_is_read_off_the_orders():
    latest = made("k2", number="4480", released_at=datetime(2026, 9, 1, tzinfo=UTC), operations=made().operations[:1])
    nameless = made("k3", known=False)
    first, second = master([made(), latest, made("k4", revision="D"), nameless])
    assert (first.drawing, first.revision, first.made, first.number) == ("VB-2204", "C", 2, "4480")
    assert [step.name for step in first.routing] == ["旋削"]
    assert second.revision == "D"


STEPS = "注文番号,図番,品名,数量,納期,幹事会社,工程番号,工程,会社"
SHORTENED = "Excel が 1.2E+11 と縮めている"


def sheet(*rows: tuple[object, ...], merged: bool = False) -> bytes:
    """Return a workbook of orders with their steps; `merged`: what a row leaves blank is one cell with that above."""
    made = Workbook()
    table = made.active
    table.append(STEPS.split(","))
    for row in rows:
        table.append([None if cell == "" else cell for cell in row])
    if merged:
        for column in range(1, 7):
            tops = [n for n in range(2, len(rows) + 2) if table.cell(n, column).value is not None]
            for top, after in zip(tops, [*tops[1:], len(rows) + 2], strict=True):
                if after > top + 1:
                    table.merge_cells(start_row=top, end_row=after - 1, start_column=column, end_column=column)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def order_rows(number: str, drawing: object, part: str, pieces: int, *, repeated: bool) -> list[tuple[object, ...]]:
    """Return an order of two steps: its columns on its first row alone, or on each."""
    about = (number, drawing, part, pieces, "2026/12/25", "turning")
    return [(*about, 10, "旋削", "turning"), (*(about if repeated else [""] * 6), 20, "検査", "inspection")]


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("number", ["PO-1", "PO-{}"], ids=["one number", "a number each"])
@pytest.mark.parametrize("shape", ["csv", "csv repeated", "xlsx", "xlsx repeated", "xlsx merged"])
def test_a_spoilt_drawing_is_named_on_its_own_row_and_its_neighbours_stay_what_they_are(shape, number, bad):
    parts = [("VB-1", "軸", 5), ("VB-2", "板", 10), ("VB-3", "軸", 5)]
    parts[bad] = ("1.2E+11", *parts[bad][1:])
    orders = [order_rows(number.format(n), *one, repeated="repeated" in shape) for n, one in enumerate(parts)]
    rows = [row for order in orders for row in order]
    csv_rows = (",".join(map(str, row)) for row in rows)
    data = csv(*csv_rows, head=STEPS) if "csv" in shape else sheet(*rows, merged="merged" in shape)
    parsed = parse(data, known())
    first = 2 + 2 * bad
    lines = [first] if shape in {"csv", "xlsx"} else [first, first + 1]
    assert said(parsed) == [(line, "drawing", SHORTENED) for line in lines]
    assert {one.remedy.ja for one in parsed.problems} == {"列の書式を「文字列」にして入れ直してください"}
    mended = [(row[0], "VB-9" if row[1] == "1.2E+11" else row[1], *row[2:]) for row in rows]
    assert [len(one.routing) for one in parse(sheet(*mended), known()).proposals] == [2, 2, 2]


@pytest.mark.parametrize("head", ["注文番号", "製番"])
@pytest.mark.parametrize("bad", [2, 3, 4])
def test_a_spoilt_number_makes_no_other_order_wrong(head, bad):
    rows = [["A-1", "VB-1", "軸", "5"], ["A-2", "VB-2", "板", "10"], ["A-3", "VB-3", "軸", "5"]]
    rows[bad - 2][0] = "1.2E+11"
    texts = [",".join([*row, "2026/12/25", "turning", "10", "旋削", "turning"]) for row in rows]
    parsed = parse(csv(*texts, head=STEPS.replace("注文番号", head)), known())
    assert [(line, reason) for line, _, reason in said(parsed)] == [(bad, SHORTENED)]


def test_a_spoilt_step_is_a_step_of_its_order_all_the_same():
    rows = ["PO-1,VB-1,軸,5,,turning,,旋削,turning", ",,,,,,,#REF!,", "PO-2,VB-2,板,5,,turning,,旋削,turning"]
    parsed = parse(csv(*rows, head=STEPS), known())
    assert said(parsed) == [
        (3, "step", "Excel のエラー #REF!（参照していたセルがなくなっている）"),
        (3, "firm", "空いている"),
    ]


def test_two_drawings_shortened_to_the_same_are_two_bad_rows_and_no_repeated_step():
    rows = ("PO-1,1.2E+11,軸,5,,turning,10,旋削,turning", "PO-1,1.2E+11,板,9,,turning,10,旋削,turning")
    assert said(parse(csv(*rows, head=STEPS), known())) == [(2, "drawing", SHORTENED), (3, "drawing", SHORTENED)]


def test_another_name_without_a_drawing_is_another_order_and_said():
    rows = ("PO-1,VB-1,軸,5,,turning,10,旋削,turning", "PO-1,,止めねじ,9,,turning,10,旋削,turning")
    parsed = parse(csv(*rows, head=STEPS), known())
    assert [one.part.part for one in parsed.proposals] == ["軸", "止めねじ"]
    assert (3, "drawing", "図番が空いていて、品名が2行目と違うので、別の受注と読みました") in said(parsed, notes=True)


def columns(head: str, *rows: str) -> dict[str, str | None]:
    """Return what each heading of a file is taken for; `?` is asked."""
    layout = parse(csv(*rows, head=head), known()).layout
    assert layout
    return {one.heading: "?" if one.source is Source.UNKNOWN else one.column for one in layout.fields}


def test_usual_headings_are_no_question():
    head = "No.,お客様,注番,図面番号,品番,部品名,材質,数量（個）,単価,金額（税抜）,希望納期,工番,備考,外注先,工程"
    found = columns(head, "1,見本,PO-1,VB-1,X,軸,S45C,5,100,500,2026/12/25,A-1,急ぎ,turning,旋削")
    assert list(found.values()) == [
        *(None, "customer", "customer_number", "drawing", "?", "part", "material", "quantity", None, "amount"),
        *("due", "own_number", None, "firm", "step"),
    ]
    assert columns("品番,名称,員数", "VB-1,軸,5") == {"品番": "drawing", "名称": "part", "員数": "quantity"}


def test_a_heading_whose_meaning_hangs_on_others_is_asked_where_they_do_not_say_it():
    assert list(columns("品番,数量,納入日", "VB-1,5,12/25").values()) == ["?", "quantity", "?"]
    assert list(columns("図番,数量,員数,外注先", "VB-1,5,2,turning").values()) == ["drawing", "quantity", "?", "?"]
    assert list(columns("図番,名称,部品,数量", "VB-1,軸,軸,5").values()) == ["drawing", "?", "?", "quantity"]


def test_what_an_order_does_not_keep_is_left_unread_and_told():
    parsed = parse(csv("VB-1,5,300,急ぎ", head="図番,数量,単価,備考"), known())
    assert (1, None, "「単価」「備考」の列は、受注に入れる所がないので読みません") in said(parsed, notes=True)


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ("図番,品名,数量,数量", "図番,品名,良,予定", ["図番", "品名", "数量 良", "数量 予定"]),
        ("図番,品名,数量,", ",,良,予定", ["図番", "品名", "数量 良", "数量 予定"]),
        ("図番,数量,工程,,", ",,甲,乙,丙", ["図番", "数量", "工程 甲", "工程 乙", "工程 丙"]),
        (
            "図番,品名,良品,,不良,",
            ",,数量,日付,数量,日付",
            ["図番", "品名", "良品 数量", "良品 日付", "不良 数量", "不良 日付"],
        ),
        ("図番,品名,納期,", ",,希望,回答", ["図番", "品名", "納期希望", "納期 回答"]),
    ],
)
def test_headings_over_two_rows_with_words_nobody_knows_stay_apart_and_are_asked(upper, lower, expected):
    parsed = parse(csv(lower, "VB-1,軸,5,6,7,8", head=upper), known())
    assert parsed.layout
    assert parsed.layout.headings == (1, 2)
    assert [one.heading for one in parsed.layout.fields if one.heading] == expected
    taken = [one.column for one in parsed.layout.fields if one.column]
    assert len(taken) == len(set(taken))
    asked = {one.heading for one in parsed.problems if one.reason.ja == "何の列か分からない"}
    assert {heading for heading in expected if " " in heading} <= asked


def test_a_title_or_an_order_is_no_second_storey_of_headings():
    for rows in (("株式会社サンプル精機,,発行日", "図番,品名,数量"), ("図番,品名,数量,数量", "VB-1,軸,5,6")):
        layout = parse(csv(*rows[1:], "VB-2,板,7,8", head=rows[0]), known()).layout
        assert layout
        assert len(layout.headings) == 1
