"""Workbooks (.xlsx) by openpyxl, read row by row, whatever a stranger put into the file. The only module with openpyxl.

A workbook is a ZIP archive of XML. Its parts together are bounded before the first is opened (Python's zipfile never
hands out more than the directory says), and defusedxml refuses documents that define entities. Merged cells all say
what a person sees in them: openpyxl does not tell of them while it reads row by row, so they are looked up in the XML.
"""

import io
import lzma
import re
import warnings
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import repeat
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook

from broker.words import Word
from gateway.sheets import (
    COLUMN_LIMIT,
    DIVIDE,
    Book,
    Cell,
    Limits,
    Row,
    Sheet,
    UnreadableError,
    filled,
    too_many_columns,
    too_many_rows,
)
from gateway.sheets.hidden import hidden_columns, hidden_rows

_PART_LIMIT = 1000
_SHEET_LIMIT = 50
_REACH = 100_000
"""How far down rows are looked for; formats reach down to row 1,048,576 where somebody coloured whole columns."""
_BEYOND = 10_000_000
"""Cells to the right of the last column that is read which a workbook may have, blank ones: a second on a PC."""
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^<>]*\bref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
"""It never looks beyond the next `<`: a comment full of beginnings would else be searched to its end from each."""
_MERGED_LIMIT = 200_000
"""Cells that merged ranges may cover, rows that are there counted alone."""
_RANGES_LIMIT = 100_000
"""Merged ranges in a workbook, whatever they cover."""
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    OSError,
    RuntimeError,
    OverflowError,
)
"""What zipfile, defusedxml and openpyxl raise for an archive that is no workbook, a damaged one, or a malicious one."""


def read_xlsx(data: bytes, limits: Limits) -> Book:
    """Return every sheet that a person sees, with values as last worked out. Raises UnreadableError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _weigh(archive, limits)
            texts = {name: archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")}
        if sum(text.count(b"mergeCell ") for text in texts.values()) > _RANGES_LIMIT:
            raise _too_many_merged()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's, about what of a workbook's dress it does not know
            values = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            formulas = None
            if any(b"<f" in text for text in texts.values()):
                formulas = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            return Book(tuple(_sheets(values, formulas, texts, limits)))
    except _DAMAGED as error:
        raise UnreadableError(
            Word("Excel のブック（.xlsx）として読めない", "it cannot be read as an Excel workbook (.xlsx)"),
            Word("Excel で開き、.xlsx で保存し直してください", "Open it in Excel and save it again as .xlsx"),
        ) from error


def _weigh(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse an archive that unpacks to too much."""
    parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if size > limits.unpacked_bytes or len(parts) > _PART_LIMIT:
        raise UnreadableError(
            Word(
                f"開くと{size:,}バイトになり、上限の{limits.unpacked_bytes:,}バイトより大きい",
                f"it unpacks to {size:,} bytes, more than the limit of {limits.unpacked_bytes:,}",
            ),
            Word(
                "画像や要らないシートを消し、値だけを新しいブックに貼り付けてください",
                "Remove pictures and sheets that are not needed, or paste the values into a new workbook",
            ),
        )


def _sheets(values: Workbook, formulas: Workbook | None, texts: Mapping[str, bytes], limits: Limits) -> Iterator[Sheet]:
    day_zero = date(1904, 1, 1) if values.epoch == CALENDAR_MAC_1904 else date(1899, 12, 30)
    seen = [sheet for sheet in values.worksheets if sheet.sheet_state == "visible"]
    if len(seen) > _SHEET_LIMIT:
        raise UnreadableError(
            Word(f"シートが{_SHEET_LIMIT}より多い", f"there are more than {_SHEET_LIMIT} sheets"),
            Word("注文のシートだけを別のブックにしてください", "Put the sheet with the orders into its own workbook"),
        )
    beyond = characters = 0  # a text is stored once however many cells show it: what they show is bounded as in a CSV
    for sheet in seen:
        rows: list[Row] = []
        uncounted: set[tuple[int, int]] = set()
        for number, cells, unknown in _records(sheet, formulas[sheet.title] if formulas is not None else None):
            beyond += max(0, len(cells) - COLUMN_LIMIT)
            if beyond > _BEYOND:
                raise too_many_columns(number, sheet.title)
            if not unknown and not filled(cells):
                continue
            if len(rows) == limits.rows:
                raise too_many_rows(number, limits, sheet.title)
            if filled(cells[COLUMN_LIMIT:]):
                raise too_many_columns(number, sheet.title)
            rows.append(Row(number, cells[:COLUMN_LIMIT]))
            uncounted.update((number, column) for column in unknown)
        text = texts.get(getattr(sheet, "_worksheet_path", ""), b"")
        merged = tuple(_merged(rows, text, sheet.title))
        characters += sum(len(cell) for row in merged for cell in row.cells if isinstance(cell, str))
        if characters > limits.size_bytes:
            raise UnreadableError(
                Word(
                    f"セルの文字が全部で{characters:,}文字あり、上限の{limits.size_bytes:,}文字より多い",
                    f"its cells have {characters:,} characters, more than the limit of {limits.size_bytes:,}",
                ),
                DIVIDE,
                sheet=sheet.title,
            )
        yield Sheet(sheet.title, merged, frozenset(uncounted), day_zero, hidden_rows(text), hidden_columns(text))


def _merged(rows: Sequence[Row], text: bytes, sheet: str) -> Iterator[Row]:
    """Yield the rows with what stands in the first cell of a merged range in all its cells."""
    found = {row.number: list(row.cells) for row in rows}
    covered = 0
    for match in _MERGED.finditer(text):
        left, top, right, bottom = (int(bound or 0) for bound in range_boundaries(match[1].decode()))
        right = min(right, COLUMN_LIMIT)
        first = found.get(top)
        if first is None or left > len(first) or first[left - 1] is None:
            continue
        numbers = [
            row.number for row in rows[bisect_left(rows, top, key=_number) : bisect_right(rows, bottom, key=_number)]
        ]
        covered += len(numbers) * (right - left + 1)
        if covered > _MERGED_LIMIT:
            raise _too_many_merged(sheet)
        for cells in (found[number] for number in numbers):
            cells.extend([None] * (right - len(cells)))
            cells[left - 1 : right] = [first[left - 1]] * (right - left + 1)
    for row in rows:
        yield Row(row.number, tuple(found[row.number]))


def _too_many_merged(sheet: str | None = None) -> UnreadableError:
    return UnreadableError(
        Word("結合されたセルが多すぎる", "too many cells are merged"),
        Word("セルの結合を解いて保存し直してください", "Unmerge the cells and save it again"),
        sheet=sheet,
    )


def _number(row: Row) -> int:
    return row.number


def _records(values: Any, formulas: Any) -> Iterator[tuple[int, tuple[Cell, ...], Sequence[int]]]:
    """Yield every row with its number and the columns whose formula has no value. (The stubs know no such sheets.)"""
    values.reset_dimensions()  # many programs write wrong ones
    if formulas is not None:
        formulas.reset_dimensions()
    written = formulas.iter_rows(values_only=True) if formulas is not None else repeat(())
    rows: Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]] = zip(
        values.iter_rows(values_only=True), written, strict=False
    )
    for number, (cells, texts) in enumerate(rows, start=1):
        if number > _REACH:
            raise UnreadableError(
                Word(f"シートが{_REACH:,}行目より下まで続く", f"the sheet goes on below row {_REACH:,}"),
                Word("表より下の行を削除して保存し直してください", "Delete the rows below the table and save it again"),
                sheet=values.title,
            )
        if cells:
            unknown = [column for column, text in enumerate(texts) if cells[column] is None and _is_formula(text)]
            yield number, cells, unknown


def _is_formula(written: object) -> bool:
    """Say whether a cell that has no value holds a formula: a text that begins so, or openpyxl's word for an array."""
    return written is not None and (not isinstance(written, str) or written.startswith("="))
