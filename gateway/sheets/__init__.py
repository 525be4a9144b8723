"""A file of rows as an office saves it, CSV or .xlsx, to sheets of numbered rows. What a row means is others' business.

Pure: bytes in, a book out, or one sentence on why it is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from broker.words import Word

SIZE_LIMIT_BYTES = 4 * 1024 * 1024
ROW_LIMIT = 10_000
"""A year of a large shop's lines of orders; more in one file is a mistake, and would be one huge transaction."""
COLUMN_LIMIT = 200

Cell = str | int | float | bool | datetime | date | time | timedelta | None
"""As the file has it: CSV knows text alone; in a workbook a formula is what it last came to. None or "" is blank."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read: its bytes, those of an archive's parts together, rows of a sheet."""

    size_bytes: int
    unpacked_bytes: int
    rows: int


ORDERS = Limits(SIZE_LIMIT_BYTES, 32 * 1024 * 1024, ROW_LIMIT)
"""As a workbook a year's orders with every step have about 4 MiB of parts."""
HISTORY = Limits(64 * 1024 * 1024, 256 * 1024 * 1024, 100_000)
"""Years of a shop's reports: the largest we have seen has 5,000 rows a quarter, 160 bytes each."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank. `number` is what a spreadsheet shows at its left, from 1."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; `name` None: the only one of a CSV file. `day_zero` is what Excel's serial numbers count from."""

    name: str | None
    rows: tuple[Row, ...]
    uncounted: frozenset[tuple[int, int]] = frozenset()
    """(row, column from 0) of formulas whose value was never worked out: they look blank."""
    day_zero: date = date(1899, 12, 30)
    hidden_rows: frozenset[int] = frozenset()
    """Numbers of rows that nobody sees: hidden, or not let through by a filter. They are among the rows."""
    hidden_columns: frozenset[int] = frozenset()
    """Columns, from 0, that nobody sees."""


@dataclass(frozen=True, slots=True)
class Book:
    """A whole file. `encoding` and `separator` are what a CSV file turned out to have."""

    sheets: tuple[Sheet, ...]
    encoding: str | None = None
    separator: str | None = None


class UnreadableError(Exception):
    """The file cannot be read. `row` 0: as a whole."""

    def __init__(self, reason: Word, remedy: Word, *, row: int = 0, sheet: str | None = None) -> None:
        super().__init__(f"{reason.en}. {remedy.en}")
        self.reason, self.remedy, self.row, self.sheet = reason, remedy, row, sheet


def read(data: bytes, limits: Limits = ORDERS, *, encoding: str | None = None, separator: str | None = None) -> Book:
    """Return what is in the file, by its content, whatever its name. Raises UnreadableError.

    `encoding` and `separator` of a CSV are found out unless given; LookupError if there is no such encoding.
    """
    if len(data) > limits.size_bytes:
        raise UnreadableError(
            Word(
                f"{len(data):,}バイトあり、上限の{limits.size_bytes:,}バイトより大きい",
                f"it has {len(data):,} bytes, more than the limit of {limits.size_bytes:,}",
            ),
            DIVIDE,
        )
    for beginning, sort in _SORTS:
        if data.startswith(beginning):
            return sort(data, limits)
    from gateway.sheets.text import read_csv  # noqa: PLC0415 - both ways know the shapes above

    return read_csv(data, limits, encoding=encoding, separator=separator)


def letter(column: int) -> str:
    """Return what a spreadsheet calls a column, counted from 0.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    while column >= 0:
        column, rest = column // 26 - 1, column % 26
        letters = chr(65 + rest) + letters
    return letters


def filled(cells: Sequence[Cell]) -> bool:
    """Say whether anything stands in a row."""
    return any(cell is not None and (not isinstance(cell, str) or cell.strip()) for cell in cells)


DIVIDE = Word("いくつかのファイルに分けてください", "Divide it into several files")


def too_many_rows(row: int, limits: Limits, sheet: str | None = None) -> UnreadableError:
    """Return the refusal of a sheet that is too long."""
    reason = Word(f"{limits.rows:,}行より多い", f"there are more than {limits.rows:,} rows")
    return UnreadableError(reason, DIVIDE, row=row, sheet=sheet)


def too_many_columns(row: int, sheet: str | None = None) -> UnreadableError:
    """Return the refusal of a row that is too wide."""
    return UnreadableError(
        Word(f"{COLUMN_LIMIT}列より多い", f"there are more than {COLUMN_LIMIT} columns"),
        Word("要らない列を消してください", "Remove the columns that are not needed"),
        row=row,
        sheet=sheet,
    )


def _xlsx(data: bytes, limits: Limits) -> Book:
    from gateway.sheets.excel import read_xlsx  # noqa: PLC0415 - openpyxl only for those who need it

    return read_xlsx(data, limits)


def _old_excel(_: bytes, __: Limits) -> Book:
    raise UnreadableError(
        Word("古い Excel の形式（.xls）か、パスワードが付いている", "it is an old .xls file, or has a password"),
        Word(
            "パスワードを外し、「Excel ブック（.xlsx）」で保存し直してください",
            "Remove the password and save it again as .xlsx",
        ),
    )


def _pdf(_: bytes, __: Limits) -> Book:
    raise UnreadableError(
        Word("PDF で、表ではない", "it is a PDF, not a table"),
        Word("元の Excel か CSV をもらってください", "Ask for the Excel or CSV file it was made from"),
    )


_SORTS: tuple[tuple[bytes, Callable[[bytes, Limits], Book]], ...] = (
    (b"PK\x03\x04", _xlsx),
    (b"\xd0\xcf\x11\xe0", _old_excel),
    (b"%PDF", _pdf),
)
"""What a file begins with, and how it is read; anything else is text."""
