"""One trial: send, break, mend, wait until nothing more arrives, count."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.cards import small_card
from tests.conftest import Mosquitto, until
from tests.losses import peers
from tests.losses.contestant import PROBE, Contestant
from tests.losses.faults import Fault, Scene

QUIET_SECONDS = 3.0
"""The count is taken once a fresh event has passed and nothing more has arrived for so long."""
MOST_SECONDS = 120.0
DISK_BYTES = 32 * 1024 * 1024
"""Ample for what is sent here, write-ahead logs included, until a fault fills it."""


@dataclass(frozen=True)
class Count:
    """`lost` and `doubled` are of those accepted."""

    sent: int
    accepted: int
    lost: int
    doubled: int
    seconds_to_settle: float


def trial(
    make: Callable[[Path, int], Contestant],
    fault: Fault,
    *,
    events: int,
    rate: float,
    chance: random.Random,
    quiet_seconds: float = QUIET_SECONDS,
) -> Count:
    """Send at least so many events, and until all is mended. Raises peers.MissingError for what cannot be had here."""
    with tempfile.TemporaryDirectory(prefix="mawashi-losses-") as name, ExitStack() as stack:
        folder = Path(name)
        if not fault.small_disk:
            (folder / "data").mkdir()
        elif not stack.enter_context(small_card(folder / "data", size_bytes=DISK_BYTES)):
            raise peers.MissingError("Only root can mount a small disk.")
        broker = Mosquitto(folder, extra=fault.broker)
        one = make(folder, broker.port)
        stack.callback(broker.kill)
        broker.start()
        stack.callback(one.close)
        one.start()
        wait_passing(one)
        scene = Scene(broker, folder / "data", events / rate, chance)
        send(one, fault, scene, events=events, rate=rate)
        return counted(one, scene.answers, quiet_seconds)


def wait_passing(one: Contestant) -> None:
    """Send test events, a few a second, until one has come through to the end."""

    def passed() -> bool:
        taken = one.send(PROBE)
        time.sleep(0.2)
        return taken and bool(one.stored()[PROBE])

    until(passed, what="a first event to come through", seconds=90)


def send(one: Contestant, fault: Fault, scene: Scene, *, events: int, rate: float) -> None:
    """Send while it breaks, and note every answer in the scene."""
    with ThreadPoolExecutor(1) as aside:
        breaking = aside.submit(fault.act, one, scene)
        due = time.monotonic()
        while len(scene.answers) < events or not breaking.done():
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / rate
            number = len(scene.answers) + 1
            scene.answers[number] = one.send(number)
        breaking.result()


def counted(one: Contestant, answers: dict[int, bool], quiet_seconds: float) -> Count:
    """Wait until a last event has passed and nothing more comes; compare."""
    ended = changed = time.monotonic()
    found = one.stored()
    before = found[PROBE]
    until(lambda: one.send(PROBE), seconds=30, what="a last event to be accepted")
    while time.monotonic() - ended < MOST_SECONDS:
        stored, now = one.stored(), time.monotonic()
        if stored != found:
            found, changed = stored, now
        elif stored[PROBE] > before and now - changed > quiet_seconds:
            break
        time.sleep(0.5)
    arrived = Counter({number: times for number, times in found.items() if number != PROBE})
    taken = {number for number, said in answers.items() if said}
    return Count(
        sent=len(answers),
        accepted=len(taken),
        lost=len(taken - arrived.keys()),
        doubled=arrived.total() - len(arrived),
        seconds_to_settle=round(max(0.0, changed - ended), 1),
    )
