"""Measure the drivers: lines a second through each parser, and one agent's memory and idle CPU with eight machines.

`python -m tests.bench.bench_drivers [--seconds 30]`, alone on the machine. Prints one JSON object. A line is what the
driver's tally counts: a line, a frame, a message, a document. The machines are the demo's and one of Sparkplug, over
ptys, TCP, HTTP and a real Mosquitto; idle means that each says or is asked what it always is, and nothing changes.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from operator import itemgetter
from pathlib import Path

import psutil

from edge.drivers.table import DRIVERS
from gateway.demo.fleet import EVERY_KIND, FLEET, Fleet, Where
from gateway.demo.place import Broker
from gateway.demo.shop import Turn
from tests.bench.budget import Budget
from tests.conftest import Mosquitto
from tests.drivers.test_cases import HERE, parser
from tests.edge.shop import Agent, PtyScanner, Server
from tests.machines.sparkplug import Node

_AT_ONCE = 256
_DRIVER_SECONDS = 1.0
_SPARKPLUG = (
    '[[machine]]\nid = "m8"\ndriver = "sparkplug"\nstation = "cell-1"\ngroup = "shop"\nnode = "cell-1"\nport = {port}\n'
)
BUDGETS = [
    *(Budget(f"{name}: its cases, good and bad", itemgetter(name), unit="lines/s") for name in DRIVERS),
    Budget("edge with eight machines, RSS", lambda r: r["rss_mb"], most=45, unit="MB"),
    Budget("edge with eight machines, idle", lambda r: r["idle_percent"], most=1, unit="% core"),
    Budget("edge with a scanner alone, RSS", lambda r: r["alone"]["rss_mb"], most=45, unit="MB"),
    Budget("edge with a scanner alone, idle", lambda r: r["alone"]["idle_percent"], most=1, unit="% core"),
]


def lines_a_second(driver: str) -> float:
    """Feed a driver its cases, good and bad, again and again, each time to a parser that knows nothing yet."""
    cases = [(case.parent, case.read_bytes()) for case in sorted((HERE / driver).glob("*/input.bin"))]
    lines, seconds = 0, 0.0
    while seconds < _DRIVER_SECONDS:
        before = lines
        for case, data in cases:
            one = parser(case)
            began = time.perf_counter()
            for start in range(0, len(data), _AT_ONCE):
                one.feed(data[start : start + _AT_ONCE], start)
            seconds += time.perf_counter() - began
            lines += one.tally.lines
        if lines == before:
            raise SystemExit(f"the cases of {driver} have no lines")
    return round(lines / seconds)


def agent(directory: Path, broker: Mosquitto, *, machines: bool, seconds: float) -> Mapping[str, float]:
    """Run a real agent so long with nothing new to say; return its memory in MB and its CPU in percent of a core."""
    fleet, node = Fleet(Where(directory, Broker(broker.port, "5", {}))), Node(broker.port)
    tables = fleet.tables(EVERY_KIND)
    one = Agent(directory, broker.port, PtyScanner(directory))
    if machines:
        fleet.start()
        one.settings.write_text("\n".join([one.settings.read_text(), *tables, _SPARKPLUG.format(port=broker.port)]))
    one.ready()
    assert one.process
    try:
        if machines:
            for standing in FLEET:
                if standing.firm == EVERY_KIND:
                    one.says(f"machine {standing.id} is connected")
                fleet.take(Turn(0.0, standing.firm, standing.station, running=True))
            one.says("machine m8 is connected")
            node.start()  # its birth is heard by those who are there
            deadline = time.monotonic() + 20
            while waiting := _waiting(one):
                if time.monotonic() > deadline:
                    raise SystemExit(f"not understood: {waiting}")
                _beat(fleet, seconds=1.0, machines=True)
        process = psutil.Process(one.process.pid)
        _beat(fleet, seconds=5.0, machines=machines)
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        _beat(fleet, seconds=seconds, machines=machines)
        used = sum(process.cpu_times()[:2]) - before
        return {
            "rss_mb": round(process.memory_info().rss / 2**20, 1),
            "idle_percent": round(100 * used / (time.monotonic() - began), 2),
        }
    finally:
        one.stop()
        if machines:
            fleet.stop()
            node.stop()


def _waiting(one: Agent) -> list[str]:
    """Return the machines of which nothing was understood yet."""
    devices = one.status().get("devices", {"none": {"state": "waiting"}})
    return [name for name, device in devices.items() if name != "s1" and device["state"] != "heard"]


def _beat(fleet: Fleet, *, seconds: float, machines: bool) -> None:
    """Let time pass: each second a counter says its line, whoever else has a heartbeat keeps it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if machines:
            fleet.tick(0.0)
        time.sleep(1.0)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0, help="how long idle CPU is measured")
    seconds = arguments.parse_args().seconds
    found: dict[str, object] = {**{name: lines_a_second(name) for name in DRIVERS}}
    with tempfile.TemporaryDirectory(prefix="mawashi-bench-") as place:
        directory = Path(place)
        broker = Mosquitto(directory)
        broker.start()
        try:
            for machines in (False, True):
                folder = directory / f"machines-{machines}"
                folder.mkdir()
                with closing(Server(broker.port)):
                    measured = agent(folder, broker, machines=machines, seconds=seconds)
                found |= measured if machines else {"alone": measured}
        finally:
            broker.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
