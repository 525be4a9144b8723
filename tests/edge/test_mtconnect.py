"""Two machines of one MTConnect agent on a real agent of ours: real HTTP, asked and streamed, through its restarts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.events import MachineState
from gateway.demo.machines import mtconnect
from tests.conftest import Mosquitto
from tests.edge.shop import Agent, Server
from tests.edge.test_machines import does

pytestmark = pytest.mark.slow


@pytest.fixture
def machines() -> Iterator[mtconnect.Agent]:
    machines = mtconnect.Agent(machines={"VMC-1": mtconnect.USUAL, "VMC-2": mtconnect.USUAL}, buffer=100).start()
    yield machines
    machines.stop()


@pytest.fixture
def agent(tmp_path: Path, mosquitto: Mosquitto, machines: mtconnect.Agent) -> Iterator[Agent]:
    agent = Agent(tmp_path, mosquitto.port)
    tables = "".join(
        f'[[machine]]\nid = "m{n}"\ndriver = "mtconnect"\nstation = "mill-{n}"\naddress = "{machines.address}"\n'
        f'device = "VMC-{n}"\nmode = "{mode}"\ninterval_seconds = 0.5\ndwell_seconds = 0\n'
        for n, mode in enumerate(("poll", "stream"), start=1)
    )
    agent.settings.write_text(agent.settings.read_text() + tables)
    yield agent
    agent.kill()


def test_machines_of_an_agent_reach_the_board_and_what_is_lost_is_named_and_not_counted(
    agent: Agent, server: Server, machines: mtconnect.Agent
):
    def both(state: MachineState) -> bool:
        return does(server, "mill-1", state) and does(server, "mill-2", state)

    def counted(station: str) -> list[int]:
        return [one["total"] for one in server.events if one["kind"] == "count" and one["station"] == station]

    for name in machines.machines:
        machines.say(name, avail="AVAILABLE", execution="READY", mode="AUTOMATIC", PartCountAct=40)
    agent.ready()
    agent.until(lambda: both(MachineState.IDLE), "both to stand still on the board")
    for name in machines.machines:
        machines.say(name, execution="ACTIVE", PartCountAct=42)
    agent.until(lambda: both(MachineState.RUNNING), "both to run on the board")
    agent.until(lambda: counted("mill-1") == counted("mill-2") == [2], "two pieces of each")
    machines.restart()
    agent.until(lambda: both(MachineState.UNKNOWN), "nothing to be known of an agent that has just begun")
    for name in machines.machines:
        machines.say(name, execution="ACTIVE", mode="AUTOMATIC", PartCountAct=42)
    agent.until(lambda: both(MachineState.RUNNING), "both to run again")
    agent.says("the agent was started anew", times=2)
    machines.stop()
    agent.until(lambda: both(MachineState.UNKNOWN), "both to be unknown, not running")
    assert counted("mill-1") == counted("mill-2") == [2], "the same 42 pieces are not made twice"
    assert {line.split("?")[0] for line in machines.asked} == {
        *(f"GET /VMC-{n}/current HTTP/1.1" for n in (1, 2)),
        *(f"GET /VMC-{n}/sample" for n in (1, 2)),
    }
