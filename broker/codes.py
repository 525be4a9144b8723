"""What is printed on paper and read by scanners: ticket, operation, card, badge and station codes.

Only the alphabet `0-9 A-Z . -` is used, because a keyboard-mode scanner with the wrong country setting garbles the
rest. What a code *does* is not decided here (see `edge.rules`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters without I, L, O, U, which people misread (Douglas Crockford, Base 32)."""

_MOD_37_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TICKET_LENGTH = 6
_TICKET = re.compile(rf"[{CROCKFORD}]{{{TICKET_LENGTH}}}")
_NAME = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
_CARD = re.compile(r"([A-Z0-9]{1,16})(?:\.([A-Z0-9]{1,16}))?")


class Card(StrEnum):
    """The cards beside a bench. A card means what it says however often it is scanned."""

    START = "START"
    FINISH = "FINISH"
    SETUP = "SETUP"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    SCRAP = "SCRAP"
    REWORK = "REWORK"
    HOLD = "HOLD"
    SPLIT = "SPLIT"
    SHIP = "SHIP"
    RECEIVE = "RECEIVE"
    UNDO = "UNDO"
    NONWORK = "NONWORK"
    ALL_GOOD = "ALLGOOD"
    PARTWAY = "PARTWAY"
    CALL = "CALL"
    DIGIT = "D"
    ENTER = "ENTER"


@dataclass(frozen=True, slots=True)
class TicketCode:
    """A code on a 工程移動票. `operation` is None on the whole-sheet code ("this firm's next open operation")."""

    ticket: str
    operation: int | None = None


@dataclass(frozen=True, slots=True)
class CardCode:
    """A card; `detail` is its reason (`PAUSE.MATERIAL`) or the digit of a digit card (`D.7`)."""

    card: Card
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StationCode:
    """The label on a machine or bench; `station` is the id in lower case, as in topics."""

    station: str


@dataclass(frozen=True, slots=True)
class BadgeCode:
    """A person's optional badge."""

    badge: str


Code = TicketCode | CardCode | StationCode | BadgeCode


class CodeError(ValueError):
    """What was scanned is none of our codes, or its check character is wrong. `reason` names which."""

    def __init__(self, reason: "Misread") -> None:
        super().__init__(reason.value)
        self.reason = reason


class Misread(StrEnum):
    """Why a scanned text is no code of ours."""

    NOT_OURS = "not_ours"
    CHECK = "check_character"
    UNKNOWN_CARD = "unknown_card"


def check_character(text: str) -> str:
    """Return the ISO 7064 MOD 37,36 check character of `text` (letters A-Z and digits only).

    Source: ISO/IEC 7064:2003, 7 (hybrid systems).

    >>> check_character("A12425GABC1234002")
    'M'
    """
    product = 36
    for character in text:
        total = (product + _MOD_37_36.index(character)) % 36 or 36
        product = total * 2 % 37
    return _MOD_37_36[(37 - product) % 36]


def _checked(code: Code) -> str:
    match code:
        case TicketCode(ticket, None):
            return ticket
        case TicketCode(ticket, operation):
            return f"{ticket}{operation:04d}"
        case _:
            return re.sub("[.-]", "", _body(code))


def _body(code: Code) -> str:
    match code:
        case TicketCode(ticket, None):
            return ticket
        case TicketCode(ticket, operation):
            return f"{ticket}.{operation}"
        case CardCode(card, None):
            return f"C.{card.value}"
        case CardCode(card, detail):
            return f"C.{card.value}.{detail}"
        case StationCode(station):
            return f"S.{station.upper()}"
        case BadgeCode(badge):
            return f"B.{badge.upper()}"


def printed(code: Code) -> str:
    """Return the text to print, check character included.

    >>> printed(TicketCode("7K3Q9F", 20))
    '7K3Q9F.20-R'
    """
    return f"{_body(code)}-{check_character(_checked(code))}"


def address(code: Code, public_url: str | None) -> str:
    """Return the QR's content: the bare code, or `HTTPS://<PUBLIC>/T/<CODE>` once the gateway has a public address."""
    text = printed(code)
    if not public_url:
        return text
    host = re.sub(r"^https?://", "", public_url, flags=re.IGNORECASE).rstrip("/")
    return f"HTTPS://{host.upper()}/T/{text}"


def parse(text: str) -> Code:
    """Read a code from scanned text, upper or lower case, bare or as the end of an address.

    Raises CodeError for text that is not ours (NOT_OURS), damaged (CHECK) or from a newer set of cards (UNKNOWN_CARD).

    >>> parse("https+//mawashi'example'jp/t/7k3q9f.20-r")
    TicketCode(ticket='7K3Q9F', operation=20)
    """
    body, dash, check = text.strip().upper().rpartition("/")[2].rpartition("-")
    if not dash or len(check) != 1:
        raise CodeError(Misread.NOT_OURS)
    code = _parse_body(body)
    if check_character(_checked(code) if code else re.sub("[.-]", "", body)) != check:
        raise CodeError(Misread.CHECK)
    if code is None:
        raise CodeError(Misread.UNKNOWN_CARD)
    return code


def _parse_body(body: str) -> Code | None:
    """Return the code without its check character; None for a card of a set we do not know."""
    kind, dot, rest = body.partition(".")
    if kind in {"C", "S", "B"} and dot:
        if kind == "C" and (card := _CARD.fullmatch(rest)):
            known = card[1] in Card._value2member_map_
            return CardCode(Card(card[1]), card[2]) if known else None
        if kind != "C" and _NAME.fullmatch(rest):
            return StationCode(rest.lower()) if kind == "S" else BadgeCode(rest.lower())
    elif _TICKET.fullmatch(kind):
        if not dot:
            return TicketCode(kind)
        if rest.isascii() and rest.isdigit() and 1 <= int(rest[:5]) <= 9999 and str(int(rest)) == rest:
            return TicketCode(kind, int(rest))
    raise CodeError(Misread.NOT_OURS)
