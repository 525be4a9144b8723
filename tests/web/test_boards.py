"""What the rows of the board, a firm's floor and the order page are made of."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.rules.order import Amount, Cause, State
from gateway.rules.sharing import percent
from gateway.web.bars import order_time, own_times
from gateway.web.floor import MachineNow, floor
from gateway.web.lane import Show, due, lane, rank, shown
from gateway.web.sheet import checks, facts, handovers, lines, lots
from tests.web import sample
from tests.web.test_reader import reader
from tests.web.test_whereabouts import order


@pytest.mark.parametrize(
    ("number", "tone", "note"),
    [("4465", "late", "2日遅れ"), ("4468", "today", "今日"), ("4471", "calm", "あと6日"), ("4455", "done", "納期内")],
)
def test_a_late_order_says_by_how_many_days(number, tone, note):
    said = due(order(number), reader())
    assert (said.tone, said.note) == (tone, note)


def test_an_order_delivered_late_stays_late_for_ever():
    late = replace(order("4455"), due=date(2026, 11, 16))
    assert (due(late, reader("en")).tone, due(late, reader("en")).note) == ("late", "2 d late")


def test_an_order_without_due_date_says_so_and_comes_last():
    nameless = next(one for one in sample.orders() if one.number is None)
    assert due(nameless, reader()).tone == "none"
    ordered = sorted((one for one in sample.orders() if not one.delivered_at), key=rank)
    assert ordered[0].number == "4465"
    assert ordered[-1].number is None


def test_each_order_is_in_the_lists_it_belongs_to():
    assert shown(order("4465"), sample.TODAY) == {Show.OPEN, Show.LATE, Show.CHECK}
    assert shown(order("4470"), sample.TODAY) == {Show.OPEN}
    assert shown(order("4455"), sample.TODAY) == {Show.DONE}
    assert shown(replace(order("4470"), state=State.CANCELLED), sample.TODAY) == {Show.DONE}


def test_a_row_tells_firm_state_progress_and_hand_overs_of_each_step():
    row = lane(order("4471"), reader())
    assert [(step.state, step.percent, step.current, step.hands_over) for step in row.steps] == [
        ("done", 100, False, False),
        ("running", 66, True, True),
        ("waiting", 0, False, True),
        ("waiting", 0, False, True),
    ]
    assert row.steps[1].counts == "32（未確認） / 48"
    assert row.steps[0].counts == "48 / 50"
    assert (row.now.firm, row.now.since, row.checks) == (("研削工場", "Grinding"), "8:06から", 1)


def test_progress_nobody_can_know_is_not_made_up():
    step = order("4471").operations[1]
    unknown = replace(step, planned=None)
    for shown_step in (unknown, replace(step, good=Amount(200)), replace(unknown, good=Amount(), state=State.READY)):
        row = lane(replace(order("4471"), operations=(shown_step,)), reader())
        assert row.steps[0].percent == percent(shown_step)
    assert lane(replace(order("4471"), operations=(unknown,)), reader()).steps[0].percent is None


def test_a_floor_flows_from_what_comes_to_what_is_to_be_shipped():
    built = floor("turning", sample.orders(), [MachineNow("lathe-9", "alarm", sample.at(20, 9, 0))], reader())
    assert [slip.number for slip in built.ready] == ["4478"]
    assert [slip.number for slip in built.to_ship] == ["4472"]
    assert built.to_ship[0].line == "研削工場へ"
    assert built.to_ship[0].quantity == "16個"
    assert [(tile.station, len(tile.slips)) for tile in built.tiles] == [
        ("lathe-1", 1),
        ("lathe-2", 1),
        ("lathe-3", 1),
        ("lathe-9", 0),
    ]
    assert built.tiles[3].machine
    assert built.tiles[3].machine.word.ja == "アラーム"


def test_stations_stand_in_the_order_in_which_people_count_them():
    machines = [MachineNow(name, None, None) for name in ("nc-10", "nc-2", "nc-1", "saw", "2号機", "10号機")]
    built = floor("plating", [], machines, reader())
    assert [tile.station for tile in built.tiles] == ["2号機", "10号機", "nc-1", "nc-2", "nc-10", "saw"]


def test_pieces_to_ship_that_nobody_counted_say_so():
    state = order("4472")
    operations = tuple(
        replace(one, good=Amount(assumed=one.good.total)) if one.firm == "turning" else one for one in state.operations
    )
    (slip,) = floor("turning", [replace(state, operations=operations)], (), reader()).to_ship
    assert slip.quantity == "16（未確認）"


def test_what_is_on_its_way_comes_before_what_is_only_planned():
    coming = floor("plating", sample.orders(), (), reader()).coming
    assert coming[0].number == "4468"
    assert coming[0].line == "研削工場から"


def test_a_floor_tells_of_other_firms_only_what_was_granted():
    coming = {slip.number: slip for slip in floor("plating", sample.orders(), (), reader()).coming}
    assert coming["4471"].line == "前工程 研削工場 進行中"  # it runs, but dates tell only that it is under way
    closed = replace(order("4471"), grants=(("plating", "own"),))
    assert floor("plating", [closed], (), reader()).coming[0].line == ""
    assert floor("outsider", sample.orders(), (), reader()).coming == ()


def test_hand_overs_show_both_counts_and_how_far_apart_they_are():
    (made,) = handovers(order("4471"), reader())
    assert (made.sent.count, made.received.count, made.difference) == ("48", "47", "差 1")
    implied, open_one = handovers(order("4468"), reader())
    assert implied.implied
    assert implied.difference == ""
    assert not open_one.received.scanned


def test_the_order_page_has_tickets_flags_and_what_is_known():
    state = order("4471")
    assert [(lot.id, lot.old, lot.parent) for lot in lots(state, reader())] == [
        ("7K3Q9F", False, ""),
        ("00AAZZ", True, ""),
        ("B2M8XR", False, "7K3Q9F から分割"),
    ]
    assert [one.settled for one in checks(state, reader())] == [False, True]
    assert facts(state, reader())[0].text == "MS-4471 改訂 B"
    assert lines(state, reader())[1].good == "32（未確認）"


def test_the_orders_bar_covers_its_whole_time_without_hole_or_overlap():
    made = order_time(order("4471"), reader())
    assert made
    assert made.total == "4日1時間"
    x = 0.0
    for piece in made.causes:
        assert piece.x == pytest.approx(x, abs=0.01)
        x += piece.width
    assert x == pytest.approx(100, abs=0.1)
    assert {row.cause for row in made.rows} == {cause.value for cause in Cause}
    assert all(0 <= tick.x <= 100 for tick in made.ticks)
    assert order_time(replace(order("4471"), released_at=None), reader()) is None


def test_a_year_of_lead_time_still_has_few_marks():
    old = replace(order("4471"), released_at=sample.NOW - timedelta(days=365))
    made = order_time(old, reader())
    assert made
    assert 2 <= len(made.ticks) <= 8


def test_own_times_are_drawn_to_one_scale():
    made = own_times(order("4471"), reader())
    assert [one.no for one in made] == [10, 20]
    assert max(sum(piece.width for piece in one.pieces) for one in made) == pytest.approx(100, abs=0.1)
    assert ("setup", "5時間5分") in [(cause, length) for cause, _, length in made[0].said]
