"""From a finished draft to the frozen state of an order: operations, sessions, links, flags."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Any

from gateway.rules import states
from gateway.rules.draft import Draft, OperationDraft, SessionDraft
from gateway.rules.making import maker
from gateway.rules.order import Amount, Flag, Link, Operation, OrderState, Phase, Session, Span, State, Ticket
from gateway.rules.pieces import Flow
from gateway.rules.sessions import running_span

_NOTHING = Amount()
_NOTHINGS = (_NOTHING, _NOTHING, _NOTHING, _NOTHING)
_amount, _session, _operation_of, _order = maker(Amount), maker(Session), maker(Operation), maker(OrderState)
_made_link, _ticket, _made_flag = maker(Link), maker(Ticket), maker(Flag)
_Numbers = dict[SessionDraft | None, list[int]]
"""Twelve a session: good, scrap, rework, hold, each counted, machine, assumed. Under None what has no session."""


def freeze(draft: Draft, flows: list[Flow], rows: int) -> OrderState:
    """Return the state of an order; `rows` is how many rows were folded."""
    operations: list[Operation] = []
    before: Flow | None = None
    for flow in flows:
        operations.append(_operation(draft, flow, before))
        draft.oddities.extend(flow.oddities)
        before = flow
    in_force = {flow.operation.no for flow in flows}
    operations += [_left_out(draft, known) for no, known in draft.operations.items() if no not in in_force]
    operations.sort(key=attrgetter("no"))
    delivered = _delivered(draft, flows)
    if not draft.known and draft.last_at is not None:
        draft.flag(draft.released or draft.last_at, "unknown_number", None)
    part: Mapping[str, Any] = {"number": None, **draft.part}
    return _order(
        key=draft.key,
        known=draft.known,
        state=_state(draft, operations, delivered),
        held=draft.held,
        released_at=draft.released,
        delivered_at=delivered,
        last_at=draft.last_at,
        version=draft.version,
        operations=tuple(operations),
        links=tuple(_link(source, target) for source, target in pairwise(flows)),
        tickets=_tickets(draft),
        flags=_flags(draft),
        grants=tuple(
            (viewer, level)
            for viewer, (since, level) in sorted(draft.grants.items())
            if delivered is None or since > delivered
        ),
        former=_former(draft, operations),
        held_pieces=draft.held_pieces,
        history=tuple(draft.history),
        routed=draft.routed,
        rows=rows,
        **part,
    )


def _operation(draft: Draft, flow: Flow, before: Flow | None) -> Operation:
    operation = flow.operation
    step = operation.step
    numbers = _numbers(flow)
    sessions, totals, spans = _sessions(operation, numbers)
    state, since = states.standing(draft, flow, before)
    opened = [session.opened_at for session in operation.sessions]
    came = [load.received_at for load in flow.arrival.transfers if load.received_at] if flow.arrival else []
    if flow.arrival is None:
        came = [receive.at for receive in operation.receives]
    return _operation_of(  # by place, in the order of the shape: names would cost a third of the time
        operation.no,
        step.name,
        step.firm,
        step.kind,
        state,
        since,
        _station(operation),
        operation.asked or step.due,
        operation.answered,
        flow.available,
        flow.remaining,
        flow.planned,
        *totals,
        operation.open and states.reopened(operation, flow.entries),
        min(opened, default=None),
        operation.finishes[-1] if flow.done else None,
        min(came, default=None),
        operation.ships[-1].at if operation.ships else None,
        sessions,
        states.own_times(draft, flow, spans),
    )


def _left_out(draft: Draft, operation: OperationDraft) -> Operation:
    """Freeze an operation that a newer routing left out: what was done there stays in the picture."""
    flow = Flow(operation, [], None, None)
    for report in operation.reports:
        flow.reported += report.n
    sessions, totals, spans = _sessions(operation, _numbers(flow))
    return _operation_of(
        no=operation.no,
        name=operation.step.name,
        firm=operation.step.firm,
        kind=operation.step.kind,
        state=State.CANCELLED,
        state_since=draft.routings[-1][0] if draft.routings else None,
        station=_station(operation),
        good=totals[0],
        scrap=totals[1],
        rework=totals[2],
        hold=totals[3],
        started_at=min((session.opened_at for session in operation.sessions), default=None),
        sessions=sessions,
        own=tuple(spans),
    )


def _station(operation: OperationDraft) -> str | None:
    """Return where the work is, or was last; before that where the routing wants it."""
    going = [session for session in operation.sessions if session.closed_at is None]
    last = going or operation.sessions
    return last[-1].station if last else operation.step.station


def _numbers(flow: Flow) -> _Numbers:
    numbers: _Numbers = {}
    for report in flow.operation.reports:
        amounts = numbers.get(report.session)
        if amounts is None:
            amounts = numbers[report.session] = [0] * 12
        amounts[report.what * 3 + report.machine] += report.n
    for guess, n in flow.fills:
        amounts = numbers.get(guess.session)
        if amounts is None:
            amounts = numbers[guess.session] = [0] * 12
        amounts[guess.what * 3 + 2] += n
    return numbers


def _sessions(
    operation: OperationDraft, numbers: _Numbers
) -> tuple[tuple[Session, ...], tuple[Amount, Amount, Amount, Amount], list[Span]]:
    """Return an operation's sessions, its four totals, and the sessions' stretches."""
    sessions = []
    spans: list[Span] = []
    for session in operation.sessions:
        own = session.spans
        if session.phase is not Phase.FINISHED:
            own = [*own, running_span(session, None)]
        spans += own
        good, scrap, rework, hold = _amounts(numbers.get(session))
        sessions.append(
            _session(
                session.ticket,
                session.station,
                session.edge,
                session.start,
                session.phase,
                session.opened_at,
                session.phase_since,
                session.closed_at,
                tuple(own),
                session.reason,
                tuple(session.badges),
                good,
                scrap,
                rework,
                hold,
                session.approximate,
            )
        )
    return tuple(sessions), _totals(list(numbers.values())), spans


def _totals(numbers: list[list[int]]) -> tuple[Amount, Amount, Amount, Amount]:
    if len(numbers) < 2:
        return _amounts(numbers[0] if numbers else None)
    return _amounts([sum(column) for column in zip(*numbers, strict=True)])


def _amounts(numbers: list[int] | None) -> tuple[Amount, Amount, Amount, Amount]:
    if numbers is None:
        return _NOTHINGS
    good = _amount(*numbers[:3])
    if not any(numbers[3:]):
        return (good, _NOTHING, _NOTHING, _NOTHING)
    return (good, _amount(*numbers[3:6]), _amount(*numbers[6:9]), _amount(*numbers[9:]))


def _link(source: Flow, target: Flow) -> Link:
    carried = source.departure
    assert carried is not None
    available = sum(n for _, n in carried.entries)
    return _made_link(
        source.operation.no, target.operation.no, carried.sent, carried.received, available, tuple(carried.transfers)
    )


def _tickets(draft: Draft) -> tuple[Ticket, ...]:
    known = sorted(draft.tickets.values(), key=lambda ticket: (ticket.branch, ticket.issue, ticket.id))
    return tuple(
        _ticket(
            ticket.id,
            ticket.branch,
            ticket.quantity,
            ticket.issue,
            ticket.old_since is not None,
            ticket.parent,
            tuple(draft.prints.get(ticket.id, ())),
        )
        for ticket in known
    )


def _former(draft: Draft, operations: Iterable[Operation]) -> tuple[str, ...]:
    """Return the firms that an earlier routing named, and nothing names any more."""
    if len(draft.routings) < 2:
        return ()
    now = {operation.firm for operation in operations} | {draft.coordinator}
    named = dict.fromkeys(step.firm for _, steps in draft.routings[:-1] for step in steps.values())
    return tuple(firm for firm in named if firm not in now)


def _delivered(draft: Draft, flows: list[Flow]) -> datetime | None:
    """Return when the last operation was done and, if another firm answers for the order, the rest was shipped."""
    if not flows or not flows[-1].done or draft.free or draft.cancelled_at is not None:
        return None
    last = flows[-1]
    finished = last.operation.finishes[-1]
    left = states.left(draft, last, finished)
    return None if left is None else max(left, finished)


def _state(draft: Draft, operations: Iterable[Operation], delivered: datetime | None) -> State:
    """Return the order's state: done once delivered, unless work goes on; else the first that holds anywhere."""
    if draft.cancelled_at is not None:
        return State.CANCELLED
    in_force = [operation for operation in operations if operation.state is not State.CANCELLED]
    found = {operation.state for operation in in_force}
    if not found:
        return State.WAITING
    last = in_force[-1]
    if delivered is not None or found == {State.DONE}:
        return State.DONE
    begun = (State.RUNNING, State.SETUP, State.PAUSED, State.READY, State.IN_TRANSIT, State.WAITING)
    return next((state for state in begun if state in found), last.state)


def _flags(draft: Draft) -> tuple[Flag, ...]:
    """Return one flag a code and operation: asked once, and again only for what happened after it was settled."""
    groups: dict[tuple[str, int | None], list[tuple[datetime, tuple[tuple[str, str], ...]]]] = {}
    for at, code, operation, detail in draft.oddities:
        groups.setdefault((code, operation), []).append((at, detail))
    flags = []
    for (code, operation), found in groups.items():
        waiting = sorted(found)
        for agreed in draft.agreed:
            if agreed.flag == code and agreed.operation == operation:
                settled = [entry for entry in waiting if entry[0] <= agreed.at]
                waiting = [entry for entry in waiting if entry[0] > agreed.at]
                if settled:
                    flags.append(_flag(code, operation, settled, agreed.decision))
        if waiting:
            flags.append(_flag(code, operation, waiting, None))
    return tuple(sorted(flags, key=lambda flag: (flag.at, flag.code, flag.operation or 0, flag.settled or "")))


def _flag(
    code: str,
    operation: int | None,
    found: list[tuple[datetime, tuple[tuple[str, str], ...]]],
    settled: str | None,
) -> Flag:
    at, detail = found[0]
    times = (("times", str(len(found))),) if len(found) > 1 else ()
    return _made_flag(code, operation, at, (*detail, *times), settled)
