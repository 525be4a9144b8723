"""The papers as web pages: an order's tickets and a firm's cards. What is on them is `ticket_page` and `card_page`."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from broker.clock import clock
from broker.words import Word
from gateway.orders.card_page import render_cards
from gateway.orders.ticket_page import PRINT_SCRIPT, render
from gateway.rules.order import OrderState
from gateway.settings import Gateway

_HASH = base64.b64encode(hashlib.sha256(PRINT_SCRIPT.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
"""The papers stand alone, so that a saved page prints the same: style and the one script are in the page."""
NO_SUCH_ORDER = Word("その受注はありません。共通番号でさがしてください", "There is no such order. Look for its number")
NO_SUCH_FIRM = Word(
    "その会社は登録されていません。設定の [[firms]] を見てください",
    "This firm is not known. See [[firms]] in the settings",
)

Station = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


def router(
    gateway: Gateway, *, order: Callable[[str], OrderState | None], stations: Callable[[str], Iterable[str]]
) -> APIRouter:
    """Return the pages; `order` finds an order by key, `stations` lists the station ids a firm has used."""
    pages = APIRouter()
    zone = ZoneInfo(gateway.time_zone)

    def today() -> datetime:
        return clock().read().at.astimezone(zone)

    @pages.get("/orders/{key}/tickets")
    async def tickets(key: str, customer: Annotated[bool, Query()] = False) -> HTMLResponse:  # noqa: FBT002 - from the address
        """Every ticket of one order, to print."""
        found = order(key)
        if found is None:
            raise HTTPException(404, NO_SUCH_ORDER)
        return HTMLResponse(render(found, gateway, on=today().date(), customer=customer), headers=_HEADERS)

    @pages.get("/cards")
    async def cards(
        firm: Annotated[str, Query(max_length=32)],
        station: Annotated[list[Station], Query()] = [],  # noqa: B006 - FastAPI copies it
    ) -> HTMLResponse:
        """The cards, and labels of the firm's stations and of those the address names besides."""
        if firm not in {known.id for known in gateway.firms}:
            raise HTTPException(404, NO_SUCH_FIRM)
        named = sorted({*stations(firm), *station})
        return HTMLResponse(render_cards(gateway.firm_name(firm), named), headers=_HEADERS)

    return pages
