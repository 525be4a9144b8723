"""Order files as customers send them, made by openpyxl: titles, merged headings, eras, totals, errors, lost zeros.

Hidden rows and columns, what was sent back, and notes below the table too.
"""

import io
from collections.abc import Sequence
from datetime import datetime

from openpyxl import Workbook

TITLES = (["株式会社 サンプル精機　注文書"], ["発行日", None, datetime.fromisoformat("2026-11-20")], [])
UPPER = ["注文 Ｎｏ．", "型番", "品　名", "改訂", "注文\n数量", "納期", "工程", None, None, "金額", "区分"]
LOWER = [None, None, None, None, None, None, "番号", "名称", "納期", None, None]


def book(*rows: list[object], titles: bool = True, hidden: Sequence[int | str] = ()) -> bytes:
    """Return a workbook of サンプル精機: merged headings over two rows, below titles, before a sheet of theirs.

    `hidden`: rows by number and columns by letter that nobody sees in Excel.
    """
    made = Workbook()
    sheet = made.active
    sheet.title = "注文一覧"
    for row in (*(TITLES if titles else ()), UPPER, LOWER, *rows):
        sheet.append(row)
    top = 4 if titles else 1
    for column in "ABCDEFJK":
        sheet.merge_cells(f"{column}{top}:{column}{top + 1}")
    sheet.merge_cells(f"G{top}:I{top}")
    if titles:
        sheet.merge_cells("A1:K1")
    for one in hidden:
        (sheet.row_dimensions if isinstance(one, int) else sheet.column_dimensions)[one].hidden = True
    made.create_sheet("単価表").append(["品番", "単価"])
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def awful() -> bytes:
    """Return a workbook in which about everything is wrong that a customer's file can have wrong."""
    return book(
        ["PO-88120", "00123", "軸", "A", "１，０００", "R8.12.18", 10, "旋削", "令和8年12月1日", "¥120,000", "急ぎ"],
        ["PO-88120", "00124", "カラー", "B", "50個", datetime.fromisoformat("2026-12-18"), 10, "旋削", "12/1", 5000],
        ["PO-88121", 125, "ピン", "A", 20, 46374, None, None, None, 8000],
        ["PO-88122", datetime.fromisoformat("2026-05-12"), "板", "A", "#REF!", "至急", None, None, None, "=E9*100"],
        ["PO-88122", "00127", "ブッシュ", "Ａ", "12.5", "12/1/27", None, None, None, "#N/A"],
        ["PO-88119", "00119", "スペーサ", "A", -5, "R8.11.26", 10, "旋削", None, "-12,000"],
        ["PO-88123", "00128", "キー", "A", 8, "R8.12.20", 10, "旋削", None, 4000],
        [],
        [None, None, "合計", None, 1082.5, None, None, None, None, 133000],
        UPPER,
        ["PO-88121", 125, "ピン", "A", 20, 46374, None, None, None, 8000],
        ["以上"],
        ["備考：単価は別途お見積りの通り。図面は返却してください。"],
        ["1. 材料は支給"],
        hidden=(12, "D"),
    )
