"""What is broken, on which side, and how. Everybody on a side gets the same."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from tests.chaos.cards import suppress_full
from tests.conftest import Mosquitto, until
from tests.losses.contestant import Consumer, Contestant

LATELY = 50
"""Of the numbers sent, so many may still be on their way when all is well."""


class Side(Enum):
    RECEIVING = auto()
    SENDING = auto()


@dataclass(frozen=True)
class Scene:
    """Where a fault happens."""

    broker: Mosquitto
    folder: Path
    seconds: float
    """How long sending lasts at least."""
    chance: random.Random
    answers: dict[int, bool] = field(default_factory=dict)
    """Every number sent so far, and whether it was accepted."""


@dataclass(frozen=True)
class Fault:
    """One block of the table. `act` returns when all is mended."""

    side: Side
    title: str
    act: Callable[[Contestant, Scene], None]
    broker: str = ""
    """Lines for the broker's configuration."""
    small_disk: bool = False
    """The measured side has a small disk of its own."""


def killed(one: Contestant, scene: Scene) -> None:
    """Five times, each a random moment after it had caught up."""
    for _ in range(5):
        until(lambda: caught_up(one, scene), seconds=240, what="the events to be caught up with")
        time.sleep(scene.chance.uniform(0.3, 1.5))
        one.kill()
        one.restart()
    until(lambda: caught_up(one, scene), seconds=240, what="the events to be caught up with")


def caught_up(one: Contestant, scene: Scene) -> bool:
    """Whether what was sent just now has come through."""
    time.sleep(0.2)  # asking costs the measured one time as well
    sent = len(scene.answers)
    return max(one.stored(), default=0) > sent - LATELY


def killed_catching_up(one: Contestant, scene: Scene) -> None:
    """Away for a while, killed again a moment after the first of what had waited was stored."""
    time.sleep(0.1 * scene.seconds)
    one.kill()
    before = one.stored().total()
    time.sleep(0.4 * scene.seconds)
    one.restart()
    until(lambda: one.stored().total() > before, seconds=90, what="the first event after the restart")
    one.kill()
    one.restart()


def wiped(one: Contestant, scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.3, 0.5) * scene.seconds)
    one.kill()
    time.sleep(1.0)
    scene.broker.restart()
    one.restart()


def sink_away(one: Contestant, scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.2, 0.5) * scene.seconds)
    with consumer(one).sink_away():
        time.sleep(2.0)


def sink_away_and_killed(one: Contestant, scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.2, 0.4) * scene.seconds)
    with consumer(one).sink_away():
        time.sleep(2.0)
        one.kill()
        one.restart()


def queue_full(one: Contestant, scene: Scene) -> None:
    """Away for the time of 700 of 1,000 events."""
    time.sleep(0.1 * scene.seconds)
    one.kill()
    time.sleep(0.7 * scene.seconds)
    one.restart()


def offline(one: Contestant, scene: Scene) -> None:
    time.sleep(0.2 * scene.seconds)
    scene.broker.freeze()
    time.sleep(0.3 * scene.seconds)
    one.kill()
    one.restart()
    time.sleep(0.3 * scene.seconds)
    scene.broker.thaw()


def disk_full(one: Contestant, scene: Scene) -> None:
    time.sleep(0.2 * scene.seconds)
    scene.broker.freeze()
    ballast = scene.folder / "ballast"
    with suppress_full(), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    time.sleep(0.4 * scene.seconds)
    ballast.unlink()
    scene.broker.thaw()


def consumer(one: Contestant) -> Consumer:
    assert hasattr(one, "sink_away")
    return one  # type: ignore[return-value]


FAULTS: dict[str, Fault] = {
    "consumer killed": Fault(
        Side.RECEIVING, "consumer killed with -9 five times, restarted at once, each time when it had caught up", killed
    ),
    "killed while catching up": Fault(
        Side.RECEIVING, "consumer away for 400 events, killed with -9 again as soon as it stores", killed_catching_up
    ),
    "broker killed": Fault(Side.RECEIVING, "broker killed with -9 while the consumer was away, restarted empty", wiped),
    "database away": Fault(Side.RECEIVING, "the consumer's database takes nothing for two seconds", sink_away),
    "database away, then killed": Fault(
        Side.RECEIVING, "the same, and the consumer killed with -9 before the database is back", sink_away_and_killed
    ),
    "queue full": Fault(
        Side.RECEIVING,
        "consumer away for 700 events, the broker queues 100 (Mosquitto's own limit: 1,000)",
        queue_full,
        broker="max_queued_messages 100",
    ),
    "sender killed": Fault(
        Side.SENDING, "sender killed with -9 five times, restarted at once, each time when it had caught up", killed
    ),
    "offline and killed": Fault(
        Side.SENDING, "the network hangs, the sender is killed with -9 and restarted meanwhile", offline
    ),
    "disk full": Fault(
        Side.SENDING,
        "the network hangs and the sender's disk is full, then both are mended",
        disk_full,
        small_disk=True,
    ),
}
