"""The two ends of the model: an edge's real outbox and uplink, and a real appender on a real ledger.

They have no socket, no thread and no clock of their own; everything happens when the machine says so.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import event

import edge.uplink
import gateway.appender
from broker.clock import Reading
from broker.events import ClockQuality
from broker.link import Delivery
from broker.messages import Hello, new_ledger
from broker.topics import client_id
from edge.inbox import Down, Inbox, Up
from edge.outbox import Keeping, Outbox, RefusedError
from edge.settings import Edge
from edge.uplink import Uplink
from gateway.appender import Appender
from gateway.ledger import Ledger
from gateway.ledger.intake import Batch, Greeting, take
from gateway.ledger.writer import WritableLedger
from gateway.settings import Gateway
from gateway.waiting import Group
from tests.model.broker import Broker, Message, WireLink

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIRM = "turning"
MONTH = timedelta(days=40)

_ROWS = "SELECT author, epoch, seq, body FROM rows JOIN epochs ON epochs.id = rows.epoch_id"
_TWICE = "SELECT author, epoch, seq, body FROM set_aside WHERE reason = 'number used twice'"
_ANNOUNCED = "SELECT author, epoch, coalesce(announced_last, 0) FROM epochs"

Key = tuple[str, str, int]
"""Author, epoch, number."""
Holding = frozenset[tuple[Key, bytes]]


class Time:
    """The model's one clock; it stands where `time` does in `edge.uplink`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def read(self) -> Reading:
        at = START + timedelta(seconds=self.seconds)
        return Reading(at, int(self.seconds * 1000), "b00", ClockQuality.SYNCED)


@contextmanager
def standing_in(module: Any, name: str, other: object) -> Iterator[None]:
    """Let `other` stand where `module.name` does."""
    before = getattr(module, name)
    setattr(module, name, other)
    try:
        yield
    finally:
        setattr(module, name, before)


@dataclass(frozen=True)
class Kinds:
    """Which classes are at work: the product's, or ones with a bug planted."""

    outbox: type[Outbox] = Outbox
    uplink: type[Uplink] = Uplink
    appender: type[Appender] = Appender
    link: type[WireLink] = WireLink


class Killed(BaseException):
    """The gateway's process ended here."""


class Device:
    """One card in one Raspberry Pi."""

    def __init__(self, folder: Path, name: str, *, broker: Broker, time: Time, kinds: Kinds) -> None:
        folder.mkdir()
        self.settings = Edge(firm=FIRM, edge=name, data_dir=folder)
        self._broker, self._time, self._kinds = broker, time, kinds
        self.inbox: Inbox = SimpleQueue()
        self.truth: dict[tuple[str, int], bytes] = {}
        """Everything accepted on this card, as its image has it."""
        self.witnessed: dict[str, Holding] = {}
        """By ledger, what it has held at any time since this connection began."""
        self.joined: str | None = None
        self.open()

    @property
    def author(self) -> str:
        return self.settings.author

    @property
    def path(self) -> Path:
        return self.settings.outbox_path

    def open(self) -> None:
        self.inbox = SimpleQueue()
        self.outbox = self._kinds.outbox(self.path, self.author, Keeping())

        def link(*given: Any, **options: Any) -> WireLink:
            return self._kinds.link(self._broker, *given, **options)

        with standing_in(edge.uplink, "Link", link):
            self.uplink = self._kinds.uplink(
                self.settings, self.outbox, clock=self._time, inbox=self.inbox, log=lambda *_, **__: None
            )

    @property
    def link(self) -> WireLink:
        assert isinstance(self.uplink.link, WireLink)
        return self.uplink.link

    def close(self) -> None:
        """End as with kill -9: nothing is said and nothing is tidied."""
        self.link.lose()
        self.outbox.close()

    def accept(self, lines: Sequence[bytes]) -> None:
        try:
            place = self.outbox.accept(lines, at=self._time.read().at)
        except RefusedError:
            return  # said aloud: nothing was accepted
        assert place
        epoch, last = place
        self.truth |= {(epoch, last - len(lines) + 1 + n): line for n, line in enumerate(lines)}
        self.uplink.accepted(place)

    def take(self) -> Delivery | None:
        """Take one thing from the inbox; return it if it was a message. Raises Empty."""
        match self.inbox.get_nowait():
            case Up():
                self.uplink.up()
            case Down(reason):
                self.uplink.down(reason)
            case Delivery() as delivery if self.uplink.is_receipt(delivery):
                self.uplink.receive(delivery)
                return delivery
        return None

    def pump(self) -> None:
        with suppress(sqlite3.OperationalError):
            self.uplink.pump()
        self.link.work()

    def keep(self) -> None:
        """Keep house a month later."""
        now = self._time.read()
        with suppress(sqlite3.OperationalError):
            self.uplink.kept(self.outbox.keep(Reading(now.at + MONTH, now.mono_ms, now.boot, now.clock)))

    def on_disk(self) -> dict[tuple[str, int], bytes]:
        """What can be read of the card."""
        found: dict[tuple[str, int], bytes] = {}
        for held in self.uplink.sending.held.values():
            for seq in range(held.lowest, held.last + 1):
                lines, _ = self.outbox.read(held.epoch, seq, events=1, size_bytes=10_000)
                if lines:
                    found[held.epoch, seq] = lines[0]
        return found

    def marked(self) -> set[tuple[str, int]]:
        """What the edge believes committed."""
        return {
            (held.epoch, seq)
            for held in self.uplink.sending.held.values()
            for seq in range(held.lowest, held.last + 1)
            if not any(first <= seq <= last for first, last in (*held.uncommitted, *held.lost))
        }

    def image(self, target: Path) -> "Image":
        """Copy the card as it is, also while it is in use."""
        with closing(sqlite3.connect(target)) as copy:
            self.outbox._db.backup(copy)
        return Image(target, self.settings.edge, dict(self.truth), self.joined)

    def put_back(self, image: "Image | None") -> None:
        """Put an image (None: a new card) in place of what the card held."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.truth, self.joined = (dict(image.truth), image.joined) if image else ({}, None)
        if image:
            shutil.copy(image.path, self.path)


@dataclass(frozen=True)
class Image:
    """A copy of a card, and what had been accepted on it."""

    path: Path
    edge: str
    truth: dict[tuple[str, int], bytes]
    joined: str | None


@dataclass
class Copy:
    """A copy of a ledger's file, and the id it had."""

    path: Path
    ledger: str


@dataclass
class Server:
    """A gateway's appender, its ledger, and what the ledger has ever held by id."""

    folder: Path
    template: Path
    name: str
    broker: Broker
    time: Time
    kinds: Kinds
    id: str = ""
    rows: list[tuple[Key, bytes]] = field(default_factory=list)
    holding: Holding = frozenset()
    ever: dict[str, Holding] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    running: bool = False
    group: Group | None = None
    announced: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.settings = Gateway(data_dir=self.folder)
        shutil.copy(self.template, self.path)
        self.open()

    @property
    def path(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def ledger(self) -> WritableLedger:
        return self._ledger

    @property
    def link(self) -> WireLink:
        link = self.appender._link
        assert isinstance(link, WireLink)
        return link

    def open(self) -> None:
        self._ledger = Ledger.open(self.settings.ledger_url, write=True)
        self._die_in_commit = False
        event.listen(self._ledger._engine, "commit", self._committing)

        def link(settings: Any, _name: str, **options: Any) -> WireLink:
            return self.kinds.link(self.broker, settings, self.name, **options)

        with standing_in(gateway.appender, "Link", link):
            self.appender = self.kinds.appender(self.settings, self._ledger, self.time)
        self.running, self.group = True, None
        self.look()

    def kill(self) -> None:
        """End as with kill -9."""
        if self.running:
            self.link.lose()
            self._ledger.close()
            self.running = False

    def look(self) -> None:
        """See what is in the ledger's file under its present id: rows, numbers used twice, what was announced."""
        with closing(sqlite3.connect(self.path)) as db:
            self.rows = [((author, epoch, seq), body) for author, epoch, seq, body in db.execute(_ROWS)]
            twice = [((author, epoch, seq), body) for author, epoch, seq, body in db.execute(_TWICE)]
            self.announced = {(author, epoch): last for author, epoch, last in db.execute(_ANNOUNCED)}
            names = [name for (name,) in db.execute("SELECT id FROM ledgers ORDER BY n")]
        self.holding = frozenset(self.rows) | frozenset(twice)
        self.ids += [name for name in names if name not in self.ids]
        self.id = names[-1]
        for name in names:
            self.ever[name] = self.ever.get(name, frozenset()) | self.holding

    # -- writing -------------------------------------------------------------------------------------------------------

    def gather(self) -> bool:
        """Take a group, and hold it as a slow disk does. Returns whether there was anything."""
        if self.running and self.group is None and self.appender._waiting._lanes:
            self.group = self.appender._waiting.take()
        return self.group is not None

    def write(self) -> None:
        """Commit, acknowledge and answer what was gathered."""
        group, self.group = self.group, None
        if group and self.running:
            self.appender._write(group)
            self.look()
            self.link.work()

    def die_writing(self, where: str, *, network_first: bool) -> None:
        """The same, and be killed in the middle; `network_first`: the acknowledgements wished for are still sent."""
        link = self.link
        self._die_in_commit = where == "commit"
        if where != "commit":
            setattr(link, where, _die)
        with suppress(Killed):
            self.write()
        self.look()
        if network_first:
            link.work()
        self.kill()

    def _committing(self, _connection: object) -> None:
        if self._die_in_commit:
            raise Killed

    def has(self, message: Message) -> bool:
        """Say whether the ledger holds everything a message says, read from its file and not from memory."""
        taken = take(message.topic, message.payload, START)
        match taken:
            case Batch():
                return all(
                    ((taken.author, taken.epoch, taken.first + n), line) in self.holding
                    for n, line in enumerate(taken.lines)
                )
            case Greeting():
                return _heard(self.announced, taken.author, taken.hello)
        return True

    # -- copies --------------------------------------------------------------------------------------------------------

    def copy(self) -> None:
        """Back the ledger up while it runs."""
        target = self.folder / f"copy-{len(self.copies)}.sqlite"
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        self.copies.append(Copy(target, self.id))

    def restore(self, copy: Copy, *, as_new: bool) -> None:
        """Put a copy back: `as_new` under a new id that lists every earlier one, else as a bare file."""
        self.kill()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.copy(copy.path, self.path)
        if as_new:
            with closing(sqlite3.connect(self.path)) as db, db:
                known = {one for (one,) in db.execute("SELECT id FROM ledgers")}
                at = int(self.time.read().at.timestamp() * 1e6)
                for name in [*(one for one in self.ids if one not in known), new_ledger()]:
                    db.execute("INSERT INTO ledgers (id, since, why) VALUES (?, ?, 'restored')", (name, at))
        self.open()


def _heard(announced: dict[tuple[str, str], int], author: str, hello: Hello) -> bool:
    return all(announced.get((author, held.epoch), -1) >= held.last for held in hello.epochs)


def _die(*_: object, **__: object) -> None:
    raise Killed


SERVER = client_id("gateway", "appender")
STRANGER = client_id("gateway", "stranger")


def template(folder: Path) -> Path:
    """Make a ledger that has tables and no id yet, so that each example need not migrate one."""
    path = folder / "template.sqlite"
    Ledger.open(f"sqlite:///{path}", write=True).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM ledgers")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


__all__ = ["SERVER", "STRANGER", "Copy", "Device", "Empty", "Image", "Killed", "Kinds", "Server", "Time", "template"]
