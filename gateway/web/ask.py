"""What somebody typed or scanned into the one search box, made into what to look for. Pure."""

import re
import unicodedata
from dataclasses import dataclass

from broker.codes import TICKET_LENGTH, CodeError, TicketCode, parse

LIMIT = 64
"""Characters in one question; an address on a ticket's QR fits."""

_OPERATION = re.compile(r"(?P<order>.+)-(?P<no>\d{1,4})")
_LEADING = re.compile(r"^(?:no\.?|#|№)\s*", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Za-z]+(?:[-._/][0-9A-Za-z]+)*")


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is what to look for, `operation` the step that was asked for, if any."""

    text: str
    operation: int | None = None


def questions(asked: str) -> list[Question]:
    """Return what may have been meant, the likeliest first: the whole text, then each number, then each code within it.

    >>> [one.text for one in questions("where is 1001?")]
    ['where is 1001?', '1001']
    >>> [one.text for one in questions("A-2611-032はどこ")]
    ['A-2611-032はどこ', 'A-2611-032']
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", asked))
    numbers = [word for word in words if any(letter.isdigit() for letter in word)]
    tickets = [word for word in words if len(word) == TICKET_LENGTH and word.isupper() and word not in numbers]
    whole = question(asked)
    return [whole, *(one for one in map(question, numbers + tickets) if one.text not in ("", whole.text))]


def question(asked: str) -> Question:
    """Read what was asked: full-width digits, `No.4471`, a scanned code, or `4471-20`.

    >>> question("Ｎｏ．４４７１")
    Question(text='4471', operation=None)
    >>> question("HTTPS://MAWASHI.EXAMPLE/T/7K3Q9F.20-R")
    Question(text='7K3Q9F', operation=20)
    """
    text = _LEADING.sub("", unicodedata.normalize("NFKC", asked).strip())
    try:
        code = parse(text)
    except CodeError:
        code = None
    if isinstance(code, TicketCode):
        return Question(code.ticket, code.operation)
    match = _OPERATION.fullmatch(text)
    return Question(text, int(match["no"]) if match else None)
