"""Finds where the orders stand in a customer's file: which sheet, which rows are headings, which column is what. Pure.

Proposed by the headings, then by what was answered before for a file that looks the same, then by what is answered now.
What nobody has said is asked, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from broker.words import Word
from gateway.orders.cells import shown
from gateway.orders.columns import BY_HEADING, SUGGESTED, Column, folded
from gateway.orders.layout import Answers, Field, Layout, Source
from gateway.orders.problems import Problem, Weight
from gateway.orders.remembered import Remembered
from gateway.sheets import Book, Cell, Row, Sheet, UnreadableError, letter

_LOOKED_AT = 40
"""Rows in which the headings are looked for; above them stand titles and addresses."""
_ALIKE = 0.8
"""Part of the remembered headings that a file must have to be taken for one of the same customer."""
_FEWEST = 2
"""Headings that a row must have to be one of headings."""


def lay_out(book: Book, answers: Answers, remembered: Sequence[Remembered] = ()) -> Layout:
    """Return how the file is read. Raises UnreadableError if no row of it looks like headings."""
    words = {*BY_HEADING, *SUGGESTED, *answers.columns}
    words.update(folded(name) for one in remembered for name in one.columns)
    best: tuple[int, Sheet, tuple[Row, ...], dict[int, str]] | None = None
    for sheet in book.sheets:
        if answers.sheet in {None, sheet.name}:
            for rows, headings in _candidates(sheet, words):
                score = len({folded(text) for text in headings.values()} & words)
                if best is None or score > best[0]:
                    best = (score, sheet, rows, headings)
    if best is None or best[0] < _FEWEST:
        raise _no_headings(book, answers)
    _, sheet, rows, headings = best
    below = tuple(row for row in sheet.rows if row.number > rows[-1].number)
    fitting = _fitting(headings, answers.customer, remembered)
    known = fitting[0] if len(fitting) == 1 else None
    fields = tuple(_fields(headings, below, known, answers))
    return Layout(
        sheet,
        tuple(row.number for row in rows),
        fields,
        below,
        answers.customer or (known.customer if known else ""),
        {**(known.given if known else {}), **answers.given},
        known.customer if known else None,
        tuple(_notes(book, sheet, rows[0].number, fitting)),
        tuple(one.name for one in book.sheets if one.rows and one.name),
    )


def _candidates(sheet: Sheet, words: set[str]) -> Iterator[tuple[tuple[Row, ...], dict[int, str]]]:
    """Yield each row, and each two that follow each other, as headings by column."""
    top = sheet.rows[:_LOOKED_AT]
    for row in top:
        yield (row,), {place: text for place, cell in enumerate(row.cells) if (text := _heading(cell))}
    for upper, lower in pairwise(top):
        if lower.number == upper.number + 1 and all(isinstance(cell, str | None) for cell in lower.cells):
            yield (upper, lower), _joined(upper, lower, words)


def _joined(upper: Row, lower: Row, words: set[str]) -> dict[int, str]:
    """Join headings over two rows: 工程 over 納期 is 工程納期 if that is a word, else what stands below."""
    joined: dict[int, str] = {}
    group = ""
    for place in range(max(len(upper.cells), len(lower.cells))):
        above = _heading(upper.cells[place]) if place < len(upper.cells) else ""
        below = _heading(lower.cells[place]) if place < len(lower.cells) else ""
        group = above or (group if below else "")
        if not below or below == above:
            text = above
        elif folded(group + below) in words:
            text = group + below
        elif folded(below) in words or not group:
            text = below
        else:
            text = f"{group} {below}"
        if text:
            joined[place] = text
    return joined


def _heading(cell: Cell) -> str:
    """Return a heading on one line."""
    return " ".join(shown(cell).split())


def _fitting(headings: Mapping[int, str], customer: str, remembered: Sequence[Remembered]) -> list[Remembered]:
    """Return what was answered for this customer, or else for those whose files have most of these headings."""
    if customer:
        return [one for one in remembered if folded(one.customer) == folded(customer)][:1]
    names = {folded(name) for place, heading in headings.items() for name in (heading, letter(place))}

    def alike(one: Remembered) -> int:
        its = {folded(name) for name in one.columns}
        return len(its & names) if its and len(its & names) >= _ALIKE * len(its) else 0

    most = max(map(alike, remembered), default=0)
    return [one for one in remembered if most and alike(one) == most]


def _fields(
    headings: Mapping[int, str], rows: Sequence[Row], known: Remembered | None, answers: Answers
) -> Iterator[Field]:
    before = {folded(name): column for name, column in known.columns.items()} if known else {}
    width = max((len(row.cells) for row in rows), default=0)
    for place in range(max(width, max(headings, default=-1) + 1)):
        heading = headings.get(place, "")
        names = [name for name in (folded(heading), folded(letter(place))) if name]
        used = any(place < len(row.cells) and shown(row.cells[place]) for row in rows)
        answered = next((name for name in names if name in answers.columns), None)
        if place in answers.places:
            yield Field(place, heading, answers.places[place], Source.ANSWERED)
        elif answered is not None:
            yield Field(place, heading, answers.columns[answered], Source.ANSWERED)
        elif (name := next((name for name in names if name in before), None)) is not None:
            column = before[name]
            yield Field(place, heading, None if column == "-" else Column(column), Source.REMEMBERED)
        elif folded(heading) in BY_HEADING:
            yield Field(place, heading, BY_HEADING[folded(heading)], Source.HEADING)
        elif not used:
            if heading:
                yield Field(place, heading, None, Source.EMPTY)
        elif answers.ignore_rest:
            yield Field(place, heading, None, Source.ANSWERED)
        else:
            yield Field(place, heading, None, Source.UNKNOWN, SUGGESTED.get(folded(heading)))


def _notes(book: Book, sheet: Sheet, first: int, fitting: Sequence[Remembered]) -> Iterator[Problem]:
    above = [row for row in sheet.rows if row.number < first]
    if above:
        said = " ".join(dict.fromkeys(text for cell in above[0].cells if (text := shown(cell))))[:40]
        yield Problem(
            above[0].number,
            None,
            Word(f"「{said}」など、見出しより上は読みません", f"what stands above the headings is not read ({said!r})"),
            Word(
                "注文がそこにあるなら見出しの下に移してください", "If orders stand there, move them below the headings"
            ),
            Weight.NOTE,
            sheet.name,
        )
    others = [one.name for one in book.sheets if one is not sheet and one.rows and one.name]
    if others:
        listed = "、".join(others[:5]), ", ".join(others[:5])
        yield Problem(
            0,
            None,
            Word(f"シート「{sheet.name}」だけを読みます", f"only the sheet {sheet.name} is read"),
            Word(
                f"ほかを読むなら --sheet で名前を（{listed[0]}）", f"To read another, name it with --sheet: {listed[1]}"
            ),
            Weight.NOTE,
            on_page=Word(f"ほかのシートは下で選べます（{listed[0]}）", f"Another can be chosen below: {listed[1]}"),
        )
    if len(fitting) > 1:
        names = "、".join(one.customer for one in fitting[:5]), ", ".join(one.customer for one in fitting[:5])
        yield Problem(
            0,
            None,
            Word(f"どの客先のファイルか分からない（{names[0]}）", f"it may be a file of several customers: {names[1]}"),
            Word("--customer で名前を入れてください", "Name the one with --customer"),
            Weight.NOTE,
            on_page=Word("下の欄に客先の名前を入れてください", "Give the customer's name below"),
        )
    for known in fitting if len(fitting) == 1 else ():
        yield Problem(
            0,
            None,
            Word(
                f"「{known.customer}」のファイルとして、覚えている読み方で読みました",
                f"it was read as a file of {known.customer}, as was answered before",
            ),
            Word(
                "別の客先なら --customer で名前を入れてください",
                "If it is another customer's, name them with --customer",
            ),
            Weight.NOTE,
            on_page=Word(
                "別の客先なら、下の欄に名前を入れてください", "If it is another customer's, give the name below"
            ),
        )


def _no_headings(book: Book, answers: Answers) -> UnreadableError:
    if not any(sheet.rows for sheet in book.sheets):
        return UnreadableError(
            Word("何も書かれていない", "it is empty"),
            Word("config/orders.csv を見本にしてください", "Take config/orders.csv as a model"),
        )
    if answers.sheet and answers.sheet not in {sheet.name for sheet in book.sheets}:
        names = ", ".join(sheet.name for sheet in book.sheets if sheet.name)
        return UnreadableError(
            Word(f"シート「{answers.sheet}」がない", f"there is no sheet {answers.sheet!r}"),
            Word(f"次のどれかにしてください（{names}）", f"Use one of: {names}"),
        )
    return UnreadableError(
        Word(
            f"上から{_LOOKED_AT}行に、見出し（品名、図番、数量、納期など）が見つからない",
            f"no headings (part, drawing, quantity, due...) were found in its first {_LOOKED_AT} rows",
        ),
        Word(
            "見出しの行を付けてください。見本は config/orders.csv です",
            "Add a row of headings; config/orders.csv is a model",
        ),
    )
