"""A mapping proposed from a history's headings and first rows, and what only a person can say. Pure.

Proposing again with an answer more is how an answer is taken in: the same file and answers give the same proposal.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.settings import SettingsError, validate
from broker.words import Word
from gateway.orders.columns import folded, plain
from gateway.replay import moments
from gateway.replay.conventions import Column, comma, dates, days_above, decimal, unit
from gateway.replay.grid import Grid
from gateway.replay.headings import ROLES, act, fits, is_person, is_setup
from gateway.replay.mapping import History
from gateway.replay.reading import HistoryError, Reading, chosen, read_grid, under_headings

_LOOKED_AT = 3000
"""Rows from which a column's content is judged."""
_HEADINGS_WITHIN = 20
"""Titles, dates and stamps may stand above a table's headings."""
_MOSTLY = 0.5
_CHOICES = 30
_DROPPED_AT_MOST = 10
_SETUPS_AT_MOST = 50
"""Names of set-ups; a column that has more is no column of sorts."""
_TIMES = ("start", "end", "at")
_COUNTS = ("good", "scrap", "hold")
_WORDS: dict[str, Word] = {
    "order": Word("受注（製番）", "the order"),
    "operation": Word("工程", "the operation"),
    "start": Word("開始の日時", "the start"),
    "end": Word(
        "終了の日時（長さの列なら --set duration=見出し）", "the end (of a column of lengths: --set duration=HEADING)"
    ),
}
OPTIONS = (
    "firm", "sheet", "heading_line", "encoding", "delimiter", "timestamp", "dates", "decimal", "duration_unit",
    "day_starts", "time_zone", "duplicates", "pauses", "blank_days",
)  # fmt: skip
"""What may be answered beside the columns."""
_AS_ANSWERED = ("timestamp", "day_starts", "duplicates", "pauses", "blank_days")


@dataclass(frozen=True, slots=True)
class Question:
    """What the file does not say. `choices` are what may be answered, each with its words; none: any text."""

    key: str
    word: Word
    choices: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as far as it is known. Without questions `history` and `reading` are there."""

    columns: Mapping[str, str]
    questions: tuple[Question, ...]
    persons: tuple[str, ...]
    """Headings of columns of people, which are not read."""
    unused: tuple[str, ...]
    sheets: tuple[str, ...] = ()
    """Names of sheets that are not read."""
    history: History | None = None
    reading: Reading | None = None


def propose(
    found: Sequence[Grid], *, firms: Sequence[tuple[str, Word]], time_zone: str, answers: Mapping[str, str]
) -> Proposal:
    """Propose how to read a file. `firms` are those the settings know; `answers` are by a key of `[columns]` or option.

    A blank answer to a column leaves it out. Raises HistoryError: the file has no headings, or an answer is no good.
    """
    _known(answers)
    grid, heading_line = _place(found, answers)
    headings, lines = under_headings(grid, heading_line)
    columns = [
        Column(heading, tuple(filter(None, (cells[place] if place < len(cells) else "" for _, cells in lines))))
        for place, heading in enumerate(headings)
        if heading
    ]
    columns = [Column(one.heading, one.texts[:_LOOKED_AT]) for one in columns]
    roles = _answered(_shaped(_roles(columns), answers), columns, answers)
    by_heading = {one.heading: one for one in columns}
    settled: dict[str, Any] = {
        "firm": answers.get("firm") or (firms[0][0] if len(firms) == 1 else None),
        "sheet": grid.sheet if len(found) > 1 else None,
        "heading_line": heading_line if lines and grid.lines[0][0] != heading_line else None,
        "encoding": grid.encoding,
        "delimiter": grid.delimiter,
        "time_zone": answers.get("time_zone") or time_zone,
        "dates": answers.get("dates") or dates([by_heading[roles[one]] for one in _with_days(roles)]),
        "decimal": answers.get("decimal") or decimal([by_heading[roles[one]] for one in _numeric(roles)]),
        "columns": roles,
        **{name: answers[name] for name in _AS_ANSWERED if answers.get(name)},
    }
    if "date" in roles and days_above(headings, lines, roles):
        settled.setdefault("blank_days", "above")
    duration = by_heading[roles["duration"]] if "duration" in roles else None
    settled["duration_unit"] = answers.get("duration_unit") or (duration and unit(duration))
    if "event" in roles:
        settled["events"] = _events(by_heading[roles["event"]])
    persons = tuple(one.heading for one in columns if is_person(one.heading) and one.heading not in roles.values())
    unused = tuple(one.heading for one in columns if one.heading not in (*roles.values(), *persons))
    settled["setup"] = _setup(by_heading, roles, unused)
    questions = tuple(_questions(settled, roles, columns, duration, firms))
    if questions:
        return Proposal(roles, questions, persons, unused)
    history, reading = _with_drops(grid, settled)
    sheets = tuple(one.sheet for one in found if one.sheet and one is not grid)
    return Proposal(roles, (), persons, unused, sheets, history, reading)


def _known(answers: Mapping[str, str]) -> None:
    unknown = [key for key in answers if key not in (*ROLES, *OPTIONS)]
    if unknown:
        names = ", ".join((*ROLES, *OPTIONS))
        raise HistoryError(
            [f"--set の {key!r} は何のことか分かりません / --set does not know {key!r}: {names}" for key in unknown]
        )


def _place(found: Sequence[Grid], answers: Mapping[str, str]) -> tuple[Grid, int]:
    """Return the table and the line of its headings: where most headings are known. Raises HistoryError."""
    if answers.get("sheet"):
        found = [chosen(found, answers["sheet"])]
    asked = answers.get("heading_line", "")
    best: tuple[tuple[int, int], Grid, int] | None = None
    for grid in found:
        for place, (number, cells) in enumerate(grid.lines[:_HEADINGS_WITHIN]):
            if asked and str(number) != asked:
                continue
            known = {role for role in ROLES for cell in cells if fits(cell, role) > 0}
            score = (len(known), len(grid.lines) - place)
            if best is None or score > best[0]:
                best = (score, grid, number)
    if best is None or len(best[1].lines) < 2:
        raise HistoryError(
            ["見出しの行と、その下の行がありません / There is no line of headings with lines beneath it in the file"]
        )
    return best[1], best[2]


def _roles(columns: Sequence[Column]) -> dict[str, str]:
    """Give each column at most one role and each role at most one column, the surest first."""
    sure = sorted(
        (-fits(one.heading, role), place, role)
        for place, one in enumerate(columns)
        for role in ROLES
        if fits(one.heading, role) and not is_person(one.heading) and _plausible(one, role)
    )
    roles: dict[str, str] = {}
    taken: set[int] = set()
    for _, place, role in sure:
        if role not in roles and place not in taken:
            roles[role] = columns[place].heading
            taken.add(place)
    return roles


def _plausible(column: Column, role: str) -> bool:
    """Whether a column's content may be what its heading says."""
    if role in _TIMES:
        return column.share(moments.moment) >= _MOSTLY
    if role in ("date", "end_date"):
        return column.share(_has_day) >= _MOSTLY
    if role == "duration":
        return column.share(lambda text: moments.duration(text, "minutes", comma(text))) >= _MOSTLY
    if role in _COUNTS:
        return column.share(lambda text: moments.number(text, comma(text)) is not None) >= _MOSTLY
    if role == "event":
        acts = Counter(map(act, column.texts))
        pairs = min(acts["start"], acts["finish"] + acts["pause"])
        return pairs > 0 and acts[None] <= len(column.texts) * (1 - _MOSTLY)
    return bool(column.texts)


def _has_day(text: str) -> bool:
    found = moments.moment(text)
    return found is not None and found.day is not None


def _shaped(roles: dict[str, str], answers: Mapping[str, str]) -> dict[str, str]:
    """Keep of the roles for times those of one shape: sessions before events before days' reports."""
    has = {role for role in ROLES if (role in roles or answers.get(role)) and answers.get(role) != ""}
    if "date" in has and "start" not in has and {"end", "end_date"} & has and "duration" not in has:
        roles = {("start" if role == "date" else role): heading for role, heading in roles.items()}
        has |= {"start"}
    if "end_date" in has and "end" not in has and "start" in has:
        roles = {("end" if role == "end_date" else role): heading for role, heading in roles.items()}
        has |= {"end"}
    if {"at", "event"} <= has and not {"start", "end"} <= has and not {"start", "duration"} <= has:
        without = {"start", "end", "end_date", "duration"}
    elif {"start", "event"} <= has and "end" not in has and "duration" not in has:
        roles = {("at" if role == "start" else role): heading for role, heading in roles.items()}
        without = {"start", "end", "end_date", "duration"}
    elif {"start", "end"} <= has:
        without = {"at", "event", "duration"}
    else:
        if "at" in has and "duration" in has and not {"start", "end"} & has:
            roles = {("start" if role == "at" else role): heading for role, heading in roles.items()}
        without = {"at", "event"}
    return {role: heading for role, heading in roles.items() if role not in without}


def _answered(roles: dict[str, str], columns: Sequence[Column], answers: Mapping[str, str]) -> dict[str, str]:
    """Put what a person said in place of what was thought. Raises HistoryError."""
    by_name = {folded(one.heading): one.heading for one in columns}
    wrong = []
    for role, said in answers.items():
        if role not in ROLES:
            continue
        roles.pop(role, None)
        if not said:
            continue
        if (heading := by_name.get(folded(said))) is None:
            has = ", ".join(by_name.values())
            wrong.append(f"列 {said!r} がありません（{has}） / There is no column {said!r}. The file has: {has}")
        else:
            roles = {one: other for one, other in roles.items() if other != heading or role == "operation"}
            roles[role] = heading
    if wrong:
        raise HistoryError(wrong)
    return {role: roles[role] for role in ROLES if role in roles}


def _with_days(roles: Mapping[str, str]) -> list[str]:
    return [role for role in ("date", "start", "end_date", "end", "at") if role in roles]


def _numeric(roles: Mapping[str, str]) -> list[str]:
    return [role for role in (*_COUNTS, "duration") if role in roles]


def _events(column: Column) -> dict[str, tuple[str, ...]]:
    words: dict[str, dict[str, None]] = {}
    for text in column.texts:
        if what := act(text):
            words.setdefault(what, {})[plain(text)] = None
    if "finish" not in words:  # start and stop: there, to stop is to finish
        words["finish"] = words.pop("pause", {})
    return {what: tuple(words.get(what, ())) for what in ("start", "finish", "pause", "resume", "setup")}


def _setup(columns: Mapping[str, Column], roles: Mapping[str, str], unused: Sequence[str]) -> list[dict[str, Any]]:
    """Return which rows are set-up: by the name of their operation, or by a column that says of what sort a row is."""
    sorts = [heading for heading in unused if fits(heading, "event") > 0]
    found = []
    for heading in [*filter(None, [roles.get("operation")]), *sorts]:
        values = dict.fromkeys(text for text in columns[heading].texts if is_setup(text))
        if 0 < len(values) <= _SETUPS_AT_MOST:
            found.append({"column": heading, "values": tuple(values)})
    return found


def _questions(
    settled: Mapping[str, Any],
    roles: Mapping[str, str],
    columns: Sequence[Column],
    duration: Column | None,
    firms: Sequence[tuple[str, Word]],
) -> Iterable[Question]:
    if not settled["firm"]:
        word = Word("どの会社の実績ですか（会社の id）", "Whose history is it (the firm's id)?")
        yield Question("firm", word, tuple(firms))
    session = {"start", "end"} <= roles.keys() or ("duration" in roles and {"start", "end", "date"} & roles.keys())
    needed = ("order", "operation") if session or "event" in roles else ("order", "operation", "start", "end")
    free = [one for one in columns if one.heading not in roles.values() and one.texts]
    for role in needed:
        if role not in roles:
            also = [one for one in columns if role == "operation" and one.heading == roles.get("resource")]
            yield Question(
                role,
                Word(f"どの列が{_WORDS[role].ja}ですか", f"Which column is {_WORDS[role].en}?"),
                tuple(_choice(one) for one in [*also, *free][:_CHOICES]),
            )
    if settled["dates"] is None:
        said = next(
            text for role in _with_days(roles) for text in _texts(columns, roles[role]) if moments.ambiguous(text)
        )
        yield Question(
            "dates",
            Word(f"「{said}」は日・月・年の順ですか、月・日・年の順ですか", f"Is {said!r} day first or month first?"),
            (("dmy", Word("日・月・年", "day, month, year")), ("mdy", Word("月・日・年", "month, day, year"))),
        )
    if duration is not None and settled["duration_unit"] is None:
        said = "、".join(duration.texts[:3])
        yield Question(
            "duration_unit",
            Word(
                f"「{duration.heading}」（{said}）の単位は何ですか",
                f"What is the unit of {duration.heading!r} ({said})?",
            ),
            (("minutes", Word("分", "minutes")), ("hours", Word("時間", "hours")), ("seconds", Word("秒", "seconds"))),
        )


def _choice(column: Column) -> tuple[str, Word]:
    shown = "、".join(list(dict.fromkeys(column.texts[:50]))[:3])
    return column.heading, Word(shown[:60], "")


def _texts(columns: Sequence[Column], heading: str) -> tuple[str, ...]:
    return next(one.texts for one in columns if one.heading == heading)


def _with_drops(grid: Grid, settled: dict[str, Any]) -> tuple[History, Reading]:
    """Return the mapping and what it reads; operations none of whose lines is work are dropped by name."""
    values = {key: value for key, value in settled.items() if value is not None}
    try:
        history = validate(History, values, "mapping")
    except SettingsError as error:
        raise HistoryError(error.problems) from None
    reading = read_grid(grid, history)
    lines = dict(grid.lines)
    headings, _ = under_headings(grid, history.heading_line)
    place = headings.index(history.columns.operation)

    def operation(line: int) -> str:
        cells = lines[line]
        return cells[place] if place < len(cells) else ""

    out = Counter(operation(one.line) for one in reading.left_out if one.why not in ("unfinished", "no_end", "totals"))
    kept = {row.operation for row in reading.rows}
    none = tuple(name for name, count in out.most_common() if name and count > 1 and plain(name) not in kept)
    if not 0 < len(none) <= _DROPPED_AT_MOST:
        return history, reading
    drop = {"column": history.columns.operation, "values": none}
    history = validate(History, {**values, "drop": [drop]}, "mapping")
    return history, read_grid(grid, history)
