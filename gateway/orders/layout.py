"""How a customer's file is read: which column is what, what a person said of it, and what is still to be asked. Pure.

How it is found out is `headings`; what the rows mean is `order_file`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.words import Word
from gateway.orders.columns import HEADINGS, REQUIRED, Column
from gateway.orders.problems import Problem
from gateway.sheets import Row, Sheet, letter


class Source(StrEnum):
    """How it is known what a column is."""

    HEADING = "heading"
    REMEMBERED = "remembered"
    ANSWERED = "answered"
    EMPTY = "empty"
    UNKEPT = "unkept"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a file. `columns`: by folded heading or letter; None: not read."""

    columns: Mapping[str, Column | None] = field(default_factory=dict)
    places: Mapping[int, Column | None] = field(default_factory=dict)
    """The same, by column counted from 0."""
    given: Mapping[Column, str] = field(default_factory=dict)
    customer: str = ""
    sheet: str | None = None
    ignore_rest: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the file. `column` None: not read; `suggestion` what an unknown one may be."""

    place: int
    heading: str
    column: Column | None
    source: Source
    suggestion: Column | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read. `headings` are the row numbers of its headings, `rows` what stands below them."""

    sheet: Sheet
    headings: tuple[int, ...]
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    customer: str = ""
    given: Mapping[Column, str] = field(default_factory=dict)
    remembered: str | None = None
    """The customer by whose earlier answers it is read."""
    notes: tuple[Problem, ...] = ()
    sheets: tuple[str, ...] = ()
    """Every sheet that could be read instead, this one included."""

    @property
    def columns(self) -> dict[Column, Field]:
        return {one.column: one for one in self.fields if one.column is not None}

    @property
    def readable(self) -> bool:
        """Whether every column is there without which each row would only be wrong."""
        return all(column in self.given or column in self.columns or _does(column, self.columns) for column in REQUIRED)

    def problems(self) -> Iterator[Problem]:
        """Yield what keeps the rows from being read: columns nobody knows, twice the same, or none that is needed."""
        line = self.headings[-1]
        seen: dict[Column, Field] = {}
        for one in self.fields:
            if one.source is Source.UNKNOWN:
                yield self._asked(one, line)
            elif one.column is not None and one.column in seen:
                first = seen[one.column]
                yield Problem(
                    line,
                    one.column,
                    Word(
                        f"{letter(first.place)}列「{first.heading}」と同じ {HEADINGS[one.column].ja} になっている",
                        f'column {letter(first.place)} "{first.heading}" is {one.column} already',
                    ),
                    Word(
                        f"どちらかを読まないでください（--map {letter(one.place)}=-）",
                        f"Leave one out: --map {letter(one.place)}=-",
                    ),
                    sheet=self.sheet.name,
                    place=one.place,
                    heading=one.heading,
                    on_page=Word("どちらかを「読まない」にしてください", "Leave one of the two unread"),
                )
            elif one.column is not None:
                seen[one.column] = one
        for column in REQUIRED:
            if column not in seen and column not in self.given and not _does(column, seen):
                yield self._missing(column, line)

    def _asked(self, one: Field, line: int) -> Problem:
        maybe = one.suggestion
        return Problem(
            line,
            None,
            Word("何の列か分からない", "nobody has said what this column is"),
            Word(
                (f"{HEADINGS[maybe].ja}なら --map {key(one)}={maybe}、" if maybe else f"--map {key(one)}=列名、")
                + f"読まないなら --map {key(one)}=-（分からない列を全部読まないなら --ignore-rest）",
                (f"If it is the {maybe}: --map {key(one)}={maybe}. " if maybe else f"Say --map {key(one)}=COLUMN. ")
                + f"Not to read it: --map {key(one)}=- (not to read any such column: --ignore-rest)",
            ),
            sheet=self.sheet.name,
            place=one.place,
            heading=one.heading,
            on_page=Word("何の列か、または「読まない」を選んでください", "Choose what it is, or not to read it"),
        )

    def _missing(self, column: Column, line: int) -> Problem:
        option = f"--set {column}=..."
        choose = Word("どの列か、下で選んでください", "Choose below which column it is")
        if column is Column.COORDINATOR:
            choose = Word("下の欄で幹事会社を選んでください", "Choose the coordinator below")
        return Problem(
            line,
            column,
            Word("この列がない", "there is no such column"),
            Word(
                f"どの列か --map 見出し={column} で示すか、全部の行で同じなら {option} としてください",
                f"Say which it is, --map HEADING={column}, or {option} if it is the same for every row",
            ),
            sheet=self.sheet.name,
            on_page=choose,
        )


def key(one: Field) -> str:
    """Return how a column is named in an answer: its heading, or its letter if it has none."""
    return one.heading if one.heading and " " not in one.heading else letter(one.place)


def _does(column: Column, seen: Mapping[Column, Field]) -> bool:
    return column is Column.PART and Column.DRAWING in seen
