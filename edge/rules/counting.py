"""Which pieces a machine's counter has counted: baseline, steps, wrap and reset. Pure.

Counters are the weakest signal of a shop: on 1,136 days of two real lathes theirs is only ever 0, and one mill's stored
3,763 appears minutes after it was switched on. So only small steps upwards count; everything else is a new beginning.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

STEP_MOST = 10
"""Pieces that one step may add: a bar feeder's or a multiple fixture's, not a stored counter that comes to light."""


TOTAL_MOST = 10_000_000
"""The largest total that an event holds. A counter that went round so often begins again: a year of a fast press, or
somebody's flood, must not be the end of all scans."""


class Step(StrEnum):
    """What a reading of a counter was taken for."""

    BASELINE = "baseline"
    SAME = "same"
    COUNTED = "counted"
    RESET = "reset"
    JUMP = "jump"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Counted:
    """One signal's counter. `shown` is what the machine last showed, `total` the pieces counted since we listen."""

    shown: int | None = None
    total: int = 0


def step(before: Counted, value: int, *, wrap: int | None = None, step_most: int = STEP_MOST) -> tuple[Counted, Step]:
    """Return the counter after a reading and what the reading was taken for.

    `wrap` is the value after which the counter begins again at 0 (65,536 for a 16-bit register), None if it never does.

    >>> step(Counted(65_535, 7), 1, wrap=65_536)
    (Counted(shown=1, total=9), <Step.COUNTED: 'counted'>)
    """
    if before.shown is None:
        return replace(before, shown=value), Step.BASELINE
    more = value - before.shown
    if more == 0:
        return before, Step.SAME
    if more < 0 and wrap is not None and before.shown < wrap:
        more += wrap
    if 0 < more <= step_most and before.total + more > TOTAL_MOST:
        return Counted(value, more), Step.FULL
    if 0 < more <= step_most:
        return Counted(value, before.total + more), Step.COUNTED
    return replace(before, shown=value), Step.RESET if value < before.shown else Step.JUMP
