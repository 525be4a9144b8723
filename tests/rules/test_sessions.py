"""What one step of work does to a session: every phase and step, then the stories."""

import pytest

from broker.events import Action, OrderAction
from gateway.rules.order import Cause, Phase, Session, State
from gateway.rules.sessions import PHASES
from tests.rules.floor import ASSUMED, Floor, T, at, steps

STATE = {Phase.SETUP: State.SETUP, Phase.RUNNING: State.RUNNING, Phase.PAUSED: State.PAUSED}


def bring_to(floor: Floor, phase: Phase | None) -> None:
    if phase is None:
        return
    began = floor.setup("a", 10, 1) if phase is Phase.SETUP else floor.start("a", 10, 1)
    if phase is Phase.PAUSED:
        floor.pause("a", 10, 2, closes=began)
    elif phase is Phase.FINISHED:
        floor.finish("a", 10, 2, closes=began, good=50)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("phase", [None, *Phase])
def test_every_step_takes_every_phase_where_the_table_says(phase: Phase | None, action: Action) -> None:
    floor = Floor()
    bring_to(floor, phase)
    floor.work("a", 10, 10, action)
    sessions = floor.op(10).sessions
    expected = PHASES[phase][action]
    if expected is None:
        assert sessions == ()
        return
    assert sessions[-1].phase is expected
    new = phase is None or (phase is Phase.FINISHED and action in (Action.SETUP, Action.START, Action.FINISH))
    assert sessions[-1].opened_at == (at(10) if new else at(1))


def test_the_table_knows_every_phase_and_step() -> None:
    assert set(PHASES) == {None, *Phase}
    assert all(set(row) == set(Action) for row in PHASES.values())


def test_set_up_run_pause_and_run_again_are_one_session_with_four_stretches() -> None:
    floor = Floor()
    began = floor.setup("a", 10, 0)
    floor.start("a", 10, 20)
    floor.pause("a", 10, 50, closes=began, reason="TOOL")
    again = floor.start("a", 10, 60)
    floor.finish("a", 10, 90, closes=again, good=50)
    (session,) = floor.op(10).sessions
    assert [(span.cause, span.start, span.end, span.reason) for span in session.spans] == [
        (Cause.SETUP, at(0), at(20), None),
        (Cause.RUN, at(20), at(50), None),
        (Cause.PAUSED, at(50), at(60), "TOOL"),
        (Cause.RUN, at(60), at(90), None),
    ]
    assert (session.start[2], session.phase, session.closed_at) == (1, Phase.FINISHED, at(90))


@pytest.mark.parametrize("reason", ["CUSTOMER", "MATERIAL", "DRAWING"])
def test_waiting_for_customer_material_or_drawing_is_never_the_firms_time(reason: str) -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.pause("a", 10, 10, closes=began, reason=reason)
    assert floor.op(10).sessions[0].spans[-1].cause is Cause.WAIT_EXTERNAL


def test_a_new_reason_for_a_pause_begins_a_new_stretch() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.pause("a", 10, 10, closes=began, reason="TOOL")
    floor.pause("a", 10, 30, closes=began, reason="MATERIAL")
    spans = floor.op(10).sessions[0].spans
    assert [(span.cause, span.end) for span in spans[1:]] == [(Cause.PAUSED, at(30)), (Cause.WAIT_EXTERNAL, None)]


def test_opening_a_session_never_closes_another() -> None:
    floor = Floor("10:a 20:a")
    floor.start("a", 10, 0)
    floor.start("a", 10, 10, station="m2")
    floor.start("a", 20, 20)
    assert [session.phase for no in (10, 20) for session in floor.op(no).sessions] == [Phase.RUNNING] * 3


def test_a_finish_names_its_start_and_closes_that_session_only() -> None:
    floor = Floor()
    floor.start("a", 10, 0)
    second = floor.start("a", 10, 10, station="m2")
    floor.finish("a", 10, 30, station="m1", closes=second, good=20)
    assert [session.phase for session in floor.op(10).sessions] == [Phase.RUNNING, Phase.FINISHED]
    assert floor.op(10).sessions[1].good.counted == 20


def test_a_second_start_card_while_running_changes_nothing_and_may_be_named_by_the_finish() -> None:
    floor = Floor()
    floor.start("a", 10, 0)
    again = floor.start("a", 10, 5)
    floor.finish("a", 10, 30, closes=again, good=50)
    (session,) = floor.op(10).sessions
    assert (session.opened_at, session.closed_at) == (at(0), at(30))


def test_a_finish_without_start_is_recorded_and_flagged() -> None:
    floor = Floor()
    floor.finish("a", 10, 30, good=48)
    (session,) = floor.op(10).sessions
    assert (session.opened_at, session.closed_at, session.good.counted) == (at(30), at(30), 48)
    assert ("finish_without_start", 10) in floor.flags()


def test_a_finish_whose_start_has_not_come_is_never_given_to_another_session() -> None:
    floor = Floor()
    elsewhere = Floor()
    for _ in range(9):
        missing = elsewhere.start("a", 10, 0)
    floor.start("a", 10, 0)
    floor.finish("a", 10, 30, closes=missing, good=50)
    assert [session.phase for session in floor.op(10).sessions] == [Phase.RUNNING, Phase.FINISHED]
    assert ("finish_without_start", 10) in floor.flags()


def test_when_the_start_comes_after_all_it_is_as_if_it_had_always_been_there() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=50)
    start = floor.rows.pop(1)
    assert ("finish_without_start", 10) in floor.flags()
    floor.rows.append(start)
    assert floor.flags() == []
    assert floor.op(10).sessions[0].opened_at == at(0)


def test_a_pause_without_a_session_is_flagged() -> None:
    floor = Floor()
    floor.pause("a", 10, 30)
    assert floor.op(10).sessions == ()
    assert floor.flags() == [("finish_without_start", 10)]


def test_a_finish_scanned_again_changes_nothing() -> None:
    floor = Floor()
    began = floor.job("a", 10, 0, 30, good=48)
    floor.finish("a", 10, 60, closes=began)
    (session,) = floor.op(10).sessions
    assert (session.closed_at, session.good.total) == (at(30), 48)


def test_a_finish_told_by_telephone_closes_the_one_session_that_is_open() -> None:
    floor = Floor()
    floor.start("a", 10, 0)
    floor.finish("gateway", 10, 60, station="office", firm="a", told_by="telephone", good=50)
    (session,) = floor.op(10).sessions
    assert (session.station, session.closed_at) == ("m1", at(60))


def test_a_return_to_a_finished_operation_is_rework() -> None:
    floor = Floor()
    floor.job("a", 10, 0, 30, good=50)
    assert not floor.op(10).reworking
    began = floor.start("a", 10, 60)
    assert (floor.states()[10], floor.op(10).reworking) == (State.RUNNING, True)
    floor.finish("a", 10, 90, closes=began, good=0)
    assert (floor.states()[10], floor.op(10).reworking) == (State.DONE, False)
    assert floor.op(10).good.total == 50


def test_a_second_machine_that_joins_and_stays_longer_is_no_rework() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.start("a", 10, 10, station="m2")
    floor.finish("a", 10, 30, closes=began, good=20)
    assert not floor.op(10).reworking


def test_the_rest_of_a_lot_that_arrives_later_is_no_rework() -> None:
    floor = Floor("10:a 20:b")
    began = floor.start("a", 10, 0)
    floor.report("a", 10, 10, closes=began, good=20)
    floor.ship("a", 11, 20)
    floor.receive("b", 12, 20)
    floor.job("b", 20, 20, 30, good=20)
    floor.finish("a", 10, 40, closes=began, good=30)
    floor.ship("a", 41, 30)
    floor.receive("b", 50, 30)
    floor.start("b", 20, 60)
    assert not floor.op(20).reworking


def test_work_somebody_forgot_to_close_in_the_evening_is_interrupted_as_of_the_shifts_end_and_flagged() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    floor.pause("a", 10, 1440, closes=began, reason="SHIFT_END", as_of=at(540))
    floor.start("a", 10, 1440)
    (session,) = floor.op(10).sessions
    assert [(span.cause, span.start, span.end) for span in session.spans] == [
        (Cause.RUN, at(0), at(540)),
        (Cause.PAUSED, at(540), at(1440)),
        (Cause.RUN, at(1440), None),
    ]
    assert floor.flags() == [("forgotten_finish", 10)]


def test_partway_turns_a_finish_into_a_pause() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0)
    done = floor.finish("a", 10, 30, closes=began, good=ASSUMED)
    floor.void("a", 31, done)
    floor.pause("a", 10, 31, closes=began, reason="PARTWAY", as_of=at(30))
    assert floor.states()[10] is State.PAUSED
    assert floor.op(10).good.total == 0


def test_badges_are_attributes_of_a_session_and_never_part_of_its_key() -> None:
    floor = Floor()
    began = floor.start("a", 10, 0, badge="tanaka")
    floor.finish("a", 10, 30, closes=began, badge="sato", good=50)
    (session,) = floor.op(10).sessions
    assert session.badges == ("tanaka", "sato")


def test_two_identical_stretches_of_work_are_two_sessions() -> None:
    floor = Floor()
    for station in ("m1", "m2"):
        floor.job("a", 10, 0, 30, station=station, good=10)
    assert [session.good.counted for session in floor.op(10).sessions] == [10, 10]


def test_a_session_without_length_is_kept_with_its_numbers() -> None:
    floor = Floor()
    floor.job("a", 10, 30, 30, good=5)
    floor.job("a", 10, 30, 30, good=6)
    sessions = floor.op(10).sessions
    assert [(session.opened_at, session.closed_at, session.spans) for session in sessions] == [(at(30), at(30), ())] * 2
    assert floor.op(10).good.counted == 11


# Which operation


def test_without_a_view_at_the_edge_a_start_means_the_firms_lowest_operation_not_done() -> None:
    floor = Floor("10:a 20:b 30:a")
    floor.job("a", None, 0, 30, good=50)
    floor.job("a", None, 40, 60, good=50)
    assert [len(floor.op(no).sessions) for no in (10, 20, 30)] == [1, 0, 1]


def test_a_finish_that_knows_no_operation_follows_its_start() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 30, good=50)
    began = floor.start("a", 20, 40)
    floor.finish("a", None, 60, closes=began, good=50)
    assert floor.states() == {10: State.DONE, 20: State.DONE}


def test_a_ticket_resumed_without_a_view_goes_on_where_it_paused_at_that_machine() -> None:
    floor = Floor("10:a 20:a")
    began = floor.start("a", 20, 0)
    floor.pause("a", 20, 10, closes=began)
    floor.start("a", None, 20)
    assert floor.states() == {10: State.READY, 20: State.RUNNING}


def test_a_firm_whose_operations_are_all_done_is_asked_which_it_meant() -> None:
    floor = Floor("10:a 20:a")
    floor.job("a", 10, 0, 10, good=50)
    floor.job("a", 20, 10, 20, good=50)
    began = floor.start("a", None, 30)
    floor.finish("a", None, 40, closes=began, good=1)
    assert floor.flags() == [("no_operation", None)]
    assert floor.op(20).good.total == 50


def test_a_firm_with_one_operation_always_means_that_one() -> None:
    floor = Floor("10:a 20:b")
    floor.job("a", 10, 0, 10, good=50)
    floor.start("a", None, 30)
    assert floor.op(10).reworking


def test_an_event_for_another_firms_operation_changes_nothing_and_becomes_a_question() -> None:
    floor = Floor("10:a 20:b")
    before = floor.op(20)
    began = floor.start("a", 20, 0, station="m9")
    floor.report("a", 20, 5, closes=began, good=10)
    floor.finish("a", 20, 10, closes=began, good=20)
    assert floor.op(20) == before
    (flag,) = floor.state.flags
    assert (flag.code, flag.operation, dict(flag.detail)["firm"]) == ("other_firms_operation", 20, "a")


def test_nobody_closes_another_firms_session() -> None:
    floor = Floor("10:a 20:b")
    began = floor.start("a", 10, 0)
    floor.finish("b", 10, 10, closes=began, good=50)
    assert floor.states()[10] is State.RUNNING
    assert ("other_firms_operation", 10) in floor.flags()


def test_an_operation_the_routing_never_had_is_a_question_too() -> None:
    floor = Floor("10:a")
    floor.start("a", 15, 0)
    assert floor.flags() == [("no_operation", 15)]


def test_once_the_operation_is_rerouted_to_the_firm_its_scan_counts() -> None:
    floor = Floor("10:a 20:b")
    floor.start("c", 20, 10)
    assert floor.flags() == [("other_firms_operation", 20)]
    floor.order(60, OrderAction.REROUTED, routing=steps("10:a 20:c"), version=2)
    assert ("other_firms_operation", 20) not in floor.flags()
    assert floor.states()[20] is State.RUNNING


def test_an_older_firm_may_close_what_it_began_before_the_reroute() -> None:
    floor = Floor("10:a 20:b")
    began = floor.start("b", 20, 10)
    floor.order(60, OrderAction.REROUTED, routing=steps("10:a 20:c"), version=2)
    floor.finish("b", 20, 70, closes=began, good=10)
    floor.start("b", 20, 80)
    assert floor.op(20).sessions[0].closed_at == at(70)
    assert ("other_firms_operation", 20) in floor.flags()


def sessions_of(floor: Floor, ticket: str) -> list[Session]:
    return [one for operation in floor.state.operations for one in operation.sessions if one.ticket == ticket]


def test_two_lots_at_one_machine_are_two_sessions() -> None:
    floor = Floor()
    floor.split("a", 0, "AAAAAA", 20)
    floor.start("a", 10, 10)
    floor.start("a", 10, 11, ticket="AAAAAA")
    assert len(sessions_of(floor, T)) == len(sessions_of(floor, "AAAAAA")) == 1
