"""The two accounts of time: an operation's own times, which may overlap others', and an order's, which never overlap.

Calendar time (暦日). Both are computed from a state and the moment up to which to count; nothing here is stored.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise

from gateway.rules.order import Cause, Operation, OrderState, Span, State

_RANK = {cause: rank for rank, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True)
class Charge:
    """One stretch of an order's life and what it is charged to. `operation` None: the order has none yet."""

    start: datetime
    end: datetime
    cause: Cause
    firm: str
    operation: int | None


def operation_account(operation: Operation, until: datetime) -> dict[Cause, float]:
    """Return an operation's own seconds for every cause, spans that go on counted up to `until`.

    Sessions at two machines count twice: these are the hours that were worked.
    """
    totals = dict.fromkeys(Cause, timedelta())
    for span in operation.own:
        end = until if span.end is None or span.end > until else span.end
        if end > span.start:
            totals[span.cause] += end - span.start
    return {cause: total.total_seconds() for cause, total in totals.items()}


def order_account(order: OrderState, until: datetime) -> tuple[Charge, ...]:
    """Charge every instant from release to delivery (or cancellation, or `until`) to one cause and firm.

    Empty before the release.

    The first cause that holds in the order of `Cause`, of the lowest operation if several have it; if none holds, the
    queue of the lowest operation not done by then.
    """
    start = order.released_at
    over = order.delivered_at or _cancelled(order)
    end = until if over is None else min(until, over)
    if start is None or end <= start:
        return ()
    operations = [operation for operation in order.operations if operation.own]
    waiting: list[tuple[datetime, int, int, Span, Operation]] = []
    for operation in operations:
        for number, span in enumerate(operation.own):
            waiting.append((span.start, operation.no, number, span, operation))
    waiting.sort(key=lambda entry: entry[:3])
    charges: list[Charge] = []
    holding: list[tuple[int, int, int, datetime, Operation, Cause]] = []
    cuts = _cuts(order, waiting, start, end)
    place = 0
    for since, to in pairwise(cuts):
        while place < len(waiting) and waiting[place][0] <= since:
            _, no, _, span, operation = waiting[place]
            place += 1
            heappush(
                holding, (_RANK[span.cause], no, place, end if span.end is None else span.end, operation, span.cause)
            )
        while holding and holding[0][3] <= since:
            heappop(holding)
        if holding:
            operation, cause = holding[0][4], holding[0][5]
            charge = Charge(since, to, cause, operation.firm, operation.no)
        else:
            charge = _queue(order, since, to)
        _append(charges, charge)
    return tuple(charges)


def _cuts(
    order: OrderState, spans: list[tuple[datetime, int, int, Span, Operation]], start: datetime, end: datetime
) -> list[datetime]:
    """Return every moment at which the charge may change, the two ends included."""
    moments = {start, end}
    for _, _, _, span, _ in spans:
        moments.add(span.start)
        if span.end is not None:
            moments.add(span.end)
    moments.update(operation.finished_at for operation in order.operations if operation.finished_at is not None)
    return sorted(moment for moment in moments if start <= moment <= end)


def _cancelled(order: OrderState) -> datetime | None:
    if order.state is not State.CANCELLED:
        return None
    since = [operation.state_since for operation in order.operations if operation.state is State.CANCELLED]
    return max((moment for moment in since if moment is not None), default=None)


def _queue(order: OrderState, since: datetime, to: datetime) -> Charge:
    for operation in order.operations:
        if operation.finished_at is None or operation.finished_at > since:
            return Charge(since, to, Cause.QUEUE, operation.firm, operation.no)
    if not order.operations:
        return Charge(since, to, Cause.QUEUE, order.coordinator or "", None)
    last = order.operations[-1]
    return Charge(since, to, Cause.QUEUE, last.firm, last.no)


def _append(charges: list[Charge], charge: Charge) -> None:
    """Add a charge, drawn into the one before if it only goes on."""
    if charges:
        last = charges[-1]
        if (last.cause, last.firm, last.operation) == (charge.cause, charge.firm, charge.operation):
            charges[-1] = Charge(last.start, charge.end, charge.cause, charge.firm, charge.operation)
            return
    charges.append(charge)
