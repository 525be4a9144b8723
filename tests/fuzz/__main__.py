"""Fuzz every driver's parser, and print how many inputs each was fed: `make fuzz [SECONDS=60] [DRIVER=shdr]`.

Ends with status 1 if one raised, held too much, or did not come back to good records; its input is kept in `var/fuzz`.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edge.drivers.table import DRIVERS, READERS

CASES = Path(__file__).parents[1] / "drivers"
KEPT = Path("var/fuzz")


def fuzz(driver: str, seconds: int) -> tuple[int, str]:
    """Return how many inputs a driver was fed, and why it failed (empty: it did not)."""
    with tempfile.TemporaryDirectory() as corpus:
        for case in (CASES / driver).glob("*/input.bin"):
            shutil.copy(case, Path(corpus) / case.parent.name)
        KEPT.mkdir(parents=True, exist_ok=True)
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={KEPT}/{driver}-", "-max_len=4096", "-timeout=60"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.target", driver, *options, corpus],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    counted = re.findall(r"^#(\d+)\s", done.stderr, flags=re.MULTILINE)
    why = (
        ""
        if done.returncode == 0
        else "\n".join(re.findall(r"^(?!INFO|WARNING).+", done.stderr, flags=re.MULTILINE)) + "\n"
    )
    return int(counted[-1]) if counted else 0, why


def main() -> int:
    """Fuzz, a driver after the other; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each driver")
    parser.add_argument("--driver", nargs="*", choices=[*DRIVERS, *READERS], default=[], help="only these")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    found = {}
    for driver in wanted.driver or [*DRIVERS, *READERS]:
        inputs, why = found[driver] = fuzz(driver, wanted.seconds)
        if not wanted.json:
            print(f"{driver:<10} {inputs:>10,} inputs  {'FAILED' if why else 'ok'}", flush=True)
            print(why, end="", file=sys.stderr)
    failed = sum(bool(why) for _, why in found.values())
    inputs = sum(count for count, _ in found.values())
    if wanted.json:
        print(json.dumps({"inputs": inputs, "failed": failed, "drivers": {name: n for name, (n, _) in found.items()}}))
    else:
        print(f"{inputs:,} inputs, {failed} of {len(found)} drivers failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
