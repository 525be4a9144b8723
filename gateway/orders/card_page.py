"""A sheet of the cards and of a firm's station labels, to print, cut and laminate. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from broker.codes import Card, CardCode, Code, StationCode, printed
from broker.words import CARDS, REASONS, Word
from gateway.orders.symbols import qr
from gateway.orders.ticket_page import environment

_DETAILS: dict[Card, tuple[str, ...]] = {
    Card.PAUSE: ("MATERIAL", "DRAWING", "CUSTOMER", "TOOL", "MACHINE", "QUALITY", "MEETING", "OTHER"),
    Card.SCRAP: ("DIMENSION", "SCRATCH", "APPEARANCE", "OTHER"),
}
"""Reasons that have a card of their own, beside the card without one."""


@dataclass(frozen=True, slots=True)
class Label:
    """One card or station label as printed."""

    word: Word
    detail: Word | None
    code: str
    symbol: Markup


def render_cards(firm: str, stations: Iterable[str]) -> str:
    """Return the printable sheet; `firm` is how the firm is called, `stations` are its station ids."""
    machines = [_label(StationCode(station), Word(station.upper(), "Station"), None) for station in stations]
    return environment().get_template("cards.html").render(firm=firm, cards=list(_cards()), stations=machines)


def _cards() -> Iterator[Label]:
    for card, word in CARDS.items():
        if card is Card.DIGIT:
            for digit in "0123456789":
                yield _label(CardCode(card, digit), Word(digit, ""), None)
            continue
        yield _label(CardCode(card), word, None)
        for reason in _DETAILS.get(card, ()):
            yield _label(CardCode(card, reason), word, REASONS[reason])


def _label(code: Code, word: Word, detail: Word | None) -> Label:
    text = printed(code)
    return Label(word, detail, text, qr(text))
