"""A history's lines to rows of work, by its mapping; what cannot be a row is left out with its reason. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.orders.columns import folded, plain
from gateway.orders.left_out import totals
from gateway.replay import moments
from gateway.replay.grid import Grid, Unreadable, grids
from gateway.replay.mapping import History
from gateway.replay.pairing import Event, paired, without_pauses
from gateway.replay.rows import COUNT_LIMIT, ONE_STATION, LeftOut, Row

YEARS = range(1970, 2101)
"""A year outside is a wrong format or a placeholder for "never"; the rules would not believe it."""
_NAME_LENGTH = 200


class HistoryError(Exception):
    """The history cannot be played; `problems` holds one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a history says: rows in the file's order, and what was left out. `lines` are all below the headings."""

    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    lines: int
    duplicates: int
    """Rows that are the very same as one before, whether left out or kept."""
    days_above: int = 0
    """Lines whose day stands only above them."""

    @property
    def reasons(self) -> dict[str, int]:
        """How many lines were left out for each reason, most first."""
        return dict(Counter(one.why for one in self.left_out).most_common())


def read(data: bytes, history: History) -> Reading:
    """Read every line of a file. Raises HistoryError if it is no table, lacks a column, or no line is a row."""
    try:
        found = grids(data, encoding=history.encoding, delimiter=history.delimiter)
    except Unreadable as error:
        raise HistoryError([f"{error.word.ja} / The file {error.word.en}"]) from None
    return read_grid(chosen(found, history.sheet), history)


def chosen(found: Sequence[Grid], sheet: str | None) -> Grid:
    """Return the sheet of this name, or the first. Raises HistoryError."""
    if not found:
        raise HistoryError(["ファイルに何も書かれていません / There is nothing in the file"])
    for grid in found:
        if sheet is None or grid.sheet in (sheet, None):
            return grid
    names = ", ".join(str(grid.sheet) for grid in found)
    raise HistoryError(
        [f"シート「{sheet}」がありません（{names}） / There is no sheet {sheet!r}. The file has: {names}"]
    )


def read_grid(grid: Grid, history: History) -> Reading:
    """Read every line of a table. Raises HistoryError."""
    headings, lines = under_headings(grid, history.heading_line)
    places = _places(headings, history)
    reader = _Reader(history, places)
    seen: set[tuple[str, ...]] = set()
    duplicates = 0
    for number, cells in lines:
        if any(_cell(cells, places[drop.column]) in drop.values for drop in history.drop):
            reader.left_out.append(LeftOut(number, "dropped"))
            continue
        if totals([cell for cell in cells if cell.strip()]):
            reader.left_out.append(LeftOut(number, "totals"))
            continue
        duplicates += cells in seen
        if cells in seen and history.duplicates == "leave_out":
            reader.left_out.append(LeftOut(number, "duplicate"))
            continue
        seen.add(cells)
        reader.line(number, reader.with_day(cells))
    rows = tuple(sorted(reader.finished(), key=lambda row: row.line))
    left_out = tuple(sorted(reader.left_out, key=lambda one: one.line))
    if not rows:
        shown = [str(one) for one in left_out if one.why != "dropped"][:5]
        raise HistoryError(
            [*shown, "読める行が一行もありません。mapping を見直してください / No line can be read. See the mapping"]
        )
    return Reading(rows, left_out, len(lines), duplicates, reader.days_above)


def is_blank_day(text: str) -> bool:
    """Whether a cell says that its day is that of the row above.

    >>> is_blank_day(""), is_blank_day("〃"), is_blank_day("2/3")
    (True, True, False)
    """
    return text in ("", "〃", "''", '"', "同上", "↓")


def under_headings(
    grid: Grid, heading_line: int | None
) -> tuple[tuple[str, ...], Sequence[tuple[int, tuple[str, ...]]]]:
    """Return the headings, plain, and the lines beneath. Raises HistoryError."""
    for place, (number, cells) in enumerate(grid.lines):
        if heading_line is None or number == heading_line:
            return tuple(" ".join(plain(cell).split()) for cell in cells), grid.lines[place + 1 :]
    raise HistoryError(
        [f"見出しの{heading_line or 1}行目がありません / The file has no line {heading_line or 1} with headings"]
    )


def _places(headings: Sequence[str], history: History) -> dict[str, int]:
    """Return where each wanted column is; a heading that stands twice means the first."""
    wanted = [name for name in history.columns.model_dump().values() if name] + [
        one.column for one in (*history.drop, *history.setup)
    ]
    known = {folded(heading): place for place, heading in reversed(list(enumerate(headings))) if heading}
    missing = [name for name in dict.fromkeys(wanted) if folded(name) not in known]
    if missing:
        has = ", ".join(heading for heading in headings if heading)
        raise HistoryError(
            [
                f"列 {name!r} がありません。mapping の columns を見直してください / There is no column {name!r}. "
                f"The file has: {has}"
                for name in missing
            ]
        )
    return {name: known[folded(name)] for name in wanted}


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


class _Bad(Exception):  # noqa: N818 - never leaves this module
    """The line is no row."""

    def __init__(self, why: str, column: str = "", text: str = "") -> None:
        super().__init__(why)
        self.why, self.column, self.text = why, column, text


class _Reader:
    """Reads lines of one mapping, one after the other."""

    def __init__(self, history: History, places: Mapping[str, int]) -> None:
        self._history, self._columns, self._places = history, history.columns, places
        self._zone = ZoneInfo(history.time_zone)
        hours, _, minutes = history.day_starts.partition(":")
        self._day_starts = timedelta(hours=int(hours), minutes=int(minutes))
        self._words: dict[str, str] = {}
        if history.events:
            for what, words in history.events.model_dump().items():
                self._words |= {folded(word): what for word in words}
        self._rows: list[Row] = []
        self._events: list[Event] = []
        self._above = ""
        self.days_above = 0
        self.left_out: list[LeftOut] = []

    def with_day(self, cells: Sequence[str]) -> Sequence[str]:
        """Return a line with its day, which may stand only in a line above it."""
        column = self._columns.date
        if column is None or self._history.blank_days == "leave_out":
            return cells
        if not is_blank_day(self._text(cells, column)):
            self._above = self._text(cells, column)
            return cells
        if not self._above:
            return cells
        self.days_above += 1
        filled = [*cells, *[""] * (self._places[column] + 1 - len(cells))]
        filled[self._places[column]] = self._above
        return filled

    def line(self, number: int, cells: Sequence[str]) -> None:
        """Read one line: a row, an event, or nothing."""
        try:
            if self._columns.at:
                self._events.append(self._event(number, cells))
            else:
                self._rows.append(self._session(number, cells))
        except _Bad as bad:
            self.left_out.append(LeftOut(number, bad.why, bad.column, bad.text))

    def finished(self) -> list[Row]:
        """Return the rows; events are paired first."""
        events = self._events
        if self._history.pauses == "finish":
            events = [without_pauses(event) for event in events]
        rows, left_out = paired(events, resumes=any(event.what == "resume" for event in events))
        self.left_out += left_out
        return self._rows + rows

    def _session(self, number: int, cells: Sequence[str]) -> Row:
        names = self._names(cells)
        start, end = self._times(cells)
        setup, (good, scrap, hold) = self._is_setup(cells), self._counts(cells)
        if setup:
            good = good or 0
        return Row(start, end, number, *names, good, scrap, hold, part=self._part(cells), setup=setup)

    def _event(self, number: int, cells: Sequence[str]) -> Event:
        columns = self._columns
        said = self._text(cells, columns.event)
        what = self._words.get(folded(said))
        if what is None:
            raise _Bad("no_event", columns.event or "", said)
        at = self._moment(cells, columns.at, columns.date, "no_start")
        setup = what == "setup" or self._is_setup(cells)
        return Event(at, number, what, *self._names(cells), self._counts(cells), self._part(cells), setup)

    def _is_setup(self, cells: Sequence[str]) -> bool:
        return any(_cell(cells, self._places[one.column]) in one.values for one in self._history.setup)

    def _names(self, cells: Sequence[str]) -> tuple[str, str, str]:
        found = []
        columns = self._columns
        for why, column in (
            ("no_order", columns.order),
            ("no_operation", columns.operation),
            ("no_resource", columns.resource),
        ):
            text = " ".join(plain(self._text(cells, column)).split())
            if why == "no_resource":
                text = text or ONE_STATION
            if not 1 <= len(text) <= _NAME_LENGTH:
                raise _Bad(why, column or "", text[:40])
            found.append(text)
        return found[0], found[1], found[2]

    def _part(self, cells: Sequence[str]) -> str:
        return plain(self._text(cells, self._columns.part))[:_NAME_LENGTH]

    def _counts(self, cells: Sequence[str]) -> tuple[int | None, int, int]:
        columns = self._columns
        good, scrap, hold = (self._count(cells, one) for one in (columns.good, columns.scrap, columns.hold))
        return good, scrap or 0, hold or 0

    def _count(self, cells: Sequence[str], column: str | None) -> int | None:
        text = self._text(cells, column)
        if not text or column is None:
            return None
        value = moments.number(text, self._history.decimal)
        if value is None or not value.is_integer() or not 0 <= value <= COUNT_LIMIT:
            raise _Bad("no_number", column, text[:40])
        return int(value)

    def _times(self, cells: Sequence[str]) -> tuple[datetime, datetime]:
        columns = self._columns
        if columns.duration is None:
            start = self._moment(cells, columns.start, columns.date, "no_start")
            end = self._end(cells, start)
        else:
            length = self._length(cells, columns.duration)
            if columns.end is not None:
                end = self._moment(cells, columns.end, columns.end_date or columns.date, "no_end")
                start = end - length
            else:
                start = self._moment(cells, columns.start, columns.date, "no_start")
                end = start + length
        if end < start:
            raise _Bad("backwards", columns.end or "", self._text(cells, columns.end)[:40])
        return start, end

    def _end(self, cells: Sequence[str], start: datetime) -> datetime:
        """Return the end; a time without a day of its own is the first such time after the start."""
        columns = self._columns
        own = columns.end_date and self._text(cells, columns.end_date)
        text = self._text(cells, columns.end)
        found = None if self._history.timestamp else moments.moment(text, self._history.dates)
        if own or found is None or found.day is not None:
            return self._moment(cells, columns.end, columns.end_date if own else columns.date, "no_end")
        day = self._day(cells, columns.date) or start.astimezone(self._zone).date()
        end = self._utc(self._joined(day, found))
        if end < start:
            end = self._utc(self._joined(day + timedelta(days=1), found))
        return end

    def _length(self, cells: Sequence[str], column: str) -> timedelta:
        text = self._text(cells, column)
        length = moments.duration(text, self._history.duration_unit, self._history.decimal)
        if length is None:
            raise _Bad("no_length" if text else "no_end", column, text[:40])
        return length

    def _moment(self, cells: Sequence[str], column: str | None, day_column: str | None, empty: str) -> datetime:
        """Read a moment, its day perhaps in a column of its own."""
        text = self._text(cells, column)
        if column is not None and not text:
            raise _Bad(empty, column)
        try:
            return self._utc(self._naive(cells, text, column, day_column))
        except (ValueError, OverflowError):
            raise _Bad("no_time", column or day_column or "", text[:40]) from None

    def _naive(self, cells: Sequence[str], text: str, column: str | None, day_column: str | None) -> datetime:
        """Return the moment as written. Raises ValueError."""
        if self._history.timestamp and column is not None:
            return datetime.strptime(text, self._history.timestamp)  # noqa: DTZ007 - the zone follows
        found = moments.moment(text, self._history.dates) if column is not None else moments.Moment(None, None)
        if found is None:
            raise ValueError(text)
        day = found.day or self._day(cells, day_column)
        if day is None and found.since_midnight is not None:
            raise _Bad("no_day", column or "", text[:40])
        if day is None:
            raise ValueError(text)
        return self._joined(day, found)

    def _day(self, cells: Sequence[str], column: str | None) -> date | None:
        found = moments.moment(self._text(cells, column), self._history.dates)
        return found.day if found else None

    def _joined(self, day: date, found: moments.Moment) -> datetime:
        since = self._day_starts if found.since_midnight is None else found.since_midnight
        return moments.combined(day, since, found.offset)

    def _utc(self, read: datetime) -> datetime:
        if read.year in YEARS:
            found = (read if read.tzinfo else read.replace(tzinfo=self._zone)).astimezone(UTC)
            if found.year in YEARS:
                return found
        raise _Bad("years", "", f"{read:%Y-%m-%d}")

    def _text(self, cells: Sequence[str], column: str | None) -> str:
        return _cell(cells, self._places[column]).strip() if column else ""
