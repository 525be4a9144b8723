"""What the played edge reads: in order of time, lane by lane, and the edge's own rules take it as it was meant."""

from dataclasses import replace
from datetime import UTC, datetime

from broker.codes import parse
from broker.events import Action, ClockQuality, Correction, Work
from gateway.replay.lanes import lay
from gateway.replay.script import Line, script
from tests.replay.folded import play
from tests.replay.test_lanes import row

TICKETS = {"J1": "7K3Q9F", "J2": "8M2C4X"}


def recorded(lines: list[Line]) -> list[Work]:
    """What the edge's rules record, without what they void."""
    said = play(lines)
    voided = {event.voids.seq for event in said.values() if isinstance(event, Correction)}
    return [event for seq, event in said.items() if seq not in voided and isinstance(event, Work)]


def test_a_row_is_a_start_and_a_finish_with_its_number_at_its_station():
    lines = script(lay([row(8, 9, good=12)]), TICKETS)
    assert [line.reads for line in lines] == [
        ("S.L1-J", "C.START-I", "7K3Q9F.10-V"),
        ("S.L1-J", "C.FINISH-3", "7K3Q9F.10-V", "12"),
    ]
    assert [(line.n, line.at.hour, line.tone, line.row) for line in lines] == [(1, 8, "start", 2), (2, 9, "finish", 2)]
    for line in lines:
        for text in line.reads[:3]:
            parse(text)


def test_scrap_and_hold_are_keyed_where_there_are_any_and_no_good_piece_is_keyed_as_nought():
    _, finish = script(lay([row(8, 9, scrap=2, hold=3)]), TICKETS)
    assert [text.partition("-")[0] for text in finish.reads] == [
        *("S.L1", "C.FINISH", "7K3Q9F.10", "0"),
        *("S.L1", "C.SCRAP", "7K3Q9F.10", "2"),
        *("S.L1", "C.HOLD", "7K3Q9F.10", "3"),
    ]


def test_a_set_up_is_recorded_as_one_and_makes_no_pieces():
    work = recorded(script(lay([replace(row(8, 9), setup=True), row(9, 10, good=3, line=3)]), TICKETS))
    assert [one.action for one in work] == [
        *(Action.SETUP, Action.FINISH, Action.REPORT),
        *(Action.START, Action.FINISH, Action.REPORT),
    ]
    assert [one.good.n for one in work if one.action is Action.REPORT and one.good] == [0, 3]


def test_at_one_instant_a_session_ends_before_the_next_of_its_lane_begins():
    rows = [row(9, 10, line=3), row(8, 9, line=2), row(10, 10, line=4), row(10, 10, line=5), row(10, 11, line=6)]
    lines = script(lay(rows), TICKETS)
    assert [(line.row, line.tone) for line in lines] == [
        (line, tone) for line in (2, 3, 4, 5, 6) for tone in ("start", "finish")
    ]
    assert [line.n for line in lines] == list(range(1, 11))


def test_the_edges_rules_record_every_row_with_its_times_and_numbers_as_of_then():
    rows = [
        row(8, 10, line=2, good=5, scrap=1),
        row(9, 10, line=3, good=7),
        row(9, 10, line=4, good=7),
        row(10, 10, line=5),
        row(11, 35, line=6, hold=2),
        row(8, 9, line=7, order="J2", good=1),
        row(12, 13, line=8, operation="grind", good=4),
        row(14, 15, line=9, good=3),
    ]
    work = recorded(script(lay(rows), TICKETS))
    starts = [event for event in work if event.action is Action.START]
    finishes = [event for event in work if event.action is Action.FINISH]
    reports = [event for event in work if event.action is Action.REPORT]
    assert len(starts) == len(finishes) == len(rows)
    assert {event.closes.seq for event in finishes if event.closes} == {
        event.closes.seq for event in reports if event.closes
    }
    assert all(event.clock is ClockQuality.GIVEN and event.as_of == event.at for event in work)
    assert sum(event.good.n for event in reports if event.good and event.good.n is not None) == 27
    assert [event.scrap.n for event in reports if event.scrap] == [1]
    assert [event.hold.n for event in reports if event.hold] == [2]
    assert max(event.at for event in work) == datetime(2026, 1, 6, 11, tzinfo=UTC)
