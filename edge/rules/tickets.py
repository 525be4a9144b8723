"""Which session and operation a ticket means: by what is open here, what was finished here, and the firm's view."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.codes import TicketCode
from broker.events import ClockQuality, Quality
from broker.messages import OperationView, OrderView
from broker.words import Word
from edge.rules import say
from edge.rules.ages import JUST_FINISHED_MS, JUST_STARTED_MS, earlier, within
from edge.rules.memory import Phase, Session
from edge.rules.table import Found, Read
from edge.rules.turn import Turn

_BEGUN = frozenset({"done", "under_way"})
_ENDED = frozenset({"done", "cancelled"})
_ENDS = frozenset({Read.FINISH, Read.PAUSE, Read.NONWORK})
_HANDS_OVER = frozenset({Read.SHIP, Read.RECEIVE})
_COUNTS = frozenset({Read.SCRAP, Read.REWORK, Read.HOLD})

LATER = Word("工程は後で", "step decided later")
OLD = Word("旧版です 止めて幹事へ", "Old issue")
CANCELLED = Word("取消の受注 幹事へ", "Cancelled order")
ON_HOLD = Word("保留の受注 幹事へ", "Order on hold")
NOT_MINE = Word("他社の工程です", "Another firm's step")


@dataclass(frozen=True, slots=True)
class Meant:
    """What a read of a ticket means. `session` is the one that was found (open or finished), `station` where it acts.

    `text` is what was read. `alarm` is a reason to stop and ask, though the read is recorded.
    """

    text: str
    ticket: str
    operation: int | None
    station: str
    label: str
    found: Found
    session: Session | None = None
    view: OrderView | None = None
    ended: datetime | None = None
    """When the earlier shift ended, if EARLIER_SHIFT and some clock can say it."""
    old: bool = False
    alarm: Word | None = None
    badge: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What a `scan` event says of it."""
        return {"ticket": self.ticket, "operation": self.operation, "station": self.station, "badge": self.badge}


def meant(turn: Turn, code: TicketCode, read: Read, text: str, view: OrderView | None) -> Meant:
    """Find what a ticket after this card (or alone) means, with the station and badge in hand."""
    desk, hand = turn.desk, turn.hand
    badge = hand.badge.text if hand.badge else None
    named = hand.station.text if hand.station else None
    here = _here(turn, code, named)
    opened = [session for session in here if session.open]
    session, operation = _session(turn, code, read, here, view)
    if read in _HANDS_OVER and not _is_mine(view, code.operation):
        operation = _last_done(view, here) if read is Read.SHIP else next_operation(view, ())
    two = len(opened) > 1
    found, ended = (Found.TWO_OPEN, None) if two else standing(turn, session)
    name = view.number if view and view.number else code.ticket
    return Meant(
        text=text,
        ticket=code.ticket,
        operation=operation,
        station=named or (session.station if session and session.open and not two else desk.default),
        label=say.label(name, operation),
        found=found,
        session=None if two else session,
        view=view,
        ended=ended,
        old=_is_old(view, code.ticket),
        alarm=_alarm(view, code.ticket, operation),
        badge=badge,
    )


def split_alarm(view: OrderView | None, parent: str) -> Word | None:
    """Return the reason to stop and ask about the lot that a part is split off, if there is one."""
    return _alarm(view, parent, None)


def standing(turn: Turn, session: Session | None) -> tuple[Found, datetime | None]:
    """Return how a session stands now, and when the earlier shift ended if it runs since one."""
    if session is None:
        return Found.NONE, None
    if session.phase is Phase.RUNNING:
        if turn.given:
            return Found.RUNNING, None
        if within(session.since, turn.now, JUST_STARTED_MS):
            return Found.JUST_STARTED, None
        before = earlier(session.since, turn.now, turn.desk)
        return (Found.EARLIER_SHIFT, before.end) if before else (Found.RUNNING, None)
    if session.phase is Phase.FINISHED:
        return (Found.JUST_FINISHED if within(session.since, turn.now, JUST_FINISHED_MS) else Found.FINISHED), None
    return (Found.SETUP if session.phase is Phase.SETUP else Found.PAUSED), None


def next_operation(view: OrderView | None, finished: Iterable[Session]) -> int | None:
    """Return this firm's lowest operation that is not done; None without a view, or if the firm has several, all done.

    `finished`: sessions of the ticket that ended here, perhaps after the view was made.
    """
    if view is None:
        return None
    mine = [operation for operation in view.operations if operation.mine and operation.stage != "cancelled"]
    lots = sum(1 for ticket in view.tickets if not ticket.old)
    newer = {session.operation for session in finished if lots > 1 or _after(session, view)}
    left = [operation.no for operation in mine if operation.stage not in _ENDED and operation.no not in newer]
    if left:
        return min(left)
    return mine[0].no if len(mine) == 1 else None


def remaining(meant: Meant) -> int | None:
    """Return how many pieces of the operation are left, if the view says so beyond doubt.

    That is: the view is current, there is one lot, nothing was reported since, and all it rests on was counted.
    """
    view = meant.view
    if view is None or not view.current or (meant.session and meant.session.reported):
        return None
    if sum(1 for ticket in view.tickets if not ticket.old) > 1:
        return None
    operation = _operation(view, meant.operation)
    return operation.remaining if operation and operation.remaining_q is Quality.COUNTED else None


def _here(turn: Turn, code: TicketCode, named: str | None) -> list[Session]:
    """Return the sessions of the ticket at the named station, else at this scanner's, oldest touch first."""
    return [
        session
        for session in turn.sessions.values()
        if session.ticket == code.ticket
        and (session.station == named if named else turn.desk.has(session.station))
        and (code.operation is None or session.operation == code.operation)
    ]


def _session(
    turn: Turn, code: TicketCode, read: Read, here: list[Session], view: OrderView | None
) -> tuple[Session | None, int | None]:
    """Return the session a read means and the operation, the one open session first."""
    opened = [session for session in here if session.open]
    finished = [session for session in here if not session.open]
    last = finished[-1] if finished else None
    if opened:
        operations = {session.operation for session in opened}
        return opened[0], operations.pop() if len(operations) == 1 else code.operation
    if code.operation is not None:
        return last, code.operation
    just = last is not None and standing(turn, last)[0] is Found.JUST_FINISHED
    following = next_operation(view, finished)
    keeps_last = (
        read in _COUNTS or (just and (read is Read.TICKET or read in _ENDS)) or (read in _ENDS and following is None)
    )
    if last and keeps_last:
        return last, last.operation
    return next((session for session in reversed(finished) if session.operation == following), None), following


def _last_done(view: OrderView | None, here: list[Session]) -> int | None:
    """Return the operation whose pieces leave: the highest of this firm that has begun, else the last one here."""
    known = view.operations if view else ()
    begun = {operation.no for operation in known if operation.mine and operation.stage in _BEGUN}
    begun |= {session.operation for session in here[-1:] if session.operation is not None}
    return max(begun, default=None)


def _after(session: Session, view: OrderView) -> bool:
    return view.at is None or session.since.clock is ClockQuality.UNSYNCED or session.since.at >= view.at


def _is_old(view: OrderView | None, ticket: str) -> bool:
    return view is not None and any(known.old for known in view.tickets if known.id == ticket)


def _operation(view: OrderView, no: int | None) -> OperationView | None:
    return next((operation for operation in view.operations if operation.no == no), None)


def _is_mine(view: OrderView | None, no: int | None) -> bool:
    """Say whether a step that was read can be this firm's: lots are handed over by any of the sheet's codes."""
    if view is None or no is None:
        return no is not None
    operation = _operation(view, no)
    return operation is None or operation.mine


def _alarm(view: OrderView | None, ticket: str, no: int | None) -> Word | None:
    if view is None:
        return None
    if _is_old(view, ticket):
        return OLD
    operation = _operation(view, no)
    if view.state == "cancelled" or (operation and operation.stage == "cancelled"):
        return CANCELLED
    if operation and not operation.mine:
        return NOT_MINE
    return ON_HOLD if view.held else None
