"""Facts to InfluxDB 1.x, a database a firm: from our cursor, in batches, and no bad line ever stops a good one."""

import random
import threading
from collections.abc import Iterable, Iterator, Sequence

import structlog
from pydantic_core import to_json
from sqlalchemy.exc import DatabaseError

from broker.clock import Clock
from broker.failpoints import Point as Failpoint
from broker.failpoints import hit
from gateway import store
from gateway.settings import Influx
from gateway.sinks import Notes
from gateway.sinks.influx_http import Away, BadLines, Http, NoDatabase, TooLarge
from gateway.sinks.influx_line import line, series
from gateway.state import Point, Refusal, State

NAME = "influx"
_MADE, _SWEPT = f"{NAME}.database.", f"{NAME}.swept."
RAW = "raw"
"""The retention policy of readings: 90 days. Everything else is kept for ever."""
RAW_MEASUREMENTS = frozenset({"count"})
FROM_RULES = ("order", "operation", "session", "order_time", "handover", "machine")
"""Measurements that a rebuild makes anew; what it no longer makes is swept out afterwards."""

_LINES = 1000
"""In one request: 96k points/s against 44k with 100 (measured)."""
_READ_AT_ONCE = 5000
_IDLE_SECONDS = 1.0
_BACK_OFF_SECONDS = (0.5, 30.0)

_log = structlog.get_logger()


class _Rewind(Exception):  # noqa: N818
    """The server has lost what we wrote: begin again."""


class InfluxSink:
    """Writes points above its cursor; moves it only when the server has taken, or for good refused, all before it."""

    def __init__(self, settings: Influx, state: State, notes: Notes, clock: Clock) -> None:
        self._prefix, self._http = settings.database_prefix, Http(settings)
        self._state, self._notes, self._clock = state, notes, clock
        self._awake = threading.Event()
        self._born = -1
        self._cursor = 0
        self._numbers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._unswept: set[str] = set()
        self._lines = _LINES
        self._trouble = ""

    def wake(self) -> None:
        """Hear that there may be new points."""
        self._awake.set()

    def run(self, stopping: threading.Event) -> None:
        """Write until `stopping`, with back-off while the server is away."""
        wait = _BACK_OFF_SECONDS[0]
        while not stopping.is_set():
            self._awake.clear()
            try:
                busy = self._turn()
            except (Away, OSError, DatabaseError) as error:  # OSError: the password file; DatabaseError: the state
                if isinstance(error, DatabaseError):
                    self._say("points wait: the state cannot be read now", store.reason(error))
                else:
                    self._say(str(error), getattr(error, "reason", ""))
                stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                wait = min(wait * 2, _BACK_OFF_SECONDS[1])
                continue
            except _Rewind:
                _log.warning("InfluxDB has lost what it had: writing everything again")
                self._cursor = 0
                continue
            wait = _BACK_OFF_SECONDS[0]
            if not busy:
                self._wait(stopping)

    def _wait(self, stopping: threading.Event) -> None:
        if not stopping.is_set():
            self._awake.wait(_IDLE_SECONDS)

    def _say(self, trouble: str, reason: str = "") -> None:
        """Log a change, not every try."""
        if trouble != self._trouble:
            if trouble:
                _log.warning(trouble, reason=reason)
            else:
                _log.info("InfluxDB takes points again")
        self._trouble = trouble

    def _turn(self) -> bool:
        """Write one batch; return whether there was one."""
        if (born := self._state.born()) != self._born:
            self._numbers = self._state.cursors()
            self._born, self._cursor = born, self._numbers.get(NAME, 0)
            self._ready.clear()
            self._unswept = {firm for firm in self._state.fact_firms() if self._to_sweep(firm)}
        points = self._state.points(self._cursor, _READ_AT_ONCE)
        if not points:
            if self._notes.caught_up.is_set() and born:
                self._sweep()
            return False
        hit(Failpoint.INFLUX_WRITING)
        for (firm, policy), some in _by_place(points).items():
            self._prepare(firm)
            self._send(firm, [line(point) for point in some], policy)
        hit(Failpoint.INFLUX_WRITTEN)
        self._cursor = points[-1].revision
        self._remember(NAME, self._cursor)
        hit(Failpoint.INFLUX_MARKED)
        self._say("")
        return True

    def _to_sweep(self, firm: str) -> bool:
        return self._numbers.get(f"{_SWEPT}{firm}") != self._born

    def _remember(self, name: str, value: int) -> None:
        self._numbers[name] = value
        self._notes.cursor(name, value)

    def _database(self, firm: str) -> str:
        return f"{self._prefix}{firm}"

    def _prepare(self, firm: str) -> None:
        """Make the firm's database if it is not there. One that we made before, and that is gone, was wiped."""
        if firm in self._ready:
            return
        present = {row[0] for one in self._http.ask("SHOW DATABASES") for row in one.get("values", [])}
        known = {name.removeprefix(_MADE) for name in self._numbers if name.startswith(_MADE)}
        for each in known | {firm}:
            if each == firm or self._database(each) not in present:
                self._make(self._database(each))
            self._ready.add(each)
            if self._to_sweep(each):
                self._unswept.add(each)
            self._remember(f"{_MADE}{each}", 1)
        if any(self._database(each) not in present for each in known):
            raise _Rewind

    def _make(self, database: str) -> None:
        self._http.ask(f'CREATE DATABASE "{database}"')
        self._http.ask(f'CREATE RETENTION POLICY "{RAW}" ON "{database}" DURATION 90d REPLICATION 1')

    def _send(self, firm: str, lines: Sequence[str], policy: str = "") -> None:
        """Write lines in requests that the server takes."""
        start = 0
        while start < len(lines):
            some = lines[start : start + self._lines]
            try:
                self._write(firm, some, policy)
            except TooLarge as error:
                if len(some) > 1:
                    self._lines = len(some) // 2
                    continue
                self._refuse(firm, some[0], str(error))
            start += len(some)

    def _write(self, firm: str, lines: Sequence[str], policy: str) -> None:
        """Write lines; find those that the server refuses by halving, since it has kept the others anyway."""
        try:
            self._http.write(self._database(firm), lines, policy=policy)
        except NoDatabase:
            self._ready.clear()
            raise _Rewind from None
        except BadLines as error:
            if len(lines) == 1:
                self._refuse(firm, lines[0], str(error))
                return
            middle = len(lines) // 2
            self._write(firm, lines[:middle], policy)
            self._write(firm, lines[middle:], policy)

    def _refuse(self, firm: str, text: str, reason: str) -> None:
        _log.warning("InfluxDB refuses a point: it is set aside", firm=firm, reason=reason)
        self._notes.refuse(Refusal(NAME, firm, text, reason, self._clock.read().at))

    def _sweep(self) -> None:
        """Make void what a firm's database still holds and the rules no longer say: of an earlier state, or ledger.

        Once a firm and state. A firm may get its first fact long after the state was made.
        """
        count = 0
        for firm in sorted(self._unswept):
            self._prepare(firm)
            for measurement in FROM_RULES:
                held = self._held(firm, measurement)
                standing = self._state.standing(firm, measurement)
                stale = [_void(measurement, tags, at_ns) for tags, at_ns in held if (tags, at_ns) not in standing]
                self._send(firm, stale)
                count += len(stale)
            self._remember(f"{_SWEPT}{firm}", self._born)
        self._unswept.clear()
        if count:
            _log.info("points that the rules no longer say are void now", points=count)

    def _held(self, firm: str, measurement: str) -> list[tuple[str, int]]:
        query = f'SELECT "void" FROM "{measurement}" WHERE "void" = 0 GROUP BY *'  # noqa: S608 - our own names
        return list(_points(self._http.stream(query, self._database(firm))))


def _points(parts: Iterable[list[dict[str, object]]]) -> Iterator[tuple[str, int]]:
    for part in parts:
        for one in part:
            tags, values = one.get("tags", {}), one["values"]
            assert isinstance(tags, dict)
            assert isinstance(values, list)
            text = to_json(sorted(tags.items())).decode()
            yield from ((text, at_ns) for at_ns, _ in values)


def _void(measurement: str, tags: str, at_ns: int) -> str:
    return f"{series(measurement, tags)} void=1i {at_ns}"


def _by_place(points: Iterable[Point]) -> dict[tuple[str, str], list[Point]]:
    """Return the points of each database and retention policy."""
    places: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        policy = RAW if point.measurement in RAW_MEASUREMENTS else ""
        places.setdefault((point.firm, policy), []).append(point)
    return places
