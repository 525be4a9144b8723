"""`mawashi check`: tries everything while the installer is still there. One line each: ok, or what to do."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import typer
from sqlalchemy.exc import DatabaseError

from broker.clock import SystemClock
from broker.events import ClockQuality
from broker.link import Delivery, Link
from broker.settings import SettingsError, load
from broker.topics import GATEWAY, Kind, Topic, client_id
from broker.words import Word
from gateway.api import Api, GatewayAway
from gateway.finding import Finding
from gateway.ledger.reader import MIGRATIONS
from gateway.ledger.reader import STORE as LEDGER
from gateway.settings import Gateway, Influx
from gateway.sinks.influx_http import Away, Http
from gateway.standing import standing
from gateway.state.reader import STORE as STATE
from gateway.store import Store, StoreAwayError, StoreError, at, known

_MQTT_SECONDS = 5.0
_INFLUX_SECONDS = 5.0
_DISK_BYTES = 1024**3
_SETTINGS = Word("設定", "settings")
_TOPIC = str(Topic(GATEWAY, "check", Kind.PRESENCE))
"""Nobody listens there, and only the gateway may write there."""


def run(path: Path, *, as_json: bool) -> int:
    """Print the findings, as lines or as one JSON object. Returns 0 if all is well, 1 if not, 2 for the settings."""
    try:
        settings = load(Gateway, path)
    except SettingsError as error:
        _show([Finding(_SETTINGS, False, Word(problem, problem)) for problem in error.problems], as_json=as_json)
        return 2
    findings = [Finding(_SETTINGS, True, Word(str(path), str(path))), *look(settings)]
    _show(findings, as_json=as_json)
    return 0 if all(one.ok for one in findings) else 1


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        said = {"ok": all(one.ok for one in findings), "findings": [one.plain() for one in findings]}
        typer.echo(json.dumps(said, ensure_ascii=False))
        return
    for one in findings:
        typer.echo(one)


def look(settings: Gateway) -> Iterator[Finding]:
    """Try everything the settings name."""
    yield _time_zone(settings)
    yield _clock()
    yield _data_dir(settings.data_dir)
    yield _mqtt(settings)
    if settings.influx:
        yield _influx(settings.influx)
    yield from _stores(settings)
    running = _gateway(settings)
    yield running
    yield _web(settings, running=running.ok)
    yield from standing(settings)


def _time_zone(settings: Gateway) -> Finding:
    return Finding(Word("時間帯", "time zone"), True, Word(settings.time_zone, settings.time_zone))


def _clock() -> Finding:
    now, what = SystemClock().read(), Word("時計", "clock")
    shown = f"{now.at:%Y-%m-%d %H:%M:%S} UTC"
    if now.clock is ClockQuality.SYNCED:
        return Finding(what, True, Word(f"{shown}、時刻合わせ中", f"{shown}, disciplined by a time server"))
    return Finding(
        what,
        False,
        Word(f"{shown}、時刻合わせがありません", f"{shown}, and nothing keeps it right"),
        Word(
            "chrony を入れるか timedatectl set-ntp true を実行してください。それまで時刻は「およそ」と出ます",
            "Install chrony or enable systemd-timesyncd (timedatectl set-ntp true); until then times are approximate.",
        ),
    )


def _data_dir(folder: Path) -> Finding:
    what = Word("保存先", "storage")
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        found = Word(f"{existing} に書けません", f"{existing} cannot be written")
        remedy = Word("共有サーバーの利用者に権限を与えてください", "Give it to the user the gateway runs as.")
        return Finding(what, False, found, remedy)
    free = shutil.disk_usage(existing).free
    if free < _DISK_BYTES:
        mib = free // 1024**2
        found = Word(f"{existing} の空きは {mib} MiB です", f"{existing} has {mib} MiB free")
        return Finding(what, False, found, Word("1 GiB 以上空けてください", "Make room: 1 GiB at least."))
    gib = free // 1024**3
    ja, en = ("", "") if folder.exists() else ("、これから作ります", ", new")
    return Finding(what, True, Word(f"{folder}、空き {gib} GiB{ja}", f"{folder}, {gib} GiB free{en}"))


def _stores(settings: Gateway) -> Iterator[Finding]:
    """Say where records and orders are kept, and whether that place can be used."""
    for what, url, name in (
        (Word("全記録の置き場", "records are kept in"), settings.ledger_url, LEDGER),
        (Word("受注の置き場", "orders are kept in"), settings.state_url, STATE),
    ):
        wrong: tuple[Word, Word | None] | None
        try:
            place = at(url, name)
            wrong = _wrong(place, name)
        except StoreAwayError as error:
            wrong = error.found, error.remedy
        except StoreError as error:
            wrong = Word(f"使えません（{error}）", str(error)), None
        if wrong:
            yield Finding(what, False, *wrong)
        else:
            yield Finding(what, True, Word(str(place), str(place)))


def _wrong(place: Store, name: str) -> tuple[Word, Word] | None:
    """Return what is wrong with a place that lets us in, and what to do; None if it is well."""
    if name == LEDGER and (careless := place.careless()):
        return (
            Word(f"{place} の {careless} が off です", f"{place} runs with {careless} = off"),
            Word(
                "停電で記録が消えます。postgresql.conf で on にしてください",
                "A power cut may take records: set it on in postgresql.conf.",
            ),
        )
    if right := place.lacking():
        return (
            Word(f"{place} に表を作る権限（{right}）がありません", f"{place} does not let us make tables ({right})"),
            Word(
                "データベースの所有者を私たちの利用者にしてください：docs/postgresql.md",
                "Make our user the owner of the database: docs/postgresql.md",
            ),
        )
    if name == LEDGER and not _tables_known(place):
        return (
            Word(f"{place} は新しい版の Mawashi が作りました", f"{place} was made by a newer Mawashi"),
            Word(
                "その版を入れ直すか、更新前の控えに戻してください：docs/reliability.md",
                "Install that version again, or restore a copy from before: docs/reliability.md",
            ),
        )
    return None


def _tables_known(place: Store) -> bool:
    """Whether we know the ledger's tables; also if there are none yet."""
    try:
        place.check()
    except StoreAwayError:
        raise
    except StoreError:
        return True
    engine = place.reader()
    try:
        return known(engine, MIGRATIONS)
    except DatabaseError:
        return True  # that it cannot be read is said where its records are counted
    finally:
        engine.dispose()


def _mqtt(settings: Gateway) -> Finding:
    what, where = Word("通信", "messages"), f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        reason = _round_trip(settings)
    except OSError as error:  # a password or certificate file that cannot be read
        reason = str(error)
    if reason:
        return Finding(
            what,
            False,
            Word(f"{where} を通じて届きません", reason.replace("the broker", "the message server")),
            Word(
                "動いているか、[mqtt] の宛先と利用者が正しいか確かめてください",
                "See that it runs and that [mqtt] names it and our user.",
            ),
        )
    return Finding(what, True, Word(f"{where} を通じて届きます", f"{where} accepts us and carries a message back"))


def _round_trip(settings: Gateway) -> str:
    """Return the reason why a message of ours does not come back, or nothing: only what arrives proves a right."""

    class Ear:
        reason = ""
        up, back, over = threading.Event(), threading.Event(), threading.Event()

        def on_up(self, *, session_present: bool) -> None:
            _ = session_present
            self.up.set()

        def on_down(self, reason: str) -> None:
            self.reason = self.reason or reason
            self.over.set()
            self.up.set()

        def on_message(self, delivery: Delivery) -> None:
            _ = delivery
            self.back.set()

    ear = Ear()
    settings.mqtt.password()
    link = Link(settings.mqtt, client_id(GATEWAY, "check"), listener=ear, subscriptions=(_TOPIC,))
    link.start()
    try:
        if not ear.up.wait(_MQTT_SECONDS):
            return "the broker does not answer"
        if ear.over.is_set():
            return ear.reason
        link.publish(_TOPIC, b"{}")
        return "" if ear.back.wait(_MQTT_SECONDS) else "the broker takes our message and does not carry it back"
    finally:
        link.stop()


def _influx(influx: Influx) -> Finding:
    what = Word("グラフの記録", "InfluxDB")
    try:
        version = Http(influx.model_copy(update={"timeout_seconds": _INFLUX_SECONDS})).version()
    except (Away, OSError, ValueError) as error:  # OSError: the password file
        remedy = Word(
            "動いているか、[influx] の url・username・password_file を確かめてください",
            "Start it, or mend url, username and password_file in [influx].",
        )
        return Finding(what, False, Word(f"{influx.url} を使えません", f"{influx.url} cannot be used: {error}"), remedy)
    return Finding(what, True, Word(f"{influx.url}、版 {version}", f"{influx.url}, version {version}"))


def _gateway(settings: Gateway) -> Finding:
    what = Word("共有サーバー", "gateway")
    try:
        Api.connect(settings.socket)
    except GatewayAway:
        remedy = Word("起動してください：mawashi gateway", "Start it: mawashi gateway")
        return Finding(what, False, Word("動いていません", "does not run"), remedy)
    return Finding(what, True, Word("動いています", "runs"))


def _web(settings: Gateway, *, running: bool) -> Finding:
    what, web = Word("画面", "pages"), settings.web
    with socket.socket(socket.AF_INET6 if ":" in web.host else socket.AF_INET) as probe:
        probe.settimeout(2)
        taken = probe.connect_ex((web.host, web.port)) == 0
    address = f"http://{web.host}:{web.port}/"
    if running and not taken:
        found = Word(f"{address} が答えません", f"nobody answers at {address}")
        remedy = Word("共有サーバーのログで web を見てください", "See the gateway's log for the part web.")
        return Finding(what, False, found, remedy)
    if taken and not running:
        found = Word(f"{address} は別のプログラムが使っています", f"{address} belongs to another program")
        remedy = Word("それを止めるか [web] port を変えてください", "End it, or choose another [web] port.")
        return Finding(what, False, found, remedy)
    return Finding(what, True, Word(f"{address}、この端末だけ", f"{address}, this machine only"))
