"""A customer's file to proposed orders, or to every problem in it. Pure: numbers and tickets are minted elsewhere."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from broker.events import OrderPart, Step
from broker.words import Word
from gateway.orders.cells import TEXT_LIMIT, YEN_LIMIT, Cells
from gateway.orders.columns import Column, by_name
from gateway.orders.headings import lay_out
from gateway.orders.known import another_spelling, parent_of, routing_known
from gateway.orders.layout import Answers, Layout
from gateway.orders.left_out import mixed_names
from gateway.orders.problems import Problem
from gateway.orders.proposals import Known, Parsed, Proposal, fits, shares
from gateway.orders.repeats import refuse_repeat, twice
from gateway.orders.rows import Draft, drafts
from gateway.orders.unseen import unseen
from gateway.sheets import Book, UnreadableError, read

_NEGATIVE = re.compile(r"[-−–▲△]\s*\d[\d,.]*\D{0,3}")
_TEXTS = (
    Column.CUSTOMER_NUMBER,
    Column.CUSTOMER,
    Column.DRAWING,
    Column.REVISION,
    Column.MATERIAL,
    Column.SIZE,
    Column.SUPPLIED,
    Column.ORIGIN,
)


def parse(data: bytes, known: Known, answers: Answers = Answers()) -> Parsed:  # noqa: B008 - frozen
    """Read a file of orders: CSV or .xlsx, headings in Japanese or English, in any order, wherever they stand."""
    try:
        return understand(read(data), known, answers)
    except UnreadableError as error:
        return unreadable(error)


def unreadable(error: UnreadableError) -> Parsed:
    """Return the answer to a file that cannot be read at all."""
    return Parsed((), (Problem(error.row, None, error.reason, error.remedy, sheet=error.sheet),))


def understand(book: Book, known: Known, answers: Answers = Answers()) -> Parsed:  # noqa: B008 - frozen
    """Read a file's rows as orders."""
    try:
        layout = lay_out(book, answers, known.remembered)
    except UnreadableError as error:
        return unreadable(error)
    said = [*layout.notes, *layout.problems()]
    if not layout.readable:
        return _parsed([], said, layout)
    found = drafts(layout, known, said)
    firms = by_name(known.firms)
    read_as = [(draft, _proposal(draft, known, firms)) for draft in found]
    proposals = [proposal for _, proposal in read_as if proposal]
    twice([(draft.cells, proposal) for draft, proposal in read_as], said)
    said += unseen(layout, {cells.line for draft in found for cells in draft.rows})
    said += mixed_names([draft.cells for draft in found])
    said += (one for draft in found for cells in draft.rows for one in cells.problems)
    if not found:
        said.append(
            Problem(
                0,
                None,
                Word("受注が一件もない", "there is no order in it"),
                Word("見出しの下に受注を入れてください", "Put orders under the headings"),
            )
        )
    return _parsed(proposals, said, layout)


def _parsed(proposals: Sequence[Proposal], said: Sequence[Problem], layout: Layout) -> Parsed:
    """Say where each thing stands in the file, and let nothing pass if anything is wrong."""
    columns = layout.columns
    placed = [
        replace(
            one,
            sheet=one.sheet or (layout.sheet.name if one.line else None),
            place=columns[one.column].place if one.place is None and one.column in columns else one.place,
            heading=columns[one.column].heading if one.heading is None and one.column in columns else one.heading,
        )
        for one in said
    ]
    placed.sort(key=lambda one: (one.line, -1 if one.place is None else one.place))
    problems = tuple(one for one in placed if one.stops)
    notes = tuple(one for one in placed if not one.stops)
    return Parsed(() if problems else tuple(proposals), problems, notes, layout)


def _proposal(draft: Draft, known: Known, firms: Mapping[str, str]) -> Proposal | None:
    cells = draft.cells
    if _sent_back(cells):
        return None
    asked = _asked(cells, known, firms)
    lots = cells.number(Column.LOTS, low=1, high=999) or 1
    steps: tuple[Step, ...] = tuple(draft.steps)
    source: str | None = None
    if not draft.states_steps and asked.coordinator and (asked.drawing or asked.part) and not _nameless(cells):
        steps, source = routing_known(cells, asked, known.named, frozenset(firms.values()))
    refuse_repeat(cells, asked, known)
    another_spelling(cells, asked, known.named)
    if draft.wrong:
        return None
    proposal = Proposal(cells.line, asked, steps, shares((asked.quantity or 0) + (asked.spare or 0), lots), source)
    if fits(proposal):
        return proposal
    cells.note(
        None,
        Word("受注が大きすぎて一件に収まらない", "the order is too large for one record"),
        Word("工程の文を短くするか、枝数を減らしてください", "Shorten the steps' texts, or give fewer lots"),
    )
    return None


def _nameless(cells: Cells) -> bool:
    """Say whether what the part is called is spoilt: by its other name it might be another part."""
    return not cells.spoilt.isdisjoint({Column.DRAWING, Column.PART})


def _sent_back(cells: Cells) -> bool:
    """Say whether fewer than none are wanted, which is noted: nothing else of such a row has to be mended."""
    text = cells.get(Column.QUANTITY)
    if not _NEGATIVE.fullmatch(text):
        return False
    cells.note(
        Column.QUANTITY,
        Word(
            f"数量が {text}（マイナス）。返品や取消は受注ではない",
            f"{text} is below zero: what is sent back or cancelled is no order",
        ),
        Word(
            "この行を消してください。前の受注が減ったのなら、その受注の数量を直すか取り消してください",
            "Remove the row. If an earlier order became smaller, change that order's quantity, or cancel it",
        ),
    )
    return True


def _asked(cells: Cells, known: Known, firms: Mapping[str, str]) -> OrderPart:
    """Return what the order asks for; what of it is wrong is noted in its cells."""
    cells.required(Column.QUANTITY)
    quantity = cells.number(Column.QUANTITY, low=1) or 0
    spare, lots = cells.number(Column.SPARE, low=0) or 0, cells.number(Column.LOTS, low=1, high=999) or 1
    texts: dict[str, Any] = {column.value: cells.text(column) for column in _TEXTS}
    numberless = Column.OWN_NUMBER in cells.raw and not texts["customer_number"]
    own = cells.required(Column.OWN_NUMBER) if numberless else cells.text(Column.OWN_NUMBER)
    called = texts["drawing"] or Column.DRAWING in cells.spoilt
    part = cells.text(Column.PART) if called else cells.required(Column.PART)
    coordinator, due, series = cells.firm(Column.COORDINATOR, firms), cells.day(Column.DUE), cells.series()
    amount, parent = cells.number(Column.AMOUNT, low=0, high=YEN_LIMIT), parent_of(cells, coordinator, known.named)
    if due and due < known.today:
        cells.tell(
            Column.DUE,
            Word(f"納期 {due} は今日より前", f"{due} is before today"),
            Word("年が正しいか確かめてください", "See whether the year is right"),
        )
    if 0 < quantity < lots:
        cells.note(
            Column.LOTS,
            Word(f"{quantity}個を{lots}枝には分けられない", f"{quantity} pieces cannot make {lots} lots"),
            Word("枝数を数量以下にしてください", "Give no more lots than pieces"),
        )
    return OrderPart(
        own_number=own[:TEXT_LIMIT] if own else None,
        part=part[:TEXT_LIMIT] if part else None,
        quantity=quantity,
        spare=spare,
        coordinator=coordinator or None,
        due=due,
        series=series,
        amount=amount,
        parent=parent,
        **{name: text and text[:TEXT_LIMIT] for name, text in texts.items()},
    )
