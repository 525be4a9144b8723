"""What is said of an order file: what must be mended, what is worth knowing, and where in the file it stands."""

from dataclasses import dataclass
from enum import StrEnum

from broker.words import Word
from gateway.orders.columns import HEADINGS, Column, folded
from gateway.sheets import letter


class Weight(StrEnum):
    """Whether it keeps the file from being imported."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend or to know. `line` is the row a spreadsheet shows; 0 is the file as a whole.

    `place` is the column counted from 0, `heading` what the file calls it; `column` what we take it for.
    """

    line: int
    column: Column | None
    reason: Word
    remedy: Word
    weight: Weight = Weight.PROBLEM
    sheet: str | None = None
    place: int | None = None
    heading: str | None = None
    on_page: Word | None = None
    """What to do instead, where there are a page's fields and no command line."""

    @property
    def stops(self) -> bool:
        return self.weight is Weight.PROBLEM

    @property
    def where(self) -> Word:
        """`シート「注文」7行目 H列 納期`, as one finds it in a spreadsheet."""
        ja = [f"シート「{self.sheet}」"] if self.sheet else []
        en = [f"sheet {self.sheet}"] if self.sheet else []
        if self.line:
            ja.append(f"{self.line}行目")
            en.append(f"row {self.line}")
        if self.place is not None:
            ja.append(f" {letter(self.place)}列")
            en.append(f"column {letter(self.place)}")
        named = Word(HEADINGS[self.column].ja, self.column.value) if self.column else Word("", "")
        if self.heading and folded(self.heading) not in {folded(named.ja), folded(named.en)}:
            ja.append(f"「{self.heading}」" + (f"（{named.ja}）" if named.ja else ""))
            en.append(f'"{self.heading}"' + (f" ({named.en})" if named.en else ""))
        elif named.ja:
            ja.append(f"「{named.ja}」")
            en.append(named.en)
        return Word("".join(ja).strip() or "ファイル全体", ", ".join(en) or "the file")

    def __str__(self) -> str:
        where = self.where
        ja, en = ("", "") if self.stops else ("（お知らせ）", "(note) ")
        return (
            f"{ja}{where.ja}：{self.reason.ja}。{self.remedy.ja}。\n"
            f"    {en}{where.en}: {self.reason.en}. {self.remedy.en}."
        )

    def plain(self) -> dict[str, object]:
        """Return it for JSON: English under plain names, Japanese under `_ja`."""
        return {
            "weight": self.weight.value,
            "sheet": self.sheet,
            "line": self.line,
            "letter": None if self.place is None else letter(self.place),
            "heading": self.heading,
            "column": self.column,
            "reason": self.reason.en,
            "remedy": self.remedy.en,
            "reason_ja": self.reason.ja,
            "remedy_ja": self.remedy.ja,
        }
