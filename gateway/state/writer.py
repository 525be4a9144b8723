"""Writing the state: one process, one transaction a turn of the projector.

What is written is decided in `gateway.projector`; the index of rows in `gateway.index`.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import structlog
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, bindparam, delete, event, insert, select, update
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from gateway import store
from gateway.rules.order import OrderState
from gateway.state import tables as t
from gateway.state.reader import State, identity_of
from gateway.state.shapes import STATE, Refusal, StationRow, Verdict, names

_log = structlog.get_logger()

_CORRUPT, _NOT_A_DATABASE, _MOVED = 11, 26, 1032
"""SQLite's result codes SQLITE_CORRUPT, SQLITE_NOTADB (primary) and SQLITE_READONLY_DBMOVED (extended)."""
_ASKED_AT_ONCE = 500

PointKey = tuple[str, str, str, int]
"""Firm, measurement, tags, nanoseconds: where a fact stands."""


class WritableState(State):
    """The state in the hands of its one writer; the writing methods are for one thread, within `turn()`."""

    def __init__(self, url: str, lock: store.Lock) -> None:
        super().__init__(url)
        self._lock = lock
        self._writer: Engine | None = None
        self._written: tuple[int, int] | None = None
        self._kept_connection: Connection | None = None
        self._connection: Connection | None = None
        self._revision = 0

    @classmethod
    def create(cls, url: str) -> Self:
        """Take the lock, and open or make the state. Raises StoreError if another process writes it."""
        state = cls(url, store.Lock(store.path_of(url)))
        state.reopen()
        return state

    def close(self) -> None:
        """Close every connection and let another process write."""
        self._end_writing()
        super().close()
        self._lock.release()

    def reopen(self) -> None:
        """Open what is on the disk; if it cannot be used, delete it and make a new one. Raises DatabaseError."""
        self._end_writing()
        try:
            self._open_writer()
        except (DatabaseError, CommandError) as error:
            if not (isinstance(error, CommandError) or unusable(error)):
                raise
            _log.warning("state cannot be used: starting over", reason=str(getattr(error, "orig", error)))
            self.start_over()

    def start_over(self) -> None:
        """Delete the state and make an empty one."""
        self._end_writing()
        delete_files(self._path)
        self._open_writer()

    def present(self) -> bool:
        """Whether the file we write is still the one on the disk."""
        return self._written is not None and identity_of(self._path) == self._written

    def _open_writer(self) -> None:
        engine = store.writer(self._url)
        event.listen(engine, "connect", _not_durable)
        self._writer = engine
        store.migrate(engine, "gateway.state.migrations")
        with engine.begin() as connection:
            known = {one.name: one.value for one in connection.execute(select(t.meta))}
            version = importlib.metadata.version("mawashi")
            if not known:
                born = str(int(clock().read().at.timestamp() * 1e6))
                known = {"version": version, "born": born, "revision": born, "cursor": "0", "ledger": ""}
                connection.execute(insert(t.meta), [{"name": name, "value": value} for name, value in known.items()])
        if known["version"] != version:
            _log.info("state was made by another version: starting over", was=known["version"], now=version)
            self.start_over()
            return
        self._revision = int(known["revision"])
        self._kept_connection = engine.connect()
        self._written = identity_of(self._path)

    def _end_writing(self) -> None:
        if self._kept_connection:
            self._kept_connection.invalidate()
            self._kept_connection.close()
        if self._writer:
            self._writer.dispose()
        self._kept_connection, self._writer, self._written = None, None, None

    # -- one turn ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction: everything written within is there afterwards, or nothing is."""
        assert self._kept_connection
        before = self._revision
        try:
            with self._kept_connection.begin():
                self._connection = self._kept_connection
                yield
                if self._revision != before:
                    self.set_value("revision", str(self._revision))
        except BaseException:
            self._revision = before
            raise
        finally:
            self._connection = None

    @property
    def _c(self) -> Connection:
        assert self._connection, "only within a turn"
        return self._connection

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    def _read(self, work: Callable[[Connection], Any], empty: Any) -> Any:
        """Within a turn, read what the turn has written so far."""
        return work(self._connection) if self._connection else super()._read(work, empty)

    def set_value(self, name: str, value: str) -> None:
        """Write one word of `meta`."""
        self._c.execute(update(t.meta).where(t.meta.c.name == name).values(value=value))

    def set_cursors(self, cursors: Mapping[str, int]) -> None:
        """Write how far sinks are."""
        for name, value in cursors.items():
            self._c.execute(delete(t.cursors).where(t.cursors.c.name == name))
            self._c.execute(insert(t.cursors).values(name=name, value=value))

    def add_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Keep the points that a sink's server refused for good."""
        if refusals:
            self._c.execute(
                insert(t.refusals),
                [
                    {"sink": one.sink, "firm": one.firm, "line": one.line, "reason": one.reason, "at": one.at}
                    for one in refusals
                ],
            )

    # -- the index of rows ---------------------------------------------------------------------------------------------

    def add_touches(self, touches: Iterable[tuple[str, int]]) -> None:
        """Add pairs of anchor and position; those already there change nothing."""
        if rows := [{"anchor": anchor, "position": position} for anchor, position in touches]:
            self._c.execute(_ADD_TOUCH, rows)

    def positions(self, anchors: Sequence[str]) -> list[int]:
        """Return the positions of the rows that touch any of these anchors, in order, each once."""
        found: set[int] = set()
        for start in range(0, len(anchors), _ASKED_AT_ONCE):
            some = anchors[start : start + _ASKED_AT_ONCE]
            found.update(self._c.scalars(select(t.touches.c.position).where(t.touches.c.anchor.in_(some))))
        return sorted(found)

    def anchors_beginning(self, prefix: str) -> set[str]:
        """Return every anchor that begins like this."""
        wanted = select(t.touches.c.anchor).where(t.touches.c.anchor.between(prefix, prefix + "\uffff")).distinct()
        return set(self._c.scalars(wanted))

    def drop_anchor(self, anchor: str) -> None:
        """Forget one anchor."""
        self._c.execute(delete(t.touches).where(t.touches.c.anchor == anchor))

    def add_claim(self, position: int, claim: Mapping[str, Any]) -> None:
        """Keep one word on whose a ticket is (the columns of `claims`)."""
        self._c.execute(_ADD_CLAIM, {"position": position, **claim})

    def claims_on(self, ticket: str) -> Sequence[Any]:
        """Return the rows of `claims` for one ticket."""
        return self._c.execute(select(t.claims).where(t.claims.c.ticket == ticket)).all()

    def children(self, ticket: str) -> list[str]:
        """Return the tickets that somebody split off this one."""
        return list(self._c.scalars(select(t.claims.c.ticket).where(t.claims.c.parent == ticket).distinct()))

    def add_correction(self, target: str, position: int, key: tuple[str, str, int]) -> None:
        """Keep that the row `key` asks to void the row `target`."""
        author, epoch, seq = key
        self._c.execute(
            _ADD_CORRECTION,
            {"target": target, "position": position, "author": author, "epoch": epoch, "seq": seq},
        )

    def corrections_of(self, target: str) -> list[tuple[str, str, int]]:
        """Return the keys of the rows that ask to void this one."""
        c = t.corrections.c
        return [
            (one[0], one[1], one[2]) for one in self._all(select(c.author, c.epoch, c.seq).where(c.target == target))
        ]

    def home(self, ticket: str) -> str | None:
        """Return the order this ticket was last found to belong to; None if it was never seen."""
        return self._c.scalar(select(t.homes.c.order_key).where(t.homes.c.ticket == ticket))

    def set_home(self, ticket: str, order_key: str) -> None:
        """Keep the order a ticket belongs to."""
        self._c.execute(delete(t.homes).where(t.homes.c.ticket == ticket))
        self._c.execute(insert(t.homes).values(ticket=ticket, order_key=order_key))

    def tickets_of(self, order_key: str) -> list[str]:
        """Return the tickets that belong to an order."""
        return list(self._c.scalars(select(t.homes.c.ticket).where(t.homes.c.order_key == order_key)))

    def tickets_claimed(self, order_key: str) -> list[str]:
        """Return the tickets that an order claims, whether or not it got them."""
        return list(self._c.scalars(select(t.claims.c.ticket).where(t.claims.c.order_key == order_key).distinct()))

    def add_verdict(self, verdict: Verdict) -> None:
        """Keep why no order is folded from a row."""
        self._c.execute(
            insert(t.verdicts),
            {name: getattr(verdict, name) for name in t.verdicts.c.keys()},  # noqa: SIM118 - a collection of columns
        )

    def load_marks(self) -> dict[str, bool]:
        """Return the orders still to be folded, and whether each is live."""
        return {one.order_key: one.live for one in self._c.execute(select(t.marks))}

    def change_marks(self, new: Mapping[str, bool], gone: Iterable[str]) -> None:
        """Keep which orders are still to be folded."""
        if keys := [{"k": key} for key in {*new, *gone}]:
            self._c.execute(delete(t.marks).where(t.marks.c.order_key == bindparam("k")), keys)
        if new:
            self._c.execute(insert(t.marks), [{"order_key": key, "live": live} for key, live in new.items()])

    # -- what is made from rows ----------------------------------------------------------------------------------------

    def put_order(self, state: OrderState, position: int, *, parked: str | None = None) -> None:
        """Write an order as folded, or, parked, as it was before the rules failed."""
        text = STATE.dump_json(state).decode()
        self._c.execute(delete(t.orders).where(t.orders.c.key == state.key))
        self._c.execute(
            insert(t.orders).values(key=state.key, state=text, revision=self._next(), position=position, parked=parked)
        )
        if parked is None:
            self._put_names(state)

    def drop_order(self, key: str) -> None:
        """Forget an order all of whose rows belong elsewhere now. The revision still grows."""
        self._next()
        self._c.execute(delete(t.orders).where(t.orders.c.key == key))
        self._c.execute(delete(t.aliases).where(t.aliases.c.order_key == key))

    def parked(self) -> list[str]:
        """Return the keys of the orders on which the rules failed."""
        return list(self._c.scalars(select(t.orders.c.key).where(t.orders.c.parked.is_not(None))))

    def _put_names(self, state: OrderState) -> None:
        wanted = names(state)
        present = set(self._c.scalars(select(t.aliases.c.text).where(t.aliases.c.order_key == state.key)))
        if gone := present - wanted:
            self._c.execute(delete(t.aliases).where(t.aliases.c.order_key == state.key, t.aliases.c.text.in_(gone)))
        if new := wanted - present:
            self._c.execute(insert(t.aliases), [{"text": text, "order_key": state.key} for text in new])

    def put_facts(self, owner: str, facts: Mapping[PointKey, str], *, whole: bool = True) -> None:
        """Write an owner's facts; unchanged ones keep their revision. If `whole`, others become void."""
        f = t.facts.c
        wanted = select(f.firm, f.measurement, f.tags, f.at_ns, f.fields, f.void).where(f.owner == owner)
        if not whole:
            wanted = wanted.where(f.at_ns.in_({key[3] for key in facts}))
        present = {(one[0], one[1], one[2], one[3]): (one[4], one[5]) for one in self._c.execute(wanted)}
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for key, fields in facts.items():
            if (was := present.get(key)) is None:
                new.append(self._point(owner, key, fields, void=False))
            elif was != (fields, False):
                changed.append(self._point(owner, key, fields, void=False))
        if whole:
            changed += [
                self._point(owner, key, fields, void=True)
                for key, (fields, void) in present.items()
                if not void and key not in facts
            ]
        if new:
            self._c.execute(insert(t.facts), new)
        if changed:
            self._c.execute(_CHANGE_POINT, [{f"k_{name}": value for name, value in one.items()} for one in changed])

    def void_fact(self, owner: str, key: PointKey) -> None:
        """Make one fact void, if it is there."""
        f = t.facts.c
        firm, measurement, tags, at_ns = key
        self._c.execute(
            update(t.facts)
            .where(f.owner == owner, f.firm == firm, f.measurement == measurement, f.tags == tags, f.at_ns == at_ns)
            .where(~f.void)
            .values(void=True, revision=self._next())
        )

    def latest_fact(self, owner: str, measurement: str) -> tuple[int, str] | None:
        """Return time and fields of an owner's last fact that is not void."""
        f = t.facts.c
        found = self._c.execute(
            select(f.at_ns, f.fields)
            .where(f.owner == owner, f.measurement == measurement, ~f.void)
            .order_by(f.at_ns.desc())
            .limit(1)
        ).first()
        return (found[0], found[1]) if found else None

    def _point(self, owner: str, key: PointKey, fields: str, *, void: bool) -> dict[str, Any]:
        firm, measurement, tags, at_ns = key
        return {
            "owner": owner,
            "firm": firm,
            "measurement": measurement,
            "tags": tags,
            "at_ns": at_ns,
            "fields": fields,
            "void": void,
            "revision": self._next(),
        }

    def put_views(self, order_key: str, views: Mapping[str, str]) -> None:
        """Write what each firm may see of an order; a firm that is not in it any more sees nothing."""
        v = t.views.c
        wanted = select(v.firm, v.payload).where(v.order_key == order_key)
        present = {one.firm: one.payload for one in self._c.execute(wanted)}
        for firm in present.keys() | views.keys():
            payload = views.get(firm)
            if firm not in present:
                self._c.execute(
                    insert(t.views).values(order_key=order_key, firm=firm, payload=payload, revision=self._next())
                )
            elif present[firm] != payload:
                self._c.execute(
                    update(t.views)
                    .where(v.order_key == order_key, v.firm == firm)
                    .values(payload=payload, revision=self._next())
                )

    def payloads(self, order_key: str) -> dict[str, str]:
        """Return what each firm sees of an order now."""
        v = t.views.c
        wanted = select(v.firm, v.payload).where(v.order_key == order_key, v.payload.is_not(None))
        return {one.firm: one.payload for one in self._c.execute(wanted)}

    def put_station(self, row: StationRow) -> None:
        """Write one station."""
        s = t.stations.c
        values = {
            "machine": row.machine.value,
            "machine_at": row.machine_at,
            "since": row.since,
        }
        where = (s.firm == row.firm, s.edge == row.edge, s.station == row.station)
        self._next()
        if not self._c.execute(update(t.stations).where(*where).values(**values)).rowcount:
            self._c.execute(insert(t.stations).values(firm=row.firm, edge=row.edge, station=row.station, **values))


_ADD_TOUCH = insert(t.touches).prefix_with("OR IGNORE", dialect="sqlite")
_ADD_CLAIM = insert(t.claims).prefix_with("OR IGNORE", dialect="sqlite")
_ADD_CORRECTION = insert(t.corrections).prefix_with("OR IGNORE", dialect="sqlite")
_CHANGE_POINT = (
    update(t.facts)
    .where(
        t.facts.c.owner == bindparam("k_owner"),
        t.facts.c.firm == bindparam("k_firm"),
        t.facts.c.measurement == bindparam("k_measurement"),
        t.facts.c.tags == bindparam("k_tags"),
        t.facts.c.at_ns == bindparam("k_at_ns"),
    )
    .values(fields=bindparam("k_fields"), void=bindparam("k_void"), revision=bindparam("k_revision"))
)


def unusable(error: DatabaseError) -> bool:
    """Whether the file itself is bad or gone, rather than the disk full or somebody holding a lock."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (_CORRUPT, _NOT_A_DATABASE) or code == _MOVED or "no such table" in str(error.orig)


def delete_files(path: Path) -> bool:
    """Delete a state with its log; return whether there was one. Whoever writes it notices and begins again."""
    there = path.exists()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return there


def _not_durable(connection: Any, _record: object) -> None:
    """Spare the disk: a power cut may take the last turns, and they are made again from the ledger."""
    connection.execute("PRAGMA synchronous = NORMAL")
