"""What the office says of an order: its part, routing, tickets, dates, grants and decisions.

Read in one pass before the floor's rows, because work is often scanned before the office has named its order.
"""

from datetime import datetime
from itertools import count

from broker.events import (
    Adopt,
    Grant,
    Handover,
    IssuedTicket,
    Order,
    OrderAction,
    Printed,
    Promise,
    Settlement,
    Split,
    Step,
    Work,
)
from broker.topics import GATEWAY
from gateway.rules import history
from gateway.rules.draft import Agreed, Draft, OperationDraft, TicketDraft
from gateway.rules.order import Printing
from gateway.rules.sequence import Sequence
from gateway.rules.stamp import Stamped


def read(draft: Draft, sequence: Sequence, elsewhere: frozenset[str] = frozenset()) -> None:
    """Fill the draft with everything but work, scans and hand-overs. `elsewhere`: tickets that are another order's."""
    quantity: int | None = None
    splits: list[tuple[datetime, Stamped]] = []
    worked: set[str] = set()
    for at, row in sequence.rows:
        event = row.event
        if type(event) is Work or type(event) is Handover:
            worked.add(row.firm)
            if draft.released is None:
                draft.released = at  # rows come by time
        elif type(event) is Order:
            if event.order == draft.key:
                quantity = _order(draft, at, row, event, quantity)
        elif type(event) is Split:
            splits.append((at, row))
        elif type(event) is Adopt:
            if event.order == draft.key:
                _adopt(draft, at, event)
        elif type(event) is Printed:
            for name in event.tickets:
                draft.prints.setdefault(name, []).append(Printing(row.key, event.paper, at, event.by))
        elif type(event) is Promise:
            asked, answered = draft.promises.get(event.operation, (None, None))
            draft.promises[event.operation] = (event.asked or asked, event.answered or answered)
        elif type(event) is Settlement:
            draft.agreed.append(Agreed(at, event.flag, event.operation, event.decision, event.good))
    _split(draft, splits, worked, elsewhere)
    _release(draft, sequence)
    _operations(draft)
    grants = [row for _, row in sequence.rows if type(row.event) is Grant]
    for row in sorted(grants, key=lambda row: (row.stamp, row.key)):  # never at the time somebody states
        assert type(row.event) is Grant
        if row.event.level is None:
            draft.grants.pop(row.event.viewer, None)
        else:
            draft.grants[row.event.viewer] = (row.stamp, row.event.level.value)


def ticket(draft: Draft, name: str, quantity: int | None = None, parent: str | None = None) -> TicketDraft:
    """Return the ticket of this id, made with the lowest free branch if the order does not have it yet.

    The lowest: the office's splits number on above those of the floor, which must not change on labels in use.
    """
    if name not in draft.tickets:
        taken = {known.branch for known in draft.tickets.values()}
        branch = next(free for free in count(1) if free not in taken)
        draft.tickets[name] = TicketDraft(name, branch, quantity, parent=parent)
    return draft.tickets[name]


def _adopt(draft: Draft, at: datetime, event: Adopt) -> None:
    known = ticket(draft, event.ticket)
    if event.quantity is not None:
        known.quantity = event.quantity
    draft.history.append(history.of_adoption(at, event))


def _order(draft: Draft, at: datetime, row: Stamped, event: Order, before: int | None) -> int | None:
    """Take over what is new; return the pieces the first operation then gets."""
    steps = draft.routings[-1][1] if draft.routings else {}
    draft.history.append(history.of_order(draft.part, steps, at, event))
    draft.known = True
    if draft.created_at is None:
        draft.created_at = at
    if event.part is not None:
        for name in event.part.model_fields_set:
            value = getattr(event.part, name)
            if value is not None:
                draft.part[name] = value
    for name in event.cleared:
        draft.part.pop(name, None)
    if event.routing:
        draft.routings.append((at, {step.no: step for step in event.routing}))
        draft.version, draft.routed = event.version, row.key
    for issued in event.tickets:
        _issue(draft, at, issued)
    if event.action is OrderAction.HELD:
        draft.held, draft.held_pieces = True, event.pieces
    elif event.action is OrderAction.RELEASED:
        draft.held, draft.held_pieces, draft.cancelled_at = False, None, None
    elif event.action is OrderAction.CANCELLED and draft.cancelled_at is None:
        draft.cancelled_at = at
    quantity, spare = draft.part.get("quantity"), draft.part.get("spare", 0)
    if not isinstance(quantity, int) or not isinstance(spare, int):
        return before
    if before is None or quantity + spare != before:
        draft.supply.append((at, quantity + spare - (before or 0)))
    return quantity + spare


def _issue(draft: Draft, at: datetime, issued: IssuedTicket) -> None:
    known = draft.tickets.get(issued.id)
    if known is None:
        draft.tickets[issued.id] = TicketDraft(issued.id, issued.branch, issued.quantity, issued.issue)
    else:
        known.branch, known.quantity, known.issue = issued.branch, issued.quantity, issued.issue
    if issued.replaces is not None and issued.replaces != issued.id:
        old = draft.tickets.get(issued.replaces)
        if old is None:  # it was split off by scan, which is read later: the same lot all the same
            old = draft.tickets[issued.replaces] = TicketDraft(issued.replaces, issued.branch)
        draft.replaced[issued.id] = old.id
        if old.old_since is None:
            old.old_since = at


def _split(
    draft: Draft, splits: list[tuple[datetime, Stamped]], worked: set[str], elsewhere: frozenset[str] = frozenset()
) -> None:
    """Take the parts out of their lots, once every ticket that the office issued is known.

    A lot is split by the firms of its routings, without one by those that worked on it, by the coordinator and by the
    gateway. Anybody else's split changes nothing and is flagged, as is one with a blank that was used before. A part
    that nobody counted is flagged until somebody does.
    """
    issued = {name for name, known in draft.tickets.items() if known.old_since is None or known.quantity is not None}
    may = {step.firm for _, steps in draft.routings for step in steps.values()} if draft.routings else worked
    newer = {older: name for name, older in draft.replaced.items()}
    for at, row in splits:
        event = row.event
        assert type(event) is Split
        if event.parent == event.child:
            continue
        if row.firm not in may and row.firm not in (GATEWAY, draft.coordinator):
            draft.flag(at, "not_allowed", None, ("firm", row.firm), ("ticket", event.parent), ("child", event.child))
            continue
        known = draft.tickets.get(event.child)
        of_another_lot = known is not None and known.parent not in (None, event.parent)
        if of_another_lot or event.parent in elsewhere or event.child in elsewhere:
            draft.flag(at, "blank_twice", None, ("ticket", event.parent), ("child", event.child))
            continue
        parent = ticket(draft, event.parent)
        if parent.old_since is not None and parent.old_since <= at:
            draft.flag(at, "old_issue", None, ("ticket", event.parent), ("child", event.child))
        for _ in newer:  # as often at most: papers might replace each other in a circle
            if parent.old_since is not None and parent.old_since <= at and parent.id in newer:
                parent = draft.tickets[newer[parent.id]]
        counted = event.quantity.n if event.quantity is not None else None
        child = ticket(draft, event.child, counted, event.parent)
        child.parent = child.parent or event.parent
        child.split_at = child.split_at or at
        first = known is None or (event.child not in issued and known.quantity is None)
        if counted is not None and first:
            child.quantity = counted
            if parent.quantity is not None:
                if counted > parent.quantity:
                    over = ("over", str(counted - parent.quantity))
                    draft.flag(at, "split_over", None, ("ticket", parent.id), ("child", event.child), over)
                parent.quantity = max(0, parent.quantity - counted)
    for child in draft.live_tickets():
        if (since := child.split_at) is not None and child.parent and child.quantity is None:
            draft.flag(since, "split_uncounted", None, ("ticket", child.parent), ("child", child.id))
    for newest, older in draft.replaced.items():  # a new paper of a part of a lot is still that part
        lot, before = draft.tickets[newest], draft.tickets[older]
        lot.parent, lot.split_at = lot.parent or before.parent, lot.split_at or before.split_at


def _release(draft: Draft, sequence: Sequence) -> None:
    """An order is released when it was created, or when somebody first worked on it, if that was earlier."""
    if draft.created_at is not None and (draft.released is None or draft.created_at < draft.released):
        draft.released = draft.created_at
    if draft.released is None and sequence.rows:
        draft.released = sequence.rows[0][0]
    if draft.released is None:
        return
    if not draft.supply and draft.known:
        issued = [known.quantity for known in draft.live_tickets() if known.quantity is not None]
        draft.supply = [(draft.released, sum(issued))] if issued else []
        said = (row.event for _, row in sequence.rows if type(row.event) is Adopt and row.event.order == draft.key)
        draft.supposed = all(event.quantity is None for event in said)
    elif draft.supply:
        draft.supply[0] = (draft.released, draft.supply[0][1])


def _operations(draft: Draft) -> None:
    if draft.free:
        return
    steps = draft.routings[-1][1]
    for no in sorted(steps):
        draft.operations[no] = operation = OperationDraft(no, steps[no])
        operation.asked, operation.answered = draft.promises.get(no, (None, None))
        draft.chain.append(operation)


def removed(draft: Draft, step: Step) -> OperationDraft:
    """Return the operation of a step that a newer routing left out but somebody worked on."""
    if step.no not in draft.operations:
        draft.operations[step.no] = OperationDraft(step.no, step)
    return draft.operations[step.no]
