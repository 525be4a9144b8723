"""工程移動票: an order's tickets as one HTML document, on A4 portrait folded into an A5 hard case, or on A5. Pure.

A4 folds at 148.5 mm: header and four steps stand above it, six steps and the remarks below. A5, landscape, is that
upper half. QR codes stand on alternating sides, so that a scanner aimed at one step does not read its neighbour, and no
rule comes near them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from broker.codes import TicketCode, address, printed
from broker.events import Paper
from broker.words import KINDS, Word
from gateway.orders.papers import Issue, environment, mark
from gateway.orders.symbols import code128, qr
from gateway.rules.order import Operation, OrderState, State, Ticket
from gateway.settings import Gateway

ROWS_ABOVE_THE_FOLD = 4
ROWS_A_PAGE = {Paper.A4: 10, Paper.A5: ROWS_ABOVE_THE_FOLD}
SERIES = {"prototype": Word("試作", "Prototype"), "series": Word("量産", "Series")}

Sheet = Literal[Paper.A4, Paper.A5]


@dataclass(frozen=True, slots=True)
class Row:
    """One step as printed; a spare row to write in has no operation. `side` is where its QR stands."""

    side: str
    operation: Operation | None
    firm: str = ""
    kind: Word | None = None
    code: str = ""
    symbol: Markup | None = None

    @property
    def cancelled(self) -> bool:
        return self.operation is not None and self.operation.state is State.CANCELLED


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet of one ticket."""

    ticket: Ticket
    whole: str
    barcode: Markup
    mark: Word | None
    number: int
    pages: int
    above: tuple[Row, ...]
    below: tuple[Row, ...]


def render(
    order: OrderState,
    gateway: Gateway,
    issue: Issue,
    *,
    paper: Sheet = Paper.A4,
    ticket: str | None = None,
    customer: bool = False,
) -> str:
    """Return the printable document: every ticket that is not replaced, each on as many sheets as its steps need.

    `ticket` prints that lot alone. `customer` prints the customer and its order number, which other firms then read.
    """
    live = live_tickets(order)
    return (
        environment()
        .get_template("ticket.html")
        .render(
            paper=paper.value,
            order=order,
            coordinator=next((firm for firm in gateway.firms if firm.id == order.coordinator), None),
            series=SERIES.get(order.series or ""),
            customer=customer,
            issue=issue,
            now=issue.printing is not None,
            branches=max((one.branch for one in live), default=1),
            pages=[
                page
                for one in live
                if ticket in (None, one.id)
                for page in _pages(order, one, gateway, paper=paper, issue=issue)
            ],
        )
    )


def sheets(order: OrderState, paper: Sheet) -> int:
    """Return on how many sheets an order's tickets are printed."""
    return len(live_tickets(order)) * max(1, math.ceil(len(order.operations) / ROWS_A_PAGE[paper]))


def live_tickets(order: OrderState) -> list[Ticket]:
    """Return the tickets that no newer issue has replaced."""
    return [ticket for ticket in order.tickets if not ticket.old]


def _pages(order: OrderState, ticket: Ticket, gateway: Gateway, *, paper: Sheet, issue: Issue) -> Iterator[Page]:
    most = ROWS_A_PAGE[paper]
    sheets = [order.operations[first : first + most] for first in range(0, len(order.operations), most)] or [()]
    whole = printed(TicketCode(ticket.id))
    for number, operations in enumerate(sheets, start=1):
        filled = [*operations, *[None] * (most - len(operations))]
        rows = tuple(
            _row("right" if place % 2 else "left", operation, ticket, gateway) for place, operation in enumerate(filled)
        )
        yield Page(
            ticket,
            whole,
            code128(whole),
            mark(order, ticket, paper, issue.printing),
            number,
            len(sheets),
            rows[:ROWS_ABOVE_THE_FOLD],
            rows[ROWS_ABOVE_THE_FOLD:],
        )


def _row(side: str, operation: Operation | None, ticket: Ticket, gateway: Gateway) -> Row:
    if operation is None:
        return Row(side, None)
    firm, kind = gateway.firm_name(operation.firm), KINDS[operation.kind.value]
    if operation.state is State.CANCELLED:
        return Row(side, operation, firm, kind)
    code = TicketCode(ticket.id, operation.no)
    return Row(side, operation, firm, kind, printed(code), qr(address(code, gateway.public_url)))
