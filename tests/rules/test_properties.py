"""What holds for any rows in any order: one state, sums that fit, and nothing assumed that passes as counted."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.events import Action, Correction, IssuedTicket, Level, Order, OrderAction, OrderPart, Quality, Ref, Work
from gateway.rules.account import order_account
from gateway.rules.fold import fold
from gateway.rules.order import Amount, OrderState
from gateway.rules.sharing import view
from tests.rules.floor import ASSUMED, EPOCH, KEY, Floor, T, at, counted, steps

FIRMS = ("a", "b", "gateway")
ROUTINGS = ("10:a", "10:a 20:a", "10:a 20:b", "10:a 20:b 30:a", "10:b 20:a 30:a 40:b")
TICKETS = (T, "AAAAAA", "BBBBBB")
AMOUNTS = (None, ASSUMED, *(counted(n) for n in (0, 1, 20, 48, 50, 700)))
LAST = at(100_000)

minutes = st.integers(0, 600)
firms = st.sampled_from(FIRMS)
tickets = st.sampled_from(TICKETS)
operations = st.sampled_from([None, 10, 20, 30, 99])
amounts = st.sampled_from(AMOUNTS)
whoever = st.builds(
    Ref,
    author=st.sampled_from(["a/e1", "b/e1", "gateway"]),
    epoch=st.just(EPOCH),
    seq=st.integers(1, 12),
)


@st.composite
def floors(draw: st.DrawFn) -> Floor:
    """An order and up to twenty things that happened to it, sensible or not."""
    quantity = draw(st.sampled_from([None, 0, 50]))
    floor = Floor(
        draw(st.sampled_from(["", *ROUTINGS])),
        quantity=quantity,
        created=draw(minutes),
        coordinator=draw(st.sampled_from([None, "a", "k"])),
    )
    for _ in range(draw(st.integers(0, 20))):
        draw(st.sampled_from(DEEDS))(floor, draw)
    return floor


def _work(floor: Floor, draw: st.DrawFn) -> None:
    fields: dict[str, Any] = {name: draw(amounts) for name in ("good", "scrap", "rework", "hold")}
    if draw(st.booleans()):
        fields = {"good": fields["good"]}
    floor.work(
        draw(firms),
        draw(operations),
        draw(minutes),
        draw(st.sampled_from(list(Action))),
        ticket=draw(tickets),
        station=draw(st.sampled_from(["m1", "m2"])),
        closes=draw(st.none() | whoever),
        as_of=draw(st.none() | minutes.map(at)),
        reason=draw(st.sampled_from([None, "MATERIAL", "SHIFT_END"])),
        **fields,
    )


def _job(floor: Floor, draw: st.DrawFn) -> None:
    start, length = draw(minutes), draw(st.integers(0, 100))
    fields: dict[str, Any] = {} if draw(st.booleans()) else {"good": draw(amounts)}
    floor.job(draw(st.sampled_from("ab")), draw(operations), start, start + length, ticket=draw(tickets), **fields)


def _hand(floor: Floor, draw: st.DrawFn) -> None:
    way = floor.ship if draw(st.booleans()) else floor.receive
    fields: dict[str, Any] = {"id": draw(st.sampled_from(["van-1", "van-2"]))} if draw(st.booleans()) else {}
    count = draw(st.sampled_from([None, 0, 20, 50]))
    way(draw(firms), draw(minutes), count, ticket=draw(tickets), operation=draw(operations), **fields)


def _void(floor: Floor, draw: st.DrawFn) -> None:
    floor.void(draw(firms), draw(minutes), draw(whoever))


def _split(floor: Floor, draw: st.DrawFn) -> None:
    floor.split("a", draw(minutes), draw(tickets), draw(st.sampled_from([None, 0, 20])), parent=draw(tickets))


def _office(floor: Floor, draw: st.DrawFn) -> None:
    deed = draw(st.sampled_from(["reroute", "cancel", "hold", "change", "issue", "grant", "settle", "adopt"]))
    minute = draw(minutes)
    if deed == "reroute":
        routing = steps(draw(st.sampled_from(ROUTINGS)))
        floor.order(minute, OrderAction.REROUTED, routing=routing, version=2)
    elif deed == "cancel":
        floor.order(minute, OrderAction.CANCELLED)
    elif deed == "hold":
        floor.order(minute, OrderAction.HELD)
    elif deed == "change":
        floor.order(minute, OrderAction.CHANGED, part=OrderPart(quantity=draw(st.sampled_from([0, 40, 60])), spare=2))
    elif deed == "issue":
        issued = IssuedTicket(id=draw(tickets), quantity=30, issue=2, replaces=draw(st.none() | tickets))
        floor.order(minute, OrderAction.CHANGED, tickets=(issued,))
    elif deed == "grant":
        floor.grant(minute, draw(st.sampled_from("abz")), draw(st.none() | st.sampled_from(list(Level))))
    elif deed == "settle":
        flag = draw(st.sampled_from(["counts_differ", "over_quantity", "shortfall"]))
        floor.settle(minute, flag, draw(operations), good=draw(st.none() | st.just(10)))
    else:
        floor.adopt(minute, draw(tickets))


DEEDS = [_work, _work, _job, _job, _job, _hand, _hand, _void, _split, _office]
often = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@often
@given(floors(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_and_any_repetition_of_the_same_rows_give_the_same_state(
    floor: Floor, random: Any
) -> None:
    expected = floor.state
    shuffled = floor.rows + random.choices(floor.rows, k=5) if floor.rows else []
    random.shuffle(shuffled)
    assert fold(KEY, shuffled) == expected


@often
@given(floors(), minutes)
def test_the_orders_account_sums_to_the_lead_time_without_gap_or_overlap(floor: Floor, until: int) -> None:
    state = floor.state
    for end in (at(until), LAST):
        account = order_account(state, end)
        if state.released_at is None or not account:
            assert state.released_at is None or end <= state.released_at or state.operations == () or over(state)
            continue
        assert account[0].start == state.released_at
        assert all(one.end == other.start for one, other in pairwise(account))
        assert account[-1].end == min(end, state.delivered_at or end) or over(state)
        lead = account[-1].end - account[0].start
        assert sum((one.end - one.start for one in account), timedelta()) == lead
        assert all(one.end > one.start for one in account)


def over(state: OrderState) -> bool:
    return state.state == "cancelled" or state.delivered_at == state.released_at


@often
@given(floors())
def test_no_number_of_pieces_is_ever_below_nought_and_sessions_never_say_more_than_their_operation(
    floor: Floor,
) -> None:
    for operation in floor.state.operations:
        assert operation.remaining is None or operation.remaining >= 0
        if operation.available is not None:
            assert operation.good.assumed + operation.scrap.assumed <= operation.available + operation.rework.total
        for name in ("good", "scrap", "rework", "hold"):
            total: Amount = getattr(operation, name)
            parts: list[Amount] = [getattr(session, name) for session in operation.sessions]
            for quality in ("counted", "machine", "assumed"):
                assert 0 <= sum(getattr(part, quality) for part in parts) <= getattr(total, quality)
    for link in floor.state.links:
        assert min(link.sent, link.received, link.available) >= 0


@often
@given(floors())
def test_nothing_assumed_passes_as_counted(floor: Floor) -> None:
    """Every counted piece in the state is one that some row counted: never more, wherever it ends up."""
    state = floor.state
    for name in ("good", "scrap", "rework", "hold"):
        said = 0
        for row in {row.key: row for row in floor.rows}.values():
            quantity = getattr(row.event, name, None) if isinstance(row.event, Work) else None
            if quantity is not None and quantity.q is Quality.COUNTED:
                said += quantity.n
        assert sum(getattr(operation, name).counted for operation in state.operations) <= said


@often
@given(floors())
def test_pieces_nobody_counted_never_make_a_lot_larger(floor: Floor) -> None:
    """What is assumed to have crossed to another firm fits, with what was counted, into what there was to send."""
    state = floor.state
    for link in state.links:
        source = state.operation(link.source)
        assert source
        if source.planned is None or not link.transfers:
            continue
        there_was = max(source.good.total, source.planned - source.scrap.total)
        counted = sum(_counted(transfer.sent, transfer.received) for transfer in link.transfers)
        assert link.available <= max(there_was, counted)


def _counted(*sides: Amount | None) -> int:
    return max((side.total for side in sides if side and side.quality is not Quality.ASSUMED), default=0)


@often
@given(floors())
def test_no_time_runs_backwards_and_every_view_can_travel(floor: Floor) -> None:
    state = floor.state
    for operation in state.operations:
        for session in operation.sessions:
            assert session.closed_at is None or session.closed_at >= session.opened_at
            for span, after in pairwise(session.spans):
                assert span.end is not None
                assert span.start < span.end <= after.start
        assert all(span.end is None or span.end >= span.start for span in operation.own)
    for viewer in ("a", "b", "k", "z"):
        seen = view(state, viewer)
        assert seen is None or type(seen).decode(seen.encode()) == seen


@often
@given(floors())
def test_a_firm_changes_only_its_own_operations(floor: Floor) -> None:
    """Without what firm b recorded, the sessions at firm a's operations are the same."""
    orders = [row for row in floor.rows if isinstance(row.event, Order)]
    if any(row.event.action is OrderAction.REROUTED for row in orders if isinstance(row.event, Order)):
        return
    if any(isinstance(row.event, Correction) and row.key[0] == "gateway" for row in floor.rows):
        return
    if not any(isinstance(row.event, Order) and row.event.routing for row in floor.rows):
        return
    explicit = [row for row in floor.rows if not isinstance(row.event, Work) or _stands_alone(row.event)]
    assert _starts(fold(KEY, explicit)) == _starts(fold(KEY, [row for row in explicit if row.firm != "b"]))


def _stands_alone(work: Work) -> bool:
    """It names its operation, and no start of firm b."""
    return work.operation is not None and (work.closes is None or work.closes.author != "b/e1")


def _starts(state: OrderState) -> Counter[tuple[str, str, int]]:
    return Counter(
        session.start for operation in state.operations if operation.firm == "a" for session in operation.sessions
    )
