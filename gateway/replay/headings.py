"""The words by which shops head their columns, for every role a column may have; and the words for starting and ending.

A table and two short functions. Words come first that are surer; they are compared folded.
"""

from gateway.orders.columns import folded
from gateway.replay.mapping import Columns

ROLES: tuple[str, ...] = tuple(Columns.model_fields)
"""What a column may be, as in the mapping's `[columns]`."""

_HEADED = {
    "order": (
        "製番 製造番号 工番 作番 指図番号 指図no 製造指示番号 作業指示番号 指示番号 受注番号 受注no "
        "オーダー番号 オーダーno 工事番号 案件番号 注文番号 伝票番号 管理番号 ロット番号 ロットno "
        "case_id case work_order work_order_no workorder wo wo_no job job_no job_number job_id "
        "order order_no order_number order_id production_order lot lot_no"
    ),
    "operation": (
        "工程名 工程 作業工程 作業名 作業内容 加工内容 作業 加工工程 工程コード 工程no 工程番号 "
        "activity operation operation_name process step task op op_no operation_no concept:name"
    ),
    "resource": (
        "設備 設備名 機械 機械名 使用機械 使用設備 号機 マシン 設備・作業台 作業台 作業場 設備コード 設備番号 "
        "機械番号 機械no machine machine_name machine_no machine_id resource station work_center work_centre "
        "workcenter equipment org:resource"
    ),
    "part": "品名 部品名 製品名 品番 図番 部品番号 品目 part part_name part_no item product part_desc part_description",
    "date": (
        "日付 月日 作業日 作業月日 実施日 年月日 作業年月日 実績日 計上日 作業日付 日 開始日 着手日 "
        "date work_date day start_date"
    ),
    "start": (
        "開始日時 着手日時 作業開始日時 開始時刻 着手時刻 作業開始時刻 開始時間 着手時間 作業開始 開始 着手 始業 自 "
        "start_timestamp start_time start_datetime started_at start started begin begin_time from time_in"
    ),
    "end_date": "終了日 完了日 作業終了日 end_date finish_date completion_date",
    "end": (
        "終了日時 完了日時 作業終了日時 終了時刻 完了時刻 作業終了時刻 終了時間 完了時間 作業終了 終了 完了 終業 至 "
        "complete_timestamp end_timestamp end_time end_datetime finish_time completed_at finished_at ended_at "
        "end finish finished complete stop to time_out"
    ),
    "duration": (
        "作業時間 実績時間 実作業時間 加工時間 所要時間 実働時間 実働 工数 実績工数 時間 分 "
        "duration work_time working_time elapsed run_time actual_time labor_time minutes mins min hours hrs"
    ),
    "at": (
        "日時 打刻日時 打刻時刻 読取日時 記録日時 入力日時 発生日時 登録日時 打刻 時刻 "
        "timestamp time:timestamp datetime date_time event_time scanned_at recorded_at time at"
    ),
    "event": (
        "イベント 区分 作業区分 実績区分 打刻区分 着完区分 着完 動作 状態 ステータス 種別 "
        "event event_type action status state transition lifecycle:transition type"
    ),
    "good": (
        "良品数 良品 良数 良品数量 完成数 完成数量 出来高 出来高数 出来数 生産数 生産数量 加工数 完了数 実績数量 "
        "実績数 数量 個数 員数 good good_qty qty_good ok ok_qty qty_completed completed_qty "
        "quantity_completed produced qty_produced qty quantity pieces pcs count"
    ),
    "scrap": (
        "不良数 不良 不良品 不良品数 不良数量 仕損 仕損数 廃棄 廃棄数 ng ng数 "
        "scrap scrap_qty qty_scrap qty_scrapped rejected qty_rejected reject rejects defects defect_qty bad ng_qty"
    ),
    "hold": "保留数 保留 保留品 保留数量 hold hold_qty qty_hold on_hold mrb qty_for_mrb qty_mrb",
}

_PERSON = (
    "作業者 作業者名 担当 担当者 担当者名 氏名 社員 社員番号 社員名 従業員 作業員 オペレーター オペレータ "
    "worker operator employee employee_id user person name labor badge"
)

_HAPPENED = {
    "setup": "段取 段取り 段取開始 段取り開始 段取替 段取り替え setup setup_start",
    "start": "着手 開始 作業開始 スタート 着工 段取完了 start started begin on in",
    "finish": "完了 終了 作業終了 完工 作業完了 エンド finish finished complete completed end ended done off out",
    "pause": "中断 一時停止 休止 停止 pause paused suspend suspended break stop stopped",
    "resume": "再開 作業再開 resume resumed restart continue",
}

WORDS: dict[str, dict[str, int]] = {
    role: {folded(word): place for place, word in enumerate(words.split())} for role, words in _HEADED.items()
}
"""For each role its words, folded, and how far down the list each stands."""
PERSONS = frozenset(folded(word) for word in _PERSON.split())
"""Columns of people: never read, because hours belong to the job."""
_ACTS = {folded(word): what for what, words in _HAPPENED.items() for word in words.split()}
_SHORTEST_PART = 2
"""Letters that a word must have to be recognised inside a longer heading; a Latin one needs twice as many."""


def fits(heading: str, role: str) -> int:
    """Return how well a heading fits a role: 0 not at all; more for a whole word, and for one higher up in the list.

    >>> fits("製番", "order") > fits("ロットNo.", "order") > fits("製番（自社）", "order") > fits("数量", "order") == 0
    True
    """
    asked = folded(heading).rstrip(".")
    words = WORDS[role]
    if asked in words:
        return 1000 - words[asked]
    inside = [place for word, place in words.items() if _within(word, asked)]
    return 500 - min(inside) if inside else 0


def is_person(heading: str) -> bool:
    """Whether a column names people.

    >>> is_person("作業者コード"), is_person("機械名")
    (True, False)
    """
    asked = folded(heading)
    return asked in PERSONS or any(len(word) >= (6 if word.isascii() else 2) and word in asked for word in PERSONS)


def act(text: str) -> str | None:
    """Return what a cell says happened: `start`, `finish`, `pause`, `resume`, `setup`, or None.

    >>> act("着手"), act(" Completed "), act("旋削")
    ('start', 'finish', None)
    """
    return _ACTS.get(folded(text))


def is_setup(text: str) -> bool:
    """Return whether a cell says that its row is set-up.

    >>> is_setup("旋盤段取り"), is_setup("Set-up NC 3"), is_setup("旋削"), is_setup("段取完了")
    (True, True, False, False)
    """
    said = folded(text)
    return act(text) in (None, "setup") and ("段取" in said or said.startswith("setup") or said.endswith("setup"))


def _within(word: str, heading: str) -> bool:
    return len(word) >= _SHORTEST_PART * (2 if word.isascii() else 1) and word in heading
