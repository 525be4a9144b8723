"""Which operation a row from the floor is about. What it does there is decided in `sessions` and `handovers`."""

from datetime import datetime
from operator import attrgetter

from broker.events import Handover, Step, Work
from broker.topics import GATEWAY
from gateway.rules import office, pieces
from gateway.rules.draft import Draft, OperationDraft
from gateway.rules.stamp import Stamped


def operation(draft: Draft, at: datetime, row: Stamped, no: int | None) -> OperationDraft | None:
    """Return the operation a row means; None if it may mean none, which is then flagged.

    An operation belongs to a firm by the routing of the time, or by the one in force now (a reroute may be the
    answer to the question that the scan raised).
    """
    if draft.free:
        return _free(draft, row, no)
    if no is None:
        return _lowest(draft, at, row)
    now = draft.routings[-1][1].get(no)
    if now is not None and now.firm == row.firm:
        return draft.operations[no]
    then = _step(draft, at, no)
    owners = {step.firm for step in (then, now) if step is not None}
    if not owners:
        draft.flag(at, "no_operation", no, *_who(row))
        return None
    if row.firm != GATEWAY and row.firm not in owners:
        foreign(draft, at, row, no)
        return None
    found = draft.operations.get(no)
    if found is None:
        assert then is not None
        found = office.removed(draft, then)
    return found


def named(draft: Draft, at: datetime, row: Stamped, no: int | None) -> OperationDraft | None:
    """Return the operation a row names, as `operation`; None, unflagged, if it names none and there is a routing."""
    return None if no is None and not draft.free else operation(draft, at, row, no)


def foreign(draft: Draft, at: datetime, row: Stamped, no: int) -> None:
    """Flag a row about another firm's operation: it changes nothing and is a question to the coordinator."""
    draft.flag(at, "other_firms_operation", no, *_who(row))


def missing(draft: Draft, at: datetime, row: Stamped) -> None:
    """Flag a row of a firm that has nothing (left) to do on this order."""
    draft.flag(at, "no_operation", None, *_who(row))


def _who(row: Stamped) -> tuple[tuple[str, str], ...]:
    event = row.event
    assert type(event) is Work or type(event) is Handover
    return (("firm", row.firm), ("ticket", event.ticket), ("station", event.station or ""), ("action", event.action))


def _step(draft: Draft, at: datetime, no: int) -> Step | None:
    """Return the step by the routing in force at a time; before the first one, by the first."""
    found = draft.routings[0][1]
    for since, steps in draft.routings:
        if since > at:
            break
        found = steps
    return found.get(no)


def _free(draft: Draft, row: Stamped, no: int | None) -> OperationDraft | None:
    """Without a routing every firm has one operation, and those whose number it read itself."""
    for found in draft.chain:
        if found.firm == row.firm and (no is None or found.no == no):
            return found
    if no is None:
        no = next((free for free in range(10, 9999, 10) if free not in draft.operations), 9999)
    if no in draft.operations:
        foreign(draft, row.at, row, no)
        return None
    made = OperationDraft(no, Step(no=no, name="", firm=row.firm))
    made.asked, made.answered = draft.promises.get(no, (None, None))
    draft.operations[no] = made
    draft.chain.append(made)
    draft.chain.sort(key=attrgetter("no"))
    return made


def _lowest(draft: Draft, at: datetime, row: Stamped) -> OperationDraft | None:
    """Return the firm's lowest operation not done there yet; one that waits at this very bench comes first.

    A firm with a single operation means that one, done or not: then it is rework.
    """
    event = row.event
    assert type(event) is Work or type(event) is Handover
    own = [found for found in draft.chain if row.firm in (found.firm, GATEWAY)]
    if len(own) == 1:
        return own[0]
    for found in own:
        if any(
            session.closed_at is None and session.ticket == event.ticket and session.station == event.station
            for session in found.sessions
        ):
            return found
    done: set[int] | None = None
    for found in own:
        if not found.finishes or found.open:
            return found
        if done is None:
            done = {flow.operation.no for flow in pieces.settle(draft) if flow.done}
        if found.no not in done:
            return found
    missing(draft, at, row)
    return None
