"""A bench with a scanner on a pty: clocks that lie (F13), cables that are pulled (F15)."""

import os
import random
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

from broker.codes import CROCKFORD, TicketCode, printed
from broker.events import ClockQuality, decode
from broker.failpoints import VARIABLE
from gateway.rules.stamp import stamp
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.player import Player
from tests.conftest import until
from tests.edge.shop import COMMAND, START, PtyScanner

_BACK_SECONDS = 5.0


class Bench(Player):
    """`mawashi-edge run` with a real scanner. A line is one start of a ticket of its own."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scanner = PtyScanner(self.folder)
        self.extra += f'\n[[scanner]]\nid = "s1"\nport = "{self.scanner.port}"\nstations = ["lathe"]\n'
        self.more = 0
        """Events that garbage made."""
        super().__post_init__()

    def start(self, failpoints: str = "", **environment: str) -> "Bench":
        self._seen = self.said().count("scanner s1 is read")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "run", "--settings", str(self.settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                env={**os.environ, VARIABLE: failpoints, **environment},
            )
        return self

    def ready(self) -> "Bench":
        self.reads_again()
        return self

    def reads_again(self) -> None:
        """Wait until it has opened its port since the last look: what was sent before is lost to anybody."""
        until(lambda: self.said().count("scanner s1 is read") > self._seen, seconds=30, what=self.said())
        self._seen = self.said().count("scanner s1 is read")

    def feed(self, lines: int = 1, *, wait: bool = False) -> None:
        for n in range(self.target + 1, self.target + lines + 1):
            self.scanner.scan(START, self.ticket(n))
        self.target += lines
        if wait:
            self.wait_answered()

    def ticket(self, n: int) -> str:
        return printed(TicketCode("".join(random.Random(f"{self.seed} {self.author} {n}").choices(CROCKFORD, k=6)), 10))

    def idle(self) -> bool:
        return self.outbox.exists() and len(self.accepted()) >= self.target + self.more


def made(floor: Floor, **settings: str) -> Bench:
    """A bench on this floor; not started."""
    player = floor.player(start=False)
    floor.players.remove(player)
    bench = Bench(player.firm, player.edge, player.folder, player.port, player.seed, **settings)
    floor.adopt(bench)
    return bench


def clocks(floor: Floor) -> Outcome:
    """F13: 1970, ten years ahead, an hour back, and a clock that drifts; each after a restart."""
    bench = made(floor)
    now = datetime.now(UTC)
    lies = [
        (datetime(1970, 1, 1, tzinfo=UTC), 1.0),
        (now + timedelta(days=3653), 1.0),
        (now - timedelta(hours=1), 1.0),
        (now, 1.05),
    ][: floor.some(2, 4)]
    for begin, speed in lies:
        bench.kill()
        bench.start(MAWASHI_DEMO_CLOCK=f"{begin.isoformat()} {time.monotonic_ns()} {speed}").ready()
        bench.feed(floor.some(4, 40), wait=True)
    bench.wait_confirmed()
    rows = sorted((row for row in floor.rows() if row.author == bench.author), key=lambda row: row.position)
    events = [decode(row.body) for row in rows]
    stamps = [stamp(row, event) for row, event in zip(rows, events, strict=True)]
    floor.healed()
    verdict = floor.verify()
    bench.kill()
    return Outcome(
        f"{len(lies)} clocks: 1970, +10 years" + ("" if floor.short else ", -1 h, 5 % fast"),
        verdict,
        numbers_follow_the_scans=[event.ticket for event in events]  # type: ignore[union-attr]
        == [bench.ticket(n).partition(".")[0] for n in range(1, len(rows) + 1)],
        nothing_is_stamped_later_than_its_receipt=all(
            one.stamp <= row.received_at for one, row in zip(stamps, rows, strict=True)
        ),
        the_clocks_own_words_are_kept={event.at.year for event in events} >= {1970, lies[1][0].year},
        nobody_believes_1970=all(one.stamp.year >= 2026 for one in stamps),
        an_unset_clock_is_not_called_synced=all(
            event.clock is ClockQuality.UNSYNCED for event in events if event.at.year == 1970
        ),
    )


def cables(floor: Floor) -> Outcome:
    """F15: half a frame and unplugged, plugged in as another tty, garbage, a key that is stuck."""
    bench, slowest = made(floor), 0.0
    bench.start().ready()
    bench.feed(3, wait=True)
    rounds = floor.some(1, 20)
    for _ in range(rounds):
        bench.scanner.send(bench.ticket(10**6).encode()[:5])
        bench.scanner.unplug()
        time.sleep(floor.dice.uniform(0, 0.5))  # how long it is out
        bench.scanner.plug()
        began = time.monotonic()
        bench.reads_again()
        slowest = max(slowest, time.monotonic() - began)
        bench.feed(2, wait=True)
        before = len(bench.accepted())
        bench.scanner.send(bytes(range(1, 256)) * 8 + b"\r")  # garbage
        stuck = threading.Thread(target=bench.scanner.send, args=(b"1" * 20_000 + b"\r",))
        stuck.start()
        stuck.join(20)
        bench.scanner.scan(bench.ticket(bench.target))  # a known one: everything before it has been read
        until(lambda: bench.said().count("もう着手しています") > 0, seconds=20, what=bench.said())
        until(lambda least=before: len(bench.accepted()) > least, what="the garbage to be recorded as unread")
        bench.more = len(bench.accepted()) - bench.target
    floor.healed()
    verdict = floor.verify()
    bench.kill()
    return Outcome(
        f"{rounds} times unplugged in half a frame and back as another tty within {slowest:.1f} s; garbage; a stuck key",
        verdict,
        read_again_within_5_s=slowest < _BACK_SECONDS,
    )
