"""What would come of a wish of the office, and that the fold then says the very same."""

from datetime import date
from typing import Any

import pytest

from broker.clock import Reading
from broker.events import ClockQuality, IssuedTicket, OrderAction, OrderPart, Step
from broker.words import Word
from gateway.office.plan import Cluster, Paper, Plan, events, plan
from gateway.office.refusals import Impossible
from gateway.office.said import changes, headline, papers, spoken
from gateway.office.wishes import Alter, Cancel, Divide, Give, Hold, Name, NewStep, Release, Reroute, Restep, Wish
from gateway.office.words import change_said, edit_said
from gateway.rules.fold import fold
from gateway.rules.order import Edit, OrderState, State
from gateway.rules.stamp import stamp
from tests.rules.floor import KEY, Floor, T, at, row, steps

FIRMS = {name: Word(f"{name}社", f"Firm {name}") for name in "abck"}
WAY = "10:a 20:b"


def wish(order: OrderState, asked: Wish, routing: str = WAY, target: OrderState | None = None) -> Plan:
    return plan(order, asked, Cluster(steps(routing), FIRMS, target))


def refusal(order: OrderState, asked: Wish, routing: str = WAY, target: OrderState | None = None) -> Word:
    with pytest.raises(Impossible) as caught:
        wish(order, asked, routing, target)
    return caught.value.word


def carried_out(floor: Floor, made: Plan, minute: float = 500, key: str = KEY) -> OrderState:
    """The order once the plan's events are in."""
    now = Reading(at(minute), 0, "b0", ClockQuality.SYNCED)
    ids = [f"NEW{n:03}" for n in range(len(made.papers))]
    said = events(
        made, key=made.key or key, number="5001" if made.key is None else None, ids=ids, now=now, by="Sato", why="test"
    )
    rows = [stamp(row(event, "gateway", 900 + n), event) for n, event in enumerate(said)]
    return fold(key, [*floor.rows, *rows])


def shop(**part: Any) -> Floor:
    return Floor(WAY, coordinator="k", part="shaft", revision="A", due=date(2026, 12, 1), **part)


@pytest.mark.parametrize(
    "asked",
    [
        Alter(OrderPart(quantity=60, due=date(2026, 12, 8), revision="B")),
        Alter(OrderPart(spare=2), cleared=("due",)),
        Alter(OrderPart(customer="Ltd", amount=1)),
        Hold(),
        Hold(5),
        Cancel(),
        Reroute(20, "c"),
        Divide(20),
    ],
    ids=lambda asked: type(asked).__name__,
)
def test_what_is_said_before_is_what_the_history_says_afterwards(asked: Wish) -> None:
    floor = shop()
    made = wish(floor.state, asked)
    change = carried_out(floor, made).history[-1]
    assert (change.by, change.why) == ("Sato", "test")
    assert tuple(edit for edit in change.edits if edit.what != "ticket") == made.edits
    assert sum(edit.what == "ticket" for edit in change.edits) == len(made.papers)


@pytest.mark.parametrize(
    ("part", "old"),
    [
        (OrderPart(revision="B"), True),
        (OrderPart(drawing="D-2"), True),
        (OrderPart(material="SUS304"), True),
        (OrderPart(quantity=60), True),
        (OrderPart(due=date(2026, 12, 8)), False),
        (OrderPart(own_number="A-2"), False),
        (OrderPart(customer="Ltd"), False),
        (OrderPart(origin="telephone"), False),
        (OrderPart(amount=1000), False),
    ],
    ids=lambda value: next(iter(value.model_fields_set)) if isinstance(value, OrderPart) else None,
)
def test_a_paper_is_old_if_whoever_works_by_it_would_make_the_wrong_thing_or_number(part: OrderPart, old: bool) -> None:
    made = wish(shop().state, Alter(part))
    assert [paper.old for paper in made.papers] == ([T] if old else [])


def test_a_date_on_the_paper_may_be_crossed_out_and_the_page_says_that_it_is_printed() -> None:
    assert wish(shop().state, Alter(OrderPart(due=date(2026, 12, 8)))).reprint
    assert not wish(shop().state, Alter(OrderPart(amount=5))).reprint


def test_a_new_issue_has_a_new_ticket_and_the_old_one_is_old() -> None:
    floor = shop()
    state = carried_out(floor, wish(floor.state, Alter(OrderPart(quantity=60))))
    assert [(one.id, one.branch, one.issue, one.quantity, one.old) for one in state.tickets] == [
        (T, 1, 1, 50, True),
        ("NEW000", 1, 2, 60, False),
    ]


def test_of_several_lots_the_last_takes_more_or_gives_first_and_only_changed_papers_are_old() -> None:
    lots = (IssuedTicket(id="AAAAAA", branch=1, quantity=30), IssuedTicket(id="BBBBBB", branch=2, quantity=20))
    state = Floor(WAY, tickets=lots).state
    assert wish(state, Alter(OrderPart(quantity=60))).papers == (Paper(2, 30, 2, "BBBBBB"),)
    less = wish(state, Alter(OrderPart(quantity=25)))
    assert less.papers == (Paper(1, 25, 2, "AAAAAA"), Paper(2, 0, 2, "BBBBBB"))
    assert [word.en for word in less.mind] == [
        "Lot 1 (ticket AAAAAA) takes the difference: 30 → 25 pcs",
        "Lot 2 (ticket BBBBBB) takes the difference: 20 → 0 pcs",
        "Lot 2 will have no pieces",
    ]


def test_of_several_lots_the_office_may_say_which_takes_more_or_gives() -> None:
    lots = (IssuedTicket(id="AAAAAA", branch=1, quantity=30), IssuedTicket(id="BBBBBB", branch=2, quantity=20))
    state = Floor(WAY, tickets=lots).state
    assert wish(state, Alter(OrderPart(quantity=60), ticket="AAAAAA")).papers == (Paper(1, 40, 2, "AAAAAA"),)
    assert refusal(state, Alter(OrderPart(quantity=60), ticket="OTHER0")).en == (
        "Ticket OTHER0 is no ticket in force of this order: AAAAAA, BBBBBB"
    )


def test_fewer_than_were_made_is_never_refused_but_said_and_flagged() -> None:
    floor = shop()
    floor.job("a", 10, 0, 30, good=50)
    made = wish(floor.state, Alter(OrderPart(quantity=40)))
    assert [word.ja for word in made.mind] == ["工程10ではもう50個報告されています。多い分は要確認になります"]
    assert ("over_quantity", 10) in [(flag.code, flag.operation) for flag in carried_out(floor, made).flags]


def test_a_step_goes_to_another_firm_with_every_paper_and_the_old_firm_is_former() -> None:
    floor = shop()
    state = carried_out(floor, wish(floor.state, Reroute(20, "c", due=date(2026, 12, 9))))
    step = state.operation(20)
    assert step is not None
    assert (step.firm, step.due, state.version, state.former) == ("c", date(2026, 12, 9), 2, ("b",))
    assert [(one.id, one.old) for one in state.tickets] == [(T, True), ("NEW000", False)]


def test_steps_are_added_and_left_out_and_only_printed_papers_become_old() -> None:
    floor = shop()
    asked = Restep(add=(NewStep("wash", "c", 15), NewStep("check", "a")), drop=(20,))
    made = wish(floor.state, asked)
    assert made.papers == (), "nobody has printed any"
    assert [(one.no, one.name, one.firm) for one in carried_out(floor, made).operations] == [
        (10, "step 10", "a"),
        (15, "wash", "c"),
        (20, "check", "a"),
    ]
    floor.printing(3)
    made = wish(floor.state, asked)
    assert made.papers == (Paper(1, 50, 2, T),)
    state = carried_out(floor, made)
    assert [edit for edit in state.history[-1].edits if edit.what != "ticket"] == list(made.edits)
    assert [edit_said(edit, FIRMS).en for edit in made.edits] == [
        "step 15 is added: wash",
        "Step 15, firm: none → Firm c",
        "Step 20, name: step 20 → check",
        "Step 20, firm: Firm b → Firm a",
    ]
    assert headline(made).en == "Add steps or leave some out"


def test_a_walk_in_that_was_named_gets_its_steps_and_keeps_its_sticker_and_its_work() -> None:
    walk_in = unknown()
    named = wish(fold("u-b1ank0", walk_in.rows), Name(OrderPart(part="bracket", quantity=12)))
    order = carried_out(walk_in, named, key="o-new")
    assert refusal(order, Restep(add=(NewStep("grind", "b"),)), routing="").en == (
        "Firm a has worked on it already. Add that work as step 10 of Firm a"
    )
    made = wish(order, Restep(add=(NewStep("turn", "a", 10), NewStep("grind", "b"))), routing="")
    assert made.papers == ()
    now = Reading(at(500), 0, "b0", ClockQuality.SYNCED)
    said = [
        *events(named, key="o-new", number="5001", ids=(), now=now, by="Sato", why="test"),
        *events(made, key="o-new", number=None, ids=(), now=now, by="Sato", why="test"),
    ]
    rows = [stamp(row(event, "gateway", 900 + n), event) for n, event in enumerate(said)]
    state = fold("o-new", [*walk_in.rows, *rows])
    assert [(one.no, one.name, one.firm, one.state) for one in state.operations] == [
        (10, "turn", "a", State.RUNNING),
        (20, "grind", "b", State.WAITING),
    ]
    assert [(one.id, one.old) for one in state.tickets] == [("B1ANK0", False)]


def test_what_lies_at_the_old_firm_is_said() -> None:
    floor = shop()
    floor.job("a", 10, 0, 30, good=50)
    floor.ship("a", 40, 50)
    assert [word.en for word in wish(floor.state, Reroute(20, "c")).mind] == [
        "The goods are on their way to Firm b. Redirect them by telephone"
    ]
    floor.receive("b", 50, 50)
    assert [word.en for word in wish(floor.state, Reroute(20, "c")).mind] == [
        "The goods are at Firm b. Have them fetched"
    ]


def test_a_lot_is_split_into_two_papers_whose_pieces_are_the_lots() -> None:
    floor = shop()
    state = carried_out(floor, wish(floor.state, Divide(20)))
    assert [(one.id, one.branch, one.quantity, one.old, one.parent) for one in state.tickets] == [
        (T, 1, 50, True, None),
        ("NEW000", 1, 30, False, None),
        ("NEW001", 2, 20, False, "NEW000"),
    ]


def test_a_lot_that_nobody_counted_stays_uncounted_on_its_new_paper() -> None:
    floor = shop()
    floor.split("a", 5, "CCCCCC")
    made = wish(floor.state, Reroute(20, "c"))
    assert made.papers == (Paper(1, 50, 2, T), Paper(2, None, 2, "CCCCCC"))
    assert "(not counted)" in papers(made)[1].en
    assert [(one.branch, one.quantity) for one in carried_out(floor, made).tickets if not one.old] == [
        (1, 50),
        (2, None),
    ]


def test_a_spare_that_is_taken_away_is_taken_from_the_lot() -> None:
    floor = shop(spare=2, tickets=(IssuedTicket(id=T, quantity=52),))
    made = wish(floor.state, Alter(OrderPart(), cleared=("spare",)))
    assert made.papers == (Paper(1, 50, 2, T),)
    assert carried_out(floor, made).spare == 0


def test_work_done_before_the_office_split_a_lot_counts_for_both_parts() -> None:
    floor = shop()
    floor.job("a", 10, 0, 30, good=50)
    state = carried_out(floor, wish(floor.state, Divide(20)))
    assert state.operation(10) is not None
    assert {one.no: one.state for one in state.operations}[10] is State.DONE


def test_a_hold_and_a_cancellation_are_taken_back_by_a_release() -> None:
    floor = shop()
    held = carried_out(floor, wish(floor.state, Hold(5)))
    assert (held.held, held.held_pieces) == (True, 5)
    assert wish(held, Cancel()).action is OrderAction.CANCELLED
    floor.order(600, OrderAction.CANCELLED)
    cancelled = floor.state
    assert cancelled.state is State.CANCELLED
    assert carried_out(floor, wish(cancelled, Release()), 700).state is State.READY


def unknown(*firms: str) -> Floor:
    """A blank ticket that was scanned; nobody has named it."""
    floor = Floor("")
    for n, firm in enumerate(firms or ("a",)):
        floor.start(firm, None, n, ticket="B1ANK0")
    return floor


def nameless(*firms: str) -> OrderState:
    return fold("u-b1ank0", unknown(*firms).rows)


def test_a_blank_is_given_to_an_order_and_its_work_with_it() -> None:
    walk_in, target = unknown(), shop()
    order = fold("u-b1ank0", walk_in.rows)
    made = wish(order, Give(KEY, 7), target=target.state)
    assert (made.key, made.watched, made.adopted) == (KEY, (KEY, "B1ANK0"), "B1ANK0")
    walk_in.rows += target.rows
    state = carried_out(walk_in, made)
    assert [(one.id, one.quantity) for one in state.tickets] == [(T, 50), ("B1ANK0", 7)]
    assert state.operation(10) is not None


def test_a_firm_that_is_not_on_the_orders_routing_is_said_before() -> None:
    made = wish(nameless("c"), Give(KEY), target=shop().state)
    assert [word.en for word in made.mind] == [
        "Firm c is not on the routing of order 4471. Its work will be marked for a check"
    ]


def test_a_blank_becomes_an_order_of_its_own_with_what_was_done() -> None:
    walk_in = unknown()
    order = fold("u-b1ank0", walk_in.rows)
    made = wish(order, Name(OrderPart(part="bracket", quantity=12, due=date(2026, 12, 3))))
    state = carried_out(walk_in, made, key="o-new")
    assert (state.known, state.number, state.part, state.quantity, state.coordinator) == (
        True,
        "5001",
        "bracket",
        12,
        "a",
    )
    assert [(one.id, one.quantity) for one in state.tickets] == [("B1ANK0", 12)]
    assert [(one.firm, one.state) for one in state.operations] == [("a", State.RUNNING)]


RUNNING = shop()
RUNNING.start("b", 20, 5)
DONE = shop()
DONE.job("a", 10, 0, 10, good=50)
DONE.job("b", 20, 20, 30, good=50)
DONE.ship("b", 40, 50)


@pytest.mark.parametrize(
    ("floor", "asked", "sentence"),
    [
        (shop(), Alter(OrderPart(revision="A")), "That is how it stands already. Nothing was changed"),
        (shop(), Alter(OrderPart(quantity=0)), "Give at least 1 piece, or cancel the order"),
        (shop(), Alter(OrderPart(coordinator="zzz")), "There is no firm zzz."),
        (shop(), Alter(OrderPart(parent=KEY)), "An order cannot be a part of itself"),
        (shop(), Reroute(30, "c"), "There is no step 30. Choose one of 10, 20"),
        (shop(), Reroute(20, "zzz"), "There is no firm zzz."),
        (shop(), Reroute(20, "b"), "That is how it stands already"),
        (RUNNING, Reroute(20, "c"), "Step 20 is under way at Firm b. Have it finished or undone there, then move it"),
        (DONE, Reroute(20, "c"), "Step 20 is done. It cannot go to another firm"),
        (shop(), Restep(add=(NewStep("x", "a", 20),)), "There is a step 20 (step 20) already. Give another number"),
        (shop(), Restep(add=(NewStep("x", "zzz"),)), "There is no firm zzz."),
        (shop(), Restep(add=(NewStep("x", "a", 0),)), "An order has at most 99 steps"),
        (shop(), Restep(drop=(30,)), "There is no step 30. Choose one of 10, 20"),
        (shop(), Restep(drop=(10, 20)), "No step would be left."),
        (shop(), Restep(), "That is how it stands already."),
        (RUNNING, Restep(drop=(20,)), "Step 20 has been worked on at Firm b. It cannot be left out"),
        (DONE, Cancel(), "An order that is done cannot be cancelled."),
        (shop(), Release(), "It is neither on hold nor cancelled"),
        (shop(), Hold(51), "The order has 50 pieces with its spare. Give no more"),
        (shop(), Divide(50), "Ticket 7K3Q9F has 50 pieces. From 1 to 49 can be split off"),
        (shop(), Divide(0), "Ticket 7K3Q9F has 50 pieces."),
        (shop(), Divide(5, "ZZZZZZ"), "Ticket ZZZZZZ is no ticket in force of this order: 7K3Q9F"),
        (shop(), Name(OrderPart(part="x", quantity=1)), "This ticket belongs to order 4471 already."),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_is_refused_in_one_sentence(floor: Floor, asked: Wish, sentence: str) -> None:
    word = refusal(floor.state, asked)
    assert word.en.startswith(sentence)
    assert word.ja
    assert "\n" not in word.en + word.ja


def test_a_cancelled_order_and_a_nameless_ticket_say_what_to_do_first() -> None:
    floor = shop()
    floor.order(5, OrderAction.CANCELLED)
    assert refusal(floor.state, Hold()).en.endswith("first take the cancellation back")
    assert refusal(nameless(), Hold()).en.startswith("This ticket has no order yet.")
    assert refusal(nameless(), Name(OrderPart(part="x"))).en == "A new order needs a part and a quantity"
    assert refusal(nameless(), Give("none")).en.startswith("There is no such order")


def test_who_is_at_work_is_named_before_a_cancellation() -> None:
    assert [word.en for word in wish(RUNNING.state, Cancel()).mind] == [
        "Step 20 is under way at Firm b. Stop it by telephone"
    ]


def test_every_kind_of_change_is_one_sentence_in_both_languages() -> None:
    def said(edit: Edit) -> tuple[str, str]:
        return edit_said(edit, FIRMS)

    assert said(Edit("quantity", "50", "60")) == ("数量：50 → 60", "Quantity: 50 → 60")
    assert said(Edit("due", "2026-12-01", None)) == ("納期：2026-12-01 → なし", "Due: 2026-12-01 → none")
    assert said(Edit("firm", "a", "b", 20)) == ("工程20 会社：a社 → b社", "Step 20, firm: Firm a → Firm b")
    assert said(Edit("amount", None, None)) == ("金額が変わりました", "Amount changed")
    assert said(Edit("series", "prototype", "series")) == (
        "試作／量産：試作 → 量産",
        "Prototype / series: prototype → series",
    )
    assert said(Edit("ticket", T, "NEW000"))[1] == "ticket 7K3Q9F is old, the new one is NEW000"
    assert said(Edit("step", None, "polish", 30))[1] == "step 30 is added: polish"
    changes = {change.action for change in shop().state.history}
    assert {change_said(change) for change in shop().state.history} == {Word("登録", "Created")}
    assert changes == {"created"}


def test_steps_keep_everything_but_what_was_asked() -> None:
    way = (Step(no=10, name="turn", firm="a", station="nc-1"), Step(no=20, name="grind", firm="b", station="gr-1"))
    made = plan(shop().state, Reroute(20, "c"), Cluster(way, FIRMS))
    assert made.routing == (way[0], Step(no=20, name="grind", firm="c"))
    assert plan(shop().state, Reroute(20, "b", station="gr-2"), Cluster(way, FIRMS)).papers == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(Hold(5), "保留の受注 幹事へ"), (Hold(), "読んだ作業の記録は続きます"), (Cancel(), "取消になり")],
    ids=["hold some", "hold all", "cancel"],
)
def test_what_comes_of_a_hold_or_a_cancellation_is_said_before_it_is_done(asked: Wish, expected: str) -> None:
    said = changes(wish(shop().state, asked), FIRMS)
    assert expected in said[0].ja
    assert said[0].en


def test_a_step_that_is_added_is_said_once_with_its_firm() -> None:
    floor = shop()
    made = wish(floor.state, Restep((NewStep("洗浄", "c", 15),)))
    once = [Word("工程15 を足す：洗浄（c社）", "step 15 is added: 洗浄 (Firm c)")]
    assert changes(made, FIRMS) == once
    assert [word for word in spoken(carried_out(floor, made).history[-1], FIRMS) if "15" in word.ja] == once
