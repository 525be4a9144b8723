"""What a demo is made of: its directory, settings, wires and witnesses. Then the whole, as a user runs it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import serial

from broker.clock import FastClock
from broker.events import ClockQuality, Scan, encode
from broker.settings import load
from gateway.demo import tally
from gateway.demo.cluster import Failed, free_port
from gateway.demo.floor import FIRMS
from gateway.demo.place import Broker, Place, Taken
from gateway.demo.process import Process, children, peak_rss_mb
from gateway.demo.result import doubled
from gateway.demo.watch import Board, events
from gateway.demo.wires import Cable, Wire
from gateway.rules.row import Row
from gateway.settings import Gateway
from tests.conftest import Influx, Mosquitto, until

MAWASHI = Path(sys.executable).with_name("mawashi")


class TestItsDirectory:
    def test_it_is_gone_afterwards_and_so_is_what_a_killed_demo_has_left(self, tmp_path: Path) -> None:
        wanted = tmp_path / "demo"
        place = Place.make(wanted)
        (wanted / "something").write_text("left")
        place.lock.close()  # its process is gone
        again = Place.make(wanted)
        assert not (wanted / "something").exists()
        again.remove()
        assert not wanted.exists()

    def test_a_directory_with_something_else_in_it_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "letters.txt").write_text("dear")
        with pytest.raises(Taken, match=r"holds something that is no demo's: give an empty directory, or none$"):
            Place.make(tmp_path)
        assert (tmp_path / "letters.txt").exists()

    def test_a_directory_in_which_a_demo_runs_is_left_alone(self, tmp_path: Path) -> None:
        place = Place.make(tmp_path / "demo")
        with pytest.raises(Taken, match=r"a demo runs in .*: stop it first, or give another directory$"):
            Place.make(tmp_path / "demo")
        place.remove()

    def test_the_settings_it_writes_are_settings(self, tmp_path: Path) -> None:
        place = Place.make(tmp_path / 'デモ "1"')
        broker = Broker(1884, "3.1.1", place.write_passwords(FIRMS))
        gateway = load(Gateway, place.write_gateway(FIRMS, broker, web_port=8471, influx="http://127.0.0.1:8086"))
        assert [firm.id for firm in gateway.firms] == ["turning", "grinding", "plating", "inspection"]
        assert gateway.influx
        assert gateway.influx.database_prefix == "mawashi_demo_", "never the databases of a real cluster"
        assert gateway.mqtt.password() == broker.passwords["gateway"]
        edge = tomllib.loads(
            place.write_edge(FIRMS[0], broker, {f"s{n}": f"/dev/pts/{n}" for n in range(1, 5)}).read_text()
        )
        assert edge["mqtt"]["username"] == "turning"
        assert edge["scanner"][0]["stations"] == ["nc-1", "nc-2", "nc-3"], "one man, three machines"
        assert oct((place.path).stat().st_mode)[-3:] == "700", "passwords lie in it"
        place.remove()


class TestItsWires:
    def test_a_virtual_serial_port_carries_scans_and_sounds(self) -> None:
        wire = Wire()
        with serial.Serial(wire.path, timeout=2) as port:
            wire.write(b"7K3Q9F.20-R\r")
            assert port.read_until(b"\r") == b"7K3Q9F.20-R\r"
            port.write(b"\x1b6")
            assert until(wire.read) == b"\x1b6"
        wire.write(b"nobody reads this\r")
        assert wire.read() == b""
        with serial.Serial(wire.path, timeout=2) as port:
            wire.write(b"again\r")
            assert port.read_until(b"again\r").endswith(b"again\r")
        wire.close()

    def test_a_pulled_cable_cuts_what_is_open_and_lets_nothing_through_until_it_is_back(
        self, mosquitto: Mosquitto
    ) -> None:
        from broker.settings import Mqtt
        from tests.broker.ears import Ear

        cable = Cable(mosquitto.port)
        with Ear(Mqtt(port=cable.port, reconnect_seconds_max=0.1), "far", "a/+") as far:
            far.say("a/1", b"there")
            far.wait_for(b"there")
            cable.pull()
            until(lambda: not far.link.connected, what="the connection to end")
            until(lambda: len(far.reasons) > 2, what="new tries to fail")
            cable.put_back()
            until(lambda: far.link.connected, what="it to come back")
            far.say("a/1", b"and back")
        cable.close()


class TestItsProcesses:
    def test_a_process_ends_with_the_demo_even_if_that_is_killed(self, tmp_path: Path) -> None:
        script = (
            "import sys,time\nfrom pathlib import Path\nfrom gateway.demo.process import Process\n"
            f"p=Process('sleeper',['sleep','60'],log=Path({str(tmp_path / 'log')!r}),environment={{}})\n"
            "p.start(); print(p.pid, flush=True); time.sleep(60)\n"
        )
        demo = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert demo.stdout
        sleeper = int(demo.stdout.readline())
        assert Path(f"/proc/{sleeper}").exists()
        demo.kill()
        demo.wait()
        until(lambda: not _runs(sleeper), what="the process to end with its parent")

    def test_it_says_what_it_logged_and_how_much_memory_it_took(self, tmp_path: Path) -> None:
        process = Process(
            "talker", ["sh", "-c", "echo one; echo two >&2; sleep 60"], log=tmp_path / "log", environment={}
        )
        process.start()
        until(lambda: process.log_tail() == "one\ntwo", what="its two lines")
        assert peak_rss_mb(process.pid) > 0.1
        assert process.ended is None
        process.kill()
        assert process.ended == -signal.SIGKILL
        assert peak_rss_mb(process.pid) == 0.0
        assert children(process.pid) == {}

    def test_a_taken_port_is_said(self, mosquitto: Mosquitto) -> None:
        with pytest.raises(Failed, match=rf"^port {mosquitto.port} is taken: give another one with --port$"):
            free_port(mosquitto.port)


class TestItsTally:
    def test_accepted_events_are_counted_by_key_from_the_outbox(self, tmp_path: Path) -> None:
        path = tmp_path / "outbox.sqlite"
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE epoch (ordinal, epoch, lowest, last, upto, missing, lost, seal)")
            db.execute(
                "INSERT INTO epoch VALUES (1, 'aa', 1, 3, 3, '[]', '[]', NULL), (2, 'bb', 1, 2, 2, '[[1,1]]', '[]', NULL)"
            )
        epochs = tally.outbox(path, "turning", "pi-1")
        assert [epoch.safe for epoch in epochs] == [True, False]
        assert tally.keys(epochs) == {("turning/pi-1", "aa", n) for n in (1, 2, 3)} | {
            ("turning/pi-1", "bb", n) for n in (1, 2)
        }
        assert tally.outbox(tmp_path / "none.sqlite", "turning", "pi-1") == []

    def test_a_delay_runs_from_the_last_scan_of_that_ticket_before_the_event(self) -> None:
        clock = FastClock(datetime(2026, 11, 12, tzinfo=UTC), 10**9, 100.0)
        board = Board(0)
        board.shown["k1"] += [(3, 1_450_000_000), (9, 1_900_000_000)]
        rows = [
            self._row(clock, 1.3, position=3),
            self._row(clock, 1.6, position=4),
            self._row(clock, 1.7, position=10),
        ]
        commits = [(row, int(at * 1e9)) for row, at in zip(rows, (1.4, 1.65, 1.8), strict=True)]
        scanned = {("turning", "7K3Q9F"): [1_250_000_000, 1_500_000_000, 1_690_000_000]}
        given = {"scanned": scanned, "orders": {"7K3Q9F": "k1"}, "clock": clock}
        delays = tally.delays(commits, board, offline={}, **given)  # type: ignore[arg-type]
        assert delays.commit_ms == pytest.approx([150, 150, 110])
        assert delays.board_ms == pytest.approx([200, 400]), "the third was never shown"
        offline = {"turning/pi-1": [(1_450_000_000, 1_660_000_000)]}
        assert tally.delays(commits, board, offline=offline, **given).held_offline == 1  # type: ignore[arg-type]

    def _row(self, clock: FastClock, at_seconds: float, *, position: int) -> Row:
        at = clock.start + timedelta(seconds=(at_seconds - 1.0) * clock.speed)
        stamp = {"at": at, "mono_ms": 1, "boot": "0", "clock": ClockQuality.SYNCED}
        body = encode(Scan(text="x", why="already_started", ticket="7K3Q9F", **stamp))  # type: ignore[arg-type]
        return Row(position, "turning/pi-1", "00" * 8, position, body, at, at, 1, "0", ClockQuality.SYNCED)

    def test_the_same_scan_under_two_keys_is_doubled_and_another_of_the_same_text_is_not(self) -> None:
        clock = FastClock(datetime(2026, 11, 12, tzinfo=UTC), 10**9, 100.0)
        once, again = (self._row(clock, 1.3, position=n) for n in (1, 2))
        later = self._row(clock, 1.4, position=3)
        assert doubled([once, later]) == 0
        assert doubled([once, later, again]) == 1
        assert doubled([once, replace(again, author="grinding/pi-1")]) == 0

    def test_a_live_stream_is_read_as_a_browser_reads_it(self) -> None:
        stream = BytesIO(
            b': ping\r\n\r\nid: 7\r\nevent: order\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: pulse\ndata: x\n\n'
        )
        assert list(events(stream)) == [("order", '{"a":1}', "7"), ("pulse", "x", "")]


@pytest.fixture
def own_directory(tmp_path: Path) -> Iterator[Path]:
    """Where a demo may work; afterwards nothing of it runs and nothing of it is left."""
    directory = tmp_path / "demo"
    yield directory
    assert not directory.exists()
    assert not [pid for pid in _processes() if str(directory) in pid]


@pytest.mark.slow
class TestTheWhole:
    @pytest.mark.timeout(180)
    def test_with_appender_projector_broker_and_an_edge_killed_nothing_is_missing(self, own_directory: Path) -> None:
        result = _demo("--seconds", "12", "--kill", "--dir", str(own_directory))
        assert result["missing"] == result["doubled"] == result["set_aside"] == 0
        assert result["accepted"] == result["committed"] > 200
        assert result["killed"] == ["appender", "projector", "broker", "edge grinding"]
        assert result["audit"]["ok"] is True, result["audit"]
        assert result["audit"]["committed"] >= result["audit"]["announced"] > 0
        assert result["held_offline"] > 0
        assert result["operations_done"] > 0
        assert result["drained"]
        machines = result["machines"]
        assert len(machines["devices"]) == 7
        assert machines["every_kind"]["edge"] == "turning/pi-1"
        assert {"scanner", "haas", "modbus", "mqtt", "mtconnect", "shdr"} <= set(machines["every_kind"]["heard"])
        assert machines["ran"] >= 3, "not every station has work in 12 seconds"
        assert machines["pieces"] > 0
        assert machines["malformed"] > 0, "one sent garbage"
        assert machines["board_seconds"].keys() == {"unplugged", "plugged in", "garbage", "readable"}
        assert machines["board_seconds"]["unplugged"] is not None
        assert machines["board_seconds"]["garbage"] is not None
        assert {"appender", "projector", "web", "broker", "edge turning", "edge plating"} <= result["rss_mb"].keys()
        measured = ("scan_to_answer_ms", "scan_to_commit_ms", "scan_to_board_ms")
        assert all(result[name][rank] for name in measured for rank in ("p50", "p99"))

    @pytest.mark.timeout(180)
    def test_on_real_servers_influxdb_has_every_fact_that_is_not_void(
        self, own_directory: Path, mosquitto: Mosquitto, own_influx: Influx
    ) -> None:
        result = _demo(
            *("--seconds", "5", "--dir", str(own_directory)),
            *("--broker", f"127.0.0.1:{mosquitto.port}", "--influx", own_influx.url),
        )
        assert result["missing"] == 0
        assert result["influx"] == {"points": result["facts"], "facts": result["facts"], "differences": 0}
        assert "broker" not in result["rss_mb"], "it is not ours"

    def test_ctrl_c_ends_it_and_leaves_nothing(self, own_directory: Path) -> None:
        demo = subprocess.Popen([MAWASHI, "demo", "--dir", str(own_directory)], stdout=subprocess.PIPE, text=True)
        assert demo.stdout
        address = demo.stdout.readline()
        assert address.startswith("http://127.0.0.1:"), address
        asked = [MAWASHI, "audit", "--json", "--settings", str(own_directory / "gateway.toml")]
        audit = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        assert json.loads(audit.stdout)["ledger"], audit.stderr
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (
                ["--broker", "broker.example.jp:8883"],
                "'broker.example.jp:8883' is no broker of this machine: give --broker 127.0.0.1:1883\n",
            ),
            (["--dir", "/etc"], "/etc holds something that is no demo's: give an empty directory, or none\n"),
        ],
    )
    def test_what_cannot_be_is_said_in_a_sentence(self, arguments: list[str], sentence: str) -> None:
        ended = subprocess.run([MAWASHI, "demo", *arguments], capture_output=True, text=True, timeout=30, check=False)
        assert (ended.returncode, ended.stderr) == (2, sentence)


def _demo(*arguments: str) -> dict:  # type: ignore[type-arg]
    ended = subprocess.run(
        [MAWASHI, "demo", "--json", *arguments], capture_output=True, text=True, timeout=170, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 1, "one object and nothing else"
    return dict(json.loads(ended.stdout))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _processes() -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found
