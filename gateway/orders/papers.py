"""What all papers share: templates, dates and sizes as people read them, the marks on a copy. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from broker.events import Paper
from broker.words import STATES, Word
from gateway.rules.order import OrderState, Printing, State, Ticket

PRINT_SCRIPT = (
    "document.querySelector('button').onclick = () => print();"
    "if ('now' in document.body.dataset) addEventListener('load', () => print());"
)
"""The only script on the papers; web pages allow it by its hash."""
PREVIEW = Word("見本", "Preview, not recorded")
IS_CANCELLED = Word(
    "この受注は取り消されています。刷った票にも「取消」と入ります",
    "This order is cancelled. Its papers say so too",
)
IS_HELD = Word(
    "この受注は保留です。票を現場に出す前に確かめてください", "This order is on hold. Ask before its papers go out"
)
_WEEKDAYS = "月火水木金土日"
_SHEETS = frozenset({Paper.A4, Paper.A5})
"""Two sizes of one paper: a lot that went out on A4 is out, also when it is printed again on A5."""

PrintKey = tuple[str, str, int]
"""The ledger key of a printing."""


@dataclass(frozen=True, slots=True)
class Issue:
    """When a paper is printed, and for which recorded printing; without one it is a preview and says so."""

    on: date
    printing: PrintKey | None = None


@cache
def environment() -> Environment:
    """Return the templates of the papers; everything in them is escaped."""
    templates = FileSystemLoader(Path(__file__).parent / "templates")
    papers = Environment(
        loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    papers.filters |= {"day": day, "count": count, "size": size}
    papers.globals["print_script"] = Markup(PRINT_SCRIPT)  # noqa: S704 - ours
    return papers


def warning(order: OrderState) -> Word | None:
    """Return what to mind before an order's papers are printed; None if nothing is to be minded."""
    if order.state is State.CANCELLED:
        return IS_CANCELLED
    return IS_HELD if order.held else None


def mark(order: OrderState, ticket: Ticket, paper: Paper, printing: PrintKey | None) -> Word | None:
    """Return what a copy says of itself: nothing on the first, 再発行 1 on the second, 見本 if nobody recorded it.

    A copy of a cancelled order says 取消 before anything else.
    """
    before = earlier(ticket.prints, paper, printing)
    if before is None:
        return PREVIEW
    if order.state is State.CANCELLED:
        return STATES["cancelled"]
    return Word(f"再発行 {before}", f"Reprint {before}") if before else None


def earlier(prints: Iterable[Printing], paper: Paper, printing: PrintKey | None) -> int | None:
    """Return how often this paper of a ticket was printed before this printing; None if that is not known of it."""
    alike = [one.key for one in prints if (one.paper in _SHEETS) == (paper in _SHEETS)]
    return alike.index(printing) if printing in alike else None


def day(date_: date | None) -> str:
    """Return a date as people write it on paper, with the day of the week.

    >>> day(date(2026, 12, 4))
    '12/4 金'
    """
    return f"{date_.month}/{date_.day} {_WEEKDAYS[date_.weekday()]}" if date_ else ""


def count(pieces: int | None) -> str:
    """Return a number of pieces with its thousands set apart; nothing if nobody knows it.

    >>> count(48000), count(None)
    ('48,000', '')
    """
    return "" if pieces is None else f"{pieces:,}"


def size(text: str | None, *steps: int) -> str:
    """Return a CSS class by how wide a text is: `s0` up to the first step of half-width characters, then `s1`...

    >>> size("円筒研削", 10, 20), size("円筒研削 φ24h6", 10, 20)
    ('s0', 's1')
    """
    width = sum(1 if ord(character) < 0x2000 else 2 for character in text or "")
    return f"s{sum(width > step for step in steps)}"
