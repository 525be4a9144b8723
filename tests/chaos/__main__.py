"""`make chaos`: play every fault on the real processes, one line each, and end with how many held.

    make chaos                      F1 to F26
    make chaos FAULT="F3 F18"       these
    make chaos SEED=7               another run; the same seed plays the same one again
    make chaos SOAK=30              random combinations for 30 minutes

Exits 1 if anything did not hold.
"""

import argparse
import json
import sys
import time
import traceback
from dataclasses import asdict

import pytest

from tests.chaos.fault import Fault, Outcome
from tests.chaos.floor import Floor, Verdict, running
from tests.chaos.soak import soak
from tests.chaos.table import ALL, FAULTS

_HEAD = f"{'':<4} {'fault':<34} {'events':>8} {'lost':>5} {'doubled':>7} {'recovered':>10}  "


def play(floor: Floor, fault: Fault) -> Outcome:
    """Play one fault, and clear the floor for the next."""
    try:
        return fault.play(floor)
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the next fault is played all the same
        traceback.print_exc()
        floor.mend()
        return Outcome("not played to its end", Verdict(wrong=[f"{type(error).__name__}: {error}".splitlines()[0]]))
    finally:
        floor.rest()


def line(number: str, fault: Fault, outcome: Outcome) -> str:
    verdict = outcome.verdict
    named = f", {verdict.named} listed by number" if verdict.named else ""
    good = "ok" if not verdict.wrong else "FAILED: " + "; ".join(verdict.wrong)
    return (
        f"{number:<4} {fault.what:<34} {verdict.events:>8} {verdict.lost:>5} {verdict.doubled:>7} "
        f"{verdict.recovered_seconds:>8.1f} s  {good} ({outcome.done}{named})"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", nargs="*", default=[], metavar="F3", help="only these")
    parser.add_argument("--short", action="store_true", help="few events, as make test plays them")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end instead of lines")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="random combinations for so long instead")
    wanted = parser.parse_args(arguments)
    if wanted.soak:
        return soaked(wanted.seed, wanted.soak, as_json=wanted.json)
    chosen = [number for number in wanted.fault or ALL if number in FAULTS]
    if unknown := [number for number in wanted.fault if number not in FAULTS]:
        parser.error(f"no such fault: {' '.join(unknown)}. There are: {' '.join(FAULTS)}")
    began, outcomes = time.monotonic(), {}
    with running(seed=wanted.seed, short=wanted.short) as floor:
        if not wanted.json:
            print(f"seed {wanted.seed}\n{_HEAD}", flush=True)
        for number in chosen:
            outcomes[number] = play(floor, FAULTS[number])
            if not wanted.json:
                print(line(number, FAULTS[number], outcomes[number]), flush=True)
        if any(outcome.verdict.wrong for outcome in outcomes.values()):
            print(floor.gateway.log()[-5000:], file=sys.stderr)
    return report(outcomes, wanted.seed, time.monotonic() - began, as_json=wanted.json, whole=not wanted.fault)


def soaked(seed: int, minutes: float, *, as_json: bool) -> int:
    """Soak, a line a round; return the exit status."""

    def said(number: int, outcome: Outcome) -> None:
        if not as_json:
            print(line(str(number), Fault("combination", lambda _floor: outcome), outcome), flush=True)

    with running(seed=seed, short=False) as floor:
        outcomes = soak(floor, minutes, said)
        good = sum(not outcome.verdict.wrong for outcome in outcomes)
        if good < len(outcomes):
            print(floor.gateway.log()[-5000:], file=sys.stderr)
    if as_json:
        rounds = [{"done": outcome.done, **asdict(outcome.verdict)} for outcome in outcomes]
        print(json.dumps({"seed": seed, "ok": good, "of": len(outcomes), "rounds": rounds}))
    else:
        print(f"{good} of {len(outcomes)} rounds")
    return 0 if good == len(outcomes) else 1


def report(outcomes: dict[str, Outcome], seed: int, seconds: float, *, as_json: bool, whole: bool) -> int:
    """Print the end; return the exit status."""
    good = [number for number, outcome in outcomes.items() if not outcome.verdict.wrong]
    missing = [number for number in ALL if number not in FAULTS] if whole else []
    if as_json:
        found = {n: {"what": FAULTS[n].what, "done": o.done, **asdict(o.verdict)} for n, o in outcomes.items()}
        print(json.dumps({"seed": seed, "ok": len(good), "of": len(outcomes) + len(missing), "faults": found}))
    else:
        totals = [sum(getattr(o.verdict, name) for o in outcomes.values()) for name in ("events", "lost", "doubled")]
        print("{} events, {} lost, {} doubled, {:.0f} s".format(*totals, seconds))
        unplayed = f" (not yet: {', '.join(missing)})" if missing else ""
        print(f"{len(good)} of {len(outcomes) + len(missing)}{unplayed}")
    return 0 if len(good) == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
