"""Mawashi: an edge's outbox and uplink, and the gateway's appender; each a process of its own.

`python -m tests.losses.ours FOLDER PORT` is the edge: a line in is an event, a line out says what became of it.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from broker.clock import clock
from broker.settings import Mqtt
from edge.inbox import Down, Inbox, Up
from edge.outbox import Keeping, Outbox, RefusedError
from edge.settings import Edge
from edge.uplink import Uplink
from tests.appender.parts import Gate
from tests.losses.contestant import number_of
from tests.losses.sending import Sender
from tests.losses.sinks import locked

FIRM, EDGE = "turning", "e1"
AUTHOR = f"{FIRM}/{EDGE}"
AT_ONCE = 10_000


class Ledger:
    """The appender and what it has committed."""

    def __init__(self, folder: Path, port: int) -> None:
        self.gate = Gate(folder, port)
        self.path = folder / "ledger.sqlite"
        self._read, self._found = 0, Counter[int]()

    def start(self) -> None:
        self.gate.start()

    def stored(self) -> "Counter[int]":
        with self.gate.ledger() as ledger:
            while rows := ledger.rows(self._read, AT_ONCE):
                self._found.update(number_of(row.body) for row in rows if row.author == AUTHOR)
                self._read = rows[-1].position
        return self._found.copy()

    def close(self) -> None:
        self.gate.kill()


def sent(folder: Path, port: int) -> Sender:
    """Return the whole way; the edge is what is measured."""
    return edge(folder, port, Ledger(folder / "gateway", port))


def edge(folder: Path, port: int, ledger: Ledger) -> Sender:
    return Sender([sys.executable, "-m", "tests.losses.ours", str(folder / "data"), str(port)], folder, ledger)


class Appended:
    """The whole way; the appender is what is measured."""

    def __init__(self, folder: Path, port: int) -> None:
        self._ledger = Ledger(folder / "gateway", port)
        self._edge = edge(folder, port, self._ledger)
        self.start, self.send, self.close = self._edge.start, self._edge.send, self._edge.close
        self.stored, self.kill = self._ledger.stored, self._ledger.gate.kill

    def restart(self) -> None:
        self._ledger.gate.start(connected=False)

    @contextmanager
    def sink_away(self) -> Iterator[None]:
        with locked(self._ledger.path):
            yield


def main() -> None:
    """Accept, send and mark, as the agent does; say of every event whether the outbox took it."""
    settings = Edge(
        firm=FIRM, edge=EDGE, data_dir=Path(sys.argv[1]), mqtt=Mqtt(port=int(sys.argv[2]), keepalive_seconds=10)
    )
    scans: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=listen, args=(scans,), daemon=True).start()
    inbox: Inbox = SimpleQueue()
    outbox = Outbox(settings.outbox_path, settings.author, Keeping())
    uplink = Uplink(settings, outbox, clock=clock(), inbox=inbox, log=lambda *_, **__: None)
    uplink.start()
    while True:
        try:
            match inbox.get(timeout=0.002):
                case Up():
                    uplink.up()
                case Down(reason):
                    uplink.down(reason)
                case delivery if uplink.is_receipt(delivery):  # type: ignore[arg-type]
                    uplink.receive(delivery)  # type: ignore[arg-type]
        except Empty:
            pass
        while not scans.empty():
            try:
                uplink.accepted(outbox.accept([scans.get()], at=clock().read().at))
                print("accepted", flush=True)
            except RefusedError:
                print("refused", flush=True)
        uplink.pump()


def listen(scans: "SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        scans.put(line.rstrip(b"\n"))
    os._exit(0)


if __name__ == "__main__":
    main()
