"""Reading the state: orders as folded, stations, verdicts, and what sinks have still to write.

The state may be deleted and made anew at any moment, also while it is read: a reader then sees nothing for a while,
never an error.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from sqlalchemy import Connection, Engine, Select, Table, func, select
from sqlalchemy.exc import DatabaseError

from broker.events import MachineState
from gateway import store
from gateway.state import tables as t
from gateway.state.shapes import STATE, Kept, Point, Refusal, Seen, StationRow, Verdict, normal, spellings
from gateway.touched import Wait

if TYPE_CHECKING:
    from gateway.state.writer import WritableState

T = TypeVar("T")

STORE = "state"
_FOUND_AT_MOST = 20
_GENERATION = 1 << 40
"""More than one store's data version ever reaches."""


class State:
    """The state as everyone but the projector sees it. May be used by several threads."""

    def __init__(self, url: str) -> None:
        self._place = store.at(url, STORE)
        self._guard = threading.Lock()
        self._engine: Engine | None = None
        self._changes: store.Changes | None = None
        self._identity: object = None
        self._generation = 0

    @overload
    @classmethod
    def open(cls, url: str, *, write: Literal[False] = False) -> "State": ...
    @overload
    @classmethod
    def open(cls, url: str, *, write: Literal[True]) -> "WritableState": ...
    @classmethod
    def open(cls, url: str, *, write: bool = False) -> "State | WritableState":
        """Open the state, which need not exist yet; with `write`, make it and be its only writer.

        Raises StoreError with one sentence: another process writes it, or the address is of no database we know.
        """
        if write:
            from gateway.state.writer import WritableState  # noqa: PLC0415 - readers need no migrations

            return WritableState.create(url)
        return cls(url)

    def close(self) -> None:
        """Close every connection."""
        self.let_go()

    def let_go(self) -> None:
        """Let go of every connection that reads, all of which may be broken if one is; the next read makes new ones."""
        with self._guard:
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what the pages read -------------------------------------------------------------------------------------------

    def revision(self) -> int:
        """Return a number that grows with every commit that changed an order, and never falls, even after a rebuild."""
        return int(self.value("revision") or 0)

    def cursor(self) -> int:
        """Return the ledger position up to which rows have been taken in."""
        return int(self.value("cursor") or 0)

    def marked(self) -> int:
        """Return how many orders have been touched and not yet folded again: what is on the pages is older."""
        wanted = select(func.count()).select_from(t.marks).where(t.marks.c.wait != Wait.FACTS)
        return self._read(lambda c: c.scalar(wanted) or 0, 0)

    def waits(self, key: str) -> bool:
        """Say whether an order has been touched and not yet folded again."""
        wanted = (
            select(func.count()).select_from(t.marks).where(t.marks.c.order_key == key, t.marks.c.wait != Wait.FACTS)
        )
        return bool(self._read(lambda c: c.scalar(wanted) or 0, 0))

    def unfinished(self) -> int:
        """Return how many orders are marked, those included whose facts alone are to be written."""
        return self._read(lambda c: c.scalar(select(func.count()).select_from(t.marks)) or 0, 0)

    def orders(self) -> list[Kept]:
        """Return every order, least recently changed first."""
        return self.changed(0)

    def changed(self, after: int, limit: int | None = None) -> list[Kept]:
        """Return the orders that changed after this revision. One that went into another order is in neither list."""
        wanted = select(t.orders).where(t.orders.c.revision > after).order_by(t.orders.c.revision).limit(limit)
        return [_kept(one) for one in self._all(wanted)]

    def size(self) -> int:
        """Return how many orders there are."""
        return self._read(lambda c: c.scalar(select(func.count()).select_from(t.orders)) or 0, 0)

    def keys(self) -> frozenset[str]:
        """Return the keys of all orders."""
        return frozenset(one.key for one in self._all(select(t.orders.c.key)))

    def order(self, key: str) -> Kept | None:
        """Return one order, or None."""
        found = self._all(select(t.orders).where(t.orders.c.key == key))
        return _kept(found[0]) if found else None

    def named(self, name: str, *, limit: int | None = None) -> list[Kept]:
        """Return every order that is called exactly so, or the first `limit`, the latest changed first."""
        alias = t.aliases.c
        wanted = (
            select(t.orders).join(t.aliases, alias.order_key == t.orders.c.key).where(alias.text == normal(name))
        ).order_by(t.orders.c.revision.desc())
        return [_kept(one) for one in self._all(wanted.limit(limit))] if normal(name) else []

    def find(self, text: str) -> list[str]:
        """Return the keys of the orders that a person may mean: number, own number, ticket, drawing, or a beginning."""
        if not normal(text):
            return []
        for spelling in spellings(text):
            if found := self._keys(t.aliases.c.text == spelling):
                return found
        return self._keys(t.aliases.c.text.startswith(normal(text), autoescape=True))

    def _keys(self, condition: Any) -> list[str]:
        wanted = (
            select(t.aliases.c.order_key)
            .join(t.orders, t.orders.c.key == t.aliases.c.order_key)
            .where(condition)
            .group_by(t.aliases.c.order_key)
            .order_by(func.max(t.orders.c.revision).desc())
            .limit(_FOUND_AT_MOST)
        )
        return [one.order_key for one in self._all(wanted)]

    def stations(self) -> list[StationRow]:
        """Return every station that was ever named, in order of firm, edge, station."""
        wanted = select(t.stations).order_by(t.stations.c.firm, t.stations.c.edge, t.stations.c.station)
        return [
            StationRow(one.firm, one.edge, one.station, MachineState(one.machine), one.machine_at, one.since)
            for one in self._all(wanted)
        ]

    def verdicts(self, limit: int = 100) -> list[Verdict]:
        """Return the rows that no order is folded from, the latest first."""
        return [
            Verdict(*one) for one in self._all(select(t.verdicts).order_by(t.verdicts.c.position.desc()).limit(limit))
        ]

    def parked(self) -> list[str]:
        """Return numbers, or keys, of the orders on which the rules failed."""
        wanted = select(t.orders).where(t.orders.c.parked.is_not(None)).order_by(t.orders.c.key)
        return [kept.state.number or kept.key for kept in map(_kept, self._all(wanted))]

    def refusal_counts(self) -> dict[str, int]:
        """Return how many points each sink's server refused."""
        wanted = select(t.refusals.c.sink, func.count()).group_by(t.refusals.c.sink)
        return {sink: count for sink, count in self._all(wanted)}  # noqa: C416 - rows are not pairs to mypy

    def verdict_counts(self) -> dict[str, int]:
        """Return how many rows there are of each reason."""
        wanted = select(t.verdicts.c.reason, func.count()).group_by(t.verdicts.c.reason)
        return {reason: count for reason, count in self._all(wanted)}  # noqa: C416 - rows are not pairs to mypy

    def refusals(self, limit: int = 100) -> list[Refusal]:
        """Return the points that sinks' servers refused, the latest first."""
        columns = (getattr(t.refusals.c, name) for name in ("sink", "firm", "line", "reason", "at"))
        return [Refusal(*one) for one in self._all(select(*columns).order_by(t.refusals.c.id.desc()).limit(limit))]

    def data_version(self) -> int:
        """Return a number that changes when the projector has committed, or the state was made anew."""
        with self._guard:
            self._look()
            if self._changes is None:
                return self._generation * _GENERATION
            with contextlib.suppress(DatabaseError):
                return self._generation * _GENERATION + self._changes.version() + 1
            return self._generation * _GENERATION

    # -- what sinks read -----------------------------------------------------------------------------------------------

    def born(self) -> int:
        """Return the revision at which this state began; another number means that it was made anew. 0: none."""
        return int(self.value("born") or 0)

    def value(self, name: str) -> str | None:
        """Return one word of `meta`."""
        return self._read(lambda c: c.scalar(select(t.meta.c.value).where(t.meta.c.name == name)), None)

    def cursors(self) -> dict[str, int]:
        """Return how far each sink is."""
        return {one.name: one.value for one in self._all(select(t.cursors))}

    def points(self, after: int, limit: int) -> list[Point]:
        """Return up to `limit` facts above this revision, in order of revision."""
        wanted = _POINTS.where(t.facts.c.revision > after).order_by(t.facts.c.revision).limit(limit)
        return [Point(*one) for one in self._all(wanted)]

    def points_above(self, revision: int) -> int:
        """Return how many facts changed above this revision."""
        return self._count(t.facts, revision)

    def views_above(self, revision: int) -> int:
        """Return how many views changed above this revision."""
        return self._count(t.views, revision)

    def _count(self, table: Table, revision: int) -> int:
        wanted = select(func.count()).select_from(table).where(table.c.revision > revision)
        return self._read(lambda c: c.scalar(wanted) or 0, 0)

    def standing(self, firm: str, measurement: str) -> set[tuple[str, int]]:
        """Return tags and time of every fact of one measurement of one firm that is not void."""
        f = t.facts.c
        wanted = select(f.tags, f.at_ns).where(f.firm == firm, f.measurement == measurement, ~f.void)
        return {(one.tags, one.at_ns) for one in self._all(wanted)}

    def series(self, owner: str, series: tuple[str, str, str], since_ns: int, until_ns: int) -> list[tuple[int, str]]:
        """Return time and fields of what an owner said in one series (firm, measurement, tags), oldest first: the last
        before `since_ns`, and everything from then until `until_ns`. What is void is left out.
        """
        f, (firm, measurement, tags) = t.facts.c, series
        one = select(f.at_ns, f.fields).where(
            f.owner == owner, f.firm == firm, f.measurement == measurement, f.tags == tags, ~f.void
        )
        before = one.where(f.at_ns < since_ns).order_by(f.at_ns.desc()).limit(1)
        within = one.where(f.at_ns >= since_ns, f.at_ns < until_ns).order_by(f.at_ns)
        return [(found.at_ns, found.fields) for found in (*self._all(before), *self._all(within))]

    def fact_firms(self) -> list[str]:
        """Return every firm that has facts."""
        return sorted(one.firm for one in self._all(select(t.facts.c.firm).distinct()))

    def seen(self, after: int, limit: int) -> list[Seen]:
        """Return up to `limit` views above this revision, in order of revision."""
        v = t.views.c
        wanted = select(v.order_key, v.firm, v.payload, v.revision).where(v.revision > after)
        return [Seen(*one) for one in self._all(wanted.order_by(v.revision).limit(limit))]

    # -- the store -----------------------------------------------------------------------------------------------------

    def _all(self, wanted: Select[Any]) -> Sequence[Any]:
        return self._read(lambda connection: connection.execute(wanted).all(), ())

    def _read(self, work: Callable[[Connection], T], empty: T) -> T:
        with self._guard:
            engine = self._look()
        if engine is None:
            return empty
        try:
            with engine.begin() as connection:
                return work(connection)
        except DatabaseError as error:
            if self._place.being_made(error):
                return empty
            raise

    def _look(self) -> Engine | None:
        """Return an engine on the store that is there now, or None."""
        identity = self._place.identity()
        if identity != self._identity:
            self._let_go()
            self._identity, self._generation = identity, self._generation + 1
            with contextlib.suppress(store.StoreError):  # deleted in this very moment
                self._engine = self._place.reader()
                self._changes = self._place.changes(self._engine)
        return self._engine

    def _let_go(self) -> None:
        if self._changes:
            self._changes.close()
        if self._engine:
            self._engine.dispose()
        self._engine, self._changes, self._identity = None, None, None


_POINTS = select(
    t.facts.c.firm,
    t.facts.c.measurement,
    t.facts.c.tags,
    t.facts.c.at_ns,
    t.facts.c.fields,
    t.facts.c.void,
    t.facts.c.revision,
)


def _kept(one: Any) -> Kept:
    return Kept(one.key, STATE.validate_json(one.state), one.revision, one.position, one.parked)
