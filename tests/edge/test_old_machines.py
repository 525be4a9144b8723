"""Machines behind serial lines, and a Haas on the network, all on one real agent: the lines that old shops have.

The old Haas is set to 8N1, because a pty, unlike a port, cannot be set to seven bits.
"""

from pathlib import Path

import pytest

from broker.events import MachineState
from broker.messages import StationView
from broker.topics import Kind, Topic
from edge.drivers.counter.record import Record
from edge.drivers.device import Serial
from edge.wire import FAILURES, open_wire
from gateway.demo.machines.dprnt import DprntControl
from gateway.demo.machines.haas import EthernetHaas, SerialHaas
from gateway.demo.machines.line import SerialLine
from tests.conftest import Mosquitto
from tests.drivers.test_haas import WHITELIST
from tests.edge.shop import EDGE, FIRM, Agent, PtyScanner, Server

pytestmark = pytest.mark.slow

TABLES = """
[[machine]]
id = "m1"
driver = "haas"
station = "haas-1"
address = "{haas}"
poll_seconds = 1

[[machine]]
id = "m2"
driver = "haas"
station = "haas-2"
port = "{old_haas}"
framing = "8N1"
poll_seconds = 1

[[machine]]
id = "m3"
driver = "dprnt"
station = "fanuc-1"
port = "{fanuc}"

[[machine]]
id = "m4"
driver = "counter"
station = "press-1"
port = "{counter}"
cycle_seconds = 60
"""


def test_a_port_that_cannot_be_set_as_the_settings_say_is_a_failure_and_not_the_end_of_the_agent(tmp_path: Path):
    line = SerialLine(tmp_path, "usb-if00").plug()

    def hear() -> None:
        """Open and read: which of them fails is the C library's choice."""
        open_wire(Serial(line.port, framing="7E2")).read(0.01)

    with pytest.raises(FAILURES):
        hear()
    line.unplug()


def test_a_haas_of_today_an_old_one_a_fanuc_and_a_counter_are_heard_side_by_side_and_are_sent_questions_alone(
    tmp_path: Path, mosquitto: Mosquitto, server: Server
):
    haas, old_haas = EthernetHaas().start(), SerialHaas(tmp_path).start()
    fanuc, counter = DprntControl(tmp_path).start(), SerialLine(tmp_path, "usb-Arduino-if00").plug()
    agent = Agent(tmp_path, mosquitto.port, PtyScanner(tmp_path))
    tables = TABLES.format(haas=haas.address, old_haas=old_haas.port, fanuc=fanuc.port, counter=counter.port)
    agent.settings.write_text(agent.settings.read_text() + tables)

    def does(station: str, state: MachineState) -> None:
        def shown() -> bool:
            payload = server.seen.get(str(Topic(FIRM, EDGE, Kind.STATION, station)))
            return payload is not None and StationView.decode(payload).machine is state

        agent.until(shown, f"{station} to be {state.value}")

    try:
        haas.runs()
        old_haas.alarms()
        agent.ready()
        for machine in ("m1", "m2", "m3", "m4"):
            agent.says(f"machine {machine} is connected")
        fanuc.begins()
        for count in (5, 6):
            counter.send(Record(count, count, 1000 * count).line())
        does("haas-1", MachineState.RUNNING)
        does("haas-2", MachineState.ALARM)
        does("fanuc-1", MachineState.RUNNING)
        does("press-1", MachineState.RUNNING)
        fanuc.ends()
        fanuc.loses(2)
        fanuc.ends()
        haas.makes(2)
        agent.says("2 records are missing: 3 to 4")
        agent.until(
            lambda: (
                {("haas-1", 2), ("fanuc-1", 1), ("press-1", 1)}
                <= {(one["station"], one["total"]) for one in server.events if one["kind"] == "count"}
            ),
            "what three of them counted",
        )
        fanuc.stop()
        does("fanuc-1", MachineState.UNKNOWN)
        assert counter.heard() == b""
        for control in (haas, old_haas):
            assert {line + b"\n" for line in control.heard.split(b"\n") if line} <= WHITELIST
    finally:
        agent.kill()
        haas.stop()
        old_haas.stop()
        fanuc.stop()
        counter.unplug()
