"""F7 at the edge, with a real agent: a full disk is said to the machinist and to the server, and nothing is claimed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

import pytest

from broker.codes import TicketCode, printed
from broker.link import Delivery
from broker.messages import OrderView
from broker.topics import GATEWAY, Kind, Topic
from edge.settings import Edge
from edge.store import Store
from tests.conftest import Mosquitto
from tests.edge.shop import EDGE, FIRM, Agent, PtyScanner, Server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The agent's data folder on a disk of 4 MB."""
    folder = tmp_path / "data"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine does not let us mount")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def test_what_the_server_shows_never_takes_the_room_of_scans_and_their_marks(tmp_path: Path, disk: Path) -> None:
    said: list[str] = []
    settings = Edge(firm=FIRM, edge=EDGE, data_dir=disk)
    store = Store(settings, inbox=SimpleQueue(), log=lambda _level, what, **_: said.append(what))
    for n in range(3000):
        view = OrderView(order=f"k{n}", level="own", state="ready", number="x" * 1500)
        store.take(Delivery(str(Topic(FIRM, GATEWAY, Kind.ORDER, view.order)), view.encode(), True, 0, 1))
    assert 100 < len(store.views) < 3000
    assert said == ["order views are not kept: the disk has room for scans only. Make room there"]
    store.outbox.accept([b"x" * 200] * 1000, at=datetime.now(UTC))
    store.close()


def test_a_full_disk_is_refused_aloud_and_told_to_the_server_and_what_was_accepted_arrives(
    tmp_path: Path, mosquitto: Mosquitto, disk: Path
) -> None:
    scanner, server = PtyScanner(tmp_path), Server(mosquitto.port)
    agent = Agent(tmp_path, mosquitto.port, scanner)
    first, second, third = (printed(TicketCode(f"7K3Q9{end}", 10)) for end in "ABC")
    server.commit = server.answer_bundles = server.answer_hellos = False  # nothing is safe yet, so nothing can go
    try:
        agent.ready()
        scanner.scan(first)
        agent.says("[start] 着手 7K3Q9A-10")
        (disk / "ballast").write_bytes(b"\0" * (shutil.disk_usage(disk).free - 100_000))
        scanner.heard()
        scanner.scan(second)
        agent.says("[stop] 記録できません / Not recorded | 紙に書いて事務所へ / Write it down, tell the office")
        assert b"\x1b[" in scanner.heard(), "the scanner sounds"
        agent.until(lambda: any(hello.refused == 1 for hello in server.hellos), "the server to be told")
        scanner.scan(second)
        agent.until(lambda: any(hello.refused == 2 for hello in server.hellos), "the second one to be told")
        assert agent.text().count("cannot store an event") == 1, "one line in the log"
        assert agent.status()["waiting"] == 1
        (disk / "ballast").unlink()
        scanner.scan(third)
        agent.says("[start] 着手 7K3Q9C-10")
        agent.says("scans are recorded again")
        server.commit = server.answer_bundles = server.answer_hellos = True
        agent.kill()
        agent.ready()
        agent.until(lambda: [event["ticket"] for event in server.events] == ["7K3Q9A", "7K3Q9C"], "both, and no other")
    finally:
        agent.kill()
        server.close()
