"""Days as offices write them: 2026/11/26, R8.11.26, 令和8年11月26日, 11/26, and Excel's serial numbers. Pure.

What could be two days is none: 11/12/26 is not read, 26/11/12 only while no other of its numbers can be the year.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.sheets import Cell

_ERAS = {"令和": 2018, "r": 2018, "平成": 1988, "h": 1988}
"""The year before each era's first (Reiwa began on 1 May 2019, Heisei on 8 January 1989)."""
_SERIALS = range(36_526, 73_051)
"""2000 to 2099, counted from 30 December 1899 (ECMA-376 part 1, 18.17.4.1)."""
_TAIL = re.compile(r"\s*(?:\(?[月火水木金土日](?:曜日?)?\)?)?\s*(?:0{1,2}:00(?::00)?)?\s*(?:まで|迄|必着)?$")
_YEAR = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?")
_COMPACT = re.compile(r"(20\d{2})(\d{2})(\d{2})")
_ERA = re.compile(r"(令和|平成|r|h)\.?\s*(\d{1,2}|元)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"(\d{1,2})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?")
_NO_YEAR = re.compile(r"(\d{1,2})\s*[/月]\s*(\d{1,2})日?")
_BACK = timedelta(days=90)
"""A day without a year is the next such day, or one that has been so lately that it is meant: an order that is late."""
_AHEAD = timedelta(days=366)
"""How far ahead a day whose year has two digits may be: further off, another of its numbers may be the year as well."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, and whether a part of it had to be concluded: the year, or that a number is a date."""

    day: date
    concluded: bool = False


def day_of(cell: Cell, text: str, *, today: date, day_zero: date) -> Day | None:
    """Return the day a cell means, `text` being how it reads; None if it is none."""
    if isinstance(cell, datetime):
        return Day(cell.date())
    if isinstance(cell, date):
        return Day(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        serial = int(cell) + (date(1904, 1, 1) - date(1899, 12, 30)).days * (day_zero.year == 1904)
        if serial in _SERIALS:
            return Day(date(1899, 12, 30) + timedelta(days=serial), concluded=True)
    return _read(text, today)


@lru_cache(maxsize=1000)
def _read(text: str, today: date) -> Day | None:
    text = _TAIL.sub("", text)
    try:
        if found := _YEAR.fullmatch(text) or _COMPACT.fullmatch(text):
            return Day(date(int(found[1]), int(found[2]), int(found[3])))
        if found := _ERA.fullmatch(text):
            year = 1 if found[2] == "元" else int(found[2])
            return Day(date(_ERAS[found[1].lower()] + year, int(found[3]), int(found[4])))
        if found := _SHORT_YEAR.fullmatch(text):
            return _short(int(found[1]), int(found[2]), int(found[3]), today)
        if found := _NO_YEAR.fullmatch(text):
            return _next(int(found[1]), int(found[2]), today)
        if text.isascii() and text.isdecimal() and len(text) == 5 and int(text) in _SERIALS:
            return Day(date(1899, 12, 30) + timedelta(days=int(text)), concluded=True)
    except ValueError:
        pass
    return None


def without_century(text: str) -> bool:
    """Whether a text looks like a day whose year has two digits."""
    return bool(_SHORT_YEAR.fullmatch(_TAIL.sub("", text)))


def _short(first: int, second: int, third: int, today: date) -> Day | None:
    """Return the day year first, as it is written in Japan, if it is near and no other way to read it is."""
    near = set()
    for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
        try:
            found = date(2000 + year, month, day)
        except ValueError:
            continue
        if today - _BACK <= found <= today + _AHEAD:
            near.add(found)
    if len(near) == 1 and (found := near.pop()).year == 2000 + first:
        return Day(found, concluded=True)
    return None


def _next(month: int, day: int, today: date) -> Day:
    """Return the first such day from a little before today on. Raises ValueError if no year has it."""
    for year in range(today.year - 1, today.year + 8):
        try:
            found = date(year, month, day)
        except ValueError:
            continue  # 29 February
        if found >= today - _BACK:
            return Day(found, concluded=True)
    raise ValueError
