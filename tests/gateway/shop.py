"""A shop's worth of events, made by a seed: orders that cross four firms, with everything that goes wrong there."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.clock import Reading
from broker.codes import CROCKFORD
from broker.events import (
    Action,
    Adopt,
    AnyEvent,
    ClockQuality,
    Correction,
    CountReading,
    Handover,
    HandoverAction,
    IssuedTicket,
    Machine,
    MachineState,
    Order,
    OrderAction,
    OrderPart,
    Quality,
    Quantity,
    Ref,
    Split,
    Step,
    Work,
    encode,
)
from broker.topics import GATEWAY
from gateway.ledger.intake import Batch, Sent, hashes
from gateway.ledger.writer import WritableLedger

BEGIN = datetime(2026, 11, 2, 23, 0, tzinfo=UTC)
FIRMS = ("turning", "grinding", "plating", "inspection")
BOOT = "0f0f0f0f-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Line:
    """One event as its author's outbox holds it."""

    author: str
    epoch: str
    seq: int
    event: AnyEvent
    body: bytes
    at: datetime

    @property
    def ref(self) -> Ref:
        return Ref(author=self.author, epoch=self.epoch, seq=self.seq)


@dataclass
class Author:
    """An outbox: numbers what it is told to say."""

    name: str
    epoch: str
    lines: list[Line] = field(default_factory=list)

    def say(self, kind: type[AnyEvent], at: datetime, **values: Any) -> Line:
        event = kind(
            at=at, mono_ms=int((at - BEGIN).total_seconds() * 1000), boot=BOOT, clock=ClockQuality.SYNCED, **values
        )
        line = Line(self.name, self.epoch, len(self.lines) + 1, event, encode(event), at)
        self.lines.append(line)
        return line


def counted(n: int) -> Quantity:
    return Quantity(n=n, q=Quality.COUNTED)


ASSUMED = Quantity(q=Quality.ASSUMED)


class Shop:
    """Makes events. `lines` are in order of their times."""

    def __init__(self, seed: int = 1, begin: datetime = BEGIN) -> None:
        self.chance = random.Random(seed)
        self.office = Author(GATEWAY, f"{seed:016x}")
        self.edges = {firm: Author(f"{firm}/pi-1", f"{seed:08x}{place:08x}") for place, firm in enumerate(FIRMS)}
        self.at = begin
        self._numbers = 4470
        self._tickets = 0

    @property
    def lines(self) -> list[Line]:
        every = [line for author in (self.office, *self.edges.values()) for line in author.lines]
        return sorted(every, key=lambda line: (line.at, line.author, line.epoch, line.seq))

    def ticket(self) -> str:
        self._tickets += 1
        rest, text = self._tickets * 7919 + 32**4, ""
        for _ in range(6):
            rest, digit = divmod(rest, 32)
            text = CROCKFORD[digit] + text
        return text

    def order(
        self,
        *,
        firms: Sequence[str] = FIRMS,
        quantity: int = 50,
        tickets: int = 1,
        at: datetime | None = None,
    ) -> tuple[str, list[str]]:
        """The office enters an order; return its key and tickets."""
        self._numbers += 1
        key, at = f"k{self._numbers}", at or self.at
        ids = [self.ticket() for _ in range(tickets)]
        self.office.say(
            Order,
            at,
            action=OrderAction.CREATED,
            order=key,
            part=OrderPart(
                number=str(self._numbers),
                part="シャフト φ20",
                drawing=f"SH-{self._numbers}",
                quantity=quantity,
                coordinator=firms[0],
                due=(at + timedelta(days=10)).date(),
            ),
            routing=tuple(Step(no=10 * (n + 1), name="加工", firm=firm) for n, firm in enumerate(firms)),
            tickets=tuple(
                IssuedTicket(id=one, branch=n + 1, quantity=quantity // tickets) for n, one in enumerate(ids)
            ),
        )
        return key, ids

    def session(
        self,
        ticket: str,
        no: int,
        firm: str,
        at: datetime,
        *,
        minutes: float = 42,
        good: Quantity = ASSUMED,
        lane: int = 1,
    ) -> datetime:
        """One start and one finish; return when it ended."""
        edge = self.edges[firm]
        start = edge.say(Work, at, action=Action.START, ticket=ticket, operation=no, station=f"nc-{lane}")
        end = at + timedelta(minutes=minutes)
        edge.say(
            Work,
            end,
            action=Action.FINISH,
            ticket=ticket,
            operation=no,
            station=f"nc-{lane}",
            closes=start.ref,
            good=good,
        )
        return end

    def hand_over(
        self, ticket: str, no: int, firms: tuple[str, str], at: datetime, *, received: bool = True
    ) -> datetime:
        """Out of one firm, into the next; return when it is there."""
        bag = f"h-{ticket.lower()}-{no}"
        self.edges[firms[0]].say(Handover, at, action=HandoverAction.SHIP, ticket=ticket, operation=no, id=bag, boxes=2)
        there = at + timedelta(hours=3)
        if received:
            self.edges[firms[1]].say(Handover, there, action=HandoverAction.RECEIVE, ticket=ticket, id=bag, boxes=2)
        return there

    def life(self, *, lots: int = 1, firms: Sequence[str] = FIRMS) -> str:
        """One order from the office to the last inspection, with some of what happens on the way; return its key."""
        chance, start = self.chance, self.at
        key, tickets = self.order(firms=firms, tickets=lots, at=start)
        for ticket in tickets:
            at = start + timedelta(minutes=chance.randint(5, 400))
            for place, firm in enumerate(firms):
                at = self._work(ticket, 10 * (place + 1), firm, at)
                if place + 1 < len(firms) and firms[place + 1] != firm:
                    pair = (firm, firms[place + 1])
                    at = self.hand_over(ticket, 10 * (place + 1), pair, at, received=chance.random() < 0.8)
        self.at = start + timedelta(minutes=chance.randint(1, 30))
        return key

    def _work(self, ticket: str, no: int, firm: str, at: datetime) -> datetime:
        chance, edge = self.chance, self.edges[firm]
        at += timedelta(minutes=chance.randint(1, 90))
        lane = chance.randint(1, 3)
        good = counted(chance.randint(40, 50)) if chance.random() < 0.5 else ASSUMED
        what = chance.random()
        if what < 0.1:  # scanned by mistake, and undone
            wrong = edge.say(Work, at, action=Action.START, ticket=ticket, operation=no, station="nc-9")
            edge.say(Correction, at + timedelta(seconds=20), voids=wrong.ref, why="undo")
        elif what < 0.2:  # over night
            first = edge.say(Work, at, action=Action.START, ticket=ticket, operation=no, station=f"nc-{lane}")
            at += timedelta(hours=2)
            edge.say(
                Work,
                at,
                action=Action.PAUSE,
                ticket=ticket,
                operation=no,
                station=f"nc-{lane}",
                closes=first.ref,
                reason="SHIFT_END",
            )
            at += timedelta(hours=14)
        elif what < 0.3:
            edge.say(
                Work,
                at,
                action=Action.REPORT,
                ticket=ticket,
                operation=no,
                station=f"nc-{lane}",
                scrap=counted(1),
                reason="DIMENSION",
            )
        return self.session(
            ticket, no, firm, at + timedelta(minutes=1), minutes=chance.randint(4, 90), good=good, lane=lane
        )

    def walk_in(self) -> str:
        """飛び込み: worked on under a blank ticket, split, and named by the office afterwards; return the order's key."""
        blank, child = self.ticket(), self.ticket()
        at = self.session(blank, 10, "turning", self.at + timedelta(minutes=5), minutes=10)
        self.edges["turning"].say(Split, at, parent=blank, child=child, quantity=counted(5))
        at = self.session(child, 10, "turning", at + timedelta(minutes=5), minutes=10, lane=2)
        key, _ = self.order(firms=("turning",), at=at + timedelta(hours=1))
        self.office.say(Adopt, at + timedelta(hours=1), ticket=blank, order=key)
        return key

    def machines(self, changes: int = 10) -> None:
        """A machine that runs and stops, and counts."""
        edge, at = self.edges["turning"], self.at
        for n in range(changes):
            at += timedelta(minutes=3)
            state = MachineState.RUNNING if n % 2 == 0 else MachineState.IDLE
            edge.say(Machine, at, station="nc-1", state=state, since=at - timedelta(seconds=5))
            edge.say(CountReading, at, station="nc-1", signal="parts", total=n)


def a_shop(seed: int = 1, orders: int = 12) -> Shop:
    """Orders of one and of two lots, a walk-in, a machine, and rows that count for nothing."""
    shop = Shop(seed)
    for n in range(orders):
        shop.life(lots=1 + n % 2)
    shop.walk_in()
    shop.machines()
    return shop


def received(line: Line) -> datetime:
    """When the gateway got it: a property of the line, not of the order of arrival."""
    return line.at + timedelta(seconds=2)


def commit(ledger: WritableLedger, lines: Iterable[Line], *, at: datetime | None = None) -> None:
    """Put lines into the ledger in this order, each in a bundle of its own."""
    batches = []
    for line in lines:
        when = at or received(line)
        sent = Sent(when, int((when - BEGIN).total_seconds() * 1000), BOOT, ClockQuality.SYNCED, when)
        topic = GATEWAY if line.author == GATEWAY else f"mw/1/{line.author}/events"
        batches.append(Batch(topic, line.author, line.epoch, line.seq, (line.body,), hashes([line.body]), sent))
    for start in range(0, len(batches), 500):
        ledger.commit(batches[start : start + 500])


class At:
    """A clock that stands still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def read(self) -> Reading:
        return Reading(self.at, 0, BOOT, ClockQuality.SYNCED)
