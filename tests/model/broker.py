"""A broker as the promise must expect it: queues in memory that may lose, repeat, reorder, hold back and be wiped.

Its packet ids begin at 1 in every new session, as Mosquitto's do, so that a late acknowledgement names another message.
The links are the product's own (`broker.link.Link`): only the socket and the thread below them are replaced.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from broker.link import Delivery, Link, Listener, Will
from broker.settings import Mqtt


class Message(NamedTuple):
    """What was published."""

    topic: str
    payload: bytes


@dataclass
class Session:
    """What the broker keeps of one client: the queue, what is unacknowledged by packet id, and the connection."""

    filters: Sequence[str]
    keeps: bool
    queue: deque[Message] = field(default_factory=deque)
    unacknowledged: dict[int, Message] = field(default_factory=dict)
    packets: int = 0
    link: "WireLink | None" = None


class Broker:
    """`published` and `acknowledged` (client's name, message) are told of what a client sends, and of its PUBACKs."""

    def __init__(
        self, *, published: Callable[[str, Message], None], acknowledged: Callable[[str, Message], None]
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.held_back: list[Message] = []
        self._published, self._acknowledged = published, acknowledged

    # -- what clients do -----------------------------------------------------------------------------------------------

    def attach(self, link: "WireLink") -> bool:
        """Take in a connection; a second one of the same name ends the first. Returns whether the session was kept."""
        before = self.sessions.get(link.name)
        if before and before.link:
            before.link.lose("session taken over")
            before = self.sessions.get(link.name)
        session = before or Session(link.filters, link.keeps)
        self.sessions[link.name] = session
        session.link = link
        return before is not None

    def detach(self, link: "WireLink") -> None:
        session = self.sessions.get(link.name)
        if session is None or session.link is not link:
            return
        session.link = None
        session.queue.extendleft(reversed(session.unacknowledged.values()))
        session.unacknowledged.clear()
        if not session.keeps:
            del self.sessions[link.name]

    def send(self, link: "WireLink", message: Message) -> None:
        self._published(link.name, message)
        self.publish(message)

    def publish(self, message: Message) -> None:
        for session in self.sessions.values():
            if any(_matches(one, message.topic) for one in session.filters):
                session.queue.append(message)

    def acknowledge(self, link: "WireLink", packet: int) -> None:
        session = self.sessions.get(link.name)
        if session and session.link is link and (message := session.unacknowledged.pop(packet, None)):
            self._acknowledged(link.name, message)

    # -- what it does by itself ----------------------------------------------------------------------------------------

    def deliver(self, name: str, most: int = 1_000) -> int:
        """Send what waits for a client; return how many messages went."""
        session = self.sessions.get(name)
        count = 0
        while session and session.link and session.queue and count < most:
            message = session.queue.popleft()
            session.packets += 1
            session.unacknowledged[session.packets] = message
            session.link.hear(message, session.packets)
            count += 1
        return count

    # -- what befalls it -----------------------------------------------------------------------------------------------

    def wipe(self) -> None:
        """Killed and begun again with nothing."""
        for session in list(self.sessions.values()):
            if session.link:
                session.link.lose("the broker was killed")
        self.sessions.clear()

    def waiting(self) -> list[tuple[Session, int]]:
        """Every queued message, as session and place."""
        return [(one, place) for _, one in sorted(self.sessions.items()) for place in range(len(one.queue))]


def _matches(wanted: str, topic: str) -> bool:
    parts, levels = wanted.split("/"), topic.split("/")
    return len(parts) == len(levels) and all(p in ("+", one) for p, one in zip(parts, levels, strict=True))


class WireLink(Link):
    """The product's link on the model's broker: `rise` and `lose` are its thread's connecting and losing."""

    def __init__(
        self,
        broker: Broker,
        settings: Mqtt,
        name: str,
        *,
        listener: Listener,
        subscriptions: Sequence[str] = (),
        will: Will | None = None,
        keep_session: bool = False,
        manual_ack: bool = False,
        window: int | None = None,
    ) -> None:
        super().__init__(
            settings,
            name,
            listener=listener,
            subscriptions=subscriptions,
            will=will,
            keep_session=keep_session,
            manual_ack=manual_ack,
            window=window,
        )
        self._wake_r.close()
        self._wake_w.close()
        self.broker, self.name, self.filters, self.keeps = broker, name, tuple(subscriptions), keep_session

    def _wake(self) -> None:
        """Nobody sleeps: `work` is called."""

    def rise(self) -> None:
        """Connect, as the network thread does."""
        if self._up:
            return
        self._connection += 1
        self._wishes.clear()
        self._awaiting.clear()
        present = self.broker.attach(self)
        self._client = _Socket(self)  # type: ignore[assignment]
        self._let_in = self._up = True
        self._listener.on_up(session_present=present)

    def lose(self, reason: str = "gone") -> None:
        """Lose the connection; what was wished for and not done is never done."""
        if not self._up:
            return
        self.broker.detach(self)
        self._client = None
        self._let_in = self._up = False
        self._listener.on_down(reason)

    def work(self) -> None:
        """Do what other threads asked for, as the network thread does."""
        while self._wishes:
            self._wishes.popleft()()

    def hear(self, message: Message, packet: int) -> None:
        self._listener.on_message(Delivery(message.topic, message.payload, False, packet, self._connection))
        if not self._manual_ack:
            self.broker.acknowledge(self, packet)


class _Socket:
    """Stands where paho's client does: publishes are acknowledged at once, which proves nothing."""

    def __init__(self, link: WireLink) -> None:
        self._link, self._mid = link, 0

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> Any:
        self._mid += 1
        self._link.broker.send(self._link, Message(topic, payload))
        return _Info(self._link, self._mid)

    def ack(self, mid: int, qos: int) -> None:
        self._link.broker.acknowledge(self._link, mid)


class _Info:
    """What publishing returned; `rc` is read after the link has decided whether to wait for a PUBACK."""

    def __init__(self, link: WireLink, mid: int) -> None:
        self.mid, self.rc = mid, 0
        self._link = link
        link._wishes.append(self._acknowledged)

    def _acknowledged(self) -> None:
        if done := self._link._awaiting.pop(self.mid, None):
            done()
