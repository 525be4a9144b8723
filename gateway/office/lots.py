"""The lots of an order: which are in force, and how many pieces each has when the order wants another number. Pure."""

from collections.abc import Mapping

from broker.words import Word
from gateway.office import refusals as no
from gateway.rules.order import OrderState, Ticket


def live(order: OrderState) -> list[Ticket]:
    """Return the lots whose papers are in force, by branch."""
    return sorted((one for one in order.tickets if not one.old), key=lambda one: one.branch)


def spread(order: OrderState, total: int, ticket: str | None) -> dict[str, int]:
    """Return how many each lot then has: a single lot all; of several the one that was named, else the last, takes more
    or gives first.
    """
    lots = live(order)
    if ticket is not None and ticket not in {lot.id for lot in lots}:
        raise no.Impossible(no.NO_SUCH_LOT, ticket=ticket, lots=", ".join(lot.id for lot in lots))
    if len(lots) == 1:
        return {lots[0].id: total}
    lots.sort(key=lambda lot: lot.id == ticket)
    known = {lot.id: lot.quantity for lot in lots if lot.quantity is not None}
    change = total - (order.quantity or 0) - order.spare
    for name in reversed(known):
        given = max(-known[name], change)
        known[name] += given
        change -= given
        if not change:
            break
    return known


def differing(order: OrderState, quantities: Mapping[str, int]) -> list[Word]:
    """Say which of several lots get another number."""
    lots = live(order)
    return [
        no.LOT_CHANGES.filled(branch=lot.branch, ticket=lot.id, before=lot.quantity, after=quantities[lot.id])
        for lot in lots
        if len(lots) > 1 and lot.id in quantities and lot.quantity != quantities[lot.id]
    ]


def surplus(order: OrderState, total: int) -> list[Word]:
    """Say which steps have made more than the order would then want. They are flagged, and nothing is refused."""
    made = [(one.no, one.good.total + one.scrap.total) for one in order.operations]
    return [no.MORE_MADE.filled(no=step, n=n) for step, n in made if n > total]
