"""The demo's shop floor: the same seed gives the same day, and everything a demo should show happens in it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import islice

import pytest

from broker.clock import Reading
from broker.codes import Card, CardCode, CodeError, StationCode, TicketCode, parse
from broker.events import ClockQuality, Order
from gateway import settings
from gateway.demo.floor import FIRMS, ROUTINGS
from gateway.demo.orders import order_file
from gateway.demo.shop import MINUTE, SHIFT_SECONDS, Chances, Scan, Shop
from gateway.orders.order_file import parse as parse_orders
from gateway.orders.proposals import Known, created

NOW = Reading(datetime(2026, 11, 20, 4, 0, tzinfo=UTC), 0, "0", ClockQuality.SYNCED)
LETTERS = "23456789AB"
QUIET = Chances(**dict.fromkeys(Chances.__dataclass_fields__, 0.0))  # type: ignore[arg-type]


def orders(count: int, seed: int = 1) -> list[Order]:
    data = order_file(count, first=1, today=date(2026, 11, 20), seed=seed, firms=FIRMS)
    known = [settings.Firm(id=firm.id, name=firm.name, name_en=firm.name_en) for firm in FIRMS]
    parsed = parse_orders(data, Known(known, date(2026, 11, 20)))
    assert not parsed.problems, [str(problem) for problem in parsed.problems]
    numbers = iter("".join(LETTERS[int(digit)] for digit in f"{n:06d}") for n in range(10_000))
    return [
        created(
            proposal, key=f"k{n}", number=str(n), tickets=list(islice(numbers, len(proposal.lots))), now=NOW, by="test"
        )
        for n, proposal in enumerate(parsed.proposals, 1001)
    ]


def day(count: int = 60, *, seed: int = 1, chances: Chances | None = None) -> tuple[Shop, list[Scan]]:
    shop = Shop(FIRMS, seed=seed, shift_begun_seconds=7 * 3600, chances=chances)
    for order in orders(count, seed):
        shop.add(order)
    return shop, list(shop.scans())


@pytest.fixture(scope="module")
def lived() -> tuple[Shop, list[Scan]]:
    return day(200)


def codes(scans: Sequence[Scan], card: Card) -> list[Scan]:
    return [scan for scan in scans if isinstance(code := code_of(scan), CardCode) and code.card is card]


def code_of(scan: Scan) -> object:
    if scan.text.isdigit():
        return int(scan.text)
    try:
        return parse(scan.text)
    except CodeError as error:
        return error


def test_the_same_seed_gives_the_same_scans_and_another_seed_others() -> None:
    assert day(20)[1] == day(20)[1]
    assert day(20)[1] != day(20, seed=2)[1]


def test_time_never_goes_back_and_every_scanner_exists(lived: tuple[Shop, list[Scan]]) -> None:
    _, scans = lived
    scanners = {(firm.id, bench.scanner) for firm in FIRMS for bench in firm.benches}
    assert [scan.at for scan in scans] == sorted(scan.at for scan in scans)
    assert {(scan.firm, scan.scanner) for scan in scans} == scanners
    assert len({firm.id for firm in FIRMS}) >= 4


@pytest.mark.parametrize(
    "situation",
    [
        *("parts", "scrap", "hold", "released", "rework", "reworked", "forgotten_finish", "unscanned_receipt"),
        *("three_machines", "setup", "pause", "uncounted", "scanned_twice", "misread", "shipped", "received"),
    ],
)
def test_everything_a_demo_should_show_happens(lived: tuple[Shop, list[Scan]], situation: str) -> None:
    assert lived[0].told[situation] > 0


def test_every_lot_passes_every_step_of_its_routing_in_order() -> None:
    _, scans = day(40, chances=QUIET)
    seen: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for scan in scans:
        if isinstance(code := code_of(scan), TicketCode) and code.operation:
            step = (scan.firm, code.operation)
            if step not in seen[code.ticket]:
                seen[code.ticket].append(step)
    for order in orders(40):
        for ticket in order.tickets:
            assert seen[ticket.id] == [(step.firm, step.no) for step in order.routing or ()]


def test_on_a_quiet_day_each_step_is_started_finished_and_counted_with_all_its_pieces() -> None:
    _, scans = day(40, chances=QUIET)
    counted: Counter[tuple[str, int]] = Counter()
    last: object = None
    for scan in scans:
        code = code_of(scan)
        if isinstance(code, int) and isinstance(last, TicketCode):
            counted[last.ticket, last.operation or 0] += code
        last = code
    for order in orders(40):
        for ticket in order.tickets:
            for step in order.routing or ():
                assert counted[ticket.id, step.no] == ticket.quantity


def test_lots_that_move_in_parts_make_about_as_many_steps_overlap_as_in_a_real_shop() -> None:
    shop, _ = day(200)
    moves = sum(len(order.tickets) * (len(order.routing or ()) - 1) for order in orders(200))
    assert 0.15 < shop.told["parts"] / moves < 0.25, (
        "22 % in the real log; a lot that came in parts does not part again"
    )


def test_waits_have_a_heavy_tail_as_in_a_real_shop() -> None:
    shop = Shop(FIRMS, seed=3)
    waits = sorted(shop.lognormal(5.0, 1.8) for _ in range(4000))
    assert 4.0 < sum(waits) / len(waits) / waits[2000] < 6.5, "mean / median of grinding in the real log: 6.4 d / 1.3 d"


def test_a_forgotten_finish_is_taken_up_by_the_next_shift() -> None:
    shop, scans = day(
        30, chances=Chances(**{**dict.fromkeys(Chances.__dataclass_fields__, 0.0), "forgotten_finish": 1.0})
    )  # type: ignore[arg-type]
    assert shop.told["forgotten_finish"] > 3
    begun = 7 * 3600
    shifts = [int((scan.at + begun) // SHIFT_SECONDS) for scan in scans]
    per_step: defaultdict[str, list[int]] = defaultdict(list)
    for scan, shift in zip(scans, shifts, strict=True):
        if isinstance(code_of(scan), TicketCode):
            per_step[scan.text].append(shift)
    again = [seen for seen in per_step.values() if len(set(seen)) > 1 and len(seen) >= 3]
    assert len(again) >= shop.told["forgotten_finish"] / 2, "started, taken up, finished"


def test_a_man_with_three_machines_says_which_one(lived: tuple[Shop, list[Scan]]) -> None:
    _, scans = lived
    labels = Counter(code.station for scan in scans if isinstance(code := code_of(scan), StationCode))
    defaults = {bench.stations[0] for firm in FIRMS for bench in firm.benches}
    others = {station for firm in FIRMS for bench in firm.benches for station in bench.stations[1:]}
    assert set(labels) == others
    assert not set(labels) & defaults, "the first one needs no label"


def test_receipts_are_sometimes_forgotten_but_goods_never_arrive_before_they_left(
    lived: tuple[Shop, list[Scan]],
) -> None:
    _, scans = lived
    shipped, received = codes(scans, Card.SHIP), codes(scans, Card.RECEIVE)
    assert 0 < len(received) < len(shipped)
    for scan in received:
        assert any(other.ticket == scan.ticket and other.at < scan.at - 5 * MINUTE for other in shipped)


def test_orders_can_be_added_while_the_shop_is_at_work() -> None:
    first, second = orders(2)
    shop = Shop(FIRMS, seed=1)
    shop.add(first)
    scans = []
    for number, scan in enumerate(shop.scans()):
        if number == 3:
            shop.add(second)
        scans.append(scan)
    assert {scan.ticket for scan in scans} == {ticket.id for order in (first, second) for ticket in order.tickets}
    assert [scan.at for scan in scans] == sorted(scan.at for scan in scans)


def test_an_order_for_a_firm_that_is_not_there_is_refused() -> None:
    shop = Shop(FIRMS[:1], seed=1)
    order = next(order for order in orders(5) if {step.firm for step in order.routing or ()} != {FIRMS[0].id})
    with pytest.raises(ValueError, match=rf"^order {order.order} goes to a firm that is not in this shop$"):
        shop.add(order)


def test_the_ways_through_the_firms_name_firms_that_exist() -> None:
    assert {firm for _, way in ROUTINGS for firm in way} == {firm.id for firm in FIRMS}
