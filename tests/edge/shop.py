"""What the edge's tests stand on: a scanner on a pty, a small server that speaks the contract, a running agent."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import tty
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from broker.codes import Card, CardCode, TicketCode, printed
from broker.link import Delivery, Link
from broker.messages import Bundle, EpochReceipt, Hello, Receipt, new_ledger
from broker.ranges import union
from broker.settings import Mqtt, load
from broker.topics import Kind, Topic, order_subscription, subscription
from edge.installer.check import status
from edge.settings import Edge
from tests.conftest import until

FIRM, EDGE = "marui", "pi1"
TICKET = printed(TicketCode("7K3Q9F", 20))
START = printed(CardCode(Card.START))
FINISH = printed(CardCode(Card.FINISH))


class PtyScanner:
    """A virtual scanner: a by-id name that points at a pty. Unplugging closes it and removes the name."""

    def __init__(self, directory: Path) -> None:
        self.port = directory / "usb-Scanner-if00"
        self.fd = -1
        self.plug()

    def plug(self) -> None:
        self.fd, other = pty.openpty()
        tty.setraw(other)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(other))
        self._other = other

    def unplug(self) -> None:
        self.port.unlink()
        os.close(self._other)
        os.close(self.fd)

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    def scan(self, *codes: str) -> None:
        for code in codes:
            self.send(code.encode() + b"\r")

    def heard(self) -> bytes:
        os.set_blocking(self.fd, False)
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""


class Server:
    """A gateway as small as can be: commits bundles to a dictionary, answers hellos and bundles as the contract says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.ledger, self.lineage = new_ledger(), ()
        self.books: dict[str, dict[int, bytes]] = {}
        self.bundles: list[Bundle] = []
        self.hellos: list[Hello] = []
        self.seen: dict[str, bytes] = {}
        self.used_twice = 0
        self.answer_bundles = self.answer_hellos = self.commit = True
        self.lose_bundles = 0
        self._up = threading.Event()
        kinds = (Kind.HELLO, Kind.EVENTS, Kind.PRESENCE, Kind.STATION)
        self.link = Link(
            Mqtt(port=port, reconnect_seconds_max=0.5),
            "the-server",
            listener=self,
            subscriptions=[*(subscription(kind) for kind in kinds), order_subscription(FIRM)],
        )
        self.link.start()
        assert self._up.wait(10)

    def on_up(self, *, session_present: bool) -> None:
        self._up.set()

    def on_down(self, reason: str) -> None:
        pass

    def on_message(self, delivery: Delivery) -> None:
        topic = Topic.parse(delivery.topic)
        if topic.kind is Kind.HELLO:
            hello = Hello.decode(delivery.payload)
            self.hellos.append(hello)
            if self.answer_hellos:
                self.answer(topic, hello.nonce, [held.epoch for held in hello.epochs], "hello")
        elif topic.kind is Kind.EVENTS:
            bundle = Bundle.decode(delivery.payload)
            self.bundles.append(bundle)
            if self.lose_bundles:
                self.lose_bundles -= 1
                return
            if self.commit:
                self._commit(bundle)
            if self.answer_bundles:
                self.answer(topic, bundle.header.nonce, [bundle.header.epoch], "events")
        else:
            self.seen[delivery.topic] = delivery.payload

    def _commit(self, bundle: Bundle) -> None:
        book = self.books.setdefault(bundle.header.epoch, {})
        for seq, line in enumerate(bundle.lines, start=bundle.header.first):
            self.used_twice += book.setdefault(seq, line) != line

    def answer(self, topic: Topic, nonce: str, epochs: list[str], answers: str, **other: object) -> None:
        parts = []
        for epoch in epochs:
            have = self.books.get(epoch, {})
            upto = max(have, default=0)
            holes = union(tuple((n, n) for n in range(1, upto) if n not in have))
            parts.append(EpochReceipt(epoch=epoch, upto=upto, missing=holes))
        receipt = Receipt.model_validate(
            {"nonce": nonce, "ledger": self.ledger, "lineage": self.lineage, "answers": answers, "epochs": tuple(parts)}
            | other
        )
        self.link.publish(str(Topic(topic.firm, topic.edge, Kind.RECEIPT)), receipt.encode())

    @property
    def events(self) -> list[dict]:
        """Every committed event, epoch by epoch in the order of arrival."""
        return [json.loads(book[seq]) for book in list(self.books.values()) for seq in sorted(book)]

    def kinds(self) -> list[str]:
        return [event.get("action", event["kind"]) for event in self.events]

    def close(self) -> None:
        self.link.stop()


class Agent:
    """`mawashi-edge run` as a process of its own."""

    def __init__(self, directory: Path, port: int, *scanners: PtyScanner, extra: str = "") -> None:
        self.settings = directory / "edge.toml"
        self.log = directory / "agent.log"
        self.data_dir = directory / "data"
        self._ready = (" ready ", *(f"scanner s{n} is read" for n, _ in enumerate(scanners, start=1)))
        tables = "".join(
            f'[[scanner]]\nid = "s{n}"\nport = "{scanner.port}"\nstations = ["lathe-{n}"]\nfeedback = "datalogic"\n'
            for n, scanner in enumerate(scanners, start=1)
        )
        self.settings.write_text(
            f'firm = "{FIRM}"\nedge = "{EDGE}"\ndata_dir = "{self.data_dir}"\n{extra}\n'
            f"[mqtt]\nport = {port}\nreconnect_seconds_max = 0.5\n{tables}"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Agent":
        out = self.log.open("ab")
        self.process = subprocess.Popen([*COMMAND, "run", "--settings", self.settings], stdout=out, stderr=out)
        return self

    def ready(self) -> "Agent":
        """Start it, and wait until it reads its scanner: what is sent before the port is open is lost to anybody."""
        before = Counter({line: self.text().count(line) for line in self._ready})
        self.start()
        for line in self._ready:
            self.says(line, times=before[line] + 1)
        return self

    def text(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def until(self, condition: Callable[[], object], what: str) -> None:
        try:
            until(condition, what=what)
        except BaseException as failed:
            failed.add_note(self.text())
            raise

    def says(self, text: str, times: int = 1) -> None:
        self.until(lambda: self.text().count(text) >= times, f"the agent to say {text!r} {times} times")

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def command(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words, "--settings", str(self.settings)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def status(self) -> dict:
        return status(load(Edge, self.settings))


COMMAND = [sys.executable, "-c", "from edge.cli import main; main()"]
