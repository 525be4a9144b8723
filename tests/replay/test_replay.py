"""A history goes through edge, Mosquitto, ledger, rules and InfluxDB, and comes out as it was written."""

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.clock import clock
from broker.events import Action, Quality, Quantity, Work, encode
from broker.settings import validate
from gateway.api import Api
from gateway.ledger import Ledger, StoreError
from gateway.replay.command import Wanted, run
from gateway.replay.issued import FILE, Book
from gateway.replay.undo import run as take_back
from gateway.rules.account import operation_account
from gateway.rules.order import Cause, State
from gateway.settings import Gateway
from tests.conftest import Influx, until
from tests.orders.server import Server, running

pytestmark = pytest.mark.slow

MAPPING = """
firm = "past-works"
encoding = "cp932"
time_zone = "Asia/Tokyo"
timestamp = "%Y/%m/%d %H:%M"
[columns]
order = "製番"
operation = "工程"
resource = "設備"
start = "着手"
end = "完了"
good = "良品"
scrap = "不良"
hold = "保留"
[[drop]]
column = "工程"
values = ["開始"]
"""


def synthetic(orders: int = 30) -> str:
    """A shop's weeks by a seed: returns, overlaps, identical rows, rows of no length, nights, scrap and hold."""
    dice = random.Random(4471)
    lines = ["製番,工程,設備,着手,完了,良品,不良,保留"]
    monday = datetime(2026, 1, 5, 8, tzinfo=UTC)
    for order in range(orders):
        at = monday + timedelta(hours=dice.randrange(200))
        lines.append(f"A-{order},開始,開始,x,x,x,x,x")
        for step in ("旋削", "研削", "旋削", "検査", *dice.choices(("旋削", "検査", "手直し"), k=2)):
            machine = dice.choice(("NC 1", "NC-1", "研削盤"))
            for _ in range(dice.choice((1, 1, 1, 2))):
                end = at + timedelta(minutes=dice.choice((0, 1, 2, 45, 90, 600, 1500)))
                pieces = f"{dice.randrange(30)},{dice.choice((0, 0, 2))},{dice.choice((0, 0, 0, 3))}"
                line = f"A-{order},{step},{machine},{at:%Y/%m/%d %H:%M},{end:%Y/%m/%d %H:%M},{pieces}"
                lines += [line] * dice.choice((1, 1, 1, 2))
            at += timedelta(minutes=dice.choice((0, 30, 60)))
    return "\r\n".join(lines) + "\r\n"


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, Path]:
    past, mapping = tmp_path / "past.csv", tmp_path / "past.toml"
    past.write_text(synthetic(), encoding="cp932", newline="")
    mapping.write_text(MAPPING, encoding="utf-8")
    return past, mapping


@pytest.fixture
def prefix() -> str:
    """Databases of this test's own."""
    return f"replayed_{secrets.token_hex(4)}_"


@pytest.fixture
def server(mosquitto, influx: Influx, prefix: str) -> Iterator[Server]:
    with running(mosquitto.port, influx=f'[influx]\nurl = "{influx.url}"\ndatabase_prefix = "{prefix}"') as started:
        yield started


def replayed(server: Server, past: Path, mapping: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    return server.mawashi("replay", str(past), "--map", str(mapping), "--yes", *flags)


def rows_in(server: Server) -> int:
    with contextlib.suppress(StoreError), Ledger.open(server.settings.ledger_url) as ledger:
        return ledger.last_position()
    return 0


def test_a_history_cut_off_in_the_middle_goes_on_and_comes_out_as_it_was_written(server, history, influx, prefix):
    program = Path(sys.executable).with_name("mawashi")
    with (server.folder / "first").open("wb") as log:
        first = subprocess.Popen(
            [
                program,
                "replay",
                *map(str, (history[0], "--yes", "--map", history[1], "--settings", server.settings_path)),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until(lambda: rows_in(server) > 100, seconds=30, what="a hundred rows in the ledger")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)

    done = replayed(server, *history, "--verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["orders"], said["differences"], said["odd"], said["influx"]) == (30, 0, 0, True)
    assert said["rows"] > 200

    again = replayed(server, *history, "--verify")
    assert again.returncode == 0
    assert "Everything was played before" in again.stdout
    assert "differences: 0" in again.stdout

    policies = influx.query(f"{prefix}past-works", f'SHOW RETENTION POLICIES ON "{prefix}past-works"')
    assert [policy["duration"] for policy in policies if policy["default"]] == ["0s"]


def test_one_piece_more_than_the_file_says_is_a_difference_and_status_1(server, history):
    history[0].write_text(synthetic(3), encoding="cp932", newline="")
    played = replayed(server, *history, "--json")
    assert (played.returncode, json.loads(played.stdout)["differences"]) == (0, None), "nothing was compared"
    book = Book.model_validate_json((server.settings.data_dir / "replay" / "past" / FILE).read_bytes())
    now = clock().read()
    told = Work(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        action=Action.REPORT,
        ticket=book.cases["A-0"].ticket,
        operation=10,
        station="nc-1",
        good=Quantity(n=1, q=Quality.COUNTED),
        firm="past-works",
        told_by="by telephone",
    )
    Api.connect(server.settings.socket).append([encode(told)])
    done = replayed(server, *history, "--verify")
    assert done.returncode == 1
    assert "differences: 0" not in done.stdout
    assert "A-0 工程 10: good: ファイル / file " in done.stderr
    assert "InfluxDB operation" in done.stderr

    history[0].write_text(synthetic(2), encoding="cp932", newline="")
    other = replayed(server, *history)
    assert other.returncode == 1
    assert "Another history was played in" in other.stderr


def test_what_cannot_be_played_is_refused_with_status_2_before_anything_is_asked(history, tmp_path, capsys):
    nowhere = validate(Gateway, {"data_dir": tmp_path / "none"}, "gateway.toml")
    past, mapping = history

    def played(file: Path = past, *, yes: bool = True) -> int:
        return run(nowhere, Wanted(file, mapping, yes=yes, json=True))

    assert played(tmp_path / "no.csv") == 2
    mapping.write_text(MAPPING.replace("past-works", "gateway"))
    assert played() == 2
    mapping.write_text(MAPPING.replace("cp932", "utf-8"))
    assert played() == 2
    mapping.write_text(MAPPING)
    assert played(yes=False) == 1
    assert played() == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "no.csv を読めません" in said[0]["refused"]
    assert "gateway is reserved" in said[1]["refused"]
    assert "it is not utf-8" in said[2]["refused"]
    assert (said[3]["would"]["orders"], said[3]["would"]["left_out"]) == (30, {"dropped": 30})
    assert "mawashi gateway を起動してください" in said[4]["refused"]
    assert not (tmp_path / "none").exists()


def facts_in_force(server: Server, firm: str) -> int:
    """What InfluxDB is told of the firm's work; how its terminals stand is another matter."""
    with server.caught_up() as state:
        points = state.points(0, 1_000_000)
    return sum(not point.void for point in points if point.firm == firm and point.measurement != "edge")


def test_a_replay_is_proposed_shown_put_in_after_a_yes_and_taken_back_without_a_trace(server, tmp_path, capsys):
    past, kept = tmp_path / "Past.csv", tmp_path / "Past.replay.toml"
    past.write_text(synthetic(6), encoding="cp932", newline="")
    firm = {"firm": "turning"}

    def played(**wanted: object) -> tuple[int, str]:
        status = run(server.settings, Wanted(past, **wanted))
        return status, "".join(capsys.readouterr())

    def undone(name: Path | None = None, *, yes: bool = True, json: bool = False) -> tuple[int, str]:
        status = take_back(server.settings, name, None, yes=yes, json=json)
        return status, "".join(capsys.readouterr())

    status, said = played()
    assert (status, "--set firm=" in said) == (2, True)
    status, said = played(answers=firm, dry_run=True)
    assert (status, kept.exists()) == (0, False)
    assert "工程「旋削」を" in said
    assert "Nothing was put in" in said
    status, said = played(answers=firm)
    assert (status, "--yes" in said) == (1, True)
    assert 'order = "製番"' in kept.read_text(encoding="utf-8")
    assert rows_in(server) == 0

    status, said = played(yes=True, compare=True, json=True)
    told = json.loads(said)
    assert (status, told["orders"], told["differences"], told["odd"], told["name"]) == (0, 6, 0, 0, "past")
    with server.caught_up() as state:
        assert len(state.orders()) == 6
        assert state.stations() == [], "a history's machines are not today's"
    assert facts_in_force(server, "turning") > 0

    status, said = undone(yes=False)
    assert (status, "To do it, add --yes" in said) == (1, True)
    recorded = rows_in(server)
    status, said = undone(Path("past"), json=True)
    assert status == 0, said
    told = json.loads(said)["undone"]
    assert (told["name"], told["firm"], told["orders"], told["others"]) == ("past", "turning", 6, 0)
    assert 0 < told["records"] <= recorded, "what the history's own edge corrected is void already"
    with server.caught_up() as state:
        assert state.orders() == []
        assert state.find("A-1") == []
        assert [seen for seen in state.seen(0, 10_000) if seen.payload] == []
    assert facts_in_force(server, "turning") == 0
    assert rows_in(server) == recorded + told["records"], "nothing was deleted"
    assert "There is no replay to take back" in undone()[1]

    status, said = played(yes=True, compare=True, json=True)
    assert (status, json.loads(said)["differences"]) == (0, 0), "and the same file may be played again"


PAUSED = (
    "日時,製番,工程,機械名,区分,良品,不良\r\n"
    "2026/02/02 08:00,A-1,旋削,旋盤1,着手,,\r\n"
    "2026/02/02 09:00,A-1,旋削,旋盤1,一時停止,4,1\r\n"
    "2026/02/02 13:00,A-1,旋削,旋盤1,再開,,\r\n"
    "2026/02/02 15:00,A-1,旋削,旋盤1,完了,6,\r\n"
    "2026/02/02 16:00,A-1,検査,検査台,着手,,\r\n"
    "2026/02/02 17:00,A-1,検査,検査台,完了,3,\r\n"
    "2026/02/03 08:00,A-2,旋削,旋盤2,着手,,\r\n"
    "2026/02/03 09:00,A-2,旋削,旋盤2,一時停止,,\r\n"
    "2026/02/03 10:00,A-2,旋削,旋盤1,再開,,\r\n"
    "2026/02/03 11:00,A-2,旋削,旋盤1,一時停止,2,\r\n"
)


def test_the_time_between_a_pause_and_its_resume_is_paused_on_the_order_and_taken_back_with_it(server, tmp_path):
    past = tmp_path / "events.csv"
    past.write_text(PAUSED, encoding="cp932", newline="")
    done = server.mawashi("replay", str(past), "--set", "firm=turning", "--yes", "--verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["differences"], told["odd"], told["influx"]) == (4, 0, 0, True)
    with server.caught_up() as state:
        orders = {kept.state.own_number: kept.state for kept in state.orders()}
    first, second = orders["A-1"], orders["A-2"]
    spent = operation_account(first.operations[0], first.operations[0].sessions[0].opened_at + timedelta(days=1))
    assert (spent[Cause.PAUSED], spent[Cause.RUN], spent[Cause.QUEUE]) == (4 * 3600, 3 * 3600, 0)
    assert first.delivered_at
    assert [one.state for one in second.operations] == [State.PAUSED], "it was never resumed"
    assert [first.flags, second.flags] == [(), ()], "a quantity that nobody stated is never short"

    back = server.mawashi("replay", "--undo", "--yes", "--json")
    assert back.returncode == 0, back.stdout + back.stderr
    with server.caught_up() as state:
        assert state.orders() == []


@pytest.mark.timeout(300)
def test_the_public_log_comes_out_as_it_was_written_by_a_mapping_that_was_proposed(server, data, tmp_path):
    past = tmp_path / "Production.csv"
    past.symlink_to(data / "production_4tu_start_end_qty.csv")
    done = server.mawashi("replay", str(past), "--set", "firm=history-4tu", "--yes", "--verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["orders"], said["rows"], said["differences"], said["odd"]) == (225, 4503, 0, 0)
    assert said["influx"]
    assert "Case ID" in past.with_name("Production.replay.toml").read_text(encoding="utf-8")
