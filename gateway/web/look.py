"""One person's look at one page: their language, how they look at it (desk or wall), and how it is rendered."""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from broker.codes import TICKET_LENGTH
from broker.words import Word
from gateway.ledger import Ledger, StoreError
from gateway.settings import Gateway
from gateway.state import Kept
from gateway.web import words
from gateway.web.absent import sentence
from gateway.web.lane import lane
from gateway.web.memory import Memory
from gateway.web.reader import Language, Reader, choose

HERE = Path(__file__).parent
COOKIE = "mawashi_lang"
_YEAR_SECONDS = 365 * 24 * 3600

ROWS_KEPT = 1000
"""Rendered rows at most, the oldest go first."""
RowCache = dict[tuple[Language, str], tuple[object, str]]
"""Rows as rendered for each language, with what they were rendered from."""


@cache
def environment() -> Environment:
    """Return the templates: everything in them is escaped, a misspelt name is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"w": words, "asset": asset}
    return made


@cache
def asset(name: str) -> str:
    """Return the address of a file of ours; it changes with the file, so that no browser keeps an old one."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"


@dataclass(frozen=True)
class Look:
    """What a page handler needs of its request."""

    request: Request
    reader: Reader
    memory: Memory
    settings: Gateway
    wall: bool

    def listed(self) -> frozenset[str]:
        """Return the firms of the settings."""
        return frozenset(firm.id for firm in self.settings.firms)

    def firms(self) -> tuple[str, ...]:
        """Return the firms of the settings, then those that only orders name."""
        return tuple(dict.fromkeys((*(firm.id for firm in self.settings.firms), *self.memory.firms)))

    def row(self, kept: Kept) -> str:
        """Return an order's row of the board, rendered once for each change, day and language."""
        rows: RowCache = self.request.app.state.rows
        made_from = (kept.revision, kept.parked is not None, self.reader.today)
        found = rows.get((self.reader.language, kept.key))
        if found and found[0] == made_from:
            return found[1]
        drawn = lane(kept.state, self.reader, parked=kept.parked is not None)
        html = environment().get_template("_row.html").render(lane=drawn, r=self.reader)
        rows.pop((self.reader.language, kept.key), None)
        rows[self.reader.language, kept.key] = (made_from, html)
        while len(rows) > ROWS_KEPT:
            del rows[next(iter(rows))]
        return html

    def link(self, path: str, **changes: str | None) -> str:
        """Return an address that keeps how this person looks; `changes` overrides or, by None, removes."""
        kept: dict[str, str | None] = {"wall": "1" if self.wall else None, **changes}
        query = urlencode({name: value for name, value in kept.items() if value is not None})
        return f"{path}?{query}" if query else path

    def here(self, **changes: str) -> str:
        """Return this very address with other words in its query; an empty word removes one."""
        query = {**self.request.query_params, **changes}
        text = urlencode({name: value for name, value in query.items() if value and name != "part"})
        return f"{self.request.url.path}?{text}" if text else self.request.url.path

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Return a rendered page; it remembers the language if the address named one."""
        html = environment().get_template(template).render(look=self, r=self.reader, memory=self.memory, **values)
        response = HTMLResponse(html, status_code=status)
        if "lang" in self.request.query_params and not template.startswith("_"):
            response.set_cookie(
                COOKIE, self.reader.language, max_age=_YEAR_SECONDS, httponly=True, samesite="lax", path="/"
            )
        return response

    async def find(self, text: str) -> list[str]:
        """Return the keys of the orders that may be meant."""
        return await asyncio.to_thread(self.request.app.state.found, text)

    async def unused_blank(self, text: str) -> bool:
        """Say whether a ticket was given out that no order has: a blank that is still on its sheet, or in a drawer."""

        def minted() -> bool:
            with contextlib.suppress(StoreError), Ledger.open(self.settings.ledger_url) as ledger:
                return ledger.minted(text.upper())
            return False

        return await asyncio.to_thread(minted) if len(text) == TICKET_LENGTH else False

    async def kept(self, key: str) -> Kept | None:
        """Return one order however long ago it was done."""
        return self.memory.orders.get(key) or await asyncio.to_thread(self.request.app.state.order, key)

    def as_of(self) -> str:
        """Return the time of day the page is as of; a dash before anything was read."""
        pulse = self.memory.pulse
        if pulse is None:
            return "–"
        local = pulse.as_of.astimezone(self.reader.zone)
        return f"{local.hour}:{local.minute:02d}"

    def absent(self) -> str:
        """Return what is missing from which terminal, in one sentence; nothing if nothing is."""
        return sentence(self.memory.pulse.absent, self.reader) if self.memory.pulse else ""

    def firm_word(self, firm: str) -> Word:
        """Return a firm's name in both languages."""
        return self.reader.names.word(firm)


def look(request: Request) -> Look:
    """Read from a request who looks and how."""
    query = request.query_params
    language = choose(query.get("lang"), request.cookies.get(COOKIE), request.headers.get("accept-language"))
    app = request.app.state
    return Look(request, app.reader(language), app.memory, app.settings, query.get("wall") == "1")
