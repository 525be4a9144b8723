"""Rows that are no orders: totals, headings once more, notes below the table. And names that a spreadsheet cut."""

import re
from collections.abc import Collection, Iterator, Sequence

from broker.words import Word
from gateway.orders.cells import Cells, shown
from gateway.orders.columns import HEADINGS, Column, folded
from gateway.orders.layout import Layout
from gateway.orders.problems import Problem, Weight
from gateway.sheets import Row

_TOTALS = re.compile(r".*(?:合計|総計|小計|累計|月計|日計)(?:金額|数|時間)?|計|(?:sub|grand)?\s*totals?:?")
_ENDS = frozenset(map(folded, ("以上", "以下余白", "余白", "以下、余白", "end")))
_NOTES = (
    *("備考", "備考欄", "摘要", "特記", "特記事項", "注", "注記", "注意", "注意事項", "連絡事項", "お願い"),
    *("note", "notes", "remark", "remarks"),
)
_NOTE = re.compile(
    rf"[(\[【]?(?:{'|'.join(_NOTES)})(?:[)\]】:\s].*)?|[※*].*|.*(?:。|ください|下さい|します|です)",
    re.IGNORECASE | re.DOTALL,
)
"""What nobody calls a part: a word for notes with what follows it, the mark before one, a whole sentence."""
_LISTED = re.compile(r"(?:\(?\d{1,2}[.):、](?!\d)|[・●○■□◆◇])\s*\S.*", re.DOTALL)
"""One of several notes; a row like it is one only below another note."""
_QUOTED = 30
"""Characters of a note that are said again."""
_CUT = (Column.OWN_NUMBER, Column.CUSTOMER_NUMBER, Column.DRAWING)
"""Names that may begin with a 0, which a spreadsheet takes away."""


def left_out(row: Row, layout: Layout, notes: Collection[int]) -> tuple[Word, Word] | None:
    """Return why a row is no order, and what to do if it is one; None if it has to be read.

    `notes` are the numbers of the rows that are, by `notes_among`.
    """
    texts = [text for cell in row.cells if (text := shown(cell))]
    words = list(dict.fromkeys(folded(text) for text in texts if not _amount(text)))
    if totals(texts):
        return (
            Word("合計の行なので読みません", "a row of totals is not read"),
            Word("受注なら品名か図番を入れてください", "If it is an order, give its part or drawing"),
        )
    if len(words) == len(texts) == 1 and words[0] in _ENDS:
        return (
            Word(f"「{texts[0]}」だけの行なので読みません", f"a row that says {texts[0]!r} alone is not read"),
            Word("何もしなくて構いません", "Nothing needs to be done"),
        )
    if row.number in notes:
        said = " ".join(" ".join(dict.fromkeys(texts)).split())
        said = said if len(said) <= _QUOTED else said[:_QUOTED] + "…"
        return (
            Word(f"「{said}」は受注ではない書き込みなので読みません", f"a note is not read ({said!r})"),
            Word("受注なら品名と数量を入れてください", "If it is an order, give its part and quantity"),
        )
    headings = {folded(one.heading) for one in layout.fields if one.heading}
    if len(words) > 1 and len(set(words) & headings) * 2 > len(words):
        return (
            Word("見出しがもう一度あるので読みません", "the headings once more are not read"),
            Word("何もしなくて構いません", "Nothing needs to be done"),
        )
    return None


def notes_among(rows: Sequence[Row]) -> frozenset[int]:
    """Return the numbers of the rows that hold one note and nothing else, in one cell, merged ones, or after 備考."""
    found: set[int] = set()
    below = False
    for row in rows:
        texts = list(dict.fromkeys(text for cell in row.cells if (text := shown(cell))))
        headed = len(texts) == 2 and folded(texts[0]) in _NOTES
        below = headed or (
            len(texts) == 1 and bool(_NOTE.fullmatch(texts[0]) or (below and _LISTED.fullmatch(texts[0])))
        )
        if below:
            found.add(row.number)
    return frozenset(found)


def totals(texts: Sequence[str]) -> bool:
    """Whether a row says nothing but that it sums up others: 合計, 4月計, Total, beside amounts and lengths of time."""
    words = {folded(text) for text in texts if not _amount(text)}
    return len(words) == 1 and bool(_TOTALS.fullmatch(words.pop()))


def mixed_names(orders: Sequence[Cells]) -> Iterator[Problem]:
    """Note where a column has numbers that begin with 0 and others that may have begun so: 00123 and 123."""
    for column in _CUT:
        texts = [(cells, cells.own(column)) for cells in orders]
        zeros = [text for _, text in texts if text.startswith("0") and text.isdecimal()]
        if not zeros:
            continue
        longest = max(map(len, zeros))
        for cells, text in texts:
            cut = isinstance(cells.raw.get(column), int | float) or text.isdecimal()
            if cut and not text.startswith("0") and len(text) < longest:
                yield Problem(
                    cells.line,
                    column,
                    Word(
                        f"{text} と {zeros[0]} が混ざっている。Excel が先頭の 0 を消したかもしれない",
                        f"{text} stands among numbers like {zeros[0]}: a spreadsheet may have taken its leading 0",
                    ),
                    Word(
                        f"{HEADINGS[column].ja}を図面や注文書と比べ、違えば文字列の書式で入れ直してください",
                        "Compare it with the drawing or the order; if it differs, format it as text and enter it again",
                    ),
                    Weight.NOTE,
                )


def _amount(text: str) -> bool:
    return text.lstrip("¥￥\\-").replace(",", "").replace(".", "").replace(":", "").isdecimal()
