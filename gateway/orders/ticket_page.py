"""工程移動票: an order's tickets as one HTML document for A4 portrait, folded into an A5 hard case. Pure.

The fold is at 148.5 mm: header and four steps stand above it, six steps and the remarks below. QR codes stand on
alternating sides, so that a scanner aimed at one step does not read its neighbour, and no rule comes near them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from broker.codes import TicketCode, address, printed
from broker.words import KINDS, Word
from gateway.orders.symbols import code128, qr
from gateway.rules.order import Operation, OrderState, State, Ticket
from gateway.settings import Gateway

ROWS_A_PAGE = 10
ROWS_ABOVE_THE_FOLD = 4
PRINT_SCRIPT = "document.querySelector('button').onclick = () => print();"
"""The only script on the papers; web pages allow it by its hash."""
SERIES = {"prototype": Word("試作", "Prototype"), "series": Word("量産", "Series")}
_WEEKDAYS = "月火水木金土日"


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
    number: int
    pages: int
    above: tuple[Row, ...]
    below: tuple[Row, ...]


@cache
def environment() -> Environment:
    """Return the templates of the papers; everything in them is escaped."""
    templates = FileSystemLoader(Path(__file__).parent / "templates")
    papers = Environment(loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    papers.filters |= {"day": day, "size": size}
    papers.globals["print_script"] = Markup(PRINT_SCRIPT)  # noqa: S704 - ours
    return papers


def render(order: OrderState, gateway: Gateway, *, on: date, customer: bool = False) -> str:
    """Return the printable document: every ticket that is not replaced, each on as many sheets as its steps need.

    `on` is the day of issue. `customer` prints the customer and its order number, which other firms would then read.
    """
    tickets = [ticket for ticket in order.tickets if not ticket.old]
    return (
        environment()
        .get_template("ticket.html")
        .render(
            order=order,
            coordinator=next((firm for firm in gateway.firms if firm.id == order.coordinator), None),
            series=SERIES.get(order.series or ""),
            customer=customer,
            on=on,
            branches=max((ticket.branch for ticket in tickets), default=1),
            pages=[page for ticket in tickets for page in _pages(order, ticket, gateway)],
        )
    )


def day(date_: date | None) -> str:
    """Return a date as people write it on paper, with the day of the week.

    >>> day(date(2026, 12, 4))
    '12/4 金'
    """
    return f"{date_.month}/{date_.day} {_WEEKDAYS[date_.weekday()]}" if date_ else ""


def size(text: str | None, *steps: int) -> str:
    """Return a CSS class by how wide a text is: `s0` up to the first step of half-width characters, then `s1`...

    >>> size("円筒研削", 10, 20), size("円筒研削 φ24h6", 10, 20)
    ('s0', 's1')
    """
    width = sum(1 if ord(character) < 0x2000 else 2 for character in text or "")
    return f"s{sum(width > step for step in steps)}"


def _pages(order: OrderState, ticket: Ticket, gateway: Gateway) -> Iterator[Page]:
    sheets = [
        order.operations[first : first + ROWS_A_PAGE] for first in range(0, len(order.operations), ROWS_A_PAGE)
    ] or [()]
    whole = printed(TicketCode(ticket.id))
    for number, operations in enumerate(sheets, start=1):
        filled = [*operations, *[None] * (ROWS_A_PAGE - len(operations))]
        rows = tuple(
            _row("right" if place % 2 else "left", operation, ticket, gateway) for place, operation in enumerate(filled)
        )
        yield Page(
            ticket,
            whole,
            code128(whole),
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
