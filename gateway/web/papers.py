"""The pages from which papers are printed: which paper for what, and the papers of one order."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from broker.words import Word
from gateway.orders.forms import who
from gateway.orders.pages import NO_SUCH_ORDER
from gateway.orders.papers import earlier, warning
from gateway.orders.ticket_page import live_tickets
from gateway.rules.order import OrderState
from gateway.web import paper_words, words
from gateway.web.ask import LIMIT, questions
from gateway.web.form import who_wrote_last
from gateway.web.lane import Show, rank
from gateway.web.look import Look, look
from gateway.web.reader import Reader

router = APIRouter()

_NEXT = 12
"""Orders offered on the page of papers."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One printing of one lot, as told to a person."""

    lot: str
    kind: Word
    said: str
    at: str
    by: str


@router.get("/papers")
async def papers(request: Request, q: str = "") -> Response:
    """Which paper for what; `q` asks for an order, whose papers have a page of their own."""
    seen = look(request)
    message = ""
    if asked := q.strip()[:LIMIT]:
        found = await _found(seen, asked)
        if len(found) == 1:
            return RedirectResponse(seen.link(f"/papers/order/{found[0]}"), status_code=303)
        message = seen.reader.say(words.MANY_FOUND if found else words.NOT_FOUND, q=asked, n=len(found))
    keys = seen.memory.keys(Show.OPEN, seen.reader.today)
    due = sorted((seen.memory.orders[key].state for key in keys), key=rank)[:_NEXT]
    return seen.page(
        "papers.html",
        pw=paper_words,
        asked=asked,
        message=message,
        due=due,
        by=who(who_wrote_last(request)),
        stickers=seen.settings.stickers,
    )


@router.get("/papers/order/{key}")
async def order_papers(request: Request, key: str) -> Response:
    """The papers of one order: what to print, and what was printed, by whom and when."""
    seen = look(request)
    kept = await seen.kept(key)
    if kept is None:
        raise HTTPException(404, NO_SUCH_ORDER)
    order = kept.state
    return seen.page(
        "papers_order.html",
        pw=paper_words,
        order=order,
        lots=live_tickets(order),
        copies=copies(order, seen.reader),
        warned=warning(order),
        by=who(who_wrote_last(request)),
    )


def copies(order: OrderState, reader: Reader) -> list[Copy]:
    """Return what was printed of an order, the latest first."""
    made = [(one, ticket) for ticket in order.tickets for one in ticket.prints]
    made.sort(key=lambda pair: (pair[0].at, pair[0].key, -pair[1].branch), reverse=True)
    told: list[Copy] = []
    for one, ticket in made:
        before = earlier(ticket.prints, one.paper, one.key)
        said = reader.say(paper_words.REPRINT, n=before) if before else reader.say(paper_words.FIRST)
        lot = reader.say(paper_words.LOT, branch=ticket.branch, id=ticket.id)
        told.append(Copy(lot, paper_words.KINDS[one.paper.value], said, reader.clock(one.at), one.by or ""))
    return told


async def _found(seen: Look, asked: str) -> Sequence[str]:
    for meant in questions(asked)[:1]:
        if meant.text and (keys := await seen.find(meant.text)):
            return keys
    return ()
