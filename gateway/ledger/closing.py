"""Numbers that nobody can send any more: a person closes them, and it stays written who, when and why.

A closure changes no mark and no receipt: an edge that comes back after all is still asked for its events, and each that
arrives is committed and taken off what the closure stands for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from broker.ranges import Range, Ranges, both, minus, size, union
from gateway.ledger import tables as t
from gateway.ledger.marks import Marks


@dataclass(frozen=True, slots=True)
class Closure:
    """Numbers `first` to `last` as they were closed; `left` are those of them that have not arrived since."""

    first: int
    last: int
    at: datetime
    by: str
    why: str
    left: Ranges = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """How many numbers of one author are closed and still absent, counted as `Standing` counts them."""

    waiting: int = 0
    missing: int = 0
    lost: int = 0


def not_here(marks: Marks, announced: int) -> Ranges:
    """Return every number that was ever heard of and is not committed."""
    return union(marks.absent(max(announced, marks.upto)), marks.gaps)


def closures(connection: Connection, epoch_id: int | None = None) -> Mapping[int, tuple[Closure, ...]]:
    """Return what was closed, by the id of its epoch, oldest first; `left` is still empty."""
    wanted = select(t.closures).order_by(t.closures.c.id)
    if epoch_id is not None:
        wanted = wanted.where(t.closures.c.epoch_id == epoch_id)
    found: defaultdict[int, tuple[Closure, ...]] = defaultdict(tuple)
    for one in connection.execute(wanted):
        found[one.epoch_id] += (Closure(one.first, one.last, one.at, one.by, one.why),)
    return found


def ranges_closed(some: Iterable[Closure]) -> Ranges:
    """Return all numbers of some closures."""
    return union((one.first, one.last) for one in some)


def closed_by_author(connection: Connection) -> dict[str, Closed]:
    """Return the counts of every author of whom something is closed: few, for persons close."""
    found: dict[str, Closed] = {}
    for epoch_id, some in closures(connection).items():
        epoch = connection.execute(select(t.epochs).where(t.epochs.c.id == epoch_id)).one()
        marks, announced = marks_of(connection, epoch_id, epoch.upto), epoch.announced_last or 0
        these = ranges_closed(some)
        before = found.get(epoch.author, Closed())
        found[epoch.author] = Closed(
            before.waiting + size(both(these, marks.absent(announced))),
            before.missing + size(both(these, marks.absent(max(announced, marks.upto)))),
            before.lost + size(both(these, marks.gaps)),
        )
    return found


def close(connection: Connection, epoch_id: int, wanted: Iterable[Range], *, at: datetime, by: str, why: str) -> Ranges:
    """Close those of the wanted numbers that are not here and not closed yet; return them."""
    epoch = connection.execute(select(t.epochs).where(t.epochs.c.id == epoch_id)).one()
    absent = not_here(marks_of(connection, epoch_id, epoch.upto), epoch.announced_last or 0)
    open_ones = minus(absent, ranges_closed(closures(connection, epoch_id)[epoch_id]))
    these = both(union(wanted), open_ones)
    if these:
        connection.execute(
            insert(t.closures),
            [
                {"epoch_id": epoch_id, "first": first, "last": last, "at": at, "by": by, "why": why}
                for first, last in these
            ],
        )
    return these


def marks_of(connection: Connection, epoch_id: int, upto: int) -> Marks:
    """Return the stored marks of one epoch."""

    def of(table: Any) -> Ranges:
        found: Iterable[Any] = connection.execute(
            select(table.c.first, table.c.last).where(table.c.epoch_id == epoch_id).order_by(table.c.first)
        )
        return tuple((first, last) for first, last in found)

    return Marks(upto, of(t.holes), of(t.gaps))
