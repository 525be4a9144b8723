"""A mapping says which column is what; what does not fit it is left out with its line and its reason."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.settings import SettingsError, load, validate
from gateway.replay.mapping import History
from gateway.replay.mapping_file import written
from gateway.replay.reading import HistoryError, read

COLUMNS = {
    "order": "job",
    "operation": "step",
    "resource": "machine",
    "start": "from",
    "end": "to",
    "good": "ok",
    "scrap": "ng",
}
HEAD = "job,step,machine,from,to,ok,ng\n"
GOOD_LINE = "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:00:00,1,0\n"
CONFIG = Path(__file__).resolve().parents[2] / "config" / "replay"


def history(**changed: object) -> History:
    return validate(History, {"firm": "past", "columns": COLUMNS, **changed}, "past.toml")


def left_out(lines: str, **changed: object) -> list[str]:
    return [str(one) for one in read((HEAD + lines + GOOD_LINE).encode(), history(**changed)).left_out]


def test_a_row_has_utc_times_and_what_has_no_column_is_nought():
    (row,) = read(
        (HEAD + "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:30:00,12,\n").encode("utf-8-sig"),
        history(time_zone="Asia/Tokyo"),
    ).rows
    assert (row.order, row.operation, row.resource, row.good, row.scrap, row.hold, row.line) == (
        *("J1", "turn", "L1", 12, 0, 0, 2),
    )
    assert row.start == datetime(2026, 1, 4, 23, 0, tzinfo=UTC)
    assert row.end == datetime(2026, 1, 5, 0, 30, tzinfo=UTC)


def test_good_pieces_that_nobody_counted_are_not_nought():
    (row,) = read((HEAD + GOOD_LINE.replace(",1,0", ",,")).encode(), history()).rows
    assert (row.good, row.scrap) == (None, 0)


def test_rows_that_are_none_are_dropped():
    text = HEAD + "J1,Start,Start,x,x,x,x\nJ1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:30:00,1,2\n"
    found = read(text.encode(), history(drop=[{"column": "step", "values": ("Start", "End")}]))
    assert [(row.line, row.scrap) for row in found.rows] == [(3, 2)]
    assert found.reasons == {"dropped": 1}


def test_encoding_delimiter_and_format_are_the_files_own():
    text = "job;step;machine;from;to;ok;ng\n甲;旋削;旋盤;05|01|2026 08h00;05|01|2026 09h30;1;0\n"
    said = history(encoding="cp932", delimiter=";", timestamp="%d|%m|%Y %Hh%M")
    (row,) = read(text.encode("cp932"), said).rows
    assert (row.order, row.operation, row.end) == ("甲", "旋削", datetime(2026, 1, 5, 9, 30, tzinfo=UTC))


def test_every_line_left_out_says_why():
    assert left_out(
        ",turn,L1,2026-01-05 08:00:00,2026-01-05 09:00:00,1,0\n"
        "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 07:00:00,1,0\n"
        "J1,turn,L1,yesterday,2026-01-05 07:00:00,1,0\n"
        "J1,turn,L1,2026-01-05 08:00:00,,1,0\n"
        "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:00:00,1.5,0\n"
        "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:00:00,1,-1\n"
    ) == [
        "2行目 job「」：受注の番号がないか、200文字より長い / line 2, job '': no order, or longer than 200 characters",
        "3行目 to「2026-01-05 07:00:00」：終了が開始より前 / line 3, to '2026-01-05 07:00:00': ends before it begins",
        "4行目 from「yesterday」：日付か時刻と読めない / line 4, from 'yesterday': is no date or time",
        "5行目 to「」：終了が空（まだ終わっていない作業） / line 5, to '': no end: not finished yet",
        "6行目 ok「1.5」：0から999,999の整数ではない / line 6, ok '1.5': is no whole number from 0 to 999,999",
        "7行目 ng「-1」：0から999,999の整数ではない / line 7, ng '-1': is no whole number from 0 to 999,999",
    ]


def test_a_row_of_totals_and_a_time_without_a_day_say_that_they_are_that():
    assert left_out('合計,,,,,"1,234",5\n,,4月計,,12:30,9,\n小計,,,,,,\n') == [
        "2行目：合計の行 / line 2: a row of totals",
        "3行目：合計の行 / line 3: a row of totals",
        "4行目：合計の行 / line 4: a row of totals",
    ]
    (said,) = left_out("J1,turn,L1,8:05,9:35,1,0\n")
    assert said == (
        "2行目 from「8:05」：時刻だけで、何日か分からない（日の列があれば --set date=見出し） / "
        "line 2, from '8:05': is a time without a day (if there is a column of days: --set date=HEADING)"
    )


@pytest.mark.parametrize("year", ["0001", "1969", "2101", "9999"])
def test_a_year_no_shop_has_seen_is_left_out(year):
    (said,) = left_out(f"J1,turn,L1,{year}-01-01 00:00:00,{year}-01-01 01:00:00,1,0\n", time_zone="Asia/Tokyo")
    assert "is not in the years 1970 to 2100" in said


def test_the_very_same_rows_are_work_of_their_own_unless_the_mapping_says_otherwise():
    data = (HEAD + GOOD_LINE * 3).encode()
    kept, once = read(data, history()), read(data, history(duplicates="leave_out"))
    assert (len(kept.rows), kept.duplicates, kept.reasons) == (3, 2, {})
    assert (len(once.rows), once.duplicates, once.reasons) == (1, 2, {"duplicate": 2})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"job,step\n", "There is no column 'machine'"),
        (b"", "There is nothing in the file"),
        (HEAD.encode(), "No line can be read"),
        (HEAD.encode() + b"J1,turn,L1,x,x,1,0\n" * 500, "line 2, from 'x': is no date or time"),
        (HEAD.encode() + b"\x81", "neither UTF-8 nor Shift_JIS"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "it is an old .xls file"),
    ],
)
def test_what_is_no_such_history_is_refused_with_a_sentence(data, words):
    with pytest.raises(HistoryError) as refused:
        read(data, history())
    assert words in str(refused.value)
    assert len(refused.value.problems) < 10, "a wrong format does not list every row"


def test_a_mapping_that_cannot_be_used_is_refused_before_anything_is_opened():
    with pytest.raises(SettingsError) as refused:
        history(firm="gateway", time_zone="Mars/Base", encoding="ebcdic-x", colour="red")
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize(
    "columns",
    [
        {"start": "from"},
        {"start": "from", "end": "to", "duration": "min"},
        {"at": "when"},
        {"at": "when", "event": "what", "start": "from"},
        {"at": "when", "event": "what"},
        {"duration": "min"},
    ],
)
def test_a_row_is_a_session_or_an_event_and_nothing_between(columns):
    with pytest.raises(SettingsError):
        history(columns={"order": "job", "operation": "step", **columns})


def test_every_mapping_in_the_samples_can_be_used_and_written():
    for path in sorted(CONFIG.glob("*.toml")):
        said = load(History, path)
        assert said.firm == "history-4tu"
        assert '[columns]\norder = "Case ID"  # 受注（製番） / order' in written(said, path.name)


def test_the_public_log_has_4503_reports_on_225_orders(data):
    found = read((data / "production_4tu_start_end_qty.csv").read_bytes(), load(History, CONFIG / "4tu.toml")).rows
    assert len(found) == 4503
    assert len({row.order for row in found}) == 225
    assert (sum(row.good or 0 for row in found), sum(row.scrap for row in found), sum(row.hold for row in found)) == (
        *(91_664, 593, 105),
    )


@pytest.mark.parametrize("said", ['encoding = "base64"', 'encoding = "undefined"', 'timestamp = "%Y%Y"'])
def test_an_encoding_or_a_format_that_reads_nothing_is_refused_where_it_stands(said, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(f'firm = "aoki"\n{said}\n[columns]\norder = "o"\noperation = "p"\nstart = "s"\nend = "e"\n')
    with pytest.raises(SettingsError) as error:
        load(History, path)
    assert said.split()[0] in str(error.value)
