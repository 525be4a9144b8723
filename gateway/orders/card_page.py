"""Cards, digits, station labels and badges, ten to an A4 sheet of business-card size, to cut or break out. Pure.

91 x 55 mm, 11 mm from the top and 14 mm from the left: the usual perforated sheet, which also fits common laminating
pouches. Colour helps; form and words say it too, so that a black-and-white printer will do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from broker.codes import BadgeCode, Card, CardCode, Code, StationCode, printed
from broker.words import CARDS, REASONS, Word
from gateway.orders.papers import environment
from gateway.orders.symbols import Symbol, code128_on_dots, qr

_TO_A_SHEET = 10
_BARS_MM, _KEY_BARS_MM = 70.0, 56.0
_DETAILS: dict[Card, tuple[str, ...]] = {
    Card.PAUSE: ("MATERIAL", "DRAWING", "CUSTOMER", "TOOL", "MACHINE", "QUALITY", "MEETING", "OTHER"),
    Card.SCRAP: ("DIMENSION", "SCRATCH", "APPEARANCE", "OTHER"),
}
"""Reasons that have a card of their own, beside the card without one."""

_THEN_TICKET = Word("読んだら すぐ票を", "then the ticket")
_AFTER_FINISH = Word("完了のすぐあとに", "right after a finish")
_HINTS: dict[Card, Word] = {
    Card.SCRAP: Word("次に票、続けて数を", "then the ticket, then the count"),
    Card.REWORK: Word("次に票、続けて数を", "then the ticket, then the count"),
    Card.HOLD: Word("次に票、続けて数を", "then the ticket, then the count"),
    Card.SPLIT: Word("次に元の票、次に白票", "then the ticket, then a blank one"),
    Card.SHIP: Word("続けて渡す票を全部", "then every ticket that leaves"),
    Card.RECEIVE: Word("続けて受け取る票を全部", "then every ticket that came"),
    Card.ALL_GOOD: _AFTER_FINISH,
    Card.PARTWAY: _AFTER_FINISH,
    Card.CALL: Word("これだけで人を呼ぶ", "calls somebody, no ticket needed"),
    Card.UNDO: Word("直前の読み取りを消す", "takes back the last scan"),
    Card.ENTER: Word("数字のあとに", "after the digits"),
}
"""What a card is read with, where it is not just the ticket."""

_GREEN, _BLUE, _NAVY, _ORANGE, _RED, _VIOLET, _BROWN, _GREY = (
    *("#00694e", "#0b5fa5", "#12305e", "#a84a00", "#b01818", "#6a2f91", "#6b4423", "#3c4249"),
)
_COLOURS: dict[Card, str] = {
    Card.START: _GREEN,
    Card.RESUME: _GREEN,
    Card.SETUP: _BLUE,
    Card.FINISH: _NAVY,
    Card.ALL_GOOD: _NAVY,
    Card.PARTWAY: _NAVY,
    Card.PAUSE: _ORANGE,
    Card.NONWORK: _ORANGE,
    Card.SCRAP: _RED,
    Card.REWORK: _RED,
    Card.HOLD: _VIOLET,
    Card.CALL: _VIOLET,
    Card.SPLIT: _BROWN,
    Card.SHIP: _BROWN,
    Card.RECEIVE: _BROWN,
}

_KEYPAD: tuple[Card | str, ...] = (*"789456123", "0", Card.ENTER, Card.UNDO)
"""As on a calculator."""


@dataclass(frozen=True, slots=True)
class Label:
    """One card, station label or badge as printed. `picture` names a symbol of `_pictograms.html`."""

    word: Word
    detail: Word | None
    hint: Word
    code: str
    symbol: Markup
    bars: Symbol | None
    colour: str
    picture: str


def render_cards(firm: str) -> str:
    """Return the cards that say what is done; `firm` is how the firm is called."""
    return _render(firm, Word("作業カード", "Cards"), list(_cards()))


def render_digits(firm: str) -> str:
    """Return the digits and 確定 on one board, as on a calculator, for a bench without a ten-key pad."""
    keys = [_key(key) for key in _KEYPAD]
    title = Word("数字板", "Digit board")
    return environment().get_template("digits.html").render(firm=firm, title=title, keys=keys, now=False)


def render_stations(firm: str, stations: Mapping[str, str]) -> str:
    """Return the labels of stations: their ids, and how people call them (perhaps nothing)."""
    hint = Word("読んだら すぐ票を", "then the ticket")
    labels = [
        _label(StationCode(station), Word(name or station.upper(), station.upper() if name else "Station"), hint=hint)
        for station, name in stations.items()
    ]
    return _render(firm, Word("設備札", "Station labels"), labels)


def render_badges(firm: str, badges: Mapping[str, str]) -> str:
    """Return badges, for those who want one: their ids and the names on them."""
    hint = Word("票の前に。なくてもよい", "before the ticket; optional")
    labels = [
        _label(BadgeCode(badge), Word(name or badge.upper(), firm), hint=hint, picture="badge")
        for badge, name in badges.items()
    ]
    return _render(firm, Word("名札", "Badges"), labels)


def _render(firm: str, title: Word, labels: Sequence[Label]) -> str:
    sheets = [labels[first : first + _TO_A_SHEET] for first in range(0, len(labels), _TO_A_SHEET)]
    return environment().get_template("cards.html").render(firm=firm, title=title, sheets=sheets, now=False)


def _cards() -> Iterator[Label]:
    for card in CARDS:
        if card not in (Card.DIGIT, Card.ENTER):
            for reason in (None, *_DETAILS.get(card, ())):
                yield _card(card, reason)


def _card(card: Card, reason: str | None, *, bars_mm: float = _BARS_MM) -> Label:
    return _label(
        CardCode(card, reason),
        CARDS[card],
        detail=REASONS[reason] if reason else None,
        hint=_HINTS.get(card, _THEN_TICKET),
        colour=_COLOURS.get(card, _GREY),
        picture=card.name.lower(),
        bars_mm=bars_mm,
    )


def _key(key: Card | str) -> Label:
    if isinstance(key, Card):
        return _card(key, None, bars_mm=_KEY_BARS_MM)
    return _label(CardCode(Card.DIGIT, key), Word(key, ""), bars_mm=_KEY_BARS_MM)


def _label(
    code: Code,
    word: Word,
    *,
    detail: Word | None = None,
    hint: Word = Word("", ""),  # noqa: B008 - a value
    colour: str = _GREY,
    picture: str = "station",
    bars_mm: float = _BARS_MM,
) -> Label:
    text = printed(code)
    return Label(word, detail, hint, text, qr(text), code128_on_dots(text, most_mm=bars_mm), colour, picture)
