"""履歴: what each word of the office changed, read off what was known before it. Pure.

Whoever may see an order's page reads it, so it never repeats the customer or the amount: only that they changed.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from broker.events import Adopt, Order, OrderAction, OrderPart, Step
from gateway.rules.order import Change, Edit

PRIVATE = frozenset({"customer", "customer_number", "amount"})
"""Fields of an order of which a history says only that they changed."""
_OF_A_STEP = ("name", "firm", "kind", "station", "due")


def of_order(part: Mapping[str, object], steps: Mapping[int, Step], at: datetime, event: Order) -> Change:
    """Return what an `order` event does; `part` and `steps` are what held before it, empty before the first."""
    edits: list[Edit] = []
    if event.action is not OrderAction.CREATED:
        edits += changed(part, event.part, event.cleared)
        if event.routing:
            edits += rerouted(steps, {step.no: step for step in event.routing})
        edits += [Edit("ticket", one.replaces, one.id) for one in event.tickets]
    if event.pieces is not None:
        edits.append(Edit("split_off" if event.action is OrderAction.SPLIT else "on_hold", None, str(event.pieces)))
    return Change(at, event.action.value, event.by, event.why, tuple(edits))


def of_adoption(at: datetime, event: Adopt) -> Change:
    """Return what it was to name a ticket."""
    named = [Edit("ticket", None, event.ticket)]
    if event.quantity is not None:
        named.append(Edit("pieces", None, str(event.quantity)))
    return Change(at, "adopted", event.by, event.why, tuple(named))


def changed(part: Mapping[str, object], new: OrderPart | None, cleared: Iterable[str] = ()) -> list[Edit]:
    """Return which fields get another value, in the order in which an order states them."""
    stated = {} if new is None else {name: getattr(new, name) for name in new.model_fields_set}
    stated |= dict.fromkeys(cleared)
    edits = []
    for name in OrderPart.model_fields:
        if name not in stated or (stated[name] is None and name not in cleared):
            continue
        before, after = part.get(name, 0 if name == "spare" else None), stated[name]
        if _text(before) != _text(after):
            edits.append(Edit(name, None, None) if name in PRIVATE else Edit(name, _text(before), _text(after)))
    return edits


def rerouted(before: Mapping[int, Step], after: Mapping[int, Step]) -> list[Edit]:
    """Return how one routing differs from another, step by step."""
    edits = []
    for no in sorted(before.keys() | after.keys()):
        old, new = before.get(no), after.get(no)
        if old is None or new is None:
            edits.append(Edit("step", old.name if old else None, new.name if new else None, no))
            if new is not None:
                edits.append(Edit("firm", None, new.firm, no))
            continue
        for name in _OF_A_STEP:
            was, now = getattr(old, name), getattr(new, name)
            if was != now:
                edits.append(Edit(name, _text(was), _text(now), no))
    return edits


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
