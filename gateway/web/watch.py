"""One thread that watches ledger and state for all pages, and hands what changed to the event loop.

It alone decides how current the pages are: `as_of` is the last moment of which every committed row has been folded.
"""

import asyncio
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker.clock import Clock
from broker.topics import GATEWAY
from gateway.ledger import Ledger, Standing
from gateway.replay.issued import played_edges
from gateway.settings import Gateway
from gateway.state import State
from gateway.store import StoreError
from gateway.web.absent import absent
from gateway.web.memory import Memory, Pulse, old

POLL_SECONDS = 0.02
"""How often the state is asked whether it changed (microseconds each): half of this is the board's mean delay."""
PULSE_SECONDS = 1.0
RETRY_SECONDS = 0.5
SILENT_SECONDS = 16 * 60
"""An edge says hello every 15 minutes even when idle (design 5); after this it may hold scans nobody knows of."""

_log = structlog.get_logger("web")


@dataclass(frozen=True, slots=True)
class _Sample:
    at: datetime
    mono: float
    position: int


class Contacts:
    """When each edge was last heard, in real seconds, so that a demo's fast clock silences nobody."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[datetime, float]] = {}

    def silent(self, authors: Iterable[Standing], now: datetime, mono: float) -> frozenset[str]:
        """Return the edges that have not been heard for `SILENT_SECONDS`."""
        for status in authors:
            contact = status.last_contact
            if contact is None or status.author == GATEWAY:
                continue
            known = self._heard.get(status.author)
            if known is None:  # nothing seen of it yet: only the clock can tell
                self._heard[status.author] = (contact, mono - max(0.0, (now - contact).total_seconds()))
            elif contact > known[0]:
                self._heard[status.author] = (contact, mono)
        return frozenset(author for author, (_, heard) in self._heard.items() if mono - heard > SILENT_SECONDS)


class Watch(threading.Thread):
    """Follows the stores until stopped. A store that cannot be read is said once and tried again."""

    def __init__(self, settings: Gateway, clock: Clock, memory: Memory, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="watch", daemon=True)
        self._settings, self._clock, self._memory, self._loop = settings, clock, memory, loop
        self._stop_asked = threading.Event()
        self._contacts = Contacts()
        self._samples: deque[_Sample] = deque(maxlen=600)
        self._as_of: _Sample | None = None
        self._born = self._cursor = self._revision = self._version = 0
        self._keys: set[str] = set()
        """Of all orders; kept here, for the orders in memory are the event loop's to walk."""
        self._trouble: str | None = None

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._stop_asked.set()
        self.join(5)

    def run(self) -> None:
        """Follow until stopped. A bug ends the process, which its supervisor starts again."""
        try:
            while not self._stop_asked.is_set():
                try:
                    with (
                        State.open(self._settings.state_url) as state,
                        Ledger.open(self._settings.ledger_url) as ledger,
                    ):
                        self._follow(state, ledger)
                except (StoreError, SQLAlchemyError) as error:
                    self._say(str(error).splitlines()[0])
                    self._stop_asked.wait(RETRY_SECONDS)
        except Exception:
            _log.exception("the pages cannot follow the orders; ending")
            signal.raise_signal(signal.SIGTERM)
            raise

    def _follow(self, state: State, ledger: Ledger) -> None:
        next_pulse = 0.0
        self._version = -1
        while not self._stop_asked.wait(POLL_SECONDS):
            mono = time.monotonic()
            pulse = mono >= next_pulse
            if pulse:
                self._samples.append(_Sample(self._clock.read().at, mono, ledger.last_position()))
            version = state.data_version()
            if version != self._version or pulse:
                self._version = version
                self._take(state)
            if pulse:
                next_pulse = mono + PULSE_SECONDS
                self._beat(ledger, state)
                self._say(None)

    def _take(self, state: State) -> None:
        """Read what changed. A state that is being made anew shows nothing until it has caught up with the old one."""
        cursor, folded, born = state.cursor(), state.marked() == 0, state.born()
        if born and born != self._born and (not self._memory.ready or (folded and cursor >= self._cursor)):
            revision, orders, now = state.revision(), state.orders(), self._clock.read().at
            self._born, self._revision = born, max([revision, *(kept.revision for kept in orders)])
            self._keys = {kept.key for kept in orders}
            self._hand(self._memory.replace, [kept for kept in orders if not old(kept.state, now)], self._revision)
        elif born and born == self._born and (changed := state.changed(self._revision)):
            self._revision = changed[-1].revision
            self._keys.update(kept.key for kept in changed)
            self._hand(self._memory.merge, changed, self._revision)
        if born == self._born and born:
            self._cursor = cursor
            if folded:
                self._caught_up(cursor)

    def _caught_up(self, cursor: int) -> None:
        while self._samples and self._samples[0].position <= cursor:
            self._as_of = self._samples.popleft()

    def _beat(self, ledger: Ledger, state: State) -> None:
        mono, now = time.monotonic(), self._clock.read().at
        played = played_edges(self._settings.data_dir)
        authors = [one for one in ledger.standing() if one.author not in played or one.waiting or one.missing]
        if self._born == state.born() and state.size() != len(self._keys):
            gone = self._keys - state.keys()  # given to another order by the office, or taken back
            self._keys -= gone
            self._hand(self._memory.forget, tuple(gone))
        self._hand(self._memory.machines, state.stations())
        if self._as_of:
            silent = self._contacts.silent(authors, now, mono)
            waiting = sum(status.waiting for status in authors if status.author not in silent)
            age = mono - self._as_of.mono
            pulse = Pulse(self._as_of.at, age, waiting, len(silent), absent(authors, silent))
            self._hand(self._memory.beat, pulse)

    def _hand(self, what: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)

    def _say(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                _log.warning("waiting for the stores", reason=trouble)
            else:
                _log.info("following the orders", cursor=self._cursor)
