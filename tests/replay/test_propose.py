"""Any shop's file is understood from its headings and first rows; only what it does not say is asked."""

import io
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from openpyxl import Workbook

from broker.words import Word
from gateway.replay.grid import grids
from gateway.replay.lanes import lay
from gateway.replay.mapping import History
from gateway.replay.mapping_file import written
from gateway.replay.preview import effect, preview
from gateway.replay.preview import understood as understanding
from gateway.replay.propose import Proposal, propose
from gateway.replay.reading import HistoryError, read

FIRMS = [("turning", Word("旋盤工場", "Turning"))]
Said = tuple[str, str, str, str, str, int | None]


def proposed(data: bytes, *, firms=FIRMS, **answers: str) -> Proposal:
    return propose(grids(data), firms=firms, time_zone="Asia/Tokyo", answers=answers)


def understood(text: str, encoding: str = "utf-8", **answers: str) -> tuple[Said, ...]:
    """What the rows say, in Japanese time. The mapping, written and read again, says the same."""
    data = text.encode(encoding)
    return told(data, proposed(data, **answers))


def told(data: bytes, proposal: Proposal) -> tuple[Said, ...]:
    assert not proposal.questions
    assert proposal.history
    assert proposal.reading
    assert read(data, proposal.history) == proposal.reading
    assert written(proposal.history, "file.csv")
    tokyo = timedelta(hours=9)
    return tuple(
        (
            row.order,
            row.operation,
            row.resource,
            f"{row.start + tokyo:%m-%d %H:%M}",
            f"{row.end + tokyo:%m-%d %H:%M}",
            row.good,
        )
        for row in proposal.reading.rows
    )


ONE = (("A-1", "旋削", "NC1", "03-04 08:05", "03-04 09:35", 12),)
SHAPES = {
    "one row a session": "製番,工程,設備,開始日時,終了日時,良品数\nA-1,旋削,NC1,2025/03/04 8:05,2025/03/04 9:35,12\n",
    "an era and no seconds": "製番,工程名,機械,着手,完了,良品\nA-1,旋削,NC1,R7.3.4 8:05,R7.3.4 9:35,12\n",
    "full-width": "製番,工程,機械名,着手,完了,数量\nA-1,旋削,NC1,２０２５／３／４　８：０５,令和7年3月4日 9時35分,１２個\n",
    "day and times apart": "作業日,製番,工程,設備,開始,終了,出来高\n2025/03/04(火),A-1,旋削,NC1,8:05,9:35,12\n",
    "two days and two times": (
        "受注番号,工程,設備,開始日,開始時刻,終了日,終了時刻,良品\nA-1,旋削,NC1,2025/03/04,8:05,2025/03/04,9:35,12\n"
    ),
    "a start and minutes": "製番,工程,設備,開始日時,作業時間(分),良品数\nA-1,旋削,NC1,2025-03-04 08:05,90,12\n",
    "a start and hours": "Order;Operation;Machine;Start;Hours;Qty\nA-1;旋削;NC1;04.03.2025 08:05;1,5;12,0\n",
    "an end and minutes": "製番,工程,設備,完了日時,実績時間(分),良品\nA-1,旋削,NC1,2025-03-04 09:35,90,12\n",
    "a length in words": "製番,作業内容,設備,開始日時,工数,数量\nA-1,旋削,NC1,2025-03-04 08:05,1時間30分,12\n",
    "one row an event": (
        "日時,製番,工程,設備,区分,良品\n2025/03/04 9:35,A-1,旋削,NC1,完了,12\n2025/03/04 8:05,A-1,旋削,NC1,着手,\n"
    ),
    "Excel's numbers": "job,step,machine,start,end,good\nA-1,旋削,NC1,45720.336805,45720.399305,12\n",
    "American": "Work Order,Operation,Work Center,Start Time,End Time,Qty Good\nA-1,旋削,NC1,3/4/2025 8:05 AM,3/4/2025 9:35 AM,12\n",
    "ISO with an offset": "case_id,activity,resource,start,end,qty\nA-1,旋削,NC1,2025-03-03T23:05:00Z,2025-03-04T00:35:00Z,12\n",
    "times without a colon": "日付,製番,工程,設備,開始時刻,終了時刻,良品\n20250304,A-1,旋削,NC1,0805,935,12\n",
    "titles above": "作業日報,,,,,\n,,,,,\n製番,工程,設備,開始日時,終了日時,良品\nA-1,旋削,NC1,2025/3/4 8:05,2025/3/4 9:35,12\n",
    "a column of people": "製番,担当者,工程,設備,着手,完了,良品\nA-1,山田,旋削,NC1,2025/3/4 8:05,2025/3/4 9:35,12\n",
}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shops_write_the_same_hour_and_a_half_in_many_ways(shape, encoding):
    answers = {"dates": "mdy"} if shape == "American" else {"dates": "dmy"} if "04.03.2025" in SHAPES[shape] else {}
    assert understood(SHAPES[shape], encoding, **answers) == ONE


def test_work_past_midnight_ends_the_next_day_however_it_is_written():
    head = "日付,製番,工程,設備,開始,終了,良品\n"
    for said in ("22:00,2:30", "22:00,26:30", "22:00:00,02:30"):
        ((*_, start, end, _),) = understood(f"{head}2025/3/4,A-1,旋削,NC1,{said},1\n")
        assert (start, end) == ("03-04 22:00", "03-05 02:30")
    ((*_, start, end, _),) = understood(f"{head}2025/3/4,A-1,旋削,NC1,25:00,26:30,1\n")
    assert (start, end) == ("03-05 01:00", "03-05 02:30")


def test_a_days_report_with_hours_alone_begins_when_the_day_does():
    text = "日付,製番,工程,機械,工数(h),数量\n2025/3/4,A-1,旋削,NC1,1.5,12\n"
    ((*_, start, end, _),) = understood(text)
    assert (start, end) == ("03-04 08:00", "03-04 09:30")
    ((*_, start, end, _),) = understood(text, day_starts="9:30")
    assert (start, end) == ("03-04 09:30", "03-04 11:00")


def test_events_are_paired_in_order_of_time_and_a_pause_interrupts_its_session():
    text = (
        "日時,製番,工程,設備,動作,良品\n"
        "2025/3/4 10:00,A-1,旋削,NC1,再開,\n"
        "2025/3/4 8:00,A-1,旋削,NC1,着手,\n"
        "2025/3/4 9:00,A-1,旋削,NC1,中断,\n"
        "2025/3/4 11:00,A-1,旋削,NC1,完了,12\n"
        "2025/3/4 11:30,A-1,研削,G1,完了,12\n"
        "2025/3/4 12:00,A-2,旋削,NC1,着手,\n"
    )
    proposal = proposed(text.encode())
    assert [row[3:] for row in told(text.encode(), proposal)] == [("03-04 08:00", "03-04 11:00", 12)]
    assert proposal.reading
    assert [(one.line, one.why) for one in proposal.reading.left_out] == [(6, "unstarted"), (7, "unfinished")]
    ended = proposed(text.encode(), pauses="finish")
    assert [row[3:] for row in sorted(told(text.encode(), ended), key=lambda one: one[3])] == [
        ("03-04 08:00", "03-04 09:00", 0),
        ("03-04 10:00", "03-04 11:00", 12),
    ]


def test_where_nothing_is_ever_finished_to_stop_is_to_finish():
    text = "time,order,operation,event,qty\n2025-03-04 08:00,A-1,turn,start,\n2025-03-04 09:00,A-1,turn,stop,3\n"
    assert understood(text) == (("A-1", "turn", "station", "03-04 08:00", "03-04 09:00", 3),)


def test_two_machines_at_one_operation_are_two_sessions():
    text = "time,order,operation,machine,event,qty\n" + "".join(
        f"2025-03-04 {at},A-1,turn,{machine},{what},{qty}\n"
        for at, machine, what, qty in (
            *(("08:00", "m1", "start", ""), ("08:10", "m2", "start", "")),
            *(("09:00", "m2", "finish", "2"), ("09:30", "m1", "finish", "1")),
        )
    )
    assert [row[2:] for row in understood(text)] == [
        ("m1", "03-04 08:00", "03-04 09:30", 1),
        ("m2", "03-04 08:10", "03-04 09:00", 2),
    ]


def test_rows_in_any_order_with_empty_ends_and_repeated_lines():
    head = "製番,工程,設備,着手,完了,良品\n"
    lines = [f"A-1,旋削,NC1,2025/3/{day} 8:00,2025/3/{day} 9:00,1\n" for day in (6, 4, 5)]
    text = head + "".join(lines) + lines[0] + "A-1,旋削,NC1,2025/3/7 8:00,,\n"
    proposal = proposed(text.encode())
    assert proposal.reading
    assert (len(proposal.reading.rows), proposal.reading.duplicates) == (4, 1)
    assert proposal.reading.reasons == {"no_end": 1}


def test_a_workbook_with_a_cover_sheet_dates_as_dates_and_lengths_as_lengths():
    book = Workbook()
    cover = book.active
    assert cover
    cover.title = "表紙"
    cover.append(["三月の実績"])
    sheet = book.create_sheet("日報")
    sheet.append(["株式会社 例", None, None, None, None, None])
    sheet.append(["製番", "工程", "設備", "作業日", "開始", "作業時間", "良品数"])
    sheet.append([4471, "旋削", "NC1", date(2025, 3, 4), time(8, 5), timedelta(hours=1, minutes=30), 12])
    sheet.append([4471, "研削", "G1", date(2025, 3, 5), 0.336806, "1:30", 12.0])
    data = io.BytesIO()
    book.save(data)
    proposal = proposed(data.getvalue())
    assert told(data.getvalue(), proposal) == (
        ("4471", "旋削", "NC1", "03-04 08:05", "03-04 09:35", 12),
        ("4471", "研削", "G1", "03-05 08:05", "03-05 09:35", 12),
    )
    assert proposal.history
    assert (proposal.history.sheet, proposal.history.heading_line) == ("日報", 2)


def test_operations_without_any_work_are_dropped_by_name():
    text = (
        "製番,工程,設備,着手,完了,良品\n"
        + "A-1,受付,受付,受付,受付,受付\nA-1,旋削,NC1,2025/3/4 8:00,2025/3/4 9:00,1\n" * 2
    )
    proposal = proposed(text.encode())
    assert proposal.history
    assert proposal.history.drop[0].values == ("受付",)
    assert proposal.reading
    assert proposal.reading.reasons == {"dropped": 2}


def test_set_up_is_told_by_the_operations_name_or_by_a_column_of_sorts():
    head, times = "製番,工程,設備,区分,着手,完了,良品\n", "2025/3/4 {}:00,2025/3/4 {}:30"
    by_name = f"{head}A-1,旋盤段取り,NC1,,{times.format(8, 8)},\nA-1,旋削,NC1,,{times.format(9, 9)},3\n"
    by_sort = f"{head}A-1,旋削,NC1,段取,{times.format(8, 8)},\nA-1,旋削,NC1,加工,{times.format(9, 9)},3\n"
    for text, where in ((by_name, ("工程", "旋盤段取り")), (by_sort, ("区分", "段取"))):
        proposal = proposed(text.encode())
        told(text.encode(), proposal)
        assert proposal.history
        assert proposal.reading
        assert [(one.column, *one.values) for one in proposal.history.setup] == [where]
        assert [(row.setup, row.good) for row in proposal.reading.rows] == [(True, 0), (False, 3)]


def test_a_set_up_among_events_ends_where_the_work_starts():
    text = "日時,製番,工程,設備,動作,良品\n" + "".join(
        f"2025/3/4 {at},A-1,旋削,NC1,{what},{good}\n"
        for at, what, good in (("8:00", "段取り", ""), ("8:30", "着手", ""), ("9:30", "完了", 3), ("9:40", "段取", ""))
    )
    proposal = proposed(text.encode())
    assert [row[3:] for row in told(text.encode(), proposal)] == [
        ("03-04 08:00", "03-04 08:30", 0),
        ("03-04 08:30", "03-04 09:30", 3),
    ]
    assert proposal.reading
    assert [row.setup for row in proposal.reading.rows] == [True, False]
    assert proposal.reading.reasons == {"unfinished": 1}


def test_people_are_never_stations_and_a_shop_without_machines_is_one_station():
    proposal = proposed("製番,作業者,工程,着手,完了,良品\nA-1,山田,旋削,2025/3/4 8:00,2025/3/4 9:00,1\n".encode())
    assert proposal.persons == ("作業者",)
    assert proposal.reading
    assert [row.resource for row in proposal.reading.rows] == ["station"]


def asked(text: str, **answers: str) -> list[str]:
    return [question.key for question in proposed(text.encode(), **answers).questions]


def test_only_what_the_file_does_not_say_is_asked():
    text = "a,b,start,end\nA-1,turn,03/04/2025 08:05,03/04/2025 09:35\n"
    assert asked(text) == ["order", "operation", "dates"]
    assert asked(text, order="a", operation="b") == ["dates"]
    assert [row[3] for row in understood(text, order="a", operation="b", dates="dmy")] == ["04-03 08:05"]
    assert [row[3] for row in understood(text, order="a", operation="b", dates="mdy")] == ["03-04 08:05"]
    certain = text + "A-1,turn,13/04/2025 08:05,13/04/2025 09:35\n"
    assert asked(certain, order="a", operation="b") == [], "a 13th month tells"
    both = propose(grids(text.encode()), firms=[*FIRMS, ("grinding", Word("研削", ""))], time_zone="UTC", answers={})
    assert both.questions[0].key == "firm"
    assert [value for value, _ in both.questions[0].choices] == ["turning", "grinding"]


def test_the_unit_of_a_length_is_asked_when_neither_heading_nor_numbers_say_it():
    head = "製番,工程,開始日時,作業時間\nA-1,旋削,2025/3/4 8:00,"
    assert asked(head + "2\n") == ["duration_unit"]
    assert asked(head + "90\n") == []
    assert asked(head + "1.5\n") == asked(head + "0.25\n") == []
    assert asked(head + "7.3\n") == asked(head + "5400\n") == ["duration_unit"], "minutes or hours, minutes or seconds"
    assert [row[4] for row in understood(head + "2\n", duration_unit="hours")] == ["03-04 10:00"]


def shown(data: bytes, **answers: str) -> str:
    proposal = proposed(data, **answers)
    assert proposal.history
    assert proposal.reading
    plan = lay(proposal.reading.rows)
    found = preview(plan, proposal.reading, proposal.history)
    examples = proposal.reading.left_out
    return "\n".join(
        [*understanding(proposal.history, sheets=proposal.sheets), *effect(found, examples, {})],
    )


def test_the_unit_that_was_taken_is_said_and_how_to_change_it():
    said = shown("製番,工程,開始日時,工数\nA-1,旋削,2025/3/4 8:00,1.5\n".encode())
    assert "「工数」の数は時間として読みました（違うなら --set duration_unit=" in said
    assert "Numbers under '工数' were read as hours (else --set duration_unit=" in said


def test_a_day_that_stands_only_in_its_first_row_holds_for_those_beneath():
    text = (
        "日付,製番,工程,開始,終了,良品\n2025/3/4,A-1,旋削,8:00,9:00,1\n,A-1,研削,9:00,9:30,1\n"
        "〃,A-1,検査,10:00,10:10,1\n2025/3/5,A-2,旋削,8:00,9:00,1\n"
    )
    assert [row[3] for row in understood(text)] == ["03-04 08:00", "03-04 09:00", "03-04 10:00", "03-05 08:00"]
    assert "2 lines without a day have that of the line above" in shown(text.encode())
    assert [row[1] for row in understood(text, blank_days="leave_out")] == ["旋削", "旋削"]


def test_sheets_that_are_not_read_are_named():
    book = Workbook()
    for month in (1, 2):
        sheet = book.create_sheet(f"{month}月")
        sheet.append(["日付", "製番", "工程", "開始", "終了"])
        for day in range(1, 3 + month):
            sheet.append([date(2025, month, day), "A-1", "旋削", time(8), time(9)])
    kept = io.BytesIO()
    book.save(kept)
    said = shown(kept.getvalue())
    assert "シート「2月」だけを読みます。ほかに 1月" in said
    assert "Only the sheet '2月' is read. There are also 1月" in said


def test_lines_left_out_are_counted_by_reason_with_the_first_of_them():
    text = "製番,工程,着手,完了\n" + "A-1,旋削,2025/3/4 8:00,\n" * 9 + "A-1,旋削,2025/3/4 8:00,2025/3/4 9:00\n"
    said = shown(text.encode()).splitlines()
    assert sum("終了が空" in line for line in said) == 2, "the reason, and its first line"
    assert "      ほか 3、4、5、6、7、…行目 / also lines 3, 4, 5, 6, 7..." in said


def test_what_is_asked_for_is_shown_with_what_stands_in_it():
    question = proposed(b"x,operation,start,end\nA-1,turn,2025-03-04 08:05,2025-03-04 09:35\n").questions[0]
    assert (question.key, question.choices) == ("order", (("x", Word("A-1", "")),))


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"order": "nothing"}, "There is no column 'nothing'"),
        ({"colour": "red"}, "--set does not know 'colour'"),
        ({"sheet": "x"}, None),
        ({"heading_line": "99"}, "no line of headings"),
        ({"day_starts": "noon"}, "day_starts"),
        ({"firm": "No Firm"}, "firm"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_a_sentence(answers, words):
    data = SHAPES["one row a session"].encode()
    if words is None:
        assert not proposed(data, **answers).questions, "a CSV has one sheet, whatever it is called"
        return
    with pytest.raises(HistoryError) as refused:
        proposed(data, **answers)
    assert words in str(refused.value)


def test_a_blank_answer_leaves_a_column_out():
    text = SHAPES["one row a session"]
    assert understood(text, good="") == ((*ONE[0][:5], None),)


def test_a_file_without_headings_is_refused():
    with pytest.raises(HistoryError, match="no line of headings"):
        proposed(b"")


def test_the_mapping_of_the_public_log_is_proposed_and_not_written(data):
    proposal = proposed((data / "production_4tu_start_end_qty.csv").read_bytes())
    assert proposal.questions == ()
    assert isinstance(proposal.history, History)
    assert proposal.columns == {
        "order": "Case ID",
        "operation": "Activity",
        "resource": "Resource",
        "start": "Start Timestamp",
        "end": "Complete Timestamp",
        "good": "Qty_Completed",
        "scrap": "Qty_Rejected",
        "hold": "Qty_for_MRB",
    }
    assert proposal.history.drop[0].values == ("Start", "End")
    assert proposal.history.setup[0].values == ("Setup", "SETUP     Turning & Milling")
    assert proposal.reading
    rows = proposal.reading.rows
    assert (len(rows), proposal.reading.reasons, proposal.reading.duplicates) == (4503, {"dropped": 450}, 23)
    assert all(one.line < other.line for one, other in pairwise(rows))
    assert min(row.start for row in rows) > datetime(2012, 1, 1, tzinfo=UTC)
