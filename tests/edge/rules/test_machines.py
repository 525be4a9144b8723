"""What is said of a machine: states that lasted, counts that may be believed, silence as silence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Reading
from broker.events import ClockQuality, CountReading, Machine, MachineState, Ref
from edge.drivers.readings import Alarm, Gap, State, Total
from edge.rules.counting import TOTAL_MOST, Counted, Step, step
from edge.rules.machines import SILENCE, Rules, Station, hear, pass_time

NOW = Reading(datetime(2026, 11, 22, 9, 0, tzinfo=UTC), 1_000_000, "b1", ClockQuality.SYNCED)
START = Ref(author="turning/pi-1", epoch="0" * 16, seq=4)
RUNNING, IDLE, HOLD, UNKNOWN = MachineState.RUNNING, MachineState.IDLE, MachineState.HOLD, MachineState.UNKNOWN


class Bench:
    """One station, and the events that were recorded of it."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules, self.now, self.station = rules or Rules(), NOW, Station()
        self.events: list[object] = []
        self.notes: list[str] = []

    def hear(self, *readings: object, after: float = 0) -> "Bench":
        self._pass(after)
        return self._told(hear(self.station, "nc-1", readings, self.now, rules=self.rules, start=START))  # type: ignore[arg-type]

    def wait(self, seconds: float) -> "Bench":
        self._pass(seconds)
        return self._told(pass_time(self.station, "nc-1", self.now, rules=self.rules, start=START))

    def unplug(self) -> "Bench":
        return self.hear(*SILENCE)

    @property
    def states(self) -> list[MachineState]:
        return [event.state for event in self.events if isinstance(event, Machine)]

    @property
    def totals(self) -> list[int]:
        return [event.total for event in self.events if isinstance(event, CountReading)]

    def _pass(self, seconds: float) -> None:
        self.now = replace(
            self.now, at=self.now.at + timedelta(seconds=seconds), mono_ms=self.now.mono_ms + int(seconds * 1000)
        )

    def _told(self, told: object) -> "Bench":
        self.station = told.station  # type: ignore[attr-defined]
        self.events += told.events  # type: ignore[attr-defined]
        self.notes += told.notes  # type: ignore[attr-defined]
        return self


def test_the_first_state_is_said_at_once_and_a_change_when_it_has_lasted():
    bench = Bench().hear(State(RUNNING, "ACTIVE"))
    assert bench.states == [RUNNING]
    bench.hear(State(HOLD, "INTERRUPTED"), after=60).wait(19)
    assert bench.states == [RUNNING]
    began = bench.now.at - timedelta(seconds=19)
    bench.wait(1)
    assert bench.states == [RUNNING, HOLD]
    assert isinstance(bench.events[-1], Machine)
    assert (bench.events[-1].since, bench.events[-1].start) == (began, START)


def test_a_lathe_in_single_block_stays_running():
    bench = Bench().hear(State(RUNNING, "ACTIVE"))
    for _ in range(30):
        bench.hear(State(HOLD, "INTERRUPTED"), after=14).hear(State(RUNNING, "ACTIVE"), after=1)
    assert bench.states == [RUNNING]


def test_silence_and_alarms_are_said_at_once_and_what_follows_silence_too():
    bench = Bench().hear(State(RUNNING, "ACTIVE")).wait(3).unplug()
    assert bench.states == [RUNNING, UNKNOWN]
    bench.hear(State(IDLE, "READY"), after=3)
    assert bench.states == [RUNNING, UNKNOWN, IDLE]
    bench.hear(Alarm("x:1", "チャック", active=True), State(MachineState.ALARM, "STOPPED"), after=3)
    assert isinstance(bench.events[-1], Machine)
    assert (bench.events[-1].state, bench.events[-1].text) == (MachineState.ALARM, "チャック")


def test_what_would_command_a_screen_or_turn_its_writing_round_stands_as_signs_in_an_alarms_text():
    bench = Bench().hear(Alarm("x:1", "軸\x07\x1b[2J\u202egnp", active=True), State(MachineState.ALARM, "STOPPED"))
    assert isinstance(bench.events[-1], Machine)
    assert bench.events[-1].text == r"軸\x07\x1b[2J\u202egnp"


def test_an_adapter_that_flickers_says_no_more_than_one_state_in_three_seconds_and_the_last_one_is_said():
    bench = Bench()
    for _ in range(100):
        bench.hear(State(UNKNOWN, "UNAVAILABLE"), after=0.05).hear(State(RUNNING, "ACTIVE"), after=0.05)
    assert len(bench.states) <= 5
    assert bench.wait(3).states[-1] is RUNNING


def test_a_devices_own_time_is_believed_only_when_it_is_near_ours():
    told = []
    for at in (NOW.at - timedelta(seconds=30), NOW.at - timedelta(days=9), NOW.at + timedelta(hours=1)):
        event = Bench().hear(State(RUNNING, "ACTIVE", at)).events[0]
        assert isinstance(event, Machine)
        told.append(event.since)
    assert told == [NOW.at - timedelta(seconds=30), NOW.at, NOW.at]


def test_a_count_is_told_at_most_every_ten_seconds_and_never_lost():
    bench = Bench().hear(Total("parts", 100))
    for shown in range(101, 121):
        bench.hear(Total("parts", shown), after=1)
    assert bench.totals == [1, 11]
    assert bench.wait(10).totals == [1, 11, 20]


def test_a_reset_and_a_jump_count_nothing_and_are_noted():
    bench = Bench().hear(Total("parts", 0)).hear(Total("parts", 3763), after=20).hear(Total("parts", 3766), after=20)
    bench.hear(Total("parts", 0), after=20).hear(Total("parts", 2), after=20)
    assert bench.totals == [3, 5]
    assert bench.notes == [
        "nc-1 parts: the counter went from 0 to 3763; counting goes on from there",
        "nc-1 parts: the counter went from 3766 to 0; counting goes on from there",
    ]
    assert Bench().hear(Gap("12 lines are missing")).notes == ["nc-1: 12 lines are missing"]


def test_a_total_that_no_event_can_hold_begins_again_and_is_noted():
    bench = Bench()
    bench.station = Station(counters={"parts": Counted(5, TOTAL_MOST - 1)}, told={"parts": (TOTAL_MOST - 1, 0)})
    bench.hear(Total("parts", 6), after=20).hear(Total("parts", 8), after=20).hear(Total("parts", 9), after=20)
    assert bench.totals == [TOTAL_MOST, 2, 3]
    assert bench.notes == ["nc-1 parts: 10000000 pieces are counted; counting begins again at 0"]


@pytest.mark.parametrize(
    ("before", "value", "wrap", "total", "taken"),
    [
        (None, 3763, None, 0, Step.BASELINE),
        (5, 5, None, 0, Step.SAME),
        (5, 15, None, 10, Step.COUNTED),
        (5, 16, None, 0, Step.JUMP),
        (5, 0, None, 0, Step.RESET),
        (65_535, 0, 65_536, 1, Step.COUNTED),
        (65_000, 0, 65_536, 0, Step.RESET),
    ],
)
def test_a_counters_step(before: int | None, value: int, wrap: int | None, total: int, taken: Step):
    after, was = step(Counted(before), value, wrap=wrap)
    assert (after.shown, after.total, was) == (value, total, taken)


@given(st.lists(st.integers(0, 100_000)), st.none() | st.just(65_536))
def test_a_total_never_falls_and_never_counts_more_than_the_steps_allow(shown: list[int], wrap: int | None):
    counter = Counted()
    for readings, value in enumerate(shown, start=1):
        after, _ = step(counter, value, wrap=wrap)
        assert counter.total <= after.total <= 10 * readings
        counter = after
