"""A machine and the job at it: what it counted, when it stopped, and that the person's word is the record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.clock import Reading
from broker.codes import Card
from broker.events import ClockQuality, Correction, Quality, Quantity
from edge.drivers.readings import ENTER_ALONE, State
from edge.rules import EMPTY, Heard, dump, load
from edge.rules.loose import GAP_MS, LONG_MS, Cycles, look
from edge.rules.machines import SILENCE, Rules
from tests.edge.rules.bench import SYNCED, Bench, card, ticket
from tests.edge.rules.test_machines import IDLE, NOW, RUNNING
from tests.edge.rules.test_machines import Bench as Machine

EVENING = datetime(2026, 11, 20, 13, 10, tzinfo=UTC)
"""22:10 in Japan, of the day on which the bench's clock begins."""


def next_morning(*, pieces: int | None = 47, stopped: datetime | None = EVENING) -> Bench:
    """A job begun at 8:06, its machine stopped at 22:10, and the finish scanned at 8:00 the next day."""
    bench = Bench().scan(ticket())
    bench.wait(hours=23, minutes=54)
    bench.machines.says = Heard(pieces, stopped)
    return bench.scan(card(Card.FINISH), ticket())


def test_the_machines_stop_is_offered_beside_its_count_and_the_scan_is_the_record_until_a_person_takes_it():
    bench = next_morning()
    assert bench.line2 == "機械は47個 停止22:10 確定でその時刻 / 22:10: ENTER"
    assert len(bench.line2) <= 40
    assert bench.live() == ["start", "pause", "finish"], "as if there were no machine: paused at the shift's end"
    bench.tick(240)
    assert bench.live() == ["start", "pause", "finish"], "silence takes nothing"


def test_enter_takes_the_offer_for_the_finish_and_the_shifts_end_was_no_pause():
    bench = next_morning().scan(card(Card.ENTER))
    assert (bench.line1, bench.line2) == (
        "7K3Q9F-20 22:10 完了にしました / Finished 22:10",
        "機械の停止時刻です 次は数を / Now the count",
    )
    assert bench.live() == ["start", "finish"]
    assert (bench.work.as_of, bench.work.good) == (EVENING, Quantity(q=Quality.ASSUMED))
    assert {event.why for event in bench.events if isinstance(event, Correction)} == {"machine_stop"}
    assert bench.scan("48").work.good == Quantity(n=48, q=Quality.COUNTED), "the person's number, not the machine's 47"
    assert bench.scan(card(Card.ENTER)).kinds == ["no_digits"], "it is taken once"


def test_a_pads_enter_takes_the_offer_once_and_never_after_a_number_nor_where_nothing_is_offered():
    assert next_morning().scan(ENTER_ALONE).live() == ["start", "finish"]
    assert next_morning().scan(ENTER_ALONE).work.as_of == EVENING
    assert next_morning().scan(ENTER_ALONE, ENTER_ALONE).live() == ["start", "finish"]
    keyed = next_morning().scan("48", ENTER_ALONE)
    assert keyed.live() == ["start", "pause", "finish", "report"], "a second ENTER after 48 changes no time"
    assert (keyed.events, keyed.feedback) == ((), None)
    nothing = next_morning(stopped=None).scan(ENTER_ALONE)
    assert (nothing.live(), nothing.events) == (["start", "pause", "finish"], ()), "no ENTER records the machine's 47"
    assert next_morning().scan(card(Card.DIGIT, "4"), ENTER_ALONE).events == ()


def test_what_was_taken_can_be_undone_and_everything_is_as_it_was_scanned():
    bench = next_morning().scan(card(Card.ENTER), card(Card.UNDO))
    assert bench.live() == ["start", "pause", "finish"]
    assert bench.log[-2].as_of == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    bench.scan(card(Card.UNDO))
    assert bench.live() == ["start"]


def test_a_number_keyed_first_stays_and_the_digits_cards_come_before_the_offer():
    bench = next_morning().scan("46", card(Card.ENTER))
    assert bench.live() == ["start", "report", "finish"]
    bench = next_morning().scan(card(Card.DIGIT, "4"), card(Card.ENTER))
    assert bench.work.good == Quantity(n=4, q=Quality.COUNTED)
    assert bench.scan(card(Card.ENTER)).work.as_of == EVENING


@pytest.mark.parametrize(
    ("pieces", "stopped", "line"),
    [
        (47, None, "機械は47個 / machine counted 47"),
        (None, EVENING, "機械停止 22:10 確定の札でその時刻に / ENTER: 22:10"),
        (None, None, "終業からは中断 / Paused since shift end"),
        (47, EVENING - timedelta(hours=20), "機械は47個 / machine counted 47"),
        (47, datetime(2026, 11, 20, 22, 50, tzinfo=UTC), "機械は47個 / machine counted 47"),
    ],
    ids=["no stop", "no count", "nothing", "stopped before the start", "stopped ten minutes ago"],
)
def test_only_a_stop_within_the_session_and_a_while_ago_is_offered(
    pieces: int | None, stopped: datetime | None, line: str
):
    assert next_morning(pieces=pieces, stopped=stopped).line2 == line


def test_over_a_weekend_the_day_is_said_too():
    bench = Bench().scan(ticket())
    bench.wait(hours=72)
    bench.machines.says = Heard(None, EVENING)
    assert bench.scan(card(Card.FINISH), ticket()).line2 == "機械停止 11/20 22:10 確定の札でその時刻に / ENTER"


def test_with_a_clock_that_nobody_trusts_no_time_is_offered():
    bench = Bench().scan(ticket())
    bench.wait(hours=23)
    bench.now = replace(bench.now, clock=ClockQuality.UNSYNCED)
    bench.machines.says = Heard(None, EVENING)
    assert "ENTER" not in bench.scan(card(Card.FINISH), ticket()).line2


def test_the_offer_survives_a_restart_and_a_memory_of_before_there_were_offers_is_read():
    bench = next_morning()
    hand = bench.memory.hands["scanner-1"]
    assert hand.target
    assert load(dump(bench.memory)).hands["scanner-1"].target == hand.target
    assert hand.target.offered == EVENING
    old = dump(bench.memory).replace(b',"2026-11-20T13:10:00+00:00",', b",null,")
    assert load(old) != EMPTY


def test_a_machine_is_remembered_to_have_stopped_when_it_was_seen_to_and_not_when_nobody_heard_it():
    machine = Machine().hear(State(RUNNING, "ACTIVE"))
    machine.hear(State(IDLE, "READY"), after=600).wait(30)
    assert machine.station.stopped == NOW.at + timedelta(seconds=600)
    machine.hear(*SILENCE, after=60)
    assert machine.station.stopped == NOW.at + timedelta(seconds=600), "switched off after it had stopped"
    machine.hear(State(RUNNING, "ACTIVE"), after=60)
    assert machine.station.stopped is None
    machine.hear(*SILENCE, after=60)
    machine.hear(State(IDLE, "READY"), after=60)
    assert machine.station.stopped is None, "it stopped while nobody heard it"
    unsynced = Machine(Rules(dwell_ms=0))
    unsynced.now = replace(NOW, clock=ClockQuality.UNSYNCED)
    unsynced.hear(State(RUNNING, "ACTIVE")).hear(State(IDLE, "READY"), after=600)
    assert unsynced.station.stopped is None


# -- cycles without a ticket -------------------------------------------------------------------------------------------


def day(*stretches: tuple[float, bool, int, bool]) -> Cycles:
    """Look every ten seconds: for so many minutes, running or not, so many pieces an hour, with or without a ticket."""
    now, cycles, total = SYNCED, None, 0.0
    for minutes, running, rate, ticket_open in stretches:
        for _ in range(int(minutes * 6)):
            now = Reading(now.at + timedelta(seconds=10), now.mono_ms + 10_000, now.boot, now.clock)
            total += rate / 360
            cycles = look(cycles, now, running=running, total=int(total), ticket=ticket_open)
    assert cycles
    return cycles


def test_a_machine_that_runs_ten_minutes_without_a_ticket_is_told_and_grows_by_the_minute():
    assert day((9.5, True, 0, False)).told is None
    told = day((35, True, 60, False)).told
    assert told
    assert (told.until_ms - told.since_ms) // 60_000 in (33, 34)
    assert told.last - told.first in (33, 34)


def test_a_counter_without_a_state_is_enough_and_short_pauses_end_nothing():
    told = day((30, False, 30, False), (GAP_MS / 60_000 - 2, False, 0, False), (30, False, 30, False)).told
    assert told
    assert told.until_ms - told.since_ms > 59 * 60_000


def test_what_ran_in_the_evening_is_told_until_a_ticket_is_scanned_there_and_a_warm_up_hides_nothing():
    evening = ((60, True, 20, False), (600, False, 0, False), (5, True, 0, False))
    told = day(*evening).told
    assert told
    assert 59 * 60_000 <= told.until_ms - told.since_ms <= 60 * 60_000
    assert day(*evening, (1, False, 0, True)).told is None


def test_with_a_ticket_nothing_is_ever_told():
    assert day((600, True, 60, True)).told is None
    assert LONG_MS == 600_000
