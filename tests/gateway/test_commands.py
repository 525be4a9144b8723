"""The command `mawashi`: help everywhere, the sample settings, check, and what was set aside."""

import json
import re
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined
from typer.testing import CliRunner

from broker.settings import Mqtt, Tls, load
from broker.words import Word
from gateway.cli import app
from gateway.ledger import Ledger
from gateway.ledger.intake import Greeting, Reason, Refusal
from gateway.orders.stickers import Stickers
from gateway.rules.fold import fold
from gateway.settings import Firm, Gateway, Influx, Web
from gateway.standing import standing
from gateway.state import Refusal as Refused
from gateway.state import State, Verdict
from tests.appender.parts import Gate
from tests.conftest import ROOT, Mosquitto
from tests.ledger.test_ledger import NOW, READING, batch, greeting, some

SAMPLE = ROOT / "config" / "gateway.toml"
TABLES = {"": Gateway, "mqtt": Mqtt, "mqtt.tls": Tls, "influx": Influx, "web": Web, "stickers": Stickers, "firms": Firm}
COMMANDS = [
    "gateway", "check", "audit", "audit close", "rebuild", "replay",
    "set-aside list", "set-aside show", "set-aside discard", "set-aside again",
    "order import", "order ticket", "demo", "backup", "restore",
]  # fmt: skip


def mawashi(*words: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str) -> None:
    answer = mawashi(*command.split(), "--help")
    assert answer.exit_code == 0
    assert "Usage: " in answer.stdout


def test_the_sample_settings_run_as_they_are() -> None:
    settings = load(Gateway, SAMPLE)
    assert settings.data_dir == SAMPLE.parents[1] / "var/gateway"
    assert settings.mqtt == Mqtt()
    assert settings.web == Web()


def test_the_sample_settings_show_every_key_once_with_its_default() -> None:
    shown = _shown(SAMPLE.read_text())
    assert set(shown) == set(TABLES)
    for table, model in TABLES.items():
        fields = {name: field for name, field in model.model_fields.items() if not _is_table(name, table)}
        assert set(shown[table]) == set(fields), table
        for name, field in fields.items():
            commented, value = shown[table][name]
            if field.default not in (PydanticUndefined, None) and not (table == "firms" and name == "name_en"):
                assert (commented, value) == (True, field.default), f"{table}.{name}"


def _is_table(name: str, table: str) -> bool:
    return f"{table}.{name}".lstrip(".") in TABLES


def _shown(text: str) -> dict[str, dict[str, tuple[bool, Any]]]:
    """Every key of the sample, commented out or not: table -> key -> (commented out, value). First firm only."""
    found: dict[str, dict[str, tuple[bool, Any]]] = {"": {}}
    table = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(?:# )?\[+([a-z.]+)\]+", line):
            table = heading[1]
            found.setdefault(table, {})
        elif key := re.fullmatch(r"(# )?([a-z_]+) = (.+)", line):
            found[table].setdefault(key[2], (bool(key[1]), tomllib.loads(f"v = {key[3]}")["v"]))
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nport = 9\n')
    return path


def test_settings_that_are_no_good_end_with_status_2_and_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('first_number = 0\ncolour = "red"\n')
    for words in (["gateway"], ["rebuild"], ["set-aside", "list"]):
        answer = mawashi(*words, "--settings", str(path))
        assert answer.exit_code == 2
        assert answer.stderr.splitlines() == [
            f"{path}: data_dir: ありません。書いてください / is missing. Add it.",
            f"{path}: first_number: いまは 0。1 以上にしてください / is 0, and must be 1 or more. Change it.",
            f"{path}: colour: そういう設定はありません。つづりを確かめるか、消してください / is no setting of Mawashi. Check the spelling or remove it.",
        ]
    answer = mawashi("check", "--settings", str(path))
    assert (answer.exit_code, len(answer.stdout.splitlines())) == (2, 3)


def test_the_settings_file_may_come_from_the_environment(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAWASHI_SETTINGS", str(settings))
    assert f"設定：{settings} / settings: {settings} ok" in mawashi("check").stdout


def test_check_says_for_each_part_what_to_do(settings: Path) -> None:
    answer = mawashi("check", "--settings", str(settings))
    lines = answer.stdout.splitlines()
    assert answer.exit_code == 1
    assert "時間帯：Asia/Tokyo / time zone: Asia/Tokyo ok" in lines
    assert "全記録：初めの起動で作ります / records: are made at the first start ok" in lines
    assert (
        "共有サーバー：動いていません。起動してください：mawashi gateway / "
        "gateway: does not run. Start it: mawashi gateway"
    ) in lines
    assert (
        "通信：127.0.0.1:9 を通じて届きません。動いているか、[mqtt] の宛先と利用者が正しいか確かめてください / "
        "messages: the message server at 127.0.0.1:9 cannot be reached: [Errno 111] Connection refused. "
        "See that it runs and that [mqtt] names it and our user."
    ) in lines


def test_check_tells_a_ledger_that_is_gone_from_one_that_is_not_made_yet(tmp_path: Path) -> None:
    settings = Gateway(data_dir=tmp_path)
    with State.open(settings.state_url, write=True) as state:
        assert [one.ok for one in standing(settings)] == [True]
        with state.turn():
            state.set_value("cursor", "7")
    (found,) = standing(settings)
    assert not found.ok
    assert found.found == Word("なくなりました（少なくとも 7件ありました）", "are gone; there were 7 events at least")


def test_check_names_the_events_that_are_missing_or_gone(settings: Path, tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", write=True) as ledger:
        ledger.commit([greeting(last=120, lowest=3), batch(3, some(3, 100))])
    lines = mawashi("check", "--settings", str(settings)).stdout.splitlines()
    epoch = "0" * 15 + "1"
    assert (
        f"未着：turning/e1 の 20件がまだ届いていません（{epoch}：101-120。最終連絡 2026-11-22 12:04）。"
        "その現場端末をつなげば送り直します。もう送れないなら：mawashi audit close / "
        f"missing: turning/e1 {epoch}: 20 announced events are not here (101-120; last heard 2026-11-22 12:04). "
        "Connect that edge; it sends them again. If it never can: mawashi audit close"
    ) in lines
    assert any(f"gone: turning/e1 {epoch}: 2 events are gone for good (1-2). " in line for line in lines)


def test_events_gone_for_good_fail_until_a_person_has_closed_them(tmp_path: Path) -> None:
    settings = Gateway(data_dir=tmp_path)
    with Ledger.open(settings.ledger_url, write=True) as ledger:
        ledger.commit([greeting(last=4, lowest=3), batch(3, some(3, 4))])
        assert [(one.what.en, one.ok) for one in standing(settings)] == [
            ("records", True), ("gone", False), ("orders", True),
        ]  # fmt: skip
        ledger.close_numbers("turning/e1", "0" * 15 + "1", [(1, 2)], READING, by="office", why="a damaged card")
    found = list(standing(settings))
    assert [one.what.en for one in found] == ["records", "edges", "orders"]
    assert all(one.ok for one in found), "one damaged card is no reason to fail for ever"


def test_check_says_what_was_refused_parked_or_counts_for_nothing_and_what_to_do(tmp_path: Path) -> None:
    settings = Gateway(data_dir=tmp_path)
    hello = greeting(last=2).hello.model_copy(update={"refused": 7})
    with Ledger.open(settings.ledger_url, write=True) as ledger:
        ledger.commit([Greeting("turning/e1", hello, NOW), batch(1, [b"no event", b"none either"])])
    with State.open(settings.state_url, write=True) as state, state.turn():
        state.index.add_verdicts([Verdict(n, "turning/e1", "0" * 16, n, "no_event", "it is none", NOW) for n in (1, 2)])
        blank = fold("k1", [])
        state.products.put_order(blank, 0, parked="ZeroDivisionError")
        state.add_refusals([Refused("influx", "turning", "a b=1", "field type conflict", NOW)])
        state.set_value("cursor", "2")
    said = {one.what.en: one for one in standing(settings) if not one.ok}
    assert {name: one.found.en for name, one in said.items()} == {
        "refused": "turning/e1 refused 7 scans on a full disk",
        "parked": "1 orders (k1) stay as they were",
        "not counted": "2 events count for no order (no_event 2)",
        "points": "InfluxDB refused 1 points",
    }
    assert all(one.remedy and one.remedy.ja and one.remedy.en for one in said.values())
    assert all(len(str(one).splitlines()) == 1 for one in said.values())


def test_check_as_json_is_one_object(settings: Path) -> None:
    found = json.loads(mawashi("check", "--json", "--settings", str(settings)).stdout)
    assert found["ok"] is False
    assert {one["what"]: one["ok"] for one in found["findings"]}["settings"] is True


def test_what_was_set_aside_is_listed_and_shown_escaped(settings: Path, tmp_path: Path) -> None:
    assert mawashi("set-aside", "list", "--settings", str(settings)).exit_code == 1
    refusal = Refusal("mw/1/turning/e1/events", "turning/e1", Reason.MALFORMED, "it is none", b"\x1b[2J\xff", NOW)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", write=True) as ledger:
        ledger.commit([refusal, refusal])
    listed = mawashi("set-aside", "list", "--settings", str(settings))
    assert listed.stdout == "    1  2026-11-22 03:04  malformed          turning/e1  5 bytes, 2 times\n"
    shown = mawashi("set-aside", "show", "1", "--settings", str(settings))
    assert shown.stdout.splitlines()[1:] == ["it is none", "\\x1b[2J\\xff"], "nothing that a terminal obeys"
    assert json.loads(mawashi("set-aside", "list", "--json", "--settings", str(settings)).stdout)[0]["times"] == 2
    missing = mawashi("set-aside", "show", "7", "--settings", str(settings))
    assert missing.exit_code == 1
    assert "There is no number 7" in missing.stderr


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gate]:
    with Gate(tmp_path / "g", mosquitto.port) as gate:
        with Ledger.open(gate.settings.ledger_url, write=True) as ledger:
            ledger.commit([Refusal("x", None, Reason.WRONG_TOPIC, "it is none", b"x", NOW)])
        yield gate.start()


@pytest.mark.slow
def test_discarding_asks_goes_through_the_running_gateway_and_records_who_and_why(gate: Gate) -> None:
    where = ("--settings", str(gate.path))
    refused = mawashi("set-aside", "discard", "1", "--why", "a test", *where, typed="n\n")
    assert refused.exit_code == 1
    assert "1 を破棄しますか / Discard 1 for good?" in refused.stdout
    done = mawashi("set-aside", "discard", "1", "--by", "office", *where, typed="a test\ny\n")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "1 を破棄しました / 1 is discarded.")
    assert mawashi("set-aside", "list", *where).stdout == "ありません / Nothing was set aside.\n"
    assert "office: a test" in mawashi("set-aside", "show", "1", *where).stdout
    assert mawashi("set-aside", "discard", "1", "--why", "again", "--yes", *where).exit_code == 1
    checked = mawashi("check", *where).stdout
    assert f"messages: 127.0.0.1:{gate.settings.mqtt.port} accepts us and carries a message back ok" in checked
    assert "gateway: runs ok" in checked
    gate.stop()
    away = mawashi("set-aside", "discard", "1", "--why", "a test", "--yes", *where)
    assert (away.exit_code, "The gateway does not answer" in away.stderr) == (1, True)


def test_a_rebuild_without_a_state_says_that_there_is_nothing_to_delete(settings: Path) -> None:
    assert "There is nothing to delete." in mawashi("rebuild", "--settings", str(settings)).stdout


def test_a_gateway_that_runs_already_or_a_port_that_is_taken_is_said_before_anything_starts(gate: Gate) -> None:
    second = mawashi("gateway", "--settings", str(gate.path))
    assert (second.exit_code, second.stdout) == (1, "")
    assert "もう動いています" in second.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = gate.path.with_name("other.toml")
        other.write_text(f'data_dir = "{gate.path.parent / "other"}"\n[web]\nport = {taken.getsockname()[1]}\n')
        third = mawashi("gateway", "--settings", str(other))
    assert (third.exit_code, third.stdout) == (1, "")
    assert "belongs to another program. Stop it, or change port in [web]" in third.stderr


def test_two_firms_of_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('data_dir = "x"\n' + '[[firms]]\nid = "turning"\nname = "旋削"\n' * 2)
    answer = mawashi("rebuild", "--settings", str(path))
    assert answer.exit_code == 2
    assert "2 firms have the id turning: give each its own" in answer.stderr
