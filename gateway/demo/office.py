"""The demo's office: brings order files all day, by the same code as `mawashi order import`."""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from broker.clock import Clock
from broker.events import Order
from gateway.api import Api, GatewayAway
from gateway.demo.floor import Firm
from gateway.demo.orders import order_file
from gateway.orders.bring import bring
from gateway.orders.order_file import parse
from gateway.orders.proposals import Known
from gateway.settings import Gateway

_EVERY_SECONDS = 2.0


class Office:
    """Imports a first file at once, then one every two seconds in a thread of its own."""

    def __init__(self, settings: Gateway, folder: Path, firms: Sequence[Firm], *, clock: Clock, seed: int) -> None:
        self._settings, self._folder, self._firms, self._clock, self._seed = settings, folder, firms, clock, seed
        self._next = 1
        self._brought: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self.tickets: dict[str, str] = {}
        """The order of each ticket that was ever issued."""

    def bring(self, count: int) -> list[Order]:
        """Import a file with so many orders. Raises GatewayAway."""
        today = self._clock.read().at.date()
        path = self._folder / f"orders-{self._next}.csv"
        path.write_bytes(order_file(count, first=self._next, today=today, seed=self._seed, firms=self._firms))
        self._next += count
        parsed = parse(path.read_bytes(), Known(self._settings.firms, today))
        assert not parsed.problems, f"our own file is no good: {parsed.problems[0]}"
        api = Api.connect(self._settings.socket)
        events = bring(api, parsed.proposals, by=f"import {path.name}")
        self.tickets |= {ticket.id: event.order for event in events for ticket in event.tickets}
        return events

    def open(self, *, a_second: float) -> None:
        """Bring so many orders a second from now on."""

        def work() -> None:
            owed = 0.0
            while not self._stopping.wait(_EVERY_SECONDS):
                owed += a_second * _EVERY_SECONDS
                with suppress(GatewayAway):  # it is being started again: later
                    if owed >= 1:
                        for order in self.bring(int(owed)):
                            self._brought.put(order)
                        owed %= 1

        threading.Thread(target=work, name="office", daemon=True).start()

    def close(self) -> None:
        """Bring no more."""
        self._stopping.set()

    def brought(self) -> list[Order]:
        """Return what has come since the last call."""
        orders = []
        with suppress(queue.Empty):
            while True:
                orders.append(self._brought.get_nowait())
        return orders
