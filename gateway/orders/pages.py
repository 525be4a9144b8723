"""The papers as web pages: tickets, labels, blanks, cards. What is on them stands in the modules named `*_page`.

To look at a paper records nothing, and the paper then says 見本. To have it printed is a POST, and the gateway records
it before the paper is shown.
"""

import asyncio
import base64
import hashlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from broker.clock import clock
from broker.events import Paper
from broker.words import Word
from gateway.api import GatewayAway
from gateway.orders.blank_page import render_blanks
from gateway.orders.card_page import render_badges, render_cards, render_digits, render_stations
from gateway.orders.forms import named, who
from gateway.orders.label_page import BOXES_AT_MOST, render_labels
from gateway.orders.papers import PRINT_SCRIPT, Issue, PrintKey, environment
from gateway.orders.printing import BLANKS_AT_ONCE, blanks, record
from gateway.orders.stickers import Stickers
from gateway.orders.ticket_page import live_tickets, render
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.sorting import as_people_count
from gateway.web.form import read_form, remember_who

_SHOWN_WITHIN_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_REMEMBERED = 1000
"""Printings that a page may wait for: it asks right after."""
_HASH = base64.b64encode(hashlib.sha256(PRINT_SCRIPT.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
"""The papers stand alone, so that a saved page prints the same: style and the one script are in the page."""
NO_SUCH_ORDER = Word(
    "その受注はありません。共通番号でさがしてください。", "There is no such order. Look for its number."
)
NO_TICKET = Word(
    "その票はこの受注にありません。受注のページを開き直してください。",
    "This order has no such ticket. Open its page again.",
)
NO_SUCH_FIRM = Word(
    "その会社は登録されていません。会社を選んでください：{names}。新しい会社は、共有サーバーを世話する人に加えてもらってください。",
    "This firm is not known. Choose one: {names}. A new firm is added by whoever looks after the shared server.",
)
WHICH_FIRM = Word("どの会社の紙ですか。", "For which firm?")
NO_STATIONS = Word(
    "設備がまだありません。記号と名前を書くか、設定の stations に並べてください。",
    "No stations yet. Type their ids and names, or list them as stations in the settings.",
)
NO_BADGES = Word("名札に入れる記号と名前を書いてください。", "Type the ids and names for the badges.")
NOT_RECORDED = Word(
    "記録できないので、まだ刷れません。共有サーバーを確かめてください（mawashi check）。",
    "It cannot be recorded, so nothing is printed yet. See whether the gateway runs: mawashi check",
)
NOT_SHOWN = Word(
    "記録しましたが、まだ表示できません。少し待って読み直してください。",
    "It is recorded, but cannot be shown yet. Wait a moment and reload.",
)
WRONG = Word("「{name}」に入れたものを確かめてください。", "See what you gave as {name!r}.")
FIELDS = {
    "paper": Word("紙", "paper"),
    "boxes": Word("箱数", "boxes"),
    "each": Word("入数", "pieces a box"),
    "sheets": Word("枚数", "sheets"),
    "skip": Word("使用済み", "used already"),
    "columns": Word("横の面数", "across"),
    "rows": Word("縦の面数", "down"),
    "width": Word("幅", "width"),
    "height": Word("高さ", "height"),
    "left": Word("左余白", "left margin"),
    "top": Word("上余白", "top margin"),
    "gap_x": Word("横の間隔", "gap across"),
    "gap_y": Word("縦の間隔", "gap down"),
}
"""What a person may fill in, as the forms call it."""

Ticket = Annotated[str | None, Query(max_length=6)]
Boxes = Annotated[int | None, Query(ge=1, le=BOXES_AT_MOST)]
Each = Annotated[int | None, Query(ge=1, le=10_000_000)]
Key = Annotated[str, Query(pattern=r"^([0-9a-f]{16}-[0-9]{1,12})?$")]
Text = Annotated[str, Query(max_length=4000)]


def router(
    gateway: Gateway, *, order: Callable[[str], OrderState | None], stations: Callable[[str], Iterable[str]]
) -> APIRouter:
    """Return the pages; `order` finds an order by key, `stations` lists the station ids a firm has used."""
    pages = APIRouter()
    zone = ZoneInfo(gateway.time_zone)
    just_printed: deque[PrintKey] = deque(maxlen=_REMEMBERED)

    def today() -> date:
        return clock().read().at.astimezone(zone).date()

    async def known(key: str) -> OrderState:
        found = await asyncio.to_thread(order, key)
        if found is None:
            raise HTTPException(404, NO_SUCH_ORDER)
        return found

    @pages.get("/orders/{key}/tickets")
    async def show(  # noqa: PLR0917 - from the address
        key: str,
        paper: Paper = Paper.A4,
        ticket: Ticket = None,
        customer: Annotated[bool, Query()] = False,  # noqa: FBT002 - from the address
        boxes: Boxes = None,
        each: Each = None,
        printing: Key = "",
    ) -> HTMLResponse:
        """The tickets or box labels of one order, to print if `printing` names what recorded it."""
        found = await known(key)
        if ticket and ticket not in _lots(found):
            raise HTTPException(404, NO_TICKET)
        issue = Issue(today(), _key(printing))
        if issue.printing:
            found = await _with(issue.printing, key)
        if paper is Paper.LABEL:
            return _page(render_labels(found, gateway, issue, ticket=ticket, boxes=boxes, each=each))
        return _page(render(found, gateway, issue, paper=paper, ticket=ticket, customer=customer))

    async def _with(printing: PrintKey, key: str) -> OrderState:
        """Return the order once it knows of this printing; only what was just recorded here is waited for."""
        deadline = time.monotonic() + _SHOWN_WITHIN_SECONDS
        while True:
            found = await known(key)
            if any(one.key == printing for ticket in found.tickets for one in ticket.prints):
                return found
            if printing not in just_printed or time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        raise HTTPException(503, NOT_SHOWN)

    @pages.post("/orders/{key}/tickets")
    async def print_tickets(key: str, request: Request) -> Response:
        """Record that tickets or labels are printed, then show them."""
        form = await read_form(request)
        found, by = await known(key), who(form.get("by", ""))
        lots = [ticket for ticket in _lots(found) if form.get("ticket", "") in ("", ticket)]
        if not lots:
            raise HTTPException(404, NO_TICKET)
        paper = _one_of(form.get("paper", Paper.A4))
        asked = {"paper": paper.value} | {
            name: form[name] for name in ("ticket", "customer", "boxes", "each") if form.get(name)
        }
        for name, most in (("boxes", BOXES_AT_MOST), ("each", 10_000_000)):
            _number(form, name, most)
        try:
            done = await asyncio.to_thread(record, gateway.socket, lots, paper, by=by)
        except GatewayAway:
            raise HTTPException(503, NOT_RECORDED) from None
        just_printed.append(done)
        address = f"/orders/{key}/tickets?{urlencode({**asked, 'printing': f'{done[1]}-{done[2]}'})}"
        return _remembering(RedirectResponse(address, status_code=303), by)

    @pages.post("/papers/blanks")
    async def print_blanks(request: Request) -> Response:
        """Mint ids, record them, and show the sheets: this once, since asking again mints others."""
        form = await read_form(request)
        by = who(form.get("by", ""))
        stickers = _stickers(gateway.stickers, form)
        skip = _number(form, "skip", stickers.a_sheet - 1, least=0) or 0
        sheets = _number(form, "sheets", max(1, BLANKS_AT_ONCE // stickers.a_sheet)) or 1
        try:
            tickets, key = await asyncio.to_thread(blanks, gateway.socket, sheets * stickers.a_sheet - skip, by=by)
        except GatewayAway:
            raise HTTPException(503, NOT_RECORDED) from None
        page = _page(render_blanks(tickets, gateway, stickers, Issue(today(), key), skip=skip))
        return _remembering(page, by)

    def chosen(firm: str) -> str:
        """Return the firm asked for, or the only one there is; else people are asked, where the choice is."""
        if not firm and len(gateway.firms) == 1:
            return gateway.firms[0].id
        if firm not in {listed.id for listed in gateway.firms}:
            names = Word(
                "、".join(listed.name for listed in gateway.firms),
                ", ".join(listed.name_en or listed.name for listed in gateway.firms),
            )
            raise HTTPException(404, NO_SUCH_FIRM.filled(names=names))
        return firm

    def asked(request: Request, firm: str) -> HTMLResponse | None:
        """Return the choice of firms, if nobody said which and there are several."""
        if firm or len(gateway.firms) < 2:
            return None
        given = [(name, text) for name, text in request.query_params.multi_items() if name != "firm"]
        choice = [(f"{request.url.path}?{urlencode([('firm', one.id), *given])}", one) for one in gateway.firms]
        return _page(environment().get_template("which_firm.html").render(ask=WHICH_FIRM, choice=choice))

    @pages.get("/papers/cards")
    async def cards(request: Request, firm: str = "") -> HTMLResponse:
        """The cards that say what is done."""
        return asked(request, firm) or _page(render_cards(gateway.firm_name(chosen(firm))))

    @pages.get("/papers/digits")
    async def digits(request: Request, firm: str = "") -> HTMLResponse:
        """The board of digits."""
        return asked(request, firm) or _page(render_digits(gateway.firm_name(chosen(firm))))

    @pages.get("/papers/stations")
    async def station_labels(request: Request, firm: str = "", text: Text = "") -> HTMLResponse:
        """Labels of the stations of the settings, of those that were scanned, and of those typed in."""
        if choice := asked(request, firm):
            return choice
        firm = chosen(firm)
        listed = next(one.stations for one in gateway.firms if one.id == firm)
        every: Mapping[str, str] = {**dict.fromkeys(stations(firm), ""), **listed, **named(text)}
        if not every:
            raise HTTPException(422, NO_STATIONS)
        return _page(
            render_stations(gateway.firm_name(firm), {one: every[one] for one in sorted(every, key=as_people_count)})
        )

    @pages.get("/papers/badges")
    async def badges(request: Request, firm: str = "", text: Text = "") -> HTMLResponse:
        """Badges of the people typed in; nobody keeps the list."""
        if choice := asked(request, firm):
            return choice
        name, people = gateway.firm_name(chosen(firm)), named(text)
        if not people:
            raise HTTPException(422, NO_BADGES)
        return _page(render_badges(name, people))

    return pages


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers=_HEADERS)


def _remembering(answer: Response, by: str) -> Response:
    if by:
        remember_who(answer, by)
    return answer


def _lots(order: OrderState) -> list[str]:
    return [ticket.id for ticket in live_tickets(order)]


def _key(text: str) -> PrintKey | None:
    epoch, _, number = text.partition("-")
    return ("gateway", epoch, int(number)) if number else None


def _one_of(text: str) -> Paper:
    try:
        return Paper(text)
    except ValueError:
        _wrong("paper")


def _number(form: Mapping[str, str], name: str, most: int, *, least: int = 1) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        _wrong(name)
    return int(text)


def _stickers(usual: Stickers, form: Mapping[str, str]) -> Stickers:
    """Return the sheet as the form has it; what it leaves blank is as usual here."""
    given: dict[str, Any] = usual.model_dump()
    given |= {name: form[name].strip() for name in Stickers.model_fields if form.get(name, "").strip()}
    try:
        return Stickers.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        if said := first.get("ctx", {}).get("error"):
            ja, _, en = str(said).partition(" / ")
            raise HTTPException(422, Word(f"{ja}。", f"{en[:1].upper()}{en[1:]}.")) from None
        _wrong(str(first["loc"][0]))


def _wrong(name: str) -> NoReturn:
    raise HTTPException(422, WRONG.filled(name=FIELDS[name]))
