"""`mawashi-edge check` and `status`: tries everything the settings name, and tells what the running agent knows.

Both work beside a running agent: they read, and connect only if nobody else is connected under this edge's name.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from typing import Any

from broker.clock import clock
from broker.events import ClockQuality, MachineState
from broker.link import Delivery, Link
from broker.messages import Hello, MessageError, Receipt, new_nonce
from broker.ranges import size
from broker.topics import Kind, Topic, client_id, order_subscription
from broker.words import Word
from edge.agent import status_path
from edge.books import Books, books, is_damage
from edge.drivers.device import Device, Keys, Topics
from edge.drivers.reader import Reader
from edge.inbox import Down, Inbox, Up
from edge.installer.asking import ASK_SECONDS, ask
from edge.installer.hearing import NOT_YET, Asked, away, in_words, unheard
from edge.lamp import Lamp
from edge.line import why_not_open
from edge.lock import is_held
from edge.rules.lamp import Output
from edge.settings import Edge
from edge.uplink import ToInbox, hello_of
from edge.wire import FAILURES

_ANSWER_SECONDS = 5.0
_REPEAT_SECONDS = 1.5
_LOW_BYTES = 500_000_000
_LIT_SECONDS = 0.4
_SERVER = Word("共有サーバー", "server")
_NO_ANSWER = Word(
    "返事がありません。共有サーバーで mawashi check を実行してください",
    "no answer. Is the shared server running, and is this firm one of its own? On it, run: mawashi check",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing tried: `remedy` None means ok."""

    what: Word
    remedy: Word | None = None

    def __str__(self) -> str:
        return f"{_both(self.what)}: {_both(self.remedy) if self.remedy else 'ok'}"


def check(settings: Edge) -> Iterator[Line]:
    """Try everything, one line as each comes to an end. Makes no file that stays."""
    running = _running(settings)
    yield _data_dir(settings.data_dir)
    yield _clock()
    line, held = _outbox(settings)
    yield line
    if not settings.scanner and not settings.machine:
        yield Line(
            Word("スキャナ", "scanners"),
            Word(
                "設定にありません。config/edge.toml を見て [[scanner]] を書いてください",
                "none is configured. Add a [[scanner]] table, see config/edge.toml",
            ),
        )
    for scanner in settings.scanner:
        yield _scanner(scanner, running)
    for machine in settings.machine:
        yield _machine(machine, running)
    for lamp in settings.lamp:
        yield _lamp(lamp, settings.ports, running)
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


def sentences(found: dict[str, Any], machines: Iterable[Device] = ()) -> list[str]:
    """Return a status as lines for people; `machines` are those of the settings."""
    known = {one.id: one for one in machines}
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
            lines.append(f"スキャナ / scanner {name}: {f'差してください / {why}' if why else 'ok'}")
            if dropped := dropped_by(found, name):
                lines.append(f"スキャナ / scanner {name}: {_both(dropped)}")
        for name in found.get("machines") or {}:
            lines.append(f"機械 / machine {name}: {_both(_machine_now(found, name, known.get(name)))}")
            if count := (found.get("malformed") or {}).get(name):
                lines.append(f"機械 / machine {name}: 読めない行 {count} / {count} malformed lines")
        if found.get("refused"):
            lines.append(f"記録できなかった読み取り {found['refused']} / {found['refused']} scans refused: disk full")
        if found.get("other_server"):
            lines.append("別のサーバーが返事をしています / Another server is answering: ask the office")
    return lines


def _machine_now(found: dict[str, Any], name: str, machine: Device | None) -> Word:
    """Return what a machine says, or why it says nothing; `check` says what to do about it."""
    heard = _running_machine(found, name)
    if heard.state == "lost":
        return Word("つながりません", heard.why)
    if heard.told:
        return heard.told
    place = machine.place if machine else None
    resting = machine is not None and not machine.answers and not isinstance(place, Topics)
    remedy = None if resting and heard.state in ("waiting", "mute") else unheard(place, heard)
    return remedy or NOT_YET


def _running(settings: Edge) -> dict[str, Any] | None:
    """Return what the running agent said last; None if none is running."""
    if not is_held(settings.data_dir):
        return None
    try:
        said = json.loads(status_path(settings).read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _both(word: Word) -> str:
    return f"{word.ja} / {word.en}"


def _data_dir(path: Path) -> Line:
    there = path if path.exists() else next(parent for parent in path.absolute().parents if parent.exists())
    what = Word("保存場所", f"data_dir {path}")
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        english = f"{error}. Give the user who runs mawashi-edge the right to write in {there}"
        return Line(what, Word("書き込めません。動かす利用者に書き込みの権利を与えてください", english))
    free = shutil.disk_usage(there).free
    if free < _LOW_BYTES:
        japanese = f"空きが {free / 1e6:.0f} MB だけです。空けるか、大きいカードに替えてください"
        return Line(what, Word(japanese, f"only {free / 1e6:.0f} MB are free. Make room, or use a larger card"))
    return Line(Word(what.ja, f"{what.en} ({free / 1e9:.1f} GB free)"))


def _clock() -> Line:
    now = clock().read()
    what = Word("時計", f"clock {now.at:%Y-%m-%d %H:%M} UTC")
    if now.clock is ClockQuality.SYNCED:
        return Line(what)
    japanese = "合っていません。読み取りは記録されます。timedatectl set-ntp true を実行してください"
    return Line(
        what, Word(japanese, "not synchronised. Scans are recorded all the same; run: timedatectl set-ntp true")
    )


def _outbox(settings: Edge) -> tuple[Line, Books]:
    what = Word("未送信の記録", "records kept here")
    try:
        kept = books(settings.outbox_path)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            remedy = Word(
                "壊れています。動かすと読める分を救います。カードを交換してください",
                "the file is damaged. mawashi-edge run saves what can be read; replace the card",
            )
        else:
            remedy = Word(
                "読めません。動かす利用者に読み書きの権利を与えてください",
                f"{error}. Give the user who runs mawashi-edge the right to read and write {settings.outbox_path}",
            )
        return Line(what, remedy), Books()
    waiting = sum(size(one.waiting) for one in kept.held)
    return Line(Word(f"未送信 {waiting} 件", f"{waiting} not sent yet")), kept


def _scanner(scanner: Reader, running: dict[str, Any] | None) -> Line:
    what = Word(f"スキャナ {scanner.id}", f"scanner {scanner.id} {scanner.place}")
    if running is not None and scanner.id in (running.get("scanners") or {}):
        why = running["scanners"][scanner.id]
        dropped = dropped_by(running, scanner.id)
        what = Word(what.ja, f"{what.en} ({dropped.en})") if dropped else what
        if why and isinstance(scanner.place, Topics):
            return Line(what, away(scanner.place, str(why)))
        return Line(what, Word("読めません。差してください", str(why)) if why else None)
    if isinstance(scanner.place, Topics):
        why = why_not_open(scanner.place)
        return Line(what, away(scanner.place, why) if why else None)
    keys = isinstance(scanner.place, Keys)
    folder, group = ("/dev/input/by-id/", "input") if keys else ("/dev/serial/by-id/", "dialout")
    if not Path(str(scanner.place)).exists():
        return Line(
            what,
            Word(
                f"ありません。差して ls {folder} と見比べてください",
                f"there is no such device. Plug the scanner in and compare with: ls {folder}",
            ),
        )
    if why := why_not_open(scanner.place):
        return Line(
            what,
            Word(
                f"開けません。ほかのプログラムを止め、利用者を {group} に入れてください",
                f"{why}. Close other programs; add the user to the group: usermod -aG {group} USER",
            ),
        )
    return Line(what)


def _machine(machine: Device, running: dict[str, Any] | None) -> Line:
    what = Word(f"機械 {machine.id}", f"machine {machine.id} {machine.place}")
    if machine.left_out:
        what = Word(f"{what.ja}（{machine.left_out.ja}）", f"{what.en} ({machine.left_out.en})")
    if running is not None and machine.id in (running.get("machines") or {}):
        heard = _running_machine(running, machine.id)
        quiet = not machine.answers or _seconds_so(running, machine.id) < ASK_SECONDS
    else:
        heard, quiet = ask(machine), not machine.answers
    if heard.state == "lost":
        return Line(what, away(machine.place, heard.why))
    if heard.told:
        return Line(Word(f"{what.ja}（{heard.told.ja}）", f"{what.en} ({heard.told.en})"))
    remedy = unheard(machine.place, heard)
    if remedy and quiet and heard.state in ("waiting", "mute"):
        if not isinstance(machine.place, Topics):
            remedy = NOT_YET
        return Line(Word(f"{what.ja}（{remedy.ja}）", f"{what.en} ({remedy.en})"))
    return Line(what, remedy)


def _lamp(lamp: Lamp, others: Iterable[Path], running: dict[str, Any] | None) -> Line:
    """Light each output for a moment; a running agent has the lamp to itself, and says in its log if it is away."""
    if running is not None:
        return Line(Word(f"ランプ {lamp.id}（現場端末が使用中）", f"lamp {lamp.id} (the agent has it)"))
    what = Word(
        f"ランプ {lamp.id}：ok、warning、error の順に光りましたか", f"lamp {lamp.id}: did ok, warning, error light up?"
    )
    try:
        light = lamp.light(others)
        try:
            for output in (*Output, None):
                light.show(output)
                time.sleep(_LIT_SECONDS if output else 0)
        finally:
            light.close()
    except FAILURES as error:
        english = f"{error}. Plug it in, close other programs, compare port with: mawashi-edge ports"
        return Line(what, Word("光りません。差して、port を mawashi-edge ports と見比べてください", english))
    return Line(what)


def _running_machine(running: dict[str, Any], machine: str) -> Asked:
    """Return how the running agent hears a machine, and what it says."""
    if why := (running.get("machines") or {}).get(machine):
        return Asked("lost", str(why))
    state = str(_of(running, "devices", machine).get("state", ""))
    said = _of(running, "readings", machine)
    counters, known = said.get("counters") or {}, said.get("state") not in (None, MachineState.UNKNOWN)
    word = in_words(said.get("state"), counters) if state == "heard" and (known or counters) else None
    if state == "heard" and word is None and "readings" in running:
        state = "mute"
    return Asked(state, str(said.get("note") or ""), word)


def _seconds_so(running: dict[str, Any], device: str) -> float:
    """Return for how long a device has been heard as it is now."""
    try:
        since = datetime.fromisoformat(str(_of(running, "devices", device)["since"]))
    except (KeyError, ValueError):
        return 0.0
    return (datetime.now(UTC) - since).total_seconds()


def _of(running: dict[str, Any], what: str, device: str) -> dict[str, Any]:
    return (running.get(what) or {}).get(device) or {}


def dropped_by(running: dict[str, Any], scanner: str) -> Word | None:
    """Return what a scanner sent that could not be a code; None if nothing, or if the agent did not say."""
    count = (running.get("dropped") or {}).get(scanner)
    if not count:
        return None
    return Word(f"途中で切れた・長すぎた読み取り {count}", f"{count} dropped: cut short or too long")


def _running_connection(settings: Edge, running: dict[str, Any]) -> Iterator[Line]:
    en = f"network to {settings.mqtt.host}:{settings.mqtt.port} (the agent is running)"
    away = Word("つながっていません。現場端末のログを見てください", "not connected. See the agent's log")
    yield Line(Word("通信", en), None if running.get("connected") else away)
    yield Line(_SERVER, None if running.get("answered") else _NO_ANSWER)


def _connection(settings: Edge, held: Books) -> Iterator[Line]:
    """Connect as the agent would, say a true hello, and wait for the server's answer."""
    where = Word("通信", f"network to {settings.mqtt.host}:{settings.mqtt.port}")
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


def _hear(link: Link, inbox: Inbox, where: Word, topic: str, hello: Hello) -> Iterator[Line]:
    deadline = time.monotonic() + _ANSWER_SECONDS
    connected = False
    while time.monotonic() < deadline:
        try:
            item = inbox.get(timeout=_REPEAT_SECONDS)
        except Empty:
            link.publish(topic, hello.encode())
            continue
        if isinstance(item, Down):
            english = f"{item.reason}. See that the server runs, and mend host, port, user or certificates"
            yield Line(where, Word("つながりません。サーバーと host、port、利用者、証明書を確かめてください", english))
            return
        if isinstance(item, Up):
            connected = True
            yield Line(where)
            link.publish(topic, hello.encode())
        elif isinstance(item, Delivery) and _answers(item, hello):
            yield Line(_SERVER)
            return
    if connected:
        yield Line(_SERVER, _NO_ANSWER)
    else:
        english = f"no connection within {_ANSWER_SECONDS:.0f} s. Check host and port, and the network"
        yield Line(where, Word("時間内につながりません。host と port、線を確かめてください", english))


def _answers(delivery: Delivery, hello: Hello) -> bool:
    with suppress(MessageError):
        return delivery.topic.endswith(Kind.RECEIPT.value) and Receipt.decode(delivery.payload).nonce == hello.nonce
    return False
