"""Folding one order from all its rows, and writing down what follows: its state, facts and views. Or parking it."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import structlog

from broker.messages import MessageError, OrderView
from gateway.events import Events
from gateway.facts.orders import order_facts
from gateway.resolve import order_anchor
from gateway.rules.account import order_account
from gateway.rules.fold import fold, taken_back
from gateway.rules.order import OrderState, State
from gateway.rules.sharing import level, view
from gateway.state.products import PointKey
from gateway.state.writer import WritableState

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Folded:
    """An order folded from the rows at these positions, and what each firm may see of it."""

    positions: Sequence[int]
    order: OrderState
    views: Mapping[str, OrderView]


def fold_order(
    key: str, positions: Sequence[int], state: WritableState, events: Events, zone: tzinfo, *, facts: bool = True
) -> Folded | None:
    """Fold one order from its rows and write it, within a turn; without `facts`, what the pages show and no more.

    Rules that raise park this order alone. Returns None then, and if no rows are left or all of them were taken back.
    """
    if not positions:  # its tickets were given to another order
        _drop(key, state)
        return None
    try:
        order = fold(key, events.at(positions))
        if elsewhere := _elsewhere(order, state):
            order = fold(key, events.at(positions), elsewhere)
        if not (order.known or order.operations or order.tickets) and taken_back(events.at(positions)):
            _drop(key, state)
            return None
        viewers = {*order.firms, *order.former, *(viewer for viewer, _ in order.grants)}
        folded = Folded(positions, order, {firm: seen for firm in viewers if (seen := view(order, firm))})
        points = _points(folded, zone) if facts else None
    except Exception:  # noqa: BLE001 - a bug in the rules parks one order, not the cluster
        _park(key, state, traceback.format_exc())
        return None
    state.products.put_order(order, positions[-1])
    state.products.put_views(key, {firm: seen.encode().decode() for firm, seen in folded.views.items()})
    if points is not None:
        state.products.put_facts(order_anchor(key), points)
    return folded


def _elsewhere(order: OrderState, state: WritableState) -> frozenset[str]:
    """Return tickets that a split gave this order while another one has them: a blank was used for both."""
    if not any(ticket.parent for ticket in order.tickets):
        return frozenset()
    homes = {ticket.id: state.index.home(ticket.id) for ticket in order.tickets}
    return frozenset(ticket for ticket, home in homes.items() if home not in (None, order.key))


def _drop(key: str, state: WritableState) -> None:
    state.products.drop_order(key)
    state.products.put_facts(order_anchor(key), {})
    state.products.put_views(key, {})


def write_facts(folded: Folded, state: WritableState, zone: tzinfo) -> None:
    """Write the facts of an order folded without them, within a turn. Rules that raise park it."""
    key = folded.order.key
    try:
        points = _points(folded, zone)
    except Exception:  # noqa: BLE001 - as above
        _park(key, state, traceback.format_exc())
        return
    state.products.put_facts(order_anchor(key), points)


def _points(folded: Folded, zone: tzinfo) -> dict[PointKey, str]:
    order = folded.order
    until = order.delivered_at or order.last_at
    views = {firm: seen for firm, seen in folded.views.items() if firm not in order.former or level(order, firm)}
    return order_facts(order, views, order_account(order, until) if until else (), zone)


def _park(key: str, state: WritableState, trace: str) -> None:
    kept = state.order(key)
    if kept is None or kept.parked != trace:
        _log.error(
            "the rules failed on an order: it stays as it was, the others go on. Report this; it is tried again at the "
            "next start",
            order=key,
            reason=trace.strip().splitlines()[-1],
        )
    before = kept.state if kept else _blank(key)
    state.products.put_order(before, kept.position if kept else 0, parked=trace)
    state.products.put_views(key, _not_current(state.products.payloads(key)))


def _not_current(payloads: Mapping[str, str]) -> dict[str, str]:
    marked = {}
    for firm, payload in payloads.items():
        try:
            marked[firm] = OrderView.decode(payload.encode()).model_copy(update={"current": False}).encode().decode()
        except MessageError:
            marked[firm] = payload
    return marked


def _blank(key: str) -> OrderState:
    """Return an order of which nothing is known, for one that failed at its first fold."""
    return OrderState(
        key=key,
        known=False,
        number=None,
        state=State.WAITING,
        held=False,
        released_at=None,
        delivered_at=None,
        last_at=None,
    )
