"""Sessions: what one step of work does to the session it belongs to, and the numbers it brings."""

from collections.abc import Mapping
from datetime import datetime

from broker.events import Action, Quality, Work
from broker.topics import GATEWAY
from gateway.rules import floor, office
from gateway.rules.draft import GOOD, Draft, Guess, OperationDraft, Report, SessionDraft
from gateway.rules.making import maker
from gateway.rules.order import EXTERNAL_REASONS, Cause, Phase, Span
from gateway.rules.stamp import Stamped

PHASES: Mapping[Phase | None, Mapping[Action, Phase | None]] = {
    None: {
        Action.SETUP: Phase.SETUP,
        Action.START: Phase.RUNNING,
        Action.PAUSE: None,
        Action.FINISH: Phase.FINISHED,
        Action.REPORT: None,
    },
    Phase.SETUP: {
        Action.SETUP: Phase.SETUP,
        Action.START: Phase.RUNNING,
        Action.PAUSE: Phase.PAUSED,
        Action.FINISH: Phase.FINISHED,
        Action.REPORT: Phase.SETUP,
    },
    Phase.RUNNING: {
        Action.SETUP: Phase.SETUP,
        Action.START: Phase.RUNNING,
        Action.PAUSE: Phase.PAUSED,
        Action.FINISH: Phase.FINISHED,
        Action.REPORT: Phase.RUNNING,
    },
    Phase.PAUSED: {
        Action.SETUP: Phase.SETUP,
        Action.START: Phase.RUNNING,
        Action.PAUSE: Phase.PAUSED,
        Action.FINISH: Phase.FINISHED,
        Action.REPORT: Phase.PAUSED,
    },
    Phase.FINISHED: {
        Action.SETUP: Phase.SETUP,  # of a new session: what is finished stays so
        Action.START: Phase.RUNNING,
        Action.PAUSE: Phase.FINISHED,
        Action.FINISH: Phase.FINISHED,
        Action.REPORT: Phase.FINISHED,
    },
}
"""The phase after a step, by the phase before it; None: there is no session."""

SHIFT_END = "SHIFT_END"
"""終業: the reason of a pause the edge stated afterwards for work nobody closed in the evening."""

_UNSAID = (None, None, None, None)
_OPENING = (Action.SETUP, Action.START)


def work(draft: Draft, at: datetime, row: Stamped, event: Work) -> None:
    """Fold one step of work into the draft; `event` is the row's."""
    if event.action in _OPENING:
        _opening(draft, at, row, event)
    else:
        _closing(draft, at, row, event)


def _opening(draft: Draft, at: datetime, row: Stamped, event: Work) -> None:
    operation = floor.operation(draft, at, row, event.operation)
    if operation is None:
        draft.refused.add(row.key)
        return
    ticket, station = event.ticket, event.station
    lot = draft.tickets.get(ticket) or office.ticket(draft, ticket)
    if lot.old_since is not None and lot.old_since <= at:
        draft.flag(at, "old_issue", operation.no, ("ticket", event.ticket), ("station", event.station))
    if draft.cancelled_at is not None and draft.cancelled_at <= at:
        draft.flag(at, "cancelled_work", operation.no, ("firm", row.firm), ("station", event.station))
    session = None
    for known in operation.sessions:
        if known.closed_at is None and known.station == station and known.ticket == ticket:
            session = known
    if session is None:
        phase = PHASES[None][event.action]
        assert phase is not None
        session = SessionDraft(ticket, station, _edge(row), row.firm, row.key, phase, at, at)
        operation.sessions.append(session)
    else:
        _move(session, at, event)
    draft.by_start[row.key] = (operation, session)
    if event.action is Action.START:
        operation.starts.append((at, ticket))
    if event.badge is not None or row.approximate:
        _attributes(session, row, event)
    _numbers(operation, session, at, event, ends=False)


def _closing(draft: Draft, at: datetime, row: Stamped, event: Work) -> None:
    operation: OperationDraft | None
    session: SessionDraft | None = None
    closes = event.closes
    if closes is not None:
        start = (closes.author, closes.epoch, closes.seq)
        if start in draft.refused:
            return
        found = draft.by_start.get(start)
        if found is not None:
            operation, session = found
            if row.firm != session.firm and row.firm not in (GATEWAY, operation.firm):
                floor.foreign(draft, at, row, operation.no)
                return
        else:
            operation = floor.named(draft, at, row, event.operation)
    else:
        operation, session = _its_own(draft, at, row, event)
    if operation is None and event.operation is not None:
        return  # flagged where it was looked up
    if session is None and event.action in (Action.PAUSE, Action.FINISH):
        no = None if operation is None else operation.no
        detail = (("ticket", event.ticket), ("station", event.station), ("action", event.action.value))
        draft.flag(at, "finish_without_start", no, *detail)
    if operation is None:
        return
    if event.ticket not in draft.tickets:
        office.ticket(draft, event.ticket)
    ends = event.action is Action.FINISH and (session is None or session.closed_at is None)
    if session is None and event.action is Action.FINISH:
        session = SessionDraft(
            event.ticket, event.station, _edge(row), row.firm, row.key, Phase.FINISHED, at, at, closed_at=at
        )
        operation.sessions.append(session)
    elif session is not None:
        if event.action is Action.PAUSE and event.reason == SHIFT_END and event.as_of and session.closed_at is None:
            draft.flag(at, "forgotten_finish", operation.no, ("ticket", event.ticket), ("station", event.station))
        _move(session, at, event)
        if event.badge is not None or row.approximate:
            _attributes(session, row, event)
    if ends:
        operation.finishes.append(at)
    _numbers(operation, session, at, event, ends=ends)


def _its_own(
    draft: Draft, at: datetime, row: Stamped, event: Work
) -> tuple[OperationDraft | None, SessionDraft | None]:
    """Find the session of a step that names no start: the open one of its ticket, at its station if there is one."""
    if event.operation is None and not draft.free:
        among = [known for known in draft.operations.values() if row.firm in (known.firm, GATEWAY)]
    else:
        found = floor.named(draft, at, row, event.operation)
        among = [found] if found is not None else []
    pairs = [(known, session) for known in among for session in known.sessions if session.ticket == event.ticket]
    going = [pair for pair in pairs if pair[1].closed_at is None]
    here = [pair for pair in going if pair[1].station == event.station]
    if here:
        return here[-1]
    if len(going) == 1:
        return going[0]
    if event.action is Action.REPORT and pairs:
        return next((pair for pair in reversed(pairs) if pair[1].station == event.station), pairs[-1])
    return (among[0] if len(among) == 1 else None), None


def _move(session: SessionDraft, at: datetime, event: Work) -> None:
    """Take a session to its next phase; nothing happens to one that is finished, or is in that phase already."""
    if session.closed_at is not None:
        return
    action = event.action
    phase = PHASES[session.phase][action]
    reason = event.reason if action is Action.PAUSE else None
    if phase is None or (phase is session.phase and (action is not Action.PAUSE or reason == session.reason)):
        return
    if at > session.phase_since:
        session.spans.append(running_span(session, at))
    session.phase, session.phase_since, session.reason = phase, at, reason
    if phase is Phase.FINISHED:
        session.closed_at = at


_CAUSES = {Phase.SETUP: Cause.SETUP, Phase.RUNNING: Cause.RUN, Phase.PAUSED: Cause.PAUSED}
_span = maker(Span)


def running_span(session: SessionDraft, end: datetime | None) -> Span:
    """Return the stretch since the session's phase began, up to `end` (None: it goes on)."""
    cause = _CAUSES[session.phase]
    if session.reason in EXTERNAL_REASONS and session.phase is Phase.PAUSED:
        cause = Cause.WAIT_EXTERNAL
    return _span(cause, session.phase_since, end, session.reason)


def _attributes(session: SessionDraft, row: Stamped, event: Work) -> None:
    if event.badge is not None and event.badge not in session.badges:
        session.badges.append(event.badge)
    if row.approximate and event.as_of is None:
        session.approximate = True


def _numbers(operation: OperationDraft, session: SessionDraft | None, at: datetime, event: Work, *, ends: bool) -> None:
    """Keep what was counted; remember what was not, until a number naming the same start says it.

    A finish without a number says "all that is left"; a card for scrap, rework or hold without one says one piece.
    """
    said = (event.good, event.scrap, event.rework, event.hold)
    if said == _UNSAID and not ends:
        return
    for what, quantity in enumerate(said):
        if quantity is not None and quantity.n is not None:
            if session is not None and operation.guesses:
                operation.guesses = [
                    guess for guess in operation.guesses if guess.session is not session or guess.what != what
                ]
            machine = quantity.q is Quality.MACHINE
            operation.reports.append(Report(at, session, event.ticket, what, quantity.n, machine))
        elif (what == GOOD and ends) or (what != GOOD and quantity is not None):
            operation.guesses.append(Guess(at, session, event.ticket, what))


def _edge(row: Stamped) -> str:
    return row.key[0].partition("/")[2] or row.key[0]
