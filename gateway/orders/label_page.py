"""現品票: one label a box, 62 x 100 mm, as a label printer takes it: black on white, modules of whole dots. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from broker.codes import TicketCode, address, printed
from broker.events import Paper
from broker.words import Word
from gateway.orders.papers import Issue, environment, mark
from gateway.orders.symbols import Symbol, code128_on_dots, qr_on_dots
from gateway.orders.ticket_page import live_tickets
from gateway.rules.order import OrderState, State, Ticket
from gateway.settings import Gateway

BOXES_AT_MOST = 99
_QR_MM = 22.0
_BARS_MM = 57.0


@dataclass(frozen=True, slots=True)
class BoxLabel:
    """One label. `pieces` None: nobody said how many go into a box; they are written by hand."""

    ticket: Ticket
    mark: Word | None
    code: str
    symbol: Symbol
    bars: Symbol | None
    box: int
    boxes: int
    pieces: int | None


def render_labels(
    order: OrderState,
    gateway: Gateway,
    issue: Issue,
    *,
    ticket: str | None = None,
    boxes: int | None = None,
    each: int | None = None,
) -> str:
    """Return the labels of every lot, or of one: `boxes` of them, with `each` pieces in a box."""
    lots = live_tickets(order)
    return (
        environment()
        .get_template("label.html")
        .render(
            order=order,
            now=issue.printing is not None,
            issue=issue,
            coordinator=next((firm for firm in gateway.firms if firm.id == order.coordinator), None),
            firms=list(dict.fromkeys(map(gateway.firm_name, _on_the_way(order)))),
            branches=max((one.branch for one in lots), default=1),
            labels=[
                label
                for one in lots
                if ticket in (None, one.id)
                for label in _labels(order, one, gateway, issue, boxes=boxes, each=each)
            ],
        )
    )


def filled(quantity: int | None, boxes: int | None, each: int | None) -> list[int | None]:
    """Return what goes into each box: `each`, and into the last one the rest.

    >>> filled(50, None, 20), filled(50, 3, None), filled(50, 2, 20)
    ([20, 20, 10], [None, None, None], [20, 20])
    """
    if boxes is None:
        boxes = min(math.ceil(quantity / each), BOXES_AT_MOST) if quantity and each else 1
    if each is None:
        return [None] * boxes
    rest = (quantity or 0) - (boxes - 1) * each
    return [*[each] * (boxes - 1), rest if 0 < rest < each else each]


def _labels(
    order: OrderState, ticket: Ticket, gateway: Gateway, issue: Issue, *, boxes: int | None, each: int | None
) -> Iterator[BoxLabel]:
    code = TicketCode(ticket.id)
    text = printed(code)
    symbol = qr_on_dots(address(code, gateway.public_url), most_mm=_QR_MM)
    bars, copy = code128_on_dots(text, most_mm=_BARS_MM), mark(order, ticket, Paper.LABEL, issue.printing)
    inside = filled(ticket.quantity, boxes, each)
    for number, pieces in enumerate(inside, start=1):
        yield BoxLabel(ticket, copy, text, symbol, bars, number, len(inside), pieces)


def _on_the_way(order: OrderState) -> Iterator[str]:
    return (operation.firm for operation in order.operations if operation.state is not State.CANCELLED)
