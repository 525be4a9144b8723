"""In which order rows are folded, and what corrections take out."""

from datetime import datetime, timedelta

import pytest

from broker.events import Action, ClockQuality, Order, OrderAction, Ref, Work
from gateway.rules.order import State
from gateway.rules.stamp import stamp
from tests.rules.floor import EPOCH, KEY, Floor, T, at, row


def test_rows_fold_by_time_and_not_by_arrival() -> None:
    floor = Floor()
    floor.job("a", 10, 10, 40)
    floor.rows.reverse()
    assert floor.op(10).sessions[0].closed_at == at(40)


def test_a_clock_that_steps_back_does_not_turn_a_finish_round() -> None:
    floor = Floor()
    floor.job("a", 10, 60, 30)
    session = floor.op(10).sessions[0]
    assert (session.opened_at, session.closed_at) == (at(60), at(60))


def test_a_stamp_is_raised_to_that_of_the_event_before_it_of_its_epoch() -> None:
    floor = Floor("10:a 20:a")
    floor.start("a", 10, 60)
    floor.start("a", 20, 30, station="m2")
    assert floor.op(20).started_at == at(60)


def test_a_stated_time_is_not_raised_and_raises_nobody() -> None:
    floor = Floor("10:a 20:a 30:a")
    floor.start("a", 10, 60, as_of=at(500))
    floor.start("a", 20, 70, station="m2", as_of=at(20))
    floor.start("a", 30, 80, station="m3")
    assert [floor.op(no).started_at for no in (10, 20, 30)] == [at(500), at(20), at(80)]


@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_cannot_be_right_is_flagged_and_the_row_stands_where_its_clock_says(stated: str) -> None:
    floor = Floor()
    began = floor.start("a", 10, 60, as_of=datetime.fromisoformat(stated))
    floor.finish("a", 10, 90, closes=began, good=50)
    session = floor.op(10).sessions[0]
    assert (session.opened_at, session.closed_at) == (at(60), at(90))
    assert floor.flags() == [("time_not_believed", 10)]


def test_what_is_stated_before_the_start_it_closes_takes_the_starts_time_and_is_flagged() -> None:
    floor = Floor()
    began = floor.start("a", 10, 60)
    floor.finish("a", 10, 90, closes=began, as_of=at(20), good=50)
    assert floor.op(10).finished_at == at(60)
    assert floor.flags() == [("before_start", 10)]


def test_a_finish_told_by_telephone_is_never_folded_before_its_start_at_the_same_instant() -> None:
    floor = Floor("10:z")
    began = floor.start("z", 10, 60)
    floor.finish("gateway", 10, 60, closes=began, firm="z", told_by="telephone", good=50)
    assert floor.states()[10] is State.DONE
    assert floor.flags() == []


def test_the_same_row_twice_is_one_row() -> None:
    floor = Floor()
    floor.job("a", 10, 10, 40, good=50)
    once = floor.state
    floor.rows *= 3
    assert floor.state == once
    assert once.rows == 3


def test_what_a_correction_voids_leaves_before_folding() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    done = floor.finish("a", 10, 40, closes=began)
    floor.void("a", 41, done)
    assert floor.states()[10] is State.RUNNING


def test_a_correction_works_whenever_it_arrives_even_before_its_target() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    floor.void("a", 5, Ref(author="a/e1", epoch=EPOCH, seq=3))
    floor.finish("a", 10, 40, closes=began)
    assert floor.states()[10] is State.RUNNING
    assert floor.flags() == []


def test_a_correction_can_itself_be_voided() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    done = floor.finish("a", 10, 40, closes=began)
    undone = floor.void("a", 41, done)
    again = floor.void("a", 42, undone)
    assert floor.states()[10] is State.DONE
    floor.void("a", 43, again)
    assert floor.states()[10] is State.RUNNING


def test_corrections_that_void_each_other_do_nothing() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    floor.finish("a", 10, 40, closes=began)
    floor.void("a", 41, Ref(author="a/e1", epoch=EPOCH, seq=4))
    floor.void("a", 42, Ref(author="a/e1", epoch=EPOCH, seq=3))
    floor.void("a", 43, Ref(author="a/e1", epoch=EPOCH, seq=5))
    assert floor.states()[10] is State.DONE


def test_an_edge_voids_only_its_own_firms_events() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    floor.void("b", 20, began)
    assert floor.states()[10] is State.RUNNING
    assert floor.flags() == [("not_allowed", None)]


def test_another_edge_of_the_firm_may_void() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    floor.void("a/e2", 20, began)
    assert floor.states()[10] is State.READY


def test_no_edge_voids_what_the_office_said() -> None:
    floor = Floor()
    floor.void("a", 20, Ref(author="gateway", epoch=EPOCH, seq=1))
    assert floor.state.known
    assert floor.flags() == [("not_allowed", None)]


def test_the_gateway_voids_anything() -> None:
    floor = Floor()
    began = floor.start("a", 10, 10)
    floor.void("gateway", 20, began, firm="a")
    assert floor.states()[10] is State.READY


def test_a_correction_whose_target_never_came_is_flagged() -> None:
    floor = Floor()
    floor.void("a", 20, Ref(author="a/e1", epoch="00000000000000bb", seq=9))
    assert floor.flags() == [("target_missing", None)]


def test_a_voided_correction_is_not_asked_about() -> None:
    floor = Floor()
    wrong = floor.void("a", 20, Ref(author="a/e1", epoch="00000000000000bb", seq=9))
    floor.void("a", 21, wrong)
    assert floor.flags() == []


def test_an_edge_cannot_speak_for_the_office() -> None:
    floor = Floor()
    floor.record("a", 10, Order, action=OrderAction.CANCELLED, order=KEY)
    assert floor.state.state is State.READY


@pytest.mark.parametrize("clock", [ClockQuality.UNSYNCED, ClockQuality.GIVEN])
def test_times_nobody_trusted_mark_their_session_unless_somebody_stated_them(clock: ClockQuality) -> None:
    def told(seq: int, **fields: object) -> Work:
        given = {"at": at(0), "mono_ms": 0, "boot": "b9", "clock": clock, "ticket": T, "operation": 10}
        return Work(**given, action=Action.START, station=f"m{seq}", **fields)  # type: ignore[arg-type]

    floor = Floor()
    for seq, event in ((1, told(1)), (2, told(2, as_of=at(5)))):
        floor.rows.append(stamp(row(event, "a/e1", seq, received_at=at(9) + timedelta(seconds=1)), event))
    assert [session.approximate for session in floor.op(10).sessions] == [False, True]


def test_a_clock_that_was_set_back_while_it_called_itself_synced_makes_what_follows_approximate() -> None:
    def told(seq: int, action: Action, minute: float) -> Work:
        given = {"at": at(minute), "mono_ms": seq * 1_800_000, "boot": "b9", "clock": ClockQuality.SYNCED, "ticket": T}
        return Work(**given, action=action, operation=10, station="m1")  # type: ignore[arg-type]

    floor = Floor()
    for seq, event in ((1, told(1, Action.START, 60)), (2, told(2, Action.FINISH, 30))):
        floor.rows.append(stamp(row(event, "a/e1", seq, received_at=at(120)), event))
    (session,) = floor.op(10).sessions
    assert (session.opened_at, session.closed_at, session.approximate) == (at(60), at(60), True)
