"""An edge of the model: a card with the real outbox on it, the real uplink, and the agent's way with a damaged file.

It has no socket, no thread and no clock of its own; everything happens when the machine says so.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import edge.salvage
import edge.uplink
from broker.clock import Reading
from broker.link import Delivery
from edge.books import PAGE_BYTES, is_damage
from edge.inbox import Down, Inbox, Up
from edge.outbox import Keeping, RefusedError
from edge.settings import Edge
from tests.model.broker import Broker, WireLink
from tests.model.parts import FIRM, MONTH, Holding, Killed, Kinds, Time, standing_in

Number = tuple[str, int]
"""Epoch and number."""


class Device:
    """One card in one Raspberry Pi."""

    def __init__(self, folder: Path, name: str, *, broker: Broker, time: Time, kinds: Kinds) -> None:
        folder.mkdir()
        self.settings = Edge(firm=FIRM, edge=name, data_dir=folder)
        self._broker, self._time, self._kinds = broker, time, kinds
        self.inbox: Inbox = SimpleQueue()
        self.truth: dict[Number, bytes] = {}
        """Everything accepted on this card, as its image has it."""
        self.witnessed: dict[str, Holding] = {}
        """By ledger, what it has held at any time since this connection began."""
        self.joined: str | None = None
        self.rescues = 0
        self.open()

    @property
    def author(self) -> str:
        return self.settings.author

    @property
    def path(self) -> Path:
        return self.settings.outbox_path

    def open(self) -> None:
        """Start the agent, which first finishes a rescue that was cut short, and rescues what it finds damaged."""
        self.inbox = SimpleQueue()
        edge.salvage.resume(self.path)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._kinds.rescue(self.path)
            self.rescues += 1
            self._open()
        if self.outbox.ledger is None:
            self.joined = None

    def _open(self) -> None:
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
        place = None
        with self._as_the_agent_bears_it(), suppress(RefusedError):  # said aloud: nothing was accepted
            place = self.outbox.accept(lines, at=self._time.read().at)
        if place:
            epoch, last = place
            self.truth |= {(epoch, last - len(lines) + 1 + n): line for n, line in enumerate(lines)}
            self.uplink.accepted(place)

    def take(self) -> Delivery | None:
        """Take one thing from the inbox; return it if it was a message. Raises Empty."""
        item = self.inbox.get_nowait()
        with self._as_the_agent_bears_it():
            match item:
                case Up():
                    self.uplink.up()
                case Down(reason):
                    self.uplink.down(reason)
                case Delivery() as delivery if self.uplink.is_receipt(delivery):
                    self.uplink.receive(delivery)
                    return delivery
        return None

    def pump(self) -> None:
        with self._as_the_agent_bears_it():
            self.uplink.pump()
        self.link.work()

    def keep(self) -> None:
        """Keep house a month later."""
        now = self._time.read()
        with self._as_the_agent_bears_it():
            self.uplink.kept(self.outbox.keep(Reading(now.at + MONTH, now.mono_ms, now.boot, now.clock)))

    def on_disk(self) -> dict[Number, bytes]:
        """What can be read of the card, after a rescue if it must be."""
        for _ in range(2):
            with self._as_the_agent_bears_it():
                return self._on_disk()
        raise AssertionError("a card that was just rescued is damaged")

    def _on_disk(self) -> dict[Number, bytes]:
        found: dict[Number, bytes] = {}
        for held in self.uplink.sending.held.values():
            for seq in range(held.lowest, held.last + 1):
                lines, _ = self.outbox.read(held.epoch, seq, events=1, size_bytes=10_000)
                if lines:
                    found[held.epoch, seq] = lines[0]
        return found

    # -- damage --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _as_the_agent_bears_it(self) -> Iterator[None]:
        """A disk that fails is left alone for a while; a damaged file is rescued, and the agent begins anew."""
        try:
            yield
        except sqlite3.OperationalError:
            return
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self.rescue()

    def spoil(self, page: int, byte: bytes) -> set[Number]:
        """Overwrite a page of the file while nobody has it open; return the events that may be gone with it."""
        self.close()
        data = bytearray(self.path.read_bytes())
        start = page % (len(data) // PAGE_BYTES) * PAGE_BYTES
        page_was = bytes(data[start : start + PAGE_BYTES])
        data[start : start + PAGE_BYTES] = byte * PAGE_BYTES
        self.path.write_bytes(data)
        return {number for number, line in self.truth.items() if line in page_was}

    def rescue(self, *, cut_short: bool = False) -> None:
        """What the agent does once it has met the damage. `cut_short`: it is killed before the last step."""
        connected = self.link.connected
        self.close()
        with suppress(Killed):
            if cut_short:
                with standing_in(edge.salvage, "_move_aside", _move_aside_and_die):
                    self._kinds.rescue(self.path)
            else:
                self._kinds.rescue(self.path)
        self.rescues += 1
        self.open()
        if connected:
            self.link.rise()

    # -- what the edge knows -------------------------------------------------------------------------------------------

    def marked(self) -> set[Number]:
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
        for file in self.path.parent.glob(self.path.name + "*"):
            file.unlink()
        self.truth, self.joined = (dict(image.truth), image.joined) if image else ({}, None)
        if image:
            shutil.copy(image.path, self.path)


@dataclass(frozen=True)
class Image:
    """A copy of a card, and what had been accepted on it."""

    path: Path
    edge: str
    truth: dict[Number, bytes]
    joined: str | None


_move_aside = edge.salvage._move_aside


def _move_aside_and_die(path: Path) -> Path:
    _move_aside(path)
    raise Killed
