"""What the chapters on the projector share: a ledger and a state on disk, and how to compare states."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.events import Events
from gateway.ledger import Ledger
from gateway.projector import Projector
from gateway.settings import Gateway
from gateway.sinks import Notes, Sink
from gateway.state import Point, State
from gateway.state.writer import WritableState
from tests.gateway.shop import BEGIN, At

LATER = BEGIN + timedelta(days=90)
ZONE = ZoneInfo("Asia/Tokyo")


class House:
    """A data directory with a ledger and a state, or both in the database at `url`."""

    def __init__(self, directory: Path, url: str = "") -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.settings = Gateway(data_dir=directory, ledger_url=url, state_url=url)
        self.ledger_url, self.state_url = self.settings.ledger_url, self.settings.state_url
        self.writer = Ledger.open(self.ledger_url, write=True)
        self.state = State.open(self.state_url)
        self.notes = Notes()

    def close(self) -> None:
        self.writer.close()
        self.state.close()

    @contextmanager
    def projector(self, now: datetime = LATER) -> Iterator[tuple[Projector, WritableState]]:
        """A projector that has begun."""
        with State.open(self.state_url, write=True) as state, Ledger.open(self.ledger_url) as ledger:
            projector = Projector(Events(ledger), state, zone=ZONE, now=At(now), notes=self.notes)
            projector.begin()
            yield projector, state

    def project(self) -> None:
        """Take everything in and fold it."""
        with self.projector() as (projector, _):
            finish(projector)


def finish(projector: Projector) -> None:
    while projector.turn():
        pass


def picture(state: State) -> dict[str, object]:
    """Everything the state says, without the revisions and positions that depend on the way there."""
    return {
        "orders": {kept.key: kept.state for kept in state.orders()},
        "facts": standing(state),
        "views": {(seen.firm, seen.order): seen.payload for seen in state.seen(0, 100_000) if seen.payload},
        "stations": state.stations(),
        "verdicts": state.verdict_counts(),
    }


def standing(state: State) -> dict[tuple[str, str, str, int], str]:
    """The facts that are not void, but for edges' samples, which are no function of rows."""
    found = [point for point in state.points(0, 1_000_000) if not point.void and point.measurement != "edge"]
    facts = {key(point): point.fields for point in found}
    assert len(facts) == len(found), "two facts stand on one point"
    return facts


def key(point: Point) -> tuple[str, str, str, int]:
    return point.firm, point.measurement, point.tags, point.at_ns


@contextmanager
def running(sink: Sink) -> Iterator[None]:
    """A sink in a thread of its own."""
    stopping = threading.Event()
    thread = threading.Thread(target=sink.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        sink.wake()
        thread.join(20)
        assert not thread.is_alive()
