"""What is read from the state: orders as kept, stations, verdicts, points and views for sinks."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from broker.codes import CodeError, TicketCode, parse
from broker.events import MachineState
from gateway.rules.order import OrderState

STATE: TypeAdapter[OrderState] = TypeAdapter(OrderState)
"""Reads and writes an order's state as JSON."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One order as kept. `position`: the highest ledger position folded in; `parked`: the traceback if rules failed."""

    key: str
    state: OrderState
    revision: int
    position: int
    parked: str | None


@dataclass(frozen=True, slots=True)
class StationRow:
    """A machine or bench that was ever named; its last state, when that was reported (`machine_at`) and began."""

    firm: str
    edge: str
    station: str
    machine: MachineState
    machine_at: datetime | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the ledger that no order is folded from, and why, in one sentence."""

    position: int
    author: str
    epoch: str
    seq: int
    reason: str
    sentence: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point that a sink's server refused for good."""

    sink: str
    firm: str
    line: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """One fact as kept for sinks: `tags` and `fields` are JSON; it belongs in the database of `firm`."""

    firm: str
    measurement: str
    tags: str
    at_ns: int
    fields: str
    void: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What one firm may see of one order, as it travels; `payload` None: nothing any more."""

    order: str
    firm: str
    payload: str | None
    revision: int


def normal(text: str) -> str:
    """Return a name as it is looked up: full-width made narrow, capitals, one space between words.

    >>> normal(" ４４７１ －a ")
    '4471 -A'
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().upper()


def spellings(text: str) -> Iterator[str]:
    """Yield what a person may have meant, the likeliest first: the whole text, a printed code's ticket, then the part
    before an operation.

    >>> list(spellings("4471-20"))
    ['4471-20', '4471']
    """
    yield normal(text)
    try:
        code = parse(text)
    except CodeError:
        code = None
    if isinstance(code, TicketCode):
        yield code.ticket
    if match := re.fullmatch(r"(.+)[-.]\d{1,4}(?:-[0-9A-Z])?", normal(text)):
        yield match[1]


def names(order: OrderState) -> frozenset[str]:
    """Return everything an order is looked up by."""
    texts = [
        order.key,
        order.number,
        order.own_number,
        order.customer_number,
        order.drawing,
        order.part,
        *(ticket.id for ticket in order.tickets),
    ]
    return frozenset(normal(text) for text in texts if text)
