"""A sheet of the cards and of a firm's station labels, to print, cut and laminate. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from broker.codes import Card, CardCode, Code, StationCode, printed
from broker.words import REASONS, Word
from gateway.orders.symbols import qr
from gateway.orders.ticket_page import environment

CARDS: dict[Card, Word] = {
    Card.START: Word("着手", "Start"),
    Card.FINISH: Word("完了", "Finish"),
    Card.SETUP: Word("段取り", "Set-up"),
    Card.RESUME: Word("再開", "Resume"),
    Card.PAUSE: Word("中断", "Pause"),
    Card.PARTWAY: Word("途中まで", "Part way"),
    Card.ALL_GOOD: Word("全部良品", "All good"),
    Card.SCRAP: Word("不良", "Scrap"),
    Card.REWORK: Word("手直し", "Rework"),
    Card.HOLD: Word("保留", "Hold"),
    Card.SPLIT: Word("分割", "Split"),
    Card.SHIP: Word("出荷（渡した）", "Shipped"),
    Card.RECEIVE: Word("受入（受け取った）", "Received"),
    Card.CALL: Word("呼出", "Call"),
    Card.NONWORK: Word("作業以外", "Not working"),
    Card.UNDO: Word("元に戻す", "Undo"),
    Card.DIGIT: Word("数字", "Digit"),
    Card.ENTER: Word("確定", "Enter"),
}

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
