"""Devices that publish, on a real Mosquitto: the line to them, and one board on a real agent."""

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from broker.events import MachineState
from broker.messages import StationView
from broker.settings import Connection
from broker.topics import Kind, Topic
from edge.drivers.device import Topics
from edge.drivers.messages import Message, publish
from edge.wire import FAILURES, Wire, open_wire
from gateway.demo.machines.esp32 import Esp32
from tests.broker.test_mosquitto import Authority
from tests.conftest import ROOT, Mosquitto, until
from tests.edge.shop import EDGE, FINISH, FIRM, START, TICKET, Agent, PtyScanner, Server

pytestmark = pytest.mark.slow

Publish = Callable[..., None]


@pytest.fixture
def send(mosquitto: Mosquitto) -> Iterator[Publish]:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    yield lambda topic, payload, **how: client.publish(topic, payload, qos=1, **how).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def opened(mosquitto: Mosquitto, *filters: str, version: str = "5") -> Wire:
    return open_wire(Topics(Connection(port=mosquitto.port, version=version), filters))


def heard(wire: Wire, lines: int) -> list[bytes]:
    found = bytearray()

    def enough() -> bool:
        found.extend(wire.read(0.05))
        return found.count(b"\n") >= lines

    until(enough, what=f"{lines} messages")
    return bytes(found).splitlines()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_come_as_the_lines_that_mosquitto_sub_prints(mosquitto: Mosquitto, send: Publish, version: str):
    send("a/old", b"before", retain=True)
    wire = opened(mosquitto, "a/#", "b/+/c", version=version)
    theirs = subprocess.Popen(
        ["mosquitto_sub", "-p", str(mosquitto.port), "-t", "a/#", "-t", "b/+/c", "-F", "%r %x %t", "-C", "5"],
        stdout=subprocess.PIPE,
    )
    assert theirs.stdout
    first = theirs.stdout.readline()
    for topic, payload in (
        ("a/x", b"{}"),
        ("b/1/c", bytes(range(256))),
        ("c", b"not asked for"),
        ("a/y z", "木".encode()),
        ("a", b""),
    ):
        send(topic, payload)
    assert heard(wire, 5) == [first.rstrip(), *theirs.stdout.read().splitlines()]
    assert first == Message("a/old", b"before", retained=True).line
    theirs.wait(10)
    assert wire.read(0.05) == b""
    wire.close()


def test_what_is_too_large_is_counted_and_hides_nothing_that_follows(mosquitto: Mosquitto, send: Publish):
    wire = opened(mosquitto, "a/#")
    for payload in (b"x" * 70_000, b"y" * 2_000_000, b"small"):
        send("a/b", payload)
    assert heard(wire, 2) == [b"0 too-long-70000 a/b", b"0 736d616c6c a/b"]
    wire.close()


def test_what_an_old_broker_sends_too_large_is_never_read_and_said(
    mosquitto: Mosquitto, send: Publish, capfd: pytest.CaptureFixture[str]
):
    wire = opened(mosquitto, "a/#", version="3.1.1")
    send("a/b", b"y" * 2_000_000)
    with pytest.raises(FAILURES, match="2000007 bytes, which is too large"):
        heard(wire, 1)
    wire.close()
    del wire
    gc.collect()  # what the library never told anybody it would print now
    assert capfd.readouterr().err == ""


def test_who_publishes_without_end_fills_no_memory_and_what_was_dropped_is_said(mosquitto: Mosquitto, send: Publish):
    wire = opened(mosquitto, "a")
    for _ in range(60):
        send("a", b"x" * 60_000)
    lines = heard(wire, 1)
    until(
        lambda: lines.extend(wire.read(0.05).splitlines()) or any(b"dropped-" in one for one in lines), what="the drops"
    )
    assert len(lines) < 60
    wire.close()


def test_a_driver_publishes_by_a_line_and_its_broker_going_away_is_a_failure(mosquitto: Mosquitto):
    wire, other = opened(mosquitto, "a"), opened(mosquitto, "b c")
    wire.write(publish("b c", b"\x00\xff"))
    assert heard(other, 1) == [b"0 00ff b c"]
    mosquitto.stop()
    for one in (wire, other):
        with pytest.raises(FAILURES):
            until(lambda one=one: one.read(0.05), what="the failure")
        one.close()
        one.close()
    with pytest.raises(FAILURES, match="refused"):
        opened(mosquitto, "a")


def test_a_password_over_tls_is_asked_for_and_a_wrong_one_is_refused_in_words(tmp_path: Path):
    server = Authority(tmp_path / "ca").issue("localhost", alternative="DNS:localhost")
    passwords, password = tmp_path / "passwords", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "mawashi", "right"], check=True, capture_output=True)
    broker = Mosquitto(
        tmp_path,
        f"allow_anonymous false\npassword_file {passwords}\n"
        f"cafile {server.ca_file}\ncertfile {server.cert_file}\nkeyfile {server.key_file}",
    )
    broker.start()
    settings = {"host": "localhost", "port": broker.port, "username": "mawashi", "password_file": password}
    tls = {"tls": {"ca_file": server.ca_file}}
    try:
        password.write_text("right\n")
        open_wire(Topics(Connection(**settings | tls), ("a",))).close()
        password.write_text("wrong\n")
        with pytest.raises(FAILURES, match=r"ot authori[sz]ed|Bad user name"):
            open_wire(Topics(Connection(**settings | tls), ("a",)))
    finally:
        broker.kill()


# -- on a real agent ---------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(tmp_path: Path, mosquitto: Mosquitto, scanner: PtyScanner) -> Iterator[Agent]:
    agent = Agent(tmp_path, mosquitto.port, scanner)
    machine = (
        '[[machine]]\nid = "saw"\ndriver = "mqtt"\nstation = "lathe-1"\npreset = "esp32"\nname = "saw-2"\n'
        f"dwell_seconds = 0.2\nport = {mosquitto.port}\n"
    )
    agent.settings.write_text(agent.settings.read_text() + machine)
    yield agent
    agent.kill()


@pytest.fixture
def board(mosquitto: Mosquitto) -> Iterator[Esp32]:
    board = Esp32(mosquitto.port).start()
    yield board
    board.stop()


def test_an_esp32_beside_a_machine_meets_the_job_and_is_unknown_when_its_plug_is_pulled(
    agent: Agent, server: Server, scanner: PtyScanner, board: Esp32
):
    def does(state: MachineState) -> bool:
        payload = server.seen.get(str(Topic(FIRM, EDGE, Kind.STATION, "lathe-1")))
        return payload is not None and StationView.decode(payload).machine is state

    board.piece(100)
    agent.ready()
    agent.until(lambda: does(MachineState.IDLE), "the retained state of a board that is there")
    scanner.scan(TICKET)
    agent.until(lambda: "start" in server.kinds(), "the start")
    board.run()
    board.piece(4)
    agent.until(lambda: does(MachineState.RUNNING), "it to run on the board")
    scanner.scan(FINISH, TICKET)
    agent.says("| 機械は4個 / machine counted 4")
    board.stop()
    agent.until(lambda: does(MachineState.UNKNOWN), "it to be unknown, by the will of its connection")


def test_an_agent_without_such_a_device_never_loads_what_they_need():
    code = (
        "import sys, edge.agent, edge.machine, edge.drivers.table as table\n"
        "[table.usual(name) for name in table.DRIVERS if name != 'modbus']\n"
        "print({'aiomqtt', 'asyncio'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_what_an_esp32_scans_is_recorded_and_answered_as_a_serial_scanners_scan(
    agent: Agent, server: Server, board: Esp32, send: Publish, tmp_path: Path
):
    (tmp_path / "lamp").mkdir()
    lamp = PtyScanner(tmp_path / "lamp")

    def work() -> list[tuple[str, str]]:
        return [(one["action"], one["station"]) for one in server.events if one["kind"] == "work"]

    table = (
        '[[scanner]]\nid = "bench"\ndriver = "mqtt"\nstations = ["lathe-9"]\ntopic = "scanners/bench"\npath = "code"\n'
    )
    lit = f'[[lamp]]\nid = "lamp"\nbeside = "bench"\nport = "{lamp.port}"\n'
    lit += 'commands = { ok = "01", warning = "02", error = "03", off = "00" }\n'
    agent.settings.write_text(f"{agent.settings.read_text()}{table}port = {server.port}\n{lit}")
    send("scanners/bench", json.dumps({"code": TICKET}), retain=True)
    agent.ready()
    agent.says("scanner bench is read")
    agent.says("machine saw is connected")
    send("scanners/bench", json.dumps({"code": START}))
    send("scanners/bench", json.dumps({"code": TICKET}))
    agent.until(lambda: work() == [("start", "lathe-9")], "the start, and none by the retained code, which is no scan")
    until(lambda: b"\x01" in lamp.heard(), what="the lamp beside the bench to show it")
    for code in (TICKET, FINISH, TICKET):
        send(f"machines/{board.name}/scan", code)
    expected = [("start", "lathe-9"), ("start", "lathe-1"), ("finish", "lathe-1")]
    agent.until(lambda: work() == expected, "what the board beside a machine scans, at its station")
    agent.says("[finish] 完了")
