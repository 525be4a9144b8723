"""What a station's figures are computed from: work as folded, the machine's words as kept in the state, and from the
ledger when its edge was there to tell. Nothing of its own is stored, so it is the same after a restart and a rebuild.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from json import loads

from broker.events import MachineState
from gateway import facts
from gateway.facts import stations
from gateway.ledger import Ledger
from gateway.resolve import Rejected, judge
from gateway.rules.order import OrderState
from gateway.rules.row import Row
from gateway.rules.stamp import stamp
from gateway.rules.work_unit import Measured, Voice, measure, sessions_at
from gateway.state import State, StationRow

_SIGNAL = "parts"
"""The counter that is a machine's count of pieces; what else it counts is nobody's quantity."""


def days(first: date, count: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return from when to when so many days of this zone last. Raises OverflowError at the calendar's end."""
    start = datetime.combine(first, time(), zone)
    return start.astimezone(UTC), datetime.combine(first + timedelta(days=count), time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the data are."""

    state: State
    ledger: Ledger


def measured(
    place: tuple[str, str], start: datetime, end: datetime, orders: Iterable[OrderState], stores: Stores
) -> Measured:
    """Measure one station of a firm. Of `orders` what is not of this firm and station is passed over."""
    rows = [one for one in stores.state.stations() if (one.firm, one.station) == place]
    voices = [_voice(row, start, end, stores) for row in rows]
    return measure(start, end, sessions_at(orders, *place), voices)


def _voice(row: StationRow, start: datetime, end: datetime, stores: Stores) -> Voice:
    place = row.firm, row.edge, row.station
    owner, since, until = stations.station_owner(*place), facts.nanoseconds(start), facts.nanoseconds(end)
    words = stores.state.series(owner, stations.machine_series(*place), since, until)
    totals = stores.state.series(owner, stations.count_series(*place, _SIGNAL), since, until)
    begins_at_zero = not totals or totals[0][0] >= since
    return Voice(
        words=tuple((facts.instant(at_ns), MachineState(loads(fields)["state"])) for at_ns, fields in words),
        lives=_lives(f"{row.firm}/{row.edge}", stores.ledger) if words else (),
        totals=(*((0,) if begins_at_zero else ()), *(loads(fields)["total"] for _, fields in totals)),
    )


def _lives(author: str, ledger: Ledger) -> tuple[tuple[datetime, datetime], ...]:
    """Return when an edge was there to tell: from the first to the last event of each opening of its outbox; the last
    opening until we heard it last. Between them it was switched off, perhaps, and what it said before may not hold.
    """
    ends = ledger.ends(author)
    latest = max((last.position for _, last in ends), default=0)
    contact = ledger.last_contact(author)
    lives = []
    for first, last in ends:
        begun, ended = _at(first), _at(last)
        if last.position == latest and contact:
            ended = max(ended, contact)
        lives.append((begun, ended))
    return tuple(sorted(lives))


def _at(row: Row) -> datetime:
    event = judge(row)
    return row.received_at if isinstance(event, Rejected) else stamp(row, event).stamp
