"""The one JSON object a demo ends with, and waiting until everything has drained."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from broker.events import CountReading, EventError, Machine, MachineState, decode
from broker.topics import author
from gateway.audit import projected_of, records_of
from gateway.demo.cluster import Cluster
from gateway.demo.fleet import EVERY_KIND, by_driver, kind_of
from gateway.demo.place import DATABASE_PREFIX
from gateway.demo.tally import Delays, keys, percentiles
from gateway.ledger import Ledger
from gateway.orders.projected import wait_projected
from gateway.rules.order import State as Standing
from gateway.rules.row import Row
from gateway.settings import Gateway, Influx
from gateway.sinks.influx import NAME as INFLUX
from gateway.sinks.influx import RAW
from gateway.sinks.influx_http import Http
from gateway.state import State

_LOOK_SECONDS = 0.1
_CALM_SECONDS = 0.5
"""Nothing new for so long: what waited in somebody's hand has lapsed by then, at a demo's pace."""
_PAGE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Result:
    """What is printed. `missing` and `doubled` must be 0.

    `audit`: what `mawashi audit` says at the end, which knows nothing of the edges but what they have told.
    `missing`: accepted events that the ledger does not have. `doubled`: events of one edge that stand in the ledger
    under two keys. `repeated`: events that arrived again and were recognised, which is harmless.
    """

    accepted: int
    committed: int
    missing: int
    doubled: int
    repeated: int
    set_aside: int
    orders: int
    operations_done: int
    facts: int
    scans: int
    scan_to_answer_ms: dict[str, float | None]
    scan_to_commit_ms: dict[str, float | None]
    scan_to_board_ms: dict[str, float | None]
    held_offline: int
    rss_mb: dict[str, float]
    seconds: float
    speed: float
    drained: bool
    audit: dict[str, bool | int]
    machines: dict[str, object]
    killed: tuple[str, ...] = ()
    told: dict[str, int] = field(default_factory=dict)
    influx: dict[str, int] | None = None

    def plain(self) -> dict[str, object]:
        """Return it as JSON knows it; without InfluxDB nothing is said of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def drained(cluster: Cluster, *, seconds: float, stopping: Callable[[], bool]) -> bool:
    """Wait until every accepted event is receipted and nothing new comes; False if that took longer."""
    deadline, before, since = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < deadline and not stopping():
        epochs = cluster.accepted()
        count = sum(epoch.last for epoch in epochs)
        if count != before or not all(epoch.safe for epoch in epochs):
            before, since = count, time.monotonic()
        elif time.monotonic() - since > _CALM_SECONDS:
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def shown(cluster: Cluster, *, seconds: float) -> bool:
    """Wait until orders, and InfluxDB if there is one, show everything that the ledger has."""
    deadline = time.monotonic() + seconds
    with Ledger.open(cluster.settings.ledger_url) as ledger, State.open(cluster.settings.state_url) as state:
        good = wait_projected(state, ledger.last_position(), seconds=seconds)
        while cluster.settings.influx and state.points(state.cursors().get(INFLUX, 0), 1):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
    return good


def collect(
    cluster: Cluster,
    delays: Delays,
    *,
    scans: int,
    answer_ms: Sequence[float],
    seconds: float,
    was_drained: bool,
    killed: Sequence[str],
    told: Mapping[str, int],
    board_seconds: Mapping[str, float | None],
) -> Result:
    """Compare what the edges accepted with the ledger, key by key, and count what became of it."""
    accepted = keys(cluster.accepted())
    with Ledger.open(cluster.settings.ledger_url) as ledger, State.open(cluster.settings.state_url) as state:
        authors = {author(firm.id, firm.edge) for firm in cluster.firms}
        rows = [row for row in _rows(ledger) if row.author in authors]
        committed = {row.key for row in rows}
        orders = state.orders()
        facts = _facts(state)
        return Result(
            accepted=len(accepted),
            committed=len(committed),
            missing=len(accepted - committed),
            doubled=doubled(rows),
            repeated=ledger.repeated(),
            set_aside=len(ledger.set_aside()),
            orders=sum(kept.state.known for kept in orders),
            operations_done=sum(
                operation.state is Standing.DONE for kept in orders for operation in kept.state.operations
            ),
            facts=sum(facts.values()),
            scans=scans,
            scan_to_answer_ms=percentiles(answer_ms),
            scan_to_commit_ms=percentiles(delays.commit_ms),
            scan_to_board_ms=percentiles(delays.board_ms),
            held_offline=delays.held_offline,
            rss_mb=dict(sorted(cluster.peaks.items())),
            seconds=round(seconds, 1),
            speed=cluster.clock.speed,
            drained=was_drained,
            audit=_audited(ledger, state, cluster.settings),
            machines=_machines(cluster, rows, board_seconds),
            killed=tuple(killed),
            told=dict(sorted(told.items())),
            influx=_influx(cluster.settings.influx, state, facts) if cluster.settings.influx else None,
        )


def _machines(cluster: Cluster, rows: Iterable[Row], board_seconds: Mapping[str, float | None]) -> dict[str, object]:
    """Return what came of the machines: how many, what was recorded of them, and how soon the board told of faults."""
    ran, pieces, readings = set(), {}, 0
    for row in rows:
        with contextlib.suppress(EventError):
            match decode(row.body):
                case Machine() as said:
                    readings += 1
                    if said.state is MachineState.RUNNING:
                        ran.add((row.author, said.station))
                case CountReading() as counted:
                    readings += 1
                    pieces[row.author, counted.station] = counted.total
    return {
        "devices": dict(by_driver()),
        "every_kind": {
            "edge": _edge_of(cluster, EVERY_KIND),
            "heard": sorted({kind_of(name) for name, state in cluster.heard(EVERY_KIND).items() if state == "heard"}),
        },
        "ran": len(ran),
        "readings": readings,
        "pieces": sum(pieces.values()),
        "malformed": sum(cluster.malformed().values()),
        "board_seconds": dict(board_seconds),
    }


def _edge_of(cluster: Cluster, firm: str) -> str:
    return author(firm, next(one.edge for one in cluster.firms if one.id == firm))


def _audited(ledger: Ledger, state: State, settings: Gateway) -> dict[str, bool | int]:
    records = records_of(ledger)
    projected = projected_of(state, settings, records.events)
    return {"ok": records.all_here and projected.all_shown, **records.totals()}


def empty_databases(influx: Influx, firms: Sequence[str]) -> None:
    """Drop the databases that an earlier demo has left, and only those. Raises Away."""
    http = Http(influx)
    for firm in firms:
        http.ask(f'DROP DATABASE "{DATABASE_PREFIX}{firm}"')


def doubled(rows: Iterable[Row]) -> int:
    """Return how many events stand there again under another key: the very bytes of the same author.

    An event's bytes hold its `mono_ms` and boot, so no two scans have the same.
    """
    seen = Counter((row.author, row.body) for row in rows)
    return seen.total() - len(seen)


def _rows(ledger: Ledger) -> list[Row]:
    found: list[Row] = []
    after = 0
    while rows := ledger.rows(after, _PAGE_ROWS):
        found += rows
        after = rows[-1].position
    return found


def _facts(state: State) -> dict[tuple[str, str], int]:
    """Return how many facts that are not void each firm has, by measurement."""
    found: dict[tuple[str, str], int] = {}
    after = 0
    while points := state.points(after, _PAGE_ROWS):
        for point in points:
            place = (point.firm, point.measurement)
            found[place] = found.get(place, 0) + (not point.void)
        after = points[-1].revision
    return found


def _influx(settings: Influx, state: State, facts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return how many points InfluxDB has beside the facts, and in how many measurements of a firm they differ."""
    http = Http(settings)
    points: dict[tuple[str, str], int] = {}
    for firm in state.fact_firms():
        everywhere = f'SELECT count("void") FROM /.*/, "{RAW}"./.*/ WHERE "void" = 0'  # noqa: S608 - no foreign text
        for series in http.ask(everywhere, f"{DATABASE_PREFIX}{firm}"):
            points[firm, str(series["name"])] = int(series["values"][0][1])
    differing = [place for place in facts.keys() | points.keys() if facts.get(place, 0) != points.get(place, 0)]
    return {"points": sum(points.values()), "facts": sum(facts.values()), "differences": len(differing)}
