"""`make loss-table`: the same events and the same faults for Mawashi and for what people use today; lost and doubled.

Not part of `make test`. `python -m tests.losses --help` says what can be changed; docs/loss-table.md holds a run.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from tests.conftest import Mosquitto
from tests.losses.contestants import Contestant, contestants, locked

NAMES = ("paho", "aiomqtt", "mawashi")
PROBE = 0
"""A last event, sent when everything is over: the count is taken only once a fresh event has passed."""
QUIET_SECONDS = 3.0
"""And once nothing more has arrived for so long."""
MOST_SECONDS = 120.0


def killed(one: Contestant, broker: Mosquitto, seconds: float, chance: random.Random) -> None:
    """kill -9 of the consumer five times, at random instants, each time restarted at once."""
    for _ in range(5):
        time.sleep(chance.uniform(0.5, 1.5) * seconds / 6)
        one.kill()
        one.restart()


def wiped(one: Contestant, broker: Mosquitto, seconds: float, chance: random.Random) -> None:
    """kill -9 of the broker once, while the consumer is slow to come back; it restarts with nothing."""
    time.sleep(chance.uniform(0.3, 0.5) * seconds)
    one.kill()
    time.sleep(1.0)
    broker.restart()
    one.restart()


def unwritable(one: Contestant, broker: Mosquitto, seconds: float, chance: random.Random) -> None:
    """The consumer's table is locked for two seconds."""
    time.sleep(chance.uniform(0.2, 0.5) * seconds)
    locked(one.sink, 2.0)


Fault = Callable[[Contestant, Mosquitto, float, random.Random], None]
FAULTS: dict[str, Fault] = {"consumer killed": killed, "broker killed": wiped, "sink unwritable": unwritable}


def trial(name: str, fault: Fault, events: int, rate: float, chance: random.Random) -> dict[str, float]:
    """Send, break, wait until nothing more arrives, and count."""
    with tempfile.TemporaryDirectory(prefix="mawashi-losses-") as folder:
        broker = Mosquitto(Path(folder))
        broker.start()
        one = contestants(Path(folder), broker.port)[name]
        try:
            one.start()
            breaking = threading.Thread(target=fault, args=(one, broker, events / rate, chance))
            breaking.start()
            found: Counter[int] = Counter()
            began = time.monotonic()
            for number in range(1, events + 1):
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                one.send(number)
            breaking.join()
            ended = changed = time.monotonic()
            before = one.stored()[PROBE]
            one.send(PROBE)
            while time.monotonic() - ended < MOST_SECONDS:
                stored, now = one.stored(), time.monotonic()
                if stored[PROBE] > before and now - changed > QUIET_SECONDS:
                    break
                if stored != found:
                    found, changed = stored, now
                time.sleep(0.5)
            stored = one.stored()
            del stored[PROBE]
        finally:
            one.close()
            broker.kill()
    return {
        "events": events,
        "lost": events - len(stored),
        "doubled": sum(stored.values()) - len(stored),
        "seconds_to_settle": round(max(0.0, changed - ended), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.losses", description=__doc__)
    parser.add_argument("--events", type=int, default=2000, help="how many are sent in each trial (2000)")
    parser.add_argument("--rate", type=float, default=200.0, help="how many a second (200)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the instants (1)")
    parser.add_argument("--only", choices=NAMES, action="append", help="only this one; may be repeated")
    parser.add_argument("--fault", choices=[*FAULTS], action="append", help="only this fault; may be repeated")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    given = parser.parse_args()
    results: dict[str, dict[str, dict[str, float]]] = {}
    if not given.json:
        print(f"{'fault':<18}{'who':<10}{'events':>8}{'lost':>8}{'doubled':>9}{'settled after':>15}")
    for fault in given.fault or FAULTS:
        for name in given.only or NAMES:
            chance = random.Random(f"{given.seed} {fault}")
            found = trial(name, FAULTS[fault], given.events, given.rate, chance)
            results.setdefault(fault, {})[name] = found
            if not given.json:
                print(
                    f"{fault:<18}{name:<10}{found['events']:>8}{found['lost']:>8}{found['doubled']:>9}"
                    f"{found['seconds_to_settle']:>13} s",
                    flush=True,
                )
    if given.json:
        versions = {name: metadata.version(name) for name in ("paho-mqtt", "aiomqtt")}
        print(json.dumps({"versions": versions, "rate": given.rate, "seed": given.seed, "results": results}))
    ours = [faults["mawashi"] for faults in results.values() if "mawashi" in faults]
    return 1 if any(one["lost"] or one["doubled"] for one in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
