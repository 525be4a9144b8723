"""Days as offices write them."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.orders.cells import shown
from gateway.orders.days import Day, day_of, without_century

TODAY = date(2026, 11, 22)
ZERO = date(1899, 12, 30)


def read(cell: object, *, today: date = TODAY, zero: date = ZERO) -> Day | None:
    return day_of(cell, shown(cell), today=today, day_zero=zero)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2026/11/26",
            "2026-11-26",
            "2026.11.26",
            "2026年11月26日",
            "２０２６／１１／２６",
            "20261126",
            "2026/11/26(木)",
        ),
        *("R8.11.26", "r8/11/26", "令和8年11月26日", "令和８年１１月２６日", "2026-11-26 00:00:00", "2026/11/26まで"),
        *(20261126, datetime.fromisoformat("2026-11-26 00:00"), date(2026, 11, 26)),
    ],
)
def test_a_day_written_whole_is_that_day(written):
    assert read(written) == Day(date(2026, 11, 26))


@pytest.mark.parametrize("written", ["11/26", "11月26日", 46352, "46352", 46352.0])
def test_a_day_without_a_year_and_a_serial_number_are_concluded(written):
    assert read(written) == Day(date(2026, 11, 26), concluded=True)


def test_the_first_year_of_an_era_and_serials_of_a_macintosh():
    assert read("令和元年5月1日") == Day(date(2019, 5, 1))
    assert read("H31.4.30") == Day(date(2019, 4, 30))
    assert read(44890, zero=date(1904, 1, 1)) == Day(date(2026, 11, 26), concluded=True)


@pytest.mark.parametrize(
    ("today", "year"), [(date(2026, 12, 28), 2027), (date(2026, 3, 1), 2026), (date(2026, 1, 31), 2026)]
)
def test_a_day_without_a_year_is_the_next_such_day_or_one_just_past(today, year):
    assert read("1/10", today=today) == Day(date(year, 1, 10), concluded=True)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("26/11/12", date(2026, 11, 12)),
        ("26.12.4", date(2026, 12, 4)),
        ("26年12月4日(金)", date(2026, 12, 4)),
        ("27/1/29", date(2027, 1, 29)),
    ],
)
def test_a_year_of_two_digits_is_read_where_it_can_be_nothing_else(written, day):
    assert read(written) == Day(day, concluded=True)


@pytest.mark.parametrize("written", ["12/11/26", "8/11/26", "10/11/12", "27/11/26", "30/1/1", "26/13/1"])
def test_what_may_be_two_days_or_none_within_a_year_is_not_read_and_its_year_is_asked_for(written):
    assert read(written) is None
    assert without_century(written)


def test_a_day_that_is_the_same_whichever_number_is_the_year_is_read():
    assert read("26/12/26") == Day(date(2026, 12, 26), concluded=True)
    assert not without_century("2026/13/1")


def test_the_29th_of_february_waits_for_its_year():
    assert read("2/29") == Day(date(2028, 2, 29), concluded=True)


@pytest.mark.parametrize(
    "written",
    ["11/12/26", "11/26/2026", "至急", "12月末", "11月", "2026/2/30", "13/1", "0", "R8.13.1", 5, 1e9, True, None],
)
def test_what_could_be_two_days_or_none_is_none(written):
    assert read(written) is None


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_way_of_writing_a_day_says_the_same(day):
    assert read(f"{day:%Y/%m/%d}") == read(day.isoformat()) == Day(day)
    assert read((day - ZERO).days) == Day(day, concluded=True)
    if day >= date(2020, 1, 1):
        assert read(f"R{day.year - 2018}.{day.month}.{day.day}") == Day(day)


@given(st.text("0123456789/-.年月日令和元RrHh()木 まで:", max_size=20))
def test_no_text_is_too_strange_to_be_no_day(text):
    read(text)
