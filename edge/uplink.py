"""The way up: carries out what `edge.sending` decides, over one MQTT link, and takes back what the server says.

Runs in the agent's one working thread; the link's thread only fills the inbox.
"""

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import metadata

from broker.clock import Clock, Reading
from broker.failpoints import Point, hit
from broker.link import Delivery, Link, Will
from broker.messages import (
    BUNDLE_BYTES,
    HELLO_EPOCHS,
    LOST_RANGES,
    Bundle,
    EpochHeld,
    Header,
    Hello,
    MessageError,
    Presence,
    Receipt,
    StationView,
    new_nonce,
)
from broker.ranges import size
from broker.topics import Kind, Topic, client_id, order_subscription
from edge.inbox import Down, Inbox, Up
from edge.log import Log
from edge.outbox import Outbox
from edge.sending import Held, Ignored, SayHello, SendBundle, Sending
from edge.settings import Edge

_HEADER_BYTES = 1024
"""What a header and line ends may take of a bundle's 256 KiB."""
_OTHER_SERVER_SECONDS = 600.0
"""How long a stranger's answer is shown, and how long one line in the log speaks for all that follow."""


class Uplink:
    """Sends what waits, says hello, obeys receipts. Call `pump` after anything happened and at `due`."""

    def __init__(self, settings: Edge, outbox: Outbox, *, clock: Clock, inbox: Inbox, log: Log) -> None:
        self._settings, self._outbox, self._clock, self._log = settings, outbox, clock, log
        self.sending = Sending.of(outbox.held(), outbox.ledger)
        self.refused = 0
        self._other_server_at = -_OTHER_SERVER_SECONDS
        self.connected = False
        self._said_down = False
        self._pictures: dict[str, StationView] = {}
        self._withdrawn: frozenset[str] = frozenset()
        self._receipts = str(self._topic(Kind.RECEIPT))
        presence = str(self._topic(Kind.PRESENCE))
        self._offline = (presence, Presence(online=False).encode())
        self.link = Link(
            settings.mqtt,
            client_id(settings.firm, settings.edge),
            listener=ToInbox(inbox),
            subscriptions=(self._receipts, order_subscription(settings.firm)),
            will=Will(*self._offline),
        )

    def start(self) -> None:
        """Begin connecting."""
        self.link.start()

    def stop(self) -> None:
        """Say that we are going, and go."""
        self.link.stop(last=self._offline)

    # -- facts ---------------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Note the new connection: presence, a hello, then everything that waits and the stations' pictures."""
        self.connected = True
        self._log("INFO", "connected to the broker", waiting=self.sending.waiting)
        self._said_down = False
        self.link.publish(str(self._topic(Kind.PRESENCE)), Presence(online=True).encode(), retain=True)
        self.sending.up(new_nonce(), time.monotonic())
        for view in self._pictures.values():
            self._publish_picture(view)
        for station in self._withdrawn - self._pictures.keys():
            self.link.publish(str(self._topic(Kind.STATION, station)), b"", retain=True)

    def down(self, reason: str) -> None:
        """Note that there is no connection; one line until there is one again."""
        self.connected = False
        self.sending.down()
        if not self._said_down:
            self._said_down = True
            self._log("WARNING", "offline: scans are kept here and sent later", reason=reason)

    def accepted(self, place: tuple[str, int] | None) -> None:
        """Note what the outbox accepted."""
        if place:
            self.sending.accepted(*place, time.monotonic())

    def refuse(self) -> None:
        """Note a scan that could not be stored, and tell the server soon: nobody else can."""
        self.refused += 1
        self.sending.ask_hello()

    def kept(self, lowest: Mapping[str, int]) -> None:
        """Note what the outbox still keeps."""
        self.sending.kept(lowest)

    def is_receipt(self, delivery: Delivery) -> bool:
        """Say whether a delivery is for us to obey or ignore."""
        return delivery.topic == self._receipts

    def receive(self, delivery: Delivery) -> None:
        """Take what arrived under our receipt topic."""
        try:
            receipt = Receipt.decode(delivery.payload)
        except MessageError as error:
            self._ignore(f"no receipt of this version: {error}")
            self.sending.ignored += 1
            return
        verdict = self.sending.receipt(receipt, time.monotonic())
        if isinstance(verdict, Ignored):
            if verdict is not Ignored.LATE:
                self._ignore(verdict.value, ledger=receipt.ledger)
            return
        hit(Point.EDGE_RECEIPTED)
        if verdict.joined:
            self._log("INFO", "this edge joined a ledger", ledger=verdict.ledger)
        if verdict.replaced:
            self._log("WARNING", "the server was restored: everything it lost is sent again", ledger=verdict.ledger)
        try:
            self._outbox.mark(verdict.ledger, verdict.marks)
        except sqlite3.OperationalError as error:
            # known here, not on disk: after a restart it is sent again, which changes nothing
            self._log("ERROR", "the disk refuses to note what was sent: make room", why=error)

    def picture(self, view: StationView) -> None:
        """Publish a station's picture if it changed."""
        before = self._pictures.get(view.station)
        if before is None or before.model_copy(update={"at": view.at}) != view:
            self._pictures[view.station] = view
            self._publish_picture(view)

    def withdraw(self, stations: Iterable[str]) -> None:
        """Take back, at every connection, what is still retained of these stations, if they have no picture now."""
        self._withdrawn = frozenset(stations)

    @property
    def other_server(self) -> bool:
        """Whether somebody we must not obey has answered lately."""
        return time.monotonic() - self._other_server_at < _OTHER_SERVER_SECONDS

    @property
    def answered(self) -> bool:
        """Whether the server itself answers, not only the broker."""
        return self.sending.answered(time.monotonic())

    # -- doing ---------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Do everything that is to be done now."""
        while (what := self.sending.turn(time.monotonic())) is not None:
            match what:
                case SayHello():
                    self._say_hello()
                case SendBundle(epoch, first, most):
                    self._send(epoch, first, most)

    def due_seconds(self) -> float:
        """Return in how many seconds `pump` must be called even if nothing happens."""
        due = self.sending.due()
        return 60.0 if due is None else max(0.0, due - time.monotonic())

    def _say_hello(self) -> None:
        sending = self.sending
        hello = hello_of(
            sending.held.values(), sending.ledger, self._clock.read(), nonce=sending.nonce or "", refused=self.refused
        )
        self.link.publish(str(self._topic(Kind.HELLO)), hello.encode())
        hit(Point.EDGE_GREETED)
        self.sending.said_hello(time.monotonic())

    def _send(self, epoch: str, first: int, most: int) -> None:
        lines, lost = self._outbox.read(epoch, first, events=most, size_bytes=BUNDLE_BYTES - _HEADER_BYTES)
        if lost:
            self.sending.damaged(epoch, lost)
            self._log("ERROR", "events on this disk are damaged and lost: replace the card", epoch=epoch, numbers=lost)
        if not lines:
            return
        hit(Point.EDGE_PUBLISHING)
        now = self._clock.read()
        header = Header(
            at=now.at,
            mono_ms=now.mono_ms,
            boot=now.boot,
            clock=now.clock,
            firm=self._settings.firm,
            edge=self._settings.edge,
            epoch=epoch,
            first=first,
            count=len(lines),
            nonce=self.sending.nonce or "",
        )
        self.link.publish(str(self._topic(Kind.EVENTS)), Bundle(header, tuple(lines)).encode())
        hit(Point.EDGE_PUBLISHED)
        self.sending.sent(epoch, first, len(lines), time.monotonic())

    def _publish_picture(self, view: StationView) -> None:
        self.link.publish(str(self._topic(Kind.STATION, view.station)), view.encode(), retain=True)

    def _ignore(self, why: str, **fields: object) -> None:
        known, self._other_server_at = self.other_server, time.monotonic()
        if not known:
            self._log("ERROR", "another server is answering: ask the office which one is right", why=why, **fields)

    def _topic(self, kind: Kind, item: str | None = None) -> Topic:
        return Topic(self._settings.firm, self._settings.edge, kind, item)


def hello_of(held: Iterable[Held], ledger: str | None, now: Reading, *, nonce: str, refused: int = 0) -> Hello:
    """Return a hello that states what an outbox holds: of very many epochs those that wait first, then the newest.

    Lost ranges beyond what a hello takes stay unsaid, so that the gateway goes on naming them as missing.
    """
    epochs = tuple(held)
    newest_first = reversed(epochs)
    told = sorted(newest_first, key=lambda one: not one.waiting)[:HELLO_EPOCHS]
    room = LOST_RANGES
    stated: list[EpochHeld] = []
    for one in reversed(told):
        stated.append(replace(one, lost=one.lost[:room]).stated())
        room -= len(stated[-1].lost)
    return Hello(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        nonce=nonce,
        ledger=ledger,
        epochs=tuple(stated),
        waiting=sum(size(one.waiting) for one in epochs),
        refused=refused,
        version=metadata.version("mawashi"),
    )


class ToInbox:
    """The link's listener: its network thread hands everything over at once."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def on_up(self, *, session_present: bool) -> None:  # noqa: ARG002 - we keep no session
        self._inbox.put(Up())

    def on_down(self, reason: str) -> None:
        self._inbox.put(Down(reason))

    def on_message(self, delivery: Delivery) -> None:
        self._inbox.put(delivery)
