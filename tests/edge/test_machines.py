"""A machine on a real agent: real TCP, a real outbox, a real Mosquitto; one that is switched off or talks nonsense."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.events import MachineState
from broker.messages import StationView
from broker.topics import Kind, Topic
from edge import raw
from gateway.demo.machines.adapter import Adapter
from tests.conftest import Mosquitto
from tests.edge.shop import EDGE, FINISH, FIRM, TICKET, Agent, PtyScanner, Server

pytestmark = pytest.mark.slow


@pytest.fixture
def adapter() -> Iterator[Adapter]:
    adapter = Adapter().start()
    yield adapter
    adapter.stop()


@pytest.fixture
def other() -> Iterator[Adapter]:
    adapter = Adapter().start()
    yield adapter
    adapter.stop()


@pytest.fixture
def agent(
    tmp_path: Path, mosquitto: Mosquitto, scanner: PtyScanner, adapter: Adapter, other: Adapter
) -> Iterator[Agent]:
    agent = Agent(tmp_path, mosquitto.port, scanner)
    tables = "".join(
        f'[[machine]]\nid = "m{n}"\ndriver = "shdr"\nstation = "lathe-{n}"\naddress = "{one.address}"\n'
        for n, one in enumerate((adapter, other), start=1)
    )
    agent.settings.write_text(agent.settings.read_text() + tables)
    yield agent
    agent.kill()


def seen(server: Server, station: str) -> StationView | None:
    payload = server.seen.get(str(Topic(FIRM, EDGE, Kind.STATION, station)))
    return StationView.decode(payload) if payload else None


def does(server: Server, station: str, state: MachineState) -> bool:
    view = seen(server, station)
    return view is not None and view.machine is state


def test_a_machines_state_and_count_meet_the_job_that_is_scanned_there(
    agent: Agent, server: Server, scanner: PtyScanner, adapter: Adapter
):
    adapter.say(execution="READY", PartCountAct=100)
    agent.ready()
    agent.until(lambda: does(server, "lathe-1", MachineState.IDLE), "the machine to stand still on the board")
    scanner.scan(TICKET)
    agent.until(lambda: "start" in server.kinds(), "the start")
    for shown in (101, 102, 104):
        adapter.say(PartCountAct=shown)
    agent.until(lambda: any(one["kind"] == "count" and one["total"] >= 1 for one in server.events), "a first count")
    scanner.scan(FINISH, TICKET)
    agent.until(lambda: "finish" in server.kinds(), "the finish")
    agent.says("| 機械は4個 / machine counted 4")
    start = next(n for n, one in enumerate(server.events, start=1) if one.get("action") == "start")
    counts = [one for one in server.events if one["kind"] == "count"]
    assert counts[-1]["total"] == 4
    assert {one["start"]["seq"] for one in counts} == {start}
    finish = next(n for n, one in enumerate(server.events) if one.get("action") == "finish")
    assert server.events.index(counts[-1]) < finish, "what it counted is told before its start ends"


def heard(server: Server, station: str) -> dict[str, str]:
    """How each device of a station is heard, as the board would show it."""
    view = seen(server, station)
    return {device.id: device.state for device in view.devices} if view else {}


def test_a_dead_machine_and_one_that_talks_nonsense_hold_nobody_up_and_are_said(
    agent: Agent, server: Server, scanner: PtyScanner, adapter: Adapter, other: Adapter
):
    (agent.settings.parent / "press").mkdir()
    press = PtyScanner(agent.settings.parent / "press")
    agent.settings.write_text(
        agent.settings.read_text()
        + f'[[machine]]\nid = "m3"\ndriver = "counter"\nstation = "press-1"\nport = "{press.port}"\n'
    )
    adapter.say(execution="ACTIVE")
    other.say(execution="ACTIVE")
    agent.ready()
    agent.until(lambda: does(server, "lathe-1", MachineState.RUNNING), "it to run on the board")
    agent.until(lambda: does(server, "lathe-2", MachineState.RUNNING), "the other to run on the board")
    other.raw(bytes(range(256)) * 400)
    agent.until(lambda: heard(server, "press-1") == {"m3": "waiting"}, "the counter to be waited for")
    press.send(b"\xf8\x00\x80 wrong speed\n")
    adapter.stop()
    agent.says("machine m1 cannot be heard")
    agent.until(lambda: heard(server, "lathe-1")["m1"] == "lost", "it to be said lost")
    agent.until(lambda: does(server, "lathe-1", MachineState.UNKNOWN), "it to be unknown, not running")
    assert "機械 / machine m1: つながりません" in agent.command("status").stdout
    scanner.scan(TICKET)
    agent.until(lambda: "start" in server.kinds(), "the scan is recorded all the same")
    agent.until(lambda: agent.status()["malformed"]["m2"] > 0, "the nonsense to be counted")
    agent.until(lambda: does(server, "lathe-2", MachineState.RUNNING), "it to run still or again: it answers its pings")
    agent.until(lambda: heard(server, "lathe-2") == {"m2": "heard"}, "it to be heard after the nonsense")
    agent.until(lambda: heard(server, "press-1") == {"m3": "garbage"}, "the garbage to be said")
    assert b"wrong speed" in b"".join(one.data for one in raw.read(agent.data_dir / "raw" / "m3"))
    adapter.start().say(execution="READY")
    agent.until(lambda: does(server, "lathe-1", MachineState.IDLE), "it to be heard again")
    agent.until(lambda: heard(server, "lathe-1") == {"m1": "heard", "s1": "heard"}, "both to be heard")
    assert adapter.heard.replace(b"* PING\n", b"") == b"", "nothing but pings was ever sent to a machine"
    assert set(other.heard.split(b"\n")) == {b"* PING", b""}


def test_a_machine_whose_counter_jumps_without_end_keeps_no_scan_waiting_and_fills_no_log(
    agent: Agent, server: Server, scanner: PtyScanner, adapter: Adapter
):
    adapter.say(execution="READY", PartCountAct=1)
    agent.ready()
    agent.says("machine m1 is connected")
    lines = b"".join(b"|PartCountAct|%d\n" % (number % 2 * 100_000 + number) for number in range(3000))
    enough = threading.Event()
    flood = threading.Thread(target=lambda: [adapter.raw(lines) for _ in iter(enough.is_set, True)], daemon=True)
    flood.start()
    try:
        agent.says("counting goes on from there")
        enough.wait(3.0)  # whatever piles up has piled up
        began = time.monotonic()
        scanner.scan(TICKET)
        agent.until(lambda: "start" in server.kinds(), "the start")
        assert time.monotonic() - began < 5.0
        assert agent.text().count("counting goes on from there") == 1
    finally:
        enough.set()
        flood.join(10)


def test_a_counter_goes_on_where_it_was_when_the_agent_was_killed(agent: Agent, server: Server, adapter: Adapter):
    adapter.say(execution="ACTIVE", PartCountAct=5)
    agent.ready()
    agent.says("machine m1 is connected")
    agent.until(lambda: does(server, "lathe-1", MachineState.RUNNING), "it to run on the board")
    adapter.say(PartCountAct=7)
    agent.until(lambda: [one["total"] for one in server.events if one["kind"] == "count"] == [2], "two pieces")
    agent.kill()
    adapter.say(PartCountAct=8)
    agent.ready()
    agent.until(lambda: [one["total"] for one in server.events if one["kind"] == "count"] == [2, 3], "the third")
