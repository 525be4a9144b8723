"""GET /live: the stream that tells every open page what changed (the events' shapes stand in docs/web.md)."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import PlainTextResponse, Response

from gateway.state import Kept
from gateway.web.absent import sentence
from gateway.web.memory import Memory, Pulse
from gateway.web.reader import ReaderOf

router = APIRouter()

_FULL = "開いている画面が多すぎます。使わない画面を閉じてください。 / Too many open pages. Close what nobody reads.\n"


@router.get("/live")
async def live(request: Request, since: Annotated[int | None, Query(ge=0)] = None) -> Response:
    """Stream changes until the page closes; with `since`, first those that were made after that revision.

    A browser that lost the stream says by itself which event it saw last, and so misses nothing.
    """
    memory: Memory = request.app.state.memory
    if memory.full:
        return PlainTextResponse(_FULL, status_code=503)
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 20 else since
    return EventSourceResponse(_events(memory, request.app.state.reader, after), ping=15, send_timeout=30)


async def _events(memory: Memory, reader: ReaderOf, after: int | None) -> AsyncIterator[ServerSentEvent]:
    if memory.full:  # many asked in one moment; the page tries again
        return
    with memory.listening() as listener:
        yield _event("hello", revision=memory.revision, ready=memory.ready)
        missed = memory.since(after) if after is not None else []
        if missed is None:
            yield _event("everything", revision=memory.revision)
        for kept in missed or ():
            yield _order(kept)
        if memory.pulse:
            yield _pulse(memory.pulse, reader)
        while True:
            batch = await listener.next()
            if batch.everything:
                yield _event("everything", revision=memory.revision)
            for kept in batch.orders:
                yield _order(kept)
            if batch.machines:
                yield _event("machines", firms=sorted(batch.machines))
            if batch.pulse:
                yield _pulse(batch.pulse, reader)


def _pulse(pulse: Pulse, reader: ReaderOf) -> ServerSentEvent:
    ja, en = reader("ja"), reader("en")
    local = pulse.as_of.astimezone(ja.zone)
    return _event(
        "pulse",
        as_of=f"{local.hour}:{local.minute:02d}",
        age_seconds=round(pulse.age_seconds, 1),
        waiting=pulse.waiting,
        silent=pulse.silent,
        absent={"ja": sentence(pulse.absent, ja), "en": sentence(pulse.absent, en)},
    )


def _order(kept: Kept) -> ServerSentEvent:
    data = {"order": kept.key, "revision": kept.revision, "position": kept.position, "firms": kept.state.firms}
    return ServerSentEvent(json.dumps(data, separators=(",", ":")), event="order", id=str(kept.revision))


def _event(name: str, **data: object) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, separators=(",", ":")), event=name)
