"""`mawashi-edge check` asks each machine: there and answering, silent, talking nonsense, away; one sentence each."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from broker.settings import validate
from edge.installer.asking import Asked, ask
from edge.installer.check import _machine
from edge.settings import Edge
from gateway.demo.machines.adapter import Adapter

Says = Callable[[bytes], str]


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
    try:
        assert str(_machine(machine(driver="shdr", address=adapter.address), None)).endswith(": ok")
    finally:
        adapter.stop()


def test_one_that_is_silent_and_one_that_talks_nonsense_are_told_apart(says: Says):
    assert ask(machine(driver="haas", address=says(b"")), 0.6) == Asked("waiting")
    assert ask(machine(driver="counter", address=says(b"\xff\xfe nonsense\n" * 9)), 0.6) == Asked("garbage")


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
