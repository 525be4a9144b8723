"""Which order a row touches, and whether it is an event at all. Pure: the same for any order of arrival.

A row touches anchors: an order (`o:`), a ticket (`t:`), or another row (`r:`, of a correction) whose anchors are then
its own. A machine's counts touch none, since no rule reads them: they are facts of their station. Tickets belong to
the order that claims them; one that nobody claims is its own order (番号不明).
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from broker.events import (
    FROM_FLOOR,
    FROM_GATEWAY,
    Adopt,
    AnyEvent,
    Blank,
    Call,
    Correction,
    EventError,
    Grant,
    Handover,
    Order,
    Printed,
    Promise,
    Ref,
    Scan,
    Settlement,
    Split,
    Work,
    decode,
)
from broker.topics import GATEWAY
from gateway.rules.row import Row
from gateway.rules.voiding import Key


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why no order is folded from a row: a word to count by, and a sentence."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One word on whose a ticket is: an order's, or, by a split, another ticket's."""

    ticket: str
    key: Key
    at: datetime
    order: str | None = None
    parent: str | None = None


_OFFICE_TICKETS = (Adopt, Blank, Printed)
"""Of the kind that the floor may send too, what only the gateway may."""


def judge(row: Row) -> AnyEvent | Rejected:
    """Return the event in a row, or why it counts for nothing. The row stays in the ledger as it is."""
    try:
        event = decode(row.body)
    except EventError as error:
        return Rejected(_unreadable(row.body), str(error))
    kinds = FROM_GATEWAY if row.author == GATEWAY else FROM_FLOOR
    if event.kind not in kinds or (isinstance(event, _OFFICE_TICKETS) and row.author != GATEWAY):
        return Rejected("wrong_author", f"{row.author} may not send {event.kind}: it counts for nothing")
    firm = row.author.partition("/")[0]
    if isinstance(event, Work | Handover | Correction) and event.firm not in (None, firm) and row.author != GATEWAY:
        return Rejected("wrong_firm", f"{row.author} speaks for {event.firm}: an edge speaks only for its own firm")
    return event


def _unreadable(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "no_event"
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        return "no_event"
    if found["kind"] not in (*FROM_FLOOR, *FROM_GATEWAY):
        return "unknown_kind"
    return "no_event" if found.get("v", 1) == 1 else "unknown_version"


def anchors(event: AnyEvent) -> tuple[str, ...]:
    """Return the orders and tickets that an event names itself."""
    match event:
        case Order() | Grant() | Promise() | Settlement():
            return (order_anchor(event.order),)
        case Adopt():
            return (order_anchor(event.order), ticket_anchor(event.ticket))
        case Split():
            return (ticket_anchor(event.parent), ticket_anchor(event.child))
        case Printed():
            return tuple(map(ticket_anchor, dict.fromkeys(event.tickets)))
        case Work() | Handover() | Scan() | Call() if event.ticket:
            return (ticket_anchor(event.ticket),)
    return ()


def target(event: AnyEvent) -> Key | None:
    """Return the row whose anchors are also this event's: what a correction voids."""
    return key_of(event.voids) if isinstance(event, Correction) else None


def claims(key: Key, event: AnyEvent) -> tuple[Claim, ...]:
    """Return what an event says about whose tickets are."""
    match event:
        case Order():
            ids = dict.fromkeys(one for ticket in event.tickets for one in (ticket.id, ticket.replaces) if one)
            return tuple(Claim(one, key, event.at, order=event.order) for one in ids)
        case Adopt():
            return (Claim(event.ticket, key, event.at, order=event.order),)
        case Split():
            return (Claim(event.child, key, event.at, parent=event.parent),)
    return ()


def homes_along(
    ticket: str, claims_on: Callable[[str], Iterable[Claim]], known: Callable[[str], str | None]
) -> dict[str, str]:
    """Return the order a ticket belongs to, and with it each ticket that it was split off from on the way there.

    An order's claim goes before a split's; of several orders the latest word holds, of several splits the first. A
    ticket without a claim is an order of its own, and so is a circle of splits, under its lowest ticket. `known` says
    what was found before and still holds: the way ends there.
    """
    way: list[str] = []
    passed: set[str] = set()
    while ticket not in passed:
        if order := known(ticket):
            break
        way.append(ticket)
        passed.add(ticket)
        standing = list(claims_on(ticket))
        if by_order := [claim for claim in standing if claim.order]:
            order = max(by_order, key=_age).order or ""
            break
        by_split = [claim for claim in standing if claim.parent]
        if not by_split:
            order = unknown_order(ticket)
            break
        ticket = min(by_split, key=_age).parent or ""
    else:
        order = unknown_order(min(way[way.index(ticket) :]))
    return dict.fromkeys(way, order)


def _age(claim: Claim) -> tuple[datetime, Key]:
    return claim.at, claim.key


def key_of(ref: Ref) -> Key:
    return (ref.author, ref.epoch, ref.seq)


def order_anchor(order: str) -> str:
    return f"o:{order}"


def ticket_anchor(ticket: str) -> str:
    return f"t:{ticket}"


ROW_PREFIX = "r:"


def row_anchor(key: Key) -> str:
    return f"{ROW_PREFIX}{row_text(key)}"


def row_text(key: Key) -> str:
    """Return a row's key as one text, as in `corrections.target`."""
    author, epoch, seq = key
    return f"{author} {epoch} {seq}"


def unknown_order(ticket: str) -> str:
    """Return the key of the order that an unclaimed ticket is.

    >>> unknown_order("7K3Q9F")
    'u-7k3q9f'
    """
    return f"u-{ticket.lower()}"
