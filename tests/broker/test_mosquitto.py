"""The production configuration on a real Mosquitto with a CA of this test's own. The boundary is judged by what arrives.

Mosquitto answers a forbidden SUBSCRIBE with "granted" and a forbidden 3.1.1 PUBLISH with a plain PUBACK (measured), so
answers prove nothing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from broker import topics
from broker.messages import BUNDLE_BYTES, BUNDLE_EVENTS
from broker.settings import Mqtt, Tls
from tests.broker.ears import Ear
from tests.conftest import Mosquitto, listening, until
from tests.ports import free_port

CONFIGURATION = Path(topics.__file__).parent / "mosquitto"
EVENTS = "mw/1/turning/pi-1/events"
DROPPED = "$SYS/broker/publish/messages/dropped"


def settings_of() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (CONFIGURATION / "mosquitto.conf").read_text().splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
    return found


def test_the_access_list_is_current() -> None:
    assert (CONFIGURATION / "acl").read_text() == topics.access_list()


def test_no_bundle_is_larger_than_the_broker_takes_and_nothing_much_larger_passes() -> None:
    limit = int(settings_of()["max_packet_size"][0])
    assert BUNDLE_BYTES + 1024 <= limit <= 2 * BUNDLE_BYTES
    assert BUNDLE_EVENTS == 500, "docs/broker.md sizes the queue by it"


def test_every_setting_that_was_found_needed_is_there() -> None:
    settings = settings_of()
    assert int(settings["max_queued_messages"][0]) >= 10_000_000, (
        "0 is broken in several versions: only bytes may count"
    )
    assert int(settings["max_queued_bytes"][0]) >= 256 << 20
    assert int(settings["autosave_interval"][0]) < 1800
    assert settings["listener"] == ["8883"], "one door"
    for key in ("require_certificate", "use_identity_as_username", "per_listener_settings", "persistence"):
        assert settings[key] == ["true"], key
    assert settings["allow_anonymous"] == ["false"]


def test_every_setting_stands_with_its_reason() -> None:
    text = (CONFIGURATION / "mosquitto.conf").read_text()
    for paragraph in re.split(r"\n\s*\n", text):
        assert paragraph.startswith("#") or paragraph.split()[0] in {"log_dest", "listener"}, paragraph


class Authority:
    """A CA in a directory, made with openssl."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._openssl(
            *("req", "-x509", *self._key("ca"), "-out", self.file("ca.crt"), "-days", "2", "-subj", "/CN=Test CA"),
        )

    def file(self, name: str) -> str:
        return str(self.directory / name)

    def issue(self, name: str, *, alternative: str | None = None) -> Tls:
        """Make a key and a certificate whose common name is `name`."""
        self._openssl("req", "-new", *self._key(name), "-out", self.file("csr"), "-subj", f"/CN={name}")
        (self.directory / "extensions").write_text(f"subjectAltName={alternative}\n" if alternative else "")
        self._openssl(
            *("x509", "-req", "-in", self.file("csr"), "-CA", self.file("ca.crt"), "-CAkey", self.file("ca.key")),
            *("-CAcreateserial", "-days", "2", "-out", self.file(f"{name}.crt"), "-extfile", self.file("extensions")),
        )
        path = self.directory
        return Tls(ca_file=path / "ca.crt", cert_file=path / f"{name}.crt", key_file=path / f"{name}.key")

    def _key(self, name: str) -> tuple[str, ...]:
        return (
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            self.file(f"{name}.key"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Production(Mosquitto):
    """Mosquitto with the committed configuration; only paths and the port are this test's."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port = free_port()
        self.authority = Authority(directory / "ca")
        self.authority.issue("broker", alternative="IP:127.0.0.1,DNS:localhost")
        self.tls = {name: self.authority.issue(name) for name in ("gateway", "turning", "plating")}
        own = directory / "own"
        own.mkdir()
        for name in ("ca.crt", "broker.crt", "broker.key"):
            shutil.copy(self.authority.file(name), own / name)
        shutil.copy(CONFIGURATION / "acl", own / "acl")
        text = (CONFIGURATION / "mosquitto.conf").read_text()
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1").replace(
            "/etc/mosquitto/mawashi", str(own)
        )
        text = text.replace("/var/lib/mosquitto/", f"{directory}/")
        # as root Mosquitto steps down to its own user, which cannot read here
        (directory / "mosquitto.conf").write_text(
            ("user root\n" if os.geteuid() == 0 else "") + "sys_interval 1\n" + text
        )

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or pytest.fail("no mosquitto")
        log = (self.directory / "log").open("ab")
        self.process = subprocess.Popen([program, "-c", str(self.directory / "mosquitto.conf")], stderr=log)
        until(lambda: listening(self.port) or self.process.poll(), what="Mosquitto to listen")
        assert self.process.poll() is None, (self.directory / "log").read_text()

    def settings(self, name: str, version: Literal["5", "3.1.1"] = "5", tls: Tls | None = None) -> Mqtt:
        return Mqtt(port=self.port, version=version, tls=tls or self.tls[name], reconnect_seconds_max=0.2)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    broker = Production(tmp_path_factory.mktemp("production"))
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.slow
class TestTheBoundaryBetweenFirms:
    def test_there_is_one_door(self, production: Production) -> None:
        assert production.process
        process = Path(f"/proc/{production.process.pid}")
        held = {str(handle.readlink()) for handle in (process / "fd").iterdir()}
        sockets = [
            line.split() for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()[1:]
        ]
        doors = [
            local
            for _, local, _, state, *_, inode in (row[:10] for row in sockets)
            if state == "0A" and f"socket:[{inode}]" in held
        ]
        assert doors == [f"0100007F:{production.port:04X}"]

    @pytest.mark.parametrize("version", ["5", "3.1.1"])
    def test_a_firm_that_listens_to_everything_hears_only_its_own(
        self, production: Production, version: Literal["5", "3.1.1"]
    ) -> None:
        with (
            Ear(production.settings("gateway"), "mw.gateway") as gateway,
            Ear(
                production.settings("turning", version), "mw.turning.pi-1", "mw/1/#", "#", "$SYS/#", DROPPED
            ) as turning,
            Ear(
                production.settings("plating", version), "mw.plating.pi-1", "mw/1/turning/#", "mw/1/plating/#"
            ) as plating,
        ):
            for firm in ("turning", "plating"):
                gateway.say(f"mw/1/{firm}/gateway/order/k1", b"view of " + firm.encode(), retain=True)
                gateway.say(f"mw/1/{firm}/pi-1/receipt", b"receipt of " + firm.encode())
            turning.say("mw/1/turning/pi-1/presence", b"online", retain=True)
            turning.say("mw/1/turning/pi-1/station/nc-1", b"picture", retain=True)
            turning.say(EVENTS, b"bundle")
            gateway.say("mw/1/plating/pi-1/receipt", b"last of plating")
            gateway.say("mw/1/turning/pi-1/receipt", b"last of turning")
            turning.wait_for(b"last of turning", b"picture")
            plating.wait_for(b"last of plating")
            assert set(turning.payloads) == {
                *(b"view of turning", b"receipt of turning", b"last of turning", b"online", b"picture"),
            }
            assert set(plating.payloads) == {b"view of plating", b"receipt of plating", b"last of plating"}

    @pytest.mark.parametrize("version", ["5", "3.1.1"])
    def test_a_firm_that_writes_anothers_topics_reaches_nobody(
        self, production: Production, version: Literal["5", "3.1.1"]
    ) -> None:
        with (
            Ear(production.settings("gateway"), "mw.gateway", "mw/1/#") as gateway,
            Ear(production.settings("plating"), "mw.plating.pi-1", "mw/1/plating/#") as plating,
            Ear(production.settings("turning", version), "mw.turning.pi-1", "mw/1/turning/#") as turning,
        ):
            before = len(gateway.heard)  # retained ones of the tests before
            for topic in (
                *("mw/1/plating/pi-1/events", "mw/1/plating/pi-1/hello", "mw/1/plating/pi-1/presence"),
                *("mw/1/plating/pi-1/receipt", "mw/1/plating/pi-1/station/nc-1", "mw/1/plating/gateway/order/k1"),
                *(
                    "mw/1/turning/pi-1/receipt",
                    "mw/1/turning/gateway/order/k1",
                    "mw/1/gateway/pi-1/events",
                    "else/where",
                ),
            ):
                turning.say(topic, b"forged", retain=version == "5")
            turning.say("mw/1/turning/pi-1/hello", b"own hello")
            turning.say(EVENTS, b"own bundle")
            gateway.wait_for(b"own bundle")
            gateway.say("mw/1/plating/pi-1/receipt", b"real")
            plating.wait_for(b"real")
            new = [delivery.payload for delivery in gateway.heard[before:]]
            assert [payload for payload in new if payload not in (b"own hello", b"own bundle", b"real")].count(
                b"forged"
            ) == 0
            assert b"forged" not in plating.payloads + turning.payloads

    def test_a_firm_with_the_gateways_client_id_hears_nothing_of_the_others(self, production: Production) -> None:
        with Ear(production.settings("gateway"), "mw.appender", "mw/1/+/+/events", keep=True, hold=True):
            pass
        with Ear(production.settings("plating"), "mw.plating.pi-1") as plating:
            plating.say("mw/1/plating/pi-1/events", b"a bundle of plating")
            with Ear(production.settings("turning"), "mw.appender", "mw/1/+/+/+", keep=True) as thief:
                plating.say("mw/1/plating/pi-1/events", b"another")
                with Ear(production.settings("gateway"), "mw.other") as gateway:
                    gateway.say("mw/1/turning/pi-1/receipt", b"own")
                thief.wait_for(b"own")
                assert set(thief.payloads) - {b"online"} == {b"own"}, "its own firm's, and nothing else"

    def test_only_certificates_of_our_authority_get_in(self, production: Production, tmp_path: Path) -> None:
        ours = production.tls["turning"].ca_file
        foreign = Authority(tmp_path / "foreign").issue("turning")
        for tls in (Tls(ca_file=ours), Tls(ca_file=ours, cert_file=foreign.cert_file, key_file=foreign.key_file)):
            ear = Ear(production.settings("turning", tls=tls), "mw.turning.pi-2", "mw/1/#")
            ear.link.start()
            until(lambda ear=ear: ear.reasons, what="the refusal")
            ear.link.stop()
            assert not ear.link.connected

    def test_a_client_that_does_not_trust_the_broker_stays_away(self, production: Production, tmp_path: Path) -> None:
        foreign = Authority(tmp_path / "foreign").issue("turning")
        ear = Ear(production.settings("turning", tls=foreign), "mw.turning.pi-2")
        ear.link.start()
        until(lambda: ear.reasons, what="the refusal")
        ear.link.stop()
        assert "certificate verify failed" in ear.reasons[0]


@pytest.mark.slow
class TestTheGateway:
    def test_it_hears_every_firm_answers_each_and_sees_what_was_dropped(self, production: Production) -> None:
        with (
            Ear(production.settings("gateway"), "mw.gateway", "mw/1/+/+/events", "mw/1/+/+/hello", DROPPED) as gateway,
            Ear(production.settings("turning"), "mw.turning.pi-1", "mw/1/turning/pi-1/receipt") as turning,
            Ear(production.settings("plating"), "mw.plating.pi-1", "mw/1/plating/pi-1/receipt") as plating,
        ):
            turning.say(EVENTS, b"from turning")
            plating.say("mw/1/plating/pi-1/hello", b"from plating")
            gateway.wait_for(b"from turning", b"from plating", b"0")
            assert DROPPED in gateway.topics
            for firm, edge in (("turning", turning), ("plating", plating)):
                gateway.say(f"mw/1/{firm}/pi-1/receipt", b"to " + firm.encode())
                edge.wait_for(b"to " + firm.encode())

    def test_the_largest_bundle_arrives_and_a_larger_message_does_not(self, production: Production) -> None:
        with (
            Ear(production.settings("gateway"), "mw.gateway", "mw/1/+/+/events") as gateway,
            Ear(production.settings("turning"), "mw.turning.pi-1") as turning,
        ):
            turning.link.publish(EVENTS, b"x" * int(settings_of()["max_packet_size"][0]))
            until(lambda: turning.reasons, what="the sender of the larger one to be cut off")
            until(lambda: turning.link.connected, what="it to come back")
            turning.say(EVENTS, b"x" * (BUNDLE_BYTES + 1024))
            until(lambda: gateway.heard, what="the largest bundle")
            assert [len(payload) for payload in gateway.payloads] == [BUNDLE_BYTES + 1024]

    def test_five_times_the_default_queue_waits_for_it_also_over_a_restart_of_the_broker(self, tmp_path: Path) -> None:
        broker = Production(tmp_path)
        broker.start()
        try:
            with Ear(broker.settings("gateway"), "mw.appender", "mw/1/+/+/events", keep=True):
                pass
            bundles = [b"%d" % number for number in range(5000)]
            with Ear(broker.settings("turning"), "mw.turning.pi-1") as turning:
                turning.say("mw/1/turning/pi-1/presence", b"online", retain=True)
                turning.say_all([(EVENTS, bundle) for bundle in bundles])
            broker.stop()
            broker.start()
            with Ear(broker.settings("turning"), "mw.turning.pi-1", "mw/1/turning/+/presence") as turning:
                turning.wait_for(b"online")
                turning.say(EVENTS, b"after the restart, before the gateway is back")
            with Ear(broker.settings("gateway"), "mw.appender", "mw/1/+/+/events", keep=True) as back:
                back.wait_for(b"after the restart, before the gateway is back")
                assert back.payloads[:-1] == bundles
        finally:
            broker.kill()
