"""`mawashi order ticket`: an order's tickets or box labels into a file, as a page to print or a PDF."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from broker.clock import clock
from broker.events import Paper
from broker.words import Word
from gateway.api import GatewayAway
from gateway.orders.label_page import filled, render_labels
from gateway.orders.papers import Issue, PrintKey, warning
from gateway.orders.printing import record
from gateway.orders.ticket_page import live_tickets, render, sheets
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.state import State

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_KINDS = {
    Paper.A4: Word("工程移動票 A4", "A4 travellers"),
    Paper.A5: Word("工程移動票 A5", "A5 travellers"),
    Paper.LABEL: Word("現品票 62 × 100 mm", "box labels, 62 × 100 mm"),
}
_UNRECORDED = Word("見本です。発行は記録していません", "A preview: no printing was recorded")
_PDF_SECONDS = 60
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `by` None: only a preview, nothing is recorded."""

    asked: str
    out: Path
    paper: str = "a4"
    customer: bool = False
    boxes: int | None = None
    each: int | None = None
    by: str | None = None
    json: bool = False


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Nothing was printed; the message says why and what to do."""


def print_tickets(settings: Gateway, wanted: Wanted) -> int:
    """Write the papers of the order that was named (number, 製番, ticket...). Returns the exit status."""
    try:
        paper, browser = _paper(wanted.paper), _browser(wanted.out)
        with State.open(settings.state_url) as state:
            order = _order(state, wanted.asked)
            printing: PrintKey | None = None
            if wanted.by is not None:
                lots = [ticket.id for ticket in live_tickets(order)]
                printing = record(settings.socket, lots, paper, by=wanted.by)
                order = _with(state, order.key, printing)
        _write(_rendered(order, settings, wanted, paper, printing), wanted.out, browser)
    except (Refused, GatewayAway) as refusal:
        if wanted.json:
            print(json.dumps({"refused": str(refusal)}, ensure_ascii=False))
        else:
            print(refusal, file=sys.stderr)
        return 1
    _say(order, wanted, paper)
    return 0


def _say(order: OrderState, wanted: Wanted, paper: Paper) -> None:
    """Say what was printed, and on what; what is to be minded goes to the error output."""
    lots, warned = live_tickets(order), warning(order)
    pages = (
        sum(len(filled(lot.quantity, wanted.boxes, wanted.each)) for lot in lots)
        if paper is Paper.LABEL
        else sheets(order, paper)
    )
    if wanted.json:
        said = {
            "order": order.key,
            "number": order.number,
            "tickets": [lot.id for lot in lots],
            "paper": paper.value,
            "pages": pages,
            "file": str(wanted.out),
            "recorded": wanted.by is not None,
            "warning": warned._asdict() if warned else None,
        }
        print(json.dumps(said, ensure_ascii=False))
        return
    ids, kind, title = ", ".join(lot.id for lot in lots), _KINDS[paper], order.number or order.key
    name = f" {order.part}" if order.part else ""
    print(f"受注 {title}{name}：{kind.ja}、票 {ids}、{pages}ページ → {wanted.out}")
    print(f"Order {title}: {kind.en}, tickets {ids}, pages {pages}, in {wanted.out}")
    if wanted.by is None:
        print(f"{_UNRECORDED.ja} / {_UNRECORDED.en}")
    if warned:
        print(f"{warned.ja} / {warned.en}", file=sys.stderr)


def _paper(text: str) -> Paper:
    try:
        return Paper(text)
    except ValueError:
        raise Refused(f"紙は a4、a5、label のどれかです / There is no paper {text!r}: a4, a5 or label") from None


def _browser(out: Path) -> str | None:
    """Return the program that makes a PDF, if one is asked for."""
    if out.suffix.lower() != ".pdf":
        return None
    if found := next(filter(None, map(shutil.which, _BROWSERS)), None):
        return found
    raise Refused(
        "PDF には Chromium が要ります。入れるか、--out に .html を書いてブラウザーで刷ってください / "
        "A PDF needs Chromium: install it, or give --out a name in .html and print that from a browser"
    )


def _order(state: State, asked: str) -> OrderState:
    found = [kept.state for key in state.find(asked) if (kept := state.order(key))]
    if not found:
        raise Refused(
            f"「{asked}」という受注はありません / There is no order {asked!r}. Try its number, 製番 or ticket"
        )
    if len(found) > 1:
        names = ", ".join(one.number or one.key for one in found)
        raise Refused(
            f"「{asked}」に当たる受注が{len(found)}件あります（{names}）。共通番号で指定してください / "
            f"{len(found)} orders are called {asked!r}. Give one of these numbers"
        )
    if not live_tickets(found[0]):
        raise Refused(f"「{asked}」には刷る票がありません / The order {asked!r} has no ticket to print")
    return found[0]


def _with(state: State, key: str, printing: PrintKey) -> OrderState:
    """Return the order once it knows of this printing."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        kept = state.order(key)
        if kept and any(one.key == printing for ticket in kept.state.tickets for one in ticket.prints):
            return kept.state
        time.sleep(_LOOK_SECONDS)
    raise Refused(
        "発行は記録しましたが、受注に出てきません。mawashi check で確かめて、もう一度 / "
        "The printing is recorded, but the order does not show it. See mawashi check, then print again"
    )


def _rendered(order: OrderState, settings: Gateway, wanted: Wanted, paper: Paper, printing: PrintKey | None) -> str:
    issue = Issue(clock().read().at.astimezone(ZoneInfo(settings.time_zone)).date(), printing)
    if paper is Paper.LABEL:
        return render_labels(order, settings, issue, boxes=wanted.boxes, each=wanted.each)
    return render(order, settings, issue, paper=paper, customer=wanted.customer)


def _write(html: str, out: Path, browser: str | None) -> None:
    try:
        if browser is None:
            out.write_text(html, encoding="utf-8")
            return
        with tempfile.TemporaryDirectory(prefix="mawashi-") as folder:
            page = Path(folder) / "page.html"
            page.write_text(html, encoding="utf-8")
            subprocess.run(
                [
                    browser,
                    "--headless",
                    "--disable-gpu",
                    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # root has no other way
                    "--no-pdf-header-footer",
                    f"--user-data-dir={folder}/browser",
                    f"--print-to-pdf={out.absolute()}",
                    page.as_uri(),
                ],
                check=True,
                capture_output=True,
                timeout=_PDF_SECONDS,
            )
    except OSError as error:
        raise Refused(f"{out} に書けません / cannot be written: {error.strerror or error}") from None
    except subprocess.SubprocessError:
        raise Refused(
            f"{browser} が PDF を作れませんでした。--out に .html を書いてください / "
            f"{browser} could not make the PDF: give --out a name in .html"
        ) from None
