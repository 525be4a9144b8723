"""Facts: what an order's state, a machine's row or an edge's status says at one point of one firm's database. Pure.

Every point of a measurement has every field. What is not known or not granted to the firm is -1, or an empty text, so
that a value granted earlier does not stay behind. Each measurement stands in docs/measurements.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pydantic_core import to_json

Value = str | int | float
UNKNOWN = -1
"""Stands where a number is not known, or not granted."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST_NS, _LATEST_NS = -9_223_372_036_000_000_000, 9_223_372_036_000_000_000
"""What InfluxDB can store, less room for the nanoseconds that keep points of one instant apart."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One point. `firm` names the database; fields are in the order of docs/measurements.md."""

    firm: str
    measurement: str
    tags: tuple[tuple[str, str], ...]
    at_ns: int
    fields: Mapping[str, Value]

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Where it stands: firm, measurement, tags as JSON, nanoseconds."""
        return self.firm, self.measurement, tags_text(self.tags), self.at_ns


@lru_cache(maxsize=20_000)
def tags_text(tags: tuple[tuple[str, str], ...]) -> str:
    """Return tags as they stand in a key: JSON, sorted."""
    return to_json(sorted(tags)).decode()


@lru_cache(maxsize=20_000)
def tag(text: object) -> str:
    """Return a text that InfluxDB takes as a tag: no control characters, no backslash, not empty."""
    clean = "".join(c if c.isprintable() else " " for c in str(text)).strip().replace("\\", "＼")
    return clean or "-"


def nanoseconds(at: datetime) -> int:
    """Return nanoseconds since 1970, cut to what InfluxDB can store."""
    return max(_EARLIEST_NS, min(_LATEST_NS, (at - EPOCH) // _MICROSECOND * 1000))


def milliseconds(at: datetime | None) -> int:
    """Return milliseconds since 1970; UNKNOWN for no moment."""
    return UNKNOWN if at is None else (at - EPOCH) // (_MICROSECOND * 1000)


def instant(at_ns: int) -> datetime:
    """Return the moment so many nanoseconds after 1970 began, in UTC, to the microsecond."""
    return EPOCH + at_ns // 1000 * _MICROSECOND


def index(facts: Iterable[Fact]) -> dict[tuple[str, str, str, int], str]:
    """Return fields as JSON by point; facts that would fall on one point follow each other by nanoseconds."""
    points: dict[tuple[str, str, str, int], str] = {}
    texts: dict[int, str] = {}
    for fact in facts:
        key, fields = fact.key, fact.fields
        while key in points:
            key = (*key[:3], key[3] + 1)
        if (text := texts.get(id(fields))) is None:  # some firms are told the very same
            text = texts[id(fields)] = to_json(fields).decode()
        points[key] = text
    return points
