"""The cells of one row of an order file, read as what they should be. What is wrong is noted, never raised."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal
from unicodedata import category

from broker.events import OperationKind
from broker.topics import ID
from broker.words import KINDS, Word
from gateway.orders.columns import Column, folded, plain
from gateway.orders.days import day_of, without_century
from gateway.orders.problems import Problem, Weight
from gateway.settings import Firm
from gateway.sheets import Cell

TEXT_LIMIT = 200
COUNT_LIMIT = 10_000_000
YEN_LIMIT = 1_000_000_000_000
SAME_AS_BEFORE = frozenset({"前回と同じ", "前回と同じ工程", "前回と同じ工程で", "前回同様", "前回通り", "前回どおり"})
"""In the step's column: as when the part was last made. A blank says the same."""
_WHOLE = re.compile(
    r"(?:¥|￥|\\)?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?)\s*(?:個|ケ|ヶ|コ|枚|本|台|円|-|pcs?\.?|ea)?", re.IGNORECASE
)
_KINDS = {folded(name): OperationKind(kind) for kind, word in KINDS.items() for name in (kind, word.ja, word.en)}
_SERIES: dict[str, Literal["prototype", "series"]] = {
    "試作": "prototype",
    "prototype": "prototype",
    "量産": "series",
    "series": "series",
}


NEW_FIRM = Word(
    "新しい会社は、共有サーバーを世話する人に加えてもらってください",
    "A new firm is added by whoever looks after the shared server: ask them",
)


def shown(cell: Cell) -> str:
    """Return a cell as people mean it: plain text, a number without a needless point, a day as 2026-11-26.

    >>> shown(50.0), shown("　５０ "), shown(None)
    ('50', '50', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return plain(str(cell))


@dataclass(slots=True)
class Cells:
    """One row. Every method notes what is wrong in `problems` and then returns something of the right type.

    Nothing is noted twice. `raw` has the cells of the columns that are read, `given` what is said for the whole file
    where a cell is blank.
    """

    line: int
    raw: Mapping[Column, Cell]
    today: date
    day_zero: date
    given: Mapping[Column, str]
    firms: Sequence[Firm] = ()
    problems: list[Problem] = field(default_factory=list)
    texts: dict[Column, str] = field(init=False)
    spoilt: set[Column] = field(default_factory=set)
    """Columns of which it is said already that nothing can be read there."""

    def __post_init__(self) -> None:
        self.texts = {column: shown(cell) for column, cell in self.raw.items()}

    def note(
        self,
        column: Column | None,
        reason: Word,
        remedy: Word,
        *,
        weight: Weight = Weight.PROBLEM,
        on_page: Word | None = None,
    ) -> None:
        said = Problem(self.line, column, reason, remedy, weight, on_page=on_page)
        if said not in self.problems:
            self.problems.append(said)

    def tell(self, column: Column | None, reason: Word, remedy: Word) -> None:
        """Note what does not keep the file from being imported."""
        self.note(column, reason, remedy, weight=Weight.NOTE)

    def get(self, column: Column) -> str:
        return self.texts.get(column) or self.given.get(column, "")

    def own(self, column: Column) -> str:
        """Return what the row itself says."""
        return self.texts.get(column, "")

    def stood(self, column: Column) -> str:
        """Return what the row itself says, or what stands there spoilt: not what is meant, and yet not blank."""
        if column in self.spoilt:
            return shown(self.raw.get(column)) or f"={self.line}"  # a formula without a value is like no other
        return self.own(column)

    def spoil(self, column: Column, reason: Word, remedy: Word) -> None:
        """Note that nothing can be read there, and read it as blank."""
        self.texts[column] = ""
        self.spoilt.add(column)
        self.note(column, reason, remedy)

    def text(self, column: Column) -> str | None:
        """Return the text, or None if the cell is blank."""
        text = self.get(column)
        if len(text) > TEXT_LIMIT:
            self.note(
                column,
                Word(f"{len(text)}文字ある", f"it has {len(text)} characters"),
                Word(f"{TEXT_LIMIT}文字以内にしてください", f"Use at most {TEXT_LIMIT}"),
            )
        if any(category(character) == "Cc" and character not in "\r\n\t" for character in text):
            self.note(
                column,
                Word("印刷できない文字がある", "it holds characters that cannot be printed"),
                Word("消してください", "Remove them"),
            )
        return text or None

    def required(self, column: Column) -> str:
        if not self.get(column) and column not in self.spoilt:
            self.note(column, Word("空いている", "it is blank"), Word("入れてください", "Fill it in"))
        return self.text(column) or ""

    def number(self, column: Column, *, low: int, high: int = COUNT_LIMIT) -> int | None:
        """Return a whole number, or None if the cell is blank. `1,000`, `50個` and full-width digits are numbers."""
        text = self.get(column)
        if not text:
            return None
        if (found := _WHOLE.fullmatch(text)) and len(digits := found[1].partition(".")[0].replace(",", "")) <= 13:
            number = int(digits)
            if low <= number <= high:
                return number
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
        """Return a day, or None if the cell is blank; what had to be concluded is told."""
        text = self.get(column)
        if not text:
            return None
        cell = self.raw.get(column) if self.own(column) else None
        if found := day_of(cell, text, today=self.today, day_zero=self.day_zero):
            if found.concluded:
                self.tell(
                    column,
                    Word(f"「{text}」を {found.day} と読みました", f"{text!r} was read as {found.day}"),
                    Word("違うなら年から書いてください", "If that is wrong, write it with its year"),
                )
            return found.day
        self.note(
            column,
            Word(f"「{text}」はどの数が年か分からない", f"{text!r} does not say which number is the year")
            if without_century(text)
            else Word(f"「{text}」という日付はない", f"{text!r} is no date"),
            Word("2026-12-25 のように年から書いてください", "Write it as 2026-12-25, the year first"),
        )
        return None

    def firm(self, column: Column, firms: Mapping[str, str]) -> str:
        """Return a firm's id; `firms` has ids by folded id and name."""
        text = self.required(column)
        if text and (known := firms.get(folded(text))):
            return known
        if text:
            names = Word(
                "、".join(one.name for one in self.firms) or "—",
                ", ".join(one.name_en or one.name for one in self.firms) or "none",
            )
            self.note(
                column,
                Word(f"会社「{text}」は登録されていない", f"the firm {text!r} is not known"),
                Word(
                    f"次のどれかにしてください（{names.ja}）。{NEW_FIRM.ja}",
                    f"Use one of these: {names.en}. {NEW_FIRM.en}",
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
