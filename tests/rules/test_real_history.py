"""A real job shop's 4,503 reports, folded: every sum of pieces and every worked hour comes out as it went in."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.events import Action, ClockQuality, Order, OrderAction, OrderPart, Quality, Quantity, Ref, Step, Work
from gateway.rules.account import operation_account, order_account
from gateway.rules.fold import fold
from gateway.rules.order import Cause, OrderState, State
from gateway.rules.stamp import Stamped
from tests.rules.floor import EPOCH, T

Totals = dict[tuple[str, str], tuple[int, int, int, timedelta]]
IMPORTED = datetime(2026, 11, 20, tzinfo=UTC)


def history(path: Path) -> dict[str, list[dict[str, str]]]:
    orders = defaultdict(list)
    with path.open(newline="") as file:
        for report in csv.DictReader(file):
            if report["Activity"] not in ("Start", "End"):
                orders[report["Case ID"]].append(report)
    return orders


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)


def number(text: str) -> int:
    return int(float(text or 0))


def rows(reports: list[dict[str, str]]) -> tuple[list[Stamped], dict[str, int]]:
    """The order's rows as an edge would record them: a session a report, each lane a station of its own."""
    steps = {name: 10 * place for place, name in enumerate(dict.fromkeys(one["Activity"] for one in reports), 1)}
    clock: dict[str, Any] = {"at": IMPORTED, "mono_ms": 0, "boot": "b0", "clock": ClockQuality.GIVEN}
    routing = tuple(Step(no=no, name=name, firm="shop") for name, no in steps.items())
    quantity = max((number(one["Qty_Completed"]) for one in reports), default=0)
    created = Order(
        **clock, action=OrderAction.CREATED, order="o", part=OrderPart(number="1", quantity=quantity), routing=routing
    )
    happened: list[tuple[datetime, int, int, str]] = []
    lanes: dict[str, list[datetime]] = defaultdict(list)
    stations = {}
    for place, one in enumerate(sorted(reports, key=lambda one: one["Start Timestamp"])):
        start, end = moment(one["Start Timestamp"]), moment(one["Complete Timestamp"])
        free = lanes[one["Resource"] + one["Activity"]]
        lane = next((number for number, until in enumerate(free) if until < start), len(free))
        free[lane : lane + 1] = [end]
        stations[place] = f"{one['Resource'].lower()}-{lane}"
        happened += [(start, 1, place, "start"), (end, 2, place, "finish")]
    ordered = sorted(reports, key=lambda one: one["Start Timestamp"])
    found = [Stamped(("gateway", EPOCH, 1), created, "gateway", IMPORTED, IMPORTED, True, 1)]
    seq = 0
    starts: dict[int, int] = {}
    for at, _, place, what in sorted(happened):
        one = ordered[place]
        common: dict[str, Any] = {
            **clock,
            "as_of": at,
            "ticket": T,
            "operation": steps[one["Activity"]],
            "station": stations[place],
        }
        if what == "start":
            events = [Work(**common, action=Action.START)]
            starts[place] = seq + 1
        else:
            closes = Ref(author="shop/e1", epoch=EPOCH, seq=starts[place])
            events = [Work(**common, action=Action.FINISH, closes=closes, good=Quantity(q=Quality.ASSUMED))]
            for kind, column in (("good", "Qty_Completed"), ("scrap", "Qty_Rejected"), ("hold", "Qty_for_MRB")):
                n = number(one[column])
                if n or kind == "good":
                    said: dict[str, Any] = {kind: Quantity(n=n, q=Quality.COUNTED)}
                    events.append(Work(**common, action=Action.REPORT, closes=closes, **said))
        for event in events:
            seq += 1
            found.append(Stamped(("shop/e1", EPOCH, seq), event, "shop", at, IMPORTED, True, seq + 1))
    return found, steps


def expected(orders: dict[str, list[dict[str, str]]]) -> Totals:
    totals: Totals = {}
    for order, reports in orders.items():
        for one in reports:
            good, scrap, hold, hours = totals.get((order, one["Activity"]), (0, 0, 0, timedelta()))
            worked = moment(one["Complete Timestamp"]) - moment(one["Start Timestamp"])
            totals[order, one["Activity"]] = (
                good + number(one["Qty_Completed"]),
                scrap + number(one["Qty_Rejected"]),
                hold + number(one["Qty_for_MRB"]),
                hours + worked,
            )
    return totals


@pytest.mark.slow
def test_a_real_shops_history_keeps_every_piece_and_every_hour(data: Path) -> None:
    orders = history(data / "production_4tu_start_end_qty.csv")
    assert (len(orders), sum(map(len, orders.values()))) == (225, 4503)
    found: Totals = {}
    sessions = 0
    for order, reports in orders.items():
        told, steps = rows(reports)
        state = fold("o", told)
        names = {no: name for name, no in steps.items()}
        until = max(row.at for row in told)
        for operation in state.operations:
            worked = timedelta(seconds=operation_account(operation, until)[Cause.RUN])
            good, scrap, hold = operation.good, operation.scrap, operation.hold
            assert good.assumed == scrap.assumed == hold.assumed == 0
            found[order, names[operation.no]] = (good.counted, scrap.counted, hold.counted, worked)
            sessions += len(operation.sessions)
            assert operation.remaining is not None
            assert operation.remaining >= 0
        assert_finished(state)
    assert found == expected(orders)
    assert sessions == 4503


def assert_finished(state: OrderState) -> None:
    """Everything was closed; and where the time went adds up to the lead time."""
    assert state.state is not State.RUNNING
    assert {flag.code for flag in state.flags} <= {"over_quantity", "shortfall"}
    assert state.last_at is not None
    assert state.released_at is not None
    account = order_account(state, state.last_at)
    if account:
        end = state.delivered_at or state.last_at
        assert sum((charge.end - charge.start for charge in account), timedelta()) == end - state.released_at
