"""The cells of one line of an order file, read as what they should be. What is wrong is noted, never raised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from broker.events import OperationKind
from broker.topics import ID
from broker.words import KINDS, Word
from gateway.orders.columns import HEADINGS, Column, folded

TEXT_LIMIT = 200
COUNT_LIMIT = 10_000_000
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_KINDS = {folded(name): OperationKind(kind) for kind, word in KINDS.items() for name in (kind, word.ja, word.en)}
_SERIES: dict[str, Literal["prototype", "series"]] = {
    "試作": "prototype",
    "prototype": "prototype",
    "量産": "series",
    "series": "series",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `line` counts from 1 as a text editor does; 0 is the file as a whole."""

    line: int
    column: Column | None
    reason: Word
    remedy: Word

    def __str__(self) -> str:
        name = (f" {HEADINGS[self.column].ja}", f", {self.column}") if self.column else ("", "")
        where = (f"{self.line}行目", f"line {self.line}") if self.line else ("ファイル全体", "the file")
        return (
            f"{where[0]}{name[0]}：{self.reason.ja}。{self.remedy.ja}。\n"
            f"    {where[1]}{name[1]}: {self.reason.en}. {self.remedy.en}."
        )


@dataclass(slots=True)
class Cells:
    """One line. Every method notes what is wrong in `problems` and then returns something of the right type."""

    line: int
    raw: Mapping[Column, str]
    problems: list[Problem] = field(default_factory=list)

    def note(self, column: Column | None, reason: Word, remedy: Word) -> None:
        self.problems.append(Problem(self.line, column, reason, remedy))

    def get(self, column: Column) -> str:
        return self.raw.get(column, "")

    def text(self, column: Column) -> str | None:
        """Return the text, or None if the cell is blank."""
        text = self.get(column)
        if len(text) > TEXT_LIMIT:
            self.note(
                column,
                Word(f"{len(text)}文字ある", f"it has {len(text)} characters"),
                Word(f"{TEXT_LIMIT}文字以内にしてください", f"Use at most {TEXT_LIMIT}"),
            )
        if any(ord(character) < 32 and character not in "\r\n\t" for character in text):
            self.note(
                column,
                Word("印刷できない文字がある", "it holds characters that cannot be printed"),
                Word("消してください", "Remove them"),
            )
        return text or None

    def required(self, column: Column) -> str:
        if not self.get(column):
            self.note(column, Word("空いている", "it is blank"), Word("入れてください", "Fill it in"))
        return self.text(column) or ""

    def number(self, column: Column, *, low: int, high: int = COUNT_LIMIT) -> int | None:
        """Return a whole number, or None if the cell is blank. `1,000` and full-width digits are numbers."""
        text = self.get(column)
        if not text:
            return None
        digits = text.replace(",", "")
        if digits.isdecimal() and len(digits) <= 9 and low <= int(digits) <= high:
            return int(digits)
        self.note(
            column,
            Word(
                f"「{text}」は{low}から{high:,}までの整数ではない",
                f"{text!r} is no whole number from {low} to {high:,}",
            ),
            Word("数字だけを入れてください", "Give digits only"),
        )
        return None

    def day(self, column: Column) -> date | None:
        """Return a date, or None if the cell is blank."""
        text = self.get(column)
        if not text:
            return None
        if found := _DAY.fullmatch(text):
            try:
                return date(int(found[1]), int(found[2]), int(found[3]))
            except ValueError:
                pass
        self.note(
            column,
            Word(f"「{text}」という日付はない", f"{text!r} is no date"),
            Word("2026-12-25 のように年から書いてください", "Write it as 2026-12-25, the year first"),
        )
        return None

    def firm(self, column: Column, firms: Mapping[str, str]) -> str:
        """Return a firm's id; `firms` has ids by folded id and name."""
        text = self.required(column)
        if text and (known := firms.get(folded(text))):
            return known
        if text:
            names = ", ".join(dict.fromkeys(firms.values())) or "—"
            self.note(
                column,
                Word(f"会社「{text}」は登録されていない", f"the firm {text!r} is not known"),
                Word(
                    f"次のどれかにするか、設定の [[firms]] に加えてください（{names}）",
                    f"Use one of {names}, or add it under [[firms]] in the settings",
                ),
            )
        return ""

    def kind(self) -> OperationKind:
        """Return the step's kind; 加工 if the cell is blank."""
        text = self.get(Column.KIND)
        if not text:
            return OperationKind.MACHINING
        if known := _KINDS.get(folded(text)):
            return known
        self.note(
            Column.KIND,
            Word(f"「{text}」という種別はない", f"there is no kind {text!r}"),
            Word(
                "、".join(word.ja for word in KINDS.values()) + " のどれかにしてください",
                "Use one of " + ", ".join(KINDS),
            ),
        )
        return OperationKind.MACHINING

    def station(self) -> str | None:
        """Return the station's id in lower case, as on its label, or None if the cell is blank."""
        text = self.get(Column.STATION).lower()
        if not text or ID.fullmatch(text):
            return text or None
        self.note(
            Column.STATION,
            Word(f"「{text}」は設備の記号ではない", f"{text!r} is no station id"),
            Word(
                "札にある英数字と - だけの記号にしてください",
                "Use the id on its label: letters, digits and - (up to 32)",
            ),
        )
        return None

    def series(self) -> Literal["prototype", "series"] | None:
        """Return prototype or series, or None if the cell is blank."""
        text = self.get(Column.SERIES)
        if not text or (known := _SERIES.get(folded(text))):
            return known if text else None
        self.note(
            Column.SERIES,
            Word(f"「{text}」は試作でも量産でもない", f"{text!r} is neither prototype nor series"),
            Word("試作 か 量産 にしてください", "Use prototype or series"),
        )
        return None
