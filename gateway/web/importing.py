"""/orders/import: choose a file, see its rows and every problem beside its cell, answer, import. Needs no script."""

import asyncio
from collections.abc import Callable
from pathlib import PurePath
from typing import TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from broker.settings import SettingsError
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.orders.bring import bring, caught_up, keep_answers, known
from gateway.orders.columns import HEADINGS, Column
from gateway.orders.layout import Answers
from gateway.orders.order_file import parse
from gateway.orders.projected import wait_orders
from gateway.orders.proposals import Parsed, fingerprint
from gateway.orders.remembered import recall
from gateway.sheets import COLUMN_LIMIT, SIZE_LIMIT_BYTES
from gateway.web import import_words as say
from gateway.web.form import remember_who, who_wrote_last
from gateway.web.import_view import NOT_READ, ORDERS_SHOWN, UNSAID, names, view
from gateway.web.look import Look, look
from gateway.web.uploads import Upload, Uploads

router = APIRouter(prefix="/orders/import")

T = TypeVar("T")

_TEXT_CHARACTERS = 200
_SHOWN_SECONDS = 5.0
"""How long the answer waits until the new orders have their pages."""


@router.get("")
async def choose(request: Request) -> Response:
    """The page with the one question: which file?"""
    return _ask(look(request))


@router.post("")
async def take(request: Request) -> Response:
    """Take a file and go on to what is in it."""
    seen = look(request)
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return _ask(seen, seen.reader.say(say.NO_FILE), status=422)
        data = await file.read(SIZE_LIMIT_BYTES + 1)
        name = "".join(one for one in PurePath(file.filename.replace("\\", "/")).name if one.isprintable())[:80]
        word = _uploads(request).put(name or "?", data, Answers(customer=_text(form, "customer")))
    return RedirectResponse(seen.link(f"/orders/import/{word}"), status_code=303)


@router.get("/{word}")
async def show(request: Request, word: str) -> Response:
    """What is in the file, or what became of it."""
    seen, upload = look(request), _upload(request, word)
    if upload.orders:
        return seen.page("import_done.html", say=say, upload=upload)
    return await _preview(request, seen, upload)


@router.post("/{word}")
async def answer(request: Request, word: str) -> Response:
    """Take answers, and import the file if that was asked and nothing is wrong with it."""
    seen, upload = look(request), _upload(request, word)
    response = RedirectResponse(seen.link(f"/orders/import/{word}"), status_code=303)
    async with request.form(max_files=0, max_fields=COLUMN_LIMIT + 20) as form:
        if not upload.orders:
            _hear(form, upload)
        wanted = form.get("do") == "import"
        if who := _text(form, "by"):
            upload.by = who
            remember_who(response, who)
        shown = _text(form, "seen")
    await _apart(request, lambda: _import(request, upload, shown) if wanted else _remember(request, upload))
    return response


def _ask(seen: Look, message: str = "", *, status: int = 200) -> HTMLResponse:
    try:
        customers = [one.customer for one in recall(seen.settings.data_dir)]
    except SettingsError as error:
        customers, message, status = [], message or str(error), 422
    return seen.page("import.html", status=status, say=say, message=message, customers=customers)


def _hear(form: FormData, upload: Upload) -> None:
    """Take over what the form says of the columns, and of the file as a whole."""
    places: dict[int, Column | None] = {}
    for place in range(COLUMN_LIMIT):
        chosen = form.get(f"c{place}")
        if chosen == NOT_READ:
            places[place] = None
        elif isinstance(chosen, str) and chosen != UNSAID and chosen in set(Column):
            places[place] = Column(chosen)
    given = {column: text for column in (Column.COORDINATOR, Column.FIRM) if (text := _text(form, f"given_{column}"))}
    sheet = _text(form, "sheet") or None
    if sheet != (_text(form, "sheet_before") or None):
        places = {}  # they were said of another sheet
    upload.again = form.get("again") == "1"
    upload.answers = Answers(places=places, given=given, customer=_text(form, "customer"), sheet=sheet)


def _read(request: Request, upload: Upload) -> Parsed:
    """Read the file as of now. Raises SettingsError if what is remembered was spoilt."""
    with request.app.state.reading:  # one at a time: a large workbook takes seconds
        now = known(request.app.state.settings, request.app.state.store, again=upload.again)
        return parse(upload.data, now, upload.answers)


async def _preview(request: Request, seen: Look, upload: Upload) -> Response:
    try:
        parsed = await _apart(request, lambda: _read(request, upload))
    except SettingsError as error:
        return _ask(seen, str(error), status=422)
    trouble, upload.trouble = upload.trouble, None
    otherwise, upload.otherwise = upload.otherwise, False
    return seen.page(
        "import_preview.html",
        say=say,
        upload=upload,
        parsed=parsed,
        view=view(parsed),
        names=names(),
        headings=HEADINGS,
        trouble=trouble,
        otherwise=otherwise,
        seen=fingerprint(parsed.proposals),
        by=upload.by or who_wrote_last(request),
        orders_shown=ORDERS_SHOWN,
        unsaid=UNSAID,
        not_read=NOT_READ,
    )


async def _apart(request: Request, work: Callable[[], T]) -> T:
    """Do something with a file in the few threads that only files have, so that no other page waits for them."""
    return await asyncio.get_running_loop().run_in_executor(request.app.state.readers, work)


def _import(request: Request, upload: Upload, shown: str) -> None:
    """Record the orders, once, if nothing is wrong as of now and they are those whose fingerprint the page showed.

    Meanwhile another answer, another day or somebody else's order of the same part may have made others of them.
    """
    settings = request.app.state.settings
    with upload.busy:
        if upload.orders:
            return
        try:
            api = Api.connect(settings.socket)
            with Ledger.open(settings.ledger_url) as ledger:
                since = caught_up(request.app.state.store, ledger)
            parsed = _read(request, upload)
            if parsed.problems:
                return
            if shown != fingerprint(parsed.proposals):
                upload.otherwise = True
                return
            by = f"{upload.by} import {upload.name}".strip()
            upload.orders = tuple(bring(api, parsed.proposals, by=by, since=since))
        except (GatewayAway, SettingsError, StoreError) as error:
            upload.trouble = str(error)
            return
        _keep(request, upload, parsed)
        wait_orders(request.app.state.store, [order.order for order in upload.orders], seconds=_SHOWN_SECONDS)


def _remember(request: Request, upload: Upload) -> None:
    """Keep the answers under the customer's name, so that the mended file is read by them."""
    with upload.busy:
        try:
            _keep(request, upload, _read(request, upload))
        except SettingsError as error:
            upload.trouble = str(error)


def _keep(request: Request, upload: Upload, parsed: Parsed) -> None:
    if parsed.layout is None or any(one.line in parsed.layout.headings for one in parsed.problems):
        return
    try:
        if keep_answers(request.app.state.settings, parsed.layout, upload.answers):
            upload.remembered = upload.answers.customer
    except OSError as error:
        upload.trouble = f"{say.NOT_KEPT.ja} / {say.NOT_KEPT.en}".format(why=error.strerror or error)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:_TEXT_CHARACTERS] if isinstance(value, str) else ""


def _uploads(request: Request) -> Uploads:
    kept: Uploads = request.app.state.uploads
    return kept


def _upload(request: Request, word: str) -> Upload:
    if found := _uploads(request).get(word):
        return found
    raise HTTPException(404, say.GONE)
