"""What the model's two ends share: its clock, which classes are at work, and how one thing stands in for another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import edge.salvage
from broker.clock import Reading
from broker.events import ClockQuality
from broker.topics import client_id
from edge.outbox import Outbox
from edge.uplink import Uplink
from gateway.appender import Appender
from gateway.ledger.transaction import Transaction
from tests.model.broker import WireLink

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIRM = "turning"
MONTH = timedelta(days=40)

SERVER = client_id("gateway", "appender")
STRANGER = client_id("gateway", "stranger")

Key = tuple[str, str, int]
"""Author, epoch, number."""
Holding = frozenset[tuple[Key, bytes]]


class Time:
    """The model's one clock; it stands where `time` does in `edge.uplink`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def read(self) -> Reading:
        at = START + timedelta(seconds=self.seconds)
        return Reading(at, int(self.seconds * 1000), "b00", ClockQuality.SYNCED)


@contextmanager
def standing_in(module: Any, name: str, other: object) -> Iterator[None]:
    """Let `other` stand where `module.name` does."""
    before = getattr(module, name)
    setattr(module, name, other)
    try:
        yield
    finally:
        setattr(module, name, before)


@dataclass(frozen=True)
class Kinds:
    """Which classes and functions are at work: the product's, or ones with a bug planted."""

    outbox: type[Outbox] = Outbox
    uplink: type[Uplink] = Uplink
    appender: type[Appender] = Appender
    link: type[WireLink] = WireLink
    transaction: type[Transaction] = Transaction
    rescue: Callable[[Path], object] = edge.salvage.rescue


class Killed(BaseException):
    """A process ended here."""
