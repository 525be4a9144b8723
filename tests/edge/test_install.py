"""The installer's commands as typed: on a wire with its speed, on a real TCP adapter, on recordings, beside an agent."""

import gzip
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge import raw
from edge.cli import app
from edge.drivers.counter.record import crc8
from edge.raw import Chunk
from edge.tap import Tap
from gateway.demo.machines.adapter import Adapter
from tests.edge.test_raw import AT
from tests.edge.test_sounding import TICKET, records
from tests.machines.uart import Uart


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in (*words, "--settings", "/nowhere/edge.toml")])


@pytest.fixture
def uart(tmp_path: Path) -> Iterator[Uart]:
    made = Uart(tmp_path, 4800, "7E2")
    yield made
    made.close()


@contextmanager
def speaking(device: Uart, data: bytes) -> Iterator[None]:
    """A device that says the same again and again, a little apart."""
    enough = threading.Event()

    def speak() -> None:
        while not enough.wait(0.12):
            device.send(data)

    speaker = threading.Thread(target=speak)
    speaker.start()
    yield
    enough.set()
    speaker.join()


@pytest.mark.slow
def test_listen_finds_the_speed_of_an_unknown_wire_says_why_and_sends_nothing(uart: Uart):
    with speaking(uart, b"DPRNT 4471 20 PARTS 47 CYCLE 125.0\r\n"):
        result = run("listen", uart.port, "--seconds", 4)
    assert result.exit_code == 0, result.output
    assert 'baud = 4800, framing = "7E1"' in result.stdout
    assert "全バイトが偶数パリティ" in result.stdout
    assert "every byte has even parity" in result.stdout
    assert "no text at 9600 8N1: now trying 115200 8N1" in result.stdout
    assert "no speed of its own" not in result.stdout, "it was seen to have one"
    assert "44 50 52 4e 54" not in result.stdout.partition("4800")[0], "at the wrong speed it is garbage"
    assert uart.written() == b""


@pytest.mark.slow
def test_listen_on_a_port_without_a_speed_says_that_any_will_do(uart: Uart):
    uart.baud = 9600
    uart.framing = "8N1"
    with speaking(uart, b"4901234567894\r"):
        said = run("listen", uart.port, "--seconds", 1).stdout
    assert "this port has no speed of its own (USB-COM and the like): any baud reads it" in said
    assert "it is text, but no ticket and no line of a machine we know" in said


def test_listen_for_programs_ends_with_its_verdict(tmp_path: Path):
    recording = tmp_path / "day.txt"
    recording.write_bytes(records(5))
    *chunks, verdict = map(json.loads, run("listen", recording, "--json").stdout.splitlines())
    assert bytes.fromhex("".join(chunk["hex"] for chunk in chunks)) == records(5)
    assert verdict["proposal"]["drivers"]["counter"] == {
        "lines": 5,
        "malformed": 0,
        "readings": ["parts = 101", "parts = 102", "parts = 103"],
    }


@pytest.mark.slow
def test_listen_on_a_silent_line_says_that_nothing_came_and_what_to_do(uart: Uart):
    result = run("listen", uart.port, "--seconds", 0.3)
    assert "nothing was heard. See cable and power" in result.stdout
    assert json.loads(run("listen", uart.port, "--seconds", 0.3, "--json").stdout)["proposal"] is None


@pytest.mark.slow
def test_try_asks_a_live_device_what_its_driver_asks_and_times_it_by_its_clock():
    adapter = Adapter().start()
    try:
        adapter.say(execution="ACTIVE", PartCountAct=5)
        result = run("try", "shdr", "--input", adapter.address, "--seconds", 1, "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["counters"] == {"parts": {"shown": 5, "counted": 0}}
        assert "運転 / Running (ACTIVE)" in result.stderr
        assert adapter.heard == b"* PING\n"
    finally:
        adapter.stop()


def test_try_counts_seconds_by_arrival_where_a_device_has_no_clock(tmp_path: Path):
    settings = tmp_path / "edge.toml"
    settings.write_text(
        'firm = "marui"\nedge = "pi1"\ndata_dir = "data"\n[[machine]]\nid = "press"\ndriver = "counter"\n'
        'station = "press-1"\nport = "/dev/press"\ncycle_seconds = 1.0\n'
    )
    folder = tmp_path / "data/raw/press"
    folder.mkdir(parents=True)
    with (folder / "00000001.raw").open("wb") as stream:
        stream.write(raw.FIRST_LINE)
        for second in range(21):
            line = b"C,%d,%d,%d" % (second + 1, min(second, 10), second * 1000)
            at = AT.fromtimestamp(AT.timestamp() + second, AT.tzinfo)
            stream.write(raw.encode(Chunk(at, line + b"*%02X\r\n" % crc8(line))))
    words = ["try", "counter", "--input", folder, "--machine", "press", "--settings", settings, "--json"]
    made = json.loads(CliRunner().invoke(app, [str(word) for word in words]).stdout)
    assert (made["lines"], made["malformed"], made["count"]) == (21, 0, 10)
    assert made["seconds_state"] == {"running": 13.0, "idle": 6.0}, "it ran, with its last cycle, and then stood"
    unset = json.loads(run("try", "counter", "--input", folder, "--json").stdout)
    assert unset["seconds_state"] == {}, "without a usual cycle a counter tells no state"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["try", "fax", "--input", "x"], "no driver fax: choose"),
        (["try", "shdr", "--input", "."], "is a folder, and no recording of a device"),
        (
            ["try", "shdr", "--input", "/nowhere/day.txt"],
            "is no file, port or address. See the names with: mawashi-edge",
        ),
        (["try", "mqtt", "--input", "127.0.0.1:1883"], "a broker is not heard so: give a recording (mosquitto_sub"),
        (["listen", "nc-7"], "nc-7 はファイルでもポートでもアドレスでもありません"),
        (["listen", "/dev/null", "--framing", "9X9"], "no framing 9X9: choose 8N1"),
    ],
)
def test_what_cannot_be_is_said_with_its_remedy_and_ends_with_2(words: list[str], said: str):
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_capture_of_a_network_is_refused_and_not_counted_as_lines(tmp_path: Path):
    (tmp_path / "x.pcap").write_bytes(bytes.fromhex("d4c3b2a1") + bytes(40))
    result = run("try", "modbus", "--input", tmp_path / "x.pcap")
    assert result.exit_code == 2
    assert "is a capture of a network (pcap), not what a device said: give --input HOST:PORT" in result.stderr
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(b"2020-01-01T00:00:00Z|avail|AVAILABLE"))
    result = run("try", "shdr", "--input", tmp_path / "x.txt.gz")
    assert (result.exit_code, "is packed: unpack it first" in result.stderr) == (2, True)


def test_try_that_hears_nothing_says_what_to_look_at(uart: Uart):
    result = run("try", "counter", "--input", uart.port, "--seconds", 0.3)
    assert result.exit_code == 1
    assert "nothing that could be read arrived. See power and cable" in result.stderr
    result = run("try", "modbus", "--input", uart.port, "--seconds", 0.3)
    assert "Modbus can ask for nothing before its values are named" in result.stderr


def test_a_framing_that_a_port_does_not_take_is_said_by_its_name(uart: Uart):
    result = run("try", "dprnt", "--input", uart.port, "--framing", "7E1", "--seconds", 0.3)
    assert result.exit_code == 1
    assert "this port cannot be set to 9600 7E1: take another adapter (FTDI)" in result.stderr


def test_a_device_that_is_away_ends_with_1_and_says_what_to_look_at():
    result = run("try", "shdr", "--input", "127.0.0.1:1", "--seconds", 1)
    assert result.exit_code == 1
    assert "127.0.0.1:1 cannot be opened, or is gone: see power and cable" in result.stderr


def test_ports_works_before_there_are_any_settings():
    assert isinstance(json.loads(run("ports", "--json").stdout), list)


@pytest.mark.slow
def test_a_running_agents_device_is_listened_to_in_what_the_agent_keeps(tmp_path: Path):
    import sys

    from edge.lock import Lock

    settings, data = tmp_path / "edge.toml", tmp_path / "data"
    settings.write_text(
        'firm = "marui"\nedge = "pi1"\ndata_dir = "data"\n[[scanner]]\nid = "s1"\nport = "/dev/never"\nstations = ["l"]\n'
    )
    data.mkdir()
    tap = Tap(data / raw.FOLDER / "s1", 80_000)
    tap.note(TICKET)
    tap.write()
    command = [sys.executable, "-c", "from edge.cli import main; main()", "listen", "/dev/never", "--json"]
    with (
        Lock(data),
        subprocess.Popen(
            [*command, "--seconds", "8", "--settings", settings], stdout=subprocess.PIPE, text=True
        ) as listening,
    ):
        assert listening.stdout
        assert json.loads(listening.stdout.readline())["text"].startswith("7K3Q9F.20")
        tap.note(b"more\r")
        tap.write()
        began = time.monotonic()
        assert bytes.fromhex(json.loads(listening.stdout.readline())["hex"]) == b"more\r"
        assert time.monotonic() - began < 5
        listening.terminate()
