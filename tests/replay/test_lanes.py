"""Every row of a history gets an operation and a station where nothing else of its kind is open."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.settings import load
from gateway.replay.lanes import Case, Plan, Step, lay, station_id
from gateway.replay.mapping import History
from gateway.replay.reading import read
from gateway.replay.rows import Row
from tests.replay.test_mapping import CONFIG

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def row(start: int, end: int, *, order="J1", operation="turn", resource="L1", line=2, good=0, scrap=0, hold=0) -> Row:
    return Row(
        MONDAY + timedelta(hours=start),
        MONDAY + timedelta(hours=end),
        line,
        order,
        operation,
        resource,
        good,
        scrap,
        hold,
    )


def stations(plan: Plan) -> list[str]:
    return [session.station for session in plan.sessions]


def test_rows_that_follow_each_other_share_a_station():
    assert stations(lay([row(8, 9), row(9, 10), row(12, 13)])) == ["l1", "l1", "l1"]


def test_a_row_that_begins_while_another_is_open_gets_a_station_of_its_own():
    assert stations(lay([row(8, 12), row(9, 10), row(10, 11), row(10, 13)])) == ["l1", "l1-2", "l1-2", "l1-3"]


def test_another_order_operation_or_resource_never_makes_a_lane():
    plan = lay([row(8, 12), row(8, 12, order="J2"), row(8, 12, operation="mill"), row(8, 12, resource="L2")])
    assert set(stations(plan)) == {"l1", "l2"}


def test_identical_rows_are_sessions_of_their_own():
    assert stations(lay([row(8, 9, line=2), row(8, 9, line=3)])) == ["l1", "l1-2"]
    assert stations(lay([row(8, 8, line=2), row(8, 8, line=3), row(8, 9, line=4)])) == ["l1", "l1", "l1"]


def test_operations_are_numbered_by_their_first_appearance_in_time():
    plan = lay([row(10, 11, operation="grind"), row(8, 9, good=3), row(12, 13, good=1, scrap=1, hold=2)])
    assert plan.cases == (Case("J1", MONDAY + timedelta(hours=8), (Step(10, "turn"), Step(20, "grind")), 7),)
    assert [session.no for session in plan.sessions] == [10, 20, 10]


def test_resources_that_would_be_one_station_stay_two():
    plan = lay(
        [row(8, 9, resource="L 1"), row(8, 9, resource="l-1"), row(8, 9, resource="旋盤"), row(8, 9, resource="研削盤")]
    )
    assert len(set(stations(plan))) == 4


def test_a_lane_never_takes_the_name_of_another_resource():
    plan = lay([row(8, 9), row(8, 9, line=3), row(8, 9, resource="L1-2")])
    assert sorted(stations(plan)) == ["l1", "l1-2", "l1-2-x2"]


def test_a_long_name_still_leaves_room_for_its_lane():
    assert station_id("N" * 60) == "n" * 26


@given(
    st.lists(
        st.builds(
            lambda start, length, order, resource, line: row(
                start, start + length, order=order, resource=resource, line=line
            ),
            *(st.integers(0, 20), st.integers(0, 6), st.sampled_from(["J1", "J2"])),
            *(st.sampled_from(["L1", "L1-2", "l1"]), st.integers(2, 9999)),
        )
    )
)
def test_no_two_sessions_of_one_lane_ever_overlap_and_any_order_of_the_file_gives_the_same_plan(history):
    plan = lay(history)
    assert lay(reversed(history)) == plan
    assert sorted(session.row for session in plan.sessions) == sorted(history)
    lanes = defaultdict(list)
    for session in plan.sessions:
        lanes[session.row.order, session.no, session.station].append(session.row)
        assert re.fullmatch("[a-z0-9][a-z0-9-]{0,31}", session.station)
    for lane in lanes.values():
        assert len({one.resource for one in lane}) == 1
        assert all(before.end <= after.start for before, after in pairwise(lane))


def test_158_reports_of_the_public_log_start_while_one_of_the_same_kind_is_open(data):
    found = read((data / "production_4tu_start_end_qty.csv").read_bytes(), load(History, CONFIG / "4tu.toml")).rows
    plan = lay(found)
    of_a_kind = defaultdict(list)
    for session in plan.sessions:
        of_a_kind[session.row.order, session.row.operation, session.row.resource].append(session.row)
    begun_while_open = sum(
        any(other.end > one.start for other in kind[:place])
        for kind in of_a_kind.values()
        for place, one in enumerate(kind)
    )
    assert begun_while_open == 158
    assert max(len(case.steps) for case in plan.cases) == 10
