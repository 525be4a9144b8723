"""A real appender process on a real broker, and an edge as the wire knows it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from broker.clock import clock
from broker.link import Delivery, Link
from broker.messages import Bundle, EpochHeld, EpochReceipt, Header, Hello, Receipt, new_epoch, new_nonce
from broker.settings import Mqtt
from broker.topics import Kind, Topic, client_id, subscription
from gateway.ledger import Ledger
from gateway.settings import Gateway
from tests.conftest import ROOT, until

DYING = """
import os, signal, sys, time
from broker.link import Link
real = Link.{method}
def die(link, *given, **options):
    while link._wishes:
        time.sleep(0.01)
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
Link.{method} = die
from gateway.appender import main
sys.exit(main(sys.argv[1:]))
"""
"""An appender that is killed with -9 the first time it is about to do this to its link."""


class Gate:
    """One appender process; its settings, its log, its ledger."""

    def __init__(self, folder: Path, port: int, version: str = "5", ledger_url: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "gateway.toml"
        self.path.write_text(
            f'data_dir = "{folder}"\nledger_url = "{ledger_url}"\n[mqtt]\nport = {port}\nversion = "{version}"\nreconnect_seconds_max = 1\n'
        )
        self.settings = Gateway(data_dir=folder, ledger_url=ledger_url, mqtt=Mqtt(port=port))
        self._log = folder / "appender.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, dying_before: str = "", connected: bool = True) -> Self:
        seen = self.log().count("connected to the broker")
        program = ["-c", DYING.format(method=dying_before)] if dying_before else ["-m", "gateway.appender"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, "--settings", str(self.path)], stderr=log, cwd=ROOT, env=os.environ
            )
        if connected:
            until(
                lambda: self.log().count("connected to the broker") > seen, seconds=40, what="the appender to connect"
            )
        return self

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def dead(self) -> bool:
        assert self.process
        return self.process.poll() == -signal.SIGKILL

    def _end(self, sign: signal.Signals) -> int:
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(10) if self.process else 0

    def ledger(self) -> Ledger:
        return Ledger.open(self.settings.ledger_url)

    def bodies(self, author: str = "turning/e1") -> list[bytes]:
        with self.ledger() as ledger:
            return [row.body for row in ledger.rows(0, 100_000) if row.author == author]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class SomeEdge:
    """Sends bundles and hellos when told, and keeps every receipt."""

    def __init__(self, port: int, firm: str = "turning", edge: str = "e1") -> None:
        self.firm, self.edge = firm, edge
        self.epoch, self.nonce = new_epoch(), new_nonce()
        self.receipts: list[Receipt] = []
        self._link = Link(
            Mqtt(port=port, reconnect_seconds_max=0.5),
            client_id(firm, edge),
            listener=self,
            subscriptions=(subscription(Kind.RECEIPT, firm=firm, edge=edge),),
        )

    @property
    def author(self) -> str:
        return f"{self.firm}/{self.edge}"

    def on_up(self, *, session_present: bool) -> None: ...

    def on_down(self, reason: str) -> None: ...

    def on_message(self, delivery: Delivery) -> None:
        self.receipts.append(Receipt.decode(delivery.payload))

    def __enter__(self) -> Self:
        self._link.start()
        self.wait_connected()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.stop()

    def wait_connected(self) -> None:
        until(lambda: self._link.connected, what="the edge to connect")

    def put(self, payload: bytes, *, topic: str | None = None, kind: Kind = Kind.EVENTS) -> None:
        """Publish and wait for the broker's PUBACK."""
        done: list[bool] = []
        self._link.publish(topic or str(Topic(self.firm, self.edge, kind)), payload, done=lambda: done.append(True))
        until(lambda: done, what="the PUBACK")

    def send(self, first: int, lines: Sequence[bytes], *, times: int = 1) -> None:
        now = clock().read()
        header = Header(
            firm=self.firm, edge=self.edge, epoch=self.epoch, first=first, count=len(lines), nonce=self.nonce,
            at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock,
        )  # fmt: skip
        for _ in range(times):
            self.put(Bundle(header, tuple(lines)).encode())

    def greet(self, *held: EpochHeld, ledger: str | None = None) -> None:
        now = clock().read()
        hello = Hello(
            at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock, nonce=self.nonce, ledger=ledger, epochs=held
        )
        self.put(hello.encode(), kind=Kind.HELLO)

    def covered(self, seq: int) -> bool:
        return any(
            one.epoch == self.epoch and one.covers(seq) and receipt.nonce == self.nonce
            for receipt in self.receipts
            for one in receipt.epochs
        )

    def wait_covered(self, seq: int, seconds: float = 10) -> None:
        until(lambda: self.covered(seq), seconds=seconds, what=f"number {seq} to be receipted")

    def wait_answer(self) -> tuple[EpochReceipt, ...]:
        found = until(lambda: [one for one in self.receipts if one.answers == "hello"], what="the hello to be answered")
        return found[-1].epochs


def some(first: int, last: int, mark: str = "") -> list[bytes]:
    return [f'{{"n":"{mark}{number}"}}'.encode() for number in range(first, last + 1)]
