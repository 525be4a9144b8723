"""CSV as programs save it: UTF-8, UTF-16 or CP932; commas, tabs or semicolons; found out from the bytes alone."""

import codecs
import csv
import io
from itertools import islice

from broker.words import Word
from gateway.sheets import (
    COLUMN_LIMIT,
    Book,
    Limits,
    Row,
    Sheet,
    UnreadableError,
    filled,
    too_many_columns,
    too_many_rows,
)

_SEPARATORS = ",\t;"
_LOOKED_AT = 30
"""Records from which the separator is told."""


def read_csv(data: bytes, limits: Limits, *, encoding: str | None = None, separator: str | None = None) -> Book:
    """Return a book of one sheet. Raises UnreadableError."""
    text, encoding = _text(data, encoding)
    if text.lstrip()[:200].lower().startswith(("<html", "<!doctype", "<table", "<?xml")):
        raise UnreadableError(
            Word("表計算ではなくウェブページ（HTML）か XML", "it is a web page (HTML) or XML, not a table"),
            Word("Excel で開き、.xlsx か CSV で保存し直してください", "Open it in Excel and save it as .xlsx or CSV"),
        )
    separator = separator or max(_SEPARATORS, key=lambda one: (_cells(text, one), -_SEPARATORS.index(one)))
    return Book((Sheet(None, tuple(_rows(text, separator, limits))),), encoding, separator)


def _text(data: bytes, named: str | None) -> tuple[str, str]:
    encodings = ["utf-16"] if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ["utf-8-sig", "cp932"]
    furthest = 0
    for encoding in [named] if named else encodings:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as error:
            furthest = max(furthest, error.start)
    if named:
        raise UnreadableError(
            Word(f"文字コードが {named} ではない", f"it is not {named}"),
            Word("encoding を直してください", "Change encoding"),
            row=data.count(b"\n", 0, furthest) + 1,
        )
    raise UnreadableError(
        Word("文字コードが UTF-8 でも Shift_JIS（CP932）でもない", "it is neither UTF-8 nor Shift_JIS (CP932)"),
        Word(
            "Excel で開き、.xlsx か「CSV UTF-8」で保存し直してください",
            'Open it in Excel and save it as .xlsx or "CSV UTF-8"',
        ),
        row=data.count(b"\n", 0, furthest) + 1,
    )


def _cells(text: str, separator: str) -> int:
    """Count the cells that a separator would make of the beginning."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return sum(len(record) for record in islice(reader, _LOOKED_AT))
    except csv.Error:
        return 0


def _rows(text: str, separator: str, limits: Limits) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            if not filled(record):
                continue
            if len(rows) == limits.rows:
                raise too_many_rows(number, limits)
            if filled(record[COLUMN_LIMIT:]):
                raise too_many_columns(number)
            rows.append(Row(number, tuple(record[:COLUMN_LIMIT])))
    except csv.Error as error:
        raise UnreadableError(
            Word("CSV として読めない", f"it cannot be read as CSV ({error})"),
            Word("引用符が閉じているか確かめてください", "See that every quotation mark is closed"),
            row=number + 1,
        ) from None
    return rows
