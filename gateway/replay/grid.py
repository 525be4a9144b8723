"""A history's tables as lines of text: what `gateway.sheets` reads, every cell written as it reads the same. Pure.

What the lines mean is not decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from broker.words import Word
from gateway.sheets import HISTORY, Cell, UnreadableError, read


@dataclass(frozen=True, slots=True)
class Grid:
    """One table: the lines that are not blank, numbered from 1 as a spreadsheet does."""

    lines: tuple[tuple[int, tuple[str, ...]], ...]
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


class Unreadable(Exception):  # noqa: N818 - what is the case
    """The file is no table; `word` says why and what to do."""

    def __init__(self, word: Word) -> None:
        super().__init__(word.en)
        self.word = word


def grids(data: bytes, *, encoding: str | None = None, delimiter: str | None = None) -> tuple[Grid, ...]:
    """Read a file into its tables, one of a CSV, one a sheet of an .xlsx. What is None is found out.

    Raises Unreadable.
    """
    try:
        book = read(data, HISTORY, encoding=encoding, separator=delimiter)
    except UnreadableError as error:
        where = (f"{error.row}行目：", f"line {error.row}: ") if error.row else ("", "")
        ja, en = f"{where[0]}{error.reason.ja}。{error.remedy.ja}", f"{where[1]}{error.reason.en}. {error.remedy.en}"
        raise Unreadable(Word(ja, en)) from None
    return tuple(
        Grid(tuple((row.number, _texts(row.cells)) for row in sheet.rows), sheet.name, book.encoding, book.separator)
        for sheet in book.sheets
        if sheet.rows
    )


def _texts(cells: Sequence[Cell]) -> tuple[str, ...]:
    texts = [_shown(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _shown(cell: Cell) -> str:
    """Return a cell's value as text that reads the same; dates as ISO 8601.

    >>> _shown(12.0), _shown(datetime(2025, 3, 4)), _shown(timedelta(hours=30))
    ('12', '2025-03-04', '30:00:00')
    """
    match cell:
        case None:
            return ""
        case datetime():
            whole = cell.time() == time()
            return cell.date().isoformat() if whole else cell.isoformat(sep=" ", timespec="milliseconds")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip()
