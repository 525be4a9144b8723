"""SOAK: random injuries, several at a time, under running traffic; the conditions of the table after each round."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager

from gateway.projector import rebuild
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.player import Player
from tests.chaos.wire import Receipts, Repeat, Shuffle
from tests.chaos.wired import APPENDER

_ROUND_SECONDS = 5.0


def soak(floor: Floor, minutes: float, said: Callable[[int, Outcome], None]) -> list[Outcome]:
    """Play rounds of two to four injuries at once until the time is over; tell each as it ends."""
    deadline = time.monotonic() + minutes * 60
    outcomes: list[Outcome] = []
    while time.monotonic() < deadline:
        outcomes.append(_round(floor))
        floor.rest()
        said(len(outcomes), outcomes[-1])
        if outcomes[-1].verdict.wrong:
            break
    return outcomes


def _round(floor: Floor) -> Outcome:
    players = [floor.player(firm) for firm in ("turning", "grinding")]
    chosen = floor.dice.sample(sorted(INJURIES), floor.dice.randint(2, 4))
    with ExitStack() as stack:
        for name in chosen:
            stack.enter_context(INJURIES[name](floor, players))
            _traffic(floor, players, _ROUND_SECONDS / len(chosen))
    for player in players:
        if not player.alive:
            player.restart()
    floor.gateway.start()
    floor.healed()
    return Outcome(" + ".join(chosen), floor.verify(seconds=300))


def _traffic(floor: Floor, players: list[Player], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for player in players:
            player.feed(floor.dice.randint(1, 30))
        time.sleep(floor.dice.uniform(0, 0.3))


Injury = Callable[[Floor, list[Player]], AbstractContextManager[object]]


@contextmanager
def _edge_killed(floor: Floor, players: list[Player]):
    floor.dice.choice(players).restart()
    yield


def _part_killed(name: str) -> Injury:
    @contextmanager
    def injury(floor: Floor, _players: list[Player]):
        floor.gateway.kill(name)
        yield
        floor.gateway.start()

    return injury


@contextmanager
def _broker_wiped(floor: Floor, _players: list[Player]):
    floor.broker.restart()
    yield


@contextmanager
def _broker_frozen(floor: Floor, _players: list[Player]):
    floor.broker.freeze()
    try:
        yield
    finally:
        floor.broker.thaw()


@contextmanager
def _line_down(floor: Floor, _players: list[Player]):
    with floor.wire.down():
        yield


@contextmanager
def _influx_down(floor: Floor, _players: list[Player]):
    floor.influx.stop()
    try:
        yield
    finally:
        floor.influx.start()


@contextmanager
def _state_deleted(floor: Floor, _players: list[Player]):
    rebuild(floor.gateway.settings)
    yield


INJURIES: dict[str, Injury] = {
    "edge killed": _edge_killed,
    "appender killed": _part_killed("appender"),
    "projector killed": _part_killed("projector"),
    "broker wiped": _broker_wiped,
    "broker frozen": _broker_frozen,
    "line down": _line_down,
    "InfluxDB down": _influx_down,
    "state deleted": _state_deleted,
    "ledger locked": lambda floor, _: floor.place.locked(floor.gateway),
    "all repeated": lambda floor, _: floor.wire.meddled(".e", Repeat(floor.dice)),
    "reordered": lambda floor, _: floor.wire.meddled(APPENDER, Shuffle(floor.dice)),
    "receipts lost": lambda floor, _: floor.wire.meddled(".e", Receipts(floor.dice, 0.3)),
}
