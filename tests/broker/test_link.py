"""The MQTT link on a real Mosquitto: it comes back, it acknowledges late, and never for another connection."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest

from broker.link import Delivery, Link, Will
from broker.settings import Mqtt
from tests.conftest import Mosquitto, until
from tests.ports import free_port

pytestmark = pytest.mark.slow


class Ear:
    """A listener that keeps what it heard."""

    def __init__(self) -> None:
        self.ups: list[bool] = []
        self.downs: list[str] = []
        self.heard: list[Delivery] = []

    def on_up(self, *, session_present: bool) -> None:
        self.ups.append(session_present)

    def on_down(self, reason: str) -> None:
        self.downs.append(reason)

    def on_message(self, delivery: Delivery) -> None:
        self.heard.append(delivery)

    def payloads(self) -> list[bytes]:
        return [delivery.payload for delivery in self.heard]


@contextmanager
def linked(broker: Mosquitto, name: str, **more: object) -> Iterator[tuple[Link, Ear]]:
    ear = Ear()
    settings = Mqtt(port=broker.port, version=more.pop("version", "5"), reconnect_seconds_max=0.5)  # type: ignore[arg-type]
    link = Link(settings, name, listener=ear, **more)  # type: ignore[arg-type]
    link.start()
    try:
        until(lambda: ear.ups, what="the link to come up")
        yield link, ear
    finally:
        link.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_is_published_arrives_and_its_puback_is_told(mosquitto: Mosquitto, version: str) -> None:
    with linked(mosquitto, "ear", subscriptions=["a/#"], version=version) as (_, ear):  # noqa: SIM117
        with linked(mosquitto, "mouth", version=version) as (link, _):
            told: list[bool] = []
            link.publish("a/b", b"hello", done=lambda: told.append(True))
            until(lambda: ear.payloads() == [b"hello"] and told)


def test_whatever_a_packet_does_to_the_library_the_next_connection_is_made(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    with linked(mosquitto, "ear", subscriptions=["a/#"]) as (_, ear):
        read = paho.Client.loop_read

        def once(client: paho.Client) -> object:
            if client._client_id != b"ear":
                return read(client)
            monkeypatch.setattr(paho.Client, "loop_read", read)
            raise struct.error("unpack requires a buffer of 2 bytes")

        monkeypatch.setattr(paho.Client, "loop_read", once)
        with linked(mosquitto, "mouth") as (mouth, _):
            mouth.publish("a/b", b"too much for the library")
            until(lambda: len(ear.ups) == 2, what="the second connection")
            assert "unpack requires a buffer" in ear.downs[0]
            mouth.publish("a/b", b"hello")
            until(lambda: ear.payloads() == [b"hello"])


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_unacknowledged_messages_come_again_on_the_next_connection(mosquitto: Mosquitto, version: str) -> None:
    keep = {"subscriptions": ["a"], "keep_session": True, "manual_ack": True, "version": version}
    with linked(mosquitto, "ear", **keep) as (link, ear):
        with linked(mosquitto, "mouth") as (mouth, _):
            for text in (b"1", b"2", b"3"):
                mouth.publish("a", text)
            until(lambda: len(ear.heard) == 3)
        link.acknowledge(ear.heard[:1])
    with linked(mosquitto, "ear", **keep) as (_, ear):
        assert ear.ups == [True]
        until(lambda: ear.payloads() == [b"2", b"3"])


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_was_kept_for_us_may_be_answered_at_once_before_our_subscription_is_confirmed(
    mosquitto: Mosquitto, version: str
) -> None:
    """A broker hands over what it kept right behind its CONNACK; an answer to that is no message to drop."""
    keep = {"subscriptions": ["question"], "keep_session": True, "manual_ack": True, "version": version}
    with linked(mosquitto, "answering", **keep) as (_, ear), linked(mosquitto, "mouth") as (mouth, _):
        mouth.publish("question", b"4471?")
        until(lambda: ear.heard)
    with linked(mosquitto, "ear", subscriptions=["answer"]) as (_, ear):
        answering = Answering(Mqtt(port=mosquitto.port, version=version))  # type: ignore[arg-type]
        try:
            until(lambda: ear.payloads() == [b"4471?"], what="the answer")
        finally:
            answering.link.stop()


class Answering(Ear):
    """Says back what it hears as soon as it hears it."""

    def __init__(self, settings: Mqtt) -> None:
        super().__init__()
        self.link = Link(settings, "answering", listener=self, subscriptions=["question"], keep_session=True)
        self.link.start()

    def on_message(self, delivery: Delivery) -> None:
        self.link.publish("answer", delivery.payload)


def test_an_acknowledgement_never_reaches_a_later_connection(mosquitto: Mosquitto) -> None:
    """F9: the broker is wiped while a commit is slow; the old packet id then names another message."""
    keep = {"subscriptions": ["a"], "keep_session": True, "manual_ack": True}
    with linked(mosquitto, "ear", **keep) as (link, ear):
        with linked(mosquitto, "mouth") as (mouth, _):
            mouth.publish("a", b"old")
            until(lambda: ear.heard)
        mosquitto.restart()
        until(lambda: len(ear.ups) == 2)
        with linked(mosquitto, "mouth") as (mouth, _):
            mouth.publish("a", b"new")
            until(lambda: ear.payloads() == [b"old", b"new"])
        assert ear.heard[0].mid == ear.heard[1].mid
        link.acknowledge(ear.heard[:1])  # late, for the connection before
        told: list[bool] = []
        link.publish("elsewhere", b"", done=lambda: told.append(True))
        until(lambda: told, what="the queue of wishes to be served")
    with linked(mosquitto, "ear", **keep) as (_, ear):
        until(lambda: ear.payloads() == [b"new"])


def test_a_paused_link_reads_nothing_and_loses_nothing(mosquitto: Mosquitto) -> None:
    with linked(mosquitto, "ear", subscriptions=["a"]) as (link, ear), linked(mosquitto, "mouth") as (mouth, _):
        link.pause()
        told: list[bool] = []
        for _ in range(50):
            mouth.publish("a", b"x" * 1000, done=lambda: told.append(True))
        until(lambda: len(told) == 50)
        assert len(ear.heard) <= 1  # the packet that was being read when we paused
        link.resume()
        until(lambda: len(ear.heard) == 50)


def test_it_comes_back_after_the_broker_was_away_and_says_so_once_each_way(mosquitto: Mosquitto) -> None:
    with linked(mosquitto, "ear", subscriptions=["a"]) as (_, ear):
        mosquitto.kill()
        until(lambda: ear.downs)
        assert "127.0.0.1" in ear.downs[0]
        mosquitto.start()
        until(lambda: len(ear.ups) == 2)
        with linked(mosquitto, "mouth") as (mouth, _):
            mouth.publish("a", b"again")
            until(lambda: ear.payloads() == [b"again"])


def test_the_will_is_left_when_we_vanish_and_not_when_we_say_goodbye(mosquitto: Mosquitto) -> None:
    with linked(mosquitto, "ear", subscriptions=["presence"]) as (_, ear):
        with linked(mosquitto, "one", will=Will("presence", b"lost")) as (link, _):
            link.stop(("presence", b"goodbye"))
        until(lambda: ear.payloads() == [b"goodbye"])
        with linked(mosquitto, "two", will=Will("presence", b"lost")), linked(mosquitto, "two"):
            pass  # a second client with the same id takes over: the first has vanished
        until(lambda: ear.payloads() == [b"goodbye", b"lost"])


def test_an_unreachable_broker_is_named_in_the_reason() -> None:
    ear, port = Ear(), free_port()
    link = Link(Mqtt(port=port), "nobody", listener=ear)
    link.start()
    until(lambda: ear.downs)
    link.stop()
    assert ear.downs[0].startswith(f"the broker at 127.0.0.1:{port} cannot be reached: ")
    assert not ear.ups


def test_a_pause_does_not_keep_a_link_from_coming_back(mosquitto: Mosquitto) -> None:
    with linked(mosquitto, "ear", subscriptions=["a"]) as (link, ear):
        link.pause()
        mosquitto.restart()
        until(lambda: len(ear.ups) == 2, what="the paused link to be let in again")


def test_two_of_one_name_push_each_other_out_and_both_say_so(mosquitto: Mosquitto) -> None:
    with linked(mosquitto, "same") as (_, one), linked(mosquitto, "same") as (_, other):
        question = "times now soon after it was made: does another program connect as same?"
        until(lambda: any(question in down for down in one.downs), seconds=20, what="the first to say so")
        until(lambda: any(question in down for down in other.downs), seconds=20, what="the second to say so")
        assert question not in one.downs[0], "once is no pattern"
