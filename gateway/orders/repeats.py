"""An order in a file that is there already: in force, cancelled, or further up in the same file."""

from collections.abc import Sequence

from broker.events import OrderPart
from broker.words import Word
from gateway.orders.cells import Cells
from gateway.orders.columns import Column, folded
from gateway.orders.known import other_customer
from gateway.orders.problems import Problem
from gateway.orders.proposals import Known, Proposal
from gateway.rules.order import OrderState, State

_NAMES = (Column.OWN_NUMBER, Column.CUSTOMER_NUMBER, Column.DRAWING, Column.PART)


def refuse_repeat(cells: Cells, asked: OrderPart, known: Known) -> None:
    """Note an order that is there already; tell of one that is for the same number and part and yet another."""
    if not cells.spoilt.isdisjoint(_NAMES):
        return  # by what is left of its names it might be another
    found = known.named(called(asked))
    for order in sorted(found, key=lambda order: order.state is State.CANCELLED):  # what is in force is said first
        if order.coordinator != asked.coordinator or not _same_part(asked, order):
            continue
        if not asked.own_number and other_customer(asked, order):
            continue  # the number is the customer's, and two customers may use one
        number, cancelled = order.number or order.key, order.state is State.CANCELLED
        same = _same_number(asked, order) and (asked.own_number or _same_demand(asked, order))
        if same and not known.again:
            (_note_cancelled if cancelled else _note_there)(cells, asked, order)
            return
        if same or cancelled:
            continue
        if asked.customer_number and asked.customer_number == order.customer_number and not asked.own_number:
            cells.tell(
                Column.CUSTOMER_NUMBER,
                Word(
                    f"同じ注文番号と品の受注 {number}（{order.quantity}個、納期 {order.due or '—'}）とは別の受注になる",
                    f"order {number} has the same number and part ({order.quantity} pieces, due {order.due or '—'}); "
                    "this becomes another",
                ),
                Word(
                    "変更なら、この行を消して受注を直してください",
                    "If it is a change, remove the row and edit that order",
                ),
            )
            return


def _note_there(cells: Cells, asked: OrderPart, order: OrderState) -> None:
    """Note that an order in force is asked for once more."""
    number = order.number or order.key
    cells.note(
        _numbered(asked),
        Word(f"もう登録されている（共通番号 {number}）", f"it is there already, as {number}"),
        Word(
            "この行を消してください。もう一つの受注として登録するなら --again を付けてください",
            "Remove the row. To import it as a further order, add --again",
        ),
        on_page=Word(
            "この行を消すか、「もう一つの受注として登録する」に印を付けてください",
            "Remove the row, or tick that further orders are meant",
        ),
    )


def _note_cancelled(cells: Cells, asked: OrderPart, order: OrderState) -> None:
    """Note that an order was cancelled that is now asked for as it was."""
    last = next((change for change in reversed(order.history) if change.action == "cancelled"), None)
    on, why = (f"{last.at.date()}" if last else "—", f"（{last.why}）" if last and last.why else "")
    number = order.number or order.key
    cells.note(
        _numbered(asked),
        Word(
            f"{on} に取り消した受注（共通番号 {number}）と同じ{why}",
            f"it is as order {number}, which was cancelled on {on}" + (f" ({last.why})" if last and last.why else ""),
        ),
        Word(
            "取り消したままなら、この行を消してください。やはり作るなら、その受注の取消を解除する"
            f"（mawashi order release {number}）か、--again で新しい受注として登録してください",
            "If it stays cancelled, remove the row. If it is to be made after all, take the cancellation back (mawashi "
            f"order release {number}), or import it as a new order with --again",
        ),
        on_page=Word(
            "取り消したままなら、この行を消してください。やはり作るなら、その受注の「事務所」で取消を解除するか、"
            "「もう一つの受注として登録する」に印を付けてください",
            "If it stays cancelled, remove the row. If it is to be made after all, take the cancellation back under "
            "Office on that order's page, or tick that further orders are meant",
        ),
    )


def _numbered(asked: OrderPart) -> Column | None:
    """Return the column by whose number an order is known."""
    return Column.OWN_NUMBER if asked.own_number else Column.CUSTOMER_NUMBER if asked.customer_number else None


def twice(read: Sequence[tuple[Cells, Proposal | None]], said: list[Problem]) -> None:
    """Note orders that stand in the file twice, alike in everything; where something is wrong, in every text."""
    seen: dict[object, int] = {}
    for cells, proposal in read:
        if cells.spoilt:
            continue
        first = seen.setdefault(proposal.part if proposal else frozenset(cells.texts.items()), cells.line)
        if first != cells.line:
            said.append(
                Problem(
                    cells.line,
                    None,
                    Word(f"{first}行目と同じ受注", f"it is the order of row {first} once more"),
                    Word(
                        "どちらかを消してください。分納なら納期か数量で区別してください",
                        "Remove one of them; part deliveries differ in date or quantity",
                    ),
                )
            )


def called(asked: OrderPart) -> str:
    """Return by which of its names an order is looked for among those that are there."""
    names = (asked.own_number, asked.customer_number, asked.drawing, asked.part)
    return next((name for name in names if name), "")


def _same_number(asked: OrderPart, order: OrderState) -> bool:
    if asked.own_number:
        return order.own_number == asked.own_number
    return (order.customer_number or None) == (asked.customer_number or None)


def _same_part(asked: OrderPart, order: OrderState) -> bool:
    if asked.drawing and order.drawing:
        return folded(asked.drawing) == folded(order.drawing)
    return bool(asked.own_number) or folded(asked.part or "") == folded(order.part or "")


def _same_demand(asked: OrderPart, order: OrderState) -> bool:
    return (asked.quantity, asked.due) == (order.quantity, order.due)
