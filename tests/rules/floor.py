"""A shop floor on paper: rows of one order, written down as what people did at which minute of a morning."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.events import (
    Action,
    Adopt,
    AnyEvent,
    ClockQuality,
    Correction,
    Event,
    Grant,
    Handover,
    HandoverAction,
    IssuedTicket,
    Level,
    Order,
    OrderAction,
    OrderPart,
    Paper,
    Printed,
    Promise,
    Quality,
    Quantity,
    Ref,
    Scan,
    Settlement,
    Split,
    Step,
    Work,
    encode,
)
from gateway.rules.fold import fold
from gateway.rules.order import Operation, OrderState, State
from gateway.rules.row import Row
from gateway.rules.stamp import Stamped, stamp

EIGHT = datetime(2026, 11, 20, 8, tzinfo=UTC)
T = "7K3Q9F"
EPOCH = "00000000000000aa"
KEY = "order-1"
ASSUMED = Quantity(q=Quality.ASSUMED)


def at(minute: float) -> datetime:
    """The moment so many minutes after eight."""
    return EIGHT + timedelta(minutes=minute)


def counted(n: int | None) -> Quantity | None:
    return None if n is None else Quantity(n=n, q=Quality.COUNTED)


def row(event: AnyEvent, author: str, seq: int, **clocks: Any) -> Row:
    """A row that arrived a second after its event, in a synced bundle, unless told otherwise."""
    received = clocks.pop("received_at", None) or event.at + timedelta(seconds=1)
    given: dict[str, Any] = {
        "received_at": received,
        "bundle_at": received,
        "bundle_mono_ms": 0,
        "bundle_boot": "b0",
        "bundle_clock": ClockQuality.SYNCED,
    }
    return Row(seq, author, EPOCH, seq, encode(event), **{**given, **clocks})


class Floor:
    """One order; every method records one event and returns how it is named."""

    def __init__(
        self,
        routing: str = "10:a",
        *,
        quantity: int | None = 50,
        created: float = 0,
        tickets: Iterable[IssuedTicket] | None = None,
        **part: Any,
    ) -> None:
        self.rows: list[Stamped] = []
        self._numbers: dict[str, int] = {}
        if routing:
            issued = tickets if tickets is not None else [IssuedTicket(id=T, quantity=quantity or 0)]
            self.order(
                created,
                OrderAction.CREATED,
                part=OrderPart(number="4471", quantity=quantity, **part),
                routing=steps(routing),
                tickets=tuple(issued) if quantity is not None or tickets is not None else (),
            )

    def record(self, who: str, minute: float, kind: type[Event], **fields: Any) -> Ref:
        """Record any event by an author: a firm (its edge e1), `firm/edge`, or `gateway`."""
        author = who if who == "gateway" or "/" in who else f"{who}/e1"
        seq = self._numbers[author] = self._numbers.get(author, 0) + 1
        clock = {"at": at(minute), "mono_ms": 0, "boot": "b0", "clock": ClockQuality.SYNCED}
        event: Any = kind(**{**clock, **fields})
        self.rows.append(stamp(row(event, author, seq, received_at=max(at(minute), at(0)) + timedelta(days=99)), event))
        return Ref(author=author, epoch=EPOCH, seq=seq)

    def order(self, minute: float, action: OrderAction, **fields: Any) -> Ref:
        return self.record("gateway", minute, Order, action=action, order=KEY, **fields)

    def work(self, who: str, operation: int | None, minute: float, action: Action, **fields: Any) -> Ref:
        for name in ("good", "scrap", "rework", "hold"):
            if isinstance(fields.get(name), int):
                fields[name] = counted(fields[name])
        place = {"ticket": T, "station": "m1", "operation": operation}
        return self.record(who, minute, Work, action=action, **{**place, **fields})

    def start(self, who: str, operation: int | None, minute: float, **fields: Any) -> Ref:
        return self.work(who, operation, minute, Action.START, **fields)

    def setup(self, who: str, operation: int | None, minute: float, **fields: Any) -> Ref:
        return self.work(who, operation, minute, Action.SETUP, **fields)

    def pause(self, who: str, operation: int | None, minute: float, **fields: Any) -> Ref:
        return self.work(who, operation, minute, Action.PAUSE, **fields)

    def finish(self, who: str, operation: int | None, minute: float, **fields: Any) -> Ref:
        return self.work(who, operation, minute, Action.FINISH, **fields)

    def report(self, who: str, operation: int | None, minute: float, **fields: Any) -> Ref:
        return self.work(who, operation, minute, Action.REPORT, **fields)

    def job(self, who: str, operation: int | None, start: float, end: float, **fields: Any) -> Ref:
        """Start and finish; numbers go to the finish. Returns the start."""
        numbers = {name: fields.pop(name) for name in ("good", "scrap", "rework", "hold") if name in fields}
        began = self.start(who, operation, start, **fields)
        self.finish(who, operation, end, closes=began, **fields, **numbers)
        return began

    def ship(self, who: str, minute: float, n: int | None = None, **fields: Any) -> Ref:
        return self._hand(who, minute, HandoverAction.SHIP, n, fields)

    def receive(self, who: str, minute: float, n: int | None = None, **fields: Any) -> Ref:
        return self._hand(who, minute, HandoverAction.RECEIVE, n, fields)

    def _hand(self, who: str, minute: float, action: HandoverAction, n: int | None, fields: dict[str, Any]) -> Ref:
        name = f"{action.value}-{len(self.rows)}"
        given = {"ticket": T, "id": name, "quantity": counted(n)}
        return self.record(who, minute, Handover, action=action, **{**given, **fields})

    def void(self, who: str, minute: float, ref: Ref, **fields: Any) -> Ref:
        return self.record(who, minute, Correction, voids=ref, why="undo", **fields)

    def split(self, who: str, minute: float, child: str, n: int | None = None, parent: str = T) -> Ref:
        return self.record(who, minute, Split, parent=parent, child=child, quantity=counted(n))

    def adopt(self, minute: float, ticket: str = T, order: str = KEY, **fields: Any) -> Ref:
        return self.record("gateway", minute, Adopt, ticket=ticket, order=order, **fields)

    def printing(self, minute: float, *tickets: str, who: str = "gateway", paper: Paper = Paper.A4) -> Ref:
        return self.record(who, minute, Printed, tickets=tickets or (T,), paper=paper, by="sato")

    def scan(self, who: str, minute: float, why: str, **fields: Any) -> Ref:
        return self.record(who, minute, Scan, text="7K3Q9F.20-R", why=why, **fields)

    def grant(self, minute: float, viewer: str, level: Level | None, **fields: Any) -> Ref:
        return self.record("gateway", minute, Grant, order=KEY, viewer=viewer, level=level, **fields)

    def promise(self, minute: float, operation: int, **dates: Any) -> Ref:
        return self.record("gateway", minute, Promise, order=KEY, operation=operation, **dates)

    def settle(self, minute: float, flag: str, operation: int | None, **fields: Any) -> Ref:
        given = {"order": KEY, "flag": flag, "operation": operation, "decision": "agreed"}
        return self.record("gateway", minute, Settlement, **{**given, **fields})

    @property
    def state(self) -> OrderState:
        """The order as it stands."""
        return fold(KEY, self.rows)

    def op(self, no: int) -> Operation:
        """One operation as it stands."""
        found = self.state.operation(no)
        assert found is not None, f"there is no operation {no}"
        return found

    def states(self) -> dict[int, State]:
        return {operation.no: operation.state for operation in self.state.operations}

    def flags(self) -> list[tuple[str, int | None]]:
        """What waits for a person: code and operation."""
        return [(flag.code, flag.operation) for flag in self.state.flags if flag.settled is None]


def steps(routing: str) -> tuple[Step, ...]:
    """`10:a 20:b` is turning at firm a, then something at firm b."""
    return tuple(
        Step(no=int(no), name=f"step {no}", firm=firm)
        for no, _, firm in (part.partition(":") for part in routing.split())
    )
