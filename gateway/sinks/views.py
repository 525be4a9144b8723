"""What each firm may see of each order, as retained MQTT messages that its edges keep on their disks."""

import hashlib
import threading
import time
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import DatabaseError

from broker.failpoints import Point, hit
from broker.link import Delivery, Link
from broker.settings import Mqtt
from broker.topics import GATEWAY, Kind, Topic, TopicError, order_subscription
from gateway.sinks import Notes
from gateway.state import Seen, State
from gateway.store import reason

NAME = "views"
CLIENT_ID = "mw.gateway.views"
_SWEEP_CLIENT_ID = "mw.gateway.views.sweep"
_AT_ONCE = 200
"""Messages published before their acknowledgements are awaited."""
_PUBACK_SECONDS = 30.0
_IDLE_SECONDS = 1.0
_QUIET_SECONDS = 2.0
"""When no retained message has come for so long, the broker has sent them all."""

_log = structlog.get_logger()


class ViewsSink:
    """Publishes views above its cursor, and moves it when the broker has acknowledged all before it."""

    def __init__(self, settings: Mqtt, state: State, notes: Notes) -> None:
        self._settings, self._state, self._notes = settings, state, notes
        self._awake = threading.Event()
        self._link = Link(settings, CLIENT_ID, listener=self, keep_session=True)
        self._born = -1
        self._cursor = 0
        self._all_again = False
        self._swept = False
        self._sweeper: _Held | None = None
        self._down = ""
        self._ending = False

    def wake(self) -> None:
        """Hear that there may be new views."""
        self._awake.set()

    # -- the connection, in its own thread -----------------------------------------------------------------------------

    def on_up(self, *, session_present: bool) -> None:
        """Publish everything again if the broker does not know us: it has been wiped, or is another one."""
        if not session_present:
            self._all_again = True
        self._swept = False  # whoever took our place meanwhile may have cleared or changed what we had retained
        if self._down:
            _log.info("the broker takes views again")
        self._down = ""
        self._awake.set()

    def on_down(self, reason: str) -> None:
        """Say once that views wait."""
        if not self._down and not self._ending:
            _log.warning("views wait for the broker", reason=reason)
        self._down = reason
        self._awake.set()

    def on_message(self, delivery: Delivery) -> None:
        """Nothing is subscribed here."""

    # -- the sink's thread ---------------------------------------------------------------------------------------------

    def run(self, stopping: threading.Event) -> None:
        """Publish until `stopping`."""
        self._link.start()
        unread = False
        while not stopping.is_set():
            self._awake.clear()
            try:
                busy = self._link.connected and self._turn(stopping)
            except DatabaseError as error:
                if not unread:
                    _log.warning("views wait: the state cannot be read now", reason=reason(error))
                unread, busy = True, False
            else:
                if unread:
                    _log.info("views go on: the state can be read again")
                unread = False
            if not busy:
                self._awake.wait(_IDLE_SECONDS)
        self._ending = True
        if self._sweeper:
            self._sweeper.stop()
        self._link.stop()

    def _turn(self, stopping: threading.Event) -> bool:
        """Publish one batch; return whether there was one."""
        if (born := self._state.born()) != self._born:
            self._born, self._cursor, self._swept = born, self._state.cursors().get(NAME, 0), False
        if self._all_again:
            self._all_again, self._cursor = False, 0
        batch = self._state.seen(self._cursor, _AT_ONCE)
        if batch:
            hit(Point.VIEWS_PUBLISHING)
            if self._publish(batch, stopping):
                hit(Point.VIEWS_PUBLISHED)
                self._cursor = batch[-1].revision
                self._notes.cursor(NAME, self._cursor)
                hit(Point.VIEWS_MARKED)
            return True
        if not self._swept and born and self._notes.caught_up.is_set():
            self._sweep(stopping)
        return False

    def _publish(self, batch: list[Seen], stopping: threading.Event) -> bool:
        """Publish and wait for every acknowledgement; False if the connection ended first."""
        connection, acknowledged = self._link.connection, threading.Semaphore(0)
        for seen in batch:
            payload = (seen.payload or "").encode()
            self._link.publish(_topic(seen.firm, seen.order), payload, retain=True, done=acknowledged.release)
        deadline = time.monotonic() + _PUBACK_SECONDS
        for _ in batch:
            while not acknowledged.acquire(timeout=0.2):
                lost = not self._link.connected or self._link.connection != connection
                if lost or stopping.is_set() or time.monotonic() > deadline:
                    return False
        return not self._all_again

    def _sweep(self, stopping: threading.Event) -> None:
        """Once a start, beside the publishing: read what the broker has retained, then put it right."""
        if self._sweeper is None:
            self._sweeper = _Held(self._settings)
        held = self._sweeper.all()
        if held is not None and self._put_right(held, stopping):
            self._swept = True
            self._sweeper.stop()
            self._sweeper = None

    def _put_right(self, held: Mapping[str, bytes], stopping: threading.Event) -> bool:
        """Clear retained views without a row, and publish those that are missing or differ."""
        rows = {_topic(seen.firm, seen.order): seen for seen in self._rows() if seen.payload is not None}
        wrong = [seen for topic, seen in rows.items() if held.get(topic) != _digest(seen.payload or "")]
        stale = [Seen(topic.item or "", topic.firm, None, 0) for topic in map(Topic.parse, held.keys() - rows)]
        found = [*stale, *wrong]
        for start in range(0, len(found), _AT_ONCE):
            if not self._publish(found[start : start + _AT_ONCE], stopping):
                return False
        if found:
            _log.info("retained views put right", cleared=len(stale), published=len(wrong))
        return True

    def _rows(self) -> list[Seen]:
        rows: list[Seen] = []
        while some := self._state.seen(rows[-1].revision if rows else 0, 1000):
            rows += some
        return rows


class _Held:
    """What the broker has retained, by topic, as digests: a subscription of its own, so that it is sent everything."""

    def __init__(self, settings: Mqtt) -> None:
        self._topics: dict[str, bytes] = {}
        self._guard = threading.Lock()
        self._last = 0.0
        self._link = Link(settings, _SWEEP_CLIENT_ID, listener=self, subscriptions=(order_subscription("+"),))
        self._link.start()

    def stop(self) -> None:
        """End the subscription."""
        self._link.stop()

    def all(self) -> dict[str, bytes] | None:
        """Return everything that is retained; None until nothing more has come for a while."""
        with self._guard:
            quiet = self._last and time.monotonic() - self._last > _QUIET_SECONDS
            return dict(self._topics) if quiet else None

    def on_up(self, *, session_present: bool) -> None:
        """Begin to wait for silence."""
        _ = session_present
        with self._guard:
            self._last = time.monotonic()

    def on_down(self, reason: str) -> None:
        """Begin again with the next connection."""
        _ = reason
        with self._guard:
            self._last = 0.0
            self._topics.clear()

    def on_message(self, delivery: Delivery) -> None:
        """Take what was retained, and what is published meanwhile."""
        with self._guard:
            if delivery.retained:
                self._last = time.monotonic()
            if _ours(delivery.topic):
                self._topics[delivery.topic] = _digest(delivery.payload.decode(errors="replace"))
                if not delivery.payload:
                    del self._topics[delivery.topic]


def _ours(topic: str) -> bool:
    try:
        return Topic.parse(topic).edge == GATEWAY
    except TopicError:
        return False


def _topic(firm: str, order: str) -> str:
    return str(Topic(firm, GATEWAY, Kind.ORDER, order))


def _digest(payload: str) -> bytes:
    return hashlib.sha256(payload.encode()).digest()
