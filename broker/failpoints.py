"""Places where a process can be made to die, stop or dawdle, armed by the environment variable MAWASHI_FAILPOINTS only.

They prove the promise: whatever boundary a process dies at, nothing that was accepted is lost. What is done at them is
said here; which faults use them stands in `tests.chaos`.

    MAWASHI_FAILPOINTS="appender.committed=kill@3;edge.published=delay:0.2"

`POINT=ACTION` acts at every hit, `POINT=ACTION@N` at the N-th alone. Actions: `kill` (kill -9 of the own process),
`stop` (SIGSTOP, until somebody sends SIGCONT), `delay:SECONDS`, `say` (one line to standard error).

Not armed, `hit` is a function that does nothing, bound at import. A hit then costs 80 ns and 230 ns for naming the
point, on a path where an event costs the edge a commit and the appender some 60,000 (measured with timeit, Python 3.11,
November 2026).
"""

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

VARIABLE = "MAWASHI_FAILPOINTS"


class Point(StrEnum):
    """Every failpoint. `-ing` is before the boundary, `-ed` right after it."""

    EDGE_COMMITTING = "edge.committing"
    """A scan's events are written, the outbox has not committed."""
    EDGE_COMMITTED = "edge.committed"
    """The events are on the edge's disk, nobody was told."""
    EDGE_PUBLISHING = "edge.publishing"
    """A bundle was read from the outbox."""
    EDGE_PUBLISHED = "edge.published"
    """The bundle was handed to the link."""
    EDGE_GREETED = "edge.greeted"
    """A hello was handed to the link."""
    EDGE_RECEIPTED = "edge.receipted"
    """A receipt has come and counts, nothing is marked."""
    EDGE_MARKING = "edge.marking"
    """The marks are written, the outbox has not committed."""
    EDGE_MARKED = "edge.marked"
    """The marks are on the edge's disk."""
    EDGE_DELETING = "edge.deleting"
    """Receipted events too many or too old are deleted, the outbox has not committed."""
    EDGE_DELETED = "edge.deleted"
    """They are gone from the edge's disk."""

    LINK_PUBLISHED = "link.published"
    """A message went to the broker; in any process."""
    LINK_CONFIRMED = "link.confirmed"
    """The broker's PUBACK for a message of ours has come; in any process."""
    LINK_ACKNOWLEDGING = "link.acknowledging"
    """A message is about to be acknowledged to the broker."""
    LINK_ACKNOWLEDGED = "link.acknowledged"
    """The PUBACK went to the broker."""

    APPENDER_RECEIVED = "appender.received"
    """A message has come from the broker, it is in memory only."""
    APPENDER_COMMITTING = "appender.committing"
    """A group is written, the ledger has not committed."""
    APPENDER_COMMITTED = "appender.committed"
    """The group is in the ledger, nothing is acknowledged."""
    APPENDER_ACKNOWLEDGED = "appender.acknowledged"
    """The acknowledgements were handed to the link, no receipt was."""
    APPENDER_RECEIPTED = "appender.receipted"
    """The receipts were handed to the link."""

    PROJECTOR_COMMITTING = "projector.committing"
    """A turn is written, the state has not committed."""
    PROJECTOR_COMMITTED = "projector.committed"
    """The turn is in the state."""

    INFLUX_WRITING = "influx.writing"
    """Points were read from the state."""
    INFLUX_WRITTEN = "influx.written"
    """InfluxDB has them, the cursor has not moved."""
    INFLUX_MARKED = "influx.marked"
    """The cursor was noted."""
    VIEWS_PUBLISHING = "views.publishing"
    """Views were read from the state."""
    VIEWS_PUBLISHED = "views.published"
    """The broker has them, the cursor has not moved."""
    VIEWS_MARKED = "views.marked"
    """The cursor was noted."""


_ARMED = re.compile(
    r"(?P<point>[a-z.]+)=(?P<action>kill|stop|say|delay:(?P<seconds>\d+(\.\d+)?))(@(?P<only>[1-9]\d*))?"
)


class ArmingError(ValueError):
    """The variable cannot be understood; one sentence."""


class Armed:
    """Counts the hits of armed points and acts; threads may share it."""

    def __init__(self, text: str) -> None:
        """Read the variable. Raises ArmingError."""
        self._armed: dict[Point, list[tuple[Callable[[Point, int], None], int]]] = {}
        self._count: Counter[Point] = Counter()
        self._guard = threading.Lock()
        for part in filter(None, map(str.strip, text.split(";"))):
            found = _ARMED.fullmatch(part)
            if not found or found["point"] not in Point._value2member_map_:
                known = " ".join(Point)
                raise ArmingError(
                    f"{VARIABLE}: {part!r} is not POINT=ACTION or POINT=ACTION@N. "
                    f"Actions: kill stop say delay:SECONDS. Points: {known}"
                )
            action = _ACTIONS.get(found["action"]) or _delay(float(found["seconds"]))
            self._armed.setdefault(Point(found["point"]), []).append((action, int(found["only"] or 0)))

    def hit(self, point: Point) -> None:
        """Act if this point is armed, at every hit or at the one that was named."""
        if (actions := self._armed.get(point)) is None:
            return
        with self._guard:
            self._count[point] += 1
            count = self._count[point]
        for action, only in actions:
            if only in (0, count):
                action(point, count)


def _kill(_point: Point, _count: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(_point: Point, _count: int) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _say(point: Point, count: int) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"failpoint {point} {count}\n".encode())


def _delay(seconds: float) -> Callable[[Point, int], None]:
    return lambda _point, _count: time.sleep(seconds)


_ACTIONS: dict[str, Callable[[Point, int], None]] = {"kill": _kill, "stop": _stop, "say": _say}


def _nothing(point: Point) -> None:
    """Do nothing: what every failpoint is in a shop."""


def bound(text: str | None) -> Callable[[Point], None]:
    """Return what `hit` is under this value of the variable. Ends the process if it cannot be understood."""
    if not text:
        return _nothing
    try:
        return Armed(text).hit
    except ArmingError as error:
        sys.exit(str(error))


hit: Callable[[Point], None] = bound(os.environ.get(VARIABLE))
"""Pass a failpoint."""
