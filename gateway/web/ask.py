"""What somebody typed or scanned into the one search box, made into what to look for. Pure."""

import re
import unicodedata
from dataclasses import dataclass

from broker.codes import CodeError, TicketCode, parse

LIMIT = 64
"""Characters in one question; an address on a ticket's QR fits."""

_OPERATION = re.compile(r"(?P<order>.+)-(?P<no>\d{1,4})")
_LEADING = re.compile(r"^(?:no\.?|#|№)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is what to look for, `operation` the step that was asked for, if any."""

    text: str
    operation: int | None = None


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
