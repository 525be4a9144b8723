"""What the played edge reads, line by line, in the order of time: a station, a card, a ticket, a number. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from broker.codes import Card, CardCode, StationCode, TicketCode, printed
from gateway.replay.lanes import Plan
from gateway.replay.rows import Counts, Row

_START, _FINISH = printed(CardCode(Card.START)), printed(CardCode(Card.FINISH))
_SETUP, _PAUSE, _RESUME = (printed(CardCode(card)) for card in (Card.SETUP, Card.PAUSE, Card.RESUME))
_SCRAP, _HOLD = printed(CardCode(Card.SCRAP)), printed(CardCode(Card.HOLD))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of `mawashi-edge play`. `tone` is how the edge must answer if the history has been understood."""

    n: int
    at: datetime
    reads: tuple[str, ...]
    tone: str
    row: int
    """The line of the history that its session begins with."""
    last: bool
    """Whether it is the last of its session."""


def script(plan: Plan, tickets: Mapping[str, str]) -> list[Line]:
    """Return every line; `tickets` has the ticket of each order by name. The same plan gives the same numbers.

    At one instant the lines of one lane stay in their order: a session ends before the next one begins.
    """
    moments: list[tuple[datetime, tuple[str, int, str], int, int, _Moment]] = []
    for place, session in enumerate(plan.sessions):
        lane = (session.row.order, session.no, session.station)
        moments += [(one.at, lane, place, nth, one) for nth, one in enumerate(_moments(session.row))]
    lines = []
    for n, (at, _, place, _, moment) in enumerate(sorted(moments, key=itemgetter(0, 1, 2, 3)), start=1):
        session = plan.sessions[place]
        ticket = printed(TicketCode(tickets[session.row.order], session.no))
        reads = tuple(_reads(printed(StationCode(session.station)), ticket, moment))
        tone = "start" if moment.counts is None else "finish"
        lines.append(Line(n, at, reads, tone, session.row.line, moment.last))
    return lines


@dataclass(frozen=True, slots=True)
class _Moment:
    """One thing that happens in a row: a card, and what is keyed after it (None: it begins something)."""

    at: datetime
    card: str
    counts: Counts | None = None
    last: bool = False


def _moments(row: Row) -> Iterator[_Moment]:
    """Yield what happens in a row, in its order. A set-up goes on as one."""
    yield _Moment(row.start, _SETUP if row.setup else _START)
    for pause in row.pauses:
        yield _Moment(pause.start, _PAUSE, pause.counts)
        if pause.resumed:
            yield _Moment(pause.end, _SETUP if row.setup else _RESUME)
    yield _Moment(row.end, _PAUSE if row.paused else _FINISH, (row.good, row.scrap, row.hold), last=True)


def _reads(station: str, ticket: str, moment: _Moment) -> Iterator[str]:
    """Yield a card, and its number if there is one (0 is keyed as 0), then scrap and hold if there are any."""
    yield from (station, moment.card, ticket)
    good, scrap, hold = moment.counts or (None, 0, 0)
    if good is not None:
        yield str(good)
    for card, pieces in ((_SCRAP, scrap), (_HOLD, hold)):
        if pieces:
            yield from (station, card, ticket, str(pieces))
