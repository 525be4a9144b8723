"""What should not be on the wire at all (F14), and certificates that end, change, or come from another authority (F16)."""

import subprocess
from pathlib import Path

from tests.appender.parts import SomeEdge
from tests.appender.test_appender import BAD
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.conftest import until
from tests.ports import free_port


def malformed(floor: Floor) -> Outcome:
    """F14: every kind of nonsense, on right and wrong topics, between good events."""
    player = floor.player()
    with SomeEdge(floor.wire.port, "turning", f"mad{floor.seed}") as mad:
        rounds = floor.some(1, 10)
        for _ in range(rounds):
            player.feed(2)
            for payload, kind, _ in BAD:
                mad.put(payload, kind=kind)
            mad.put(b"{}", topic="mw/1/Turning_Shop/e1/events")
        nonsense = [b"NaN", b'{"kind":"work","at":NaN}', b"\xff\xfe", b'{"kind":"nobody knows"}', b"[" * 5000]
        mad.send(1, nonsense)  # a good header: it is kept as it came, and the rules never see it
        mad.wait_covered(len(nonsense))
        kept = [row.body for row in sorted(floor.rows(), key=lambda row: row.seq) if row.author == mad.author]
    with floor.ledger() as ledger:
        aside = [one for one in ledger.set_aside() if one.author == mad.author]
    floor.healed()
    return Outcome(
        f"{rounds * (len(BAD) + 1)} messages set aside, {len(nonsense)} lines of nonsense kept raw",
        floor.verify(),
        each_is_set_aside_and_counted=[one.times for one in aside] == [rounds] * len(BAD),
        what_has_a_key_is_kept_as_it_came=kept == nonsense,
    )


class Authority:
    """A certificate authority of the test's own, made with openssl."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.key, self.cert = folder, folder / f"{name}.key", folder / f"{name}.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                 "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)  # fmt: skip

    def issue(self, name: str, key: Path, cert: Path, *, days: int = 9) -> None:
        """Write a key and a certificate that is good for these days; for 0, it has expired when it is used."""
        request, names = self.folder / "request", self.folder / "names"
        names.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)  # fmt: skip
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                 "-days", days, "-extfile", names, "-out", cert)  # fmt: skip


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificates(floor: Floor) -> Outcome:
    """F16: expired, renewed, and then another authority for all; the edge is never restarted."""
    folder = floor.folder / "tls"
    first = Authority(folder, "first")
    port, served = free_port(), {name: folder / f"served.{name}" for name in ("ca", "key", "pem")}
    own = {name: folder / f"own.{name}" for name in ("ca", "key", "pem")}

    def serve(authority: Authority) -> None:
        served["ca"].write_bytes(authority.cert.read_bytes())
        authority.issue("localhost", served["key"], served["pem"])
        floor.empty_broker(
            f"listener {port} 127.0.0.1\ncafile {served['ca']}\ncertfile {served['pem']}\nkeyfile {served['key']}\n"
            "require_certificate true\nuse_identity_as_username true"
        )

    serve(first)
    own["ca"].write_bytes(first.cert.read_bytes())
    first.issue("turning", own["key"], own["pem"], days=0)
    tls = f'[mqtt.tls]\nca_file = "{own["ca"]}"\ncert_file = "{own["pem"]}"\nkey_file = "{own["key"]}"\n'
    player = floor.player(start=False, mqtt=tls)
    player.port = port
    player.configure()
    player.start().ready()
    process = player.process
    player.feed(floor.some(5, 100), wait=True)
    until(lambda: "offline" in player.said(), seconds=20, what="the expired certificate to be refused")
    refused = not player.confirmed()
    first.issue("turning", own["key"], own["pem"])
    player.wait_confirmed()
    second = Authority(folder, "second")
    serve(second)
    player.feed(floor.some(5, 100), wait=True)
    until(lambda: player.said().count("offline") > 1, seconds=20, what="the other authority not to be trusted")
    stopped = not player.confirmed()
    own["ca"].write_bytes(second.cert.read_bytes())
    second.issue("turning", own["key"], own["pem"])
    player.wait_confirmed()
    floor.healed()
    verdict = floor.verify()
    same = player.process is process and player.alive
    player.kill()
    floor.empty_broker()
    return Outcome(
        "a certificate expired and was renewed, then another authority for broker and edge (a test CA)",
        verdict,
        expired_is_refused=refused,
        another_authority_is_not_trusted=stopped,
        reconnected_without_a_restart=same,
    )
