"""What an order's state says: its own row, its operations, sessions, times and hand-overs, for each firm its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from broker.events import Quality
from broker.messages import OperationView, OrderView
from gateway.facts import EPOCH, UNKNOWN, Fact, Value, index, milliseconds, nanoseconds, tag
from gateway.rules.account import Charge, operation_account
from gateway.rules.order import Amount, Cause, Link, Operation, OrderState, Phase, Session, Transfer

_DAY_SECONDS = 86_400
_SECONDS = {cause: f"{cause.value}_s" for cause in Cause}
_HIDDEN: dict[str, Value] = {
    **dict.fromkeys(("since_ms", "rework", "available", "planned", "sessions", "open"), UNKNOWN),
    **dict.fromkeys(_SECONDS.values(), float(UNKNOWN)),
}
"""What is told of an operation only to its own firm, or where everything is granted."""


def order_facts(
    order: OrderState, views: Mapping[str, OrderView], charges: Sequence[Charge], zone: tzinfo
) -> dict[tuple[str, str, str, int], str]:
    """Return everything that one order writes, for each firm no more than its view holds.

    `charges` is the order's account up to its delivery or its latest event; `zone` is where a due date ends.
    """
    released = order.released_at or order.last_at or EPOCH
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
                "released_ms": milliseconds(released if whole else None),
                "delivered_ms": milliseconds(order.delivered_at if whole else None),
                "last_ms": milliseconds(view.at),
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
        return milliseconds(self._end_of(date.fromisoformat(day))) if day else UNKNOWN

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
            "since_ms": milliseconds(operation.state_since),
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
            "started_ms": milliseconds(seen.started_at),
            "finished_ms": milliseconds(seen.finished_at),
            "received_ms": milliseconds(seen.received_at),
            "shipped_ms": milliseconds(seen.shipped_at),
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
                "since_ms": milliseconds(session.phase_since),
                "closed_ms": milliseconds(session.closed_at),
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
        "shipped_ms": milliseconds(transfer.shipped_at),
        "received_ms": milliseconds(transfer.received_at),
        "sent": sent.total if sent else UNKNOWN,
        "sent_quality": _quality(sent) if sent else "",
        "received": received.total if received else UNKNOWN,
        "received_quality": _quality(received) if received else "",
        "boxes_sent": _number(transfer.boxes_sent),
        "boxes_received": _number(transfer.boxes_received),
        "implied": int(transfer.implied),
        "void": 0,
    }


def _number(value: int | None) -> int:
    return UNKNOWN if value is None else value


def _quality(amount: Amount) -> str:
    return amount.quality.value if amount.total else Quality.COUNTED.value
