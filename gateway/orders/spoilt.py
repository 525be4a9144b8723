"""What a spreadsheet has done to a cell: errors, formulas without a value, names made days or cut short. Pure."""

import re
from datetime import date

from broker.words import Word
from gateway.orders.cells import Cells
from gateway.orders.columns import Column

_SHORTENED = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_LIKE_A_DAY = re.compile(
    r"\d{1,2}月\d{1,2}日|\d{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", re.IGNORECASE
)
_ERRORS: dict[str, Word] = {
    "#REF!": Word("参照していたセルがなくなっている", "the cell it refers to is gone"),
    "#N/A": Word("探した値が見つからない", "what it looks up was not found"),
    "#VALUE!": Word("数でないもので計算している", "it calculates with what is no number"),
    "#DIV/0!": Word("0で割っている", "it divides by zero"),
    "#NAME?": Word("名前か関数の綴りが違う", "a name or function in it is misspelt"),
    "#NUM!": Word("計算できない数になっている", "its number cannot be calculated"),
    "#NULL!": Word("重ならない範囲を指している", "its ranges do not meet"),
    "#SPILL!": Word("結果を書く場所がふさがっている", "there is no room for its result"),
    "#CALC!": Word("計算できない", "it cannot be calculated"),
    "#GETTING_DATA": Word("データを読み込む前に保存されている", "it was saved before its data had come"),
}
_NAMES = (Column.OWN_NUMBER, Column.CUSTOMER_NUMBER, Column.DRAWING, Column.REVISION, Column.PARENT)
"""Where a spreadsheet spoils what is a name by taking it for a number or a day."""


def inspect(cells: Cells, uncounted: frozenset[Column]) -> None:
    """Note what is spoilt and read it as blank; tell what may be."""
    for column in uncounted:
        cells.spoil(
            column,
            Word("式の値が計算されていない", "its formula has no value yet"),
            Word("Excel で開いて保存し直してください", "Open it in Excel and save it again"),
        )
    for column, text in list(cells.texts.items()):
        if text.startswith("#") and text.upper() in _ERRORS:
            why = _ERRORS[text.upper()]
            cells.spoil(
                column,
                Word(f"Excel のエラー {text}（{why.ja}）", f"it holds Excel's error {text} ({why.en})"),
                Word("式を直すか、値を入れて保存し直してください", "Mend the formula, or put the value in its place"),
            )
        elif column in _NAMES and isinstance(cells.raw.get(column), date):
            cells.spoil(
                column,
                Word(f"Excel が日付 {text} に変えている", f"Excel has made it the day {text}"),
                Word("列の書式を「文字列」にして入れ直してください", "Format the column as text and enter it again"),
            )
        elif column in _NAMES and _SHORTENED.fullmatch(text):
            cells.spoil(
                column,
                Word(f"Excel が {text} と縮めている", f"Excel has shortened it to {text}"),
                Word("列の書式を「文字列」にして入れ直してください", "Format the column as text and enter it again"),
            )
        elif column in _NAMES and _LIKE_A_DAY.fullmatch(text):
            cells.tell(
                column,
                Word(f"「{text}」は Excel が日付に変えたものかもしれない", f"Excel may have made {text!r} a day"),
                Word("図面や注文書と同じか確かめてください", "Compare it with the drawing or the customer's order"),
            )
