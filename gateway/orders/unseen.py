"""What of a file nobody sees in Excel and is read all the same: it is said, so that no order comes in unseen. Pure."""

from collections.abc import Collection, Iterator

from broker.words import Word
from gateway.orders.layout import Layout
from gateway.orders.problems import Problem, Weight
from gateway.sheets import letter

_NAMED = 8
"""Stretches of rows, or columns, that are named."""


def unseen(layout: Layout, read: Collection[int]) -> Iterator[Problem]:
    """Tell of hidden rows among those that were read, by number, and of hidden columns that mean something."""
    if rows := sorted(layout.sheet.hidden_rows.intersection(read)):
        stretches = _stretches(rows)
        yield Problem(
            0,
            None,
            Word(
                f"Excel で隠れている行（{_listed(stretches, '、')}行目。絞り込みで見えない行も）を読みました",
                f"rows that Excel hides, by a filter or by hand, were read too: {_listed(stretches, ', ')}",
            ),
            Word(
                "受注でなければ、Excel で再表示し、その行を消して保存し直してください",
                "If they are no orders, show them in Excel, delete them and save the file again",
            ),
            Weight.NOTE,
            layout.sheet.name,
        )
    columns = [one for one in layout.fields if one.column is not None and one.place in layout.sheet.hidden_columns]
    if columns:
        said = [f"{letter(one.place)} {one.heading}".strip() for one in columns]
        leave = f"--map {letter(columns[0].place)}=-"
        yield Problem(
            0,
            None,
            Word(
                f"Excel で隠れている列（{_listed(said, '、')}）を読みました",
                f"columns that Excel hides were read too: {_listed(said, ', ')}",
            ),
            Word(f"読まないなら {leave} としてください", f"Not to read one: {leave}"),
            Weight.NOTE,
            layout.sheet.name,
            on_page=Word(
                "要らなければ、下の「列の読み方」で「読まない」にしてください",
                "If one is not wanted, choose not to read it under What the columns are",
            ),
        )


def _stretches(rows: list[int]) -> list[str]:
    """Return row numbers as people write them.

    >>> _stretches([7, 9, 10, 11])
    ['7', '9-11']
    """
    bounds: list[tuple[int, int]] = []
    for row in rows:
        if bounds and bounds[-1][1] == row - 1:
            bounds[-1] = (bounds[-1][0], row)
        else:
            bounds.append((row, row))
    return [str(first) if first == last else f"{first}-{last}" for first, last in bounds]


def _listed(texts: list[str], comma: str) -> str:
    return comma.join(texts[:_NAMED]) + ("…" if len(texts) > _NAMED else "")
