"""Finds where the orders stand in a customer's file: which sheet, which rows are headings, which column is what. Pure.

Proposed by the headings, then by what was answered before for a file that looks the same, then by what is answered now.
What nobody has said is asked, never guessed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from broker.words import Word
from gateway.orders.cells import shown
from gateway.orders.columns import WORDS, folded, meaning
from gateway.orders.fields import fields_of, unkept
from gateway.orders.layout import Answers, Layout
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
    words = {*WORDS, *answers.columns}
    words.update(folded(name) for one in remembered for name in one.columns)
    best: tuple[tuple[int, int], Sheet, tuple[Row, ...], dict[int, str]] | None = None
    for sheet in book.sheets:
        if answers.sheet in {None, sheet.name}:
            for rows, headings in _candidates(sheet, words):
                score = _score(rows, headings, words)
                if best is None or score > best[0]:
                    best = (score, sheet, rows, headings)
    if best is None or best[0][0] < _FEWEST:
        raise _no_headings(book, answers)
    _, sheet, rows, headings = best
    below = tuple(row for row in sheet.rows if row.number > rows[-1].number)
    fitting = _fitting(headings, answers.customer, remembered)
    known = fitting[0] if len(fitting) == 1 else None
    fields = tuple(fields_of(headings, below, known, answers, doubtful=len(fitting) > 1))
    return Layout(
        sheet,
        tuple(row.number for row in rows),
        fields,
        below,
        answers.customer or (known.customer if known else ""),
        {**(known.given if known else {}), **answers.given},
        known.customer if known else None,
        (*_notes(book, sheet, rows[0].number, fitting), *unkept(fields, sheet, rows[-1].number)),
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


def _score(rows: Sequence[Row], headings: Mapping[int, str], words: set[str]) -> tuple[int, int]:
    """Return how many headings are known, and whether there are two storeys of them: those win over one alone."""
    told = list(headings.values())
    storeys = len(rows) > 1 and _two_storeys(rows[0], rows[1], words)
    if storeys:  # what stands below may say more closely what nobody knows: 数量 over 良 and 予定
        told += map(_heading, rows[0].cells)
    return len({meaning(text) for text in told if meaning(text) in words or folded(text) in words}), int(storeys)


def _two_storeys(upper: Row, lower: Row, words: set[str]) -> bool:
    """Whether the lower row divides some headings of the upper one, and says nothing under the others."""
    divided = plain = False
    group: list[str] = []
    above = ""
    for top, below in _columns(upper, lower):
        group = group if top in {"", above} else []
        above = top or above
        if not below or below == top:
            plain = plain or folded(top) in words
            continue
        if any(character.isdecimal() for character in below) or below in group:
            return False
        group = [*group, below]
        divided = divided or len(group) > 1
    return divided and plain


def _columns(upper: Row, lower: Row) -> Iterator[tuple[str, str]]:
    """Yield what stands above and below in each column."""
    for place in range(max(len(upper.cells), len(lower.cells))):
        yield (
            _heading(upper.cells[place]) if place < len(upper.cells) else "",
            _heading(lower.cells[place]) if place < len(lower.cells) else "",
        )


def _joined(upper: Row, lower: Row, words: set[str]) -> dict[int, str]:
    """Join headings over two rows: 工程 over 納期 is 工程納期 if that is a word, else what stands below.

    Where that says the same twice, or nothing that is known, both are said: 良品 数量 beside 不良 数量, 数量 予定.
    """
    joined: dict[int, str] = {}
    lowest: dict[int, str] = {}
    group = ""
    for place, (above, below) in enumerate(_columns(upper, lower)):
        group = above or (group if below else "")
        if not below or below == above:
            text = above
        elif folded(group + below) in words:
            text = group + below
        elif folded(below) in words or not group:
            text = below
            lowest[place] = f"{group} {below}".strip()
        else:
            text = f"{group} {below}"
        if text:
            joined[place] = text
    times = Counter(joined.values())
    return {place: lowest.get(place, text) if times[text] > 1 else text for place, text in joined.items()}


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
