"""A morning in a small cluster, as OrderState values: four firms, ten orders in every situation a board must show."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from broker.events import OperationKind
from gateway.rules.order import (
    Amount,
    Cause,
    Flag,
    Link,
    Operation,
    OrderState,
    Phase,
    Session,
    Span,
    State,
    Ticket,
    Transfer,
)
from gateway.settings import Firm

ZONE = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 20, 9, 28, tzinfo=ZONE)
TODAY = NOW.date()

FIRMS = (
    Firm(id="turning", name="旋盤工場", name_en="Turning"),
    Firm(id="grinding", name="研削工場", name_en="Grinding", machine_figures=True),
    Firm(id="plating", name="めっき工場", name_en="Plating"),
    Firm(id="inspection", name="検査工場", name_en="Inspection"),
)
STATIONS = {"turning": "lathe-1", "grinding": "grinder-1", "plating": "tank-2", "inspection": "bench-1"}
_KINDS = {"plating": OperationKind.SPECIAL, "inspection": OperationKind.INSPECTION}
ROUTE = (("turning", "旋削"), ("grinding", "円筒研削"), ("plating", "硬質クロムめっき"), ("inspection", "最終検査"))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026 in Japan."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def session(
    station: str, phase: Phase, opened: datetime, closed: datetime | None, *, ticket: str, reason: str | None = None
) -> Session:
    cause = {Phase.SETUP: Cause.SETUP, Phase.PAUSED: Cause.PAUSED}.get(phase, Cause.RUN)
    return Session(
        ticket=ticket,
        station=station,
        edge="edge",
        start=("turning/edge", "0" * 16, 1),
        phase=phase,
        opened_at=opened,
        phase_since=closed or opened,
        closed_at=closed,
        spans=(Span(cause, opened, closed),),
        reason=reason,
    )


def operation(
    no: int,
    name: str,
    firm: str,
    state: State,
    *,
    planned: int,
    good: Amount | None = None,
    since: datetime | None = None,
    started: datetime | None = None,
    finished: datetime | None = None,
    due: date | None = None,
    ticket: str = "7K3Q9F",
    reason: str | None = None,
    station: str | None = None,
    scrap: int = 0,
) -> Operation:
    """One operation with one session that fits its state."""
    phases = {State.RUNNING: Phase.RUNNING, State.SETUP: Phase.SETUP, State.PAUSED: Phase.PAUSED}
    where = station or STATIONS[firm]
    sessions: tuple[Session, ...] = ()
    own: tuple[Span, ...] = ()
    if state in phases:
        begun = started or since or NOW
        sessions = (
            replace(
                session(where, phases[state], begun, None, ticket=ticket, reason=reason), phase_since=since or begun
            ),
        )
        cause = {State.SETUP: Cause.SETUP, State.PAUSED: Cause.PAUSED}.get(state, Cause.RUN)
        split = since or begun
        own = (
            (Span(Cause.RUN, begun, split), Span(cause, split, None, reason))
            if split > begun
            else (Span(cause, begun, None, reason),)
        )
    elif state is State.DONE and started and finished:
        sessions = (session(where, Phase.FINISHED, started, finished, ticket=ticket),)
        setup = started + (finished - started) / 6
        own = (Span(Cause.SETUP, started, setup), Span(Cause.RUN, setup, finished))
    done = good or (Amount(planned - scrap) if state is State.DONE else Amount())
    return Operation(
        no=no,
        name=name,
        firm=firm,
        kind=_KINDS.get(firm, OperationKind.MACHINING),
        state=state,
        state_since=since or finished,
        station=where,
        due=due,
        available=planned if state is not State.WAITING else 0,
        remaining=max(0, planned - done.total - scrap),
        planned=planned,
        good=done,
        scrap=Amount(scrap),
        started_at=started,
        finished_at=finished,
        sessions=sessions,
        own=own,
    )


def order(
    number: str | None,
    part: str,
    quantity: int,
    operations: Sequence[Operation],
    *,
    due: date | None,
    links: Sequence[Link] = (),
    flags: Sequence[Flag] = (),
    key: str | None = None,
    delivered: datetime | None = None,
    held: bool = False,
    released: datetime | None = None,
    drawing: str | None = None,
    tickets: Sequence[Ticket] = (),
) -> OrderState:
    """One order as the fold would leave it."""
    done = all(one.state is State.DONE for one in operations)
    return OrderState(
        key=key or f"k{number}",
        known=number is not None,
        number=number,
        state=State.DONE if done else next(one.state for one in operations if one.state is not State.DONE),
        held=held,
        released_at=released or at(16, 8, 30),
        delivered_at=delivered,
        last_at=NOW,
        part=part,
        drawing=drawing or (f"MS-{number}" if number else None),
        revision="B",
        material="S45C",
        size="φ32×120",
        quantity=quantity or None,
        spare=2,
        due=due,
        coordinator="turning",
        own_number=f"26-{number}" if number else None,
        operations=tuple(operations),
        links=tuple(links),
        tickets=tuple(tickets) or (Ticket("7K3Q9F", 1, quantity),),
        flags=tuple(flags),
        rows=12,
    )


def transfer(
    ident: str,
    shipped: datetime | None,
    received: datetime | None,
    sent: int | None,
    arrived: int | None,
    *,
    implied: bool = False,
) -> Transfer:
    return Transfer(
        id=ident,
        ticket="7K3Q9F",
        shipped_at=shipped,
        received_at=received,
        sent=None if sent is None else Amount(sent),
        received=None if arrived is None else Amount(arrived),
        boxes_sent=2 if sent else None,
        boxes_received=2 if arrived else None,
        implied=implied,
    )


def _steps(*states: Operation) -> tuple[Operation, ...]:
    return states


def _plan(upto: int, planned: int, due: int) -> list[Operation]:
    """The steps after `upto`, all still to come."""
    return [
        operation(10 * n, name, firm, State.WAITING if n > 1 else State.READY, planned=planned, due=date(2026, 11, due))
        for n, (firm, name) in enumerate(ROUTE, 1)
        if n > upto
    ]


def _with_waits(state: OrderState) -> OrderState:
    """Give 4471 the times between sessions that the fold would find."""
    turned, ground, *rest = state.operations
    turned = replace(turned, own=(*turned.own, Span(Cause.WAIT_SHIP, at(18, 15, 10), at(18, 16, 30))))
    ground = replace(
        ground,
        own=(
            Span(Cause.TRANSIT, at(18, 16, 30), at(19, 8, 15)),
            Span(Cause.QUEUE, at(19, 8, 15), at(19, 14, 20)),
            Span(Cause.RUN, at(19, 14, 20), at(19, 17)),
            Span(Cause.PAUSED, at(19, 17), at(19, 20), "SHIFT_END"),
            Span(Cause.WAIT_EXTERNAL, at(19, 20), at(20, 8, 6), "MATERIAL"),
            Span(Cause.RUN, at(20, 8, 6), None),
        ),
    )
    return replace(state, operations=(turned, ground, *rest))


def running() -> OrderState:
    """4471: turned, lies at grinding and runs there since 8:06, scrap at 10, counts that differ, an assumed count."""
    return _with_waits(
        order(
            "4471",
            "スピンドル軸",
            50,
            [
                operation(
                    10,
                    "旋削",
                    "turning",
                    State.DONE,
                    planned=50,
                    scrap=2,
                    started=at(17, 8, 40),
                    finished=at(18, 15, 10),
                ),
                operation(
                    20,
                    "円筒研削",
                    "grinding",
                    State.RUNNING,
                    planned=48,
                    good=Amount(counted=20, assumed=12),
                    since=at(20, 8, 6),
                    started=at(19, 14, 20),
                    due=date(2026, 11, 20),
                ),
                *_plan(2, 48, 25),
            ],
            due=date(2026, 11, 26),
            links=[
                Link(10, 20, 48, 47, 47, (transfer("t1", at(18, 16, 30), at(19, 8, 15), 48, 47),)),
                Link(20, 30),
                Link(30, 40),
            ],
            flags=[
                Flag("counts_differ", 20, at(19, 8, 15), (("sent", "48"), ("received", "47"))),
                Flag("forgotten_finish", 10, at(17, 17, 30), settled="office"),
            ],
            tickets=[
                Ticket("7K3Q9F", 1, 30),
                Ticket("B2M8XR", 2, 20, parent="7K3Q9F"),
                Ticket("00AAZZ", 1, 30, old=True),
            ],
        )
    )


def orders() -> list[OrderState]:
    """Every situation once, in no particular order."""
    nov = lambda day: date(2026, 11, day)  # noqa: E731
    turned = {"started": at(18, 9), "finished": at(19, 16, 40)}
    done = [
        operation(10, "旋削", "turning", State.DONE, planned=20, started=at(10, 9), finished=at(11, 16)),
        operation(20, "円筒研削", "grinding", State.DONE, planned=20, started=at(12, 9), finished=at(13, 12)),
        operation(30, "硬質クロムめっき", "plating", State.DONE, planned=20, started=at(16, 9), finished=at(17, 12)),
    ]
    return [
        running(),
        order(
            "4465",
            "ガイドブッシュ",
            120,
            [
                *done[:2],
                operation(
                    30,
                    "硬質クロムめっき",
                    "plating",
                    State.PAUSED,
                    planned=120,
                    good=Amount(40),
                    since=at(20, 8, 50),
                    started=at(19, 13),
                    reason="QUALITY",
                ),
                *_plan(3, 120, 19),
            ],
            due=nov(18),
            links=[Link(10, 20, 120, 120, 120), Link(20, 30, 120, 120, 120), Link(30, 40)],
            flags=[Flag("shortfall", 20, at(13, 12))],
        ),
        order(
            "4468",
            "ピストンロッド",
            24,
            [
                operation(10, "旋削", "turning", State.DONE, planned=24, **turned),
                operation(
                    20, "円筒研削", "grinding", State.DONE, planned=24, started=at(19, 17), finished=at(20, 7, 55)
                ),
                operation(30, "硬質クロムめっき", "plating", State.IN_TRANSIT, planned=24, since=at(20, 8, 40)),
                *_plan(3, 24, 20),
            ],
            due=nov(20),
            links=[
                Link(10, 20, 24, 24, 24, (transfer("t2", at(19, 16, 50), at(19, 17), 24, 24, implied=True),)),
                Link(20, 30, 24, 0, 0, (transfer("t3", at(20, 8, 40), None, 24, None),)),
                Link(30, 40),
            ],
        ),
        order(
            "4474",
            "フランジ",
            60,
            [
                operation(10, "旋削", "turning", State.SETUP, planned=60, since=at(20, 9, 12), station="lathe-2"),
                *_plan(1, 60, 30),
            ],
            due=nov(30),
        ),
        order(
            "4476",
            "カラー",
            200,
            [
                operation(
                    10,
                    "旋削",
                    "turning",
                    State.RUNNING,
                    planned=200,
                    good=Amount(machine=131),
                    since=at(20, 8, 2),
                    station="lathe-3",
                ),
                *_plan(1, 200, 27),
            ],
            due=nov(28),
        ),
        order(
            "4472",
            "ローラー軸",
            16,
            [
                operation(10, "旋削", "turning", State.DONE, planned=16, **turned),
                *_plan(1, 16, 26),
            ],
            due=nov(27),
            links=[Link(10, 20), Link(20, 30), Link(30, 40)],
        ),
        order(
            "4470",
            "テーパーピン",
            300,
            [
                operation(10, "旋削", "turning", State.DONE, planned=300, **turned),
                operation(20, "円筒研削", "grinding", State.READY, planned=300, since=at(20, 8, 20), due=nov(23)),
                *_plan(2, 300, 25),
            ],
            due=nov(25),
            links=[Link(10, 20, 300, 300, 300, (transfer("t4", at(19, 17), at(20, 8, 20), 300, 300),))],
        ),
        order(
            "4462",
            "シャフト",
            20,
            [
                *done,
                operation(
                    40, "最終検査", "inspection", State.RUNNING, planned=20, good=Amount(11), since=at(20, 8, 31)
                ),
            ],
            due=nov(20),
        ),
        order("4478", "スペーサー", 80, _plan(0, 80, 30), due=date(2026, 12, 2)),
        order(
            None,
            "",
            0,
            [
                Operation(
                    no=10,
                    name="",
                    firm="turning",
                    kind=OperationKind.MACHINING,
                    state=State.RUNNING,
                    state_since=at(20, 9, 20),
                    station="lathe-1",
                    sessions=(session("lathe-1", Phase.RUNNING, at(20, 9, 20), None, ticket="XY12Z3"),),
                    own=(Span(Cause.RUN, at(20, 9, 20), None),),
                )
            ],
            due=None,
            key="unknown1",
            flags=[Flag("unknown_number", 10, at(20, 9, 20))],
            tickets=[Ticket("XY12Z3", 1, None)],
        ),
        order(
            "4455",
            "ノズル",
            20,
            [
                *done,
                operation(
                    40, "最終検査", "inspection", State.DONE, planned=20, started=at(17, 14), finished=at(18, 10)
                ),
            ],
            due=nov(18),
            delivered=at(18, 11, 30),
            released=at(9, 9),
        ),
    ]


def later(state: OrderState, minutes: int) -> datetime:
    """A moment after an order's last."""
    return (state.last_at or NOW) + timedelta(minutes=minutes)
