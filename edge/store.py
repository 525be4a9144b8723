"""What an agent and a player share: the outbox with the scan memory, the kept views, and the way up."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from broker.clock import Clock, Reading, clock
from broker.events import AnyEvent, encode
from broker.link import Delivery
from broker.messages import OrderView, StationView
from broker.topics import Topic, TopicError
from edge.inbox import Down, Inbox, Item, Up
from edge.log import Log
from edge.outbox import Outbox, RefusedError, Source
from edge.rules import EMPTY, Memory, UnreadableError, dump, load
from edge.salvage import resume
from edge.settings import Edge
from edge.uplink import Uplink
from edge.views import Views

_KEEP_SECONDS = 5.0
_KEEP_AGAIN_SECONDS, _MUCH_ROWS = 0.5, 1000
"""After a long outage much may go: then it goes on sooner, still a few at a time."""
_TROUBLE_SECONDS = 5.0
"""How long to leave a disk alone that has just failed."""
_MEMORY, _PICTURED = "memory", "pictured"
_PICTURED_MOST = 500


class Store:
    """Everything of one edge but its scanners and its panel."""

    def __init__(self, settings: Edge, *, inbox: Inbox, log: Log) -> None:
        self.settings, self._log = settings, log
        self.clock: Clock = clock()
        now = self.clock.read().at
        if rescued := resume(settings.outbox_path):
            log("ERROR", f"the outbox was damaged: {rescued}. Replace the card")
        self.outbox = Outbox(settings.outbox_path, settings.author, settings.outbox.keeping())
        self.views = Views(settings.views_path, now, log=log)
        self.memory = self._memory()
        self.uplink = Uplink(settings, self.outbox, clock=self.clock, inbox=inbox, log=log)
        self._keep_at = time.monotonic() + _KEEP_SECONDS
        self._trouble_until = 0.0
        self._keeps_views = True
        self._pictured = self._load_pictured()

    def close(self) -> None:
        """Say goodbye and close the files."""
        self.uplink.stop()
        self.views.close()
        self.outbox.close()

    def accept(self, memory: Memory, events: Sequence[AnyEvent], at: Reading, **notes: bytes) -> None:
        """Store events and memory in one transaction. Raises RefusedError; nothing has changed then."""
        lines = [encode(event) for event in events]
        self.uplink.accepted(self.outbox.accept(lines, at=at.at, notes={_MEMORY: dump(memory), **notes}))
        self.memory = memory

    def record(self, events: Sequence[AnyEvent], at: Reading, notes: Mapping[str, bytes]) -> None:
        """Store what machines said. Raises RefusedError, also when the room that is left is for people."""
        lines = [encode(event) for event in events]
        self.uplink.accepted(self.outbox.accept(lines, at=at.at, notes=notes, source=Source.MACHINE))

    def withdraw_pictures(self) -> None:
        """Have the broker forget the stations that are pictured no more: the settings have changed since."""
        self.uplink.withdraw(self._pictured)

    def picture(self, views: Sequence[StationView], at: Reading) -> None:
        """Publish pictures of stations; a later start finds on disk which there were."""
        known = dict.fromkeys([*self._pictured, *(view.station for view in views)])
        if len(known) > len(self._pictured):
            names = list(known)[-_PICTURED_MOST:]
            with suppress(RefusedError):  # a full disk, which scans tell of
                self.outbox.accept([], at=at.at, notes={_PICTURED: json.dumps(names).encode()}, source=Source.MACHINE)
                self._pictured = names
        for view in views:
            self.uplink.picture(view)

    def by_ticket(self, ticket: str) -> OrderView | None:
        """Return the order to which a ticket belongs (see `edge.rules.Orders`); not current while no server answers."""
        view = self.views.by_ticket(ticket)
        return view if view is None or self.uplink.answered else view.model_copy(update={"current": False})

    def take(self, item: Item) -> None:
        """Take what the link says."""
        match item:
            case Up():
                self.uplink.up()
            case Down(reason):
                self.uplink.down(reason)
            case Delivery() if self.uplink.is_receipt(item):
                self.uplink.receive(item)
            case Delivery(topic, payload):
                self._keep_view(topic, payload)

    def work(self) -> None:
        """Send what is to be sent and keep house; a disk that fails is left alone for a while."""
        if time.monotonic() < self._trouble_until:
            return
        try:
            self.uplink.pump()
            if time.monotonic() >= self._keep_at:
                self._keep()
        except sqlite3.OperationalError as error:
            if not self._trouble_until:
                self._log("ERROR", "the disk fails: make room, or replace the card", why=error)
            self._trouble_until = time.monotonic() + _TROUBLE_SECONDS
        else:
            self._trouble_until = 0.0

    def _keep(self) -> None:
        before = sum(one.lowest for one in self.uplink.sending.held.values())
        kept = self.outbox.keep(self.clock.read())
        self.uplink.kept(kept)
        much = sum(kept.values()) - before >= _MUCH_ROWS
        self._keep_at = time.monotonic() + (_KEEP_AGAIN_SECONDS if much else _KEEP_SECONDS)

    def _keep_view(self, topic: str, payload: bytes) -> None:
        if payload and not self.outbox.leaves_room:
            if self._keeps_views:
                self._log("WARNING", "order views are not kept: the disk has room for scans only. Make room there")
            self._keeps_views = False
            return
        self._keeps_views = True
        try:
            key = Topic.parse(topic).item
            why = self.views.put(key, payload, self.clock.read().at) if key else "it has no order key"
        except TopicError as error:
            why = str(error)
        if why:
            self._log("WARNING", "an order view was not kept", topic=topic, why=why)

    def _load_pictured(self) -> list[str]:
        try:
            return [str(name) for name in json.loads(self.outbox.note(_PICTURED) or b"[]")]
        except (ValueError, TypeError):
            return []

    def _memory(self) -> Memory:
        try:
            return load(self.outbox.note(_MEMORY) or b"")
        except UnreadableError as error:
            self._log("ERROR", "the open sessions are forgotten: finish them by hand or in the office", why=error)
            return EMPTY
