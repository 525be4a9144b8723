"""The way from one operation to the next: what was sent, received and so available there, and when.

Within a firm good pieces are there at once. Between firms a ship sends and a receive takes; work that begins without
one implies it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from gateway.rules.draft import Draft, OperationDraft, Passing
from gateway.rules.making import maker
from gateway.rules.order import Amount, Transfer
from gateway.rules.sequence import Oddity

_transfer, _amount = maker(Transfer), maker(Amount)
_NONE = Amount()

_Happening = tuple[datetime, int, Passing | tuple[int | None, str]]
"""When; 0 ship, 1 receive, 2 start, 3 report; what passed, or the number and ticket of the work."""


class Output(NamedTuple):
    """Good pieces that an operation reported."""

    at: datetime
    n: int
    ticket: str


@dataclass(slots=True, eq=False)
class Carried:
    """What came over one link. `entries` are the pieces that became available at its end, by time."""

    entries: list[tuple[datetime, int]] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    transfers: list[Transfer] = field(default_factory=list)
    crosses: bool = False
    """It goes to another firm."""
    unscanned_since: datetime | None = None
    """The work beyond began then and no hand-over was ever scanned: goods pass as they are reported."""
    oddities: list[Oddity] = field(default_factory=list)

    @property
    def under_way(self) -> list[Transfer]:
        """Return what was shipped and has not arrived."""
        return [transfer for transfer in self.transfers if transfer.received_at is None]


def carry(
    draft: Draft, source: OperationDraft, outputs: list[Output], lot: int | None, target: OperationDraft
) -> Carried:
    """Return what came from `source` to `target`. `lot` is the most that `source` can pass on; None if unknown."""
    if source.firm == target.firm:
        total = sum(output.n for output in outputs)
        return Carried([(output.at, output.n) for output in outputs], total, total)
    if not source.ships and not target.receives:
        return _unscanned(outputs, target)
    happenings: list[_Happening] = [
        *((ship.at, 0, ship) for ship in source.ships),
        *((receive.at, 1, receive) for receive in target.receives),
        *((at, 2, (0, ticket)) for at, ticket in target.starts),
        *((report.at, 3, (report.n, report.ticket)) for report in target.reports),
        *((guess.at, 3, (None, guess.ticket)) for guess in target.guesses),
    ]
    happenings.sort(key=itemgetter(0, 1))

    def cross(most_assumed: int | None) -> _Crossing:
        crossing = _Crossing(draft, outputs, lot, target.no, most_assumed)
        crossing.pair_by_id(source.ships, target.receives)
        crossing.go_through(happenings)
        return crossing

    crossing = cross(None)
    if (room := crossing.room_for_assumed()) is not None:  # counted pieces first: gone through again, knowing them
        crossing = cross(room)
    return crossing.carried()


def _unscanned(outputs: list[Output], target: OperationDraft) -> Carried:
    """Nobody scanned a hand-over: once work has begun beyond, what is reported here is there."""
    begun = [at for at, _ in target.starts[:1]] + target.finishes[:1]
    if not begun:
        return Carried(crosses=True)
    since, ticket = min(begun), target.sessions[0].ticket
    total = sum(output.n for output in outputs)
    transfer = _transfer(f"implied-{target.no}", ticket, None, since, None, Amount(assumed=total), implied=True)
    return Carried(
        [(max(output.at, since), output.n) for output in outputs],
        total,
        total,
        [transfer],
        crosses=True,
        unscanned_since=since,
        oddities=[(since, "implied_receipt", target.no, (("ticket", ticket),))],
    )


@dataclass(slots=True, eq=False)
class _Load:
    """One transfer under way. `there` is what became available at `received_at`."""

    ticket: str
    ship: Passing | None = None
    receive: Passing | None = None
    sent: Amount = _NONE
    received: Amount | None = None
    received_at: datetime | None = None
    there: int = 0
    implied: bool = False

    @property
    def counted(self) -> int | None:
        """Return how many somebody counted, the larger number if both sides did; None: nobody did."""
        counts = [passing.n for passing in (self.ship, self.receive) if passing is not None and passing.n is not None]
        return max(counts, default=None)


@dataclass(slots=True, eq=False)
class _Crossing:
    """One link between firms while its rows are gone through by time."""

    draft: Draft
    outputs: list[Output]
    lot: int | None
    target: int
    most_assumed: int | None = None
    """How many pieces all loads that nobody counted are together, at most; None: as many as it seems."""
    loads: list[_Load] = field(default_factory=list)
    paired: dict[int, Passing] = field(default_factory=dict)
    by_receive: dict[int, _Load] = field(default_factory=dict)
    still_to_come: list[str] = field(default_factory=list)
    """Tickets of receives not gone through yet."""
    available: int = 0
    used: int = 0

    def pair_by_id(self, ships: Iterable[Passing], receives: Iterable[Passing]) -> None:
        """Pair what names the same hand-over and ticket, whatever the clocks say."""
        named: dict[tuple[str, str], list[Passing]] = {}
        for receive in receives:
            named.setdefault((receive.id, receive.ticket), []).append(receive)
            self.still_to_come.append(receive.ticket)
        for ship in ships:
            if found := named.get((ship.id, ship.ticket)):
                self.paired[id(ship)] = found.pop(0)

    def go_through(self, happenings: Iterable[_Happening]) -> None:
        """Let everything happen, in the order given."""
        for at, kind, what in happenings:
            if type(what) is tuple:
                self.work(at, *what)
            elif type(what) is Passing:
                (self.ship if kind == 0 else self.receive)(what)

    def room_for_assumed(self) -> int | None:
        """Return how many pieces the counted loads leave for the others; None if those claim no more than that.

        A ship without a number, scanned before the finish, seems to be the whole lot: until the rest is counted out.
        """
        room = max(sum(output.n for output in self.outputs), self.lot or 0)
        room = max(0, room - sum(load.counted or 0 for load in self.loads))
        return room if self._assumed() > room else None

    def ship(self, ship: Passing) -> None:
        """Goods leave. A ship scanned after the work began belongs to what that work implied."""
        load = next((load for load in self.loads if load.ship is None and self._same(load, ship.ticket)), None)
        if load is not None and load.receive is None:
            load.sent = _NONE
            load.sent = self._amount(ship)
            self._there(load, load.sent.total)
            load.received = _amount(0, 0, load.there)
        elif load is None:
            known = any(self._same(other, ship.ticket) for other in self.loads)
            load = _Load(ship.ticket, sent=self._amount(ship))
            if known and ship.n is None and load.sent.total == 0 and id(ship) not in self.paired:
                return  # the same goods, scanned once more
            self.loads.append(load)
        else:
            load.sent = self._amount(ship) if ship.n is not None else load.sent
        load.ship = ship
        if (receive := self.paired.get(id(ship))) is not None:
            self.by_receive[id(receive)] = load
            if receive.at < ship.at:
                self._arrive(load, receive)

    def receive(self, receive: Passing) -> None:
        """Goods arrive: the named ones, else the first of this ticket, else the first of any."""
        self.still_to_come.remove(receive.ticket)
        if (load := self.by_receive.get(id(receive))) is not None:
            self._arrive(load, receive)
            return
        if any(found is receive for found in self.paired.values()):
            return  # its ship is dated later
        open_loads = [load for load in self.loads if load.receive is None and id(load.ship) not in self.paired]
        load = next((load for load in open_loads if self._same(load, receive.ticket)), None) or next(
            (load for load in open_loads if load.received_at is None and load.ticket not in self.still_to_come), None
        )
        if load is None:
            load = _Load(receive.ticket)
            known = any(self._same(other, receive.ticket) for other in self.loads)
            load.sent = self._amount(receive)
            if known and receive.n is None and load.sent.total == 0:
                return  # the same goods, scanned once more
            self.loads.append(load)
        self._arrive(load, receive)

    def work(self, at: datetime, n: int | None, ticket: str) -> None:
        """Work needs pieces: a start (0) one more than were reported, a report its own, a finish without number any."""
        if n is None:
            need = max(1, self.available)
        elif n == 0:
            need = self.used + 1
        else:
            need = self.used + n
        while self.available < need:  # seldom: goods come before the work on them
            waiting = [load for load in self.loads if load.received_at is None]
            load = next((load for load in waiting if self._same(load, ticket)), None)
            if load is None:
                if n is None or any(self._same(other, ticket) for other in self.loads):
                    break
                load = _Load(ticket)
                load.sent = _amount(0, 0, self._unsent(at, ticket))
                self.loads.append(load)
            load.implied, load.received_at = True, at
            self._there(load, load.sent.total)
            load.received = _amount(0, 0, load.there)
        self.used = max(self.used, self.available) if n is None else self.used + n

    def carried(self) -> Carried:
        """Freeze what came of it."""
        result = Carried(crosses=True)
        for number, load in enumerate(self.loads):
            ship, receive = load.ship, load.receive
            if ship is not None:
                name = ship.id
            else:
                name = receive.id if receive is not None else f"implied-{self.target}-{number}"
            result.transfers.append(
                _transfer(
                    name,
                    load.ticket,
                    ship.at if ship else None,
                    load.received_at,
                    load.sent if ship else None,
                    load.received,
                    ship.boxes if ship else None,
                    receive.boxes if receive else None,
                    load.implied,
                )
            )
            result.sent += load.sent.total
            result.received += load.there
            if load.received_at is not None:
                if load.implied:
                    ticket = (("ticket", load.ticket),)
                    result.oddities.append((load.received_at, "implied_receipt", self.target, ticket))
                self._differ(load, result.oddities)
        self._agree()
        result.received = sum(load.there for load in self.loads)
        result.entries = sorted((load.received_at, load.there) for load in self.loads if load.received_at is not None)
        return result

    def _arrive(self, load: _Load, receive: Passing) -> None:
        ship = load.ship
        if load.received_at is None or (ship is not None and load.received_at < ship.at):
            load.received_at = receive.at
        load.receive, load.implied = receive, False
        if receive.n is None:
            load.received = _amount(0, 0, load.sent.total)
        else:
            load.received = _amount(0, receive.n) if receive.machine else _amount(receive.n)
        self._there(load, load.received.total)

    def _there(self, load: _Load, n: int) -> None:
        self.available += n - load.there
        load.there = n

    def _amount(self, passing: Passing) -> Amount:
        if passing.n is None:
            return _amount(0, 0, self._unsent(passing.at, passing.ticket))
        return _amount(0, passing.n) if passing.machine else _amount(passing.n)

    def _unsent(self, at: datetime, ticket: str) -> int:
        """Return how many pieces a hand-over without a number is.

        The good ones reported by then that have not left. If there are none because the finish comes later, or never,
        those reported since, else the whole lot.
        """
        gone = sum(load.sent.total for load in self.loads)
        mine = sum(load.sent.total for load in self.loads if self._same(load, ticket))
        n = sum(output.n for output in self.outputs if output.at <= at) - gone
        own = sum(output.n for output in self.outputs if output.at <= at and output.ticket == ticket) - mine
        if n <= 0 and not mine:
            n = own = sum(output.n for output in self.outputs) - gone
            if n <= 0:
                n = own = (self.lot or 0) - gone
        if len(self.draft.live_tickets()) > 1:
            quantity = self.draft.tickets[ticket].quantity
            if own > 0 and any(output.ticket == ticket for output in self.outputs):
                n = min(n, own)
            elif quantity is not None:
                n = min(n, quantity)
        if self.most_assumed is not None:
            n = min(n, self.most_assumed - self._assumed())
        return max(0, n)

    def _assumed(self) -> int:
        return sum(load.sent.total for load in self.loads if load.counted is None)

    def _same(self, load: _Load, ticket: str) -> bool:
        """Say whether a load may be this ticket's: another issue of its lot, or the lot it was split from later."""
        if load.ticket == ticket:
            return True
        left = load.ship.at if load.ship is not None else load.received_at
        branches = self.draft.lots_before(ticket, left) if left is not None else []
        return self.draft.tickets[load.ticket].branch in branches

    def _differ(self, load: _Load, oddities: list[Oddity]) -> None:
        ship, receive = load.ship, load.receive
        if ship is None or receive is None:
            return
        counts = ship.n is not None and receive.n is not None and ship.n != receive.n
        boxes = ship.boxes is not None and receive.boxes is not None and ship.boxes != receive.boxes
        if counts:
            detail = (("id", ship.id), ("sent", str(ship.n)), ("received", str(receive.n)))
            oddities.append((receive.at, "counts_differ", self.target, detail))
        elif boxes:
            detail = (("id", ship.id), ("boxes_sent", str(ship.boxes)), ("boxes_received", str(receive.boxes)))
            oddities.append((receive.at, "counts_differ", self.target, detail))

    def _agree(self) -> None:
        """Take the count two firms agreed on for the last hand-over that differed before they did."""
        for agreed in self.draft.agreed:
            if agreed.flag != "counts_differ" or agreed.operation != self.target or agreed.good is None:
                continue
            differing = [
                load
                for load in self.loads
                if load.ship and load.receive and load.receive.at <= agreed.at and load.ship.n != load.receive.n
            ]
            if differing:
                self._there(max(differing, key=_received), agreed.good)


def _received(load: _Load) -> datetime:
    assert load.receive is not None
    return load.receive.at
