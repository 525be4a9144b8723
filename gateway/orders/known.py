"""An order in a file beside the orders that are there: how its part was last made, and what else is known of it.

Whether it is there already, `repeats` says.
"""

from broker.events import OrderPart, Step
from broker.words import Word
from gateway.orders.cells import NEW_FIRM, Cells
from gateway.orders.columns import Column, folded
from gateway.orders.parts import EVER, Part, earlier, routing_of
from gateway.orders.proposals import Named
from gateway.rules.order import OrderState


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
        and other_customer(asked, order)
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


def other_customer(asked: OrderPart, order: OrderState) -> bool:
    """Say whether both name their customer, and not the same one."""
    return bool(asked.customer and order.customer and folded(asked.customer) != folded(order.customer))
