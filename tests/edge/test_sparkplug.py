"""A machine that speaks Sparkplug B to a real Mosquitto, on a real agent: born, working, lost on the way, dead, born anew."""

from pathlib import Path

import pytest

from broker.events import MachineState
from tests.conftest import Mosquitto
from tests.edge.shop import Agent, Server
from tests.edge.test_machines import does, heard
from tests.machines.sparkplug import Node, Payload

pytestmark = pytest.mark.slow


def test_a_node_is_heard_from_its_birth_to_its_death_and_is_only_ever_asked_to_be_born_again(
    tmp_path: Path, mosquitto: Mosquitto, server: Server
):
    def counted() -> list[int]:
        return [one["total"] for one in server.events if one["kind"] == "count"]

    node = Node(mosquitto.port).start()
    agent = Agent(tmp_path, mosquitto.port)
    table = f"""[[machine]]
id = "m1"
driver = "sparkplug"
station = "cell-1"
group = "shop"
node = "cell-1"
device = "lathe-1"
port = {mosquitto.port}
dwell_seconds = 0
"""
    agent.settings.write_text(agent.settings.read_text() + table)
    try:
        agent.ready()
        agent.says("machine m1 is connected")
        node.run()  # an alias of a birth that nobody here has heard
        agent.until(lambda: node.commands, "it to be asked for its birth")
        agent.until(lambda: does(server, "cell-1", MachineState.RUNNING), "it to run on the board")
        agent.until(lambda: heard(server, "cell-1") == {"m1": "heard"}, "it to be heard")
        node.piece()
        agent.until(lambda: counted() == [1], "its piece")
        node.raw("spBv1.0/shop/DDATA/cell-1/lathe-1", b'{"execution": "READY"}')
        agent.until(lambda: agent.status()["malformed"]["m1"] == 1, "JSON in disguise to be counted")
        node.lose()
        node.idle()
        agent.says("機器のメッセージが失われました")
        assert len(node.commands) == 1, "it was asked within the last minute"
        node.stop()
        agent.until(lambda: does(server, "cell-1", MachineState.UNKNOWN), "it to be unknown once it is dead")
        node.start()
        agent.until(lambda: does(server, "cell-1", MachineState.IDLE), "it to be born anew")
        assert counted() == [1], "the same piece is not made twice"
        names = {one.name for command in node.commands for one in Payload.FromString(command).metrics}
        assert names == {"Node Control/Rebirth"}
    finally:
        agent.kill()
        node.stop()
