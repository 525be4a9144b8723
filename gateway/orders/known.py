"""An order in a file beside the orders that are there: how its part was last made, and whether it is there already."""

from collections.abc import Sequence

from broker.events import OrderPart, Step
from broker.words import Word
from gateway.orders.cells import NEW_FIRM, Cells
from gateway.orders.columns import Column, folded
from gateway.orders.parts import EVER, Part, earlier, routing_of
from gateway.orders.problems import Problem
from gateway.orders.proposals import Known, Named, Proposal
from gateway.rules.order import OrderState, State

_NAMES = (Column.OWN_NUMBER, Column.CUSTOMER_NUMBER, Column.DRAWING, Column.PART)


def routing_known(
    cells: Cells, asked: OrderPart, named: Named, firms: frozenset[str]
) -> tuple[tuple[Step, ...], str | None]:
    """Return the last routing of a part whose steps the file does not state, and by which order; tell which it is."""
    drawing, name = asked.drawing, asked.part
    found = earlier(
        named(drawing or name or ""),
        coordinator=asked.coordinator or "",
        customer=asked.customer,
        drawing=drawing,
        revision=asked.revision,
        name=name,
    )
    where = Column.DRAWING if drawing else Column.PART
    if found is None and (theirs := _of_another_customer(asked, named)):
        number = theirs.number or theirs.key
        cells.note(
            where,
            Word(
                f"「{drawing}」は別の客先（{theirs.customer}）の受注 {number} で作った品で、工程が書かれていない",
                f"{drawing!r} was made for another customer ({theirs.customer}), as order {number}, and no "
                "steps are given",
            ),
            Word(
                "客先が同じなら客先の名前をそろえてください。別の客先でも同じ品なら、その受注と同じ工程を書いてください",
                "If it is the same customer, give the same name. If it is the same part for another customer, give the "
                "steps of that order",
            ),
        )
        return (), None
    if found is None:
        cells.note(
            where,
            Word(
                f"「{drawing or name}」は初めての品で、工程が書かれていない",
                f"{drawing or name!r} is new, and no steps are given",
            ),
            Word(
                "工程と会社の列を加えて一度だけ工程を入れてください。次からは前回と同じ工程で入ります",
                "Add the columns step and firm and give its steps once; next time the last ones are taken",
            ),
        )
        return (), None
    if isinstance(found, list):
        drawings = ", ".join(part.drawing or "—" for part in found[:5])
        cells.note(
            where,
            Word(
                f"「{name}」という品は図番が違うものが{len(found)}つある（{drawings}）",
                f"{name!r} was made by {len(found)} drawings ({drawings})",
            ),
            Word("図番を入れるか、工程を入れてください", "Give the drawing, or the steps"),
        )
        return (), None
    part = found.part
    gone = [step.firm for step in part.routing if step.firm not in firms]
    if gone:
        cells.note(
            where,
            Word(
                f"前回（{part.number}）の工程の会社「{gone[0]}」がもう登録されていない",
                f"the firm {gone[0]!r} of its last routing ({part.number}) is not known any more",
            ),
            Word(
                f"いまの会社で工程を入れてください。{NEW_FIRM.ja}",
                f"Give the steps with firms of today. {NEW_FIRM.en}",
            ),
        )
        return (), None
    _tell(cells, where, asked, part, same=found.same_revision)
    return part.routing, part.order


def _of_another_customer(asked: OrderPart, named: Named) -> OrderState | None:
    """Return the latest order of this coordinator for the same drawing, but for another customer."""
    found = [
        order
        for order in named(asked.drawing or "")
        if order.coordinator == asked.coordinator
        and folded(order.drawing or "") == folded(asked.drawing or "")
        and _other_customer(asked, order)
        and routing_of(order)
    ]
    return max(found, key=lambda order: order.released_at or EVER, default=None)


def _tell(cells: Cells, where: Column, asked: OrderPart, part: Part, *, same: bool) -> None:
    way = "→".join(step.name for step in part.routing)
    when = f"{part.last.date()}" if part.last else "—"
    if same:
        cells.tell(
            where,
            Word(
                f"前回（{part.number}、{when}）と同じ工程で：{way}",
                f"steps as last time ({part.number}, {when}): {way}",
            ),
            Word("違うなら工程を書いてください", "If they are others, give the steps"),
        )
    else:
        old, new = part.revision or "（なし）", asked.revision or "（なし）"
        cells.tell(
            Column.REVISION,
            Word(
                f"図番は同じでも改訂 {new} は初めて。改訂 {old}（{part.number}）の工程を使います：{way}",
                f"the drawing was made before, but not its revision {asked.revision or '(none)'}; the steps of "
                f"revision {part.revision or '(none)'} ({part.number}) are taken: {way}",
            ),
            Word(
                "図面の変わったところを確かめ、違うなら工程を書いてください",
                "See what changed on the drawing; if the steps did, give them",
            ),
        )


def refuse_repeat(cells: Cells, asked: OrderPart, known: Known) -> None:
    """Note an order that is there already; tell of one that is for the same number and part and yet another."""
    if not cells.spoilt.isdisjoint(_NAMES):
        return  # by what is left of its names it might be another
    found = known.named(called(asked))
    for order in sorted(found, key=lambda order: order.state is State.CANCELLED):  # what is in force is said first
        if order.coordinator != asked.coordinator or not _same_part(asked, order):
            continue
        if not asked.own_number and _other_customer(asked, order):
            continue  # the number is the customer's, and two customers may use one
        number = order.number or order.key
        if order.state is State.CANCELLED:
            if _same_number(asked, order) and (asked.own_number or _same_demand(asked, order)) and not known.again:
                _note_cancelled(cells, asked, order)
                return
            continue
        if _same_number(asked, order) and (asked.own_number or _same_demand(asked, order)):
            if known.again:
                continue
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
            return
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


def another_spelling(cells: Cells, asked: OrderPart, named: Named) -> None:
    """Tell of a drawing that was made before and differs by leading zeros alone."""
    drawing = asked.drawing or ""
    if not drawing.isdecimal() or named(drawing):
        return
    for zeros in range(1, 7):
        longer = "0" * zeros + drawing
        if any(order.coordinator == asked.coordinator and order.drawing == longer for order in named(longer)):
            cells.tell(
                Column.DRAWING,
                Word(
                    f"前に作ったのは {longer}。Excel が先頭の 0 を消したかもしれない",
                    f"{longer} was made before: a leading 0 may be lost",
                ),
                Word(
                    "図面と比べ、違えば文字列の書式で入れ直してください",
                    "Compare it with the drawing; format it as text",
                ),
            )
            return


def parent_of(cells: Cells, coordinator: str, named: Named) -> str | None:
    """Return the key of the order that this one is a part of."""
    text = cells.text(Column.PARENT)
    if not text:
        return None
    found = [order for order in named(text) if order.coordinator == coordinator and order.known]
    if len(found) == 1:
        return found[0].key
    reason = (
        Word(f"親受注「{text}」が{len(found)}件ある", f"{len(found)} orders are called {text!r}")
        if found
        else Word(f"親受注「{text}」がない", f"there is no order {text!r}")
    )
    cells.note(Column.PARENT, reason, Word("共通番号で指定してください", "Give the order's number"))
    return None


def called(asked: OrderPart) -> str:
    """Return by which of its names an order is looked for among those that are there."""
    names = (asked.own_number, asked.customer_number, asked.drawing, asked.part)
    return next((name for name in names if name), "")


def _same_number(asked: OrderPart, order: OrderState) -> bool:
    if asked.own_number:
        return order.own_number == asked.own_number
    return (order.customer_number or None) == (asked.customer_number or None)


def _other_customer(asked: OrderPart, order: OrderState) -> bool:
    return bool(asked.customer and order.customer and folded(asked.customer) != folded(order.customer))


def _same_part(asked: OrderPart, order: OrderState) -> bool:
    if asked.drawing and order.drawing:
        return folded(asked.drawing) == folded(order.drawing)
    return bool(asked.own_number) or folded(asked.part or "") == folded(order.part or "")


def _same_demand(asked: OrderPart, order: OrderState) -> bool:
    return (asked.quantity, asked.due) == (order.quantity, order.due)
