"""Measure a huge backlog: a real agent with so many events waiting, drained to a real appender, memory watched.

A third of the way the agent is killed with -9 and started again.
`python -m tests.bench.bench_backlog [--events 1000000]`, alone on the machine. Says every ten seconds how far it is, on
standard error; then prints each budget with its verdict, or with --json one object: events a second accepted and
drained; RSS of edge, appender and Mosquitto with the backlog waiting and the largest while it drains; the outbox's file
before and after, for others to judge. Exits with 1 if a budget is missed.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from edge.outbox import Keeping, Outbox
from tests.appender.parts import Gate
from tests.bench.bench_appender import LINE
from tests.bench.budget import Budget
from tests.conftest import Mosquitto, until

ROWS_A_COMMIT = 500
_SAY_SECONDS = 10.0
_SMALL_MB = 3.0
"""A file of this size has given back what it can."""
BUDGETS = [
    Budget("backlog drained, edge killed half way: missing", lambda r: r["missing"], most=0, unit="events"),
    Budget("backlog: sent again after the kill", lambda r: r["sent_again_after_the_kill"], most=1000, unit="events"),
    Budget(
        "backlog: edge, RSS while draining, above waiting",
        lambda r: r["rss_mb_most_while_draining"]["edge"] - r["rss_mb_waiting"]["edge"],
        most=5,
        unit="MB",
    ),
    Budget("backlog: gateway, RSS", lambda r: r["rss_mb_most_while_draining"]["appender"], most=150, unit="MB"),
    Budget("backlog: broker, RSS", lambda r: r["rss_mb_most_while_draining"]["broker"], most=30, unit="MB"),
    Budget(
        f"backlog: the file after, of before (or of {_SMALL_MB * 10:g} MB)",
        lambda r: r["outbox_mb_after"] / max(r["outbox_mb_before"], _SMALL_MB * 10),
        most=0.1,
    ),
    Budget("backlog drained", lambda r: r["drained_a_second"], unit="events/s"),
]
EDGE = [sys.executable, "-c", "from edge.cli import main; main()"]


class Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self.began = self._said = time.monotonic()

    def say(self, what: str, done: int, of: int, memory: Mapping[str, float] | None = None) -> None:
        """Say it if it was not said lately; `done` counts from the beginning."""
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            rate = done / (now - self.began)
            more = "".join(f", {name} {mb:g} MB" for name, mb in (memory or {}).items())
            print(f"{what}: {done:,} of {of:,}, {rate:,.0f} a second{more}", file=sys.stderr, flush=True)


class Memory:
    """Watches the resident memory of processes, in MB; `most` is the largest of each name."""

    def __init__(self, **pids: int) -> None:
        self._watched: dict[str, psutil.Process] = {}
        self.most: dict[str, float] = {}
        self._stopping = threading.Event()
        self.watch(**pids)
        threading.Thread(target=self._watch, daemon=True).start()

    def watch(self, **pids: int) -> None:
        """Watch these too, or instead."""
        self._watched = self._watched | {name: psutil.Process(pid) for name, pid in pids.items()}

    def now(self) -> dict[str, float]:
        found = {}
        for name, one in self._watched.items():
            with suppress(psutil.NoSuchProcess):
                found[name] = round(one.memory_info().rss / 1e6, 1)
        return found

    def _watch(self) -> None:
        while not self._stopping.wait(0.2):
            for name, mb in self.now().items():
                self.most[name] = max(mb, self.most.get(name, 0.0))

    def stop(self) -> None:
        self._stopping.set()


def fill(path: Path, events: int) -> float:
    """Accept so many events into a new outbox, as a floor that was cut off for long would have; return a second's."""
    path.parent.mkdir(parents=True)
    outbox = Outbox(path, "firm/edge", Keeping())
    progress = Progress()
    for first in range(0, events, ROWS_A_COMMIT):
        lines = [LINE % n for n in range(first, min(events, first + ROWS_A_COMMIT))]
        outbox.accept(lines, at=datetime.now(UTC))
        progress.say("accepted", first + len(lines), events)
    outbox.close()
    return events / (time.monotonic() - progress.began)


@contextmanager
def an_agent(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`mawashi-edge run` on this folder, which keeps nothing that is confirmed."""
    settings = folder / "edge.toml"
    settings.write_text(
        f'firm = "firm"\nedge = "edge"\ndata_dir = "{folder / "data"}"\npanel = "off"\n'
        f"[mqtt]\nport = {port}\nreconnect_seconds_max = 0.5\n[outbox]\nkept_bytes = 0\n"
    )
    process = subprocess.Popen([*EDGE, "run", "--settings", settings], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def measure(folder: Path, events: int) -> dict[str, Any]:
    """Fill, wait, drain a third, kill -9 the edge, drain the rest, and wait until its file is small again."""
    outbox, status = (folder / "edge" / "data" / name for name in ("outbox.sqlite", "status.json"))
    accepted = fill(outbox, events)
    before = size_of(outbox)
    (folder / "broker").mkdir()
    broker = Mosquitto(folder / "broker")
    broker.start()
    gate = Gate(folder / "gate", broker.port)
    try:
        with an_agent(folder / "edge", broker.port) as edge:
            until(status.exists, seconds=60, what="the agent to run")
            memory = Memory(edge=edge.pid)
            waiting = memory.now()
            gate.start()
            assert gate.process
            assert broker.process
            memory.watch(appender=gate.process.pid, broker=broker.process.pid)
            progress = Progress()

            def arrived(wanted: int) -> bool:
                time.sleep(0.1)  # asking leaves room for the work
                progress.say("arrived", found := held(gate), events, memory.now())
                return found >= wanted

            until(lambda: arrived(events // 3), seconds=1800, what="a third to arrive")
            edge.kill()
            edge.wait()
        with an_agent(folder / "edge", broker.port) as edge:
            memory.watch(edge=edge.pid)
            until(lambda: arrived(events), seconds=1800, what="the backlog to arrive")
            seconds = time.monotonic() - progress.began

            def small() -> bool:
                time.sleep(0.1)
                size = pages(outbox) * 4096
                progress.say("given back, in bytes", before - size, before, memory.now())
                return size < max(before / 10, _SMALL_MB * 1e6)

            until(small, seconds=3600, what="the file to shrink")
            shrunk = time.monotonic() - progress.began
        memory.stop()
        with gate.ledger() as ledger:
            (one,) = [one for one in ledger.authors() if one.author == "firm/edge"]
            repeated = ledger.repeated()
        return {
            "events": events,
            "accepted_a_second": round(accepted),
            "drained_a_second": round(events / seconds),
            "shrunk_after_seconds": round(shrunk),
            "rss_mb_waiting": waiting,
            "rss_mb_most_while_draining": memory.most,
            "outbox_mb_before": round(before / 1e6, 1),
            "outbox_mb_after": round(size_of(outbox) / 1e6, 1),
            "missing": events - one.committed,
            "sent_again_after_the_kill": repeated,
        }
    finally:
        gate.kill()
        broker.kill()


def held(gate: Gate) -> int:
    with gate.ledger() as ledger:
        return ledger.last_position()


def pages(outbox: Path) -> int:
    """How many pages the file will have after its next checkpoint."""
    with closing(sqlite3.connect(f"{outbox.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return int(db.execute("PRAGMA page_count").fetchone()[0])


def size_of(outbox: Path) -> int:
    """The file and its log."""
    return sum(one.stat().st_size for one in (outbox, outbox.with_name(outbox.name + "-wal")) if one.exists())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the verdicts")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mwb-") as folder:
        result = measure(Path(folder), wanted.events)
    verdicts = [budget.line(result) for budget in BUDGETS]
    if wanted.json:
        print(json.dumps(result | {"cpus": os.cpu_count()}))
        return 0
    for line, _ in verdicts:
        print(line)
    return 0 if all(good for _, good in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
