"""When an event happened, by which clock can be trusted."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from broker.events import Action, AnyEvent, ClockQuality, Work
from gateway.rules.stamp import Stamped, stamp
from tests.rules.floor import T, at, row


def event(clock: ClockQuality = ClockQuality.SYNCED, minute: float = 0, **fields: Any) -> AnyEvent:
    given: dict[str, Any] = {"at": at(minute), "mono_ms": 1_000, "boot": "b0", "clock": clock}
    return Work(**{**given, "action": Action.START, "ticket": T, "operation": 10, "station": "m1", **fields})


def stamped(told: AnyEvent, author: str = "a/e1", **clocks: Any) -> Stamped:
    return stamp(row(told, author, 7, **clocks), told)


def test_a_synced_clock_is_believed() -> None:
    found = stamped(event(), received_at=at(60))
    assert (found.stamp, found.at, found.approximate) == (at(0), at(0), False)


def test_an_unsynced_event_is_dated_by_a_synced_bundle_of_the_same_boot() -> None:
    told = event(ClockQuality.UNSYNCED, minute=-5_000_000)
    found = stamped(told, received_at=at(60), bundle_at=at(59), bundle_mono_ms=1_000 + 10 * 60_000)
    assert (found.stamp, found.approximate) == (at(49), False)


def test_with_an_unsynced_bundle_of_the_same_boot_its_age_is_counted_from_the_receipt() -> None:
    told = event(ClockQuality.UNSYNCED)
    clocks: dict[str, Any] = {
        "bundle_at": at(-9_000),
        "bundle_mono_ms": 1_000 + 10 * 60_000,
        "bundle_clock": ClockQuality.UNSYNCED,
    }
    found = stamped(told, received_at=at(60), **clocks)
    assert (found.stamp, found.approximate) == (at(50), True)


def test_after_a_restart_without_a_clock_only_the_receipt_is_left() -> None:
    found = stamped(event(ClockQuality.UNSYNCED), received_at=at(60), bundle_boot="b1")
    assert (found.stamp, found.approximate) == (at(60), True)


def test_a_bundle_of_another_boot_says_nothing_of_the_age_however_synced_it_is() -> None:
    found = stamped(event(ClockQuality.UNSYNCED), received_at=at(60), bundle_at=at(1), bundle_boot="b1")
    assert found.stamp == at(60)


def test_no_stamp_is_later_than_the_receipt() -> None:
    ten_years_ahead = stamped(event(minute=10 * 365 * 1440), received_at=at(60))
    assert (ten_years_ahead.stamp, ten_years_ahead.approximate) == (at(60), True)
    bundle_ahead = stamped(event(ClockQuality.UNSYNCED), received_at=at(60), bundle_at=at(90), bundle_mono_ms=1_000)
    assert bundle_ahead.stamp == at(60)


def test_a_synced_clock_a_few_milliseconds_ahead_is_still_believed() -> None:
    told = event()
    found = stamped(told, received_at=told.at - timedelta(milliseconds=40))
    assert (found.stamp, found.approximate) == (told.at - timedelta(milliseconds=40), False)


def test_a_monotonic_clock_that_ran_backwards_makes_nobody_older_than_the_bundle() -> None:
    found = stamped(event(ClockQuality.UNSYNCED), received_at=at(60), bundle_at=at(59), bundle_mono_ms=0)
    assert found.stamp == at(59)


@pytest.mark.parametrize("bundle_mono_ms", [10**15, 10**30])
def test_an_absurd_age_is_survived(bundle_mono_ms: int) -> None:
    found = stamped(
        event(ClockQuality.UNSYNCED),
        received_at=at(60),
        bundle_at=datetime(1, 1, 1, tzinfo=UTC),
        bundle_mono_ms=bundle_mono_ms,
    )
    assert found.stamp <= at(60)


EXTREMES = [
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, tzinfo=UTC),
]


@pytest.mark.parametrize("clock", [ClockQuality.SYNCED, ClockQuality.UNSYNCED])
@pytest.mark.parametrize("wrong", EXTREMES)
def test_a_clock_out_of_this_world_is_the_time_of_receipt(wrong: datetime, clock: ClockQuality) -> None:
    found = stamped(event(clock, at=wrong), received_at=at(60), bundle_at=wrong, bundle_mono_ms=2_000)
    assert (found.stamp, found.approximate) == (at(60), clock is ClockQuality.SYNCED or wrong.year < 2000)


@pytest.mark.parametrize("stated", [*EXTREMES, at(60) + timedelta(days=1, seconds=1)])
def test_a_stated_time_that_cannot_be_right_is_not_believed_and_the_stamp_is_taken(stated: datetime) -> None:
    found = stamped(event(as_of=stated), received_at=at(60))
    assert (found.at, found.stamp, found.disbelieved) == (at(0), at(0), True)


@pytest.mark.parametrize("stated", [datetime(1970, 1, 1, tzinfo=UTC), at(-20_000_000), at(60) + timedelta(days=1)])
def test_a_stated_time_long_past_or_a_day_ahead_is_believed(stated: datetime) -> None:
    found = stamped(event(as_of=stated), received_at=at(60))
    assert (found.at, found.disbelieved) == (stated, False)


def test_what_a_person_states_is_when_it_happened_and_the_stamp_stays_what_clocks_say() -> None:
    found = stamped(event(as_of=at(-300)), received_at=at(60))
    assert (found.at, found.stamp) == (at(-300), at(0))


def test_times_are_utc_whatever_zone_they_were_written_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    found = stamped(event(at=at(0).astimezone(tokyo), as_of=at(5).astimezone(tokyo)), received_at=at(60))
    assert (found.stamp, found.at) == (at(0), at(5))
    assert found.stamp.tzinfo is UTC
    assert found.at.tzinfo is UTC


def test_an_events_firm_is_its_authors_and_the_gateway_speaks_for_the_firm_it_names() -> None:
    assert stamped(event()).firm == "a"
    assert stamped(event(), "gateway").firm == "gateway"
    assert stamped(event(firm="b", told_by="telephone"), "gateway").firm == "b"
