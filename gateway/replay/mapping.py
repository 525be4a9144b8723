"""A shop's history as rows: which column is what is said in a TOML file, everything wrong is listed at once. Pure."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from broker.events import Id
from broker.settings import Mqtt, Settings, TimeZone

COUNT_LIMIT = 999_999
"""What a ten-key pad can key at an edge: six digits."""
YEARS = range(1970, 2101)
"""A year outside is a wrong format or a placeholder for "never"; the rules would not believe it."""
PROBLEM_LIMIT = 50
"""Problems listed; a wrong format makes one a row."""

Column = Annotated[str, Field(min_length=1)]


class Columns(Settings):
    """Headings of the history's columns. A history without scrap or hold leaves them out."""

    order: Column
    operation: Column
    resource: Column
    start: Column
    end: Column
    good: Column
    scrap: Column | None = None
    hold: Column | None = None


class Drop(Settings):
    """Rows that are none: those whose `column` holds one of `values`."""

    column: Column
    values: tuple[str, ...]


class History(Settings):
    """The whole mapping file. `timestamp` is a strptime format; times without an offset are in `time_zone`."""

    firm: Id
    encoding: str = "utf-8-sig"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    timestamp: str = "%Y-%m-%d %H:%M:%S"
    time_zone: TimeZone = "UTC"
    columns: Columns
    drop: tuple[Drop, ...] = ()
    mqtt: Mqtt | None = None
    """How the played edge reaches the broker, if not as the gateway does."""

    @field_validator("firm")
    @classmethod
    def _a_firm(cls, firm: str) -> str:
        if firm == "gateway":
            raise ValueError(
                "gateway は共有サーバーの名前です。別の id にしてください / gateway is reserved: choose another firm id"
            )
        return firm

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(
                f"{encoding!r} という文字コードはありません。utf-8-sig か cp932 などにしてください / "
                f"{encoding!r} is no encoding: use utf-8-sig, cp932..."
            ) from None
        return encoding


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One stretch of work; times in UTC. `line` counts from 1 as a text editor does."""

    start: datetime
    end: datetime
    line: int
    order: str
    operation: str
    resource: str
    good: int
    scrap: int
    hold: int


class HistoryError(Exception):
    """The history cannot be played; `problems` holds one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def rows(data: bytes, history: History) -> tuple[Row, ...]:
    """Read every row that is not dropped, in the file's order. Raises HistoryError with every problem."""
    reader = csv.DictReader(io.StringIO(_text(data, history), newline=""), delimiter=history.delimiter)
    columns = history.columns
    wanted = [name for name in columns.model_dump().values() if name] + [drop.column for drop in history.drop]
    missing = [name for name in wanted if name not in (reader.fieldnames or ())]
    if missing:
        raise HistoryError(
            [
                f"列 {name!r} がありません。mapping の columns を見直してください / There is no column {name!r}. "
                f"The file has: {', '.join(reader.fieldnames or ())}"
                for name in missing
            ]
        )
    problems: list[str] = []
    found: list[Row] = []
    zone = ZoneInfo(history.time_zone)
    try:
        for record in reader:
            if any(record[drop.column] in drop.values for drop in history.drop):
                continue
            reading = _Reading(record, reader.line_num, zone, history.timestamp, problems)
            if row := reading.row(columns):
                found.append(row)
            if len(problems) >= PROBLEM_LIMIT:
                break
    except csv.Error as error:
        problems.append(f"{reader.line_num}行目：CSV として読めません / line {reader.line_num}: is no CSV ({error})")
    if problems:
        raise HistoryError(problems)
    if not found:
        raise HistoryError(["一行もありません。drop を見直してください / There is no row left. See the drop tables"])
    return tuple(found)


def _text(data: bytes, history: History) -> str:
    try:
        return data.decode(history.encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        sentence = (
            f"{line}行目：{history.encoding} として読めません。encoding を直してください / "
            f"line {line}: is not {history.encoding}. Change encoding in the mapping"
        )
        raise HistoryError([sentence]) from None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One record being read; what is wrong goes to `problems`."""

    record: Mapping[str, str | None]
    line: int
    zone: ZoneInfo
    timestamp: str
    problems: list[str]

    def row(self, columns: Columns) -> Row | None:
        before = len(self.problems)
        order, operation, resource = map(self._name, (columns.order, columns.operation, columns.resource))
        start, end = self._time(columns.start), self._time(columns.end)
        good, scrap, hold = map(self._count, (columns.good, columns.scrap, columns.hold))
        if start and end and end < start:
            self._note(columns.end, "開始より前です", "is before the start")
        if len(self.problems) > before or not start or not end:
            return None
        return Row(start, end, self.line, order, operation, resource, good, scrap, hold)

    def _cell(self, column: str) -> str:
        return (self.record[column] or "").strip()

    def _name(self, column: str) -> str:
        text = self._cell(column)
        if not 1 <= len(text) <= 200:
            self._note(column, "空か、200文字より長い", "is blank or longer than 200 characters")
        return text

    def _time(self, column: str) -> datetime | None:
        try:
            read = datetime.strptime(self._cell(column), self.timestamp)  # noqa: DTZ007 - the zone follows
        except ValueError:
            self._note(column, f"時刻 {self.timestamp} ではありません", f"is no time of the format {self.timestamp}")
            return None
        if read.year in YEARS:
            found = (read if read.tzinfo else read.replace(tzinfo=self.zone)).astimezone(UTC)
            if found.year in YEARS:
                return found
        self._note(
            column,
            "1970年から2100年の外です。行を直すか drop で除くか、timestamp を見直してください",
            "is not in the years 1970 to 2100: correct or drop the row, or see timestamp in the mapping",
        )
        return None

    def _count(self, column: str | None) -> int:
        text = self._cell(column) if column else ""
        if column is None or not text:
            return 0
        if text.isascii() and text.isdecimal() and int(text) <= COUNT_LIMIT:
            return int(text)
        self._note(column, f"0から{COUNT_LIMIT}の整数ではありません", f"is no whole number from 0 to {COUNT_LIMIT}")
        return 0

    def _note(self, column: str, ja: str, en: str) -> None:
        text = self._cell(column)
        self.problems.append(f"{self.line}行目 {column}：「{text}」は{ja} / line {self.line}, {column}: {text!r} {en}")
