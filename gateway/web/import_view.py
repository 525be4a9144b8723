"""What the page shows of a file before it is imported: columns with their choices, rows with their problems. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.words import Word
from gateway.orders.cells import shown
from gateway.orders.columns import HEADINGS, Column
from gateway.orders.layout import Field, Layout, Source
from gateway.orders.problems import Problem
from gateway.orders.proposals import Parsed
from gateway.sheets import Row, letter

ROWS_SHOWN = 60
"""Rows without a problem that are shown; all of them have been read."""
WRONG_SHOWN = 200
ORDERS_SHOWN = 100
UNSAID, NOT_READ = "?", "-"
"""What a choice says that is no column."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One column of the file and what it is taken for; `asked`: nobody has said it yet."""

    place: int
    letter: str
    heading: str
    example: str
    chosen: str
    maybe: Column | None
    asked: bool
    said: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell as shown, with what is said of it."""

    heading: str
    text: str
    said: tuple[Problem, ...]

    @property
    def wrong(self) -> bool:
        return any(one.stops for one in self.said)


@dataclass(frozen=True, slots=True)
class Line:
    """One row as shown; `said` is of the row as a whole."""

    number: int
    cells: tuple[Shown, ...]
    said: tuple[Problem, ...]
    hidden: bool = False
    """Whether nobody sees it in Excel."""

    @property
    def wrong(self) -> bool:
        return any(one.stops for one in self.said) or any(cell.wrong for cell in self.cells)


@dataclass(frozen=True, slots=True)
class View:
    """The whole page. `said` is of the file or of its headings; rows that are not shown are counted."""

    choices: tuple[Choice, ...]
    headings: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    more: int
    more_wrong: int
    said: tuple[Problem, ...]
    needs_coordinator: bool
    needs_firm: bool
    answerable: bool = False
    """Whether any problem can be settled on the page itself."""


def view(parsed: Parsed) -> View:
    """Return what is to be shown of a file that was read."""
    said = (*parsed.problems, *parsed.notes)
    layout = parsed.layout
    if layout is None:
        return View((), (), (), 0, 0, said, needs_coordinator=False, needs_firm=False)
    below = {row.number for row in layout.rows}
    by_line: dict[int, list[Problem]] = {}
    for one in said:
        if one.line in below:
            by_line.setdefault(one.line, []).append(one)
    fields = [one for one in layout.fields if one.column is not None or one.source is Source.UNKNOWN]
    hidden = layout.sheet.hidden_rows
    lines = [_line(row, fields, by_line.get(row.number, ()), hidden=row.number in hidden) for row in layout.rows]
    wrong = [line for line in lines if line.wrong][:WRONG_SHOWN]
    plain = sorted((line for line in lines if not line.wrong), key=lambda line: not line.hidden)[:ROWS_SHOWN]
    more_wrong = sum(line.wrong for line in lines) - len(wrong)
    questions = [one for one in parsed.problems if one.line in layout.headings]
    return View(
        choices=tuple(_choice(one, layout, questions) for one in layout.fields),
        headings=tuple((letter(one.place), one.heading) for one in fields),
        lines=tuple(sorted((*wrong, *plain), key=lambda line: line.number)),
        more=len(lines) - len(wrong) - len(plain) - more_wrong,
        more_wrong=more_wrong,
        said=tuple(one for one in said if one.line not in below),
        needs_coordinator=Column.COORDINATOR not in layout.columns,
        needs_firm=Column.STEP in layout.columns and Column.FIRM not in layout.columns,
        answerable=any(one.on_page for one in parsed.problems),
    )


def names() -> Mapping[Column, Word]:
    """Return how each column is called."""
    return {column: Word(heading.ja, column.value.replace("_", " ")) for column, heading in HEADINGS.items()}


def _choice(one: Field, layout: Layout, questions: Sequence[Problem]) -> Choice:
    example = next(
        (text for row in layout.rows if one.place < len(row.cells) and (text := shown(row.cells[one.place]))), ""
    )
    chosen = one.column.value if one.column else NOT_READ
    asked = one.source is Source.UNKNOWN
    return Choice(
        place=one.place,
        letter=letter(one.place),
        heading=one.heading,
        example=example[:24],
        chosen=UNSAID if asked else chosen,
        maybe=one.suggestion,
        asked=asked,
        said=tuple(problem for problem in questions if problem.place == one.place),
    )


def _line(row: Row, fields: Sequence[Field], said: Sequence[Problem], *, hidden: bool) -> Line:
    cells = tuple(
        Shown(
            one.heading or letter(one.place),
            shown(row.cells[one.place])[:80] if one.place < len(row.cells) else "",
            tuple(problem for problem in said if problem.place == one.place),
        )
        for one in fields
    )
    placed = {one.place for one in fields}
    return Line(row.number, cells, tuple(problem for problem in said if problem.place not in placed), hidden)
