"""Cycles without a ticket: a machine that runs or counts while no session is open at its station. Pure.

It becomes a flag for the office, never a block: a warm-up, a test cut, a first piece are nobody's business.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from broker.clock import Reading as Now

GAP_MS = 5 * 60_000
"""A pause between two cycles: changing the piece, looking at the drawing. Longer, and it is another stretch."""
LONG_MS = 10 * 60_000
"""A stretch that is worth a flag."""
TOLD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A machine ran or counted from `since` to `until`; its counter stood at `first` before and at `last` after."""

    since: datetime
    since_ms: int
    until: datetime
    until_ms: int
    first: int
    last: int

    @property
    def long(self) -> bool:
        return self.until_ms - self.since_ms >= LONG_MS


@dataclass(frozen=True, slots=True)
class Cycles:
    """What a station's machine did without a ticket: the stretch that goes on or was last, and the last long one.

    `total` is where its counter stood when it was last looked at; `told` is the last long one as it is told, which
    grows by the minute so that a picture is not published every second.
    """

    total: int
    going: Stretch | None = None
    long: Stretch | None = None
    told: Stretch | None = None


def look(before: Cycles | None, now: Now, *, running: bool, total: int, ticket: bool) -> Cycles:
    """Look at a station. `running`: its machine is said to run; `ticket`: a session is open there."""
    if before is None or ticket:
        return Cycles(total)
    if running or total > before.total:
        before = _longer(before, now, total)
    told = before.told
    if before.long and (told is None or before.going is not before.long or _grown(told, before.long)):
        before = replace(before, told=before.long)
    return replace(before, total=total)


def _longer(before: Cycles, now: Now, total: int) -> Cycles:
    going = before.going
    if going is None or not 0 <= now.mono_ms - going.until_ms <= GAP_MS:
        going = Stretch(now.at, now.mono_ms, now.at, now.mono_ms, before.total, total)
    else:
        going = replace(going, until=now.at, until_ms=now.mono_ms, last=max(total, going.last))
    return replace(before, going=going, long=going if going.long else before.long)


def _grown(told: Stretch, now: Stretch) -> bool:
    return now.until_ms - told.until_ms >= TOLD_MS
