"""How long ago something was, and whether a shift has ended since. By the monotonic clock within a boot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.clock import Reading
from broker.events import ClockQuality
from edge.rules.desk import Desk

REREAD_MS = 3_000
LAPSE_MS = 30_000
JUST_STARTED_MS = 180_000
JUST_FINISHED_MS = 60_000
OFFER_MS = 30 * 60_000
"""A machine that stopped so long before the finish: its time is offered. Less is deburring, measuring, a cup of tea."""
NUMBER_MS = 300_000
"""How long after a finish a number still counts it: long enough to count a box, short enough to remember what for."""


def age_ms(then: Reading, now: Reading) -> int | None:
    """Return the milliseconds between two readings; None if nobody can say.

    Across boots only if both clocks were synced and did not go back between them.
    """
    if ClockQuality.GIVEN in (then.clock, now.clock):
        return None
    if then.boot == now.boot:
        return max(0, now.mono_ms - then.mono_ms)
    if then.clock is now.clock is ClockQuality.SYNCED and then.at <= now.at:
        return (now.at - then.at) // timedelta(milliseconds=1)
    return None


def within(then: Reading, now: Reading, limit_ms: int) -> bool:
    """Say whether `then` is known to be less than `limit_ms` ago."""
    age = age_ms(then, now)
    return age is not None and age < limit_ms


def lapsed(then: Reading, now: Reading, limit_ms: int = LAPSE_MS) -> bool:
    """Say whether something that waits has waited too long. Never where the times are given (play)."""
    return now.clock is not ClockQuality.GIVEN and not within(then, now, limit_ms)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier shift. `end` is when it ended (UTC); None if no clock can be trusted for that."""

    end: datetime | None


def earlier(then: Reading, now: Reading, desk: Desk) -> Earlier | None:
    """Return the shift of `then` if it is over, None if it goes on. Where nobody can say, it counts as over."""
    if now.clock is ClockQuality.GIVEN or not desk.shifts:
        return None
    age = age_ms(then, now)
    if age is None:
        return Earlier(_end_of_unknown(then, now, desk))
    passed = timedelta(milliseconds=age)
    if now.clock is ClockQuality.SYNCED:
        began, ended = now.at - passed, now.at
    elif then.clock is ClockQuality.SYNCED:
        began, ended = then.at, then.at + passed
    else:
        return Earlier(None) if passed > max(_length(shift) for shift in _shifts(now.at, desk)) else None
    shift = shift_of(began, desk)
    return None if shift == shift_of(ended, desk) else Earlier(max(shift[1], began))


def shift_of(at: datetime, desk: Desk) -> tuple[datetime, datetime]:
    """Return start and end (UTC) of the shift an instant belongs to; outside every shift, of the nearest one.

    So overtime belongs to the shift before it, and who comes early works in the shift to come.
    """
    around = _shifts(at, desk)
    inside = [shift for shift in around if shift[0] <= at < shift[1]]
    if inside:
        return max(inside)
    return min(around, key=lambda shift: shift[0] - at if at < shift[0] else at - shift[1])


def _end_of_unknown(then: Reading, now: Reading, desk: Desk) -> datetime | None:
    if then.clock is ClockQuality.SYNCED:
        end = max(shift_of(then.at, desk)[1], then.at)
        return min(end, now.at) if now.clock is ClockQuality.SYNCED and now.at >= then.at else end
    if now.clock is ClockQuality.SYNCED:
        return max((end for _, end in _shifts(now.at, desk) if end <= now.at), default=None)
    return None


def _shifts(at: datetime, desk: Desk) -> list[tuple[datetime, datetime]]:
    """Return the shifts of the day of `at` and of two days before and after it, earliest first."""
    day = at.astimezone(desk.zone).date()
    found = []
    for offset in range(-2, 3):
        date = day + timedelta(days=offset)
        for begin, end in desk.shifts:
            over = timedelta(days=1 if end <= begin else 0)
            found.append(
                (
                    datetime.combine(date, begin, desk.zone).astimezone(UTC),
                    datetime.combine(date + over, end, desk.zone).astimezone(UTC),
                )
            )
    return sorted(found)


def _length(shift: tuple[datetime, datetime]) -> timedelta:
    return shift[1] - shift[0]
