"""Who reads the page: language, time zone and the moment; and how times, dates and quantities are said to them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from broker.events import Quality
from broker.words import Word
from gateway.rules.order import Amount
from gateway.settings import Gateway
from gateway.web import words

Language = Literal["ja", "en"]

_LANGUAGES: dict[str | None, Language] = {"ja": "ja", "en": "en"}
_ACCEPTED = re.compile(r"\s*(ja|en)\b[^,;]*(?:;\s*q=([0-9.]+))?\s*", re.IGNORECASE)


def choose(query: str | None, cookie: str | None, accept: str | None) -> Language:
    """Return the language: the address's word, else the cookie's, else the browser's, else Japanese.

    >>> choose(None, None, "de, en-GB;q=0.8, ja;q=0.3")
    'en'
    """
    for asked in (query, cookie):
        if asked in _LANGUAGES:
            return _LANGUAGES[asked]
    best: tuple[float, Language] = (0.0, "ja")
    for part in (accept or "")[:200].split(","):
        if (match := _ACCEPTED.fullmatch(part)) and (weight := _weight(match[2])) > best[0]:
            best = (weight, _LANGUAGES[match[1].lower()])
    return best[1]


def _weight(text: str | None) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


@dataclass(frozen=True)
class Names:
    """How firms and their stations are called, from the settings. `stations`: by firm and id."""

    ja: Mapping[str, str]
    en: Mapping[str, str]
    stations: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Gateway) -> "Names":
        """Take the names of every listed firm; a firm without an English name keeps its Japanese one."""
        return cls(
            {firm.id: firm.name for firm in settings.firms},
            {firm.id: firm.name_en or firm.name for firm in settings.firms},
            {(firm.id, one): name for firm in settings.firms for one, name in firm.stations.items() if name},
        )

    @property
    def words(self) -> Mapping[str, Word]:
        """Return every listed firm's name in both languages."""
        return {firm: self.word(firm) for firm in self.ja}

    def word(self, firm: str) -> Word:
        """Return a firm's name in both languages; its id if it is not listed."""
        return Word(self.ja.get(firm, firm), self.en.get(firm, firm))

    def station(self, firm: str, station: str) -> str:
        """Return what people call a station; its id if nobody said."""
        return self.stations.get((firm, station), station)


@dataclass(frozen=True)
class Reader:
    """One person's language and time. Every word on a page goes through `say` (big) or `under` (small beneath)."""

    language: Language
    zone: ZoneInfo
    now: datetime
    names: Names

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def say(self, word: Word, **values: object) -> str:
        """Return the word in this reader's language."""
        text = word.ja if self.language == "ja" else word.en
        return text.format(**values) if values else text

    def under(self, word: Word, **values: object) -> str:
        """Return the word in the other language, for the small line beneath."""
        text = word.en if self.language == "ja" else word.ja
        return text.format(**values) if values else text

    def firm(self, firm: str) -> str:
        """Return a firm's name in this reader's language."""
        return self.say(self.names.word(firm))

    def about(self, text: str, *, approximate: bool) -> str:
        """Mark a time or a length that rests on a clock nobody trusted: `約8:06`, `≈ 8:06`."""
        return self.say(words.ABOUT, at=text) if text and approximate else text

    def clock(self, at: datetime) -> str:
        """Return the time of day, and the date too if it is not today's: `8:06`, `11/20 16:40`, `20 Nov 16:40`.

        A moment at the calendar's edge that this zone cannot show keeps the time of its own zone.
        """
        try:
            local = at.astimezone(self.zone)
        except OverflowError:
            local = at
        time = f"{local.hour}:{local.minute:02d}"
        if local.date() == self.today:
            return time
        year = "" if local.year == self.today.year else str(local.year)
        if self.language == "ja":
            return f"{f'{year}/' if year else ''}{local.month}/{local.day} {time}"
        return f"{local.day} {words.MONTHS[local.month - 1]}{f' {year}' if year else ''} {time}"

    def since(self, at: datetime | None, *, approximate: bool = False) -> str:
        """Return `8:06から`, `約8:06から`, or nothing if nobody knows."""
        return self.say(words.SINCE, at=self.about(self.clock(at), approximate=approximate)) if at else ""

    def since_short(self, at: datetime | None, *, approximate: bool = False) -> str:
        """Return `8:06から`; of another day only the date, `11/19から`."""
        if at is None:
            return ""
        text = self.clock(at)
        short = text if text[0].isdigit() and " " not in text else text.rpartition(" ")[0]
        return self.say(words.SINCE, at=self.about(short, approximate=approximate))

    def day(self, day: date) -> str:
        """Return a date with its weekday: `11/25(火)`, `Tue 25 Nov`; with the year if it is another one."""
        weekday = self.say(words.WEEKDAYS[day.weekday()])
        other_year = day.year != self.today.year
        if self.language == "ja":
            return f"{f'{day.year}/' if other_year else ''}{day.month}/{day.day}({weekday})"
        return f"{weekday} {day.day} {words.MONTHS[day.month - 1]}{f' {day.year}' if other_year else ''}"

    def length(self, seconds: float) -> str:
        """Return a duration in minutes, hours or days: `42分`, `3時間20分`, `2日4時間`."""
        minutes = round(seconds / 60)
        if minutes < 60:
            return self.say(words.MINUTES, m=minutes)
        if minutes < 24 * 60:
            hours, rest = divmod(minutes, 60)
            return self.say(words.HOURS, h=hours, m=rest) if rest else self.say(words.WHOLE_HOURS, h=hours)
        days, hours = divmod(round(minutes / 60), 24)
        return self.say(words.DAYS, d=days, h=hours) if hours else self.say(words.WHOLE_DAYS, d=days)

    def amount(self, amount: Amount) -> str:
        """Return a quantity that says where it comes from: `50`, `50（未確認）`, `50（機械）`."""
        match amount.quality:
            case Quality.ASSUMED:
                return self.say(words.ASSUMED, n=amount.total)
            case Quality.MACHINE:
                return self.say(words.MACHINE_COUNT, n=amount.total)
            case Quality.COUNTED:
                return str(amount.total)

    def pieces(self, count: int) -> str:
        """Return `50個`, `50 pcs`."""
        return self.say(words.PIECES, n=count)


ReaderOf = Callable[[Language], Reader]
