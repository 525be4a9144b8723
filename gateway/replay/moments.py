"""Dates, times, durations and numbers as people and spreadsheets write them. Text in, value or None out. Pure.

Which column holds which is not decided here.
"""

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Literal

Dates = Literal["ymd", "dmy", "mdy"]
"""What comes first in a date of three numbers whose year is not the one with four digits, or stands last."""
Decimal = Literal[".", ","]
Unit = Literal["minutes", "hours", "seconds"]

_UNIT_SECONDS: dict[str, float] = {"minutes": 60.0, "hours": 3600.0, "seconds": 1.0}
_ERAS = {"令和": 2018, "r": 2018, "平成": 1988, "h": 1988, "昭和": 1925, "s": 1925}
"""The year before the first of each era."""
_EXCEL_ZERO = date(1899, 12, 30)
"""Day 0 of Excel's serial numbers: its 1900 has a 29 February that was none (ECMA-376 part 1, 18.17.4.1)."""
_EXCEL_DAYS = range(20_000, 80_000)
"""1954 to 2119: what a number in a column of dates may mean."""
_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_abbr) if n}
_WEEKDAY = re.compile(r"\(?[月火水木金土日]\)|\(?\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b\.?,?\)?")
_ERA = re.compile(r"(令和|平成|昭和|[rhs])\.?\s*(\d{1,2}|元)[-./年]\s*(\d{1,2})[-./月]\s*(\d{1,2})日?")
_YEAR_FIRST = re.compile(r"(\d{4})[-./年]\s*(\d{1,2})[-./月]\s*(\d{1,2})日?")
_THREE = re.compile(r"(\d{1,2})[-./年]\s*(\d{1,2})[-./月]\s*(\d{4}|\d{1,2})日?(?!\d)")
_NAMED = re.compile(r"(\d{1,2})[- .]([a-z]{3})[a-z]*[- .,]+(\d{4})")
_NAMED_FIRST = re.compile(r"([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[t ]?(\d{2})(\d{2})(\d{2})?)?")
_TIME = re.compile(
    r"(午前|午後|am|pm)?\s*(\d{1,2})[:時](?:(\d{1,2})[:分]?(?:(\d{1,2})(?:[.,](\d{1,6})\d*)?秒?)?)?\s*(am|pm|午前|午後)?"
    r"\s*(z|utc|[+-]\d{2}:?\d{2})?"
)
_BARE_TIME = re.compile(r"(\d{1,2})(\d{2})")
_NUMBER = re.compile(r"([+-]?[\d.,' ]*\d[.,]?)\s*(?:個|ケ|ヶ|枚|本|台|pcs?\.?|pieces|ea)?")
_LONG = re.compile(
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:時間|h(?:ours?|rs?)?))?\s*(?:(\d+(?:[.,]\d+)?)\s*(?:分|m(?:in(?:utes?)?)?))?"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a cell says: a day, a time of day (from 24:00 on: of the next day), or both."""

    day: date | None
    since_midnight: timedelta | None
    offset: timezone | None = None


@lru_cache(maxsize=50_000)
def moment(text: str, dates: Dates = "ymd") -> Moment | None:
    """Read a date, a time, or both; None if it is none.

    >>> moment("R7.3.4 8:05"), moment("２０２５／３／４（火）").day, moment("25:30").since_midnight
    (Moment(day=datetime.date(2025, 3, 4), since_midnight=datetime.timedelta(seconds=29100), offset=None), \
datetime.date(2025, 3, 4), datetime.timedelta(days=1, seconds=5400))
    >>> moment("45720.3368").day, moment("0.5").since_midnight, moment("805").since_midnight
    (datetime.date(2025, 3, 4), datetime.timedelta(seconds=43200), datetime.timedelta(seconds=29100))
    """
    if len(text) > 60:
        return None
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not plain or not any(letter.isdigit() for letter in plain):
        return None
    if re.fullmatch(r"\d+(?:[.,]\d+)?", plain):
        return _of_number(plain)
    plain = _WEEKDAY.sub(" ", plain).strip()
    if _COMPACT.fullmatch(plain):
        return _of_number(re.sub("[t ]", "", plain))
    day, rest = _day(plain, dates)
    if day is None:
        found = _time(plain)
        return Moment(None, *found) if found else None
    rest = rest.strip(" t")
    if not rest:
        return Moment(day, None)
    found = _time(rest)
    return Moment(day, *found) if found else None


def ambiguous(text: str) -> bool:
    """Whether a date could be day first as well as month first.

    >>> ambiguous("03/04/2025"), ambiguous("13/04/2025"), ambiguous("2025/03/04")
    (True, False, False)
    """
    found = _THREE.match(unicodedata.normalize("NFKC", text).strip())
    return bool(found and len(found[3]) == 4 and found[1] != found[2] and int(found[1]) <= 12 and int(found[2]) <= 12)


def month_first(text: str) -> bool | None:
    """Whether a date whose year stands last is surely month first (True) or day first (False); None: no telling."""
    found = _THREE.match(unicodedata.normalize("NFKC", text).strip())
    if not found or len(found[3]) != 4:
        return None
    first, second = int(found[1]), int(found[2])
    return None if (first > 12) == (second > 12) else second > 12


@lru_cache(maxsize=20_000)
def number(text: str, decimal: Decimal = ".") -> float | None:
    """Read a number with its separators and perhaps a unit of pieces.

    >>> number("１，２３４個"), number("12,0", ","), number("x")
    (1234.0, 12.0, None)
    """
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip().lower())
    if not found:
        return None
    digits = re.sub(r"[' ]", "", found[1]).rstrip(".,")
    thousands = "," if decimal == "." else "."
    whole, _, part = digits.partition(decimal)
    if thousands in whole and not re.fullmatch(rf"[+-]?\d{{1,3}}(?:\{thousands}\d{{3}})+", whole):
        return None
    if not re.fullmatch(r"\d{0,12}", part):
        return None
    try:
        return float(f"{whole.replace(thousands, '') or '0'}.{part or '0'}") if len(whole) <= 16 else None
    except ValueError:
        return None


def duration(text: str, unit: Unit | None, decimal: Decimal = ".") -> timedelta | None:
    """Read how long something took: `1:30`, `1時間30分`, `90分`, or a number of `unit`s.

    >>> duration("1時間30分", None) == duration("90", "minutes") == duration("1,5", "hours", ",")
    True
    """
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if found := _CLOCK.fullmatch(plain):
        return timedelta(hours=int(found[1]), minutes=int(found[2]), seconds=int(found[3] or 0))
    if plain and (found := _LONG.fullmatch(plain)):
        hours, minutes = ((float(part.replace(",", ".")) if part else 0.0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes) if hours < 10_000 and minutes < 600_000 else None
    value = number(plain, decimal)
    if value is None or unit is None or not 0 <= value * _UNIT_SECONDS[unit] < 400 * 86_400:
        return None
    return timedelta(seconds=round(value * _UNIT_SECONDS[unit], 3))


def combined(day: date, since_midnight: timedelta, offset: timezone | None) -> datetime:
    """Return a day and a time as one moment, naive unless the cell named an offset. Raises OverflowError."""
    return datetime.combine(day, time(), offset) + since_midnight


def _of_number(plain: str) -> Moment | None:
    """Read digits alone: 20250304, 202503040805, an Excel serial, a part of a day, or 805."""
    if found := _COMPACT.fullmatch(plain):
        day = _made(int(found[1]), int(found[2]), int(found[3]))
        if day is None or not found[4]:
            return Moment(day, None) if day else None
        return Moment(day, timedelta(hours=int(found[4]), minutes=int(found[5]), seconds=int(found[6] or 0)))
    value = float(plain.replace(",", "."))
    fraction = "." in plain or "," in plain
    if fraction and 0 <= value < 2:
        return Moment(None, timedelta(seconds=round(value * 86_400)))
    if int(value) in _EXCEL_DAYS and len(plain.partition(".")[0].partition(",")[0]) == 5:
        seconds = round(value % 1 * 86_400)
        return Moment(_EXCEL_ZERO + timedelta(days=int(value)), timedelta(seconds=seconds) if fraction else None)
    if (found := _BARE_TIME.fullmatch(plain)) and int(found[1]) < 48 and int(found[2]) < 60:
        return Moment(None, timedelta(hours=int(found[1]), minutes=int(found[2])))
    return None


def _day(plain: str, dates: Dates) -> tuple[date | None, str]:
    """Return the date a text begins with, and what follows it."""
    if found := _ERA.match(plain):
        year = _ERAS[found[1]] + (1 if found[2] == "元" else int(found[2]))
        return _made(year, int(found[3]), int(found[4])), plain[found.end() :]
    if found := _YEAR_FIRST.match(plain):
        return _made(int(found[1]), int(found[2]), int(found[3])), plain[found.end() :]
    if (found := _COMPACT.match(plain)) and not plain[8:9].isdigit():
        return _made(int(found[1]), int(found[2]), int(found[3])), plain[8:]
    if found := _THREE.match(plain):
        return _three(found, dates), plain[found.end() :]
    if found := _NAMED.match(plain):
        return _made(int(found[3]), _MONTHS.get(found[2], 0), int(found[1])), plain[found.end() :]
    if found := _NAMED_FIRST.match(plain):
        return _made(int(found[3]), _MONTHS.get(found[1], 0), int(found[2])), plain[found.end() :]
    return None, plain


def _three(found: re.Match[str], dates: Dates) -> date | None:
    first, second, last = int(found[1]), int(found[2]), int(found[3])
    if len(found[3]) != 4 and dates == "ymd":
        return _made(2000 + first, second, last)
    year = last if len(found[3]) == 4 else 2000 + last
    if dates == "mdy" or (dates == "ymd" and second > 12):
        return _made(year, first, second)
    return _made(year, second, first)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(text: str) -> tuple[timedelta, timezone | None] | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = int(found[2]), int(found[3] or 0), int(found[4] or 0)
    half = found[1] or found[6]
    if half and hours <= 12:
        hours = hours % 12 + (12 if half in ("午後", "pm") else 0)
    if hours >= 48 or minutes >= 60 or seconds >= 60:
        return None
    micro = int((found[5] or "0").ljust(6, "0"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micro), _offset(found[7])


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if text[0] == "-" else shift) if shift < timedelta(hours=24) else None
