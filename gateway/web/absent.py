"""What is missing from which terminal, as the line under every page's head says it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from broker.topics import GATEWAY
from gateway.ledger import Standing
from gateway.web import words
from gateway.web.reader import Reader


@dataclass(frozen=True, slots=True)
class Absent:
    """How many events of one terminal are not here and will not come by themselves."""

    firm: str
    edge: str
    count: int


def absent(authors: Iterable[Standing], silent: Collection[str]) -> tuple[Absent, ...]:
    """Return what is missing, most first: what is gone for good, and all that a silent terminal still has.

    What a person has closed is neither. What a terminal that answers has announced is on its way: not sent yet.
    """
    found = []
    for one in authors:
        count = one.lost + (one.missing if one.author in silent else 0)
        if count and one.author != GATEWAY:
            firm, _, edge = one.author.partition("/")
            found.append(Absent(firm, edge, count))
    return tuple(sorted(found, key=lambda one: (-one.count, one.firm, one.edge)))


def sentence(some: Collection[Absent], reader: Reader) -> str:
    """Return one sentence that names the terminal with most, and how many others; nothing if nothing is missing."""
    for first in some:
        named = reader.say(words.ABSENT, firm=reader.firm(first.firm), edge=first.edge, n=first.count)
        return named + (reader.say(words.ABSENT_MORE, n=len(some) - 1) if len(some) > 1 else "")
    return ""
