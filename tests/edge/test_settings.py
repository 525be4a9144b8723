"""The edge's settings: the sample is current, every mistake is said at once, with its remedy."""

import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from broker.settings import Mqtt, SettingsError, Tls, load, validate
from edge.drivers.device import Device
from edge.drivers.hid.settings import Keyboard
from edge.drivers.mqtt.settings import PublishedScans
from edge.drivers.scanner.settings import Scanner
from edge.drivers.table import DRIVERS, READERS
from edge.settings import Edge, OutboxSettings, RawSettings
from tests.conftest import ROOT

SAMPLE = ROOT / "config" / "edge.toml"
MINIMAL: dict[str, Any] = {"firm": "marui", "edge": "pi1", "data_dir": "x"}


def uncommented() -> dict[str, Any]:
    """The sample with every optional key active."""
    lines = SAMPLE.read_text().splitlines()
    return tomllib.loads("\n".join(re.sub(r"^# (?=(\w+ = |\[))", "", line) for line in lines))


def test_the_sample_runs_as_it_is():
    settings = load(Edge, SAMPLE)
    assert settings.desk("s", ("a",)).zone.key == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (Edge, ()),
        (Mqtt, ("mqtt",)),
        (Tls, ("mqtt", "tls")),
        (OutboxSettings, ("outbox",)),
        (RawSettings, ("raw",)),
        (Scanner, ("scanner", 0)),
    ],
)
def test_the_sample_shows_every_key_with_its_default(model: type[BaseModel], where: tuple[Any, ...]):
    shown: Any = uncommented()
    for part in where:
        shown = shown[part]
    assert set(shown) == set(model.model_fields) - {"beside"}
    examples = {
        "beside",
        "username",
        "password_file",
        "tls",
        "ca_file",
        "cert_file",
        "key_file",
        "mqtt",
        "outbox",
        "raw",
        "scanner",
        "machine",
        "lamp",
    }
    for name, field in model.model_fields.items():
        if not field.is_required() and name not in examples:
            default = field.default
            assert shown[name] == (list(default) if isinstance(default, tuple) else default), name


def test_what_is_optional_is_commented_out_and_what_is_required_is_not():
    active = tomllib.loads(SAMPLE.read_text())
    assert set(active) == {"firm", "edge", "data_dir", "mqtt", "outbox", "raw", "scanner"}
    assert (active["mqtt"], active["outbox"], active["raw"]) == ({}, {}, {})
    assert set(active["scanner"][0]) == {"id", "port", "stations"}


def test_every_scanners_sample_works_as_it_is_and_shows_every_key_with_its_default():
    samples = {f"{name}/sample.toml": model for name, model in READERS.items()}
    for name, model in {**samples, "mqtt/scanner.toml": PublishedScans}.items():
        text = (ROOT / "edge/drivers" / name).read_text()
        plain = validate(Edge, MINIMAL | tomllib.loads(text), "sample").scanner
        assert {type(one) for one in plain} == {model}
        whole = tomllib.loads(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
        assert validate(Edge, MINIMAL | whole, "sample").scanner == plain
        named = {key for table in whole["scanner"] for key in table} | set(
            re.findall(r"^## (\w+) = ", text, re.MULTILINE)
        )
        assert named | {"beside"} == set(model.model_fields)


def test_every_machines_sample_works_as_it_is_and_shows_every_key_with_its_default():
    for name in DRIVERS:
        text = (ROOT / "edge/drivers" / name / "sample.toml").read_text()
        assert validate(Edge, MINIMAL | tomllib.loads(text), "sample").machine[0].driver == name
        whole = tomllib.loads(re.sub(r"^# (?=(\w+ = |\[))", "", text, flags=re.MULTILINE))
        (shown,) = validate(Edge, MINIMAL | whole, "sample").machine
        (plain,) = validate(Edge, MINIMAL | tomllib.loads(text), "sample").machine
        assert shown == plain, "what is commented out is the default; after ## stands what is used instead"
        named = set(re.findall(r"^(?:##? )?(\w+) = |^(?:# )?\[+machine\.(\w+)\]", text, flags=re.MULTILINE))
        missing = set(type(plain).model_fields) - {key or table for key, table in named}
        assert not missing, f"{name}: the sample shows every key"
        for key, model in type(plain).model_fields.items():
            if isinstance(model.default, BaseModel):
                assert set(whole["machine"][0][key]) == set(type(model.default).model_fields)


def test_shifts_are_local_times_and_may_pass_midnight():
    settings = validate(Edge, MINIMAL | {"shifts": ["08:00-17:00", "20:00-05:00"]}, "x")
    assert settings.desk("s", ()).shifts == ((time(8), time(17)), (time(20), time(5)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"firm": "gateway"},
            "x: firm: gateway は共有サーバーの名前です。自社の id を書いてください / gateway is reserved for the shared server: give the firm's own id.",
        ),
        (
            {"time_zone": "Nara"},
            "x: time_zone: 'Nara' という時間帯はありません。Asia/Tokyo のように書いてください / 'Nara' is no time zone this machine knows: give one such as Asia/Tokyo.",
        ),
        (
            {"shifts": ["8-17"]},
            "x: shifts: '8-17' は勤務時間ではありません。08:00-17:00 のように書いてください / '8-17' is no shift: write it as 08:00-17:00.",
        ),
        (
            {"shifts": ["08:00-25:00"]},
            "x: shifts: '08:00-25:00' は勤務時間ではありません。08:00-17:00 のように書いてください / '08:00-25:00' is no shift: write it as 08:00-17:00.",
        ),
        (
            {"scanner": [{"id": i, "port": "/dev/a", "stations": ["l"]} for i in ("a", "b")]},
            "x: 全体 / the file: スキャナ 2 台の port が同じ /dev/a です。別々にしてください / 2 scanners have the port /dev/a: give each its own.",
        ),
        (
            {"scanner": [{"id": "a", "port": "/dev/a", "stations": ["l"], "driver": "usb"}]},
            "x: scanner.a: いまは {'id': 'a', 'port': '/dev/a', 'stations': ['l'],...。driver を 'serial', 'hid', 'mqtt' のどれかにしてください / is {'id': 'a', 'port': '/dev/a', 'stations': ['l'],..., whose driver must be one of 'serial', 'hid', 'mqtt'. Change it.",
        ),
        (
            {"scanner": [{"id": "pad", "port": "/dev/a", "driver": "hid"}]},
            "x: scanner.pad: stations（設備）か beside（横のスキャナの id）のどちらか一つを書いてください / give either stations, or beside: the id of the scanner it stands beside.",
        ),
        (
            {"scanner": [{"id": "pad", "port": "/dev/a", "driver": "hid", "beside": "s1"}]},
            "x: 全体 / the file: pad の beside は s1 ですが、設備のあるスキャナにその id はありません / pad is to be beside s1, and no scanner with stations has that id: write one of those you add.",
        ),
        (
            {"colour": "red"},
            "x: colour: そういう設定はありません。つづりを確かめるか、消してください / is no setting of Mawashi. Check the spelling or remove it.",
        ),
    ],
)
def test_each_mistake_is_said_with_its_remedy(change: dict[str, Any], sentence: str):
    with pytest.raises(SettingsError) as caught:
        validate(Edge, MINIMAL | change, "x")
    assert caught.value.problems == [sentence]


_MACHINE = {"id": "vf-2", "driver": "haas", "station": "nc-5", "address": "192.168.1.50:5051"}
_SCANNER = {"id": "s1", "port": "/dev/a", "stations": ["nc-5"]}


@pytest.mark.parametrize(
    ("table", "change", "sentence"),
    [
        (
            "machine",
            {"id": "VF 2"},
            "machine.VF 2.id: いまは 'VF 2'。使えるのは小文字の a-z、数字、- だけ、32 文字までです。",
        ),
        ("machine", {"driver": None}, "machine.vf-2: driver がありません。"),
        ("machine", {"driver": "hass"}, "machine.vf-2: driver = 'hass' という装置の読み方はありません。haas ですか。"),
        ("machine", {"driver": "scanner"}, "machine.vf-2: scanner は機械ではなくスキャナです。"),
        ("machine", {"adress": "192.168.1.50:5051"}, "machine.vf-2.adress: そういう設定はありません。"),
        ("machine", {"poll_second": 2.0}, "machine.vf-2.poll_second: そういう設定はありません。poll_seconds ですか"),
        (
            "machine",
            {"address": "192.168.1.300:5051"},
            "machine.vf-2.address: 192.168.1.300 という IP アドレスはありません。",
        ),
        (
            "machine",
            {"address": "192.168.150:5051"},
            "machine.vf-2.address: 192.168.150 という IP アドレスはありません。",
        ),
        (
            "machine",
            {"address": "192,168.1.50:5051"},
            "machine.vf-2.address: '192,168.1.50:5051' はアドレスではありません。",
        ),
        (
            "machine",
            {"address": "１９２.168.1.5:5051"},
            "machine.vf-2.address: '１９２.168.1.5:5051' はアドレスではありません。",
        ),
        ("machine", {"address": None, "port": "COM3"}, "machine.vf-2.port: 'COM3' という口はありません。"),
        ("scanner", {"driver": "scanner"}, 'scanner.s1: シリアルと USB-COM のスキャナは driver = "serial" です。'),
        ("scanner", {"driver": "haas"}, "scanner.s1: haas はスキャナではなく機械です。"),
        (
            "scanner",
            {"port": "/dev/input/by-id/a-event-kbd"},
            "scanner.s1.port: /dev/input/by-id/a-event-kbd はキーボードの口",
        ),
        ("scanner", {"driver": "hid", "port": "/dev/ttyACM0"}, "scanner.s1.port: /dev/ttyACM0 はシリアルの口で"),
        ("scanner", {"driver": "hid", "layout": "jp"}, "scanner.s1.layout: いまは 'jp'。'us' or 'jis' のどれかに"),
    ],
)
def test_what_an_installer_mistypes_is_said_by_the_devices_own_id(table: str, change: dict[str, Any], sentence: str):
    device = {key: value for key, value in ((_MACHINE if table == "machine" else _SCANNER) | change).items() if value}
    with pytest.raises(SettingsError) as caught:
        validate(Edge, MINIMAL | {table: [device]}, "x")
    assert sentence in caught.value.problems[0]


def test_a_heading_in_single_brackets_is_answered_with_two():
    with pytest.raises(SettingsError) as caught:
        validate(Edge, MINIMAL | {"machine": _MACHINE}, "x")
    assert caught.value.problems == [
        "x: machine: 見出しを [[machine]] と二重の括弧にしてください / write its heading as [[machine]]."
    ]


def test_all_mistakes_are_said_at_once_and_the_command_ends_with_2(tmp_path: Path):
    from typer.testing import CliRunner

    from edge.cli import app

    wrong = tmp_path / "edge.toml"
    wrong.write_text('firm = "Marui"\ndata_dir = "x"\nshifts = ["x"]\n')
    result = CliRunner().invoke(app, ["run", "--settings", str(wrong)])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 3
    assert all(line.startswith(f"{wrong}: ") for line in result.stderr.strip().splitlines())


def test_the_installers_page_names_every_setting_command_and_sentence_of_the_log():
    from edge.cli import app

    page = (ROOT / "docs" / "edge.md").read_text()
    for model in (Edge, Mqtt, Tls, OutboxSettings, RawSettings, Scanner, Keyboard, Device):
        for name in model.model_fields:
            assert f"`{name}`" in page or f"[{name}]" in page or f"[mqtt.{name}]" in page, name
    for command in app.registered_commands:
        assert command.callback
        assert f"`mawashi-edge {command.name or command.callback.__name__}`" in page
    sources = "".join(path.read_text() for path in (ROOT / "edge").rglob("*.py"))
    for said in re.findall(r"^\| `([^`]+)` \|", page.partition("## When something is wrong")[2], re.MULTILINE):
        fixed = max(re.split(r" s1 |\.\.\.|: N | M ", said), key=len)
        assert fixed in sources, said
