"""Facts: what an order's state, a machine's row or an edge's status says at one point of one firm's database. Pure.

Every point of a measurement has every field. What is not known or not granted to the firm is -1, or an empty text, so
that a value granted earlier does not stay behind. Each measurement stands in docs/measurements.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from pydantic_core import to_json

from broker.events import Quality
from broker.messages import OperationView, OrderView
from gateway.rules.account import Charge, operation_account
from gateway.rules.order import Amount, Cause, Link, Operation, OrderState, Phase, Session, Transfer

Value = str | int | float
UNKNOWN = -1
"""Stands where a number is not known, or not granted."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST_NS, _LATEST_NS = -9_223_372_036_000_000_000, 9_223_372_036_000_000_000
"""What InfluxDB can store, less room for the nanoseconds that keep points of one instant apart."""
_DAY_SECONDS = 86_400
_SECONDS = {cause: f"{cause.value}_s" for cause in Cause}
_HIDDEN: dict[str, Value] = {
    **dict.fromkeys(("since_ms", "rework", "available", "planned", "sessions", "open"), UNKNOWN),
    **dict.fromkeys(_SECONDS.values(), float(UNKNOWN)),
}
"""What is told of an operation only to its own firm, or where everything is granted."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One point. `firm` names the database; fields are in the order of docs/measurements.md."""

    firm: str
    measurement: str
    tags: tuple[tuple[str, str], ...]
    at_ns: int
    fields: Mapping[str, Value]

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Where it stands: firm, measurement, tags as JSON, nanoseconds."""
        return self.firm, self.measurement, _tags(self.tags), self.at_ns


@lru_cache(maxsize=20_000)
def _tags(tags: tuple[tuple[str, str], ...]) -> str:
    return to_json(sorted(tags)).decode()


@lru_cache(maxsize=20_000)
def tag(text: object) -> str:
    """Return a text that InfluxDB takes as a tag: no control characters, no backslash, not empty."""
    clean = "".join(c if c.isprintable() else " " for c in str(text)).strip().replace("\\", "＼")
    return clean or "-"


def nanoseconds(at: datetime) -> int:
    """Return nanoseconds since 1970, cut to what InfluxDB can store."""
    return max(_EARLIEST_NS, min(_LATEST_NS, (at - _EPOCH) // _MICROSECOND * 1000))


def instant(at_ns: int) -> datetime:
    """Return the moment so many nanoseconds after 1970 began, in UTC, to the microsecond."""
    return _EPOCH + at_ns // 1000 * _MICROSECOND


def index(facts: Iterable[Fact]) -> dict[tuple[str, str, str, int], str]:
    """Return fields as JSON by point; facts that would fall on one point follow each other by nanoseconds."""
    points: dict[tuple[str, str, str, int], str] = {}
    texts: dict[int, str] = {}
    for fact in facts:
        key, fields = fact.key, fact.fields
        while key in points:
            key = (*key[:3], key[3] + 1)
        if (text := texts.get(id(fields))) is None:  # some firms are told the very same
            text = texts[id(fields)] = to_json(fields).decode()
        points[key] = text
    return points


def order_facts(
    order: OrderState, views: Mapping[str, OrderView], charges: Sequence[Charge], zone: tzinfo
) -> dict[tuple[str, str, str, int], str]:
    """Return everything that one order writes, for each firm no more than its view holds.

    `charges` is the order's account up to its delivery or its latest event; `zone` is where a due date ends.
    """
    released = order.released_at or order.last_at or _EPOCH
    facts: list[Fact] = []
    moved = _handovers(order)
    alike: dict[tuple[int, str, bool], Mapping[str, Value]] = {}
    for firm in sorted(views):
        until = order.delivered_at or views[firm].at or released
        facts += _Writer(order, views[firm], firm, nanoseconds(released), until, zone, alike).facts(charges)
        for parties, fact in moved:
            if firm in parties or views[firm].level == "full":
                facts.append(replace(fact, firm=firm))
    return index(facts)


@dataclass(frozen=True, slots=True)
class _Writer:
    """One order for one firm. Time counts up to `until`: the delivery, or the latest moment the firm may know of."""

    order: OrderState
    view: OrderView
    firm: str
    released_ns: int
    until: datetime
    zone: tzinfo
    alike: dict[tuple[int, str, bool], Mapping[str, Value]]
    """What is told of an operation of another firm, by number, level and whether to the coordinator."""

    def facts(self, charges: Sequence[Charge]) -> list[Fact]:
        found = [self._order()]
        for seen in self.view.operations:
            operation = self.order.operation(seen.no)
            if operation is None:
                continue
            own = seen.mine or self._full
            tags = (self._tag, ("operation", tag(operation.no)), ("firm", tag(operation.firm)))
            fields = self._own(operation, seen) if own else self._others(operation, seen)
            found.append(Fact(self.firm, "operation", tags, self.released_ns + operation.no, fields))
            if own:
                found += [self._session(operation, session) for session in operation.sessions]
        return found + self._times(charges)

    @property
    def _full(self) -> bool:
        return self.view.level == "full"

    @property
    def _tag(self) -> tuple[str, str]:
        return _order_tag(self.order)

    def _order(self) -> Fact:
        order, view = self.order, self.view
        whole = view.level != "own"
        counted = [seen for seen in view.operations if seen.stage != "cancelled"]
        done = sum(seen.stage == "done" for seen in counted)
        late = self._late_seconds(date.fromisoformat(view.due)) if view.due and whole else None
        coordinates = view.coordinator == self.firm
        flags = sum(
            flag.settled is None and (coordinates or self._full or self._mine(flag.operation)) for flag in order.flags
        )
        released = order.released_at
        return Fact(
            self.firm,
            "order",
            (self._tag,),
            self.released_ns,
            {
                "key": order.key,
                "number": view.number or "",
                "part": view.part or "",
                "drawing": view.drawing or "",
                "coordinator": view.coordinator or "",
                "state": view.state,
                "known": int(order.known),
                "held": int(view.held),
                "quantity": _number(view.quantity),
                "due": view.due or "",
                "due_ms": self._due_ms(view.due),
                "percent": round(100 * done / len(counted)) if counted else 0,
                "operations": len(counted),
                "operations_done": done,
                "released_ms": _ms(released if whole else None),
                "delivered_ms": _ms(order.delivered_at if whole else None),
                "last_ms": _ms(view.at),
                "late_s": float(UNKNOWN if late is None else max(0.0, late)),
                "late_days": float(UNKNOWN if late is None else round(max(0.0, late) / _DAY_SECONDS, 1)),
                "lead_s": (self.until - released).total_seconds() if whole and released else float(UNKNOWN),
                "flags": flags,
                "level": view.level,
                "void": 0,
            },
        )

    def _mine(self, number: int | None) -> bool:
        operation = self.order.operation(number) if number is not None else None
        return operation is not None and operation.firm == self.firm

    def _late_seconds(self, due: date) -> float:
        return (self.until - self._end_of(due)).total_seconds()

    def _end_of(self, day: date) -> datetime:
        try:
            return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)
        except OverflowError:  # the last day of the year 9999
            return datetime.combine(day, time(), UTC)

    def _due_ms(self, day: str | None) -> int:
        return _ms(self._end_of(date.fromisoformat(day))) if day else UNKNOWN

    def _others(self, operation: Operation, seen: OperationView) -> Mapping[str, Value]:
        """Return what another firm's operation is to this one: the same for every firm of its level."""
        place = (operation.no, self.view.level, self.view.coordinator == self.firm)
        if (fields := self.alike.get(place)) is None:
            fields = self.alike[place] = (
                self._seen(seen)
                | _HIDDEN
                | {
                    "station": seen.station or "",
                    "good": _number(seen.good.n if seen.good else None),
                    "good_quality": seen.good.q.value if seen.good else "",
                    "scrap": _number(seen.scrap.n if seen.scrap else None),
                    "hold": _number(seen.hold.n if seen.hold else None),
                    "remaining": _number(seen.remaining),
                }
            )
        return fields

    def _own(self, operation: Operation, seen: OperationView) -> Mapping[str, Value]:
        seconds = operation_account(operation, self.until)
        return self._seen(seen) | {
            "since_ms": _ms(operation.state_since),
            "station": operation.station or "",
            "good": operation.good.total,
            "scrap": operation.scrap.total,
            "rework": operation.rework.total,
            "hold": operation.hold.total,
            "good_quality": _quality(operation.good),
            "available": _number(operation.available),
            "remaining": _number(operation.remaining),
            "planned": _number(operation.planned),
            "sessions": len(operation.sessions),
            "open": sum(session.closed_at is None for session in operation.sessions),
            **{name: seconds.get(cause, 0.0) for cause, name in _SECONDS.items()},
        }

    def _seen(self, seen: OperationView) -> dict[str, Value]:
        return {
            "name": seen.name or "",
            "stage": seen.stage,
            "state": seen.state or "",
            "mine": int(seen.mine),
            "due": seen.due or "",
            "due_ms": self._due_ms(seen.due),
            "promised": seen.promised or "",
            "promised_ms": self._due_ms(seen.promised),
            "started_ms": _ms(seen.started_at),
            "finished_ms": _ms(seen.finished_at),
            "received_ms": _ms(seen.received_at),
            "shipped_ms": _ms(seen.shipped_at),
            "percent": _number(seen.percent),
            "void": 0,
        }

    def _session(self, operation: Operation, session: Session) -> Fact:
        seconds = dict.fromkeys(Cause, 0.0)
        for span in session.spans:
            seconds[span.cause] += max(0.0, ((span.end or self.until) - span.start).total_seconds())
        return Fact(
            self.firm,
            "session",
            (self._tag, ("operation", tag(operation.no)), ("station", tag(session.station))),
            nanoseconds(session.opened_at),
            {
                "firm": operation.firm,
                "edge": session.edge,
                "ticket": session.ticket,
                "phase": session.phase.value,
                "open": int(session.phase is not Phase.FINISHED and session.closed_at is None),
                "reason": session.reason or "",
                "good": session.good.total,
                "scrap": session.scrap.total,
                "rework": session.rework.total,
                "hold": session.hold.total,
                "good_quality": _quality(session.good),
                "since_ms": _ms(session.phase_since),
                "closed_ms": _ms(session.closed_at),
                "run_s": seconds[Cause.RUN],
                "setup_s": seconds[Cause.SETUP],
                "paused_s": seconds[Cause.PAUSED],
                "external_s": seconds[Cause.WAIT_EXTERNAL],
                "approximate": int(session.approximate),
                "void": 0,
            },
        )

    def _times(self, charges: Sequence[Charge]) -> list[Fact]:
        totals: dict[tuple[str, str], float] = {}
        for charge in charges:
            end = min(charge.end, self.until)
            if end > charge.start and (charge.firm == self.firm or self._full):
                place = (charge.cause.value, charge.firm)
                totals[place] = totals.get(place, 0.0) + (end - charge.start).total_seconds()
        return [
            Fact(
                self.firm,
                "order_time",
                (self._tag, ("cause", cause), ("firm", tag(firm))),
                self.released_ns,
                {"seconds": seconds, "void": 0},
            )
            for (cause, firm), seconds in sorted(totals.items())
        ]


def _order_tag(order: OrderState) -> tuple[str, str]:
    return ("order", tag(order.number or order.key))


def _handovers(order: OrderState) -> list[tuple[tuple[str | None, ...], Fact]]:
    """Return each hand-over once, with the firms that may know both its counts; its `firm` is still to be filled in."""
    found: list[tuple[tuple[str | None, ...], Fact]] = []
    for link in order.links:
        source, target = order.operation(link.source), order.operation(link.target)
        if source is None or target is None:
            continue
        tags = (_order_tag(order), ("source", tag(source.firm)), ("target", tag(target.firm)))
        for transfer in link.transfers:
            if at := transfer.shipped_at or transfer.received_at:
                fields = _transfer(transfer, link)
                parties = (source.firm, target.firm, order.coordinator)
                found.append((parties, Fact("", "handover", tags, nanoseconds(at), fields)))
    return found


def _transfer(transfer: Transfer, link: Link) -> dict[str, Value]:
    sent, received = transfer.sent, transfer.received
    return {
        "id": transfer.id,
        "ticket": transfer.ticket,
        "source_operation": link.source,
        "target_operation": link.target,
        "shipped_ms": _ms(transfer.shipped_at),
        "received_ms": _ms(transfer.received_at),
        "sent": sent.total if sent else UNKNOWN,
        "sent_quality": _quality(sent) if sent else "",
        "received": received.total if received else UNKNOWN,
        "received_quality": _quality(received) if received else "",
        "boxes_sent": _number(transfer.boxes_sent),
        "boxes_received": _number(transfer.boxes_received),
        "implied": int(transfer.implied),
        "void": 0,
    }


def machine_fact(firm: str, edge: str, station: str, *, state: str, since: datetime, at: datetime, seq: int) -> Fact:
    """Return a machine's change of state, at the moment it began. `seq` keeps changes of one instant apart."""
    return Fact(
        firm,
        "machine",
        _machine_tags(edge, station),
        nanoseconds(since) + seq % 1000,
        {"state": state, "at_ms": _ms(at), "void": 0},
    )


def count_fact(firm: str, edge: str, station: str, *, signal: str, total: int, at: datetime, seq: int) -> Fact:
    """Return one reading of a cumulative counter."""
    return Fact(
        firm,
        "count",
        _count_tags(edge, station, signal),
        nanoseconds(at) + seq % 1000,
        {"total": total, "void": 0},
    )


def station_owner(firm: str, edge: str, station: str) -> str:
    """Return who owns what a station's machine says, in the state."""
    return f"s:{firm}/{edge}/{station}"


def machine_series(firm: str, edge: str, station: str) -> tuple[str, str, str]:
    """Return where a machine's changes of state stand: firm, measurement, tags."""
    return firm, "machine", _tags(_machine_tags(edge, station))


def count_series(firm: str, edge: str, station: str, signal: str) -> tuple[str, str, str]:
    """Return where one counter's readings stand: firm, measurement, tags."""
    return firm, "count", _tags(_count_tags(edge, station, signal))


def _machine_tags(edge: str, station: str) -> tuple[tuple[str, str], ...]:
    return ("edge", edge), ("station", station)


def _count_tags(edge: str, station: str, signal: str) -> tuple[tuple[str, str], ...]:
    return (*_machine_tags(edge, station), ("signal", tag(signal)))


def edge_fact(firm: str, edge: str, at: datetime, *, committed: int, waiting: int, missing: int, lost: int) -> Fact:
    """Return how one edge stands: what it announced and has not sent, what is missing, what is lost for good."""
    return Fact(
        firm,
        "edge",
        (("edge", edge),),
        nanoseconds(at),
        {"committed": committed, "waiting": waiting, "missing": missing, "lost": lost, "void": 0},
    )


def _number(value: int | None) -> int:
    return UNKNOWN if value is None else value


def _quality(amount: Amount) -> str:
    return amount.quality.value if amount.total else Quality.COUNTED.value


def _ms(at: datetime | None) -> int:
    return UNKNOWN if at is None else (at - _EPOCH) // (_MICROSECOND * 1000)
