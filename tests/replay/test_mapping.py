"""A mapping says which column is what; a history that does not fit it is refused with everything that is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.settings import SettingsError, load, validate
from gateway.replay.mapping import PROBLEM_LIMIT, History, HistoryError, rows

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
CONFIG = Path(__file__).resolve().parents[2] / "config" / "replay"


def history(**changed: object) -> History:
    return validate(History, {"firm": "past", "columns": COLUMNS, **changed}, "past.toml")


def test_a_row_has_utc_times_and_what_has_no_column_is_nought():
    (row,) = rows(
        (HEAD + "J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:30:00,12,\n").encode("utf-8-sig"),
        history(time_zone="Asia/Tokyo"),
    )
    assert (row.order, row.operation, row.resource, row.good, row.scrap, row.hold, row.line) == (
        *("J1", "turn", "L1", 12, 0, 0, 2),
    )
    assert row.start == datetime(2026, 1, 4, 23, 0, tzinfo=UTC)
    assert row.end == datetime(2026, 1, 5, 0, 30, tzinfo=UTC)


def test_rows_that_are_none_are_dropped():
    text = HEAD + "J1,Start,Start,x,x,x,x\nJ1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:30:00,1,2\n"
    found = rows(text.encode(), history(drop=[{"column": "step", "values": ("Start", "End")}]))
    assert [(row.line, row.scrap) for row in found] == [(3, 2)]


def test_encoding_delimiter_and_format_are_the_files_own():
    text = "job;step;machine;from;to;ok;ng\n甲;旋削;旋盤;05.01.2026 08:00;05.01.2026 09:30;1;0\n"
    (row,) = rows(text.encode("cp932"), history(encoding="cp932", delimiter=";", timestamp="%d.%m.%Y %H:%M"))
    assert (row.order, row.operation) == ("甲", "旋削")


def test_everything_wrong_is_said_at_once():
    text = (
        HEAD + ",turn,L1,2026-01-05 08:00:00,2026-01-05 07:00:00,1,0\nJ1,turn,L1,yesterday,2026-01-05 07:00:00,1.5,-1\n"
    )
    with pytest.raises(HistoryError) as refused:
        rows(text.encode(), history())
    assert refused.value.problems == (
        "2行目 job：「」は空か、200文字より長い / line 2, job: '' is blank or longer than 200 characters",
        "2行目 to：「2026-01-05 07:00:00」は開始より前です / line 2, to: '2026-01-05 07:00:00' is before the start",
        (
            "3行目 from：「yesterday」は時刻 %Y-%m-%d %H:%M:%S ではありません / "
            "line 3, from: 'yesterday' is no time of the format %Y-%m-%d %H:%M:%S"
        ),
        "3行目 ok：「1.5」は0から999999の整数ではありません / line 3, ok: '1.5' is no whole number from 0 to 999999",
        "3行目 ng：「-1」は0から999999の整数ではありません / line 3, ng: '-1' is no whole number from 0 to 999999",
    )


@pytest.mark.parametrize("year", ["0001", "1969", "2101", "9999"])
def test_a_year_no_shop_has_seen_is_refused_with_its_line_and_what_to_do(year):
    text = HEAD + f"J1,turn,L1,2026-01-05 08:00:00,2026-01-05 09:00:00,1,0\nJ1,turn,L1,{year}-01-01 00:00:00,x,1,0\n"
    with pytest.raises(HistoryError) as refused:
        rows(text.encode(), history(time_zone="Asia/Tokyo"))
    assert refused.value.problems[0] == (
        f"3行目 from：「{year}-01-01 00:00:00」は1970年から2100年の外です。行を直すか drop で除くか、"
        f"timestamp を見直してください / line 3, from: '{year}-01-01 00:00:00' is not in the years 1970 to 2100: "
        "correct or drop the row, or see timestamp in the mapping"
    )


def test_a_wrong_format_does_not_list_every_row():
    with pytest.raises(HistoryError) as refused:
        rows((HEAD + "J1,turn,L1,x,x,1,0\n" * 500).encode(), history())
    assert len(refused.value.problems) == PROBLEM_LIMIT


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"job,step\n", "There is no column 'machine'"),
        (b"", "There is no column 'job'"),
        (HEAD.encode(), "There is no row left"),
        (HEAD.encode() + "旋".encode("cp932"), "line 2: is not utf-8-sig"),
    ],
)
def test_what_is_no_such_history_is_refused_with_a_sentence(data, words):
    with pytest.raises(HistoryError, match=words):
        rows(data, history())


def test_a_mapping_that_cannot_be_used_is_refused_before_anything_is_opened():
    with pytest.raises(SettingsError) as refused:
        history(firm="gateway", time_zone="Mars/Base", encoding="ebcdic-x", colour="red")
    assert len(refused.value.problems) == 4


def test_every_mapping_in_the_samples_can_be_used():
    assert [load(History, path).firm for path in sorted(CONFIG.glob("*.toml"))] == ["history-4tu"]


def test_the_public_log_has_4503_reports_on_225_orders(data):
    found = rows((data / "production_4tu_start_end_qty.csv").read_bytes(), load(History, CONFIG / "4tu.toml"))
    assert len(found) == 4503
    assert len({row.order for row in found}) == 225
    assert (sum(row.good for row in found), sum(row.scrap for row in found), sum(row.hold for row in found)) == (
        *(91_664, 593, 105),
    )
