"""Scans as they happen beside the machines: what is recorded, and what the machinist is told."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from broker.codes import BadgeCode, Card, check_character, printed
from broker.events import Call, ClockQuality, Handover, Quality, Quantity, Ref, Scan, Split, Work
from broker.messages import TicketView
from edge.rules import Desk
from edge.rules.memory import CLOSED_LIMIT
from tests.edge.rules.bench import (
    DESK,
    EPOCH,
    SYNCED,
    TOKYO,
    A,
    B,
    Bench,
    C,
    card,
    order,
    sheet,
    station,
    step,
    ticket,
)

START, FINISH, PAUSE, UNDO = card(Card.START), card(Card.FINISH), card(Card.PAUSE), card(Card.UNDO)
SHIP, SCRAP = card(Card.SHIP), card(Card.SCRAP, "SCRATCH")
MILL = Desk("kita", "pi-1", "scanner-2", ("mill-1",), DESK.shifts, TOKYO)
COUNTED = Quality.COUNTED


def running(*views: object, minutes: float = 10) -> Bench:
    """A bench whose ticket A, operation 20, has been running for a while."""
    bench = Bench(*views).scan(ticket())  # type: ignore[arg-type]
    bench.wait(minutes=minutes)
    return bench


# -- a ticket alone --------------------------------------------------------------------------------------------


def test_the_first_scan_of_a_ticket_starts_it_at_the_scanners_first_machine() -> None:
    bench = Bench().scan(ticket())
    assert bench.kinds == ["start"]
    assert (bench.work.ticket, bench.work.operation, bench.work.station) == (A, 20, "lathe-1")
    assert (bench.tone, bench.line1) == ("start", "着手 7K3Q9F-20 / Started")
    assert bench.line2 == "終わったら もう一度 / Scan again when done"


def test_an_order_the_firm_knows_is_called_by_its_number() -> None:
    assert Bench(order(step(20))).scan(ticket()).line1 == "着手 4471-20 / Started"


def test_the_second_scan_finishes_and_names_its_start() -> None:
    bench = running().scan(ticket())
    assert bench.kinds == ["finish"]
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)
    assert bench.work.good == Quantity(q=Quality.ASSUMED)
    assert (bench.tone, bench.line1) == ("finish", "完了 7K3Q9F-20 / Finished")


def test_a_scan_within_three_minutes_of_the_start_changes_nothing() -> None:
    bench = Bench(order(step(20))).scan(ticket())
    bench.wait(minutes=2)
    bench.scan(ticket())
    assert bench.kinds == ["already_started"]
    assert bench.tone == "nothing"
    assert bench.line1 == "4471-20 もう着手しています 8:06 / Already started"


def test_a_scan_within_a_minute_of_the_finish_changes_nothing() -> None:
    bench = running(order(step(20))).scan(ticket(), ticket())
    assert bench.kinds == ["already_finished"]
    assert bench.line1 == "4471-20 もう完了しています / Already finished"


def test_a_scan_long_after_the_finish_reopens_the_operation() -> None:
    bench = running().scan(ticket())
    bench.wait(minutes=2)
    assert bench.scan(ticket()).kinds == ["start"]


def test_rereads_less_than_three_seconds_apart_are_one_read_however_many() -> None:
    bench = Bench().scan(ticket())
    for _ in range(200):  # a scanner on a stand looks at the ticket for six minutes
        bench.scan(ticket(), gap=2)
        assert bench.events == ()
        assert bench.feedback is None
    assert bench.scan(ticket(), gap=3).kinds == ["finish"]


def test_a_card_between_two_reads_of_a_ticket_makes_them_two() -> None:
    assert Bench().scan(ticket(), FINISH, ticket(), gap=1).kinds == ["finish"]


# -- shifts and clocks -----------------------------------------------------------------------------------------


def test_a_job_running_since_yesterday_is_paused_at_the_shifts_end_and_goes_on() -> None:
    bench = running(order(step(20)), minutes=24 * 60).scan(ticket())
    assert bench.kinds == ["pause", "start"]
    pause, start = bench.events
    assert isinstance(pause, Work)
    assert isinstance(start, Work)
    assert pause.as_of == datetime(2026, 11, 20, 8, tzinfo=UTC)  # 17:00 in Japan
    assert pause.reason == "SHIFT_END"
    assert pause.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)
    assert start.as_of is None
    assert (bench.tone, bench.line1) == ("start", "4471-20 続きを始めました / Continued")


def test_what_goes_on_today_finishes_with_todays_start() -> None:
    bench = running(minutes=24 * 60).scan(ticket())
    bench.wait(minutes=10)
    assert bench.scan(ticket()).work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=3)


def test_overtime_belongs_to_the_shift_before_it() -> None:
    bench = running(minutes=10 * 60)  # 18:16
    assert bench.scan(ticket()).kinds == ["finish"]


def test_who_comes_early_works_in_the_shift_to_come() -> None:
    early = replace(SYNCED, at=datetime(2026, 11, 19, 22, 30, tzinfo=UTC))  # 7:30
    bench = Bench(now=early).scan(ticket())
    bench.wait(hours=3)
    assert bench.scan(ticket()).kinds == ["finish"]


def test_work_begun_in_overtime_is_paused_where_it_began_not_before() -> None:
    late = replace(SYNCED, at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC))  # 19:00, two hours after the shift
    bench = Bench(now=late).scan(ticket())
    began = bench.now.at
    bench.wait(hours=14)
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of == began


def test_a_night_shift_ends_on_the_next_morning() -> None:
    night = replace(DESK, shifts=((time(8), time(17)), (time(22), time(6))))
    bench = Bench(desk=night, now=replace(SYNCED, at=datetime(2026, 11, 20, 14, 0, tzinfo=UTC))).scan(ticket())  # 23:00
    bench.wait(hours=3)
    assert bench.scan(ticket()).kinds == ["finish"]
    bench.scan(START, ticket())
    bench.wait(hours=7)  # 9:00
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)  # 6:00


def test_a_shop_without_shifts_never_pauses_by_itself() -> None:
    bench = Bench(desk=replace(DESK, shifts=())).scan(ticket())
    bench.wait(hours=40)
    assert bench.scan(ticket()).kinds == ["finish"]


def test_a_clock_that_jumps_does_not_change_an_age_within_a_boot() -> None:
    bench = running()
    bench.now = replace(bench.now, at=bench.now.at.replace(year=1970), clock=ClockQuality.UNSYNCED)
    assert bench.scan(ticket()).kinds == ["finish"]


def test_after_a_restart_without_a_clock_it_counts_as_an_earlier_shift_and_no_time_is_made_up() -> None:
    unsynced = replace(SYNCED, clock=ClockQuality.UNSYNCED)
    bench = Bench(now=unsynced).scan(ticket())
    bench.reboot(ClockQuality.UNSYNCED)
    bench.wait(hours=1)
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of is None


def test_after_a_restart_with_both_clocks_good_the_clock_decides() -> None:
    bench = running()
    bench.reboot(ClockQuality.SYNCED)
    bench.wait(minutes=30)
    assert bench.scan(ticket()).kinds == ["finish"]


def test_after_a_restart_a_synced_start_still_knows_when_its_shift_ended() -> None:
    bench = running()
    bench.reboot(ClockQuality.UNSYNCED, at=datetime(1970, 1, 1, tzinfo=UTC))
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_after_a_restart_an_unsynced_start_is_paused_at_the_last_shift_end_before_now() -> None:
    bench = Bench(now=replace(SYNCED, clock=ClockQuality.UNSYNCED)).scan(ticket())
    bench.reboot(ClockQuality.SYNCED, at=datetime(2026, 11, 24, 0, 0, tzinfo=UTC))
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_in_one_boot_without_a_clock_only_more_than_a_shift_is_an_earlier_shift() -> None:
    unsynced = replace(SYNCED, clock=ClockQuality.UNSYNCED)
    bench = Bench(now=unsynced).scan(ticket())
    bench.wait(hours=8)
    assert bench.scan(ticket()).kinds == ["finish"]
    bench.scan(START, ticket())
    bench.wait(hours=10)
    assert bench.scan(ticket()).kinds == ["pause", "start"]
    assert bench.events[0].as_of is None


def test_a_finish_card_in_the_morning_never_counts_the_night() -> None:
    bench = running(minutes=24 * 60).scan(FINISH, ticket())
    assert bench.kinds == ["pause", "finish"]
    assert bench.events[0].as_of == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert bench.line1 == "完了 7K3Q9F-20 / Finished"


def test_a_pause_card_in_the_morning_pauses_as_of_the_shifts_end_with_its_reason() -> None:
    bench = running(minutes=24 * 60).scan(card(Card.PAUSE, "MATERIAL"), ticket())
    assert bench.kinds == ["pause"]
    assert (bench.work.reason, bench.work.as_of) == ("MATERIAL", datetime(2026, 11, 20, 8, tzinfo=UTC))


# -- stations --------------------------------------------------------------------------------------------------


def test_a_machine_label_holds_for_the_next_ticket_only() -> None:
    bench = Bench().scan(station("lathe-2"), ticket())
    assert bench.work.station == "lathe-2"
    assert bench.scan(ticket(B)).work.station == "lathe-1"


def test_a_machine_label_lapses_aloud_after_thirty_seconds() -> None:
    bench = Bench().scan(station("lathe-2"))
    assert bench.tick(29).feedback is None
    bench.tick(2)
    assert bench.kinds == ["station_lapsed"]
    assert bench.line1 == "設備札 時間切れ / Machine lapsed"
    assert bench.scan(ticket()).work.station == "lathe-1"


def test_a_second_station_joins_and_never_ends_the_first_ones_session() -> None:
    bench = running().scan(station("lathe-2"), ticket())
    assert bench.kinds == ["start"]
    assert {session.station for session in bench.memory.open()} == {"lathe-1", "lathe-2"}


def test_a_ticket_alone_means_its_one_open_session_at_any_machine_of_the_scanner() -> None:
    bench = Bench().scan(station("lathe-2"), ticket())
    bench.wait(minutes=10)
    bench.scan(ticket())
    assert (bench.kinds, bench.work.station) == (["finish"], "lathe-2")


def test_open_at_two_machines_the_scan_is_flagged_and_the_machine_asked_for() -> None:
    bench = Bench().scan(ticket(), station("lathe-2"), ticket())
    bench.wait(minutes=10)
    bench.scan(ticket())
    assert bench.kinds == ["two_open"]
    assert (bench.tone, bench.line1) == ("stop", "設備札を読んでください / Scan the machine")
    bench.scan(station("lathe-2"), ticket())
    assert (bench.kinds, bench.work.station) == (["finish"], "lathe-2")


def test_the_card_stays_in_hand_while_the_machine_is_asked_for() -> None:
    bench = Bench().scan(ticket(), station("lathe-2"), ticket())
    bench.scan(card(Card.PAUSE, "TOOL"), ticket(), station("lathe-1"), ticket())
    assert (bench.kinds, bench.work.station, bench.work.reason) == (["pause"], "lathe-1", "TOOL")


def test_another_scanners_machine_is_refused_aloud_and_kept() -> None:
    bench = Bench().scan(station("mill-9"))
    assert bench.kinds == ["other_station"]
    assert bench.line1 == "別の端末の設備です / Another scanner's machine"


def test_a_ticket_open_at_another_scanners_machine_starts_here_as_well() -> None:
    bench = running().scan(ticket(), at=MILL)
    assert (bench.kinds, bench.work.station) == (["start"], "mill-1")


def test_one_man_with_three_jobs_on_one_machine_ends_each_by_itself() -> None:
    bench = Bench().scan(ticket(A), ticket(B), ticket(C))
    bench.wait(minutes=10)
    for name in (B, A, C):
        bench.scan(ticket(name))
        assert (bench.kinds, bench.work.ticket) == (["finish"], name)
    assert bench.memory.open() == ()


def test_a_badge_goes_with_the_next_ticket() -> None:
    bench = Bench().scan(printed(BadgeCode("m07")), ticket())
    assert bench.work.badge == "m07"
    assert bench.scan(ticket(B)).work.badge is None


def test_a_badge_lapses_aloud() -> None:
    assert Bench().scan(printed(BadgeCode("m07"))).tick(31).kinds == ["badge_lapsed"]


# -- cards -----------------------------------------------------------------------------------------------------


def test_a_card_says_what_it_waits_for() -> None:
    bench = Bench().scan(card(Card.PAUSE, "MATERIAL"))
    assert (bench.tone, bench.line1, bench.line2) == (
        "nothing",
        "中断 材料待ち / PAUSE No material",
        "次に工程移動票 / Now the ticket",
    )
    assert bench.events == ()


def test_a_start_card_means_start_however_often_it_is_scanned() -> None:
    bench = Bench().scan(START, ticket())
    bench.wait(minutes=20)
    assert bench.scan(START, ticket()).kinds == ["already_started"]


def test_set_up_then_start_then_finish() -> None:
    bench = Bench().scan(card(Card.SETUP), ticket())
    assert (bench.kinds, bench.line1) == (["setup"], "段取り 7K3Q9F-20 / Set-up")
    assert bench.scan(ticket()).kinds == ["start"]
    bench.wait(minutes=10)
    assert bench.scan(ticket()).kinds == ["finish"]
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=2)


def test_a_pause_with_its_reason_and_the_ticket_alone_resumes() -> None:
    bench = running().scan(card(Card.PAUSE, "MATERIAL"), ticket())
    assert (bench.kinds, bench.work.reason) == (["pause"], "MATERIAL")
    assert bench.line1 == "中断 7K3Q9F-20 材料待ち / Paused No material"
    assert bench.scan(ticket()).kinds == ["start"]


def test_a_paused_job_takes_a_new_reason_but_not_the_same_twice() -> None:
    bench = running().scan(card(Card.PAUSE, "MATERIAL"), ticket())
    assert bench.scan(card(Card.PAUSE, "DRAWING"), ticket()).kinds == ["pause"]
    assert bench.scan(card(Card.PAUSE, "DRAWING"), ticket()).kinds == ["already_paused"]
    assert bench.scan(PAUSE, ticket()).kinds == ["already_paused"]


def test_non_work_pauses_for_another_reason() -> None:
    assert running().scan(card(Card.NONWORK), ticket()).work.reason == "OTHER"
    assert running().scan(card(Card.NONWORK, "MEETING"), ticket()).work.reason == "MEETING"


def test_a_card_without_a_ticket_lapses_aloud_and_the_ticket_then_means_itself() -> None:
    bench = running().scan(SCRAP).tick(31)
    assert bench.kinds == ["card_lapsed"]
    assert (bench.tone, bench.line1) == ("stop", "札 時間切れ 不良 / Card lapsed")
    assert bench.scan(ticket()).kinds == ["finish"]


def test_a_card_that_lapsed_unheard_is_said_with_the_ticket() -> None:
    bench = running().scan(SCRAP)
    bench.wait(31)
    bench.scan(ticket())
    assert bench.kinds == ["card_lapsed", "finish"]
    assert (bench.tone, bench.line2) == ("stop", "札 時間切れ 不良 / Card lapsed")
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)


def test_a_second_card_takes_the_place_of_the_first() -> None:
    assert running().scan(SCRAP, PAUSE, ticket()).kinds == ["pause"]


def test_a_finish_without_a_start_is_recorded_and_asked_about() -> None:
    bench = Bench().scan(FINISH, ticket())
    assert (bench.kinds, bench.work.closes) == (["finish"], None)
    assert (bench.tone, bench.line1) == ("stop", "完了 7K3Q9F-20 着手なし / No start")


def test_a_pause_without_a_start_changes_nothing() -> None:
    bench = Bench().scan(PAUSE, ticket())
    assert bench.kinds == ["not_started"]
    assert bench.line1 == "7K3Q9F-20 着手がありません / Not started"


def test_a_call_needs_no_ticket() -> None:
    bench = Bench().scan(station("lathe-2"), card(Card.CALL, "MATERIAL"))
    (event,) = bench.events
    assert isinstance(event, Call)
    assert (event.station, event.reason) == ("lathe-2", "MATERIAL")


# -- quantities ------------------------------------------------------------------------------------------------


def test_a_number_after_a_finish_counts_the_same_start() -> None:
    bench = running().scan(ticket(), "48")
    assert bench.kinds == ["report"]
    assert bench.work.good == Quantity(n=48, q=COUNTED)
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)
    assert bench.line1 == "良品 48 7K3Q9F-20 / Good"


def test_a_number_keyed_again_replaces_the_first() -> None:
    bench = running().scan(ticket(), "48", "46")
    assert bench.kinds == ["correction", "report"]
    assert bench.live() == ["start", "finish", "report"]
    assert bench.work.good == Quantity(n=46, q=COUNTED)


def test_scrap_is_assumed_until_its_number_replaces_it() -> None:
    bench = running().scan(SCRAP, ticket())
    assert (bench.kinds, bench.work.scrap, bench.work.reason) == (["report"], Quantity(q=Quality.ASSUMED), "SCRATCH")
    assert bench.line1 == "不良 7K3Q9F-20 キズ / Scrap Scratch"
    bench.scan("2")
    assert bench.kinds == ["correction", "report"]
    assert (bench.work.scrap, bench.work.reason) == (Quantity(n=2, q=COUNTED), "SCRATCH")
    assert bench.live() == ["start", "report"]
    assert [session.phase.value for session in bench.memory.open()] == ["running"]


@pytest.mark.parametrize("which", [Card.REWORK, Card.HOLD])
def test_rework_and_hold_are_counted_like_scrap(which: Card) -> None:
    bench = running().scan(card(which), ticket(), "3")
    assert getattr(bench.work, which.value.lower()) == Quantity(n=3, q=COUNTED)


def test_digit_cards_spell_a_number() -> None:
    bench = running().scan(ticket(), card(Card.DIGIT, "4"))
    assert (bench.tone, bench.line1) == ("nothing", "数 4 / Count")
    assert bench.scan(card(Card.DIGIT, "8")).line1 == "数 48 / Count"
    assert bench.scan(card(Card.ENTER)).work.good == Quantity(n=48, q=COUNTED)


@pytest.mark.parametrize("number", ["100", "11", "444444"])
def test_the_same_digit_card_read_twice_in_a_row_is_two_digits(number: str) -> None:
    bench = running().scan(ticket())
    bench.scan(*(card(Card.DIGIT, digit) for digit in number), card(Card.ENTER), gap=0.5)
    assert bench.work.good == Quantity(n=int(number), q=COUNTED)


def test_enter_read_twice_in_a_row_is_one_read() -> None:
    bench = running().scan(ticket(), card(Card.DIGIT, "4"), card(Card.ENTER))
    bench.scan(card(Card.ENTER), gap=0.5)
    assert (bench.kinds, bench.feedback) == ([], None)


def test_digits_without_enter_lapse_aloud() -> None:
    bench = running().scan(ticket(), card(Card.DIGIT, "4")).tick(31)
    assert (bench.kinds, bench.line1) == (["digits_lapsed"], "数は記録していません / Count dropped")


def test_digits_dropped_by_another_scan_are_said() -> None:
    bench = running().scan(ticket(), card(Card.DIGIT, "4"), ticket(B))
    assert bench.kinds == ["digits_lapsed", "start"]
    assert (bench.tone, bench.line2) == ("stop", "数は記録していません / Count dropped")


def test_seven_digits_are_too_many() -> None:
    bench = running().scan(ticket(), *(card(Card.DIGIT, str(digit)) for digit in (1, 2, 1, 2, 1, 2, 1)))
    assert bench.kinds == ["too_many_digits"]
    assert bench.scan(card(Card.ENTER)).kinds == ["no_digits"]


def test_a_number_of_nothing_asks_of_what() -> None:
    bench = Bench().scan("48")
    assert (bench.kinds, bench.line1) == (["number_alone"], "どの票の数ですか / Count of what?")


def test_a_number_after_a_new_card_does_not_count_the_old_finish() -> None:
    assert running().scan(ticket(), SCRAP, "3").kinds == ["number_alone"]


def test_a_number_five_minutes_later_counts_nothing() -> None:
    bench = running().scan(ticket())
    bench.wait(minutes=5)
    assert bench.scan("48").kinds == ["number_alone"]


def test_all_good_counts_what_the_view_knew_to_remain() -> None:
    bench = running(order(step(20, remaining=50, remaining_q=COUNTED))).scan(ticket(), card(Card.ALL_GOOD))
    assert bench.work.good == Quantity(n=50, q=COUNTED)


@pytest.mark.parametrize(
    "bench",
    [
        running(),
        running(order(step(20))),
        running(order(step(20, remaining=50, remaining_q=COUNTED), current=False)),
        running(order(step(20, remaining=50, remaining_q=COUNTED), tickets=(A, B))),
        running(order(step(20, remaining=50, remaining_q=Quality.ASSUMED))),
        running(order(step(20, remaining=50))),
        running(order(step(20, remaining=50, remaining_q=COUNTED))).scan(SCRAP, ticket(), "2"),
    ],
    ids=["no view", "no remaining", "old view", "two lots", "assumed", "older server", "scrap since"],
)
def test_all_good_never_guesses(bench: Bench) -> None:
    bench.scan(ticket(), card(Card.ALL_GOOD))
    assert bench.kinds == ["not_known_here"]
    assert bench.line2 == "数を入れてください / Key the count"


def test_part_way_turns_the_finish_into_a_pause() -> None:
    bench = running().scan(ticket(), card(Card.PARTWAY))
    assert bench.kinds == ["correction", "pause"]
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)
    assert bench.live() == ["start", "pause"]
    assert bench.line1 == "途中まで 7K3Q9F-20 / Part way"
    assert bench.scan(ticket()).kinds == ["start"]


def test_pieces_keyed_before_or_after_part_way_stay_counted() -> None:
    assert running().scan(ticket(), "30", card(Card.PARTWAY)).live() == ["start", "report", "pause"]
    assert running().scan(ticket(), card(Card.PARTWAY), "30").live() == ["start", "pause", "report"]


@pytest.mark.parametrize("which", [Card.PARTWAY, Card.ALL_GOOD])
def test_buttons_about_a_finish_need_one(which: Card) -> None:
    assert Bench().scan(card(which)).kinds == ["no_finish"]
    assert running().scan(card(which)).kinds == ["no_finish"]
    assert Bench().scan(SHIP, ticket(), card(which)).kinds == ["no_finish"]


def test_part_way_after_a_finish_without_a_start_has_nothing_to_pause() -> None:
    assert Bench().scan(FINISH, ticket(), card(Card.PARTWAY)).kinds == ["no_finish"]


# -- undo ------------------------------------------------------------------------------------------------------


def test_undo_voids_the_last_scan_and_the_session_is_as_before() -> None:
    bench = running().scan(ticket(), UNDO)
    assert bench.kinds == ["correction"]
    assert bench.line1 == "元に戻しました 7K3Q9F-20 / Undone"
    assert bench.live() == ["start"]
    bench.wait(minutes=1)
    assert bench.scan(ticket()).work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)


def test_undo_reaches_three_scans_and_no_further() -> None:
    bench = Bench().scan(*(ticket(name) for name in (A, B, C, "444444")))
    for left in (3, 2, 1):
        assert bench.scan(UNDO).live() == ["start"] * left
    bench.scan(UNDO)
    assert (bench.kinds, bench.line1) == (["nothing_to_undo"], "元に戻す読み取りなし / Nothing to undo")


def test_undo_of_a_continued_job_takes_back_both_events() -> None:
    bench = running(minutes=24 * 60).scan(ticket(), UNDO)
    assert bench.live() == ["start"]
    assert bench.scan(ticket()).kinds == ["pause", "start"]


def test_undo_of_a_number_brings_the_earlier_one_back() -> None:
    bench = running().scan(ticket(), "48", "46", UNDO)
    assert bench.kinds == ["correction", "report"]
    assert bench.work.good == Quantity(n=48, q=COUNTED)
    assert bench.scan(UNDO).live() == ["start", "finish"]
    assert bench.scan(UNDO).live() == ["start"]


def test_undo_of_a_scrap_number_leaves_the_scrap_assumed_and_undo_again_removes_it() -> None:
    bench = running().scan(SCRAP, ticket(), "2", UNDO)
    assert (bench.live(), bench.work.scrap) == (["start", "report"], Quantity(q=Quality.ASSUMED))
    assert bench.scan(UNDO).live() == ["start"]


def test_undo_of_part_way_is_a_finish_again_at_its_own_time() -> None:
    bench = running().scan(ticket())
    finished_at = bench.now.at
    bench.scan(card(Card.PARTWAY), UNDO)
    assert bench.live() == ["start", "finish"]
    assert bench.work.as_of == finished_at
    assert bench.scan(UNDO).live() == ["start"]


def test_undo_is_over_when_the_shift_is() -> None:
    bench = running().scan(ticket())
    bench.wait(hours=24)
    assert bench.scan(UNDO).kinds == ["nothing_to_undo"]


def test_undo_does_not_reach_other_scanners() -> None:
    assert running().scan(UNDO, at=MILL).kinds == ["nothing_to_undo"]


def test_undo_of_what_another_scanner_has_changed_since_is_for_the_office() -> None:
    both = replace(MILL, stations=("mill-1", "lathe-1"))
    bench = running().scan(ticket(), at=both)
    bench.scan(UNDO)
    assert (bench.kinds, bench.line1) == (["changed_since"], "7K3Q9F-20 あとで変わりました / Changed since")


def test_a_scan_that_changed_nothing_is_not_undone() -> None:
    assert running().scan("rubbish", UNDO).live() == []


# -- which operation -------------------------------------------------------------------------------------------


def test_a_whole_sheet_code_means_the_firms_next_open_operation() -> None:
    bench = Bench(order(step(10, "done"), step(20), step(30), step(5, mine=False))).scan(sheet())
    assert (bench.work.operation, bench.line1) == (20, "着手 4471-20 / Started")


def test_without_a_view_no_operation_is_recorded_and_that_is_said() -> None:
    bench = Bench().scan(sheet())
    assert bench.work.operation is None
    assert (bench.line1, bench.line2) == ("着手 7K3Q9F / Started", "工程は後で / step decided later")


def test_a_finish_is_not_resolved_again_when_the_view_has_moved_on() -> None:
    bench = Bench(order(step(10), step(20)))
    bench.scan(sheet())
    bench.wait(minutes=10)
    bench.views.views = [order(step(10, "done"), step(20))]
    bench.scan(sheet())
    assert (bench.kinds, bench.work.operation) == (["finish"], 10)


def test_a_session_begun_without_a_view_ends_without_one() -> None:
    bench = Bench().scan(sheet())
    bench.wait(minutes=10)
    bench.views.views = [order(step(10), step(20))]
    bench.scan(sheet())
    assert (bench.kinds, bench.work.operation) == (["finish"], None)
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)


def test_what_was_finished_here_is_not_next_though_the_view_is_older() -> None:
    view = order(step(10), step(20), at=SYNCED.at)
    bench = Bench(view).scan(sheet())
    bench.wait(minutes=10)
    bench.scan(sheet())
    bench.wait(minutes=2)
    assert bench.scan(sheet()).work.operation == 20


def test_what_another_lot_has_left_to_do_is_not_next_for_this_one() -> None:
    bench = Bench(order(step(10), step(20), tickets=(A, B))).scan(sheet())
    bench.wait(minutes=10)
    bench.scan(sheet())
    bench.wait(minutes=2)
    bench.views.views = [order(step(10, "under_way"), step(20), tickets=(A, B), at=bench.now.at)]
    assert bench.scan(sheet()).work.operation == 20
    assert bench.scan(sheet(B)).work.operation == 10


def test_the_whole_sheet_of_a_job_just_finished_says_so() -> None:
    bench = Bench(order(step(10), step(20))).scan(sheet())
    bench.wait(minutes=10)
    assert bench.scan(sheet(), sheet()).line1 == "4471-10 もう完了しています / Already finished"


def test_scrap_found_after_the_finish_belongs_to_what_was_finished() -> None:
    bench = Bench(order(step(10), step(20))).scan(sheet())
    bench.wait(minutes=10)
    bench.scan(sheet())
    bench.wait(minutes=30)
    bench.scan(SCRAP, sheet())
    assert (bench.kinds, bench.work.operation) == (["report"], 10)
    assert bench.work.closes == Ref(author="kita/pi-1", epoch=EPOCH, seq=1)


def test_a_firms_only_operation_is_meant_again_when_it_was_done() -> None:
    assert Bench(order(step(10, "done"), step(20, mine=False))).scan(sheet()).work.operation == 10
    assert Bench(order(step(10, "done"), step(20, "done"))).scan(sheet()).work.operation is None


def test_two_whole_sheet_sessions_open_ask_for_the_machine() -> None:
    bench = Bench(order(step(10), step(20))).scan(ticket(A, 10), station("lathe-2"), ticket(A, 20))
    assert bench.scan(sheet()).kinds == ["two_open"]


def test_an_old_issue_starts_nothing_and_sends_to_the_coordinator() -> None:
    view = order(step(20), tickets=(TicketView(id=A, branch=1, old=True), B))
    for scans in ((ticket(),), (START, ticket()), (card(Card.SETUP), ticket())):
        bench = Bench(view).scan(*scans)
        assert bench.kinds == ["old_issue"]
        assert (bench.tone, bench.line1) == ("stop", "旧版です 止めて幹事へ / Old issue")


def test_what_was_under_way_on_an_old_issue_is_still_ended_and_said() -> None:
    bench = running()
    bench.views.views = [order(step(20), tickets=(TicketView(id=A, branch=1, old=True), B))]
    bench.scan(ticket())
    assert (bench.kinds, bench.tone) == (["finish"], "stop")
    assert (bench.line1, bench.line2) == ("完了 4471-20 / Finished", "旧版です 止めて幹事へ / Old issue")


def test_another_firms_step_is_recorded_as_said_and_warned_of() -> None:
    bench = Bench(order(step(20), step(30, mine=False))).scan(ticket(A, 30))
    assert (bench.kinds, bench.work.operation) == (["start"], 30)
    assert (bench.tone, bench.line2) == ("stop", "他社の工程です / Another firm's step")
    bench.scan(ticket(A, 30))
    assert (bench.tone, bench.line2) == ("nothing", "他社の工程です / Another firm's step")


@pytest.mark.parametrize(
    ("view", "second"),
    [
        (order(step(20), held=True), "保留の受注 幹事へ / Order on hold"),
        (order(step(20, "cancelled")), "取消の受注 幹事へ / Cancelled order"),
    ],
)
def test_a_held_or_cancelled_order_is_recorded_and_warned_of(view: object, second: str) -> None:
    bench = Bench(view).scan(ticket())  # type: ignore[arg-type]
    assert (bench.kinds, bench.tone, bench.line2) == (["start"], "stop", second)


def test_a_long_order_number_keeps_its_end_and_its_operation() -> None:
    assert Bench(order(step(20), number="2026-11-004471")).scan(ticket()).line1 == "着手 …-004471-20 / Started"


# -- lots and hand-overs ---------------------------------------------------------------------------------------


def test_a_split_takes_the_parent_the_blank_ticket_and_perhaps_a_number() -> None:
    bench = Bench().scan(card(Card.SPLIT), sheet())
    assert (bench.events, bench.line1) == ((), "分割 7K3Q9F / Split")
    bench.scan(sheet(B))
    (event,) = bench.events
    assert isinstance(event, Split)
    assert (event.parent, event.child, event.quantity) == (A, B, None)
    assert bench.line1 == "分割 7K3Q9F → 2M8XTA / Split"
    bench.scan("5")
    assert bench.kinds == ["correction", "ticket"]
    split = bench.events[1]
    assert isinstance(split, Split)
    assert split.quantity == Quantity(n=5, q=COUNTED)


@pytest.mark.parametrize(
    ("view", "second"),
    [
        (order(step(20), held=True), "保留の受注 幹事へ / Order on hold"),
        (order(step(20), tickets=(TicketView(id=A, branch=1, old=True),)), "旧版です 止めて幹事へ / Old issue"),
    ],
)
def test_a_part_of_a_lot_to_ask_about_is_recorded_and_warned_of_at_both_reads(view: object, second: str) -> None:
    bench = Bench(view).scan(card(Card.SPLIT), sheet())  # type: ignore[arg-type]
    assert bench.line2 == second
    bench.scan(sheet(B))
    assert (bench.line1, bench.line2, bench.tone) == (f"分割 {A} → {B} / Split", second, "stop")
    assert [event.kind for event in bench.events] == ["ticket"]


def test_a_split_onto_a_ticket_in_use_is_refused_and_waits_for_a_blank_one() -> None:
    bench = Bench(order(step(20), tickets=(B,))).scan(ticket(C), card(Card.SPLIT), sheet())
    for used in (sheet(B), sheet(C), sheet(A)):
        assert bench.scan(used).kinds == ["not_blank"]
    assert bench.scan(sheet("444444")).kinds == ["ticket"]


def test_a_split_that_is_not_ended_lapses_aloud() -> None:
    bench = Bench().scan(card(Card.SPLIT), sheet()).tick(31)
    (event,) = bench.events
    assert isinstance(event, Scan)
    assert (event.why, event.ticket) == ("card_lapsed", A)


def handovers(bench: Bench) -> list[Handover]:
    return [event for event in bench.log if isinstance(event, Handover)]


def test_tickets_shipped_together_share_a_hand_over() -> None:
    bench = Bench().scan(SHIP, sheet(A), sheet(B))
    first, second = handovers(bench)
    assert first.id == second.id
    assert (first.ticket, second.ticket) == (A, B)
    assert first.quantity == Quantity(q=Quality.ASSUMED)
    assert bench.line1 == "出荷 2M8XTA / Shipped"


def test_a_new_card_begins_a_new_hand_over() -> None:
    bench = Bench().scan(SHIP, sheet(A), SHIP, sheet(B))
    first, second = handovers(bench)
    assert first.id != second.id


def test_a_number_after_a_shipment_is_its_quantity_and_the_list_goes_on() -> None:
    bench = Bench().scan(SHIP, sheet(A), "48", sheet(B))
    _, counted, other = handovers(bench)
    assert (counted.ticket, counted.quantity) == (A, Quantity(n=48, q=COUNTED))
    assert counted.id == other.id
    assert bench.live() == ["ship", "ship"]


def test_the_list_of_a_shipment_ends_by_itself_and_says_so() -> None:
    bench = Bench().scan(SHIP, sheet(A)).tick(31)
    assert (bench.events, bench.tone) == ((), "nothing")
    assert bench.line1 == "出荷の読み取り 終わり / SHIP list closed"
    assert bench.scan(sheet(B)).kinds == ["start"]


def test_what_leaves_is_of_the_firms_last_begun_operation_and_what_arrives_of_the_next() -> None:
    view = order(step(10, "done"), step(20, "under_way"), step(30), step(40, mine=False))
    for code in (sheet(), ticket(A, 40)):  # any code of the sheet will do
        ship, receive = handovers(Bench(view).scan(SHIP, code, card(Card.RECEIVE), code))
        assert (ship.operation, receive.operation) == (20, 20)
    bench = Bench().scan(ticket(), SHIP, sheet())
    assert handovers(bench)[0].operation == 20
    assert bench.line2 == "まだ作業中です / Still running"


# -- what is no code of ours -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why", "line1"),
    [
        ("4902102072618", "not_ours", "工程移動票ではありません / Not a ticket"),
        ("", "not_ours", "工程移動票ではありません / Not a ticket"),
        ("7K3Q9F.20-A", "check_character", "読み取り不良 / Misread"),
        (f"C.DANCE-{check_character('CDANCE')}", "unknown_card", "知らない札です / Unknown card"),
        (card(Card.DIGIT, "XY"), "unknown_card", "知らない札です / Unknown card"),
        (card(Card.DIGIT), "unknown_card", "知らない札です / Unknown card"),
    ],
)
def test_what_cannot_be_read_is_kept_and_answered(text: str, why: str, line1: str) -> None:
    bench = Bench().scan(text)
    assert (bench.kinds, bench.tone, bench.line1) == ([why], "stop", line1)


def test_a_garbled_address_is_the_ticket() -> None:
    assert Bench().scan("https+//mawashi'example'jp/t/7k3q9f.20-r").kinds == ["start"]


def test_text_of_any_length_and_kind_is_kept_so_that_it_can_be_stored() -> None:
    bench = Bench()
    for text in ("]C1\x1d01", "図面" * 3000, "\ud800", '"\\' * 5000, "\x00" * 9000):
        bench.scan(text)
        (event,) = bench.events
        assert isinstance(event, Scan)
        assert event.text.isprintable()
        assert len(event.text.encode()) <= 4096
    assert bench.log[0].text == "]C1\\x1d01"  # type: ignore[union-attr]


# -- times that are given (a shop's history, played) -------------------------------------------------------------


def given(hour: int, minute: int = 0, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_with_given_times_no_rule_about_ages_applies_and_every_event_states_its_time() -> None:
    anywhere = replace(DESK, stations=())
    bench = Bench(desk=anywhere, now=replace(SYNCED, clock=ClockQuality.GIVEN))
    for at, scans in (
        (given(1), (station("m-17"), START, ticket())),
        (given(1), (station("m-17"), FINISH, ticket(), "5")),  # no duration at all
        (given(1), (station("m-17"), SCRAP, ticket(), "0")),
        (given(2), (station("m-17"), START, ticket())),
        (given(23, day=27), (station("m-17"), FINISH, ticket())),  # over a week
    ):
        bench.now = replace(bench.now, at=at)
        bench.scan(*scans, gap=0)
        assert all(event.as_of == at for event in bench.events)
    assert bench.live() == ["start", "finish", "report", "report", "start", "finish"]
    assert {event.station for event in bench.log if isinstance(event, Work)} == {"m-17"}


def test_with_given_times_nothing_lapses() -> None:
    bench = Bench(now=replace(SYNCED, clock=ClockQuality.GIVEN)).scan(START)
    assert bench.tick(1000).feedback is None


def test_with_given_times_the_same_code_twice_is_two_reads() -> None:
    bench = Bench(now=replace(SYNCED, clock=ClockQuality.GIVEN)).scan(ticket(), ticket(), gap=0)
    assert bench.live() == ["start", "finish"]


# -- memory ----------------------------------------------------------------------------------------------------


def test_finished_sessions_are_forgotten_after_three_days() -> None:
    bench = running().scan(ticket())
    assert len(bench.memory.sessions) == 1
    bench.wait(hours=73)
    bench.scan(ticket(B))
    assert [session.ticket for session in bench.memory.sessions.values()] == [B]


def test_only_the_last_finished_sessions_are_remembered() -> None:
    bench = Bench(now=replace(SYNCED, clock=ClockQuality.GIVEN))
    for number in range(1, CLOSED_LIMIT + 51):
        bench.scan(ticket(A, number), ticket(A, number), gap=0)
    assert len(bench.memory.sessions) == CLOSED_LIMIT
    assert (A, CLOSED_LIMIT + 50, "lathe-1") in bench.memory.sessions
