"""`mawashi check`: tries everything while the installer is still there. One line each: ok, or what to do."""

import json
import os
import shutil
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from broker.clock import SystemClock
from broker.events import ClockQuality
from broker.link import Delivery, Link
from broker.ranges import Ranges, size
from broker.settings import SettingsError, load
from broker.topics import GATEWAY, Kind, Topic, client_id
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.settings import Gateway, Influx
from gateway.state import State
from gateway.store import Unwritable

_BROKER_SECONDS = 5.0
_INFLUX_SECONDS = 5.0
_DISK_BYTES = 1024**3
_BEHIND_EVENTS = 6000
"""What the projector takes in within two seconds (design 9)."""
_TOPIC = str(Topic(GATEWAY, "check", Kind.PRESENCE))
"""Nobody listens there, and only the gateway may write there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was tried, whether it is well, what was found, and what to do if it is not."""

    what: str
    ok: bool
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what:<10} {self.found} ok" if self.ok else f"{self.what:<10} {self.found}. {self.remedy}"


def run(path: Path, *, as_json: bool) -> int:
    """Print the findings, as lines or as one JSON object. Returns 0 if all is well, 1 if not, 2 for the settings."""
    try:
        settings = load(Gateway, path)
    except SettingsError as error:
        findings = [Finding("settings", ok=False, found=problem, remedy="") for problem in error.problems]
        _show(findings, as_json=as_json)
        return 2
    findings = [Finding("settings", ok=True, found=str(path)), *look(settings)]
    _show(findings, as_json=as_json)
    return 0 if all(one.ok for one in findings) else 1


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"ok": all(one.ok for one in findings), "findings": [asdict(one) for one in findings]}))
        return
    for one in findings:
        typer.echo(one)


def look(settings: Gateway) -> Iterator[Finding]:
    """Try everything the settings name."""
    yield _time_zone(settings)
    yield _clock()
    yield _data_dir(settings.data_dir)
    yield _broker(settings)
    if settings.influx:
        yield _influx(settings.influx)
    running = _gateway(settings)
    yield running
    yield _web(settings, running=running.ok)
    yield from _ledger(settings)


def _time_zone(settings: Gateway) -> Finding:
    try:
        ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return Finding("time zone", False, f"{settings.time_zone!r} is unknown", "Write one such as Asia/Tokyo.")
    return Finding("time zone", True, settings.time_zone)


def _clock() -> Finding:
    now = SystemClock().read()
    if now.clock is ClockQuality.SYNCED:
        return Finding("clock", True, f"{now.at:%Y-%m-%d %H:%M:%S} UTC, disciplined by a time server")
    return Finding(
        "clock",
        False,
        f"{now.at:%Y-%m-%d %H:%M:%S} UTC, and nothing keeps it right",
        "Install chrony or enable systemd-timesyncd (timedatectl set-ntp true); until then times show as approximate.",
    )


def _data_dir(folder: Path) -> Finding:
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding("data_dir", False, f"{existing} cannot be written", "Give it to the user the gateway runs as.")
    free = shutil.disk_usage(existing).free
    if free < _DISK_BYTES:
        return Finding("data_dir", False, f"{existing} has {free // 1024**2} MiB free", "Make room: 1 GiB at least.")
    return Finding("data_dir", True, f"{folder}, {free // 1024**3} GiB free" + ("" if folder.exists() else ", new"))


def _broker(settings: Gateway) -> Finding:
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        reason = _round_trip(settings)
    except OSError as error:  # a password or certificate file that cannot be read
        reason = str(error)
    if reason:
        return Finding("broker", False, reason, "See that it runs and that [mqtt] names it and our user.")
    return Finding("broker", True, f"{where} accepts us and carries a message back")


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
        if not ear.up.wait(_BROKER_SECONDS):
            return "the broker does not answer"
        if ear.over.is_set():
            return ear.reason
        link.publish(_TOPIC, b"{}")
        return "" if ear.back.wait(_BROKER_SECONDS) else "the broker takes our message and does not carry it back"
    finally:
        link.stop()


def _influx(influx: Influx) -> Finding:
    query = {"q": "SHOW DATABASES"}
    try:
        if influx.username:
            password = influx.password_file.read_text().strip() if influx.password_file else ""
            query |= {"u": influx.username, "p": password}
        request = f"{influx.url.rstrip('/')}/query?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(request, timeout=_INFLUX_SECONDS) as answer:  # noqa: S310 - the settings' own address
            version = answer.headers.get("X-Influxdb-Version", "of unknown version")
    except urllib.error.HTTPError as error:
        return Finding("influx", False, f"{influx.url} refuses us: {error}", "Check username and password_file.")
    except (OSError, ValueError) as error:
        return Finding("influx", False, f"{influx.url} cannot be asked: {error}", "Start it, or mend [influx] url.")
    return Finding("influx", True, f"{influx.url}, version {version}")


def _gateway(settings: Gateway) -> Finding:
    try:
        Api.connect(settings.socket)
    except GatewayAway:
        return Finding("gateway", False, "does not run", "Start it: mawashi gateway")
    return Finding("gateway", True, "runs")


def _web(settings: Gateway, *, running: bool) -> Finding:
    web = settings.web
    with socket.socket(socket.AF_INET6 if ":" in web.host else socket.AF_INET) as probe:
        probe.settimeout(2)
        taken = probe.connect_ex((web.host, web.port)) == 0
    address = f"http://{web.host}:{web.port}/"
    if running and not taken:
        return Finding("web", False, f"nobody answers at {address}", "See the gateway's log for the part web.")
    if taken and not running:
        return Finding("web", False, f"{address} belongs to another program", "End it, or choose another [web] port.")
    return Finding("web", True, f"{address}, this machine only")


def _ledger(settings: Gateway) -> Iterator[Finding]:
    try:
        ledger = Ledger.open(settings.ledger_url)
    except StoreError:
        yield Finding("ledger", True, "is made at the first start")
        return
    with ledger:
        try:
            yield Finding("ledger", True, f"{ledger.ledger_id}, {ledger.last_position()} events")
            yield from _authors(ledger)
            yield _projector(settings, ledger.last_position())
            if aside := ledger.set_aside():
                found = f"{len(aside)} things were set aside"
                yield Finding("set aside", False, found, "Look at them: mawashi set-aside list")
        except Unwritable as error:
            yield Finding("ledger", False, f"cannot be read: {error.orig}", "See the gateway's log.")


def _projector(settings: Gateway, last: int) -> Finding:
    try:
        with State.open(settings.state_url) as state:
            behind = last - state.cursor()
    except StoreError as error:
        return Finding("projector", False, str(error), "Start the gateway: mawashi gateway")
    if abs(behind) > _BEHIND_EVENTS:
        return Finding("projector", False, f"{behind} events behind", "Wait; if it does not fall, see its log.")
    return Finding("projector", True, f"{max(behind, 0)} events behind")


def _authors(ledger: Ledger) -> Iterator[Finding]:
    authors = ledger.authors()
    for one in authors:
        if one.missing:
            found = (
                f"{one.author} {one.epoch}: {size(one.missing)} announced events are not here ({_named(one.missing)})"
            )
            yield Finding("missing", False, found, "Connect that edge; it sends them again.")
        if one.gaps:
            found = f"{one.author} {one.epoch}: {size(one.gaps)} events are gone for good ({_named(one.gaps)})"
            yield Finding("gone", False, found, "Ask that firm what was done then, and enter it at the office.")
    if not any(one.missing or one.gaps for one in authors):
        yield Finding("events", True, f"{len({one.author for one in authors})} authors, nothing missing")


def _named(ranges: Ranges, most: int = 5) -> str:
    some = ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in ranges[:most])
    return f"{some}, ..." if len(ranges) > most else some
