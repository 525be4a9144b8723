"""Who is measured: anything that takes numbered events, may be killed, and can say what came through to the end."""

import json
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from contextlib import AbstractContextManager

PROBE = 0
"""The number of an event that only asks whether anything passes."""
PAD = "x" * 160
"""A real event is about 200 bytes long."""


class Contestant(Protocol):
    """One way of an event, and the part of it that is broken on purpose."""

    def start(self) -> None: ...

    def send(self, number: int) -> bool:
        """Give an event; whether it was taken. What was not taken is nobody's loss."""

    def kill(self) -> None:
        """kill -9 of the part that is measured."""

    def restart(self) -> None: ...

    def stored(self) -> "Counter[int]":
        """What is at the end of the way, and how often."""

    def close(self) -> None: ...


class Consumer(Contestant, Protocol):
    """One whose receiving side is measured; it takes every event."""

    def sink_away(self) -> "AbstractContextManager[None]":
        """Its database takes nothing meanwhile."""


def event(number: int) -> bytes:
    """Return an event as a sending side is given it."""
    return json.dumps({"n": number, "pad": PAD}, separators=(",", ":")).encode()


def number_of(body: bytes | bytearray) -> int:
    """Return what `event` was given."""
    return int(json.loads(body)["n"])
