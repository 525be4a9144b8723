"""A gateway of the model: the real appender on a real ledger, its copies and their restoring.

It has no socket, no thread and no clock of its own; everything happens when the machine says so.
"""

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

import gateway.appender
import gateway.ledger.writer
from broker.messages import Hello
from gateway.backup import command
from gateway.backup.restore import Wanted, restore
from gateway.ledger import Ledger
from gateway.ledger.intake import Batch, Greeting, take
from gateway.ledger.writer import WritableLedger
from gateway.settings import Gateway
from gateway.waiting import Group
from tests.model.broker import Broker, Message, WireLink
from tests.model.parts import START, Holding, Key, Killed, Kinds, Time, standing_in

_ROWS = "SELECT author, epoch, seq, body FROM rows JOIN epochs ON epochs.id = rows.epoch_id"
_TWICE = "SELECT author, epoch, seq, body FROM set_aside WHERE reason = 'number used twice'"
_REPEATED = "SELECT coalesce(sum(next), 0) FROM counters WHERE name = 'repeated'"
_GONE = "SELECT coalesce(sum(last - first + 1), 0) FROM gaps"
_ANNOUNCED = "SELECT author, epoch, coalesce(announced_last, 0) FROM epochs"


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
    keys: set[Key] = field(default_factory=set)
    twice: Holding = frozenset()
    holding: Holding = frozenset()
    ever: dict[str, Holding] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    repeated: int = 0
    gone: int = 0
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
            self.repeated = db.execute(_REPEATED).fetchone()[0]
            self.gone = db.execute(_GONE).fetchone()[0]
        self.keys = {key for key, _ in self.rows}
        self.twice = frozenset(twice)
        self.holding = frozenset(self.rows) | self.twice
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
            with standing_in(gateway.ledger.writer, "Transaction", self.kinds.transaction):
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
        command.make(command.ledger_file(self.settings), target, overwrite=False)
        self.copies.append(Copy(target, self.id))

    def restore(self, copy: Copy) -> None:
        """`mawashi restore COPY --replace`."""
        self.kill()
        restore(self.settings, Wanted(source=copy.path, replace=True))
        self.open()

    def begin_empty(self) -> None:
        """The disk is gone and no copy is left: `mawashi restore --empty`, with every name that some edge may obey."""
        self.kill()
        self._remove()
        *formerly, last = self.ids
        restore(self.settings, Wanted(empty=last, formerly=tuple(formerly), last_number=1000))
        self.open()

    def put_back(self, copy: Copy) -> None:
        """Somebody just copies an old file back."""
        self.kill()
        self._remove()
        shutil.copy(copy.path, self.path)
        self.open()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def _heard(announced: dict[tuple[str, str], int], author: str, hello: Hello) -> bool:
    return all(announced.get((author, held.epoch), -1) >= held.last for held in hello.epochs)


def _die(*_: object, **__: object) -> None:
    raise Killed


def template(folder: Path) -> Path:
    """Make a ledger that has tables and no id yet, so that each example need not migrate one."""
    path = folder / "template.sqlite"
    Ledger.open(f"sqlite:///{path}", write=True).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM ledgers")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path
