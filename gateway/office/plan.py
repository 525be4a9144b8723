"""What would come of a wish of the office: what changes, which papers become old, what to mind; or why it cannot be.

Pure. A paper is old when whoever works by it would make the wrong thing, the wrong number, or send it to the wrong
firm; a date on it may be crossed out by hand (docs/decisions.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.clock import Reading
from broker.events import (
    Adopt,
    AnyEvent,
    IssuedTicket,
    Order,
    OrderAction,
    OrderPart,
    Quality,
    Quantity,
    Split,
    Step,
)
from broker.events import Paper as Sheet
from broker.words import Word
from gateway.office import refusals as no
from gateway.office.lots import differing, live, spread, surplus
from gateway.office.steps import stepped
from gateway.office.wishes import Alter, Cancel, Divide, Give, Hold, Name, Release, Reroute, Restep, Wish
from gateway.office.words import Firms, firm
from gateway.resolve import unknown_order
from gateway.rules import history
from gateway.rules.order import Edit, Operation, OrderState, State, Ticket

STOPS = frozenset({"part", "drawing", "revision", "material", "size", "supplied", "series"})
"""Printed fields that say what to make: with another value every paper of the order is old."""
PRINTED = frozenset({"due", "own_number", "coordinator"})
"""Printed fields that make nobody work wrongly: the papers stay good, and may be printed again."""
_AT_WORK = (State.RUNNING, State.SETUP, State.PAUSED)
_LAST_BRANCH = _LAST_ISSUE = 999


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper to print: of a lot whose paper `old` is no longer right, or of one that is new (`old` None)."""

    branch: int
    quantity: int | None
    issue: int = 1
    old: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written. `edits` is what the history would say of it, `mind` what a person should know before.

    `key` is the order that the events name; None: one that gets its key and number when it is written.
    """

    key: str | None
    watched: tuple[str, ...]
    """If the office writes of one of these meanwhile, the plan is void."""
    action: OrderAction | None
    part: OrderPart | None = None
    cleared: tuple[str, ...] = ()
    routing: tuple[Step, ...] | None = None
    version: int = 1
    pieces: int | None = None
    papers: tuple[Paper, ...] = ()
    divided: bool = False
    """The last of the papers is a part of the first one's lot."""
    adopted: str | None = None
    """The ticket that gets its order."""
    edits: tuple[Edit, ...] = ()
    mind: tuple[Word, ...] = ()
    reprint: bool = False
    """Something printed changes, and the papers stay good all the same."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a plan must know besides the order: its routing, the firms, and the order that a ticket is to go to."""

    steps: Sequence[Step]
    firms: Firms
    target: OrderState | None = None


def plan(order: OrderState, wish: Wish, cluster: Cluster) -> Plan:
    """Return what would come of a wish. Raises Impossible, one sentence for the person who asked."""
    if isinstance(wish, Give | Name):
        if order.known:
            raise no.Impossible(no.NAMED, number=order.number or order.key)
        return _give(order, wish, cluster) if isinstance(wish, Give) else _name(order, wish, cluster)
    if not order.known:
        raise no.Impossible(no.NAMELESS)
    if order.state is State.CANCELLED and not isinstance(wish, Release):
        raise no.Impossible(no.CANCELLED, number=order.number or order.key)
    match wish:
        case Alter():
            return _alter(order, wish, cluster)
        case Hold():
            return _hold(order, wish)
        case Release():
            return _release(order)
        case Cancel():
            return _cancel(order, cluster)
        case Reroute():
            return _reroute(order, wish, cluster)
        case Restep():
            return _restep(order, wish, cluster)
        case Divide():
            return _divide(order, wish)


def events(
    made: Plan, *, key: str, number: str | None, ids: Sequence[str], now: Reading, by: str, why: str
) -> list[AnyEvent]:
    """Return a plan's events. `ids`: a minted ticket for each of its papers; `number`: for an order that has none."""
    clock: dict[str, Any] = {"at": now.at, "mono_ms": now.mono_ms, "boot": now.boot, "clock": now.clock, "by": by}
    if made.action is None:
        assert made.adopted is not None
        return [Adopt(**clock, ticket=made.adopted, order=key, quantity=made.pieces, why=why)]
    tickets = [
        IssuedTicket(id=name, branch=paper.branch, quantity=paper.quantity, issue=paper.issue, replaces=paper.old)
        for name, paper in zip(ids, made.papers, strict=True)
    ]
    if made.adopted is not None:
        tickets.append(IssuedTicket(id=made.adopted, quantity=made.pieces or 0))
    part = made.part if number is None else (made.part or OrderPart()).model_copy(update={"number": number})
    said = Order(
        **clock,
        action=made.action,
        order=key,
        part=part,
        cleared=made.cleared,
        routing=made.routing,
        tickets=tuple(tickets),
        version=made.version,
        pieces=None if made.adopted else made.pieces,
        why=why,
    )
    if not made.divided:
        return [said]
    counted = Quantity(n=made.pieces, q=Quality.COUNTED)
    return [said, Split(**clock, parent=tickets[0].id, child=tickets[-1].id, quantity=counted)]


# -- one wish each -----------------------------------------------------------------------------------------------------


def _alter(order: OrderState, wish: Alter, cluster: Cluster) -> Plan:
    part, edits = wish.part, tuple(history.changed(_part(order), wish.part, wish.cleared))
    if part.quantity == 0 or "quantity" in wish.cleared:
        raise no.Impossible(no.NO_QUANTITY)
    if part.coordinator is not None and part.coordinator not in cluster.firms:
        raise no.unknown_firm(part.coordinator, cluster.firms)
    if part.parent == order.key:
        raise no.Impossible(no.OWN_PARENT)
    if not edits:
        raise no.Impossible(no.NOTHING_CHANGES)
    names = {edit.what for edit in edits}
    mind: list[Word] = []
    papers: tuple[Paper, ...] = ()
    quantities = {}
    if names & {"quantity", "spare"}:
        total = (order.quantity if part.quantity is None else part.quantity) or 0
        if "spare" not in wish.cleared:
            total += order.spare if part.spare is None else part.spare
        quantities = spread(order, total, wish.ticket)
        mind += differing(order, quantities)
        mind += surplus(order, total)
        mind += [no.EMPTY_LOT.filled(branch=lot.branch) for lot in live(order) if quantities.get(lot.id) == 0]
    if names & STOPS:
        papers = _new_issue(live(order), quantities)
    elif quantities:
        changed = [lot for lot in live(order) if quantities.get(lot.id, lot.quantity) != lot.quantity]
        papers = _new_issue(changed, quantities)
    if order.state is State.DONE:
        mind.append(no.ALREADY_DONE)
    changed_part = {
        name: value for name, value in part.model_dump(exclude_unset=True, exclude_none=True).items() if name in names
    }
    return Plan(
        order.key,
        (order.key,),
        OrderAction.CHANGED,
        part=OrderPart(**changed_part) if changed_part else None,
        cleared=tuple(name for name in wish.cleared if name in names),
        papers=papers,
        edits=edits,
        mind=tuple(mind),
        reprint=bool(names & PRINTED) and not papers,
    )


def _hold(order: OrderState, wish: Hold) -> Plan:
    if order.held and order.held_pieces == wish.pieces:
        raise no.Impossible(no.HELD)
    if wish.pieces is not None and order.quantity is not None and wish.pieces > order.quantity + order.spare:
        raise no.Impossible(no.HOLD_TOO_MANY, n=order.quantity + order.spare)
    edits = () if wish.pieces is None else (Edit("on_hold", None, str(wish.pieces)),)
    return Plan(order.key, (order.key,), OrderAction.HELD, pieces=wish.pieces, edits=edits)


def _release(order: OrderState) -> Plan:
    if not order.held and order.state is not State.CANCELLED:
        raise no.Impossible(no.NOT_HELD)
    return Plan(order.key, (order.key,), OrderAction.RELEASED)


def _cancel(order: OrderState, cluster: Cluster) -> Plan:
    if order.state is State.DONE:
        raise no.Impossible(no.DONE)
    mind = [
        no.STILL_AT_WORK.filled(no=one.no, firm=firm(cluster.firms, one.firm))
        for one in order.operations
        if one.state in _AT_WORK
    ]
    return Plan(order.key, (order.key,), OrderAction.CANCELLED, mind=tuple(mind))


def _reroute(order: OrderState, wish: Reroute, cluster: Cluster) -> Plan:
    before = next((step for step in cluster.steps if step.no == wish.step), None)
    operation = order.operation(wish.step)
    if before is None or operation is None:
        known = ", ".join(str(step.no) for step in cluster.steps)
        raise no.Impossible(no.NO_SUCH_STEP if known else no.NO_ROUTING, no=wish.step, known=known)
    if wish.firm not in cluster.firms:
        raise no.unknown_firm(wish.firm, cluster.firms)
    if operation.state in _AT_WORK:
        raise no.Impossible(no.STEP_AT_WORK, no=wish.step, firm=firm(cluster.firms, before.firm))
    if operation.state is State.DONE:
        raise no.Impossible(no.STEP_DONE, no=wish.step)
    station = wish.station or (before.station if wish.firm == before.firm else None)
    after = before.model_copy(update={"firm": wish.firm, "station": station, "due": wish.due or before.due})
    routing = tuple(after if step.no == wish.step else step for step in cluster.steps)
    edits = tuple(history.rerouted({wish.step: before}, {wish.step: after}))
    if not edits:
        raise no.Impossible(no.NOTHING_CHANGES)
    moves = wish.firm != before.firm
    return Plan(
        order.key,
        (order.key,),
        OrderAction.REROUTED,
        routing=routing,
        version=order.version + 1,
        papers=_new_issue(live(order), {}) if moves else (),
        edits=edits,
        mind=tuple(_left_behind(operation, cluster)) if moves else (),
        reprint=not moves,
    )


def _restep(order: OrderState, wish: Restep, cluster: Cluster) -> Plan:
    after = stepped(order, wish, cluster.steps, cluster.firms)
    edits = tuple(history.rerouted(_by_number(cluster.steps), _by_number(after.routing)))
    if not edits:
        raise no.Impossible(no.NOTHING_CHANGES)
    printed = [lot for lot in live(order) if any(one.paper is not Sheet.LABEL for one in lot.prints)]
    papers = _new_issue(printed, {})
    return Plan(
        order.key,
        (order.key,),
        OrderAction.REROUTED,
        routing=after.routing,
        version=order.version + 1 if cluster.steps else order.version,
        papers=papers,
        edits=edits,
        mind=(*after.mind, *(word for one in after.out for word in _left_behind(one, cluster))),
        reprint=not papers,
    )


def _by_number(steps: Sequence[Step]) -> dict[int, Step]:
    return {step.no: step for step in steps}


def _divide(order: OrderState, wish: Divide) -> Plan:
    lots = live(order)
    if wish.ticket is None and len(lots) != 1:
        raise no.Impossible(no.WHICH_LOT, lots=", ".join(lot.id for lot in lots))
    lot = lots[0] if wish.ticket is None else next((lot for lot in lots if lot.id == wish.ticket), None)
    if lot is None:
        raise no.Impossible(no.NO_SUCH_LOT, ticket=wish.ticket, lots=", ".join(lot.id for lot in lots))
    if lot.quantity is None:
        raise no.Impossible(no.LOT_UNKNOWN, ticket=lot.id)
    if not 0 < wish.pieces < lot.quantity:
        raise no.Impossible(no.LOT_TOO_SMALL, ticket=lot.id, n=lot.quantity, most=lot.quantity - 1)
    branch = 1 + max(ticket.branch for ticket in order.tickets)
    if branch > _LAST_BRANCH:
        raise no.Impossible(no.TOO_MANY_LOTS)
    papers = (*_new_issue([lot], {lot.id: lot.quantity - wish.pieces}), Paper(branch, wish.pieces))
    return Plan(
        order.key,
        (order.key,),
        OrderAction.SPLIT,
        pieces=wish.pieces,
        papers=papers,
        divided=True,
        edits=(Edit("split_off", None, str(wish.pieces)),),
    )


def _give(order: OrderState, wish: Give, cluster: Cluster) -> Plan:
    target = cluster.target
    if target is None or not target.known:
        raise no.Impossible(no.NO_TARGET)
    if target.state is State.CANCELLED:
        raise no.Impossible(no.CANCELLED, number=target.number or target.key)
    strangers = dict.fromkeys(one.firm for one in order.operations if one.firm not in target.firms)
    name = _root(order)
    edits = [Edit("ticket", None, name)]
    if wish.quantity is not None:
        edits.append(Edit("pieces", None, str(wish.quantity)))
    return Plan(
        target.key,
        (target.key, name),
        None,
        pieces=wish.quantity,
        adopted=name,
        edits=tuple(edits),
        mind=tuple(
            no.NOT_ON_ROUTING.filled(firm=firm(cluster.firms, one), number=target.number or target.key)
            for one in strangers
        ),
    )


def _name(order: OrderState, wish: Name, cluster: Cluster) -> Plan:
    part = wish.part
    if not part.part or not part.quantity:
        raise no.Impossible(no.NAME_NEEDS)
    coordinator = part.coordinator or next((one.firm for one in order.operations), None)
    if coordinator is None or coordinator not in cluster.firms:
        raise no.unknown_firm(coordinator or "–", cluster.firms)
    part = part.model_copy(update={"coordinator": coordinator})
    name = _root(order)
    return Plan(
        None,
        (name,),
        OrderAction.CREATED,
        part=part,
        pieces=part.quantity + (part.spare or 0) if part.quantity else None,
        adopted=name,
        edits=tuple(history.changed({}, part)),
    )


# -- papers and pieces -------------------------------------------------------------------------------------------------


def _new_issue(lots: Sequence[Ticket], quantities: Mapping[str, int]) -> tuple[Paper, ...]:
    return tuple(
        Paper(lot.branch, quantities.get(lot.id, lot.quantity), min(_LAST_ISSUE, lot.issue + 1), lot.id) for lot in lots
    )


def _left_behind(operation: Operation, cluster: Cluster) -> list[Word]:
    named = firm(cluster.firms, operation.firm)
    made = operation.good.total + operation.scrap.total
    mind = [no.MADE_THERE.filled(firm=named, n=made)] if made else []
    if operation.state is State.IN_TRANSIT:
        mind.append(no.ON_THE_WAY.filled(firm=named))
    elif operation.received_at is not None:
        mind.append(no.LIES_THERE.filled(firm=named))
    return mind


def _root(order: OrderState) -> str:
    """Return the ticket that an order without a name is; what was split from it goes with it."""
    return next((one.id for one in order.tickets if unknown_order(one.id) == order.key), order.key[2:].upper())


def _part(order: OrderState) -> dict[str, object]:
    return {name: getattr(order, name) for name in OrderPart.model_fields}
