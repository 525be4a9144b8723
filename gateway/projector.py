"""The process that makes orders out of events: rows past its cursor, then each touched order folded once, then sinks.

Run by `mawashi gateway` as `python -m gateway.projector`. The rules are in `gateway.rules`, which rows an order has in
`gateway.index`.
"""

import contextlib
import gc
import random
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import DatabaseError

from broker.clock import Clock, FastClock, clock
from broker.failpoints import Point, hit
from broker.topics import GATEWAY
from gateway.events import Events, LedgerAway
from gateway.facts import index
from gateway.facts.stations import edge_fact
from gateway.folding import Folded, fold_order, write_facts
from gateway.index import LIVE, Index
from gateway.ledger import Ledger
from gateway.opening import once_there
from gateway.process import ended_by, settings_from
from gateway.settings import Gateway
from gateway.sinks import Notes, Sink
from gateway.sinks.influx import InfluxSink
from gateway.sinks.views import ViewsSink
from gateway.state import State
from gateway.state.reader import STORE
from gateway.state.writer import WritableState
from gateway.store import StoreError, at, reason
from gateway.touched import Wait

_log = structlog.get_logger()

_TURN_SECONDS = 0.2
"""After this a turn folds no more orders that catch up; half of it, at most, goes to taking rows in."""
_LIVE_SECONDS = 1.0
"""After this it folds no more live ones either, so that a read transaction and a commit stay short."""
_ROWS_AT_ONCE = 500
_BACKLOG = 5000
"""With more rows than this still to be taken in, folding what catches up would be done again soon: it waits."""
_CROWD = 20
"""With more live orders than this in one turn the pages come first: what InfluxDB gets of an order is written after."""
_OWED_MOST = 2000
"""Folded orders kept in memory until their facts are written, about 30 kB each."""
_LOOK_SECONDS = 0.01
_LOOK_AGAIN_SECONDS = 1.0
"""What sinks note is written down at least so often."""
_EDGES_SECONDS = 10.0
_BACK_OFF_SECONDS = (0.2, 10.0)
_STOP_SECONDS = 5.0


class Projector:
    """Events in, state out; for one thread. What it remembers can be thrown away at any time."""

    def __init__(self, events: Events, state: WritableState, *, zone: ZoneInfo, now: Clock, notes: Notes) -> None:
        self._events, self._state, self._zone, self._now, self._notes = events, state, zone, now, notes
        self._index: Index | None = None
        self._cursor = 0
        self._version, self._ledger_id = -1, ""
        self._owed: OrderedDict[str, Folded] = OrderedDict()
        self._edges: dict[str, tuple[int, ...]] = {}
        self._edges_due = 0.0

    def begin(self) -> None:
        """Learn from the state where we were; start over if it was made from another ledger, or a newer copy of it."""
        self._index = None
        if not self._state.present():
            self._state.reopen()
        self._version, self._ledger_id = self._events.data_version(), self._events.ledger_id()
        if (known := self._state.value("ledger")) not in ("", self._ledger_id):
            _log.warning("the ledger is another one: starting over", was=known, now=self._ledger_id)
            self._state.start_over()
        elif (cursor := self._state.cursor()) and self._events.print_at(cursor) != self._state.value("cursor_row"):
            _log.warning(
                "the ledger is an older copy of itself: starting over",
                was=cursor,
                now=self._events.last_position(),
            )
            self._state.start_over()
        with self._state.turn():
            self._state.set_value("ledger", self._ledger_id)
            self._cursor = int(self._state.value("cursor") or 0)
            speed = self._now.speed if isinstance(self._now, FastClock) else 1.0  # late is late in real seconds
            self._index = Index(self._state, self._events, live=LIVE * speed)
        self._owed.clear()
        self._edges.clear()

    def turn(self) -> bool:
        """Take rows in and fold what they touch, in one transaction; return whether there is more to do at once.

        Raises DatabaseError: nothing of this turn was written, and `begin` must come before the next.
        """
        assert self._index, "begin first"
        self._look_at_ledger()
        began = time.monotonic()
        noted = self._notes.collect()
        cursor = self._cursor
        try:
            with self._state.turn():
                backlog = self._take_rows(began)
                folded = self._fold(began, backlog)
                self._note_edges()
                if self._cursor != cursor:
                    self._state.set_value("cursor", str(self._cursor))
                    self._state.set_value("cursor_row", self._events.print_at(self._cursor))
                self._state.index.change_marks(*self._index.touched.changes())
                self._state.set_cursors(noted.cursors)
                self._state.add_refusals(noted.refusals)
                hit(Point.PROJECTOR_COMMITTING)
            hit(Point.PROJECTOR_COMMITTED)
        except BaseException:
            self._notes.give_back(noted)
            raise
        self._events.trim()
        more = bool(backlog or len(self._index.touched))
        if more:
            self._notes.caught_up.clear()
        else:
            self._notes.caught_up.set()
        return more or bool(folded)

    def _look_at_ledger(self) -> None:
        """Begin again if the ledger has taken another name: it found that it is an older copy of itself."""
        if (version := self._events.data_version()) != self._version:
            self._version = version
            if self._events.ledger_id() != self._ledger_id:
                self.begin()

    def _take_rows(self, began: float) -> int:
        """Take rows in for half a turn; return how many are left, at least."""
        assert self._index
        while rows := self._events.after(self._cursor, _ROWS_AT_ONCE):
            self._index.take(rows, self._now.read().at)
            self._cursor = rows[-1].position
            if len(rows) < _ROWS_AT_ONCE:
                return 0
            if time.monotonic() - began > _TURN_SECONDS / 2:
                return self._events.last_position() - self._cursor
        return 0

    def _fold(self, began: float, backlog: int) -> int:
        """Fold live orders, then, if there is time, those that catch up; at least one a turn."""
        assert self._index
        touched, folded = self._index.touched, 0
        crowded = touched.count(Wait.LIVE) > _CROWD
        while time.monotonic() - began < _LIVE_SECONDS and (key := touched.next_live()):
            self._fold_one(key, facts=not crowded)
            folded += 1
        while not folded or time.monotonic() - began < _TURN_SECONDS:
            if backlog > _BACKLOG or not (key := touched.next_late()):
                break
            self._fold_one(key)
            folded += 1
        return folded

    def _fold_one(self, key: str, *, facts: bool = True) -> None:
        """Fold an order; without `facts` it stays marked, so that they are written once the crowd has gone through."""
        assert self._index
        positions, owed = self._index.positions(key), self._owed.pop(key, None)
        if facts and owed and owed.positions == positions:
            write_facts(owed, self._state, self._zone)
            return
        folded = fold_order(key, positions, self._state, self._events, self._zone, facts=facts)
        if folded and not facts:
            self._owed[key] = folded
            self._index.touched.owe_facts(key)
            if len(self._owed) > _OWED_MOST:
                self._owed.popitem(last=False)  # folded again when its turn comes

    def _note_edges(self) -> None:
        """Write down how each edge stands, when that has changed."""
        if time.monotonic() < self._edges_due:
            return
        self._edges_due = time.monotonic() + _EDGES_SECONDS
        for one in self._events.standing():
            counts = one.waiting, one.missing, one.lost
            if one.author == GATEWAY or one.last_contact is None or self._edges.get(one.author) == counts:
                continue
            self._edges[one.author] = counts
            firm, _, edge = one.author.partition("/")
            waiting, missing, lost = counts
            fact = edge_fact(
                firm, edge, one.last_contact, committed=one.committed, waiting=waiting, missing=missing, lost=lost
            )
            ((key, fields),) = index([fact]).items()
            self._state.products.put_fact(f"e:{one.author}", key, fields)


class Process:
    """The projector's loop, and its sinks as threads beside it."""

    def __init__(self, settings: Gateway, now: Clock) -> None:
        self._settings, self._now = settings, now
        self._stopping = threading.Event()
        self._notes = Notes()
        self._trouble = _Trouble()

    def stop(self) -> None:
        """End soon; from any thread, but not from a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Project until `stop`. Raises StoreError if another process projects."""
        with contextlib.ExitStack() as stack:
            state = once_there(lambda: State.open(self._settings.state_url, write=True), self._stopping)
            if state is None:
                return
            stack.enter_context(state)
            if (ledger := self._ledger()) is None:
                return
            stack.enter_context(ledger)
            sinks = self._sinks()
            threads = [
                threading.Thread(target=sink.run, args=(self._stopping,), name=type(sink).__name__, daemon=True)
                for sink in sinks
            ]
            for thread in threads:
                thread.start()
            zone, events = ZoneInfo(self._settings.time_zone), Events(ledger)
            projector = Projector(events, state, zone=zone, now=self._now, notes=self._notes)
            self._loop(projector, events, state, sinks)
            for sink in sinks:
                sink.wake()
            for thread in threads:
                thread.join(_STOP_SECONDS)

    def _ledger(self) -> Ledger | None:
        """Open the ledger, which the appender makes; None if we are stopped before it is there."""
        while not self._stopping.is_set():
            with contextlib.suppress(StoreError):
                return Ledger.open(self._settings.ledger_url)
            self._stopping.wait(0.1)
        return None

    def _sinks(self) -> list[Sink]:
        url, settings = self._settings.state_url, self._settings
        sinks: list[Sink] = [ViewsSink(settings.mqtt, State.open(url), self._notes)]
        if settings.influx:
            sinks.append(InfluxSink(settings.influx, State.open(url), self._notes, self._now))
        return sinks

    def _loop(self, projector: Projector, events: Events, state: WritableState, sinks: Sequence[Sink]) -> None:
        """The one place where the world's errors are waited out."""
        ready, spoilt, seen, look_again = False, False, -1, 0.0
        while not self._stopping.is_set():
            try:
                if spoilt:
                    spoilt = False
                    state.start_over()  # here, since it fails too while somebody deletes what it makes
                if not ready or not state.present():
                    if ready:
                        _log.warning("the state was deleted: making it again from the ledger")
                    ready = False
                    projector.begin()
                    ready, seen = True, -1
                version = events.data_version()
                if version == seen and time.monotonic() < look_again:
                    self._stopping.wait(_LOOK_SECONDS)
                    continue
                if not projector.turn():
                    seen, look_again = version, time.monotonic() + _LOOK_AGAIN_SECONDS
                for sink in sinks:
                    sink.wake()
                self._trouble.over()
            except LedgerAway as error:
                ready = False
                _let_go(events, state)
                self._stopping.wait(self._trouble.wait("the ledger cannot be read", str(error)))
            except DatabaseError as error:
                ready = False
                _let_go(events, state)
                spoilt = state.unusable(error) and not self._trouble.text
                self._stopping.wait(self._trouble.wait("the state cannot be written", reason(error)))


def _let_go(events: Events, state: WritableState) -> None:
    """Read on new connections from now on: a server that went away has broken all, and each would fail once."""
    events.let_go()
    state.let_go()


class _Trouble:
    """What is wrong in the world, said when it changes, and how long to wait before trying again."""

    def __init__(self) -> None:
        self.text = ""
        self._wait = _BACK_OFF_SECONDS[0]

    def wait(self, what: str, said: str) -> float:
        """Say it if it is new; return how long to wait."""
        if what != self.text:
            _log.warning(f"{what} now; it is tried until it can", reason=said)
            self._wait = _BACK_OFF_SECONDS[0]
        self.text = what
        wait, self._wait = self._wait, min(self._wait * 2, _BACK_OFF_SECONDS[1])
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret

    def over(self) -> None:
        """Say that it is over."""
        if self.text:
            _log.info("projecting again")
        self.text, self._wait = "", _BACK_OFF_SECONDS[0]


def rebuild(settings: Gateway) -> bool:
    """Delete the state; a running projector notices and makes it again, else the next one does.

    Returns whether there was one.
    """
    return at(settings.state_url, STORE).delete()


def main(arguments: Sequence[str]) -> int:
    """Run the projector until SIGTERM; the exit status is 2 for settings, 1 if another one runs."""
    settings = settings_from(arguments, "projector")
    gc.set_threshold(20_000, 20, 50)  # the parsed events live long; looking through them often costs more than it frees
    process = Process(settings, clock())
    _log.info("projecting", state=settings.state_url)
    try:
        with ended_by(signal.SIGTERM, signal.SIGINT, stop=process.stop):
            process.run()
    except (StoreError, DatabaseError) as error:
        _log.error("the state cannot be opened", reason=error)
        return 1
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
