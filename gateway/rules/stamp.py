"""When an event happened: a pure function of its stored row. Putting events in order is `gateway.rules.sequence`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.events import AnyEvent, ClockQuality
from gateway.rules.row import Row
from gateway.rules.voiding import firm_of

_LONGEST_BOOT_MS = 10 * 365 * 24 * 3600 * 1000
"""Nothing on a shop floor runs ten years without a restart: a larger age is nonsense and must not overflow a date."""

CLOCK_MAY_DIFFER = timedelta(seconds=1)
"""What a disciplined clock may differ from ours; one that is further ahead of its own receipt is not to be trusted."""

_AHEAD = timedelta(days=1)
"""What a stated time may lie after its receipt: a wrong zone or date line, not a wrong year."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No shop floor's clock or history is older; and no time zone takes a later one out of the calendar."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its ledger key, whose it is, and when it happened.

    `firm` is the author's, or for the gateway's own words the firm they are spoken for, else `gateway`. `stamp` is
    computed from clocks alone; `at` is what a person or file stated (`as_of`), else the stamp. `disbelieved`: a time
    was stated that cannot be right, so `at` is the stamp all the same.
    """

    key: tuple[str, str, int]
    event: AnyEvent
    firm: str
    at: datetime
    stamp: datetime
    approximate: bool
    position: int
    disbelieved: bool = False


def stamp(row: Row, event: AnyEvent) -> Stamped:
    """Date one row. `approximate` marks a stamp that rests on no synced clock.

    The event's own time if its clock was synced; else, if a synced bundle of the same boot brought it, the bundle's
    time less the monotonic age; else the time of receipt less that age; else the time of receipt. Never later than
    the receipt and never before 1970, so that every zone can show it. Source: design, the gateway, "Projector".
    """
    when, approximate = _stamp(row, event)
    stated = None if event.as_of is None else _utc(event.as_of)
    believed = stated is not None and _EARLIEST <= stated <= _utc(row.received_at) + _AHEAD
    return Stamped(
        row.key,
        event,
        firm_of(row.author, event),
        stated if stated is not None and believed else when,
        when,
        approximate,
        row.position,
        stated is not None and not believed,
    )


def _stamp(row: Row, event: AnyEvent) -> tuple[datetime, bool]:
    received = _utc(row.received_at)
    if event.clock is ClockQuality.SYNCED:
        at = _utc(event.at)
        if at < _EARLIEST:
            return received, True
        return (at, False) if at <= received else (received, at - received > CLOCK_MAY_DIFFER)
    if event.boot != row.bundle_boot:
        return received, True
    age = timedelta(milliseconds=min(max(0, row.bundle_mono_ms - event.mono_ms), _LONGEST_BOOT_MS))
    synced = row.bundle_clock is ClockQuality.SYNCED
    try:
        at = _utc(row.bundle_at if synced else row.received_at) - age
    except OverflowError:  # a clock in the year 1
        return received, True
    if at < _EARLIEST:
        return received, True
    return min(at, received), not synced


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the year 1 east of Greenwich, the year 9999 west of it: nothing that is believed
        return moment.replace(tzinfo=UTC)
