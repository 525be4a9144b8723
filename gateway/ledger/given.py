"""What the ledger gives back to the gateway's own people; crosses the API as JSON."""

from typing import Annotated, Literal

from pydantic import Field

from broker.events import Model
from broker.messages import Range


class Appended(Model):
    """Where events of the gateway's own went: keys (`gateway`, epoch, first) and the `count` - 1 following."""

    epoch: str
    first: int
    count: int
    last_position: int


class Unless(Model):
    """Write only if no event of the gateway's own above `since` states one of these: keys, tickets, order numbers."""

    named: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1)]
    since: Annotated[int, Field(ge=0)]


class WrittenMeanwhile(Exception):  # noqa: N818 - what is the case
    """An event that `Unless` speaks of is there."""


class Minted(Model):
    """Fresh 共通番号 and ticket ids, recorded as given out."""

    numbers: tuple[str, ...]
    tickets: tuple[str, ...]


class NumbersClosed(Model):
    """The numbers that are closed now and were not before; none of an author or epoch that is not `known`."""

    known: bool
    ranges: tuple[Range, ...]


class ReadAgain(Model):
    """What reading again something set aside came to; `detail` says why it is still not understood.

    Of its events so many were `fresh`, `repeated`, or under numbers that the ledger has with other contents.
    """

    outcome: Literal["taken in", "not understood", "nothing there"]
    detail: str = ""
    fresh: int = 0
    repeated: int = 0
    used_twice: int = 0
