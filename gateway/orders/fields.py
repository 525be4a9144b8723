"""What each column of a customer's file is: what was said of it, what its heading says, or that it must be asked. Pure.

Where the headings stand is found out in `headings`; which words there are stands in `columns`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from broker.words import Word
from gateway.orders.cells import shown
from gateway.orders.columns import BY_HEADING, LEFT_UNREAD, LIKELY, SUGGESTED, Column, folded, meaning
from gateway.orders.layout import Answers, Field, Source
from gateway.orders.problems import Problem, Weight
from gateway.orders.remembered import Remembered
from gateway.sheets import Row, Sheet, letter


def fields_of(
    headings: Mapping[int, str], rows: Sequence[Row], known: Remembered | None, answers: Answers, *, doubtful: bool
) -> Iterator[Field]:
    """Yield what every column is: as answered now, as answered before, as its heading says, or else unknown.

    `doubtful`: it was answered before, but in several ways; then nothing is taken for what it usually is.
    """
    used = {place for row in rows for place, cell in enumerate(row.cells) if shown(cell)}
    width = max((len(row.cells) for row in rows), default=0)
    fields = [
        _stated(place, headings.get(place, ""), known, answers)
        for place in range(max(width, max(headings, default=-1) + 1))
    ]
    filled = {one.column for one in fields if one.column and one.place in used}
    for needs_another in () if doubtful else (False, True):
        fields = _usual(fields, used, needs_another=needs_another)
    for one in fields:
        if one.source is Source.HEADING and one.place not in used and one.column in filled:
            yield replace(one, column=None, source=Source.EMPTY)
        elif one.source is not Source.UNKNOWN:
            yield one
        elif one.place not in used:
            if one.heading:
                yield replace(one, source=Source.EMPTY)
        elif meaning(one.heading) in LEFT_UNREAD:
            yield replace(one, source=Source.UNKEPT)
        else:
            yield replace(one, source=Source.ANSWERED) if answers.ignore_rest else one


def _stated(place: int, heading: str, known: Remembered | None, answers: Answers) -> Field:
    """Return what somebody said of a column, or what its heading says whatever stands beside it."""
    before = {folded(name): column for name, column in known.columns.items()} if known else {}
    names = [name for name in (folded(heading), folded(letter(place))) if name]
    answered = next((name for name in names if name in answers.columns), None)
    if place in answers.places:
        return Field(place, heading, answers.places[place], Source.ANSWERED)
    if answered is not None:
        return Field(place, heading, answers.columns[answered], Source.ANSWERED)
    if (name := next((name for name in names if name in before), None)) is not None:
        column = before[name]
        return Field(place, heading, None if column == "-" else Column(column), Source.REMEMBERED)
    said = meaning(heading)
    if known_as := BY_HEADING.get(folded(heading)) or BY_HEADING.get(said):
        return Field(place, heading, known_as, Source.HEADING)
    upper, _, below = heading.partition(" ")
    likely = LIKELY[said].column if said in LIKELY else SUGGESTED.get(said)
    return Field(place, heading, None, Source.UNKNOWN, likely or (BY_HEADING.get(folded(upper)) if below else None))


def _usual(fields: Sequence[Field], used: set[int], *, needs_another: bool) -> list[Field]:
    """Take headings for what they usually mean, where no other column says or may say the same."""
    claimed = {one.column for one in fields if one.column}
    meant = {
        one.place: usual.column
        for one in fields
        if one.source is Source.UNKNOWN
        and one.place in used
        and (usual := LIKELY.get(meaning(one.heading)))
        and usual.column not in claimed
        and (usual.beside is not None) is needs_another
        and (usual.beside is None or usual.beside in claimed)
    }
    times = Counter(meant.values())
    return [
        replace(one, column=meant[one.place], source=Source.HEADING, suggestion=None)
        if one.place in meant and times[meant[one.place]] == 1
        else one
        for one in fields
    ]


def unkept(fields: Sequence[Field], sheet: Sheet, line: int) -> Iterator[Problem]:
    """Tell which columns are left unread because an order keeps no such thing."""
    headings = [one.heading for one in fields if one.source is Source.UNKEPT]
    if headings:
        yield Problem(
            line,
            None,
            Word(
                "".join(f"「{name}」" for name in headings) + "の列は、受注に入れる所がないので読みません",
                f"not read, because an order keeps no such thing: {', '.join(headings)}",
            ),
            Word(
                "作るのに要ることが書いてあれば、品名や材質など読む列に書き足してください",
                "If anything there is needed to make it, add it to a column that is read, as the part or the material",
            ),
            Weight.NOTE,
            sheet.name,
        )
