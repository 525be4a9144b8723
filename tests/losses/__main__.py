"""`make loss-table`: the same events and the same faults for Mawashi and for what people use today; lost and doubled.

`python -m tests.losses --help` says what can be changed; docs/loss-table.md holds a run.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

import pytest

from tests.losses.entries import ENTRIES, NAMES
from tests.losses.faults import FAULTS, Side
from tests.losses.peers import MissingError
from tests.losses.trial import Count, trial

Rows = dict[tuple[str, str], Count]
"""By fault and by who."""


def markdown(rows: Rows) -> str:
    """Return the tables of docs/loss-table.md, one a side; what is not in `rows` is left out."""
    tables = []
    for side in Side:
        lines = ["| what was broken | who | accepted | lost | doubled |", "|---|---|---:|---:|---:|"]
        for fault, known in FAULTS.items():
            title = known.title
            for name, entry in ENTRIES[side].items():
                if known.side is side and (count := rows.get((fault, name))):
                    lines.append(
                        f"| {title} | {entry.title} | {count.accepted:,} | {count.lost:,} | {count.doubled:,} |"
                    )
                    title = ""
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if Mawashi lost or doubled anything, or could not be counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.losses", description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="at least so many are sent in each trial (1000)")
    parser.add_argument("--rate", type=float, default=100.0, help="how many a second (100)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the instants (1)")
    parser.add_argument("--only", choices=NAMES, action="append", help="only this one; may be repeated")
    parser.add_argument("--fault", choices=[*FAULTS], action="append", help="only this fault; may be repeated")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/loss-table.md at the end")
    given = parser.parse_args(arguments)
    aloud = sys.stderr if given.json or given.markdown else sys.stdout
    print(
        f"{'what was broken':<28}{'who':<20}{'accepted':>9}{'lost':>7}{'doubled':>9}{'settled after':>15}", file=aloud
    )
    rows: Rows = {}
    left_out: list[str] = []
    for fault in given.fault or FAULTS:
        for name, entry in ENTRIES[FAULTS[fault].side].items():
            if given.only and name not in given.only:
                continue
            chance = random.Random(f"{given.seed} {fault}")
            try:
                count = trial(entry.make, FAULTS[fault], events=given.events, rate=given.rate, chance=chance)
            except (MissingError, pytest.fail.Exception) as why:
                left_out.append(f"{entry.title}, {fault}: {why}")
                print(f"{fault:<28}{name:<20}  left out: {why}", file=aloud, flush=True)
                continue
            rows[fault, name] = count
            print(
                f"{fault:<28}{name:<20}{count.accepted:>9}{count.lost:>7}{count.doubled:>9}"
                f"{count.seconds_to_settle:>13} s",
                file=aloud,
                flush=True,
            )
    if given.markdown:
        print(markdown(rows))
    if given.json:
        results = [{"fault": fault, "who": who, **asdict(count)} for (fault, who), count in rows.items()]
        told = {
            "versions": versions(),
            "seed": given.seed,
            "rate": given.rate,
            "left_out": left_out,
            "results": results,
        }
        print(json.dumps(told))
    ours = [count for (_, who), count in rows.items() if who == "mawashi"]
    return int(
        any(count.lost or count.doubled for count in ours) or any(line.startswith("Mawashi") for line in left_out)
    )


def versions() -> list[str]:
    """Return what was measured and the servers it ran on."""
    mosquitto = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True, check=False).stdout.splitlines()[:1]
    entries = [entry.version for side in ENTRIES.values() for entry in side.values() if entry.version]
    return [*dict.fromkeys(entries), *mosquitto, f"Python {sys.version.split()[0]}"]


if __name__ == "__main__":
    sys.exit(main())
