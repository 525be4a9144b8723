"""Folding one order from all its rows, and writing down what follows: its state, facts and views. Or parking it."""

import traceback
from collections.abc import Mapping, Sequence
from datetime import tzinfo

import structlog

from broker.messages import MessageError, OrderView
from gateway.events import Events
from gateway.facts import order_facts
from gateway.resolve import order_anchor
from gateway.rules.account import order_account
from gateway.rules.fold import fold
from gateway.rules.order import OrderState, State
from gateway.rules.sharing import view
from gateway.state.products import PointKey
from gateway.state.writer import WritableState

_log = structlog.get_logger()


def fold_order(key: str, positions: Sequence[int], state: WritableState, events: Events, zone: tzinfo) -> None:
    """Fold one order from its rows and write it, within a turn. Rules that raise park this order alone."""
    if not positions:  # its tickets were given to another order
        state.products.drop_order(key)
        state.products.put_facts(order_anchor(key), {})
        state.products.put_views(key, {})
        return
    try:
        folded = fold(key, events.at(positions))
        views, facts = _products(folded, zone)
    except Exception:  # noqa: BLE001 - a bug in the rules parks one order, not the cluster
        _park(key, state, traceback.format_exc())
        return
    state.products.put_order(folded, positions[-1])
    state.products.put_facts(order_anchor(key), facts)
    state.products.put_views(key, {firm: seen.encode().decode() for firm, seen in views.items()})


def _products(order: OrderState, zone: tzinfo) -> tuple[dict[str, OrderView], dict[PointKey, str]]:
    viewers = {*order.firms, *(viewer for viewer, _ in order.grants)}
    views = {firm: seen for firm in viewers if (seen := view(order, firm))}
    until = order.delivered_at or order.last_at
    return views, order_facts(order, views, order_account(order, until) if until else (), zone)


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
