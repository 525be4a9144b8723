"""The rows below the headings, gathered into orders and their steps. Pure; what an order then is, `order_file` says.

A row is one order, or one routing step of one: then the columns of the order stand on its first row and are repeated or
blank below. Another part number is another order, under the customer's same number or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.events import Step
from broker.words import Word
from gateway.orders.cells import SAME_AS_BEFORE, Cells, shown
from gateway.orders.columns import OF_THE_ORDER, OF_THE_STEP, Column, by_name, folded
from gateway.orders.layout import Layout
from gateway.orders.left_out import left_out, notes_among
from gateway.orders.problems import Problem, Weight
from gateway.orders.proposals import Known
from gateway.orders.spoilt import inspect
from gateway.sheets import Row

STEP_LIMIT = 99
_NUMBERS = (Column.OWN_NUMBER, Column.CUSTOMER_NUMBER)
_INHERITED = (*_NUMBERS, Column.CUSTOMER, Column.COORDINATOR)
"""Written once above several parts of one order of a customer."""


@dataclass(slots=True)
class Draft:
    """An order being read: its rows, the first of which states what it is, and its steps so far."""

    rows: list[Cells]
    steps: list[Step] = field(default_factory=list)

    @property
    def cells(self) -> Cells:
        return self.rows[0]

    @property
    def states_steps(self) -> bool:
        """Whether the file says how it is to be made, rightly or not."""
        return len(self.rows) > 1 or states_step(self.cells)

    @property
    def wrong(self) -> bool:
        """Whether anything stands against any of its rows."""
        return any(one.stops for cells in self.rows for one in cells.problems)


def drafts(layout: Layout, known: Known, said: list[Problem]) -> list[Draft]:
    """Gather rows into orders. What is wrong with a row is noted in its cells, what is left out in `said`."""
    firms = by_name(known.firms)
    given = dict(layout.given)
    if layout.customer and Column.CUSTOMER not in layout.columns:
        given.setdefault(Column.CUSTOMER, layout.customer)
    found: list[Draft] = []
    begun: dict[str, dict[str, int]] = {}
    notes = notes_among(layout.rows)
    for row in layout.rows:
        if reason := left_out(row, layout, notes):
            said.append(Problem(row.number, None, *reason, Weight.NOTE))
            continue
        cells = _cells(row, layout, known, given)
        if cells is None:
            continue
        if found and _continues(found[-1], cells):
            found[-1].rows.append(cells)
            _compare(found[-1].cells, cells)
            _add_step(found[-1], cells, firms)
            continue
        if found:
            _inherit(found[-1].cells, cells)
            _tell_of_another_name(found[-1].cells, cells)
        own = cells.own(Column.OWN_NUMBER)
        parts = begun.setdefault(own, {}) if own and Column.DRAWING not in cells.spoilt else {}
        part = _part_number(cells)
        if first := next((line for one, line in parts.items() if part == one or not (part and one)), None):
            cells.note(
                Column.OWN_NUMBER,
                Word(f"製番 {own} は{first}行目にもうある", f"order {own} stands already at row {first}"),
                Word(
                    "一つの受注の行は続けて並べ、別の受注には別の製番を付けてください",
                    "Keep the rows of one order together, and give another order another number",
                ),
            )
            found[-1].rows.append(cells)
            continue
        parts[part] = row.number
        found.append(Draft([cells]))
        if states_step(cells):
            _add_step(found[-1], cells, firms)
    return found


def _cells(row: Row, layout: Layout, known: Known, given: Mapping[Column, str]) -> Cells | None:
    """Return a row's cells that are read; None if nothing stands in any of them."""
    columns = layout.columns.items()
    raw = {column: row.cells[one.place] for column, one in columns if one.place < len(row.cells)}
    uncounted = frozenset(column for column, one in columns if (row.number, one.place) in layout.sheet.uncounted)
    if not uncounted and not any(shown(cell) for cell in raw.values()):
        return None
    cells = Cells(row.number, raw, known.today, layout.sheet.day_zero, given, known.firms)
    inspect(cells, uncounted)
    return cells


def _part_number(cells: Cells) -> str:
    return folded(cells.stood(Column.DRAWING) or cells.stood(Column.PART))


def states_step(cells: Cells) -> bool:
    return any(cells.stood(column) for column in OF_THE_STEP) and cells.own(Column.STEP) not in SAME_AS_BEFORE


def _continues(draft: Draft, cells: Cells) -> bool:
    """Say whether a row is a further step of the order above: it states one, and nothing makes it another order.

    Two customers may use one number; a shop's own number is one order's. Where a name is spoilt on either row, nobody
    knows whether they are one order: then everything else must say so.
    """
    first = draft.cells
    if not states_step(cells) or (cells.texts == first.texts and not cells.spoilt):
        return False  # no step; or the very same row once more, which is asked about
    numbers = _NUMBERS if Column.OWN_NUMBER in cells.raw else (*_NUMBERS, Column.CUSTOMER)
    spoilt = False
    for column in (*numbers, Column.DRAWING):
        stated, above = cells.stood(column), first.stood(column)
        if stated and (above or column is Column.CUSTOMER):
            spoilt = spoilt or column in cells.spoilt or column in first.spoilt
            if stated != above and not (column in cells.spoilt or column in first.spoilt):
                return False
    if not (cells.stood(Column.DRAWING) and first.stood(Column.DRAWING)) and _differ(first, cells, Column.PART):
        return False
    return not spoilt or not (any(_differ(first, cells, column) for column in OF_THE_ORDER) or _begins(draft, cells))


def _differ(first: Cells, cells: Cells, column: Column) -> bool:
    """Say whether both rows state something there, and not the same; what is spoilt states nothing."""
    stated, above = cells.own(column), first.own(column)
    return bool(stated and above and stated != above)


def _begins(draft: Draft, cells: Cells) -> bool:
    """Say whether a row's step cannot come after those of the order above."""
    stated = cells.own(Column.STEP_NO)
    return stated.isdecimal() and bool(draft.steps) and int(stated) <= draft.steps[-1].no


def _inherit(above: Cells, cells: Cells) -> None:
    """Take what is written once over several parts of one order, and tell of it."""
    if not _part_number(cells) or any(
        cells.stood(number) and cells.stood(number) != above.stood(number) for number in _NUMBERS
    ):
        return
    for column in _INHERITED:
        text = above.own(column)
        if column in above.spoilt and not cells.own(column):
            cells.spoilt.add(column)  # said once, where it stands
        if column not in cells.raw or column in cells.spoilt or cells.own(column) or not text:
            continue
        cells.texts[column] = text
        if column in _NUMBERS:
            cells.tell(
                column,
                Word(
                    f"空いているので上の行と同じ {text} と読みました", f"it is blank and was read as {text}, as above"
                ),
                Word("別の注文なら番号を入れてください", "If it is another order, give its number"),
            )


def _tell_of_another_name(above: Cells, cells: Cells) -> None:
    """Tell why a row with a step, but without the drawing that stands above it, is an order of its own."""
    if not states_step(cells) or not _differ(above, cells, Column.PART) or not above.own(Column.DRAWING):
        return
    if Column.DRAWING in cells.raw and not cells.stood(Column.DRAWING):
        cells.tell(
            Column.DRAWING,
            Word(
                f"図番が空いていて、品名が{above.line}行目と違うので、別の受注と読みました",
                f"it is blank and the part is not that of row {above.line}, so this was read as another order",
            ),
            Word(
                "上の受注の工程なら、品名を空けてください", "If it is a step of the order above, leave the part blank"
            ),
        )


def _compare(first: Cells, cells: Cells) -> None:
    """Note what a later row says otherwise than the first row of its order."""
    for column in OF_THE_ORDER:
        stated, again = first.own(column), cells.own(column)
        if again and again != stated and column not in first.spoilt:
            cells.note(
                column,
                Word(
                    f"「{again}」は{first.line}行目の「{stated}」と違う",
                    f"{again!r} differs from {stated!r} at row {first.line}",
                ),
                Word(
                    "同じ受注の工程なら最初の行と同じにするか空け、別の受注なら番号か図番を別にしてください",
                    "If it is a step of that order, repeat what its first row says or leave it blank; if it is another "
                    "order, give it another number or drawing",
                ),
            )


def _add_step(draft: Draft, cells: Cells, firms: Mapping[str, str]) -> None:
    last = draft.steps[-1].no if draft.steps else 0
    stated = cells.number(Column.STEP_NO, low=1, high=9999)
    no = last // 10 * 10 + 10 if stated is None else stated
    name, firm = cells.required(Column.STEP), cells.firm(Column.FIRM, firms)
    kind, station, due = cells.kind(), cells.station(), cells.day(Column.STEP_DUE)
    if no <= last:
        cells.note(
            Column.STEP_NO,
            Word(f"工程 {no} が工程 {last} の後にある", f"step {no} comes after step {last}"),
            Word("小さい番号から順に、一度ずつ並べてください", "Put the numbers in order, each once"),
        )
    if no > 9999 or len(draft.steps) == STEP_LIMIT:
        cells.note(
            Column.STEP_NO,
            Word(f"工程が{STEP_LIMIT}より多い", f"there are more than {STEP_LIMIT} steps"),
            Word("受注を分けてください", "Divide the order"),
        )
    if name and firm and no > last:
        draft.steps.append(Step(no=no, name=name, firm=firm, kind=kind, station=station, due=due))
