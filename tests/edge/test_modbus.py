"""Several Modbus units on one line of a real agent: a pty with noise and echo, one unit spoilt, one dead."""

from pathlib import Path

import pytest

from broker.events import MachineState
from gateway.demo.machines.modbus import Line, Unit
from tests.conftest import Mosquitto, until
from tests.edge.shop import Agent, Server
from tests.edge.test_machines import does

pytestmark = pytest.mark.slow

SIGNALS = """
[[machine.signal]]
name = "parts"
address = 40001
[[machine.signal]]
name = "running"
table = "discrete"
address = 10001
"""


def test_three_units_share_a_line_and_the_dead_one_holds_nobody_up(
    tmp_path: Path, mosquitto: Mosquitto, server: Server
):
    one, two, gone = (Unit(n, holding={0: 65_530}, discrete={0: 1}) for n in (1, 2, 3))
    gone.silent = True
    line = Line(one, two, gone, echo=True, noise=b"\xff\x00").start()
    agent = Agent(tmp_path, mosquitto.port)
    places = [*(f'port = "{line.port}"\nunit = {n}' for n in (1, 2, 3)), f'address = "{line.address}"']
    tables = "".join(
        f'[[machine]]\nid = "m{n}"\ndriver = "modbus"\nstation = "press-{n}"\n{place}\n{SIGNALS}'
        for n, place in enumerate(places, start=1)
    )
    agent.settings.write_text(agent.settings.read_text() + tables)
    try:
        agent.ready()
        for station in ("press-1", "press-2", "press-4"):
            agent.until(lambda station=station: does(server, station, MachineState.RUNNING), f"{station} to run")
        agent.says("machine m3 does not answer")
        assert "machine m3: つながりません" in agent.command("status").stdout
        two.spoil = 1
        for shown in (65_535, 3):
            asked = len(two.asked)
            two.holding[0] = shown
            until(lambda asked=asked: sum(pdu[0] == 3 for pdu in two.asked[asked:]) > 1, what="it to be asked")
        agent.until(lambda: "count" in server.kinds(), "its first count")
        two.silent = True
        agent.until(lambda: does(server, "press-2", MachineState.UNKNOWN), "it to be unknown")
        assert does(server, "press-1", MachineState.RUNNING)
        assert agent.status()["malformed"]["m1"] > 0, "the noise is counted"
        assert {pdu[0] for unit in (one, two) for pdu in unit.asked} == {2, 3}, "nothing but reads was ever sent"
    finally:
        agent.kill()
        line.stop()
