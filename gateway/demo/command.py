"""`mawashi demo`: four firms, their edges and the gateway on this machine; runs until Ctrl-C, or measures and ends."""

import json
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from broker.clock import FastClock
from broker.topics import author
from gateway.api import GatewayAway
from gateway.demo.cluster import Cluster, Failed, embedded, free_port
from gateway.demo.drive import Driver
from gateway.demo.fleet import BABBLING, UNPLUGGED, firm_of
from gateway.demo.floor import FIRMS
from gateway.demo.office import Office
from gateway.demo.place import TIME_ZONE, Broker, Place, Taken
from gateway.demo.result import Result, collect, drained, empty_databases, shown
from gateway.demo.shop import SHIFT_SECONDS, Shop
from gateway.demo.tally import delays
from gateway.demo.watch import Board, Commits, Sign
from gateway.process import ended_by
from gateway.settings import Web
from gateway.sinks.influx_http import Away

_OFFLINE = "plating"
_KILLED_EDGE = "grinding"
_MACHINE_FAULT_SECONDS = 5.0
"""So long a machine's cable is out, and so long another sends garbage; the board must say so within it."""
_STOPPED = 130
"""Exit status of a command that was told to stop before it had ended."""
_BAD_ARGUMENTS = 2
_PAGE_SECONDS = 10.0
"""How long to wait for the first orders to be shown, and for the page's stream to begin."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a demo runs: simulated against real time, orders at the start and by simulated hour."""

    speed: float
    first_orders: int
    orders_an_hour: float


TO_WATCH = Pace(60.0, 30, 10.0)
"""A minute a second: a person can follow it, and a lot's work takes a quarter of a minute."""
TO_MEASURE = Pace(280.0, 100, 20.0)
"""Five minutes a second: a hundred scans a second, while the 30 s of the scan rules are still a tenth of one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    seconds: float | None = None
    as_json: bool = False
    broker: str | None = None
    influx: str | None = None
    speed: float | None = None
    port: int | None = None
    kill: bool = False
    directory: Path | None = None
    seed: int = 1

    @property
    def pace(self) -> Pace:
        """How fast it runs."""
        pace = TO_MEASURE if self.seconds else TO_WATCH
        return Pace(self.speed or pace.speed, pace.first_orders, pace.orders_an_hour)


def run(wanted: Wanted) -> int:
    """Run a demo.

    Returns 0; 1 if an accepted event is missing or doubled, or the demo failed; 2 for arguments; 130 if stopped.
    """
    stop = threading.Event()
    try:
        with ended_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, stop=stop.set):
            place = Place.make(wanted.directory)
            try:
                return _Demo(wanted, place, stop).run()
            finally:
                place.remove()
    except Taken as refusal:
        print(refusal, file=sys.stderr)
        return _BAD_ARGUMENTS
    except (Failed, GatewayAway, Away) as failure:
        print(failure, file=sys.stderr)
        return 1


class _Demo:
    """One run, from the first process to the last."""

    def __init__(self, wanted: Wanted, place: Place, stop: threading.Event) -> None:
        self._wanted, self._place, self._stop = wanted, place, stop
        self._clock = _clock(wanted)
        self._killed: list[str] = []
        self._signs: dict[str, Sign] = {}
        self._offline_since: dict[str, int] = {}
        self._offline: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        environment = {"MAWASHI_DEMO_CLOCK": self._clock.setting()}
        if wanted.broker:
            broker, process = _given_broker(wanted.broker), None
        else:
            broker, process = embedded(place, FIRMS, environment)
        web_port = _web_port(wanted.port)
        self._cluster = Cluster(place, FIRMS, self._clock, web_port, wanted.influx, broker, process, _OFFLINE)
        self._office = Office(self._cluster.settings, place.path, FIRMS, clock=self._clock, seed=wanted.seed)

    def run(self) -> int:
        """Start, scan, and end."""
        began = time.monotonic()
        if influx := self._cluster.settings.influx:
            empty_databases(influx, [firm.id for firm in FIRMS])
        try:
            self._cluster.start(self._stop.is_set)
            if self._stop.is_set():
                return _STOPPED
            pace = self._wanted.pace
            first = self._office.bring(pace.first_orders)
            shown(self._cluster, seconds=_PAGE_SECONDS)
            self._say(f"http://127.0.0.1:{self._cluster.web_port}/", f"after {time.monotonic() - began:.1f} s")
            self._say(f"{len(first)} orders, {len(FIRMS)} firms, {pace.speed:g} times as fast as life.")
            shop = Shop(FIRMS, seed=self._wanted.seed, shift_begun_seconds=_into_the_shift(self._clock.read().at))
            for order in first:
                shop.add(order)
            driver = Driver(shop, self._cluster, speed=pace.speed, new_orders=self._office.brought)
            self._office.open(a_second=pace.orders_an_hour * pace.speed / 3600)
            if self._wanted.seconds is None:
                return self._until_stopped(driver)
            return self._measured(driver, shop, self._wanted.seconds)
        finally:
            self._office.close()
            self._cluster.stop()

    def _until_stopped(self, driver: Driver) -> int:
        self._say("Ctrl-C ends it. / 終了は Ctrl-C")
        self._plan_offline(driver, 60.0, 20.0)
        self._plan_machines(driver, 30.0, every=120.0)
        self._repeat(driver, 2.0, self._cluster.check)
        self._repeat(driver, 15.0, lambda: self._say(self._sofar(driver)))
        driver.run(self._stop.is_set, seconds=None)
        return 0

    def _measured(self, driver: Driver, shop: Shop, seconds: float) -> int:
        commits = Commits(self._cluster.settings.ledger_url)
        board = Board(self._cluster.web_port)
        commits.start()
        board.start()
        board.listening.wait(_PAGE_SECONDS)
        self._plan_offline(driver, 0.30 * seconds, 0.12 * seconds)
        self._plan_machines(driver, 0.15 * seconds)
        if self._wanted.kill:
            self._plan_kills(driver, seconds)
        self._repeat(driver, 5.0, lambda: self._say(self._sofar(driver)))
        self._repeat(driver, 1.0, self._cluster.check)
        began = time.monotonic()
        driver.run(self._stop.is_set, seconds=seconds)
        self._office.close()
        self._put_back()
        scanned_seconds = time.monotonic() - began
        if self._stop.is_set():
            return _STOPPED
        self._say("scanning has ended; waiting until everything is safe and shown")
        driver.finish(self._stop.is_set, seconds=10.0)
        was_drained = drained(self._cluster, seconds=30.0, stopping=self._stop.is_set)
        was_drained = shown(self._cluster, seconds=30.0) and was_drained
        time.sleep(0.3)  # the last change reaches the open page
        commits.stop()
        board.stop()
        self._cluster.stop_edges()
        self._end_offline(commits)
        taken = delays(
            commits.seen,
            board,
            scanned=driver.scanned,
            orders=self._office.tickets,
            offline=self._offline,
            clock=self._clock,
        )
        result = collect(
            self._cluster,
            taken,
            scans=driver.scans,
            answer_ms=driver.answer_ms,
            seconds=scanned_seconds,
            was_drained=was_drained,
            killed=self._killed,
            told=shop.told,
            board_seconds={what: sign.seconds for what, sign in self._signs.items()},
        )
        self._print(result)
        return 1 if result.missing or result.doubled else 0

    # -- what is done to it --------------------------------------------------------------------------------------------

    def _plan_offline(self, driver: Driver, after: float, length: float) -> None:
        def pull() -> None:
            self._cluster.cable.pull()
            self._offline_since[_OFFLINE] = time.monotonic_ns()
            self._say(f"{_OFFLINE}: the network cable is pulled")
            driver.plan(pulled_at[0] + length, self._put_back)
            if self._wanted.seconds is None:
                pulled_at[0] += after + length
                driver.plan(pulled_at[0], pull)

        pulled_at = [after]
        driver.plan(after, pull)

    def _plan_machines(self, driver: Driver, after: float, *, every: float | None = None) -> None:
        """Plan a cable out and in again, and garbage on a line for a while; both again and again, if asked to."""
        fleet, gap = self._cluster.fleet, _MACHINE_FAULT_SECONDS

        def noise(*, on: bool) -> None:
            fleet.babbling = on

        def fault(at: float, what: str, device: str, state: str | None, do: Callable[[], None]) -> None:
            def now() -> None:
                do()
                self._signs[what] = Sign(self._cluster.web_port, firm_of(device), device, state).start()
                self._say(f"{device}: {what}")
                if every:
                    fault(at + every, what, device, state, do)

            driver.plan(at, now)

        fault(after, "unplugged", UNPLUGGED, "lost", fleet.unplug)
        fault(after + gap, "plugged in", UNPLUGGED, None, fleet.plug)
        fault(after + gap / 2, "garbage", BABBLING, "garbage", partial(noise, on=True))
        fault(after + gap * 3 / 2, "readable", BABBLING, None, partial(noise, on=False))

    def _put_back(self) -> None:
        cable = self._cluster.cable
        if cable.pulled:
            cable.put_back()
            self._offline[_OFFLINE].append((self._offline_since[_OFFLINE], time.monotonic_ns()))
            self._say(f"{_OFFLINE}: the network cable is back")

    def _end_offline(self, commits: Commits) -> None:
        """Let each time without network end when the edge's first event after it was safe, and name it by author."""
        for firm, spans in list(self._offline.items()):
            name = author(firm, self._cluster.edges[firm].firm.edge)
            seen = [at for row, at in commits.seen if row.author == name]
            self._offline[name] = [(begin, min((at for at in seen if at > end), default=end)) for begin, end in spans]

    def _plan_kills(self, driver: Driver, seconds: float) -> None:
        def kill(name: str, do: Callable[[], None]) -> Callable[[], None]:
            def now() -> None:
                self._killed.append(name)
                self._say(f"kill -9: {name}")
                do()

            return now

        cluster = self._cluster
        driver.plan(0.20 * seconds, kill("appender", lambda: cluster.kill_part("appender")))
        driver.plan(0.50 * seconds, kill("projector", lambda: cluster.kill_part("projector")))
        if cluster.broker_process:
            driver.plan(0.60 * seconds, kill("broker", cluster.kill_broker))
        driver.plan(0.75 * seconds, kill(f"edge {_KILLED_EDGE}", lambda: cluster.kill_edge(_KILLED_EDGE)))

    def _repeat(self, driver: Driver, every: float, do: Callable[[], None]) -> None:
        def now() -> None:
            do()
            at[0] += every
            driver.plan(at[0], now)

        at = [every]
        driver.plan(every, now)

    # -- what is said --------------------------------------------------------------------------------------------------

    def _sofar(self, driver: Driver) -> str:
        self._cluster.note_peaks()
        epochs = self._cluster.accepted()
        left = sum(not epoch.safe for epoch in epochs)
        now = self._clock.read().at.astimezone(ZoneInfo(TIME_ZONE))
        return (
            f"{now:%m-%d %H:%M}  {driver.scans} scans, {sum(epoch.last for epoch in epochs)} events accepted, "
            f"{left} edges with something on its way"
        )

    def _say(self, *words: str) -> None:
        print("  ".join(words), file=sys.stderr if self._wanted.as_json else sys.stdout, flush=True)

    def _print(self, result: Result) -> None:
        if self._wanted.as_json:
            print(json.dumps(result.plain(), ensure_ascii=False))
            return
        for name, value in result.plain().items():
            print(f"{name:>20}  {value}")


def _clock(wanted: Wanted) -> FastClock:
    """Return a clock that starts ten days ago; a shift changes two fifths into a measured run."""
    zone = ZoneInfo(TIME_ZONE)
    day = datetime.now(UTC).astimezone(zone).replace(minute=0, second=0, microsecond=0) - timedelta(days=10)
    change = day.replace(hour=16)
    before = (0.4 * wanted.seconds + 4.0) * wanted.pace.speed if wanted.seconds else 3600.0
    return FastClock((change - timedelta(seconds=before)).astimezone(UTC), time.monotonic_ns(), wanted.pace.speed)


def _into_the_shift(at: datetime) -> float:
    local = at.astimezone(ZoneInfo(TIME_ZONE))
    return (local.hour * 3600 + local.minute * 60 + local.second) % SHIFT_SECONDS


def _given_broker(text: str) -> Broker:
    host, _, port = text.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "") or not port.isdigit():
        raise Taken(f"{text!r} is no broker of this machine: give --broker 127.0.0.1:1883")
    return Broker(int(port), "5", {})


def _web_port(wanted: int | None) -> int:
    """Return the port asked for, else the usual one, else any that is free."""
    try:
        return free_port(wanted or int(Web().port))
    except Failed:
        if wanted:
            raise
        return free_port()
