"""`make bench`: run every bench, one after the other, and hold what it measured against the design's budget.

Rates depend on the machine, so the ones that matter are ratios within one run. Exits 1 if a budget is missed.
"""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.bench_backlog import BUDGETS as BACKLOG
from tests.bench.bench_drivers import BUDGETS as DRIVERS
from tests.bench.budget import Budget

FOLDER = Path(__file__).parent


def demo(*more: str) -> list[str]:
    """The demo, measured for 30 seconds."""
    return [str(Path(sys.executable).parent / "mawashi"), "demo", "--seconds", "30", "--json", *more]


def _told(result: dict[str, Any], fault: str) -> float:
    """Return after how long the board said it; infinitely many if it did not."""
    seconds = result["machines"]["board_seconds"].get(fault)
    return math.inf if seconds is None else float(seconds)


BENCHES: dict[str, tuple[list[str], list[Budget]]] = {
    "appender": (
        [sys.executable, str(FOLDER / "bench_appender.py")],
        [
            Budget("bare paho consumer that commits nothing", lambda r: r["bare_messages_a_second"], unit="msg/s"),
            Budget("one event a message, drain to receipt : bare", lambda r: r["single_to_bare"], least=0.3),
            Budget("bundles, drain to receipt", lambda r: r["bundled_events_a_second"], least=15_000, unit="events/s"),
        ],
    ),
    "projector": (
        [sys.executable, "-m", "tests.bench.bench_projector"],
        [
            Budget("projector, catching up", lambda r: r["events_a_second"], least=3000, unit="events/s"),
            Budget("projector, an event : a decode of one", lambda r: r["cpu_an_event_in_decodes"]),
            Budget("pages behind at 1,000 events/s", lambda r: r["pages_behind_s_at_1000_a_second"], most=2, unit="s"),
            Budget("facts written after that", lambda r: r["facts_after_it_s"], unit="s"),
        ],
    ),
    "backlog": ([sys.executable, "-m", "tests.bench.bench_backlog", "--events", "100000", "--json"], BACKLOG),
    "drivers": ([sys.executable, "-m", "tests.bench.bench_drivers"], DRIVERS),
    "demo": (
        demo(),
        [
            Budget("demo: events accepted", lambda r: r["accepted"], least=1000, unit="events"),
            Budget("demo: events missing", lambda r: r["missing"], most=0, unit="events"),
            Budget("demo: scan to answer, p99", lambda r: r["scan_to_answer_ms"]["p99"], most=100, unit="ms"),
            Budget("demo: scan to board, p99", lambda r: r["scan_to_board_ms"]["p99"], most=500, unit="ms"),
            Budget(
                "demo: largest edge, RSS",
                lambda r: max(mb for name, mb in r["rss_mb"].items() if name.startswith("edge")),
                most=45,
                unit="MB",
            ),
            Budget("demo: an unplugged machine on the board", lambda r: _told(r, "unplugged"), most=5, unit="s"),
            Budget("demo: a babbling machine on the board", lambda r: _told(r, "garbage"), most=5, unit="s"),
            Budget("demo: gateway's processes together, RSS",
                   lambda r: sum(r["rss_mb"][name] for name in ("gateway", "appender", "projector", "web")),
                   most=600, unit="MB"),
        ],
    ),
}  # fmt: skip


def main() -> int:
    """Run the benches named on the command line, or all."""
    chosen = sys.argv[1:] or list(BENCHES)
    all_good = True
    for name in chosen:
        command, budgets = BENCHES[name]
        print(f"{name} ...", file=sys.stderr, flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0 or not done.stdout.strip():
            print(f"{name:<66} ended with status {done.returncode}")
            all_good = False
            continue
        result = json.loads(done.stdout.strip().splitlines()[-1])
        for budget in budgets:
            line, good = budget.line(result)
            print(line, flush=True)
            all_good = all_good and good
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
