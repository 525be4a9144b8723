"""A bench in the tests: one scanner, a clock that only moves when told, and the events recorded so far."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from broker.clock import Reading
from broker.codes import Card, CardCode, StationCode, TicketCode, printed
from broker.events import AnyEvent, ClockQuality, Correction, Handover, Ref, Scan, Work, decode, encode
from broker.messages import OperationView, OrderView, TicketView
from edge.rules import EMPTY, Answer, Desk, Feedback, Heard, Memory, dump, load, read, tick

TOKYO = ZoneInfo("Asia/Tokyo")
DAY_SHIFT = ((time(8), time(17)),)
FIRM, EDGE, EPOCH = "kita", "pi-1", "00000000000000e1"
DESK = Desk(FIRM, EDGE, "scanner-1", ("lathe-1", "lathe-2"), DAY_SHIFT, TOKYO)
SYNCED = Reading(datetime(2026, 11, 19, 23, 6, tzinfo=UTC), 1_000_000, "b0", ClockQuality.SYNCED)
"""8:06 in the morning of Friday 20 November in Japan."""

A, B, C = "7K3Q9F", "2M8XTA", "9ZZZZ9"


def ticket(name: str = A, operation: int | None = 20) -> str:
    return printed(TicketCode(name, operation))


def sheet(name: str = A) -> str:
    return ticket(name, None)


def card(which: Card, detail: str | None = None) -> str:
    return printed(CardCode(which, detail))


def station(name: str) -> str:
    return printed(StationCode(name))


class Views:
    """The firm's views of its orders."""

    def __init__(self, *views: OrderView) -> None:
        self.views = list(views)

    def by_ticket(self, ticket: str) -> OrderView | None:
        return next((view for view in self.views if any(known.id == ticket for known in view.tickets)), None)


def step(
    no: int, stage: Literal["done", "under_way", "to_come", "cancelled"] = "to_come", **fields: Any
) -> OperationView:
    mine = fields.pop("mine", True)
    return OperationView(no=no, firm=FIRM if mine else "minami", mine=mine, stage=stage, **fields)


def order(*steps: OperationView, tickets: Iterable[str | TicketView] = (A,), **fields: Any) -> OrderView:
    lots = tuple(
        lot if isinstance(lot, TicketView) else TicketView(id=lot, branch=number)
        for number, lot in enumerate(tickets, start=1)
    )
    return OrderView(
        order="k1", level="own", state="ready", **{"number": "4471", **fields}, operations=steps, tickets=lots
    )


class Beside:
    """The machine beside the bench: what it says of any start."""

    def __init__(self) -> None:
        self.says = Heard()

    def heard(self, station: str, opening: Ref) -> Heard:
        return self.says


class Bench:
    """Scans at a desk; every answer's memory goes through dump and load, as on a real edge."""

    def __init__(self, *views: OrderView, desk: Desk = DESK, now: Reading = SYNCED) -> None:
        self.views, self.desk, self.now = Views(*views), desk, now
        self.machines = Beside()
        self.memory: Memory = EMPTY
        self.log: list[AnyEvent] = []
        self.events: tuple[AnyEvent, ...] = ()
        self.feedback: Feedback | None = None

    # -- time ------------------------------------------------------------------------------------------------

    def wait(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> None:
        passed = timedelta(seconds=seconds, minutes=minutes, hours=hours)
        self.now = replace(
            self.now, at=self.now.at + passed, mono_ms=self.now.mono_ms + int(passed.total_seconds() * 1000)
        )

    def reboot(self, clock: ClockQuality, *, at: datetime | None = None) -> None:
        boot = f"b{int(self.now.boot[1:]) + 1}"
        self.now = Reading(at or self.now.at, 5_000, boot, clock)

    # -- scans -----------------------------------------------------------------------------------------------

    def scan(self, *texts: str, at: Desk | None = None, gap: float = 4) -> "Bench":
        """Read these one after the other, each `gap` seconds after the one before."""
        for text in texts:
            self.wait(gap)
            ref = Ref(author=f"{FIRM}/{EDGE}", epoch=EPOCH, seq=len(self.log) + 1)
            self._take(
                read(
                    self.memory,
                    at or self.desk,
                    text,
                    self.now,
                    orders=self.views,
                    next_ref=ref,
                    machines=self.machines,
                )
            )
        return self

    def tick(self, seconds: float) -> "Bench":
        """Let time pass, then let things lapse."""
        self.wait(seconds)
        answer = tick(self.memory, self.desk, self.now)
        if answer:
            self._take(answer)
        else:
            self.events, self.feedback = (), None
        return self

    def _take(self, answer: Answer) -> None:
        self.memory = load(dump(answer.memory))
        assert self.memory == answer.memory, "dump and load lose nothing"
        self.events, self.feedback = answer.events, answer.feedback
        assert tuple(decode(encode(event)) for event in answer.events) == answer.events
        self.log += answer.events

    # -- what was said and recorded ----------------------------------------------------------------------------

    @property
    def line1(self) -> str:
        assert self.feedback, "nothing was said"
        return self.feedback.line1

    @property
    def line2(self) -> str:
        assert self.feedback, "nothing was said"
        return self.feedback.line2

    @property
    def tone(self) -> str:
        assert self.feedback, "nothing was said"
        return self.feedback.tone.value

    @property
    def kinds(self) -> list[str]:
        """What the last read recorded, a word an event."""
        return [word(event) for event in self.events]

    @property
    def work(self) -> Work:
        """The last work event of the last read."""
        return [event for event in self.events if isinstance(event, Work)][-1]

    def live(self) -> list[str]:
        """What is recorded and not void, a word an event."""
        void = {event.voids.seq for event in self.log if isinstance(event, Correction)}
        return [
            word(event)
            for seq, event in enumerate(self.log, start=1)
            if seq not in void and not isinstance(event, Scan | Correction)
        ]


def word(event: AnyEvent) -> str:
    if isinstance(event, Work | Handover):
        return event.action.value
    return event.why if isinstance(event, Scan) else event.kind
