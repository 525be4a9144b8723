"""A mapping as the file a person keeps: TOML with a word on each line, in Japanese and English. Pure."""

import json
import tomllib
from collections.abc import Iterator

from gateway.replay.mapping import History

SAID: dict[str, str] = {
    "firm": "会社の id / the firm's id",
    "sheet": "Excelのシート / the sheet",
    "heading_line": "見出しの行 / the line of the headings",
    "encoding": "文字コード / encoding",
    "delimiter": "区切り / between columns",
    "timestamp": "日時の書き方（strptime） / how times are written (strptime)",
    "dates": "日付の順：ymd 年月日、dmy 日月年、mdy 月日年 / what dates begin with",
    "decimal": "小数点 / decimal mark",
    "duration_unit": "長さの単位：minutes 分、hours 時間、seconds 秒 / unit of lengths",
    "day_starts": "時刻のない日付はこの時刻から / when a day without a time begins",
    "time_zone": "時刻の時間帯 / time zone of the times",
    "duplicates": "まったく同じ行：keep 別の作業、leave_out 読まない / the very same rows",
    "blank_days": "日付が空の行：above 上の行の日、leave_out 読まない / rows without a day",
    "pauses": "中断の行：pause 中断として、finish そこで終わりとして / rows of a pause: interrupt work, or finish it",
    "order": "受注（製番） / order",
    "operation": "工程 / operation",
    "resource": "設備 / machine",
    "part": "品名 / part",
    "date": "日付 / day",
    "start": "開始 / start",
    "end_date": "終了の日付 / day of the end",
    "end": "終了 / end",
    "duration": "かかった時間 / how long it took",
    "at": "いつ / when",
    "event": "何をしたか / what happened",
    "good": "良品 / good pieces",
    "scrap": "不良 / scrap",
    "hold": "保留 / on hold",
    "finish": "完了 / finish",
    "pause": "中断 / pause",
    "resume": "再開 / resume",
    "setup": "段取りの始まり / set-up begins",
}
"""What each key means, to a person."""
_ALWAYS = ("firm", "time_zone", "dates", "duplicates")


def written(history: History, source: str) -> str:
    """Return the mapping as TOML that reads back as the same; `source` is the name of the history's file."""
    text = "\n".join(_lines(history, source)) + "\n"
    assert History.model_validate(tomllib.loads(text)) == history, "what is written reads back as the same"
    return text


def _lines(history: History, source: str) -> Iterator[str]:
    name = "".join(letter if letter.isprintable() else " " for letter in source)
    yield f"# {name} の読み方。mawashi replay が提案しました。直して、もう一度実行できます。"
    yield f"# How to read {name}, as mawashi replay proposed it. Change it and run the command again."
    yield ""
    fields = History.model_fields
    for key in fields:
        value = getattr(history, key)
        if isinstance(value, str | int) and (key in _ALWAYS or value != fields[key].default):
            yield f"{key} = {_toml(value)}  # {SAID[key]}"
    yield ""
    yield "# 列の見出し / Headings of the columns"
    yield "[columns]"
    for key, heading in history.columns.model_dump(exclude_none=True).items():
        yield f"{key} = {_toml(heading)}  # {SAID[key]}"
    if history.events:
        yield ""
        yield "# その言葉 / The words that stand in the column event"
        yield "[events]"
        for key, words in history.events.model_dump().items():
            yield f"{key} = {_toml(list(words))}  # {SAID[key]}"
    for key, said, rows in (
        ("drop", "作業ではない行 / Rows that are no work", history.drop),
        ("setup", "段取りの行 / Rows that are set-up", history.setup),
    ):
        for where in rows:
            yield ""
            yield f"# {said}"
            yield f"[[{key}]]"
            yield f"column = {_toml(where.column)}"
            yield f"values = {_toml(list(where.values))}"


def _toml(value: object) -> str:
    """Return text, a number or a list of texts as TOML, which writes them as JSON does, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
