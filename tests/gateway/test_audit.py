"""`mawashi audit`: is everything here that anybody accepted, by terminal and number; and closing what never comes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.messages import EpochHeld
from gateway.ledger import Ledger
from gateway.ledger.intake import Reason, Refusal
from gateway.rules.fold import fold
from gateway.settings import Gateway
from gateway.state import Refusal as Refused
from gateway.state import State
from tests.appender.parts import Gate, SomeEdge, some
from tests.conftest import Mosquitto, until
from tests.gateway.test_commands import mawashi
from tests.ledger.test_closing import bundle
from tests.ledger.test_ledger import AUTHOR, EPOCH, NOW, READING, TOPIC, batch, greeting


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nport = 9\n')
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Gateway:
    return Gateway(data_dir=tmp_path)


def audited(settings: Path, *words: str) -> tuple[int, dict[str, Any]]:
    answer = mawashi("audit", *words, "--json", "--settings", str(settings))
    return answer.exit_code, json.loads(answer.stdout)


def said(settings: Path, *words: str) -> tuple[int, list[str]]:
    answer = mawashi("audit", *words, "--settings", str(settings))
    return answer.exit_code, answer.stdout.splitlines()


def test_without_records_there_is_nothing_to_audit(settings: Path) -> None:
    answer = mawashi("audit", "--settings", str(settings))
    assert (answer.exit_code, "まだ記録がありません / There are no records yet" in answer.stderr) == (1, True)


def test_when_all_that_was_announced_is_here_the_status_is_0(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([greeting(last=3, receipted=1), batch(1, some(1, 3))])
        identity = ledger.ledger_id
    status, lines = said(settings)
    assert status == 0
    assert lines == [
        (
            "turning/e1：告知 3、保存 3、未着 0、欠落 0、打切り 0、最終連絡 2026-11-22 12:04 / "
            "announced 3, committed 3, missing 0, gone 0, closed 0, last heard 2026-11-22 12:04"
        ),
        "views：0件遅れ、拒否 0（位置 0） / 0 behind, 0 refused (at 0)",
        f"全記録：3件（{identity}） / records: 3 events ({identity}) ok",
        "現場端末：送り手 1、未着なし / edges: 1 authors, nothing missing ok",
        "受注の計算：3件遅れ / orders: 3 events behind ok",
        "すべてあります / Everything is here.",
    ]
    status, found = audited(settings)
    assert (status, found["ok"], found["events"], found["ledger"]) == (0, True, 3, identity)
    assert found["projector"] == {"cursor": 0, "behind": 3, "unfinished_orders": 0}
    assert found["authors"][0]["epochs"] == [
        {
            "epoch": EPOCH, "announced": 3, "announced_at": NOW.isoformat(), "announced_receipted": 1, "committed": 3,
            "committed_upto": 3, "waiting": 0, "missing": [], "gaps": [], "closed": [],
        }
    ]  # fmt: skip


def test_check_names_a_terminal_whose_firm_is_not_in_the_settings(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([batch(1, some(1, 3))])
    where = ("--settings", str(settings))
    assert "会社：" not in mawashi("check", *where).stdout  # none is listed: every firm is new
    firm = '[[firms]]\nid = "{}"\nname = "旋削"\n'
    settings.write_text(settings.read_text() + firm.format("tuning"))
    assert (
        "会社：設定にない会社から届いています：turning/e1。現場端末の firm を直すか、[[firms]] に加えてください / "
        "firms: not in the settings, and sending: turning/e1. Mend firm in that edge's settings, or add the firm as [[firms]]."
    ) in mawashi("check", *where).stdout
    settings.write_text(settings.read_text() + firm.format("turning"))
    assert "会社：" not in mawashi("check", *where).stdout


def test_missing_numbers_are_all_named_by_terminal_and_range(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([greeting(last=30, lowest=3), *(batch(n, some(n, n)) for n in range(4, 20, 2))])
    status, lines = said(settings)
    assert status == 1
    assert lines[-1] == "足りないものがあります / Something is missing."
    assert any("(3, 5, 7, 9, 11, 13, 15, 17, 19-30; last heard" in line for line in lines), "no ... in an audit"
    status, found = audited(settings)
    (epoch,) = found["authors"][0]["epochs"]
    assert (status, found["ok"], epoch["gaps"], epoch["waiting"]) == (1, False, [[1, 2]], 20)
    assert epoch["missing"][-1] == [19, 30]
    assert found["totals"] == {
        "announced": 30, "committed": 8, "waiting": 20, "missing": 20, "gone": 2, "closed": 0, "set_aside": 0,
    }  # fmt: skip
    assert [one["what"] for one in found["says"] if not one["ok"]] == ["missing", "gone"]


def test_what_is_closed_is_named_and_fails_nothing(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([greeting(last=9), batch(1, some(1, 5))])
        ledger.close_numbers(AUTHOR, EPOCH, [(6, 9)], READING, by="office", why="card lost")
        ledger.commit([batch(9, some(9, 9))])
    status, lines = said(settings)
    assert status == 0
    assert (
        f"打切り：turning/e1 {EPOCH}：6-9 は 2026-11-22 12:04 に office が締めました（card lost）。"
        f"うち 3件は届いていません / closed: turning/e1 {EPOCH}: 6-9 closed by office at 2026-11-22 12:04 (card lost); "
        "3 of them are not here ok"
    ) in lines
    _, found = audited(settings)
    assert found["authors"][0]["epochs"][0]["closed"] == [
        {"first": 6, "last": 9, "left": [[6, 8]], "at": NOW.isoformat(), "by": "office", "why": "card lost"}
    ]


def test_one_author_alone_is_judged_alone(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([greeting(last=9), batch(1, some(1, 5))])
        ledger.append([b"{}"], READING)
    status, lines = said(settings, "--author", "turning/e1")
    assert (status, len(lines)) == (1, 5)
    assert lines[1] == (
        f"  {EPOCH}：告知 9、保存 5、未着 4、欠落 0、打切り 0 / announced 9, committed 5, missing 4, gone 0, closed 0"
    )
    status, found = audited(settings, "--author", "gateway")
    assert (status, [one["author"] for one in found["authors"]]) == (0, ["gateway"])
    nobody = mawashi("audit", "--author", "turning/e9", "--settings", str(settings))
    assert (nobody.exit_code, "Nothing ever came from turning/e9" in nobody.stderr) == (1, True)


def test_what_could_not_be_taken_in_and_what_a_sink_lacks_is_missing_too(settings: Path, kept: Gateway) -> None:
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        ledger.commit([batch(1, some(1, 1)), Refusal(TOPIC, AUTHOR, Reason.MALFORMED, "none", b"x", NOW)])
    status, found = audited(settings)
    assert (status, [one["reason"] for one in found["set_aside"]]) == (1, ["malformed"])
    with Ledger.open(kept.ledger_url, write=True) as ledger:
        assert ledger.discard(1, READING, by="office", why="noise")
    assert audited(settings)[0] == 0
    with State.open(kept.state_url, write=True) as state:
        with state.turn():
            state.set_value("cursor", "1")
            state.add_refusals([Refused("influx", "turning", "a b=1", "field type conflict", NOW)])
        status, found = audited(settings)
        assert (status, found["sinks"][1]["refused"]) == (1, 1)
        assert found["sinks"][1]["lines"][0]["reason"] == "field type conflict"
        with state.turn():
            state.products.put_order(fold("k1", []), 1, parked="ZeroDivisionError")
    status, found = audited(settings)
    assert (status, found["parked"], found["projector"]["behind"]) == (1, ["k1"], 0)


@pytest.mark.parametrize("words", [("6-",), ("9-6",), ("0-3",), ("six",), ("1-3", "x")])
def test_numbers_that_are_none_are_refused_in_words(settings: Path, words: tuple[str, ...]) -> None:
    answer = mawashi("audit", "close", AUTHOR, EPOCH, *words, "--why", "w", "--yes", "--settings", str(settings))
    assert answer.exit_code == 1
    assert "番号は 101-120 のように書いてください / Write numbers as 101-120 or 101" in answer.stderr


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gate]:
    with Gate(tmp_path / "g", mosquitto.port) as gate:
        yield gate.start()


@pytest.mark.slow
def test_f26_what_a_dead_edge_still_had_is_named_closed_and_taken_if_the_card_turns_up(gate: Gate) -> None:
    """It accepts 120 and sends 100; the hello it said before it died is the last anybody hears of it."""
    where = ("--settings", str(gate.path))
    with SomeEdge(gate.settings.mqtt.port) as edge:
        edge.send(1, some(1, 100))
        edge.wait_covered(100)
        edge.greet(EpochHeld(epoch=edge.epoch, lowest=1, last=120, receipted=100))
        edge.wait_answer()
    status, found = audited(gate.path)
    (epoch,) = found["authors"][0]["epochs"]
    assert (status, epoch["missing"], epoch["announced"], epoch["announced_receipted"]) == (1, [[101, 120]], 120, 100)

    close = ("audit", "close", edge.author, edge.epoch, "101-120", "--by", "office", *where)
    asked = mawashi(*close, typed="the card is gone\nn\n")
    assert (asked.exit_code, "101-120 を締めますか / Close 101-120 of turning/e1?" in asked.stdout) == (1, True)
    done = mawashi(*close, "--why", "the card is gone", "--yes")
    assert (done.exit_code, "20 numbers are closed: 101-120" in done.stdout) == (0, True)
    again = mawashi(*close, "--why", "again", "--yes")
    assert (again.exit_code, "Nothing of 101-120 is missing" in again.stderr) == (1, True)
    assert audited(gate.path)[0] == 0

    with SomeEdge(gate.settings.mqtt.port) as late:
        late.epoch = edge.epoch
        late.greet(EpochHeld(epoch=edge.epoch, lowest=1, last=120, receipted=100))
        (told,) = late.wait_answer()
        assert not told.covers(101), "an edge that comes back keeps and sends what was closed"
        late.send(101, some(101, 119))
        late.wait_covered(119)
    status, found = audited(gate.path)
    (closed,) = found["authors"][0]["epochs"][0]["closed"]
    assert (status, closed["left"], closed["by"]) == (0, [[120, 120]], "office")


@pytest.mark.slow
def test_what_a_later_version_understands_is_read_again_and_becomes_rows(tmp_path: Path, mosquitto: Mosquitto) -> None:
    gate = Gate(tmp_path / "g", mosquitto.port)
    with Ledger.open(gate.settings.ledger_url, write=True) as ledger:
        for payload, reason in ((bundle(1, 3), Reason.WRONG_VERSION), (b"noise", Reason.MALFORMED)):
            ledger.commit([Refusal(TOPIC, AUTHOR, reason, "not understood", payload, NOW)])
    where = ("--settings", str(gate.path))
    away = mawashi("set-aside", "again", "1", *where)
    assert (away.exit_code, "The gateway does not answer" in away.stderr) == (1, True)
    with gate.start():
        one = mawashi("set-aside", "again", "1", *where)
        assert (one.exit_code, "1 is understood: 3 new events, 0 that were here" in one.stdout) == (0, True)
        assert len(gate.bodies()) == 3
        every = mawashi("set-aside", "again", "--all", *where)
        assert (every.exit_code, "2 is still not understood: " in every.stdout) == (1, True)
        assert mawashi("set-aside", "again", *where).exit_code == 2, "one, or --all"
        listed = mawashi("set-aside", "list", "--all", *where).stdout.splitlines()
        assert [line.endswith("(read again)") for line in listed] == [True, False]
        assert "read again" in mawashi("set-aside", "show", "1", *where).stdout
        assert len(json.loads(mawashi("set-aside", "list", "--json", *where).stdout)) == 1
        gone = mawashi("set-aside", "discard", "2", "--why", "noise", "--yes", "--json", *where)
        assert json.loads(gone.stdout) == {"id": 2, "discarded": True}
        until(lambda: audited(gate.path)[0] == 0, what="everything to be here")
