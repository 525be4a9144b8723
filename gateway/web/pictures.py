"""The retained pictures of stations, as their edges publish them, followed over MQTT: for display, never evidence.

What is drawn of them is decided in `gateway.web.devices`. Without a broker there are none, and the pages say nothing of
devices.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from broker.link import Delivery, Link
from broker.messages import MessageError, Presence, StationView
from broker.settings import Mqtt
from broker.topics import GATEWAY, Kind, Topic, TopicError, client_id, subscription

STATIONS_MOST = 200
"""Stations of one firm that are shown: more would be somebody who fills our memory."""
EDGES_MOST = 200

_log = structlog.get_logger("web")


@dataclass(frozen=True, slots=True)
class Pictured:
    """A station's picture, and which edge made it."""

    firm: str
    edge: str
    view: StationView


@dataclass(slots=True)
class Pictures:
    """What was last published of every station, and which edges are connected. The event loop's thread only."""

    stations: dict[tuple[str, str, str], Pictured] = field(default_factory=dict)
    online: dict[tuple[str, str], bool] = field(default_factory=dict)

    def of(self, firm: str) -> list[Pictured]:
        """Return a firm's pictures."""
        return [one for one in self.stations.values() if one.firm == firm]

    def offline(self, firm: str) -> frozenset[str]:
        """Return the firm's edges that are known not to be connected."""
        return frozenset(edge for (owner, edge), online in self.online.items() if owner == firm and not online)

    def take(self, topic: Topic, payload: bytes) -> bool:
        """Take what arrived under a topic; return whether anything changed. Raises MessageError."""
        if topic.kind is Kind.PRESENCE:
            return self._presence(topic, payload)
        assert topic.item
        place = topic.firm, topic.edge, topic.item
        if not payload:
            return self.stations.pop(place, None) is not None
        view = StationView.decode(payload)
        known = self.stations.get(place)
        if known is None and sum(one.firm == topic.firm for one in self.stations.values()) >= STATIONS_MOST:
            raise MessageError(f"the firm has more than {STATIONS_MOST} stations")
        self.stations[place] = Pictured(topic.firm, topic.edge, view)
        return known is None or known.view != view

    def _presence(self, topic: Topic, payload: bytes) -> bool:
        place = topic.firm, topic.edge
        if not payload:
            return self.online.pop(place, None) is not None
        if place not in self.online and sum(firm == topic.firm for firm, _ in self.online) >= EDGES_MOST:
            raise MessageError(f"the firm has more than {EDGES_MOST} edges")
        before, self.online[place] = self.online.get(place), Presence.decode(payload).online
        return before is not self.online[place]

    def clear(self) -> frozenset[str]:
        """Forget everything: the connection is gone, and nobody knows. Return the firms that it concerns."""
        firms = frozenset(firm for firm, _, _ in self.stations) | frozenset(firm for firm, _ in self.online)
        self.stations.clear()
        self.online.clear()
        return firms


class Follower:
    """Keeps `pictures` current over a link of its own; `changed` is told in the event loop which firms to look at."""

    def __init__(
        self,
        settings: Mqtt,
        pictures: Pictures,
        changed: Callable[[frozenset[str]], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._pictures, self._changed, self._loop = pictures, changed, loop
        self._said: str | None = None
        subscriptions = (subscription(Kind.STATION), subscription(Kind.PRESENCE))
        self._link = Link(settings, client_id(GATEWAY, "web"), listener=self, subscriptions=subscriptions)

    def start(self) -> None:
        """Begin connecting; returns at once."""
        self._link.start()

    def stop(self) -> None:
        """Let go of the connection."""
        self._link.stop()

    def on_up(self, *, session_present: bool) -> None:  # noqa: ARG002 - we keep no session
        """See `broker.link.Listener`."""
        self._say(None)

    def on_down(self, reason: str) -> None:
        """See `broker.link.Listener`."""
        self._say(reason)
        self._hand(self._forget)

    def on_message(self, delivery: Delivery) -> None:
        """See `broker.link.Listener`."""
        self._hand(self._take, delivery)

    def _take(self, delivery: Delivery) -> None:
        try:
            topic = Topic.parse(delivery.topic)
            if self._pictures.take(topic, delivery.payload):
                self._changed(frozenset({topic.firm}))
        except (TopicError, MessageError) as error:
            _log.debug("a picture was not understood", topic=delivery.topic, reason=str(error))

    def _forget(self) -> None:
        self._changed(self._pictures.clear())

    def _hand(self, what: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)

    def _say(self, trouble: str | None) -> None:
        if (trouble is None) != (self._said is None):
            if trouble:
                _log.warning("how devices are heard is not shown: there is no broker", reason=trouble)
            else:
                _log.info("following how devices are heard")
        self._said = trouble
