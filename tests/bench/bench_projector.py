"""Measure the projector on a ledger made for it: events a second to catch up, and from one event to the state when idle.

Run it alone on the machine, from the root: `python -m tests.bench.bench_projector [--orders 2000] [--postgresql]`.
Prints one JSON object. Design 9: >= 3,000 events/s sustained; behind by < 2 s at 1,000 events/s.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.events import decode
from gateway.ledger import Ledger
from gateway.ledger.writer import WritableLedger
from gateway.state import State
from tests.gateway.shop import Shop, commit
from tests.postgresql import PostgreSql

IDLE_EVENTS = 100
PACED = 1000
"""Events a second while the lag is measured."""


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """Look every millisecond until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"the projector did not finish within {seconds} s")
        time.sleep(0.001)


def cpu_seconds(pid: int) -> float:
    """Return what a process has used so far: fields 14 and 15 of /proc/PID/stat, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_latencies(ledger: WritableLedger, reader: State, shop: Shop) -> list[float]:
    """Commit one scan after the other, each when the one before is in the state; return milliseconds."""
    _, (ticket,) = shop.order()
    now = datetime.now(UTC)
    for n in range(IDLE_EVENTS // 2):
        shop.session(ticket, 10, "turning", now + timedelta(seconds=n), minutes=0.01)
    found = []
    for line in [shop.office.lines[-1], *shop.edges["turning"].lines[-IDLE_EVENTS:]]:
        commit(ledger, [line], at=now + timedelta(hours=1))
        position, began = ledger.last_position(), time.perf_counter()
        wait(lambda position=position: reader.cursor() >= position and not reader.marked(), 10)  # type: ignore[misc]
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    return sorted(found[1:])


def paced_lag(ledger: WritableLedger, reader: State, shop: Shop, seconds: int) -> tuple[float, float]:
    """Commit PACED events of now a second; return the most seconds that pages were behind, and until all facts stood.

    They are those of 50 new orders a second, each of about 20 events, in order of their times.
    """
    lines = shop.lines[: PACED * seconds]
    committed: list[tuple[float, int]] = []
    worst, running = 0.0, True

    def watch() -> None:
        nonlocal worst
        done = 0
        while running or done < len(committed):
            cursor = reader.cursor() if not reader.marked() else 0
            while done < len(committed) and committed[done][1] <= cursor:
                done += 1
            if done < len(committed):
                worst = max(worst, time.monotonic() - committed[done][0])
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began, step = time.monotonic(), PACED // 20
    for start in range(0, len(lines), step):
        commit(ledger, lines[start : start + step], at=datetime.now(UTC))
        committed.append((time.monotonic(), ledger.last_position()))
        time.sleep(max(0.0, began + (start + step) / PACED - time.monotonic()))
    running = False
    watcher.join()
    ended = time.monotonic()
    wait(lambda: not reader.unfinished(), 600)
    return worst, time.monotonic() - ended


@contextmanager
def state_url(folder: str, *, postgresql: bool) -> Iterator[str]:
    """Where the state is kept: a file, or a server that runs as long."""
    if not postgresql:
        yield f"sqlite:///{folder}/state.sqlite"
        return
    server = PostgreSql()
    try:
        server.start()
        yield server.database()
    finally:
        server.remove()


def main() -> None:
    """Build the ledger, run the projector as its own process, print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--postgresql", action="store_true", help="with the state on a PostgreSQL of its own")
    arguments = parser.parse_args()
    shop = Shop(1)
    for n in range(arguments.orders):
        shop.life(lots=1 + n % 2)
    lines = shop.lines
    began = time.process_time()
    for line in lines[:20_000]:
        decode(line.body)
    decode_us = (time.process_time() - began) / min(len(lines), 20_000) * 1e6
    with (
        tempfile.TemporaryDirectory() as folder,
        state_url(folder, postgresql=arguments.postgresql) as url,
        Ledger.open(f"sqlite:///{folder}/ledger.sqlite", write=True) as ledger,
    ):
        for start in range(0, len(lines), 5000):
            commit(ledger, lines[start : start + 5000])
        settings = Path(folder) / "gateway.toml"
        settings.write_text(f'data_dir = "{folder}"\nstate_url = "{url}"\n[mqtt]\nport = 1\n')
        reader = State.open(url)
        process = subprocess.Popen([sys.executable, "-m", "gateway.projector", "--settings", str(settings)])
        try:
            wait(lambda: reader.cursor() > 0, 60)
            began, at, used = time.monotonic(), reader.cursor(), cpu_seconds(process.pid)
            wait(lambda: reader.cursor() == len(lines) and not reader.unfinished(), 3600)
            rate = (len(lines) - at) / (time.monotonic() - began)
            cpu_us = (cpu_seconds(process.pid) - used) / (len(lines) - at) * 1e6
            points = sum(len(page) for page in _pages(reader))
            latencies = idle_latencies(ledger, reader, shop)
            paced = Shop(2, datetime.now(UTC))
            for _ in range(PACED * arguments.seconds // 20):
                paced.life()
            lag, facts_lag = paced_lag(ledger, reader, paced, arguments.seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        rss_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result = {
        "events": len(lines),
        "orders": arguments.orders,
        "facts": points,
        "events_a_second": round(rate),
        "decode_us": round(decode_us, 1),
        "cpu_us_an_event": round(cpu_us),
        "cpu_an_event_in_decodes": round(cpu_us / decode_us),
        "idle_ms_p50": round(latencies[len(latencies) // 2], 1),
        "idle_ms_p99": round(latencies[int(len(latencies) * 0.99)], 1),
        f"pages_behind_s_at_{PACED}_a_second": round(lag, 2),
        "facts_after_it_s": round(facts_lag, 2),
        "rss_mb": rss_kb // 1024,
    }
    sys.stdout.write(json.dumps(result) + "\n")


def _pages(reader: State) -> list[list[object]]:
    pages: list[list[object]] = []
    after = 0
    while page := reader.points(after, 10_000):
        pages.append(list(page))
        after = page[-1].revision
    return pages


if __name__ == "__main__":
    main()
