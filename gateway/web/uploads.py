"""Files that the office is looking at before it imports them: in memory, few, and not for long."""

import secrets
import threading
import time
from dataclasses import dataclass, field

from broker.events import Order
from gateway.orders.layout import Answers

KEPT = 8
KEPT_SECONDS = 2 * 3600.0


@dataclass(slots=True)
class Upload:
    """One file and what was said of it so far. `orders` once it is imported: it is never imported twice."""

    name: str
    data: bytes
    at: float
    answers: Answers = field(default_factory=Answers)
    again: bool = False
    by: str = ""
    orders: tuple[Order, ...] = ()
    remembered: str | None = None
    trouble: str | None = None
    otherwise: bool = False
    """What was to be imported is no longer what its page showed."""
    busy: threading.Lock = field(default_factory=threading.Lock)


class Uploads:
    """The files by a random word in their pages' address. Touched by the event loop alone."""

    def __init__(self) -> None:
        self._kept: dict[str, Upload] = {}

    def put(self, name: str, data: bytes, answers: Answers) -> str:
        """Keep a file and return its word; the oldest goes if there are too many."""
        now = time.monotonic()
        fresh = {word: one for word, one in self._kept.items() if now - one.at < KEPT_SECONDS}
        while len(fresh) >= KEPT:
            del fresh[next(iter(fresh))]
        word = secrets.token_urlsafe(16)
        self._kept = {**fresh, word: Upload(name, data, now, answers)}
        return word

    def get(self, word: str) -> Upload | None:
        """Return a file, or None if it is not at hand any more."""
        found = self._kept.get(word)
        return found if found and time.monotonic() - found.at < KEPT_SECONDS else None
