"""How a file writes its days, decimals and lengths, judged from what stands in its cells. Pure."""

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.orders.columns import plain
from gateway.replay import moments
from gateway.replay.reading import is_blank_day

_HOURS_A_DAY, _MINUTES_A_DAY = 24, 1440


@dataclass(frozen=True, slots=True)
class Column:
    """One column and what its cells look like, as shares of those that are filled."""

    heading: str
    texts: tuple[str, ...]

    def share(self, test: Callable[[str], object]) -> float:
        return sum(map(bool, map(test, self.texts))) / len(self.texts) if self.texts else 0.0


def comma(text: str) -> moments.Decimal:
    return "," if re.search(r"\d,\d{1,2}$", text) else "."


def dates(columns: Iterable[Column]) -> moments.Dates | None:
    """Return what dates begin with; None: they do not say."""
    doubtful = False
    for column in columns:
        for text in column.texts:
            if (first := moments.month_first(text)) is not None:
                return "mdy" if first else "dmy"
            doubtful = doubtful or moments.ambiguous(text)
    return None if doubtful else "ymd"


def days_above(headings: Sequence[str], lines: Sequence[tuple[int, tuple[str, ...]]], roles: Mapping[str, str]) -> bool:
    """Whether days stand only in the first of their rows: others name an operation, and no day."""
    day, operation = headings.index(roles["date"]), headings.index(roles.get("operation", roles["date"]))
    return any(
        len(cells) > operation and cells[operation] and is_blank_day(cells[day] if day < len(cells) else "")
        for _, cells in lines
        if day != operation
    )


def decimal(columns: Iterable[Column]) -> moments.Decimal:
    texts = [plain(text) for column in columns for text in column.texts]
    commas = any(re.fullmatch(r"[\d.]+,\d{1,2}", text) for text in texts)
    return "," if commas and not any(re.fullmatch(r"[\d,]*\d\.\d{1,2}", text) for text in texts) else "."


def unit(column: Column) -> moments.Unit | None:
    """Return the unit of a column of lengths; None if neither heading nor numbers say it.

    Rows of more than a day are none; what people write in quarters is hours.
    """
    heading = plain(column.heading).lower()
    if re.search(r"分|\bmin", heading):
        return "minutes"
    if re.search(r"秒|\bsec", heading):
        return "seconds"
    if re.search(r"[(\[]\s*(?:h|hr|hrs|hours?|時間)\s*[)\]]|\bhours?\b|\bhrs?\b|時間数|人時", heading):
        return "hours"
    values = [value for text in column.texts if (value := moments.number(text, comma(text))) is not None]
    if not values:
        return "minutes"  # every cell says its own unit
    median = statistics.median(values)
    if _HOURS_A_DAY < median <= _MINUTES_A_DAY:
        return "minutes"
    quarters = all((value * 4).is_integer() for value in values) and not all(value.is_integer() for value in values)
    return "hours" if quarters and max(values) <= _HOURS_A_DAY else None
