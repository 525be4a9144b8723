"""How a device is heard: understood, silent, talking garbage, or gone. Pure.

Judged once a second from what was counted of it; silence alone is no fault: a scanner lies still for hours, and what a
machine's silence means its driver knows (it then says that its state is unknown).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from broker.clock import Reading as Now
from broker.messages import DeviceState

MESS_MS = 3_000
"""Bytes come for so long and nothing of them is understood: garbage. A board shows it within 5 s."""
LAST_WORD_MS = 5_000
"""Twice what a polled machine takes to say more."""
MESS_BYTES = 32
"""Fewer bytes without an end of a line may be a line that is still arriving."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of a device since the start, and what its line and its driver say now.

    `unknown_ms`: when (monotonic) its driver said that the machine's state is unknown; None while it knows one.
    """

    lost: bool
    received: int
    good: int
    malformed: int
    unknown_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """How a device is heard and since when. The counts are those of when something was last understood (`good_ms`)."""

    state: DeviceState
    since: datetime
    good: int = 0
    received: int = 0
    malformed: int = 0
    good_ms: int | None = None
    """Monotonic; None: nothing was understood since its line was opened."""
    good_after_ms: int = 0
    """When we had looked before that: what was understood came between the two."""
    looked_ms: int = 0
    mess_ms: int | None = None
    mess_from: int = 0
    """When what is not understood began, and how many bytes had come by then."""


def watch(before: Watched | None, counts: Counts, now: Now) -> Watched:
    """Return how the device is heard now."""
    return replace(_judged(before, counts, now), looked_ms=now.mono_ms)


def _judged(before: Watched | None, counts: Counts, now: Now) -> Watched:
    if before is None:  # a device that is there at once is never said to be lost
        return Watched("waiting", now.at)
    known = before
    if counts.lost:
        return _in(_afresh(known, counts, None), "lost", now)
    if counts.good > known.good:
        return _in(_afresh(known, counts, now.mono_ms), "heard", now)
    malformed, unread = counts.malformed > known.malformed, counts.received - known.received >= MESS_BYTES
    if (malformed or unread) and known.mess_ms is None:
        known = replace(known, mess_ms=now.mono_ms, mess_from=counts.received)
    if known.mess_ms is not None and now.mono_ms - known.mess_ms >= MESS_MS:
        if malformed or counts.received > known.mess_from:
            return _in(known, "garbage", now)
        known = replace(known, mess_ms=None, received=counts.received)  # the NULs before a punch's line, and no more
    if known.good_ms is None:
        return _in(known, "waiting", now)
    return _in(known, "silent" if _is_gone(known, known.good_ms, counts.unknown_ms, now) else "heard", now)


def _is_gone(known: Watched, good_ms: int, unknown_ms: int | None, now: Now) -> bool:
    """Whether its state is unknown since it was last understood, or by its last word: a death, or a connection's will.

    A machine that says itself that its state is unknown goes on talking; a last word is one after some seconds.
    """
    if unknown_ms is None:
        return False
    return unknown_ms > good_ms or (unknown_ms > known.good_after_ms and now.mono_ms - good_ms >= LAST_WORD_MS)


def _afresh(known: Watched, counts: Counts, good_ms: int | None) -> Watched:
    return replace(
        known,
        good=counts.good,
        received=counts.received,
        malformed=counts.malformed,
        good_ms=good_ms,
        good_after_ms=known.looked_ms,
        mess_ms=None,
    )


def _in(known: Watched, state: DeviceState, now: Now) -> Watched:
    return known if known.state == state else replace(known, state=state, since=now.at)
