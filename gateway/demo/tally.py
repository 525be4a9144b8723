"""What a demo comes to: accepted against committed, how long a scan took to be safe and to be seen. Only reads.

An edge's outbox is read as any other program may read it: the table `epoch`, one row for each opening.
"""

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from broker.clock import FastClock
from broker.events import EventError, decode
from broker.ranges import Ranges, minus
from broker.topics import author
from gateway.demo.watch import Board
from gateway.rules.row import Row

Key = tuple[str, str, int]
"""Author, epoch, number: the ledger's key."""
_MATCH_NS = 20 * 10**9
"""An event later than this after a scan of its ticket is not of that scan (a card that lapsed)."""
_ROUNDING_NS = 1_000
"""An event's time is cut to microseconds."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of an outbox: its last number, and whether the ledger has confirmed all that can still be read."""

    author: str
    epoch: str
    last: int
    safe: bool


@dataclass(frozen=True, slots=True)
class Delays:
    """How long scans took, in milliseconds. `held_offline` events were scanned while the edge had no network."""

    commit_ms: Sequence[float]
    board_ms: Sequence[float]
    held_offline: int


def outbox(path: Path, firm: str, edge: str) -> list[Epoch]:
    """Return the epochs of an outbox that may be in use; a missing file has none."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        rows = db.execute("SELECT epoch, last, upto, missing, lost FROM epoch").fetchall()
    return [
        Epoch(author(firm, edge), epoch, last, upto >= last and not minus(_ranges(missing), _ranges(lost)))
        for epoch, last, upto, missing, lost in rows
    ]


def _ranges(text: str) -> Ranges:
    return tuple((first, last) for first, last in json.loads(text))


def keys(epochs: Iterable[Epoch]) -> set[Key]:
    """Return the key of every event that was accepted: numbers count from 1 without a hole."""
    return {(one.author, one.epoch, seq) for one in epochs for seq in range(1, one.last + 1)}


def delays(
    commits: Iterable[tuple[Row, int]],
    board: Board,
    *,
    scanned: Mapping[tuple[str, str], Sequence[int]],
    orders: Mapping[str, str],
    offline: Mapping[str, Sequence[tuple[int, int]]],
    clock: FastClock,
) -> Delays:
    """Measure from the write to the serial port to the row in the ledger, and to the page's stream.

    `scanned`: by firm and ticket the monotonic ns of each write, ascending. `orders`: the order of each ticket.
    `offline`: by author when its cable was pulled and when it had caught up.
    """
    commit_ms, board_ms, held = [], [], 0
    for row, committed_ns in commits:
        try:
            event = decode(row.body)
        except EventError:
            continue
        ticket = str(getattr(event, "ticket", ""))
        at_ns = clock.started_mono_ns + int((event.at - clock.start).total_seconds() / clock.speed * 1e9) + _ROUNDING_NS
        writes = scanned.get((row.author.partition("/")[0], ticket), ())
        index = bisect_right(writes, at_ns) - 1
        if index < 0 or at_ns - writes[index] > _MATCH_NS:
            continue
        scan_ns = writes[index]
        if any(begin <= scan_ns <= end for begin, end in offline.get(row.author, ())):
            held += 1
            continue
        commit_ms.append((committed_ns - scan_ns) / 1e6)
        shown_ns = board.when(orders.get(ticket, ""), row.position)
        if shown_ns is not None:
            board_ms.append((shown_ns - scan_ns) / 1e6)
    return Delays(commit_ms, board_ms, held)


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Return the median and the 99th percentile (nearest rank); None where nothing was measured.

    >>> percentiles([3.0, 1.0, 2.0])
    {'p50': 2.0, 'p99': 3.0}
    """
    if not values:
        return {"p50": None, "p99": None}
    ranked = sorted(values)
    return {f"p{percent}": round(ranked[max(0, -(-len(ranked) * percent // 100) - 1)], 1) for percent in (50, 99)}
