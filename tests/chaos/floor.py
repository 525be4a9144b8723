"""The chaos floor: a broker behind a wire, InfluxDB, the gateway's processes, edges; and what must hold in the end."""

import contextlib
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.demo.tally import Key
from gateway.ledger import Ledger, StoreError
from gateway.rules.row import Row
from gateway.state import State
from tests.chaos.gateway import Gateway
from tests.chaos.place import Database, Files, Place
from tests.chaos.player import Player
from tests.chaos.wire import Wire
from tests.conftest import Influx, Mosquitto, until
from tests.sinks.test_influx import held, misbehaving, told


@dataclass
class Verdict:
    """What came of one fault."""

    events: int = 0
    lost: int = 0
    doubled: int = 0
    named: int = 0
    """Lost as the table allows it, and listed by number."""
    recovered_seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Floor:
    """Everything real that one run needs. `short`: a few events, one of each kind of injury."""

    def __init__(self, influx: Influx, *, seed: int, short: bool, name: str, place: Place) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mwc-"))
        self.seed, self.short, self.dice = seed, short, random.Random(seed)
        (self.folder / "broker").mkdir()
        self.broker = Mosquitto(self.folder / "broker")
        self.broker.start()
        self.wire = Wire(self.broker.port)
        self.influx, self.prefix = influx, f"{name}_"
        self.moods: list[str] = []
        """How InfluxDB answers the next requests to write; see tests.sinks.test_influx."""
        self._front = misbehaving(influx.url, self.moods)
        self.place = place
        """Where ledger and state are."""
        self.gateway = Gateway(self.wire.port, self._front.__enter__(), self.prefix, self.place.settings())
        self.players: list[Player] = []
        self.healed_at = 0.0
        self._count = 0

    def close(self) -> None:
        for player in self.players:
            player.kill()
        self.gateway.stop()
        self._front.__exit__(None, None, None)
        shutil.rmtree(self.gateway.folder)
        self.wire.close()
        self.broker.kill()
        shutil.rmtree(self.folder)

    def some(self, short: int, full: int) -> int:
        """A count of this run's size."""
        return short if self.short else full

    def player(self, firm: str = "turning", *, start: bool = True, **settings: str) -> Player:
        """One more edge, with a name that nobody had."""
        self._count += 1
        edge = f"e{self._count}"
        made = Player(firm, edge, self.folder / edge, self.wire.port, self.seed, **settings)
        self.players.append(made)
        return made.start().ready() if start else made

    def adopt(self, player: Player) -> Player:
        """Hold an edge that was made elsewhere (a clone) to the same conditions."""
        self.players.append(player)
        return player

    def empty_broker(self, extra: str = "") -> None:
        """Kill the broker, start an empty one with these settings, and wait until the gateway has subscribed there."""
        seen = self.gateway.log().count("connected to the broker")
        self.broker.extra = extra
        self.broker.restart()
        until(
            lambda: self.gateway.log().count("connected to the broker") > seen,
            seconds=30,
            what="the appender to be back",
        )

    def healed(self) -> None:
        """The injury is over: from here on the time to recover counts."""
        self.healed_at = time.monotonic()

    def nudge(self) -> None:
        """In a short run, cut every edge's line once: they greet at once instead of at their own pace."""
        if self.short:
            self.wire.cut(".e")

    # -- what is there -------------------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        with contextlib.suppress(StoreError), Ledger.open(self.gateway.settings.ledger_url) as ledger:
            return ledger.rows(0, 10_000_000)
        return []

    def keys(self) -> set[Key]:
        return {row.key for row in self.rows()}

    def has(self, wanted: set[Key]) -> bool:
        """Whether the ledger holds all of these."""
        return wanted <= self.keys()

    def accepted(self) -> set[Key]:
        return {key for player in self.players for key in player.accepted()}

    def wait_committed(self, seconds: float = 60) -> None:
        until(lambda: self.has(self.accepted()), seconds=seconds, what="the ledger to have everything")

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Ledger]:
        with Ledger.open(self.gateway.settings.ledger_url) as ledger:
            yield ledger

    def sinks_agree(self) -> bool:
        """Whether InfluxDB's non-void points equal the non-void facts of everything in the ledger."""
        with self.ledger() as ledger, State.open(self.gateway.settings.state_url) as state:
            if state.cursor() != ledger.last_position() or state.unfinished():
                return False
            return held(self.influx, self.prefix) == told(state)

    def parked(self) -> list[str]:
        """The orders on which the rules fail."""
        with State.open(self.gateway.settings.state_url) as state:
            return [kept.state.key for kept in state.orders() if kept.parked]

    def sinks_agree_quietly(self) -> bool:
        """The same; a server that is away meanwhile is no answer yet."""
        return _quietly(self.sinks_agree)

    # -- the conditions ------------------------------------------------------------------------------------------------

    def folding_seconds(self) -> float:
        """How long making all facts anew may take: a second for every 50 events, more where folding is slower."""
        return len(self.keys() | self.accepted()) / 50 * self.place.slowness

    def verify(self, *, allowed: set[Key] | None = None, seconds: float = 120) -> Verdict:
        """Hold the floor to the conditions of the table; `allowed` may be missing if the ledger lists it as gone.

        Each is waited for `seconds` and `folding_seconds`: all facts may have to be made anew.
        """
        allowed = allowed or set()
        seconds += self.folding_seconds()
        verdict = Verdict()
        self.healed_at = self.healed_at or time.monotonic()
        self._wait(
            verdict, lambda: self.has(self.accepted() - allowed), seconds, "the ledger to have what was accepted"
        )
        self._wait(verdict, self.sinks_agree, seconds, "InfluxDB's non-void points to equal the non-void facts")
        verdict.recovered_seconds = time.monotonic() - self.healed_at
        verdict.events = len(self.accepted())
        self._fresh(verdict, allowed, seconds)
        self._count_up(verdict, allowed)
        self.healed_at = 0.0
        return verdict

    def _wait(self, verdict: Verdict, condition: Callable[[], object], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        asked = time.monotonic()
        while not _quietly(condition):
            if time.monotonic() > deadline:
                verdict.wrong.append(f"waited {seconds:.0f} s in vain for {what}")
                return
            time.sleep(0.02 + 2 * (time.monotonic() - asked))  # asking must not be what keeps them busy
            asked = time.monotonic()

    def _fresh(self, verdict: Verdict, allowed: set[Key], seconds: float) -> None:
        """One more event from every edge that runs."""
        alive = [player for player in self.players if player.alive]
        before = {player.author: player.accepted() for player in alive}
        for player in alive:
            player.feed()
        fresh = "a fresh event to pass"
        self._wait(
            verdict,
            lambda: (
                all(player.idle() and player.confirmed() for player in alive)
                and all(player.accepted() - before[player.author] for player in alive)
                and self.has(self.accepted() - allowed)
            ),
            seconds,
            fresh,
        )
        self._wait(verdict, self.sinks_agree, seconds, f"{fresh} through to InfluxDB")

    def _count_up(self, verdict: Verdict, allowed: set[Key]) -> None:
        rows = self.rows()
        present = {row.key: row for row in rows}
        missing = self.accepted() - present.keys()
        verdict.named = len(missing & allowed & self.listed()) if missing else 0
        verdict.lost = len(missing) - verdict.named
        verdict.doubled = len(rows) - len(present)
        for player in self.players:
            self._hold_to_its_word(player, present, allowed, verdict)
        self._wait(verdict, lambda: not self.parked(), 60, "every order to be worked out")
        with State.open(self.gateway.settings.state_url) as state:
            if refused := state.refusals():
                verdict.wrong.append(f"InfluxDB refused for good: {refused[0].reason}")
        if verdict.lost:
            verdict.wrong.append(f"lost, such as {sorted(missing - allowed or missing)[:3]}")
        if verdict.doubled:
            verdict.wrong.append("doubled")

    def listed(self) -> set[Key]:
        """What `mawashi audit` names as missing, gone or closed."""
        authors = json.loads(self.gateway.mawashi("audit", "--json").stdout)["authors"]
        return {
            (author["author"], one["epoch"], seq)
            for author in authors
            for one in author["epochs"]
            for first, last in (*one["missing"], *one["gaps"])
            for seq in range(first, last + 1)
        }

    def _hold_to_its_word(self, player: Player, rows: dict[Key, Row], allowed: set[Key], verdict: Verdict) -> None:
        """What the machinist was told is there once, its bytes unchanged, its order kept within each epoch."""
        mine = sorted((row for row in rows.values() if row.author == player.author), key=lambda row: row.seq)
        times = Counter(at for row in mine if (at := _as_of(row)))
        short = sum((Counter(player.told) - times).values())
        if short > len([key for key in allowed if key[0] == player.author]):
            verdict.wrong.append(f"{player.author}: {short} answered lines are not in the ledger")
        verdict.doubled += sum((times - Counter(dict.fromkeys(times, 1))).values())
        for epoch in {row.epoch for row in mine}:
            order = [at for row in mine if row.epoch == epoch and (at := _as_of(row))]
            if order != sorted(order):
                verdict.wrong.append(f"{player.author}: epoch {epoch} is out of order")
        if player.outbox.exists():
            changed = [
                key
                for key, body in player.bodies().items()
                if (row := rows.get((player.author, *key))) is not None and row.body != body
            ]
            if changed:
                verdict.wrong.append(f"{player.author}: {len(changed)} events changed on the way")

    def mend(self) -> None:
        """After a fault that was not played to its end: everything anew, so that the next one is judged by itself."""
        self.gateway.stop()
        self.moods.clear()
        if not self.influx.process or self.influx.process.poll() is not None:
            self.influx.start()
        self.broker.extra = ""
        self.broker.restart()
        self.place.power_back()
        self.gateway.start()

    def rest(self) -> None:
        """After a fault: let the edges end, and begin the next one with none."""
        for player in self.players:
            player.kill()
        self.players = []


def _as_of(row: Row) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(row.body)["as_of"])
    except (ValueError, TypeError, KeyError):  # garbage that a fault has sent
        return None


def _quietly(condition: Callable[[], object]) -> bool:
    """A server that is away meanwhile is no answer yet."""
    with contextlib.suppress(Exception):
        return bool(condition())
    return False


@contextlib.contextmanager
def running(
    *, seed: int, short: bool, influx: Influx | None = None, name: str = "chaos", postgresql: bool = False
) -> Iterator[Floor]:
    """A floor at work, and gone afterwards; `postgresql`: its ledger and state are on a server of its own."""
    with contextlib.ExitStack() as stack:
        place: Place = Database() if postgresql else Files()
        stack.callback(place.close)
        if influx is None:
            influx = Influx(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mwi-"))))
            stack.callback(influx.stop)
            influx.start()
        floor = Floor(influx, seed=seed, short=short, name=name, place=place)
        stack.callback(floor.close)
        floor.gateway.start()
        yield floor
