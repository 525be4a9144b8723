"""What the state keeps of folded orders, within a turn: the orders, their names, facts, views; and stations."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.rules.order import OrderState
from gateway.state import tables as t
from gateway.state.prepared import Driver, Prepared, add, put
from gateway.state.shapes import STATE, StationRow, names

PointKey = tuple[str, str, str, int]
"""Firm, measurement, tags, nanoseconds: where a fact stands."""

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_orders, _aliases, _facts, _views = t.orders.c, t.aliases.c, t.facts.c, t.views.c
_PUT_ORDER = put(t.orders)
_DROP_ORDER = Prepared(delete(t.orders).where(_orders.key == bindparam("k")))
_PARKED = Prepared(select(_orders.key).where(_orders.parked.is_not(None)))
_NAMES = Prepared(select(_aliases.text).where(_aliases.order_key == bindparam("k")))
_ADD_NAME = add(t.aliases)
_DROP_NAME = Prepared(delete(t.aliases).where(_aliases.order_key == bindparam("k"), _aliases.text == bindparam("name")))
_FACTS = Prepared(
    select(_facts.firm, _facts.measurement, _facts.tags, _facts.at_ns, _facts.fields, _facts.void).where(
        _facts.owner == bindparam("k")
    )
)
_FACT = Prepared(
    select(_facts.fields, _facts.void).where(
        _facts.owner == bindparam("k"),
        _facts.firm == bindparam("f"),
        _facts.measurement == bindparam("m"),
        _facts.tags == bindparam("g"),
        _facts.at_ns == bindparam("n"),
    )
)
_LATEST_FACT = Prepared(
    select(_facts.at_ns, _facts.fields)
    .where(_facts.owner == bindparam("k"), _facts.measurement == bindparam("m"), _facts.void == bindparam("v"))
    .order_by(_facts.at_ns.desc())
    .limit(1)
)
_PUT_FACT = put(t.facts)
_VIEWS = Prepared(select(_views.firm, _views.payload).where(_views.order_key == bindparam("k")))
_PUT_VIEW = put(t.views)
_STATION = (
    t.stations.c.firm == bindparam("f"),
    t.stations.c.edge == bindparam("e"),
    t.stations.c.station == bindparam("s"),
)
_CHANGE_STATION = Prepared(
    update(t.stations).where(*_STATION).values(machine=bindparam("m"), machine_at=bindparam("a"), since=bindparam("b"))
)
_ADD_STATION = Prepared(insert(t.stations))


class Products:
    """Reads and writes within one turn's transaction; `count` gives the next revision."""

    def __init__(self, connection: Driver, count: Callable[[], int]) -> None:
        self._c, self._next = connection, count

    def put_order(self, state: OrderState, position: int, *, parked: str | None = None) -> None:
        """Write an order as folded, or, parked, as it was before the rules failed."""
        text = STATE.dump_json(state).decode()
        _PUT_ORDER.run(self._c, key=state.key, state=text, revision=self._next(), position=position, parked=parked)
        if parked is None:
            present, wanted = {one[0] for one in _NAMES.all(self._c, k=state.key)}, names(state)
            _DROP_NAME.many(self._c, [{"k": state.key, "name": name} for name in present - wanted])
            _ADD_NAME.many(self._c, [{"order_key": state.key, "text": name} for name in wanted - present])

    def drop_order(self, key: str) -> None:
        """Forget an order all of whose rows belong elsewhere now. The revision still grows."""
        self._next()
        _DROP_ORDER.run(self._c, k=key)
        _DROP_NAME.many(self._c, [{"k": key, "name": one[0]} for one in _NAMES.all(self._c, k=key)])

    def parked(self) -> list[str]:
        """Return the keys of the orders on which the rules failed."""
        return [one[0] for one in _PARKED.all(self._c)]

    def put_facts(self, owner: str, facts: Mapping[PointKey, str]) -> None:
        """Write an owner's whole set: unchanged facts keep their revision, what is no more in it becomes void."""
        present = {one[:4]: one[4:] for one in _FACTS.all(self._c, k=owner)}
        changed = [
            self._fact(owner, key, fields, void=False)
            for key, fields in facts.items()
            if present.get(key) != (fields, False)
        ]
        changed += [
            self._fact(owner, key, fields, void=True)
            for key, (fields, void) in present.items()
            if not void and key not in facts
        ]
        _PUT_FACT.many(self._c, changed)

    def put_fact(self, owner: str, key: PointKey, fields: str, *, void: bool = False) -> None:
        """Write one fact of an owner that has too many to be written as a set; nothing if it is there so."""
        firm, measurement, tags, at_ns = key
        present = _FACT.all(self._c, k=owner, f=firm, m=measurement, g=tags, n=at_ns)
        if present != [(fields, void)] and (present or not void):
            _PUT_FACT.many(self._c, [self._fact(owner, key, fields, void=void)])

    def latest_fact(self, owner: str, measurement: str) -> tuple[int, str] | None:
        """Return time and fields of an owner's last fact that is not void."""
        found = _LATEST_FACT.all(self._c, k=owner, m=measurement, v=False)
        return (found[0][0], found[0][1]) if found else None

    def _fact(self, owner: str, key: PointKey, fields: str, *, void: bool) -> dict[str, Any]:
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
        present = dict(_VIEWS.all(self._c, k=order_key))
        changed = [
            {"order_key": order_key, "firm": firm, "payload": views.get(firm), "revision": self._next()}
            for firm in sorted(present.keys() | views.keys())
            if firm not in present or present[firm] != views.get(firm)
        ]
        _PUT_VIEW.many(self._c, changed)

    def payloads(self, order_key: str) -> dict[str, str]:
        """Return what each firm sees of an order now."""
        return {firm: payload for firm, payload in _VIEWS.all(self._c, k=order_key) if payload is not None}

    def put_station(self, row: StationRow) -> None:
        """Write one station."""
        machine_at = None if row.machine_at is None else (row.machine_at - _ZERO) // _MICROSECOND
        since = None if row.since is None else (row.since - _ZERO) // _MICROSECOND
        self._next()
        changed = _CHANGE_STATION.run(
            self._c, f=row.firm, e=row.edge, s=row.station, m=row.machine.value, a=machine_at, b=since
        )
        if not changed:
            _ADD_STATION.run(
                self._c,
                firm=row.firm,
                edge=row.edge,
                station=row.station,
                machine=row.machine.value,
                machine_at=machine_at,
                since=since,
            )
