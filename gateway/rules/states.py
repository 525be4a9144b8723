"""An operation's state and its own times, read off what a fold collected and how its pieces flowed."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from gateway.rules.draft import Draft, OperationDraft, SessionDraft
from gateway.rules.making import maker
from gateway.rules.order import Amount, Cause, Phase, Span, State
from gateway.rules.pieces import Flow

_span = maker(Span)
_NOTHING = Amount()
_PHASES = ((Phase.RUNNING, State.RUNNING), (Phase.SETUP, State.SETUP), (Phase.PAUSED, State.PAUSED))


class Standing(NamedTuple):
    """How an operation stands, and since when."""

    state: State
    since: datetime | None


def standing(draft: Draft, flow: Flow, before: Flow | None) -> Standing:
    """Return the first state that holds, in the order of `State`."""
    operation = flow.operation
    if draft.cancelled_at is not None and not flow.done:
        return Standing(State.CANCELLED, draft.cancelled_at)
    if (working := at_work(operation)) is not None:
        return working
    last = operation.finishes[-1] if operation.finishes else None
    if flow.done:
        return Standing(State.DONE, last)
    if flow.waiting_since is not None:
        return Standing(State.READY, flow.waiting_since)
    if flow.available is None and before is not None and before.done and not _crosses(flow):
        return Standing(State.READY, before.operation.finishes[-1])
    if flow.arrival is not None and flow.arrival.under_way:
        shipped = [load.shipped_at for load in flow.arrival.under_way if load.shipped_at is not None]
        return Standing(State.IN_TRANSIT, min(shipped, default=None))
    return Standing(State.READY if before is None else State.WAITING, last or draft.released)


def at_work(operation: OperationDraft) -> Standing | None:
    """Return the state of an operation somebody is at, by its busiest session; None if nobody is."""
    going = [session for session in operation.sessions if session.closed_at is None]
    if not going:
        return None
    for phase, state in _PHASES:
        since = [session.phase_since for session in going if session.phase is phase]
        if since:
            return Standing(state, min(since))
    return None


def _crosses(flow: Flow) -> bool:
    return flow.arrival is not None and flow.arrival.crosses


def reopened(operation: OperationDraft, entries: Iterable[tuple[datetime, int]]) -> bool:
    """Say whether an open session returned to the operation after it was finished with all it had."""
    return any(session.closed_at is None and _returned(operation, session, entries) for session in operation.sessions)


def _returned(operation: OperationDraft, session: SessionDraft, entries: Iterable[tuple[datetime, int]]) -> bool:
    opened = session.opened_at
    finished = max((at for at in operation.finishes if at <= opened), default=None)
    if finished is None or any(finished < at <= opened for at, n in entries if n > 0):
        return False
    return not any(
        other is not session and other.opened_at <= opened and (other.closed_at is None or other.closed_at > opened)
        for other in operation.sessions
    )


def own_times(draft: Draft, flow: Flow, sessions: Iterable[Span]) -> tuple[Span, ...]:
    """Return an operation's own times, by start: its sessions', and while nobody was at it its queue and its wait.

    Queue: pieces lie there. Wait to ship: finished pieces lie there until they are shipped or the next firm begins.
    Transit belongs to the operation the goods are on their way to.
    """
    spans = list(sessions)
    if flow.arrival is not None:
        spans += [
            _span(Cause.TRANSIT, load.shipped_at, load.received_at)
            for load in flow.arrival.transfers
            if load.shipped_at is not None and (load.received_at is None or load.received_at > load.shipped_at)
        ]
    for closed, opened in _gaps(flow.operation):
        spans += _idle(draft, flow, closed, opened)
    if draft.cancelled_at is not None:
        spans = [_cut(span, draft.cancelled_at) for span in spans if span.start < draft.cancelled_at or span.end]
    spans.sort(key=attrgetter("start"))
    return tuple(spans)


def _cut(span: Span, end: datetime) -> Span:
    return span if span.end is not None else _span(span.cause, span.start, end, span.reason)


def _gaps(operation: OperationDraft) -> list[tuple[datetime | None, datetime | None]]:
    """Return the stretches in which nobody was at the operation; None: without beginning or end."""
    gaps: list[tuple[datetime | None, datetime | None]] = []
    closed: datetime | None = None
    for session in sorted(operation.sessions, key=lambda session: session.opened_at):
        if not gaps or (closed is not None and session.opened_at > closed):
            gaps.append((closed, session.opened_at))
        if session.closed_at is None:
            return gaps
        closed = session.closed_at if closed is None else max(closed, session.closed_at)
    gaps.append((closed, None))
    return gaps


def _idle(draft: Draft, flow: Flow, closed: datetime | None, opened: datetime | None) -> list[Span]:
    came = _came(flow, closed, opened)
    spans = []
    if came is not None and (opened is None or opened > came):
        spans.append(_span(Cause.QUEUE, came, opened))
    if closed is not None:
        end = left(draft, flow, closed)
        if end != closed:
            if end is None or (opened is not None and opened < end):
                end = opened
            spans.append(_span(Cause.WAIT_SHIP, closed, end))
    return spans


def _came(flow: Flow, closed: datetime | None, opened: datetime | None) -> datetime | None:
    """Return when, in a gap, pieces came to lie there."""
    if opened is None:
        return None if flow.done else flow.waiting_since
    known = flow.available is not None
    for at, n in flow.entries:
        if at >= opened:
            break
        if (n > 0 or not known) and (closed is None or at > closed):
            return at
    return None


def left(draft: Draft, flow: Flow, closed: datetime) -> datetime | None:
    """Return when what was finished at `closed` left the firm: `closed` itself if nothing waited, None if not yet."""
    operation, departure = flow.operation, flow.departure
    if departure is not None and not departure.crosses:
        return closed
    shipped = None
    for ship in operation.ships:
        if ship.at >= closed:
            shipped = ship.at
            break
    if departure is None:  # the last operation: it leaves only if somebody else answers for the order
        stays = draft.free or draft.coordinator in (None, operation.firm)
        return closed if stays or (shipped is None and operation.ships) else shipped
    if departure.unscanned_since is not None:
        return max(closed, departure.unscanned_since)
    sent, good = -1, sum([output.n for output in flow.outputs if output.at <= closed])
    gone = shipped
    for load in departure.transfers:
        if (load.shipped_at or load.received_at or closed) <= closed:
            sent = max(sent, 0) + (load.sent or load.received or _NOTHING).total
        if load.received_at is not None and load.received_at > closed and (gone is None or load.received_at < gone):
            gone = load.received_at
    return closed if sent >= good else gone
