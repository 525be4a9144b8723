"""A pause in a history is a pause at the bench: one session, the time apart, at the machine where it began."""

from pathlib import Path

import pytest

from broker.words import Word
from gateway.replay.grid import grids
from gateway.replay.issued import FILE, Book, Issued, as_begun, fingerprint, save
from gateway.replay.lanes import Plan, lay
from gateway.replay.mapping import History
from gateway.replay.preview import effect, preview, sentences
from gateway.replay.propose import propose
from gateway.replay.reading import Reading
from gateway.replay.verify import Totals, compare, of_file, of_states
from gateway.rules.account import order_account
from gateway.rules.order import Cause, OrderState, Phase
from tests.replay.folded import orders

HEAD = "日時,製番,工程,機械名,区分,良品,不良\n"
PAUSED = (
    "2/2 08:00,A-1,旋削,旋盤1,着手,,\n"
    "2/2 09:00,A-1,旋削,旋盤1,一時停止,4,1\n"
    "2/2 13:00,A-1,旋削,旋盤1,再開,,\n"
    "2/2 15:00,A-1,旋削,旋盤1,完了,6,\n"
)


def understood(lines: str, **answers: str) -> tuple[History, Reading, Plan]:
    data = (HEAD + lines.replace("2/2 ", "2026/02/02 ")).encode()
    found = propose(grids(data), firms=[("past", Word("会社", ""))], time_zone="UTC", answers=answers)
    assert found.history
    assert found.reading
    return found.history, found.reading, lay(found.reading.rows)


def played(lines: str) -> tuple[Plan, dict[str, OrderState]]:
    """What comes of it by the rules of edge and gateway, which is what the file says."""
    _, _, plan = understood(lines)
    states = orders(plan)
    assert compare("state", of_file(plan), of_states(states)) == []
    return plan, states


def times(order: OrderState) -> list[tuple[str, str]]:
    return [
        (span.cause.value, f"{span.start:%H:%M}-{span.end:%H:%M}" if span.end else f"{span.start:%H:%M}-")
        for operation in order.operations
        for session in operation.sessions
        for span in session.spans
    ]


def said(lines: str) -> str:
    history, reading, plan = understood(lines)
    return "\n".join([*sentences(plan, history), *effect(preview(plan, reading, history), reading.left_out, {})])


def test_a_pause_and_its_resume_are_one_session_and_the_time_between_is_paused():
    plan, states = played(PAUSED)
    assert of_file(plan) == {("A-1", 10): Totals(1, 10, 1, 0, 3 * 3600.0, 0.0, 0)}
    assert times(states["A-1"]) == [("run", "08:00-09:00"), ("paused", "09:00-13:00"), ("run", "13:00-15:00")]
    delivered = states["A-1"].delivered_at
    assert delivered
    assert [one.cause for one in order_account(states["A-1"], delivered)] == [Cause.RUN, Cause.PAUSED, Cause.RUN]
    assert "良品 10・不良 1（中断 1回）" in said(PAUSED)
    assert "1 sessions were interrupted" in said(PAUSED)


def test_a_start_on_what_is_paused_takes_it_up_again_as_at_the_bench():
    _, states = played(PAUSED.replace("再開", "着手"))
    assert times(states["A-1"])[1] == ("paused", "09:00-13:00")


def test_a_finish_may_come_straight_out_of_a_pause():
    plan, states = played(PAUSED.replace("2/2 13:00,A-1,旋削,旋盤1,再開,,\n", ""))
    assert times(states["A-1"]) == [("run", "08:00-09:00"), ("paused", "09:00-15:00")]
    assert of_file(plan)["A-1", 10].good == 10


def test_a_pause_that_is_never_resumed_stays_one_and_the_preview_says_so():
    lines = PAUSED[: PAUSED.index("2/2 13:00")] + "2/2 10:00,A-2,旋削,旋盤1,着手,,\n2/2 11:00,A-2,旋削,旋盤1,完了,5,\n"
    plan, states = played(lines)
    assert states["A-1"].operations[0].sessions[0].phase is Phase.PAUSED
    assert of_file(plan)["A-1", 10] == Totals(1, 4, 1, 0, 3600.0, 0.0, 0)
    assert "neither resumed nor finished and stay paused" in said(lines)
    assert "良品 4・不良 1、中断したまま" in said(lines)
    resumed = PAUSED[: PAUSED.index("2/2 15:00")]
    _, reading, _ = understood(resumed + lines[lines.index("2/2 10:00") :])
    assert [(one.line, one.why) for one in reading.left_out] == [(4, "unfinished")]


def test_work_resumed_at_another_machine_ended_at_the_first_one_then():
    lines = PAUSED.replace("13:00,A-1,旋削,旋盤1", "13:00,A-1,旋削,旋盤2").replace(
        "15:00,A-1,旋削,旋盤1", "15:00,A-1,旋削,旋盤2"
    )
    plan, states = played(lines)
    assert times(states["A-1"]) == [("run", "08:00-09:00"), ("paused", "09:00-13:00"), ("run", "13:00-15:00")]
    assert len({one.station for one in plan.sessions}) == 2
    assert "are resumed at another machine" in said(lines)


def test_a_resume_goes_on_in_the_lane_of_what_it_resumes():
    twice = PAUSED + PAUSED.replace("08:00", "08:30").replace("09:00", "09:30").replace("13:00", "14:00")
    plan, _ = played(twice)
    assert len(plan.sessions) == len({one.station for one in plan.sessions}) == 2


def test_a_set_up_is_interrupted_as_one():
    lines = (
        "2/2 08:00,A-1,旋削,旋盤1,段取り,,\n"
        "2/2 08:30,A-1,旋削,旋盤1,一時停止,,\n"
        "2/2 09:00,A-1,旋削,旋盤1,再開,,\n"
        "2/2 09:30,A-1,旋削,旋盤1,着手,,\n"
        "2/2 10:00,A-1,旋削,旋盤1,完了,3,\n"
    )
    _, states = played(lines)
    assert [cause for cause, _ in times(states["A-1"])] == ["setup", "paused", "setup", "run"]
    assert "段取り 1件（段取り） / 1 of the sessions are set-up (段取り)" in said(lines)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("2/2 07:00,A-1,旋削,旋盤1,一時停止,,\n", "pause_unstarted"),
        ("2/2 09:30,A-1,旋削,旋盤1,一時停止,,\n", "pause_again"),
        ("2/2 14:00,A-1,旋削,旋盤1,再開,,\n", "resume_running"),
    ],
)
def test_a_pause_or_resume_that_fits_nothing_is_left_out_and_says_why(lines, why):
    _, reading, _ = understood(lines + PAUSED)
    assert [(one.line, one.why) for one in reading.left_out] == [(2, why)]
    assert len(reading.rows) == 1


def test_pieces_nobody_counted_in_a_pause_are_none_and_those_of_the_finish_stay_unknown():
    plan, _ = played(PAUSED.replace("一時停止,4,1", "一時停止,,").replace("完了,6", "完了,"))
    assert of_file(plan)["A-1", 10].good is None


def test_a_replay_begun_when_pauses_were_finishes_goes_on_as_it_began(tmp_path: Path):
    history, _, _ = understood(PAUSED)
    before = history.model_copy(update={"pauses": "finish"})
    assert fingerprint(b"", before) != fingerprint(b"", history)
    assert as_begun(tmp_path, b"", history) == history
    save(tmp_path, Book(history=fingerprint(b"", before), cases={"A": Issued(key="k", number="1", ticket="7K3Q9F")}))
    assert as_begun(tmp_path, b"", history) == before
    assert as_begun(tmp_path, b"other", history) == history
    (tmp_path / FILE).write_text("torn")
    assert as_begun(tmp_path, b"", history) == history, "that it is torn is said where it is played"
