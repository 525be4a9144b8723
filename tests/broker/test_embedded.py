"""The demo's broker as a real process: what amqtt alone does not keep, and what a neighbour must not get."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.embedded import matches, passwords
from broker.link import Will
from broker.settings import Mqtt
from tests.broker.ears import Ear
from tests.conftest import until
from tests.ports import free_port

EVENTS, RECEIPT = "mw/1/turning/pi-1/events", "mw/1/turning/pi-1/receipt"

pytestmark = pytest.mark.slow


class Broker:
    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        users = directory / "users"
        users.write_text("".join(f"{user}:{user}-password\n" for user in ("gateway", "turning", "plating")))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "broker.embedded", "--port", str(self.port), "--password-file", str(users)],
            stderr=(directory / "log").open("wb"),
        )
        until(lambda: "ready" in self.log, what="the broker to say that it is ready")

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def settings(self, user: str, password: str | None = None) -> Mqtt:
        file = self.directory / user
        file.write_text(password or f"{user}-password")
        return Mqtt(
            port=self.port,
            version="3.1.1",
            username=user,
            password_file=file,
            reconnect_seconds_max=0.2,
            keepalive_seconds=5,
        )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    started = Broker(tmp_path)
    yield started
    started.process.terminate()
    assert started.process.wait(5) == 0


@pytest.fixture
def gateway(broker: Broker) -> Callable[..., Ear]:
    return lambda **more: Ear(broker.settings("gateway"), "mw.gateway", "mw/1/+/+/events", keep=True, **more)


def test_what_is_sent_while_the_gateway_is_away_arrives_in_order_when_it_comes_back(
    broker: Broker, gateway: Callable[..., Ear]
) -> None:
    with gateway():
        pass
    bundles = [b"%d" % number for number in range(1500)]
    with Ear(broker.settings("turning"), "mw.turning.pi-1") as edge:
        edge.say_all([(EVENTS, bundle) for bundle in bundles])
    with gateway() as back:
        back.wait_for(bundles[-1])
        assert back.payloads == bundles
        assert back.session_present
        assert not any(delivery.retained for delivery in back.heard)


def test_a_bundle_that_was_not_acknowledged_comes_again_after_a_kill_and_after_more_than_five_seconds(
    broker: Broker, gateway: Callable[..., Ear]
) -> None:
    with Ear(broker.settings("turning"), "mw.turning.pi-1") as edge, gateway(hold=True) as first:
        edge.say_all([(EVENTS, b"one"), (EVENTS, b"two")])
        first.wait_for(b"one", b"two")
        time.sleep(5.5)  # amqtt alone forgets after 5 s
        assert first.payloads == [b"one", b"two"], "nothing is sent twice on one connection"
    with gateway() as second:
        second.wait_for(b"one", b"two")
        assert second.payloads == [b"one", b"two"]
    with gateway() as third:
        with Ear(broker.settings("turning"), "mw.turning.pi-1") as edge:
            edge.say(EVENTS, b"three")
        third.wait_for(b"three")
        assert third.payloads == [b"three"], "what was acknowledged is gone"


def test_a_second_connection_of_the_same_client_takes_over_and_hears_everything_from_then_on(
    broker: Broker, gateway: Callable[..., Ear]
) -> None:
    with gateway(hold=True) as first, Ear(broker.settings("turning"), "mw.turning.pi-1") as edge:
        edge.say(EVENTS, b"before")
        first.wait_for(b"before")
        first.link.pause()  # it hangs: its connection stays open
        with gateway() as second:
            edge.say(EVENTS, b"after")
            second.wait_for(b"before", b"after")


def test_a_retained_view_waits_for_its_firm_and_for_nobody_else(broker: Broker) -> None:
    turning, plating = "mw/1/turning/gateway/order/k1", "mw/1/plating/gateway/order/k1"
    with Ear(broker.settings("gateway"), "mw.projector") as projector:
        projector.say(turning, b"for turning", retain=True)
        projector.say(plating, b"for plating", retain=True)
        with Ear(broker.settings("turning"), "mw.turning.pi-1", "mw/1/#", keep=True) as edge:
            edge.wait_for(b"for turning")
            with Ear(broker.settings("plating"), "mw.plating.pi-1", "mw/1/+/gateway/order/+") as other:
                other.wait_for(b"for plating")
                projector.say(turning, b"changed", retain=True)
                edge.wait_for(b"changed")
                projector.say(plating, b"changed too", retain=True)
                other.wait_for(b"changed too")
                assert edge.topics == {turning}
                assert other.topics == {plating}
        projector.say(turning, b"", retain=True)
        projector.say(plating, b"still here", retain=True)
        with (
            Ear(broker.settings("plating"), "mw.plating.pi-2", "mw/1/+/gateway/order/+") as late,
            Ear(broker.settings("turning"), "mw.turning.pi-2", "mw/1/+/gateway/order/+", RECEIPT) as cleared,
        ):
            late.wait_for(b"still here")
            projector.say(RECEIPT, b"receipt")
            cleared.wait_for(b"receipt")
            assert cleared.payloads == [b"receipt"], "a cleared view is gone"


def test_a_firm_that_writes_its_neighbours_topics_reaches_nobody(broker: Broker) -> None:
    with (
        Ear(broker.settings("gateway"), "mw.gateway", "mw/1/#", keep=True) as gateway,
        Ear(broker.settings("plating"), "mw.plating.pi-1", "mw/1/#", keep=True) as plating,
        Ear(broker.settings("turning"), "mw.turning.pi-1") as turning,
    ):
        for topic in (
            "mw/1/plating/pi-1/events",
            "mw/1/plating/pi-1/receipt",
            RECEIPT,
            "mw/1/turning/gateway/order/k1",
            "x",
        ):
            turning.say(topic, b"forged")
        turning.say(EVENTS, b"own")
        gateway.wait_for(b"own")
        gateway.say("mw/1/plating/pi-1/receipt", b"real")
        plating.wait_for(b"real")
        assert gateway.topics == {EVENTS, "mw/1/plating/pi-1/receipt"}
        assert plating.payloads == [b"real"]


def test_an_edge_that_breaks_off_leaves_its_last_will_and_one_that_says_goodbye_does_not(broker: Broker) -> None:
    topic = "mw/1/turning/pi-1/presence"
    with Ear(broker.settings("gateway"), "mw.gateway", "mw/1/+/+/presence", keep=True) as gateway:
        with Ear(broker.settings("turning"), "mw.turning.pi-1", will=Will(topic, b"gone")) as edge:
            edge.say(topic, b"here", retain=True)
            edge.link.stop(last=(topic, b"goodbye"))
        gateway.wait_for(b"goodbye")
        text = lambda value: len(value).to_bytes(2, "big") + value  # noqa: E731
        body = text(b"MQTT") + bytes([4, 0b11101110]) + (30).to_bytes(2, "big") + text(b"mw.turning.pi-9")
        body += text(topic.encode()) + text(b"cut off") + text(b"turning") + text(b"turning-password")
        with socket.create_connection(("127.0.0.1", broker.port)) as cut:
            cut.sendall(bytes([0x10, len(body)]) + body)
            assert cut.recv(4) == bytes([0x20, 2, 0, 0]), "CONNACK, accepted"
        gateway.wait_for(b"cut off")
        assert b"gone" not in gateway.payloads


def test_nobody_without_the_right_password_gets_in(broker: Broker) -> None:
    for settings in (
        broker.settings("turning", "wrong"),
        broker.settings("nobody"),
        Mqtt(port=broker.port, version="3.1.1"),
    ):
        ear = Ear(settings.model_copy(update={"reconnect_seconds_max": 0.05}), "mw.turning.pi-1", "mw/1/#")
        ear.link.start()
        until(lambda ear=ear: ear.reasons, what="the refusal")
        ear.link.stop()
        assert "Not authorized" in ear.reasons[0]


def test_it_listens_on_this_machine_only_and_ends_quietly(broker: Broker) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()
    assert [line.split()[1] for line in listening if f":{broker.port:04X} 00000000:0000" in line] == [
        f"0100007F:{broker.port:04X}"
    ]
    with Ear(broker.settings("turning"), "mw.turning.pi-1"):
        broker.process.send_signal(signal.SIGTERM)
        assert broker.process.wait(5) == 0
    assert len(broker.log.splitlines()) == 1, broker.log


def test_a_taken_port_and_a_bad_password_file_are_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("turning\n")
    with pytest.raises(ValueError, match=r"line 1 is not user:password\. Mend that line\."):
        passwords(tmp_path / "users")
    (tmp_path / "users").write_text("turning:secret\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "broker.embedded", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            [*command, "--password-file", str(tmp_path / "users")],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("the embedded broker cannot start: ")
    assert "address already in use" in ended.stderr


@pytest.mark.parametrize(
    ("topic", "topic_filter", "expected"),
    [
        ("mw/1/a/b/events", "mw/1/+/+/events", True),
        ("mw/1/a/b/events", "mw/1/#", True),
        ("mw/1", "mw/1/#", True),
        ("mw/1/a/b", "mw/1/+", False),
        ("mw/1/a", "mw/1/a/+", False),
        ("$SYS/x", "#", False),
        ("$SYS/x", "$SYS/#", True),
    ],
)
def test_filters_match_as_the_standard_says(topic: str, topic_filter: str, expected: bool) -> None:
    assert matches(topic, topic_filter) is expected
