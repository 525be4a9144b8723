"""A machine's figures by ISO 22400-2: right where the data allow them, and never invented where they do not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Reading as Now
from broker.events import AnyEvent, ClockQuality, CountReading, Machine, MachineState
from edge.drivers.readings import State
from edge.drivers.shdr.parser import Parser
from edge.rules.machines import Rules, hear
from edge.rules.machines import Station as Heard
from gateway.figures.said import notes, said
from gateway.rules.order import Amount, Cause, Phase, Session, Span
from gateway.rules.work_unit import Figure, Measured, Symbol, Voice, Why, figures, measure
from tests.conftest import DATA
from tests.rules.floor import EIGHT, at

ZONE = ZoneInfo("Asia/Tokyo")
RUN, SETUP, PAUSED = Cause.RUN, Cause.SETUP, Cause.PAUSED
RUNNING, IDLE, HOLD, UNKNOWN = MachineState.RUNNING, MachineState.IDLE, MachineState.HOLD, MachineState.UNKNOWN
MAZAK = DATA / "nist_sms" / "Mazak01-20171026-20171027.txt"


def session(*spans: tuple[Cause, float, float | None], **numbers: object) -> Session:
    """Work with these causes from minute to minute; finished if the last one ends."""
    *_, (_, _, end) = spans
    made = Session(
        ticket="7K3Q9F",
        station="nc-1",
        edge="e1",
        start=("turning/e1", "0" * 16, 1),
        phase=Phase.RUNNING if end is None else Phase.FINISHED,
        opened_at=at(spans[0][1]),
        phase_since=at(spans[-1][1]),
        closed_at=None if end is None else at(end),
        spans=tuple(Span(cause, at(begun), None if ended is None else at(ended)) for cause, begun, ended in spans),
    )
    return replace(made, **numbers)  # type: ignore[arg-type]


def voice(*words: tuple[float, MachineState], lives: tuple[tuple[float, float], ...] = ((0, 600),), totals=()) -> Voice:
    return Voice(
        tuple((at(minute), state) for minute, state in words), tuple((at(a), at(b)) for a, b in lives), tuple(totals)
    )


def measured(*sessions: Session, voices: tuple[Voice, ...] = (), minutes: float = 480) -> Measured:
    return measure(EIGHT, at(minutes), sessions, voices)


def told(found: Measured) -> dict[Symbol, Figure]:
    return {one.symbol: one for one in figures(found)}


def why(found: Measured, symbol: Symbol) -> str:
    return said(told(found)[symbol], found, ZONE).of.ja


def test_a_day_with_set_up_work_a_stop_and_counted_pieces_gives_every_figure_that_needs_no_plan():
    work = session((SETUP, 0, 30), (RUN, 30, 130), good=Amount(counted=48), scrap=Amount(counted=2))
    found = measured(work, voices=(voice((0, IDLE), (35, RUNNING), (80, HOLD), (90, RUNNING), (130, IDLE)),))
    values = {symbol: one.value for symbol, one in told(found).items()}
    assert [values[one] for one in (Symbol.AUST, Symbol.APT, Symbol.AUPT, Symbol.ADET, Symbol.AUBT)] == [
        30 * 60,
        85 * 60,
        115 * 60,
        15 * 60,
        130 * 60,
    ]
    assert values[Symbol.SETUP_RATIO] == pytest.approx(30 / 115)
    assert values[Symbol.TECHNICAL] == pytest.approx(0.85)
    assert values[Symbol.UTILIZATION] == pytest.approx(85 / 130)
    assert values[Symbol.QUALITY] == pytest.approx(0.96)


def test_availability_effectiveness_and_oee_are_absent_and_say_what_is_missing():
    found = measured(session((RUN, 0, 60), good=Amount(counted=9)), voices=(voice((0, RUNNING)),))
    assert [told(found)[one].value for one in (Symbol.AVAILABILITY, Symbol.EFFECTIVENESS, Symbol.OEE)] == [None] * 3
    assert (
        why(found, Symbol.AVAILABILITY) == "稼働日と勤務時間の登録がまだできないので、計画の稼働時間（PBT）がありません"
    )
    assert why(found, Symbol.EFFECTIVENESS) == "受注に 1個あたりの計画時間（PRI）がありません"
    assert why(found, Symbol.OEE) == "時間稼働率、性能稼働率 が出ないので、出せません"


def test_each_figure_says_what_it_was_computed_from():
    work = session((SETUP, 0, 30), (RUN, 30, 130), good=Amount(counted=48), scrap=Amount(counted=2), approximate=True)
    found = measured(work, voices=(voice((0, IDLE), (35, RUNNING), (120, UNKNOWN), (125, RUNNING), (130, IDLE)),))
    assert why(found, Symbol.APT) == (
        "作業 1件の間に、機械が運転していた時間から（機械の記録 17:00–1:00、分からない時間 5%）。"
        "うち 1件は時計が合っていないときの時刻です"
    )
    assert why(found, Symbol.AUST) == "段取りを読んだ作業 1件から"
    assert said(told(found)[Symbol.QUALITY], found, ZONE).of.en == (
        "From people's numbers: 1 of 1 sessions that ended; good 48, scrap 2, rework 0"
    )


def test_without_a_machine_production_is_what_was_scanned_and_delay_is_not_known():
    found = measured(session((RUN, 0, 60), (PAUSED, 60, 90), (RUN, 90, 120)))
    assert told(found)[Symbol.APT].value == 90 * 60
    assert told(found)[Symbol.ADET].why is Why.NO_MACHINE
    assert told(found)[Symbol.TECHNICAL].why is Why.PARTS
    assert "読み取りだけから" in why(found, Symbol.APT)
    assert notes(found) == ()


def test_set_up_that_nobody_scanned_is_not_nothing():
    found = measured(session((RUN, 0, 60)), voices=(voice((0, RUNNING)),))
    assert told(found)[Symbol.AUST] == Figure(Symbol.AUST, why=Why.NO_SETUP)
    assert told(found)[Symbol.SETUP_RATIO].missing == (Symbol.AUST,)
    by_machine = measured(session((RUN, 0, 60)), voices=(voice((0, MachineState.SETUP), (20, RUNNING)),))
    assert told(by_machine)[Symbol.AUST].value == 20 * 60


def test_what_an_edge_said_last_does_not_hold_while_it_is_switched_off():
    off = voice((0, RUNNING), (540, IDLE), lives=((0, 60), (540, 600)))
    found = measured(session((RUN, 0, None)), voices=(off,), minutes=600)
    assert found.seconds([RUN], [RUNNING]) == 60 * 60
    assert found.seconds([RUN], [UNKNOWN]) == 480 * 60
    assert told(found)[Symbol.APT].why is Why.UNKNOWN
    assert why(found, Symbol.APT) == "作業中の 80% で機械の様子が分かりません（20% までなら出します）"


def test_a_machine_that_never_says_running_gives_no_production_of_nothing():
    found = measured(session((RUN, 0, 60)), voices=(voice((0, IDLE)),))
    assert told(found)[Symbol.APT].why is Why.NEVER_RAN


@pytest.mark.parametrize("good", [Amount(assumed=50), Amount(machine=50), Amount(counted=20, assumed=30), Amount()])
def test_numbers_that_nobody_counted_make_no_quality(good: Amount):
    found = measured(session((RUN, 0, 60), good=good, scrap=Amount(counted=2 if good.total else 0)))
    assert told(found)[Symbol.QUALITY].why is Why.NO_NUMBERS
    assert found.pieces.left_out == 1


def test_two_tickets_at_one_machine_are_one_machines_time_and_set_up_beside_work_is_work():
    found = measured(session((RUN, 0, 60)), session((SETUP, 0, 30), (RUN, 30, 90)), voices=(voice((0, RUNNING)),))
    assert told(found)[Symbol.APT].value == 90 * 60


def test_a_counter_is_told_for_comparison_one_that_never_moves_is_no_number_and_one_begun_anew_goes_on():
    ran = voice((0, RUNNING), totals=(5, 7, 1, 3))
    assert measured(session((RUN, 0, 60)), voices=(ran,)).counted == 5
    dead = measured(session((RUN, 0, 60)), voices=(voice((0, RUNNING), totals=(0,)),))
    assert [note.ja for note in notes(dead)] == [
        "機械は 8時間 運転しましたが、カウンターは一度も進んでいません。数として使いません",
        "作業の読み取りがないか、中断のままで 7時間 運転しました。どの数字にも入れていません",
    ]


@given(
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(MachineState)), max_size=8),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 200), st.sampled_from([RUN, SETUP, PAUSED])), max_size=5),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), max_size=3),
)
def test_every_second_of_the_time_is_in_exactly_one_place(words, work, lives):
    heard = voice(*sorted(words, key=lambda one: one[0]), lives=tuple((a, a + b) for a, b in lives))
    found = measured(*(session((cause, a, a + b)) for a, b, cause in work), voices=(heard, heard))
    assert sum(found.spent.values()) == pytest.approx(480 * 60)
    assert all(one.end == after.start for one, after in zip(found.moments, found.moments[1:], strict=False))
    for one in figures(found):
        assert (one.value is None) != (one.why is None)
        assert said(one, found, ZONE).of.ja


@pytest.mark.slow
@pytest.mark.skipif(not MAZAK.exists(), reason="the folder of real data, ../shared/data, is not here")
def test_of_a_real_mazak_day_states_and_lengths_are_right_and_its_dead_counter_makes_no_number():
    events, states = _day(MAZAK)
    assert not [one for one in events if isinstance(one, CountReading)]
    words = tuple((one.since or one.at, one.state) for one in events if isinstance(one, Machine))
    begun, last = states[0][0], states[-1][0]
    work = replace(session((RUN, 0, 1)), opened_at=begun, closed_at=last, spans=(Span(RUN, begun, last),))
    found = measure(begun, last, [work], [Voice(words, ((begun, last),))])

    raw: dict[MachineState, float] = {}
    for (since, state), (until, _) in pairwise(states):
        raw[state] = raw.get(state, 0.0) + (until - since).total_seconds()
    assert raw[RUNNING] == pytest.approx(5415.4, abs=0.1)
    for state in (RUNNING, IDLE, MachineState.SETUP, UNKNOWN):  # but for what lasted less than its dwell
        assert found.seconds([RUN], [state]) == pytest.approx(raw[state], abs=0.02 * sum(raw.values())), state
    values = told(found)
    assert (values[Symbol.QUALITY].why, values[Symbol.EFFECTIVENESS].why) == (Why.NO_NUMBERS, Why.NO_PLANNED_RUN)
    assert [one.value for one in figures(found) if one.symbol in (Symbol.QUALITY, Symbol.OEE)] == [None, None]
    assert "カウンターは一度も進んでいません" in notes(found)[0].ja


def _day(file: Path) -> tuple[list[AnyEvent], list[tuple[datetime, MachineState]]]:
    """Let an edge hear a recording at the pace of the machine's clock, from the day in its name on."""
    parser, station, now = Parser(), Heard(), datetime(1970, 1, 1, tzinfo=UTC)
    events: list[AnyEvent] = []
    states: list[tuple[datetime, MachineState]] = []
    for line in file.read_bytes().splitlines(keepends=True):
        readings = parser.feed(line, 0)
        at = parser.tally.last_at
        if at is None or f"{at:%Y%m%d}" != file.name.split("-")[1]:
            continue
        if readings or at - now >= timedelta(seconds=1):
            now = max(now, at)
            clock = Now(now, int(now.timestamp() * 1000), "b0", ClockQuality.SYNCED)
            heard = hear(station, "mazak", readings, clock, rules=Rules(), start=None)
            station, events = heard.station, [*events, *heard.events]
            states += [(one.at, one.state) for one in readings if isinstance(one, State) and one.at]
    return events, [*states, (now, UNKNOWN)]
