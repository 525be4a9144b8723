"""F7 at the gateway, with real processes: its disk fills, and the backlog waits at the edge.

A full disk at the edge is in `tests/edge`, a huge backlog in `tests/bench/bench_backlog.py`.
"""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.appender.parts import Gate
from tests.bench.bench_backlog import an_agent, fill, held
from tests.conftest import Mosquitto, until

pytestmark = pytest.mark.slow
may_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
EVENTS = 12_000


def rss_mb(process: subprocess.Popen[bytes] | None) -> float:
    assert process
    return psutil.Process(process.pid).memory_info().rss / 1e6


@may_mount
def test_a_full_disk_at_the_gateway_leaves_the_backlog_at_the_edge_and_not_in_memory(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    disk = tmp_path / "gate"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=False).returncode:
        pytest.skip("this machine does not let us mount")
    outbox = tmp_path / "edge" / "data" / "outbox.sqlite"
    fill(outbox, EVENTS)
    gate = Gate(disk, mosquitto.port)
    try:
        gate.start()
        calm, broker = rss_mb(gate.process), rss_mb(mosquitto.process)
        with an_agent(tmp_path / "edge", mosquitto.port):
            until(lambda: "the ledger cannot be written" in gate.log(), seconds=60, what="the disk to be full")
            full_at = held(gate)
            assert full_at < EVENTS
            assert rss_mb(gate.process) < calm + 20, "what waits does not wait in the appender"
            assert rss_mb(mosquitto.process) < broker + 10, "nor in the broker"
            assert gate.log().count("the ledger cannot be written") == 1
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            until(lambda: held(gate) == EVENTS, seconds=60, what="the backlog to arrive")
        assert "the ledger can be written again" in gate.log()
        with gate.ledger() as ledger:
            assert [one.committed for one in ledger.authors()] == [EVENTS]
            assert ledger.repeated() <= 1000, "what was in flight"
    finally:
        gate.kill()
        subprocess.run(["umount", "-l", disk], check=False)
