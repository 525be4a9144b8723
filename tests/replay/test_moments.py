"""Dates, times, lengths and numbers as shops and spreadsheets write them; what is none is None, never a guess."""

import doctest
from datetime import date, timedelta

import pytest

from gateway.replay import choosing, grid, headings, lanes, moments
from gateway.replay.moments import Moment, duration, moment, number
from gateway.web import lead_pages

MARCH = date(2025, 3, 4)
AT = timedelta(hours=8, minutes=5)


@pytest.mark.parametrize("module", [choosing, grid, headings, lanes, moments, lead_pages], ids=lambda one: one.__name__)
def test_the_examples_in_the_text_are_true(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        *(
            "R7.3.4 8:05",
            "令和7年3月4日 8時5分",
            "R07/03/04 08:05:00",
            "2025年3月4日(火)8:05",
            "２０２５／３／４　８：０５",
        ),
        *("2025-03-04T08:05", "2025-03-04 08:05:00.000", "20250304 0805", "20250304T080500", "202503040805"),
        *("04.03.2025 08:05", "4 Mar 2025 8:05", "Tue 04-Mar-2025 08:05 AM", "25/3/4 午前8:05", "45720.336805"),
    ],
)
def test_one_moment_is_written_in_many_ways(text):
    assert moment(text) == Moment(MARCH, AT)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "Start",
            "-",
            "2025/13/01",
            "2025/02/30 8:00",
            "8:60",
            "48:00",
            "25/3",
            "3月4日",
            "12345678901234567",
        ),
        *("令和7年3月4日 朝", "2025-03-04 08:05 extra", "9" * 100, "250304", "1e5", "１：２：３：４"),
    ],
)
def test_what_is_no_moment_is_none(text):
    assert moment(text) is None


def test_eras_count_from_their_first_year():
    assert [moment(text).day.year for text in ("R元.5.1", "H31.4.1", "昭和64.1.7", "平成元年1月8日")] == [  # type: ignore[union-attr]
        *(2019, 2019, 1989, 1989),
    ]


def test_numbers_with_both_marks_and_units():
    assert [number(text) for text in ("1,234", "12個", "１２", "1.50", "-3", " 7 pcs ")] == [1234, 12, 12, 1.5, -3, 7]
    assert [number(text, ",") for text in ("1.234,5", "12,00", "1.234")] == [1234.5, 12, 1234]
    assert [number(text) for text in ("", "x", "1,2", "1.2.3", "1,23,456", "12kg", "9" * 40)] == [None] * 7


def test_lengths_of_time():
    assert duration("90", "minutes") == duration("1.5", "hours") == duration("1:30", None) == timedelta(minutes=90)
    assert duration("1h 30m", None) == duration("90min", None) == duration("5400", "seconds") == timedelta(minutes=90)
    assert [duration(text, "minutes") for text in ("", "x", "-5", "1e9", "999999999")] == [None] * 5
    assert duration("90", None) is None, "a number without a unit says nothing"
