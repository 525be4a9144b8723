"""Blank tickets: A4 sheets of stickers with unused ids, for walk-ins (飛び込み) and splits. Pure.

The ids are minted for one printing and never shown again: two stickers of one id would be two jobs in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from broker.codes import TicketCode, address, printed
from gateway.orders.papers import Issue, environment
from gateway.orders.stickers import Stickers
from gateway.orders.symbols import Symbol, code128_on_dots, qr
from gateway.settings import Gateway


@dataclass(frozen=True, slots=True)
class Sticker:
    """One blank ticket and where it stands on its sheet, in mm."""

    ticket: str
    code: str
    symbol: Markup
    bars: Symbol | None
    x: float
    y: float


def render_blanks(tickets: Sequence[str], gateway: Gateway, stickers: Stickers, issue: Issue, *, skip: int = 0) -> str:
    """Return the sheets; the first `skip` places of the first one stay empty, as it was begun before."""
    places = [None] * skip + list(tickets)
    sheets = [
        [
            _sticker(ticket, gateway, stickers, place)
            for place, ticket in enumerate(places[first : first + stickers.a_sheet])
            if ticket
        ]
        for first in range(0, len(places), stickers.a_sheet)
    ]
    return (
        environment()
        .get_template("blanks.html")
        .render(sheets=sheets, stickers=stickers, issue=issue, now=issue.printing is not None)
    )


def _sticker(ticket: str, gateway: Gateway, stickers: Stickers, place: int) -> Sticker:
    row, column = divmod(place, stickers.columns)
    code = TicketCode(ticket)
    text = printed(code)
    return Sticker(
        ticket,
        text,
        qr(address(code, gateway.public_url)),
        code128_on_dots(text, most_mm=stickers.text_width),
        stickers.margin_left + column * stickers.pitch_x,
        stickers.margin_top + row * stickers.pitch_y,
    )
