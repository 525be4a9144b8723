"""Folding all rows of one order into its state: the same state in whatever order, and however often, they came."""

from collections.abc import Iterable

from broker.events import Correction, Handover, Printed, Scan, Work
from gateway.rules import handovers, office, sessions
from gateway.rules.draft import Draft
from gateway.rules.freeze import freeze
from gateway.rules.order import OrderState
from gateway.rules.pieces import settle
from gateway.rules.sequence import arrange
from gateway.rules.stamp import Stamped

_SCANS_TO_FLAG = frozenset({"two_open", "old_issue", "cancelled_work", "no_operation"})
"""Reads that changed nothing but that a person should know of; keys of `broker.words.FLAGS`."""


def fold(order_key: str, events: Iterable[Stamped], elsewhere: frozenset[str] = frozenset()) -> OrderState:
    """Return the state of an order from all its rows. Oddities raise nothing: they become flags.

    Which rows are an order's is not decided here (see `gateway.resolve`): a ticket that no `order` row names is taken
    to be this order's, unless it stands in `elsewhere`: a split may name a ticket that another order has.
    """
    sequence = arrange(events)
    draft = Draft(order_key, oddities=sequence.oddities)
    office.read(draft, sequence, elsewhere)
    for at, row in sequence.rows:
        event = row.event
        if type(event) is Work:
            sessions.work(draft, at, row, event)
        elif type(event) is Handover:
            handovers.handover(draft, at, row, event)
        elif type(event) is Scan and event.why in _SCANS_TO_FLAG:
            detail = (("station", event.station or ""), ("ticket", event.ticket or ""))
            draft.flag(at, event.why, event.operation, *detail)
        if type(event) is not Printed:  # a paper more moves no order
            draft.last_at = at
    return freeze(draft, settle(draft), sequence.count)


def taken_back(events: Iterable[Stamped]) -> bool:
    """Whether corrections void everything that was said of an order, so that there is nothing to show of it."""
    return all(type(row.event) is Correction for _, row in arrange(events).rows)
