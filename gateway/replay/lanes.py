"""Rows of a history to what is played: orders with a routing, and sessions, each in a lane of its own. Pure.

An edge keeps one session per ticket, operation and station. So where rows of one order, operation and resource
overlap, the later one gets a further station of that resource: a lane. The same rows always give the same plan.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.replay.rows import Row

_STATION_LENGTH = 26
"""Of 32; the rest is for a lane's number."""
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the routing."""

    no: int
    name: str


@dataclass(frozen=True, slots=True)
class Case:
    """One order. `steps` in order of first appearance; `pieces` the most that any of them reported."""

    name: str
    released_at: datetime
    steps: tuple[Step, ...]
    pieces: int
    part: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One row at its place."""

    row: Row
    no: int
    station: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played. Sessions are in the order in which they begin; those of one lane never overlap."""

    cases: tuple[Case, ...]
    sessions: tuple[Session, ...]


def lay(rows: Iterable[Row]) -> Plan:
    """Give every row its order, operation number and station."""
    ordered = sorted(rows)
    by_case: defaultdict[str, list[Row]] = defaultdict(list)
    for row in ordered:
        by_case[row.order].append(row)
    cases = tuple(_case(name, found) for name, found in by_case.items())
    numbers = {(case.name, step.name): step.no for case in cases for step in case.steps}
    lanes = _lanes(ordered)
    names = _station_names({(row.resource, lane) for row, lane in zip(ordered, lanes, strict=True)})
    return Plan(
        cases,
        tuple(
            Session(row, numbers[row.order, row.operation], names[row.resource, lane])
            for row, lane in zip(ordered, lanes, strict=True)
        ),
    )


def _case(name: str, rows: Sequence[Row]) -> Case:
    operations = dict.fromkeys(row.operation for row in rows)
    pieces: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        pieces[row.operation] += sum(n or 0 for n in row.counts)
    steps = tuple(Step(10 * place, operation) for place, operation in enumerate(operations, start=1))
    return Case(name, rows[0].start, steps, max(pieces.values()), next((row.part for row in rows if row.part), ""))


def _lanes(rows: Sequence[Row]) -> list[int]:
    """Return for each row (in order of start, then end) the lowest lane whose last row has ended; 1 is the first.

    One that stays paused never gives its lane back.
    """
    busy: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    taken: list[int] = []
    for row in rows:
        ends = busy[row.order, row.operation, row.resource]
        free = next((place for place, end in enumerate(ends) if end <= row.start), len(ends))
        ends[free : free + 1] = [_NEVER if row.paused else row.end]
        taken.append(free + 1)
    return taken


def _station_names(wanted: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return a station id for each resource and lane; all first lanes are named before any further one."""
    names: dict[tuple[str, int], str] = {}
    taken: set[str] = set()
    foreign = sorted(resource for resource, lane in wanted if lane == 1 and not sayable(resource))
    for resource, lane in sorted(wanted, key=lambda one: (one[1], one[0])):
        if lane > 1:
            name = f"{names[resource, 1]}-{lane}"
        else:
            name = station_id(resource) if sayable(resource) else f"m{foreign.index(resource) + 1}"
        while name in taken:
            name = f"{name[:_STATION_LENGTH]}-x{len(taken)}"
        taken.add(name)
        names[resource, lane] = name
    return names


def sayable(name: str) -> bool:
    """Whether a name keeps all its letters and digits as an id.

    >>> sayable("NC Lathe #3"), sayable("旋盤 3")
    (True, False)
    """
    return name.isascii() and any(letter.isalnum() for letter in name)


def station_id(resource: str) -> str:
    """Return a resource's name as a station id: lower case, a-z, 0-9 and -.

    >>> station_id("NC Lathe #3"), station_id("旋盤")
    ('nc-lathe-3', 'station')
    """
    name = re.sub(r"[^a-z0-9]+", "-", resource.lower()).strip("-")
    return name[:_STATION_LENGTH].rstrip("-") or "station"
