"""Taking rows in: which orders they touch, what they say about tickets and stations, and which count for nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from json import loads

import structlog

from broker.events import AnyEvent, ClockQuality, Correction, CountReading, Machine, MachineState
from broker.topics import GATEWAY
from gateway import facts
from gateway.events import Events
from gateway.facts import stations
from gateway.resolve import (
    ROW_PREFIX,
    Claim,
    Rejected,
    anchors,
    claims,
    homes_along,
    judge,
    order_anchor,
    row_anchor,
    row_text,
    target,
    ticket_anchor,
)
from gateway.rules.row import Row
from gateway.rules.stamp import Stamped
from gateway.rules.voiding import Key, firm_of, may_void, voided
from gateway.state import StationRow, Verdict
from gateway.state.writer import WritableState
from gateway.touched import Touched

_log = structlog.get_logger()

LIVE = timedelta(seconds=60)
"""A row that tells of something longer ago is catching up."""
_REMEMBERED = 100_000
"""Homes of tickets, and ends of chains of corrections, in memory."""

_Place = tuple[str, str, str]
"""Firm, edge, station."""


class Index:
    """Holds what it has learnt from rows, in the state and a little in memory; for one thread, within a turn.

    `live` is how long ago a row may tell of something and still not be catching up, by the clock that gives `now`.
    """

    def __init__(self, state: WritableState, events: Events, *, live: timedelta = LIVE) -> None:
        self._live = live
        self._rows, self._products, self._events = state.index, state.products, events
        self.touched = Touched(state.index.load_marks(), state.products.parked())
        self._awaited = state.index.anchors_beginning(ROW_PREFIX)
        self._homes: dict[str, str] = {}
        self._ends: dict[Key, Key | None] = {}
        self._marked: dict[str, bool] = {}
        self._claimed: dict[str, bool] = {}
        self._told_again: set[Key] = set()
        self._stations = {(one.firm, one.edge, one.station): one for one in state.stations()}
        self._touches: list[tuple[str, int]] = []
        self._verdicts: list[Verdict] = []
        self._changed_machines: set[_Place] = set()
        self._told: set[str] = set()

    def take(self, rows: Sequence[Row], now: datetime) -> None:
        """Take rows in, in order of position."""
        for row in rows:
            event = judge(row)
            if isinstance(event, Rejected):
                self._reject(row, event)
            else:
                self._take(row, event, now)
        self._rows.add_touches(self._touches)
        self._touches.clear()
        self._settle()
        self._rows.add_verdicts(self._verdicts)
        self._verdicts.clear()
        self._write_machines()
        for memory in (self._homes, self._ends):
            if len(memory) > _REMEMBERED:
                memory.clear()

    def positions(self, key: str) -> list[int]:
        """Return the rows an order is folded from, in order of position.

        What touches it or its tickets; and, of tickets that it claims and another order got, the words that decided so.
        """
        tickets = self._rows.tickets_of(key)
        found = self._rows.positions([order_anchor(key), *map(ticket_anchor, tickets)])
        if lost := set(self._rows.tickets_claimed(key)).difference(tickets):
            found = sorted({*found, *(position for ticket in lost for position, _ in self._claims_in_force(ticket))})
        return found

    def _reject(self, row: Row, why: Rejected) -> None:
        self._verdicts.append(Verdict(row.position, *row.key, why.reason, why.sentence, row.received_at))
        if why.reason not in self._told:
            self._told.add(why.reason)
            _log.warning(
                "a row counts for nothing; more of this kind are only counted",
                reason=why.reason,
                author=row.author,
                sentence=why.sentence,
            )

    def _take(self, row: Row, event: AnyEvent, now: datetime) -> None:
        stamped = self._stamp(row, event)
        live = stamped is None or (now - stamped.stamp < self._live and now - row.received_at < self._live)
        touched = set(anchors(event))
        if named := target(event):
            end, ended = self._end_of(row.key)
            if end and not isinstance(ended, Rejected):
                touched |= set(anchors(ended)) if ended else {row_anchor(end)}
                if ended:
                    self._corrected(end, ended, live=live)
        self._touch(touched, row.position)
        said = claims(row.key, event)
        for claim in said:
            self._rows.add_claim(row.position, claim)
        if isinstance(event, Correction) and named:
            self._rows.add_correction(row_text(named), row.position, row.key)
        if row_anchor(row.key) in self._awaited:
            self._arrived(row.key, touched)
        self._again(self._claimed, (claim.ticket for claim in said), live=live)
        self._mark(touched, live=live)
        if row.author != GATEWAY:
            self._see_station(row, event, stamped)

    def _stamp(self, row: Row, event: AnyEvent) -> Stamped | None:
        """Return the row stamped; None if the rules fail on it: its order is parked when it is folded."""
        try:
            return self._events.add(row, event)
        except Exception:  # noqa: BLE001 - a bug in the rules parks one order, not the cluster
            return None

    # -- orders --------------------------------------------------------------------------------------------------------

    def _touch(self, touched: Iterable[str], position: int) -> None:
        for anchor in touched:
            self._touches.append((anchor, position))
            if anchor.startswith(ROW_PREFIX):
                self._awaited.add(anchor)

    def _end_of(self, correction: Key) -> tuple[Key | None, AnyEvent | Rejected | None]:
        """Return the row that corrections of corrections come down to, and its event; None for one that is not here.

        No row at all if they go round in a circle. Each correction on the way remembers the end, so that a long chain
        is walked once and not once a correction.
        """
        way: set[Key] = set()
        end: Key | None = correction
        event: AnyEvent | Rejected | None = None
        while end is not None:
            if end in way:
                end, event = None, None
            elif end in self._ends:
                way.add(end)
                end = self._ends[end]
            else:
                event = self._events.of(end)
                if event is None or isinstance(event, Rejected) or (named := target(event)) is None:
                    break
                way.add(end)
                end = named
        self._ends |= dict.fromkeys(way, end)
        return end, event

    def _arrived(self, key: Key, touched: set[str]) -> None:
        """Give the corrections that waited for this row what it touches, unless it waits itself."""
        anchor = row_anchor(key)
        if not any(one.startswith(ROW_PREFIX) for one in touched):
            asked, seen = [key], {key}
            while asked:
                for position, one in self._rows.corrections_of(row_text(asked.pop())):
                    self._touch(touched, position)
                    if one not in seen:
                        seen.add(one)
                        asked.append(one)
        self._touches = [one for one in self._touches if one[0] != anchor]
        self._awaited.discard(anchor)
        self._rows.drop_anchor(anchor)

    def _mark(self, touched: Iterable[str], *, live: bool) -> None:
        for anchor in touched:
            kind, name = anchor[:2], anchor[2:]
            if kind == "o:":
                self.touched.add(name, live=live)
            elif kind == "t:":
                self._again(self._marked, [name], live=live)

    @staticmethod
    def _again(waiting: dict[str, bool], tickets: Iterable[str], *, live: bool) -> None:
        for ticket in tickets:
            waiting[ticket] = waiting.get(ticket, False) or live

    def _settle(self) -> None:
        """Decide, once for all rows of a batch, whose tickets are, and tell the orders that they touch or claim."""
        in_force: dict[Key, bool] = {}
        new = {ticket: live for ticket, live in self._marked.items() if not self._home(ticket)}
        self._rehome({**new, **self._claimed}, in_force)
        for ticket, live in self._claimed.items():
            for _, claim in self._rows.claims_on(ticket):
                if claim.order:
                    self.touched.add(claim.order, live=live)
        for ticket, live in self._marked.items():
            if order := self._home(ticket):
                self.touched.add(order, live=live)
        for key in self._told_again:
            event, row = self._events.of(key), self._events.row(key)
            if row and isinstance(event, Machine | CountReading):
                self._see_station(row, event, self._stamp(row, event))
        for done in (self._marked, self._claimed, self._told_again):
            done.clear()

    def _home(self, ticket: str) -> str | None:
        if (known := self._homes.get(ticket)) is None and (known := self._rows.home(ticket)):
            self._homes[ticket] = known
        return known

    def _rehome(self, tickets: Mapping[str, bool], in_force: dict[Key, bool]) -> None:
        """Find the order each ticket belongs to, and move it and what was split off it if that has changed.

        Only these tickets and what was split off them can move: above them, what was found before still holds.
        """
        doubtful: dict[str, bool] = {}
        for ticket in sorted(tickets, key=lambda one: not tickets[one]):  # the live ones first
            asked = [ticket]
            while asked:
                if (one := asked.pop()) not in doubtful:
                    doubtful[one] = tickets[ticket]
                    asked += self._rows.children(one)
        found: dict[str, str] = {}

        def claims_on(ticket: str) -> list[Claim]:
            return [claim for _, claim in self._claims_in_force(ticket, in_force)]

        def known(ticket: str) -> str | None:
            return found.get(ticket) if ticket in doubtful else self._home(ticket)

        for ticket, live in doubtful.items():
            if ticket not in found:
                found |= homes_along(ticket, claims_on, known)
            old, new = self._home(ticket), found[ticket]
            if new != old:
                self._rows.set_home(ticket, new)
                for order in (old, new):
                    if order:
                        self.touched.add(order, live=live)
        self._homes |= {ticket: found[ticket] for ticket in doubtful}

    def _claims_in_force(self, ticket: str, known: dict[Key, bool] | None = None) -> list[tuple[int, Claim]]:
        """Return the claims that no correction voids; `known` remembers which do, while no row comes in."""
        known = {} if known is None else known
        claimed = self._rows.claims_on(ticket)
        for _, claim in claimed:
            if claim.key not in known:
                known[claim.key] = self._in_force(claim.key)
        return [one for one in claimed if known[one[1].key]]

    def _in_force(self, key: Key) -> bool:
        """Whether no correction in force voids this row."""
        targets: dict[Key, Key] = {}
        asked = [key]
        while asked:
            one = asked.pop()
            if found := [other for _, other in self._rows.corrections_of(row_text(one)) if other not in targets]:
                firm = firm_of(one[0], self._events.of(one) if one[0] == GATEWAY else None)
                allowed = [other for other in found if may_void(other[0], firm)]
                targets |= dict.fromkeys(allowed, one)
                asked += allowed
        return key not in voided(targets)

    def _corrected(self, key: Key, event: AnyEvent, *, live: bool) -> None:
        """Look again at what a correction reaches at last: a claim on a ticket, or a machine's word."""
        self._again(self._claimed, (claim.ticket for claim in claims(key, event)), live=live)
        if isinstance(event, Machine | CountReading):
            self._told_again.add(key)

    # -- stations ------------------------------------------------------------------------------------------------------

    def _see_station(self, row: Row, event: AnyEvent, stamped: Stamped | None) -> None:
        station = getattr(event, "station", None)
        if station is None or event.clock is ClockQuality.GIVEN:  # a history names no machine of today's floor
            return
        firm, _, edge = row.author.partition("/")
        place = (firm, edge, station)
        if place not in self._stations:
            self._stations[place] = StationRow(*place, MachineState.UNKNOWN, None, None)
            self._products.put_station(self._stations[place])
        if stamped is None or not isinstance(event, Machine | CountReading):
            return
        if isinstance(event, Machine):
            since = event.since or stamped.stamp
            fact = stations.machine_fact(*place, state=event.state.value, since=since, at=stamped.stamp, seq=row.seq)
            self._changed_machines.add(place)
        else:
            fact = stations.count_fact(*place, signal=event.signal, total=event.total, at=stamped.stamp, seq=row.seq)
        ((key, fields),) = facts.index([fact]).items()
        self._products.put_fact(stations.station_owner(*place), key, fields, void=not self._in_force(row.key))

    def _write_machines(self) -> None:
        """Say of each machine what it last reported."""
        for place in self._changed_machines:
            machine, at, since = MachineState.UNKNOWN, None, None
            if last := self._products.latest_fact(stations.station_owner(*place), "machine"):
                fields = loads(last[1])
                machine, at = MachineState(fields["state"]), facts.instant(fields["at_ms"] * 1_000_000)
                since = facts.instant(last[0])
            self._stations[place] = StationRow(*place, machine, at, since)
            self._products.put_station(self._stations[place])
        self._changed_machines.clear()
