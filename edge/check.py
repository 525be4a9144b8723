"""`mawashi-edge check` and `status`: tries everything the settings name, and tells what the running agent knows.

Both work beside a running agent: they read, and connect only if nobody else is connected under this edge's name.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from typing import Any

from broker.clock import clock
from broker.events import ClockQuality
from broker.link import Delivery, Link
from broker.messages import Hello, MessageError, Receipt, new_nonce
from broker.ranges import size
from broker.topics import Kind, Topic, client_id, order_subscription
from edge.agent import status_path
from edge.books import Books, books, is_damage
from edge.inbox import Down, Inbox, Up
from edge.lock import is_held
from edge.port import why_not_open
from edge.settings import Edge, Scanner
from edge.uplink import ToInbox, hello_of

_ANSWER_SECONDS = 5.0
_REPEAT_SECONDS = 1.5
_LOW_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One thing tried: `remedy` None means ok."""

    what: str
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy or 'ok'}"


def check(settings: Edge) -> Iterator[Line]:
    """Try everything, one line as each comes to an end. Makes no file that stays."""
    running = _running(settings)
    yield _data_dir(settings.data_dir)
    yield _clock()
    line, held = _outbox(settings)
    yield line
    if not settings.scanner:
        yield Line("scanners", "none is configured. Add a [[scanner]] table, see config/edge.toml")
    for scanner in settings.scanner:
        yield _scanner(scanner, running)
    yield from _connection(settings, held) if running is None else _running_connection(settings, running)


def status(settings: Edge) -> dict[str, Any]:
    """Return what the outbox holds and what the running agent said last. Nothing is opened for writing.

    Raises sqlite3.Error if the outbox cannot be read.
    """
    running = _running(settings)
    kept = books(settings.outbox_path)
    found: dict[str, Any] = {
        "firm": settings.firm,
        "edge": settings.edge,
        "running": running is not None,
        "ledger": kept.ledger,
        "waiting": sum(size(one.waiting) for one in kept.held),
        "held": sum(one.last - one.lowest + 1 for one in kept.held),
        "lost": sum(size(one.lost) for one in kept.held),
        "outbox_bytes": kept.used_bytes,
        "epochs": [one.stated().model_dump(mode="json") for one in kept.held],
    }
    return found | (running or {})


def sentences(found: dict[str, Any]) -> list[str]:
    """Return a status as lines for people."""
    lines = [
        f"{found['firm']}/{found['edge']}: " + ("動作中 / running" if found["running"] else "停止中 / not running"),
        f"未送信 {found['waiting']} 件 / {found['waiting']} not sent yet",
        f"保存 {found['held']} 件 / {found['held']} kept here ({found['outbox_bytes'] / 1e6:.1f} MB)",
    ]
    if found["lost"]:
        lines.append(f"読めない記録 {found['lost']} 件：カードを交換 / {found['lost']} damaged: replace the card")
    if found["running"]:
        answered = found.get("answered")
        lines.append("共有サーバー：" + ("接続中 / server: answering" if answered else "返事なし / server: no answer"))
        for name, why in (found.get("scanners") or {}).items():
            lines.append(f"{name}: {why or 'ok'}")
        if found.get("refused"):
            lines.append(f"記録できなかった読み取り {found['refused']} / {found['refused']} scans refused: disk full")
        if found.get("other_server"):
            lines.append("別のサーバーが返事をしています / Another server is answering: ask the office")
    return lines


def _running(settings: Edge) -> dict[str, Any] | None:
    """Return what the running agent said last; None if none is running."""
    if not is_held(settings.data_dir):
        return None
    try:
        said = json.loads(status_path(settings).read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _data_dir(path: Path) -> Line:
    there = path if path.exists() else next(parent for parent in path.absolute().parents if parent.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Line(f"data_dir {path}", f"{error}. Give the user who runs mawashi-edge the right to write in {there}")
    free = shutil.disk_usage(there).free
    if free < _LOW_BYTES:
        return Line(f"data_dir {path}", f"only {free / 1e6:.0f} MB are free. Make room, or use a larger card")
    return Line(f"data_dir {path} ({free / 1e9:.1f} GB free)")


def _clock() -> Line:
    now = clock().read()
    what = f"clock {now.at:%Y-%m-%d %H:%M} UTC"
    if now.clock is ClockQuality.SYNCED:
        return Line(what)
    return Line(what, "not synchronised. Scans are recorded all the same; run: timedatectl set-ntp true")


def _outbox(settings: Edge) -> tuple[Line, Books]:
    try:
        kept = books(settings.outbox_path)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            remedy = "the file is damaged. mawashi-edge run saves what can be read; replace the card"
        else:
            remedy = f"{error}. Give the user who runs mawashi-edge the right to read and write it"
        return Line("outbox", remedy), Books()
    return Line(f"outbox ({sum(size(one.waiting) for one in kept.held)} not sent yet)"), kept


def _scanner(scanner: Scanner, running: dict[str, Any] | None) -> Line:
    what = f"scanner {scanner.id} {scanner.port}"
    if running is not None and scanner.id in (running.get("scanners") or {}):
        return Line(what, running["scanners"][scanner.id])
    if not scanner.port.exists():
        return Line(what, "there is no such device. Plug the scanner in and compare with: ls /dev/serial/by-id/")
    if why := why_not_open(scanner):
        return Line(what, f"{why}. Close other programs; add the user to the group: usermod -aG dialout USER")
    return Line(what)


def _running_connection(settings: Edge, running: dict[str, Any]) -> Iterator[Line]:
    where = f"broker {settings.mqtt.host}:{settings.mqtt.port} (the agent is running)"
    yield Line(where, None if running.get("connected") else "not connected. See the agent's log")
    answered = running.get("answered")
    yield Line("server", None if answered else "no answer yet. Is the gateway running? On it, run: mawashi check")


def _connection(settings: Edge, held: Books) -> Iterator[Line]:
    """Connect as the agent would, say a true hello, and wait for the server's answer."""
    where = f"broker {settings.mqtt.host}:{settings.mqtt.port}"
    inbox: Inbox = SimpleQueue()
    receipts = str(Topic(settings.firm, settings.edge, Kind.RECEIPT))
    link = Link(
        settings.mqtt,
        client_id(settings.firm, settings.edge),
        listener=ToInbox(inbox),
        subscriptions=(receipts, order_subscription(settings.firm)),
    )
    link.start()
    try:
        hello = hello_of(held.held, held.ledger, clock().read(), nonce=new_nonce())
        yield from _hear(link, inbox, where, str(Topic(settings.firm, settings.edge, Kind.HELLO)), hello)
    finally:
        link.stop()


def _hear(link: Link, inbox: Inbox, where: str, topic: str, hello: Hello) -> Iterator[Line]:
    deadline = time.monotonic() + _ANSWER_SECONDS
    connected = False
    while time.monotonic() < deadline:
        try:
            item = inbox.get(timeout=_REPEAT_SECONDS)
        except Empty:
            link.publish(topic, hello.encode())
            continue
        if isinstance(item, Down):
            yield Line(where, f"{item.reason}. See that the broker runs, and mend host, port, user or certificates")
            return
        if isinstance(item, Up):
            connected = True
            yield Line(where)
            link.publish(topic, hello.encode())
        elif isinstance(item, Delivery) and _answers(item, hello):
            yield Line("server")
            return
    if connected:
        yield Line("server", "no answer. Is the gateway running, and is this firm one of its own? Run: mawashi check")
    else:
        yield Line(where, f"no connection within {_ANSWER_SECONDS:.0f} s. Check host and port, and the network")


def _answers(delivery: Delivery, hello: Hello) -> bool:
    with suppress(MessageError):
        return delivery.topic.endswith(Kind.RECEIPT.value) and Receipt.decode(delivery.payload).nonce == hello.nonce
    return False
