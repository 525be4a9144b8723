"""`make chaos`: play every fault on the real processes, one line each, and end with how many held.

    make chaos                      F1 to F26, then the ledger's again with ledger and state in PostgreSQL
    make chaos FAULT="F3 F18"       these
    make chaos LEDGER=postgresql    only on PostgreSQL (or LEDGER=sqlite: only without it)
    make chaos SEED=7               another run; the same seed plays the same one again
    make chaos SOAK=30              random combinations for 30 minutes

Exits 1 if anything did not hold.
"""

import argparse
import json
import sys
import time
import traceback
from dataclasses import asdict, dataclass

import pytest

from tests.chaos.fault import Fault, Outcome
from tests.chaos.floor import Floor, Verdict, running
from tests.chaos.soak import soak
from tests.chaos.table import ALL, FAULTS, ON_POSTGRESQL

POSTGRESQL = "postgresql"
TABLES = {"sqlite": FAULTS, POSTGRESQL: ON_POSTGRESQL}
_CALLED = {"sqlite": "SQLite", POSTGRESQL: "PostgreSQL"}
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
    parser.add_argument("--ledger", choices=TABLES, help="only with the ledger there; else on both")
    parser.add_argument("--short", action="store_true", help="few events, as make test plays them")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end instead of lines")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="random combinations for so long instead")
    wanted = parser.parse_args(arguments)
    if wanted.soak:
        return soaked(wanted.seed, wanted.soak, as_json=wanted.json, postgresql=wanted.ledger == POSTGRESQL)
    tables = {name: table for name, table in TABLES.items() if wanted.ledger in (None, name)}
    known = [number for number in ALL if any(number in table for table in tables.values())]
    if unknown := [number for number in wanted.fault if number not in known]:
        parser.error(f"no such fault: {' '.join(unknown)}. There are: {' '.join(known)}")
    began, runs = time.monotonic(), []
    for name, table in tables.items():
        if chosen := {number: table[number] for number in wanted.fault or table if number in table}:
            missing = tuple(number for number in ALL if number not in FAULTS) if table is FAULTS else ()
            outcomes = played(name, chosen, seed=wanted.seed, short=wanted.short, quiet=wanted.json)
            runs.append(Run(name, table, outcomes, () if wanted.fault else missing))
    return report(runs, wanted.seed, time.monotonic() - began, as_json=wanted.json)


@dataclass(frozen=True)
class Run:
    """A table's faults as they were played with the ledger in one place; `missing`: what the table still lacks."""

    place: str
    table: dict[str, Fault]
    outcomes: dict[str, Outcome]
    missing: tuple[str, ...]

    @property
    def good(self) -> int:
        return sum(not outcome.verdict.wrong for outcome in self.outcomes.values())

    @property
    def all(self) -> int:
        return len(self.outcomes) + len(self.missing)


def played(place: str, faults: dict[str, Fault], *, seed: int, short: bool, quiet: bool) -> dict[str, Outcome]:
    """Play these faults on one floor, those that are to be alone on their own, and print a line each."""
    outcomes = {}

    def play_one(floor: Floor, number: str, fault: Fault) -> None:
        outcomes[number] = play(floor, fault)
        if not quiet:
            print(line(number, fault, outcomes[number]), flush=True)
        if outcomes[number].verdict.wrong:
            print(floor.gateway.log()[-5000:], file=sys.stderr)

    if not quiet:
        print(f"seed {seed}, ledger in {_CALLED[place]}\n{_HEAD}", flush=True)
    with running(seed=seed, short=short, postgresql=place == POSTGRESQL) as floor:
        for number, fault in faults.items():
            if fault.alone and not short:
                with running(seed=seed, short=short, postgresql=place == POSTGRESQL) as own:
                    play_one(own, number, fault)
            else:
                play_one(floor, number, fault)
    return outcomes


def soaked(seed: int, minutes: float, *, as_json: bool, postgresql: bool) -> int:
    """Soak, a line a round; return the exit status."""

    def said(number: int, outcome: Outcome) -> None:
        if not as_json:
            print(line(str(number), Fault("combination", lambda _floor: outcome), outcome), flush=True)

    with running(seed=seed, short=False, postgresql=postgresql) as floor:
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


def report(runs: list[Run], seed: int, seconds: float, *, as_json: bool) -> int:
    """Print the end; return the exit status."""
    if as_json:
        said = {
            run.place: {
                "ok": run.good,
                "of": run.all,
                "faults": {
                    number: {"what": run.table[number].what, "done": outcome.done, **asdict(outcome.verdict)}
                    for number, outcome in run.outcomes.items()
                },
            }
            for run in runs
        }
        print(json.dumps({"seed": seed, **said}))
    else:
        verdicts = [outcome.verdict for run in runs for outcome in run.outcomes.values()]
        totals = [sum(getattr(verdict, name) for verdict in verdicts) for name in ("events", "lost", "doubled")]
        print("{} events, {} lost, {} doubled, {:.0f} s".format(*totals, seconds))
        for run in runs:
            unplayed = f" (not yet: {', '.join(run.missing)})" if run.missing else ""
            print(f"ledger in {_CALLED[run.place]}: {run.good} of {run.all}{unplayed}")
    return 0 if all(run.good == run.all for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
