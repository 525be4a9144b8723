"""A history's lines to rows of work, by its mapping; what cannot be a row is left out with its reason. Pure."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from broker.words import Word
from gateway.orders.columns import folded, plain
from gateway.orders.left_out import totals
from gateway.replay import moments
from gateway.replay.grid import Grid, Unreadable, grids
from gateway.replay.mapping import History

COUNT_LIMIT = 999_999
"""What a ten-key pad can key at an edge: six digits."""
YEARS = range(1970, 2101)
"""A year outside is a wrong format or a placeholder for "never"; the rules would not believe it."""
ONE_STATION = "station"
"""Where a history without machines was made."""
_NAME_LENGTH = 200

REASONS: dict[str, Word] = {
    "dropped": Word("作業ではない行（drop）", "no work (drop)"),
    "totals": Word("合計の行", "a row of totals"),
    "duplicate": Word("前の行とまったく同じ", "the very same as a row before"),
    "no_order": Word("受注の番号がないか、200文字より長い", "no order, or longer than 200 characters"),
    "no_operation": Word("工程がないか、200文字より長い", "no operation, or longer than 200 characters"),
    "no_resource": Word("設備の名前が200文字より長い", "the machine's name is longer than 200 characters"),
    "no_start": Word("開始が空", "no start"),
    "no_end": Word("終了が空（まだ終わっていない作業）", "no end: not finished yet"),
    "no_time": Word("日付か時刻と読めない", "is no date or time"),
    "no_day": Word(
        "時刻だけで、何日か分からない（日の列があれば --set date=見出し）",
        "is a time without a day (if there is a column of days: --set date=HEADING)",
    ),
    "no_length": Word("長さと読めない", "is no length of time"),
    "years": Word("1970年から2100年の外", "is not in the years 1970 to 2100"),
    "backwards": Word("終了が開始より前", "ends before it begins"),
    "no_number": Word(f"0から{COUNT_LIMIT:,}の整数ではない", f"is no whole number from 0 to {COUNT_LIMIT:,}"),
    "no_event": Word("着手とも完了とも読めない", "neither a start nor a finish"),
    "unfinished": Word("着手のまま、完了の行がない", "started, and no row says finished"),
    "unstarted": Word("完了の行だけで、着手の行がない", "finished, and no row says started"),
}
"""Why a line is no row, to a person."""


class HistoryError(Exception):
    """The history cannot be played; `problems` holds one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One stretch of work; times in UTC. `line` counts from 1 as a text editor does; `good` None: nobody counted."""

    start: datetime
    end: datetime
    line: int
    order: str
    operation: str
    resource: str
    good: int | None
    scrap: int
    hold: int
    part: str = field(default="", compare=False)
    setup: bool = field(default=False, compare=False)
    """Whether it is set-up, which makes no pieces unless they were counted."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that is no row: why (a key of `REASONS`), and the cell that says so."""

    line: int
    why: str
    column: str = ""
    text: str = ""

    def __str__(self) -> str:
        word = REASONS[self.why]
        cell = (f" {self.column}「{self.text}」", f", {self.column} {self.text!r}") if self.column else ("", "")
        return f"{self.line}行目{cell[0]}：{word.ja} / line {self.line}{cell[1]}: {word.en}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a history says: rows in the file's order, and what was left out. `lines` are all below the headings."""

    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    lines: int
    duplicates: int
    """Rows that are the very same as one before, whether left out or kept."""

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
        reader.line(number, cells)
    rows = tuple(sorted(reader.finished(), key=lambda row: row.line))
    left_out = tuple(sorted(reader.left_out, key=lambda one: one.line))
    if not rows:
        shown = [str(one) for one in left_out if one.why != "dropped"][:5]
        raise HistoryError(
            [*shown, "読める行が一行もありません。mapping を見直してください / No line can be read. See the mapping"]
        )
    return Reading(rows, left_out, len(lines), duplicates)


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


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    line: int
    what: str
    order: str
    operation: str
    resource: str
    counts: tuple[int | None, int, int]
    part: str
    setup: bool


_BEGINS = frozenset({"start", "resume", "setup"})


def _row(began: _Event, end: datetime, counts: tuple[int | None, int, int], *, part: str = "") -> Row:
    good, scrap, hold = counts
    return Row(
        began.at,
        end,
        began.line,
        began.order,
        began.operation,
        began.resource,
        (good or 0) if began.setup else good,
        scrap,
        hold,
        part=began.part or part,
        setup=began.setup,
    )


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
        self._events: list[_Event] = []
        self.left_out: list[LeftOut] = []

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
        """Return the rows; events are paired first, in order of time."""
        open_since: dict[tuple[str, str], deque[_Event]] = {}
        for event in sorted(self._events, key=lambda one: (one.at, one.line)):
            going = open_since.setdefault((event.order, event.operation), deque())
            began = next((one for one in going if one.resource == event.resource), None)
            if event.what in _BEGINS:
                if began and began.what == "setup" and event.what != "setup":  # what is set up, then runs
                    going.remove(began)
                    self._rows.append(_row(began, event.at, (0, 0, 0)))
                going.append(event)
                continue
            if began is None and len(going) == 1:
                began = going[0]
            if began is None:
                self.left_out.append(LeftOut(event.line, "unstarted"))
                continue
            going.remove(began)
            counts = event.counts if event.what == "finish" else (event.counts[0] or 0, *event.counts[1:])
            self._rows.append(_row(began, event.at, counts, part=event.part))
        self.left_out += [LeftOut(one.line, "unfinished") for going in open_since.values() for one in going]
        return self._rows

    def _session(self, number: int, cells: Sequence[str]) -> Row:
        names = self._names(cells)
        start, end = self._times(cells)
        setup, (good, scrap, hold) = self._is_setup(cells), self._counts(cells)
        if setup:
            good = good or 0
        return Row(start, end, number, *names, good, scrap, hold, part=self._part(cells), setup=setup)

    def _event(self, number: int, cells: Sequence[str]) -> _Event:
        columns = self._columns
        said = self._text(cells, columns.event)
        what = self._words.get(folded(said))
        if what is None:
            raise _Bad("no_event", columns.event or "", said)
        at = self._moment(cells, columns.at, columns.date, "no_start")
        setup = what == "setup" or self._is_setup(cells)
        return _Event(at, number, what, *self._names(cells), self._counts(cells), self._part(cells), setup)

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
