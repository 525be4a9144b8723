"""A client of ours with a list of what arrived: what the tests of both brokers listen with."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from broker.link import Delivery, Link, Will
from broker.settings import Mqtt
from tests.conftest import until


class Ear:
    """One `broker.link.Link`; acknowledges at once unless told to hold."""

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        *filters: str,
        keep: bool = False,
        hold: bool = False,
        will: Will | None = None,
    ) -> None:
        self.heard: list[Delivery] = []
        self.reasons: list[str] = []
        self.session_present = False
        self._acknowledge = keep and not hold
        self.link = Link(
            settings, client_id, listener=self, subscriptions=filters, keep_session=keep, manual_ack=keep, will=will
        )

    def on_up(self, *, session_present: bool) -> None:
        self.session_present = session_present

    def on_down(self, reason: str) -> None:
        self.reasons.append(reason)

    def on_message(self, delivery: Delivery) -> None:
        self.heard.append(delivery)
        if self._acknowledge:
            self.link.acknowledge([delivery])

    def __enter__(self) -> Self:
        self.link.start()
        until(lambda: self.link.connected, what="the connection to be made")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.link.stop()

    @property
    def payloads(self) -> list[bytes]:
        """What was heard, in order."""
        return [delivery.payload for delivery in self.heard]

    @property
    def topics(self) -> set[str]:
        """Where something was heard."""
        return {delivery.topic for delivery in self.heard}

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish and wait until the broker has it."""
        self.say_all([(topic, payload)], retain=retain)

    def say_all(self, messages: Sequence[tuple[str, bytes]], *, retain: bool = False) -> None:
        """Publish all, then wait until the broker has all."""
        done: list[int] = []
        for topic, payload in messages:
            self.link.publish(topic, payload, retain=retain, done=lambda: done.append(1))
        until(lambda: len(done) == len(messages), what=f"{len(messages)} acknowledgements")

    def wait_for(self, *payloads: bytes) -> None:
        """Wait until all of these have been heard."""
        until(lambda: set(payloads) <= set(self.payloads), what=f"{payloads!r}, heard {self.payloads[-5:]!r}")
