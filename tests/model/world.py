"""A small world of cards, a broker and ledgers, and the promise: what is checked whatever befalls it.

What befalls it is in `tests.model.machine`, chosen by Hypothesis. The promise is checked on the real files after each
change; at the end everything heals, and all that was accepted must have arrived or be named.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from queue import Empty
from typing import ClassVar

import structlog
from hypothesis.stateful import RuleBasedStateMachine

import edge.sending
import edge.uplink
import gateway.waiting
from broker.messages import Receipt
from broker.topics import Kind, Topic
from tests.model.broker import Broker, Message, Session
from tests.model.device import Device, Image
from tests.model.parts import SERVER, Key, Kinds, Time
from tests.model.server import Server, template

PADDING = b"x" * 700
"""So that a few events fill several pages of a card."""
SHM = Path("/dev/shm")
_KEPT: list[tempfile.TemporaryDirectory[str]] = []


class World(RuleBasedStateMachine):
    """Two edges, clones of them, one broker, a gateway, and sometimes a stranger's gateway that answers too."""

    kinds: ClassVar[Kinds] = Kinds()
    heals: ClassVar[bool] = True
    tally: ClassVar[Counter[str]] = Counter()
    """What happened, over all examples: a model in which nothing happens proves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="mawashi-model-", dir=SHM if SHM.is_dir() else None))
        self.time = Time()
        self.broker = Broker(published=self._published, acknowledged=self._acknowledged)
        self._before = (edge.uplink.time, edge.sending.BUNDLE_EVENTS, gateway.waiting._LULL_SECONDS)
        edge.uplink.time = self.time  # type: ignore[assignment]
        edge.sending.BUNDLE_EVENTS = 2  # many small bundles instead of few large ones
        gateway.waiting._LULL_SECONDS = 0.0
        self._logged = structlog.testing.capture_logs()
        self.log = self._logged.__enter__()
        self.events = 0
        self.answered: set[str] = set()
        self.planted: set[tuple[Key, bytes]] = set()
        self.doubled = False
        self.images: list[Image] = []
        self.copies = 0
        self.emptied = self.failed = False
        self.servers = [self._server(SERVER)]
        self.devices = [self._device(name) for name in ("e1", "e2")]

    def teardown(self) -> None:
        try:
            if self.heals and not self.failed:
                self.settle()
        finally:
            self._end()

    def _end(self) -> None:
        self.tally["examples"] += 1
        for server in self.servers:
            self.tally["committed"] += len(server.rows)
            self.tally["arrived again"] += server.repeated
            self.tally["events lost"] += server.gone
        for device in self.devices:
            self.tally["rescues"] += device.rescues
            device.close()
        for server in self.servers:
            server.kill()
        self._logged.__exit__(None, None, None)
        edge.uplink.time, edge.sending.BUNDLE_EVENTS, gateway.waiting._LULL_SECONDS = self._before
        shutil.rmtree(self.folder)

    def _server(self, name: str) -> Server:
        folder = self.folder / f"server-{name}"
        return Server(folder, _template(), name, self.broker, self.time, self.kinds)

    def _device(self, name: str) -> Device:
        self.copies += 1
        return Device(self.folder / f"card-{self.copies}", name, broker=self.broker, time=self.time, kinds=self.kinds)

    # -- the promise ---------------------------------------------------------------------------------------------------

    def check(self, good: bool, what: str) -> None:
        if not good:
            self.failed = True
        assert good, what

    def _acknowledged(self, name: str, message: Message) -> None:
        """An acknowledgement says that this very message is in the ledger."""
        for server in self.servers:
            if server.name == name:
                self.check(server.has(message), f"acknowledged and not committed: {message}")

    def _published(self, name: str, message: Message) -> None:
        """A receipt covers what its ledger holds, and not what it hopes for or was told is gone."""
        topic = Topic.parse(message.topic)
        if topic.kind is not Kind.RECEIPT:
            return
        server = next(one for one in self.servers if one.name == name)
        receipt = Receipt.decode(message.payload)
        self.answered.add(receipt.nonce)
        for told in receipt.epochs:
            covered = {(topic.author, told.epoch, seq) for seq in range(1, told.upto + 1) if told.covers(seq)}
            self.check(covered <= server.keys, f"receipted and not in the ledger: {covered - server.keys}")

    def _receive(self, device: Device) -> None:
        """What an edge newly believes committed was so at some time since its connection began."""
        sending = device.uplink.sending
        before, ledger, nonce = device.marked(), sending.ledger, sending.nonce
        receipt = device.take()
        if sending.nonce != nonce:
            device.witnessed = {server.id: server.holding for server in self.servers}
        if receipt is None:
            return
        if sending.ledger != ledger:
            device.joined = device.joined or self._family(sending.ledger)
            self.check(self._family(sending.ledger) == device.joined, "it obeys a ledger it never joined")
            before = set()
        witnessed = device.witnessed.get(sending.ledger or "", frozenset())
        for epoch, seq in device.marked() - before:
            line = device.truth.get((epoch, seq), b"")
            self.tally["receipted"] += 1
            self.check(
                ((device.author, epoch, seq), line) in witnessed,
                f"{device.author} {epoch} {seq} is marked, and {sending.ledger} has not held it since connecting",
            )

    def _looked(self, server: Server) -> None:
        """Each number is held once, missing, or a gap, up to the last that was announced."""
        for device in self.devices:
            device.witnessed[server.id] = device.witnessed.get(server.id, frozenset()) | server.holding
        if not server.running:
            return
        held = server.keys
        self.check(len(server.rows) == len(held), "a number stands twice in the ledger")
        alike = frozenset() if self.doubled else server.twice - self.planted
        self.check(not alike, f"two cards gave one number to different events: {alike}")
        if server.twice:
            shown = {(one.author, one.epoch, one.seq) for one in server.ledger.set_aside()}
            self.check(shown >= {key for key, _ in server.twice}, "a number that was used twice is not shown")
        for one in server.ledger.authors():
            missing, gaps = _numbers(one.missing), _numbers(one.gaps)
            mine = {seq for author, epoch, seq in held if (author, epoch) == (one.author, one.epoch)}
            self.check(not mine & (missing | gaps) and not missing & gaps, f"held and missing at once: {one}")
            wanted = set(range(1, max(one.announced_last, one.committed_upto) + 1))
            self.check(wanted == mine | missing | gaps, f"neither held nor named: {wanted - mine - missing - gaps}")
            self.check(one.committed == len(mine), f"it counts {one.committed} and holds {len(mine)}: {one}")

    def settle(self) -> None:
        """Everything heals: what is on a card that still exists must arrive, each number once or named."""
        for server in self.servers:
            self._serve(server)
        for _ in range(2):
            for device in self.devices:
                device.on_disk()  # an agent meets the damage of its card in the end
                self._rise(device)
                for seconds in (6, 16 * 60, 6, 6):
                    self.time.seconds += seconds
                    for _ in range(30):
                        if not self._flow():
                            break
        for device in self.devices:
            sending = device.uplink.sending
            self.check(sending.waiting == 0, f"{sending.waiting} events wait for ever: {sending}")
            if not device.truth:
                continue
            server = next((one for one in self.servers if sending.ledger in one.ids), None)
            for (epoch, seq), line in device.on_disk().items():
                self.check(
                    server is not None and ((device.author, epoch, seq), line) in server.holding,
                    f"{device.author} {epoch} {seq} is on its card and in no ledger: {line!r}",
                )

    def _scan(self, device: Device, count: int) -> None:
        lines = []
        for _ in range(count):
            self.events += 1
            lines.append(b'{"n":%d,"pad":"%s"}' % (self.events, PADDING))
        if lines:
            device.accept(lines)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _one(self, who: int) -> Device:
        return self.devices[who % len(self.devices)]

    def _server_at(self, which: int) -> Server:
        return self.servers[which % len(self.servers)]

    def _queued(self, at: int) -> tuple[Session, int]:
        waiting = self.broker.waiting()
        return waiting[at % len(waiting)]

    def _rise(self, device: Device) -> None:
        device.link.rise()

    def _serve(self, server: Server) -> None:
        if not server.running:
            server.open()
            self._looked(server)
        server.link.rise()

    def _exchange(self, device: Device, image: Image | None, count: int = 0) -> None:
        """Put another card in, and scan so often before there is a connection."""
        device.close()
        device.put_back(image)
        device.open()
        self._scan(device, count)
        self._rise(device)

    def _work(self, device: Device, items: int) -> bool:
        worked = False
        try:
            for _ in range(items):
                self._receive(device)
                worked = True
        except Empty:
            pass
        device.pump()
        return worked

    def _write(self, server: Server) -> bool:
        if not server.gather():
            return False
        server.write()
        self._looked(server)
        return True

    def _flow(self) -> bool:
        """One round of everybody; returns whether anything moved."""
        moved = False
        for device in self.devices:
            moved |= self._work(device, 100)
        moved |= sum(self.broker.deliver(name) for name in list(self.broker.sessions)) > 0
        for server in self.servers:
            moved |= self._write(server)
        return moved

    def _family(self, ledger: str | None) -> str:
        return next(one.name for one in self.servers if ledger in one.ids)

    def _ever(self, ledger: str | None) -> frozenset[object]:
        """What a ledger ever held; of a card that forgot its ledger, what any did."""
        found = [held for one in self.servers for name, held in one.ever.items() if name == ledger or ledger is None]
        return frozenset().union(*found)


def _numbers(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {n for first, last in ranges for n in range(first, last + 1)}


def _template() -> Path:
    """One migrated ledger for the whole run."""
    if not _KEPT:
        _KEPT.append(tempfile.TemporaryDirectory(prefix="mawashi-model-template-"))
        template(Path(_KEPT[0].name))
    return Path(_KEPT[0].name) / "template.sqlite"
