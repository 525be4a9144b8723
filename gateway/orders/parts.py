"""The part master: what was made before, by which routing. Derived from the orders; nothing of its own is kept. Pure.

A part is a coordinator's: a firm never sees by it how another firm has its parts made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.events import Step
from gateway.orders.columns import folded
from gateway.rules.order import OrderState, State

EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One part as last made. Without a drawing its name is all that tells it from others."""

    coordinator: str
    drawing: str | None
    revision: str | None
    name: str | None
    customer: str | None
    routing: tuple[Step, ...]
    order: str
    """Key of the order by which it was last made."""
    number: str | None
    made: int
    """How many orders there were for it."""
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a part that an order asks for: as last made in this revision, else in any other."""

    part: Part
    same_revision: bool


def routing_of(order: OrderState) -> tuple[Step, ...]:
    """Return an order's present routing without its dates; empty if the office never gave it one."""
    return tuple(
        Step(no=operation.no, name=operation.name, firm=operation.firm, kind=operation.kind, station=operation.station)
        for operation in order.operations
        if operation.name and operation.state is not State.CANCELLED
    )


def master(orders: Iterable[OrderState]) -> list[Part]:
    """Return every part with a routing, by coordinator and drawing, each revision for itself."""
    found: dict[tuple[str, ...], list[OrderState]] = {}
    for order in orders:
        if order.known and order.coordinator and (order.drawing or order.part) and routing_of(order):
            found.setdefault(_key(order), []).append(order)
    return [_part(group) for _, group in sorted(found.items())]


def earlier(
    orders: Sequence[OrderState],
    *,
    coordinator: str,
    customer: str | None,
    drawing: str | None,
    revision: str | None,
    name: str | None,
) -> Earlier | list[Part] | None:
    """Return how the part that an order asks for was last made; several parts if only a name was given and fits them.

    `orders` are those that are called by this drawing or name, of whatever coordinator.
    """
    own = [order for order in orders if order.coordinator == coordinator]
    if drawing:
        own = [
            order
            for order in own
            if folded(order.drawing or "") == folded(drawing)
            and not (customer and order.customer and folded(customer) != folded(order.customer))
        ]
    else:
        own = [order for order in own if folded(order.part or "") == folded(name or "")]
    parts = master(own)
    if not drawing and len({part.drawing for part in parts}) > 1:
        return parts
    same = [part for part in parts if folded(part.revision or "") == folded(revision or "")]
    for among in (same, parts):
        if among:
            return Earlier(max(among, key=lambda part: part.last or EVER), same_revision=among is same)
    return None


def _key(order: OrderState) -> tuple[str, ...]:
    what = folded(order.drawing) if order.drawing else f"\N{NO-BREAK SPACE}{folded(order.part or '')}"
    return (order.coordinator or "", what, folded(order.customer or ""), folded(order.revision or ""))


def _part(orders: Sequence[OrderState]) -> Part:
    last = max(orders, key=lambda order: order.released_at or EVER)
    return Part(
        coordinator=last.coordinator or "",
        drawing=last.drawing,
        revision=last.revision,
        name=last.part,
        customer=last.customer,
        routing=routing_of(last),
        order=last.key,
        number=last.number,
        made=len(orders),
        last=last.released_at,
    )
