"""The one place that knows all parts of the web: pages, JSON, the stream, the watching thread, the guard."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from broker.clock import clock
from broker.words import Word
from gateway.orders.pages import router as paper
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.state import State
from gateway.web import data, importing, lead_pages, live, machine_pages, office, pages, papers, words
from gateway.web.guard import Guard
from gateway.web.leads import Leads
from gateway.web.look import HERE
from gateway.web.memory import Memory
from gateway.web.pictures import Follower
from gateway.web.reader import Language, Names, Reader
from gateway.web.uploads import Uploads
from gateway.web.watch import Watch

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def create_app(settings: Gateway) -> FastAPI:
    """Return the web application; its thread starts and ends with the server."""
    read_clock, zone, names = clock(), ZoneInfo(settings.time_zone), Names.of(settings)
    memory = Memory()
    state = State.open(settings.state_url)
    readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="import")

    @asynccontextmanager
    async def following(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        watch = Watch(settings, read_clock, memory, loop)
        follower = Follower(settings.mqtt, memory.pictures, memory.pictured, loop)
        watch.start()
        follower.start()
        try:
            yield
        finally:
            await asyncio.to_thread(follower.stop)
            await asyncio.to_thread(watch.stop)
            await asyncio.to_thread(readers.shutdown)
            state.close()

    def reader(language: Language) -> Reader:
        return Reader(language, zone, read_clock.read().at, names)

    app = FastAPI(title="Mawashi", docs_url=None, redoc_url=None, openapi_url=None, lifespan=following)
    app.state.settings, app.state.memory, app.state.zone = settings, memory, zone
    app.state.reader, app.state.rows, app.state.found, app.state.order = reader, {}, state.find, state.order
    app.state.leads = Leads(state)
    app.state.store, app.state.uploads, app.state.reading = state, Uploads(), threading.Lock()
    app.state.readers = readers
    for part in (pages, papers, data, live, lead_pages, machine_pages, office, importing):
        app.include_router(part.router)
    app.include_router(paper(settings, order=_order_of(state), stations=_stations_of(memory)))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_middleware(Guard, hosts=_LOOPBACK)
    return app


def _order_of(state: State) -> Callable[[str], OrderState | None]:
    return lambda key: kept.state if (kept := state.order(key)) else None


def _stations_of(memory: Memory) -> Callable[[str], Iterable[str]]:
    return lambda firm: {row.station for row in memory.stations if row.firm == firm}


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    said: object = error.detail
    word = said if isinstance(said, Word) else words.NO_SUCH_PAGE
    return _sentence(request, word, error.status_code)


async def _not_understood(request: Request, _: Exception) -> Response:
    return _sentence(request, words.NO_SUCH_PAGE, 422)


def _sentence(request: Request, word: Word, status: int) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"ja": word.ja, "en": word.en}, status_code=status)
    return pages.message_page(request, word, status)
