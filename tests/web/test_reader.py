"""How times, dates and quantities are said, and whose language is taken."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from gateway.rules.order import Amount
from gateway.settings import Firm, Gateway
from gateway.web.reader import Language, Names, Reader, choose
from tests.web.sample import FIRMS, NOW, ZONE, at


def reader(language: Language = "ja") -> Reader:
    return Reader(language, ZONE, NOW, Names.of(Gateway(data_dir="/nowhere", firms=FIRMS)))


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "chosen"),
    [
        ("en", "ja", "ja", "en"),
        (None, "en", "ja", "en"),
        ("fr", "xx", "en-US,en;q=0.9", "en"),
        (None, None, "ja,en-US;q=0.9", "ja"),
        (None, None, "de,fr", "ja"),
        (None, None, "en;q=nonsense", "ja"),
        (None, None, None, "ja"),
    ],
)
def test_the_address_beats_the_cookie_beats_the_browser_and_japanese_is_the_default(query, cookie, accept, chosen):
    assert choose(query, cookie, accept) == chosen


def test_todays_time_has_no_date_and_another_days_has_one():
    assert reader().clock(at(20, 8, 6)) == "8:06"
    assert reader().clock(at(19, 16, 40)) == "11/19 16:40"
    assert reader("en").clock(at(19, 16, 40)) == "19 Nov 16:40"
    assert reader().clock(at(19, 16, 40).replace(year=2025)) == "2025/11/19 16:40"
    assert reader().since_short(at(19, 16, 40)) == "11/19から"
    assert reader("en").since_short(at(19, 16, 40)) == "since 19 Nov"
    assert reader("en").since_short(at(20, 8, 6)) == "since 8:06"
    assert reader().since_short(None) == ""


def test_a_moment_at_the_calendars_edge_is_said_and_breaks_nothing():
    west, east = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))
    for moment in (datetime.max.replace(tzinfo=west), datetime.max.replace(tzinfo=UTC)):
        assert reader().clock(moment) == "9999/12/31 23:59"
        assert reader("en").since_short(moment) == "since 31 Dec 9999"
    for moment in (datetime.min.replace(tzinfo=east), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23)))):
        assert reader().clock(moment) == "1/1/1 0:00"


def test_dates_name_their_weekday():
    assert reader().day(date(2026, 11, 25)) == "11/25(水)"
    assert reader("en").day(date(2026, 11, 25)) == "Wed 25 Nov"
    assert reader("en").day(date(2027, 1, 4)) == "Mon 4 Jan 2027"


@pytest.mark.parametrize(
    ("seconds", "ja", "en"),
    [
        (0, "0分", "0 min"),
        (42 * 60, "42分", "42 min"),
        (3 * 3600, "3時間", "3 h"),
        (3 * 3600 + 20 * 60, "3時間20分", "3 h 20 min"),
        (24 * 3600 - 1, "1日", "1 d"),
        (52 * 3600, "2日4時間", "2 d 4 h"),
    ],
)
def test_a_length_is_said_in_minutes_hours_or_days(seconds, ja, en):
    assert (reader().length(seconds), reader("en").length(seconds)) == (ja, en)


def test_an_assumed_quantity_never_passes_as_counted():
    assert reader().amount(Amount(counted=30, assumed=20)) == "50（未確認）"
    assert reader("en").amount(Amount(assumed=50)) == "50 (unconfirmed)"
    assert reader().amount(Amount(machine=131)) == "131（機械）"
    assert reader().amount(Amount(counted=50)) == "50"


def test_a_firm_nobody_listed_is_called_by_its_id():
    assert reader().firm("grinding") == "研削工場"
    assert reader("en").firm("grinding") == "Grinding"
    assert reader().firm("kato-ss") == "kato-ss"


def test_a_station_is_called_as_its_own_firm_calls_it_and_by_its_id_where_nobody_said():
    firms = (
        Firm(id="turning", name="旋盤工場", stations={"m1": "旋盤1", "m2": ""}),
        Firm(id="grinding", name="研削工場"),
    )
    names = Names.of(Gateway(data_dir="/nowhere", firms=firms))
    assert names.station("turning", "m1") == "旋盤1"
    assert (names.station("turning", "m2"), names.station("grinding", "m1")) == ("m2", "m1")
