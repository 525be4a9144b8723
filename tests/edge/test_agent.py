"""The agent as a process: real ptys, a real Mosquitto, a server that speaks the contract, and what goes wrong."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from broker.codes import CROCKFORD, StationCode, TicketCode, printed
from broker.messages import EpochReceipt, OrderView, Presence, Receipt, StationView, TicketView
from broker.topics import GATEWAY, Kind, Topic
from tests.conftest import Mosquitto
from tests.edge.shop import COMMAND, EDGE, FINISH, FIRM, START, TICKET, Agent, PtyScanner, Server

pytestmark = pytest.mark.slow


@pytest.fixture
def agent(tmp_path: Path, mosquitto: Mosquitto, scanner: PtyScanner) -> Iterator[Agent]:
    agent = Agent(tmp_path, mosquitto.port, scanner)
    yield agent
    agent.kill()


def tickets(count: int) -> list[str]:
    return [printed(TicketCode("7K3Q" + CROCKFORD[n // 32] + CROCKFORD[n % 32], 10)) for n in range(count)]


def test_a_scan_is_answered_recorded_shown_and_confirmed(agent: Agent, server: Server, scanner: PtyScanner):
    agent.ready()
    scanner.scan(TICKET)
    agent.until(lambda: server.kinds() == ["start"], "the start to arrive")
    agent.says("[start] 着手 7K3Q9F-20")
    assert b"\x1b[3q" in scanner.heard(), "the scanner sounds"
    station = str(Topic(FIRM, EDGE, Kind.STATION, "lathe-1"))
    agent.until(lambda: StationView.decode(server.seen[station]).sessions, "the station's picture")
    assert StationView.decode(server.seen[station]).sessions[0].label == "7K3Q9F-20"
    presence = str(Topic(FIRM, EDGE, Kind.PRESENCE))
    assert Presence.decode(server.seen[presence]).online
    agent.until(lambda: agent.status()["waiting"] == 0, "the receipt")
    assert agent.stop() == 0
    agent.until(lambda: not Presence.decode(server.seen[presence]).online, "offline on a clean stop")


def test_it_is_small_idle_and_quick_to_start(agent: Agent, server: Server, scanner: PtyScanner):
    agent.ready()
    process = psutil.Process(agent.process.pid)
    start_cpu_seconds = sum(process.cpu_times()[:2])
    for ticket in tickets(50):
        scanner.scan(ticket)
    agent.until(lambda: len(server.events) == 50, "50 starts")
    before, at = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(2.0)  # what is measured is this time
    idle = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - at)
    rss_mb = process.memory_info().rss / 1e6
    assert rss_mb < 45 * 1.05, f"{rss_mb:.1f} MB"
    assert idle < 0.03, f"{idle:.1%} of a core"
    assert start_cpu_seconds < 2.0, "of its own time: this machine also runs other tests"


def test_unplugged_and_plugged_in_again_elsewhere_half_a_frame_is_discarded(
    agent: Agent, server: Server, scanner: PtyScanner
):
    agent.ready()
    scanner.send(b"7K3Q9F.2")
    scanner.unplug()
    agent.says("scanner s1 cannot be read: plug it in")
    scanner.plug()
    began = time.monotonic()
    agent.says("scanner s1 is read", times=2)
    assert time.monotonic() - began < 5.0
    scanner.scan(TICKET)
    agent.until(lambda: server.kinds() == ["start"], "the scan after it")
    assert agent.text().count("cannot be read") == 1, "one line each way"


def test_a_name_that_points_elsewhere_is_followed_though_the_old_device_is_still_open(
    agent: Agent, server: Server, scanner: PtyScanner
):
    agent.ready()
    old = scanner.fd
    scanner.plug()
    agent.says("scanner s1 is read", times=2)
    scanner.scan(TICKET)
    agent.until(lambda: server.kinds() == ["start"], "the scan from the new device")
    os.close(old)


def test_garbage_is_recorded_as_unread_and_stops_nothing(agent: Agent, server: Server, scanner: PtyScanner):
    agent.ready()
    scanner.send(bytes(range(256)) * 30 + b"\r")
    scanner.send(b"\xff\xfe\x00\r")
    scanner.send(b"x" * 5000 + b"\r")
    scanner.scan(TICKET)
    agent.until(lambda: "start" in server.kinds(), "the scan after the garbage")
    agent.says("[stop]")
    assert {event["kind"] for event in server.events} == {"scan", "work"}
    agent.until(lambda: agent.status().get("dropped", {}).get("s1", 0) >= 1, "the overlong one's count")
    for command in ("status", "check"):
        assert "dropped: cut short or too long" in agent.command(command).stdout


def test_a_broker_away_and_back_loses_nothing_and_is_said_once_each_way(
    agent: Agent, server: Server, scanner: PtyScanner, mosquitto: Mosquitto
):
    agent.ready()
    agent.says("connected to the broker")
    mosquitto.kill()
    agent.says("offline: scans are kept here")
    for ticket in tickets(20):
        scanner.scan(ticket)
    agent.says("[start]", times=20)
    assert agent.status()["waiting"] == 20
    mosquitto.start()
    agent.until(lambda: len(server.events) == 20, "all 20 after the broker is back")
    assert agent.text().count("WARNING offline") == 1


def test_killed_between_accept_and_receipt_it_sends_everything_after_the_restart(
    agent: Agent, server: Server, scanner: PtyScanner
):
    server.commit = server.answer_bundles = False
    agent.ready()
    scanner.scan(*tickets(10))
    agent.says("[start]", times=10)
    agent.kill()
    server.commit = server.answer_bundles = True
    agent.ready()
    agent.until(lambda: len(server.events) == 10, "all 10 from the first life")
    assert server.kinds() == ["start"] * 10
    agent.until(lambda: agent.status()["waiting"] == 0, "their receipt")
    scanner.scan(FINISH, tickets(1)[0])
    agent.until(lambda: "finish" in server.kinds(), "the sessions are remembered")
    assert len(server.books) == 2, "a new life has an epoch of its own"
    assert server.used_twice == 0


def test_killed_at_any_moment_what_it_answered_is_recorded_once(agent: Agent, server: Server, scanner: PtyScanner):
    expected = iter(tickets(400))
    for _life in range(3):
        agent.ready()
        for _ in range(40):
            scanner.scan(next(expected))
        agent.says("[start]", times=10 + agent.text().count("[start]"))
        agent.kill()
    told = {line.split()[2] for line in agent.text().splitlines() if line.startswith("[start]")}
    agent.ready()
    agent.until(lambda: agent.status()["waiting"] == 0, "everything to be confirmed")
    starts = [event["ticket"] for event in server.events]
    assert len(starts) == len(set(starts))
    assert told <= {f"{ticket}-10" for ticket in starts}


def test_a_receipt_of_another_server_or_another_time_is_ignored_and_said_once(
    agent: Agent, server: Server, scanner: PtyScanner
):
    server.answer_bundles = False
    agent.ready()
    agent.until(lambda: server.hellos, "the hello")
    scanner.scan(TICKET)
    agent.until(lambda: server.bundles, "the bundle")
    nonce, epoch = server.hellos[-1].nonce, server.bundles[-1].header.epoch
    topic = str(Topic(FIRM, EDGE, Kind.RECEIPT))
    for wrong_nonce, wrong_ledger in (("f" * 16, server.ledger), (nonce, "f" * 32)) * 3:
        false = Receipt(nonce=wrong_nonce, ledger=wrong_ledger, epochs=(EpochReceipt(epoch=epoch, upto=99),))
        server.link.publish(topic, false.encode())
    server.link.publish(topic, b"\xff no receipt at all")
    agent.says("another server is answering")
    agent.until(lambda: agent.status().get("ignored_receipts") == 7, "all seven to be counted")
    status = agent.status()
    assert status["waiting"] == 1
    assert status["other_server"]
    assert agent.text().count("ERROR another server") == 1
    server.answer(Topic(FIRM, EDGE, Kind.EVENTS), nonce, [epoch], "events")
    agent.until(lambda: agent.status()["waiting"] == 0, "the true receipt to be obeyed")


def test_a_restored_ledger_gets_again_what_it_lost(agent: Agent, server: Server, scanner: PtyScanner):
    agent.ready()
    scanner.scan(*tickets(6))
    agent.until(lambda: len(server.events) == 6, "six starts")
    (book,) = server.books.values()
    for seq in (4, 5, 6):
        del book[seq]
    server.lineage, server.ledger = (server.ledger,), "e" * 32
    scanner.scan(FINISH, tickets(1)[0])
    agent.until(lambda: len(server.events) == 7, "what was lost, and the new one")
    agent.says("the server was restored")
    agent.until(lambda: agent.status()["ledger"] == "e" * 32, "the new ledger")


def test_a_bundle_lost_on_the_way_is_sent_again(
    agent: Agent, server: Server, scanner: PtyScanner, mosquitto: Mosquitto
):
    server.lose_bundles = 1
    agent.ready()
    agent.until(lambda: server.hellos, "the hello")
    scanner.scan(*tickets(3))
    agent.until(lambda: len(server.events) >= 1, "the later bundles")
    agent.until(lambda: len(server.events) == 3, "the lost one, after a hello that was not due for a minute")


def test_order_views_are_kept_for_the_time_offline_and_withdrawn_by_an_empty_one(
    agent: Agent, server: Server, scanner: PtyScanner, mosquitto: Mosquitto
):
    view = OrderView(
        order="k1", number="4471", level="own", state="ready", tickets=(TicketView(id="7K3Q9F", branch=1),)
    )
    topic = str(Topic(FIRM, GATEWAY, Kind.ORDER, "k1"))
    server.link.publish(topic, view.encode(), retain=True)
    agent.ready()
    agent.until(lambda: agent_views(agent) == 1, "the view on disk")
    agent.kill()
    mosquitto.kill()
    agent.ready()
    scanner.scan(TICKET)
    agent.says("[start] 着手 4471-20")
    mosquitto.start()
    agent.says("connected to the broker", times=2)
    agent.until(lambda: server.link.connected, "the server to be back")
    server.link.publish(topic, b"", retain=True)
    agent.until(lambda: agent_views(agent) == 0, "it to be gone")


def agent_views(agent: Agent) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{agent.data_dir / 'views.sqlite'}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM view").fetchone()[0]
    except sqlite3.Error:
        return -1


def test_two_agents_on_one_outbox_are_refused_with_a_sentence(agent: Agent):
    agent.ready()
    second = agent.command("run")
    assert second.returncode == 3
    assert "another mawashi-edge works on" in second.stderr
    assert f"(process {agent.process.pid})" in second.stderr
    assert "stop it first" in second.stderr


def test_check_and_status_work_while_it_runs_and_when_it_does_not(agent: Agent, server: Server, scanner: PtyScanner):
    alone = agent.command("check")
    assert [line.rpartition(": ")[2] for line in alone.stdout.splitlines() if "clock" not in line] == ["ok"] * 5
    assert "server: ok" in alone.stdout
    assert not agent.data_dir.exists(), "a check makes nothing"
    agent.ready()
    scanner.scan(TICKET)
    agent.until(lambda: agent.status().get("answered") and agent.status()["scanners"] == {"s1": None}, "the status")
    beside = agent.command("check")
    assert [line.rpartition(": ")[2] for line in beside.stdout.splitlines() if "clock" not in line] == ["ok"] * 5
    assert agent.process.poll() is None
    assert "動作中 / running" in agent.command("status").stdout
    assert json.loads(agent.command("status", "--json").stdout)["running"]
    assert agent.text().count("connected to the broker") == 1, "the check did not take its place"


def test_check_says_what_to_do(tmp_path: Path, agent: Agent, scanner: PtyScanner, mosquitto: Mosquitto):
    no_server = agent.command("check")
    assert "共有サーバー / server: 返事がありません。" in no_server.stdout
    mosquitto.kill()
    scanner.unplug()
    away = agent.command("check")
    assert away.returncode == 1
    assert "there is no such device. Plug the scanner in and compare with: ls /dev/serial/by-id/" in away.stdout
    assert "cannot be reached" in away.stdout


def test_a_damaged_outbox_is_rescued_and_the_work_goes_on(agent: Agent, server: Server, scanner: PtyScanner):
    agent.ready()
    scanner.scan(*tickets(30))
    agent.until(lambda: len(server.events) == 30, "30 starts")
    agent.stop()
    outbox = agent.data_dir / "outbox.sqlite"
    data = bytearray(outbox.read_bytes())
    data[:4096] = os.urandom(4096)
    outbox.write_bytes(data)
    agent.ready()
    agent.says("the outbox was damaged: 30 events were saved, 0 cannot be read")
    scanner.scan(FINISH, tickets(1)[0])
    agent.until(lambda: "finish" in server.kinds(), "the scan after it")
    assert server.used_twice == 0


def history(rows: int) -> str:
    lines, station, codes = [], printed(StationCode("lathe")), tickets(64)
    for n in range(1, rows + 1):
        at = f"2026-03-02T{8 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}+09:00"
        card = START if n // 64 % 2 == 0 else FINISH
        lines.append(json.dumps({"n": n, "at": at, "reads": [station, card, codes[n % 64]]}))
    return "\n".join(lines) + "\n"


def test_a_history_is_played_answered_confirmed_and_never_played_twice(agent: Agent, server: Server):
    first = agent.command("play", stdin=history(300))
    answers = [json.loads(line) for line in first.stdout.splitlines()]
    assert first.returncode == 0, first.stderr
    assert answers[0] == {"resume_after": 0}
    assert [answer["n"] for answer in answers[1:-1]] == list(range(1, 301))
    assert answers[-1]["accepted"] == answers[-1]["receipted"] == len(server.events) > 0
    assert {event["clock"] for event in server.events} == {"given"}
    assert {event["station"] for event in server.events} == {"lathe"}
    assert [event["as_of"] for event in server.events] == sorted(event["as_of"] for event in server.events)
    again = agent.command("play", stdin=history(310))
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert lines[0] == {"resume_after": 300}
    assert [line["n"] for line in lines[1:-1]] == list(range(301, 311))


def feed(stdin: IO[str], text: str) -> None:
    with suppress(BrokenPipeError), stdin:
        stdin.write(text)


def test_a_play_killed_in_the_middle_goes_on_where_it_was(agent: Agent, server: Server):
    text = history(1200)
    child = subprocess.Popen(
        [*COMMAND, "play", "--settings", str(agent.settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    feeder = threading.Thread(target=feed, args=(child.stdin, text))
    feeder.start()
    answered = 0
    while answered < 200:
        answered = json.loads(child.stdout.readline()).get("n", 0)
    child.kill()
    feeder.join()
    child.wait()
    rest = agent.command("play", stdin=text)
    lines = [json.loads(line) for line in rest.stdout.splitlines()]
    assert lines[0]["resume_after"] >= answered
    assert lines[-2]["n"] == 1200
    numbers = [(event["ticket"], event["as_of"]) for event in server.events if event["kind"] == "work"]
    assert len(numbers) == len(set(numbers)), "no line was played twice"
    assert server.used_twice == 0


def test_a_line_that_makes_no_sense_ends_the_play_with_a_sentence(agent: Agent, server: Server):
    ended = agent.command("play", stdin=history(3) + '{"n": 4}\n')
    assert ended.returncode == 1
    assert "line after 3: at: Field required" in ended.stderr
    assert [json.loads(line).get("n") for line in ended.stdout.splitlines()] == [None, 1, 2, 3]


def test_feedback_comes_within_100_ms_also_while_a_backlog_drains(
    agent: Agent, server: Server, scanner: PtyScanner, mosquitto: Mosquitto
):
    """From the last byte of a scan to the first byte of the scanner's sound, both on its pty."""
    mosquitto.kill()
    played = subprocess.Popen(
        [*COMMAND, "play", "--settings", str(agent.settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    feeder = threading.Thread(target=feed, args=(played.stdin, history(1000)))
    feeder.start()
    while json.loads(played.stdout.readline()).get("n", 0) < 1000:
        pass
    feeder.join()
    played.kill()
    played.wait()
    agent.ready()
    mosquitto.start()
    took = []
    for ticket in tickets(40):
        scanner.heard()
        began = time.monotonic()
        scanner.scan(ticket)
        while not scanner.heard():
            assert time.monotonic() - began < 5.0
            time.sleep(0.001)
        took.append(time.monotonic() - began)
    assert sorted(took)[-2] < 0.1, [f"{seconds * 1000:.0f} ms" for seconds in sorted(took)]
    agent.until(lambda: agent.status()["waiting"] == 0, "the backlog to drain")
