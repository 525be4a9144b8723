"""Rows of the ledger as parsed and stamped, the last 50,000 kept, so that folding an order again parses nothing."""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import sha256

from sqlalchemy.exc import DatabaseError

from broker.events import AnyEvent
from gateway.ledger import Ledger, Standing
from gateway.resolve import Rejected, judge, row_text
from gateway.rules.row import Row
from gateway.rules.stamp import Stamped, stamp
from gateway.rules.voiding import Key
from gateway.store import StoreError, reason

_KEPT = 50_000
"""About 2 kB each (measured)."""


class LedgerAway(Exception):  # noqa: N818 - it is away, no error of ours
    """The ledger cannot be read now; the database's reason."""


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise LedgerAway(reason(error)) from error
    except StoreError as error:
        raise LedgerAway(str(error)) from error


class Events:
    """The projector's window on the ledger; for one thread. Every method may raise LedgerAway."""

    def __init__(self, ledger: Ledger, kept: int = _KEPT) -> None:
        self._ledger, self._kept = ledger, kept
        self._by_position: OrderedDict[int, Stamped] = OrderedDict()
        self._by_key: dict[Key, AnyEvent] = {}

    def add(self, row: Row, event: AnyEvent) -> Stamped:
        """Stamp and keep one row."""
        stamped = stamp(row, event)
        self._by_position[row.position] = stamped
        self._by_key[row.key] = event
        return stamped

    def at(self, positions: Sequence[int]) -> list[Stamped]:
        """Return the events at these positions; rows that are none are left out."""
        missing = [position for position in positions if position not in self._by_position]
        for row in self._rows_at(missing) if missing else ():
            event = judge(row)
            if not isinstance(event, Rejected):
                self.add(row, event)
        found = []
        for position in positions:
            if stamped := self._by_position.get(position):
                self._by_position.move_to_end(position)
                found.append(stamped)
        return found

    def of(self, key: Key) -> AnyEvent | Rejected | None:
        """Return the event with this key, or why it is none; None if the row has not arrived."""
        if key in self._by_key:
            return self._by_key[key]
        row = self.row(key)
        return judge(row) if row else None

    def row(self, key: Key) -> Row | None:
        """Return the row with this key."""
        with _reading():
            return self._ledger.row(*key)

    def _rows_at(self, positions: Sequence[int]) -> list[Row]:
        with _reading():
            return self._ledger.rows_at(positions)

    def after(self, position: int, limit: int) -> list[Row]:
        """Return up to `limit` rows above this position."""
        with _reading():
            return self._ledger.rows(position, limit)

    def last_position(self) -> int:
        """Return the highest position there is."""
        with _reading():
            return self._ledger.last_position()

    def ledger_id(self) -> str:
        """Return which ledger this is."""
        with _reading():
            return self._ledger.ledger_id

    def print_at(self, position: int) -> str:
        """Return what tells the row at this position from any other, in hexadecimal; "" if there is none."""
        for row in self._rows_at([position]):
            return sha256(row_text(row.key).encode() + b"\n" + row.body).hexdigest()
        return ""

    def standing(self) -> list[Standing]:
        """Return how each author stands."""
        with _reading():
            return self._ledger.standing()

    def data_version(self) -> int:
        """Return a number that changes when the appender has committed."""
        with _reading():
            return self._ledger.data_version()

    def let_go(self) -> None:
        """Let go of every connection, all of which may be broken if one is; the next read makes new ones."""
        self._ledger.close()

    def trim(self) -> None:
        """Let go of what was used longest ago."""
        while len(self._by_position) > self._kept:
            _, stamped = self._by_position.popitem(last=False)
            self._by_key.pop(stamped.key, None)
