"""What the rules are told besides the scan: who scans where, the firm's shifts, and the firm's orders."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

from broker.events import Ref
from broker.messages import OrderView


@dataclass(frozen=True)
class Desk:
    """One scanner and its place. The first of `stations` is its default; empty (play): any station may be scanned.

    `shifts` are local times in `zone`; one that ends at or before its start ends on the next day. Breaks are not
    shift ends. Empty: no shift ever ends.
    """

    firm: str
    edge: str
    scanner: str
    stations: tuple[str, ...]
    shifts: tuple[tuple[time, time], ...]
    zone: ZoneInfo

    @property
    def default(self) -> str:
        """Return the station of a start for which no machine was scanned."""
        return self.stations[0] if self.stations else self.scanner

    def has(self, station: str) -> bool:
        """Say whether this scanner serves the station."""
        return not self.stations or station in self.stations


class Orders(Protocol):
    """The firm's views of its orders, as kept on the edge's disk."""

    def by_ticket(self, ticket: str) -> OrderView | None:
        """Return the order to which a ticket belongs; None if the firm has no view of it here."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a station's machine says of a start: the pieces it counted for it, and when it stopped. None: nothing."""

    pieces: int | None = None
    stopped: datetime | None = None


class Machines(Protocol):
    """The machines beside this edge."""

    def heard(self, station: str, opening: Ref) -> Heard:
        """Return what the station's machine says of the start that a finish is about to close."""


class NoMachines:
    """An edge that hears no machine."""

    def heard(self, _station: str, _opening: Ref) -> Heard:
        """Return nothing."""
        return Heard()


class NoOrders:
    """An edge that has never had a view."""

    def by_ticket(self, _ticket: str) -> OrderView | None:
        """Return None: nothing is known."""
        return None
