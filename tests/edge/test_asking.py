"""`mawashi-edge check` asks each machine: there and answering, silent, talking nonsense, away; one sentence each."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from broker.settings import validate
from edge.installer.asking import ask
from edge.installer.check import _machine, sentences
from edge.installer.hearing import Asked
from edge.settings import Edge
from gateway.demo.machines.adapter import Adapter
from gateway.demo.machines.modbus import Line, Unit

Says = Callable[[bytes], str]
SINCE = "2026-03-02T08:00:00+09:00"


def machine(**keys: object):
    whole = {"firm": "f", "edge": "e", "data_dir": ".", "machine": [{"id": "m", "station": "s"} | keys]}
    return validate(Edge, whole, "x").machine[0]


@pytest.fixture
def says() -> Iterator[Says]:
    """A port on which somebody says this once, and then nothing."""
    opened: list[socket.socket] = []

    def begin(data: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve() -> None:
            visitor, _ = server.accept()
            opened.append(visitor)
            visitor.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield begin
    for one in opened:
        one.close()


def test_a_machine_that_answers_is_ok_at_once():
    adapter = Adapter().start()
    adapter.say(execution="ACTIVE", PartCountAct=17)
    try:
        found = str(_machine(machine(driver="shdr", address=adapter.address), None))
        assert "（運転、個数 17）" in found
        assert found.endswith("(Running, 17 pieces): ok")
    finally:
        adapter.stop()


def test_one_that_is_silent_and_one_that_talks_nonsense_are_told_apart(says: Says):
    assert ask(machine(driver="haas", address=says(b"")), 0.6) == Asked("waiting")
    assert ask(machine(driver="counter", address=says(b"\xff\xfe nonsense\n" * 9)), 0.6) == Asked("garbage")


def test_what_is_understood_and_tells_nothing_is_never_ok_and_the_drivers_own_sentence_is_said():
    signal = {"name": "parts", "table": "holding", "address": 40101, "type": "u16"}
    line = Line(Unit(1, holding={0: 1})).start()
    try:
        found = _machine(machine(driver="modbus", address=line.address, signal=[signal]), None)
    finally:
        line.stop()
    assert found.remedy is not None
    assert (
        found.remedy.ja
        == "局番 1：holding 40101：この番地を持っていません。address、addresses、table を確かめてください"
    )
    other = {"readings": {"m": {"state": "unknown", "counters": {}, "note": ""}}}
    running = {"machines": {"m": None}, "devices": {"m": {"state": "heard", "since": SINCE}}} | other
    found = _machine(machine(driver="shdr", address="127.0.0.1:9"), running)
    assert found.remedy is not None
    assert found.remedy.en.startswith("it is understood, but tells neither state nor pieces")


def test_bytes_that_never_end_a_line_are_no_silence(says: Says):
    assert ask(machine(driver="counter", address=says(b"\xe0\xfe" * 20)), 0.6) == Asked("garbage")
    assert ask(machine(driver="dprnt", address=says(b"\x12" + bytes(60))), 0.6) == Asked("waiting")


def test_on_the_network_nothing_is_said_of_speeds_and_of_topics_their_names_are_asked():
    for state in ("garbage", "waiting"):
        running = {"machines": {"m": None}, "devices": {"m": {"state": state, "since": SINCE}}}
        network = _machine(machine(driver="shdr", address="127.0.0.1:9"), running)
        assert network.remedy is not None
        assert "baud" not in str(network)
        serial = _machine(machine(driver="counter", port="/dev/ttyS9"), running)
        assert "baud" in str(serial)
        topics = _machine(machine(driver="mqtt", preset="esp32", name="x"), running)
        assert "mosquitto_sub" in str(topics)


def test_a_port_that_is_not_there_is_said_in_few_words():
    line = _machine(machine(driver="counter", port="/dev/serial/by-id/usb-Gone-if00"), None)
    assert line.remedy is not None
    assert line.remedy.en.startswith("there is no such port. Plug it in and compare port with: mawashi-edge ports")
    assert "Errno" not in str(line)


def test_status_says_what_each_machine_says_now_and_which_lines_could_not_be_read():
    found = {"firm": "f", "edge": "e", "running": True, "waiting": 0, "held": 0, "lost": 0, "outbox_bytes": 0} | {
        "machines": {"m": None, "n": None},
        "devices": {"m": {"state": "heard"}, "n": {"state": "heard"}},
        "malformed": {"m": 3, "n": 0},
        "readings": {
            "m": {"state": "running", "counters": {"parts": 17}},
            "n": {"state": "unknown", "counters": {"parts": 5}},
        },
    }
    said = sentences(found)
    assert "機械 / machine m: 運転、個数 17 / Running, 17 pieces" in said
    assert "機械 / machine m: 読めない行 3 / 3 malformed lines" in said
    assert "機械 / machine n: 不明、個数 5 / Unknown, 5 pieces" in said
    waiting = found | {"devices": {"m": {"state": "waiting"}}, "readings": {}}
    said = sentences(waiting, [machine(driver="dprnt", port="/dev/ttyS9")])
    assert "機械 / machine m: まだ何も言いません / nothing said yet" in said, "it speaks when a cycle ends"


def test_what_speaks_only_when_a_cycle_ends_is_ok_while_it_says_nothing(says: Says):
    line = _machine(machine(driver="dprnt", address=says(b"")), {"machines": {"m": None}, "devices": {}})
    assert line.remedy is None
    silent = _machine(machine(driver="haas", address=says(b"")), None)
    assert silent.remedy is not None
    assert silent.remedy.en.startswith("it connects and does not answer")


def test_what_is_away_is_told_by_the_name_its_settings_have_for_it():
    line = _machine(machine(driver="shdr", address="127.0.0.1:9"), None)
    assert line.remedy is not None
    assert "mend address in [[machine]]" in line.remedy.en
    line = _machine(machine(driver="mqtt", preset="esp32", name="x", port=9), None)
    assert line.remedy is not None
    assert line.remedy.en.startswith("broker: ")
    assert "address" not in line.remedy.en


def test_a_plug_without_running_watts_is_said_to_count_only():
    plug = {"driver": "mqtt", "preset": "tasmota", "name": "press", "port": 9}
    assert "running_watts" in str(_machine(machine(**plug), None))
    assert "running_watts" not in str(_machine(machine(**plug, running_watts=300), None))
