"""What the played edge reads, line by line, in the order of time: a station, a card, a ticket, a number. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.codes import Card, CardCode, StationCode, TicketCode, printed
from gateway.replay.lanes import Plan, Session

_START, _FINISH = printed(CardCode(Card.START)), printed(CardCode(Card.FINISH))
_SETUP = printed(CardCode(Card.SETUP))
_SCRAP, _HOLD = printed(CardCode(Card.SCRAP)), printed(CardCode(Card.HOLD))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of `mawashi-edge play`. `tone` is how the edge must answer if the history has been understood."""

    n: int
    at: datetime
    reads: tuple[str, ...]
    tone: str
    row: int
    """The line of the history that it comes from."""


def script(plan: Plan, tickets: Mapping[str, str]) -> list[Line]:
    """Return every line; `tickets` has the ticket of each order by name. The same plan gives the same numbers.

    At one instant the lines of one lane stay in their order: a session ends before the next one begins.
    """
    moments: list[tuple[datetime, tuple[str, int, str], int, bool]] = []
    for place, session in enumerate(plan.sessions):
        lane = (session.row.order, session.no, session.station)
        moments += [(session.row.start, lane, place, False), (session.row.end, lane, place, True)]
    lines = []
    for n, (at, _, place, ends) in enumerate(sorted(moments), start=1):
        session = plan.sessions[place]
        ticket = printed(TicketCode(tickets[session.row.order], session.no))
        reads = tuple(_ends(session, ticket) if ends else _begins(session, ticket))
        lines.append(Line(n, at, reads, "finish" if ends else "start", session.row.line))
    return lines


def _begins(session: Session, ticket: str) -> Iterator[str]:
    yield from (printed(StationCode(session.station)), _SETUP if session.row.setup else _START, ticket)


def _ends(session: Session, ticket: str) -> Iterator[str]:
    """Yield a finish and its number (0 is keyed as 0; none if nobody counted), then scrap and hold if there are any."""
    station, row = printed(StationCode(session.station)), session.row
    yield from (station, _FINISH, ticket)
    if row.good is not None:
        yield str(row.good)
    for card, pieces in ((_SCRAP, row.scrap), (_HOLD, row.hold)):
        if pieces:
            yield from (station, card, ticket, str(pieces))
