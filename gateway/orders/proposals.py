"""What a file of orders is read into, what must be known to read it, and the event an order then becomes. Pure."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from broker.clock import Reading
from broker.codes import CROCKFORD
from broker.events import ClockQuality, EventError, IssuedTicket, Order, OrderAction, OrderPart, Step, encode
from gateway.orders.layout import Layout
from gateway.orders.problems import Problem
from gateway.orders.remembered import Remembered
from gateway.rules.order import OrderState
from gateway.settings import Firm

Named = Callable[[str], Sequence[OrderState]]
"""Finds the orders that are called so: by number, 製番, customer's number, drawing or part."""


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known to read a file. `named` returns the orders that are called so; `again`: repeats are meant."""

    firms: Sequence[Firm]
    today: date
    remembered: Sequence[Remembered] = ()
    named: Named = lambda _: ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """One order as the file asks for it. `lots` holds the pieces of each branch, spare ones included.

    `routing_from` names the order whose routing was taken over, None if the file states the steps.
    """

    line: int
    part: OrderPart
    routing: tuple[Step, ...]
    lots: tuple[int, ...]
    routing_from: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """All or nothing: with any problem there are no proposals. Notes stand in the way of nothing."""

    proposals: tuple[Proposal, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()
    layout: Layout | None = None


def created(proposal: Proposal, *, key: str, number: str, tickets: Sequence[str], now: Reading, by: str) -> Order:
    """Return the event that creates a proposed order; `tickets` are minted ids, one a lot."""
    return Order(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        by=by,
        action=OrderAction.CREATED,
        order=key,
        part=proposal.part.model_copy(update={"number": number}),
        routing=proposal.routing,
        tickets=tuple(
            IssuedTicket(id=ticket, branch=branch, quantity=pieces)
            for branch, (ticket, pieces) in enumerate(zip(tickets, proposal.lots, strict=True), start=1)
        ),
    )


def fingerprint(proposals: Sequence[Proposal]) -> str:
    """Return what tells these orders, as a person saw them, from any others that the same file may come to mean."""
    seen = hashlib.sha256()
    for one in proposals:
        for text in (one.part.model_dump_json(), *(step.model_dump_json() for step in one.routing), repr(one.lots)):
            seen.update(text.encode() + b"\n")
    return seen.hexdigest()


def shares(pieces: int, lots: int) -> tuple[int, ...]:
    """Divide pieces as evenly as they go, the larger lots first.

    >>> shares(52, 3)
    (18, 17, 17)
    """
    each, rest = divmod(pieces, lots)
    return tuple(each + (lot < rest) for lot in range(lots))


def fits(proposal: Proposal) -> bool:
    """Say whether the order's event stays within an event's limit, with the longest number and key it could get."""
    ids = [CROCKFORD[:6]] * len(proposal.lots)
    now = Reading(datetime(2026, 1, 1, tzinfo=UTC), 10**12, "0" * 36, ClockQuality.UNSYNCED)
    try:
        encode(created(proposal, key="0" * 32, number="0" * 12, tickets=ids, now=now, by="0" * 200))
    except EventError:
        return False
    return True
