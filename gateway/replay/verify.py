"""What came of a history: the file, the state and InfluxDB compared, order by order and operation by operation."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from gateway.replay.issued import Book
from gateway.replay.lanes import Plan
from gateway.rules.order import Cause, Operation, OrderState
from gateway.settings import Influx
from gateway.sinks.influx_http import Http
from gateway.state import Kept

Place = tuple[str, int]
"""An order's name in the history, and the number of an operation."""

_SESSIONS = (
    'SELECT count("void") AS "sessions", sum("good") AS "good", sum("scrap") AS "scrap", sum("hold") AS "hold", '
    'sum("run_s") AS "seconds", sum("setup_s") AS "setup" FROM "session" WHERE "void" = 0 GROUP BY "order", "operation"'
)
_OPERATIONS = (
    'SELECT last("sessions") AS "sessions", last("good") AS "good", last("scrap") AS "scrap", last("hold") AS "hold" '
    'FROM "operation" WHERE "void" = 0 GROUP BY "order", "operation"'
)
_SAME_SECONDS = 0.001
"""Times are whole milliseconds at the finest; sums of them as floating point are not."""


@dataclass(frozen=True, slots=True)
class Totals:
    """One operation of one order: its sessions, pieces, and worked seconds, pauses apart (None: not asked there)."""

    sessions: int = 0
    good: int | None = 0
    scrap: int = 0
    hold: int = 0
    seconds: float | None = 0.0
    setup: float | None = 0.0
    """Seconds of set-up."""
    assumed: int | None = 0
    """Pieces nobody counted; as `good`, not asked where the history itself has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that is not what the file says."""

    where: str
    place: Place
    what: str
    expected: float
    found: float

    def __str__(self) -> str:
        order, no = self.place
        return f"{order} 工程 {no}: {self.what}: ファイル / file {self.expected:g}, {self.where} {self.found:g}"


def of_file(plan: Plan) -> dict[Place, Totals]:
    """Return what the file says."""
    totals: defaultdict[Place, Totals] = defaultdict(Totals)
    for session in plan.sessions:
        row, place = session.row, (session.row.order, session.no)
        so_far, (good, scrap, hold) = totals[place], row.counts
        counted, seconds = good is not None and so_far.good is not None, row.worked.total_seconds()
        totals[place] = Totals(
            so_far.sessions + 1,
            (so_far.good or 0) + (good or 0) if counted else None,
            so_far.scrap + scrap,
            so_far.hold + hold,
            (so_far.seconds or 0.0) + (0.0 if row.setup else seconds),
            (so_far.setup or 0.0) + (seconds if row.setup else 0.0),
            0 if counted else None,
        )
    return dict(totals)


def of_state(orders: Mapping[str, Kept | None]) -> dict[Place, Totals]:
    """Return what the state says of orders by name in the history; one that is not there or parked has nothing."""
    return of_states({name: kept.state for name, kept in orders.items() if kept and kept.parked is None})


def of_states(orders: Mapping[str, OrderState]) -> dict[Place, Totals]:
    """Return what orders, by name in the history, say as they stand."""
    return {
        (name, operation.no): _of_operation(operation)
        for name, state in orders.items()
        for operation in state.operations
    }


def of_influx(settings: Influx, firm: str, book: Book) -> dict[str, dict[Place, Totals]]:
    """Return what InfluxDB says, asked by InfluxQL, by measurement. Raises gateway.sinks.influx_http.Away."""
    http, database = Http(settings), f"{settings.database_prefix}{firm}"
    names = {issued.number: name for name, issued in book.cases.items()}
    return {
        measurement: dict(_places(http.ask(query, database), names))
        for measurement, query in (("session", _SESSIONS), ("operation", _OPERATIONS))
    }


def compare(where: str, expected: Mapping[Place, Totals], found: Mapping[Place, Totals]) -> list[Difference]:
    """Return every number that differs, by order and operation; what is only in one of them differs too."""
    nothing = Totals()
    return [
        difference
        for place in sorted(expected.keys() | found.keys())
        for difference in _differences(where, place, expected.get(place, nothing), found.get(place, nothing))
    ]


def _differences(where: str, place: Place, expected: Totals, found: Totals) -> Iterator[Difference]:
    for field in fields(Totals):
        one, other = getattr(expected, field.name), getattr(found, field.name)
        if one is not None and other is not None and abs(one - other) > _SAME_SECONDS:
            yield Difference(where, place, field.name, one, other)


def _of_operation(operation: Operation) -> Totals:
    return Totals(
        len(operation.sessions),
        operation.good.total,
        operation.scrap.total,
        operation.hold.total,
        _seconds(operation, Cause.RUN),
        _seconds(operation, Cause.SETUP),
        operation.good.assumed + operation.scrap.assumed + operation.hold.assumed,
    )


def _seconds(operation: Operation, cause: Cause) -> float:
    spans = (span for session in operation.sessions for span in session.spans if span.cause is cause)
    return sum((span.end - span.start).total_seconds() for span in spans if span.end)


def _places(series: Iterable[dict[str, object]], names: Mapping[str, str]) -> Iterator[tuple[Place, Totals]]:
    for one in series:
        tags, columns, values = one["tags"], one["columns"], one["values"]
        assert isinstance(tags, dict)
        assert isinstance(columns, Sequence)
        assert isinstance(values, Sequence)
        said = dict(zip(columns, values[0], strict=True))
        name = names.get(tags["order"])
        if name is None:
            continue  # another order of this firm
        yield (
            (name, int(tags["operation"])),
            Totals(said["sessions"], said["good"], said["scrap"], said["hold"], said.get("seconds"), said.get("setup")),
        )
