"""How a device is heard: stories of a line, second by second."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Reading
from broker.events import ClockQuality
from edge.rules.devices import MESS_BYTES, Counts, Watched, watch

BEGAN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)


def second(number: float) -> Reading:
    return Reading(BEGAN + timedelta(seconds=number), int(number * 1000), "b0", ClockQuality.SYNCED)


def story(*seconds: tuple[bool, int, int, int] | tuple[bool, int, int, int, int | None]) -> list[str]:
    """What is said second by second of lost, bytes, good and malformed lines, and since when its state is unknown."""
    watched: Watched | None = None
    said = []
    for number, counts in enumerate(seconds):
        watched = watch(watched, Counts(*counts), second(number))
        said.append(watched.state)
    return said


def test_a_device_that_is_there_is_waited_for_and_then_heard():
    assert story((True, 0, 0, 0), (False, 0, 0, 0), (False, 12, 1, 0), (False, 12, 1, 0)) == [
        "waiting",
        "waiting",
        "heard",
        "heard",
    ]


def test_a_device_that_is_unplugged_is_lost_at_once_and_since_then():
    heard = watch(watch(None, Counts(False, 0, 0, 0), second(0)), Counts(False, 9, 1, 0), second(1))
    lost = watch(heard, Counts(True, 9, 1, 0), second(7))
    assert (lost.state, lost.since) == ("lost", second(7).at)
    assert watch(lost, Counts(True, 9, 1, 0), second(60)).since == second(7).at
    assert watch(lost, Counts(False, 9, 1, 0), second(61)).state == "waiting"


def test_garbage_is_said_after_three_seconds_and_until_something_is_understood():
    lines = [(False, 9, 1, 0), (False, 9, 1, 0), *((False, 9 + 40 * n, 1, n) for n in range(1, 6))]
    assert story(*lines, (False, 400, 2, 5)) == ["waiting", *["heard"] * 4, *["garbage"] * 2, "heard"]


def test_bytes_that_never_end_a_line_are_garbage_too():
    assert story((False, 0, 0, 0), *((False, MESS_BYTES * n, 0, 0) for n in range(1, 6)))[-1] == "garbage"


def test_the_nuls_before_a_punchs_first_line_are_none():
    assert story((False, 0, 0, 0), *[(False, 200, 0, 0)] * 8) == ["waiting"] * 9


def test_a_machine_whose_driver_knows_nothing_more_is_silent_and_one_that_says_unknown_itself_is_heard():
    assert story((False, 0, 0, 0), (False, 9, 1, 0), (False, 9, 1, 0, 1500))[-1] == "silent"
    assert story((False, 0, 0, 0), (False, 9, 1, 0), (False, 18, 2, 0, 1500))[-1] == "heard"


def test_a_device_whose_last_word_is_its_death_is_silent_after_some_seconds_and_heard_again_at_its_next():
    died = [(False, 9, 1, 0), *[(False, 18, 2, 0, 1500)] * 7]
    assert story((False, 0, 0, 0), *died) == ["waiting", *["heard"] * 6, *["silent"] * 2]
    assert story((False, 0, 0, 0), *died, (False, 27, 3, 0))[-1] == "heard"


def test_a_device_that_never_says_a_state_and_rarely_a_count_is_heard_between_them():
    assert story((False, 0, 0, 0, 0), *[(False, 9, 1, 0, 0)] * 300)[-1] == "heard"


def test_a_polled_machine_that_says_its_state_is_unknown_is_heard_all_the_time():
    polled = [(False, 9 * n, n, 0, 900) for n in range(2, 30) for _ in range(2)]
    assert set(story((False, 9, 1, 0), *polled)[1:]) == {"heard"}


def test_a_scanner_that_lies_still_all_day_is_heard():
    assert story((False, 0, 0, 0), (False, 9, 1, 0), *[(False, 9, 1, 0)] * 500)[-1] == "heard"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_since_is_when_it_changed_and_lost_is_always_said(seconds: list[tuple[bool, int, int, int]]):
    watched: Watched | None = None
    received = good = malformed = 0
    for number, (lost, more, right, wrong) in enumerate(seconds):
        received, good, malformed = received + more, good + right, malformed + wrong
        before, watched = watched, watch(watched, Counts(lost, received, good, malformed), second(number))
        assert (watched.state == "lost") == (lost and before is not None)
        assert watched.since == (before.since if before and before.state == watched.state else second(number).at)
