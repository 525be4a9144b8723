"""Failpoints: what the variable arms, what each action does, and that none of them stands only on paper."""

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from broker import failpoints
from broker.failpoints import ArmingError, Point
from tests.conftest import ROOT, until

TWICE = """
from broker.failpoints import Point, hit
for n in range(2):
    print("before", n, flush=True)
    hit(Point.EDGE_COMMITTED)
print("after", flush=True)
"""


def twice(armed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, failpoints.VARIABLE: armed}
    return subprocess.Popen(
        [sys.executable, "-c", TWICE], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_not_armed_it_is_a_function_that_does_nothing() -> None:
    assert failpoints.bound(None) is failpoints.bound("") is failpoints._nothing


def test_armed_it_kills_the_process_at_the_named_hit() -> None:
    process = twice("edge.committed=kill@2")
    out, _ = process.communicate(timeout=20)
    assert (out.split("\n"), process.returncode) == (["before 0", "before 1", ""], -signal.SIGKILL)


def test_it_delays_and_says_at_every_hit_and_at_no_other_point() -> None:
    process = twice(" edge.committed=delay:0.01 ; edge.committed=say; edge.marked=kill;")
    out, err = process.communicate(timeout=20)
    assert (out.split()[-1], process.returncode) == ("after", 0)
    assert err.splitlines() == ["failpoint edge.committed 1", "failpoint edge.committed 2"]


def test_it_stops_the_process_until_somebody_lets_it_go_on() -> None:
    process = twice("edge.committed=stop@1")
    assert process.stdout
    assert process.stdout.readline() == "before 0\n"
    until(lambda: state(process.pid) == "T", what="it to stop")
    process.send_signal(signal.SIGCONT)
    assert process.stdout.read() == "before 1\nafter\n"
    assert process.wait(10) == 0


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    "armed", ["edge.comitted=kill", "edge.committed=explode", "edge.committed", "edge.marked=kill@0"]
)
def test_what_cannot_be_understood_ends_the_process_with_a_sentence(armed: str) -> None:
    with pytest.raises(ArmingError, match="is not POINT=ACTION"):
        failpoints.Armed(armed)
    process = twice(armed)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.startswith(f"MAWASHI_FAILPOINTS: {armed!r} is not POINT=ACTION or POINT=ACTION@N.")


def test_every_point_stands_at_one_place_in_the_code_and_none_is_hit_that_is_not_in_the_table() -> None:
    hits: Counter[str] = Counter()
    for folder in ("broker", "edge", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name("hit"), args=[ast.Attribute(ast.Name("Point" | "Failpoint"), name)]):
                        hits[name] += 1
    assert hits == Counter({point.name: 1 for point in Point})
