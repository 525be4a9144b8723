"""GET /api/orders and /api/orders/{key}: what the pages show, as JSON (described in docs/web.md)."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel

from gateway.rules.order import OrderState
from gateway.state import Kept
from gateway.web import words
from gateway.web.lane import Show
from gateway.web.look import look
from gateway.web.reader import ReaderOf
from gateway.web.whereabouts import answer, whereabouts

if TYPE_CHECKING:
    from gateway.web.memory import Memory

router = APIRouter(prefix="/api")

AT_ONCE = 200
_PRIVATE: dict[str, Any] = {
    "customer": True,
    "amount": True,
    "history": True,
    "tickets": {"__all__": {"prints"}},
    "operations": {"__all__": {"sessions": {"__all__": {"badges"}}}},
}
"""Left out until accounts tell who asks: whose order it is, what it pays, and who worked on it,
changed it or printed it."""


class Where(BaseModel):
    """The answer to "where is it?": how it stands, the operations that have it, and the sentence in both languages."""

    stand: str
    operations: tuple[int, ...]
    ja: str
    en: str


class OrderAnswer(BaseModel):
    """One order: what the rules know of it, and where it is."""

    key: str
    revision: int
    position: int
    current: bool
    where: Where
    order: OrderState


class Orders(BaseModel):
    """Some orders by key; `next` is the key to ask after, None at the end."""

    revision: int
    orders: tuple[OrderAnswer, ...]
    next: str | None


@router.get("/orders", response_model_exclude={"orders": {"__all__": {"order": _PRIVATE}}})
async def orders(
    request: Request,
    show: Show | None = None,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=AT_ONCE)] = 100,
) -> Orders:
    """Return orders in order of key."""
    memory: Memory = request.app.state.memory
    reader = request.app.state.reader("ja")
    keys = memory.keys(show, reader.today) if show else memory.orders.keys()
    following = sorted(key for key in keys if key > after)
    some = following[:limit]
    return Orders(
        revision=memory.revision,
        orders=tuple(_answer(memory.orders[key], request.app.state.reader) for key in some),
        next=some[-1] if len(following) > limit else None,
    )


@router.get("/orders/{key}", response_model_exclude={"order": _PRIVATE})
async def order(request: Request, key: str) -> OrderAnswer:
    """Return one order."""
    kept = await look(request).kept(key)
    if kept is None:
        raise HTTPException(404, words.NO_SUCH_ORDER)
    return _answer(kept, request.app.state.reader)


def _answer(kept: Kept, reader: ReaderOf) -> OrderAnswer:
    where = whereabouts(kept.state)
    return OrderAnswer(
        key=kept.key,
        revision=kept.revision,
        position=kept.position,
        current=kept.parked is None,
        where=Where(
            stand=where.stand.value,
            operations=tuple(place.operation.no for place in where.places),
            ja=answer(kept.state, reader("ja")),
            en=answer(kept.state, reader("en")),
        ),
        order=kept.state,
    )
