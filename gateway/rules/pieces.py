"""Pieces: what each operation has got, what of it was reported, what an absent number stands for, what passes on."""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.rules.draft import GOOD, HOLD, REWORK, SCRAP, Draft, Guess, OperationDraft
from gateway.rules.links import Carried, Output, carry
from gateway.rules.sequence import Oddity


@dataclass(slots=True, eq=False)
class Flow:
    """The pieces of one operation. Numbers of the order's quantity are None when that is not known."""

    operation: OperationDraft
    entries: list[tuple[datetime, int]]
    available: int | None
    planned: int | None
    remaining: int | None = None
    reported: int = 0
    pending_rework: int = 0
    pending_hold: int = 0
    outputs: list[Output] = field(default_factory=list)
    fills: list[tuple[Guess, int]] = field(default_factory=list)
    arrival: Carried | None = None
    """What came over the link to it; None for the first operation."""
    departure: Carried | None = None
    done: bool = False
    waiting_since: datetime | None = None
    """Since when pieces that nobody has reported lie there, newer than its last finish."""
    oddities: list[Oddity] = field(default_factory=list)


def settle(draft: Draft) -> list[Flow]:
    """Return the flow of every operation of the routing in force, in its order."""
    flows: list[Flow] = []
    before: Flow | None = None
    for operation in draft.chain:
        flow = _first(draft, operation) if before is None else _next(draft, before, operation)
        if operation.reports or operation.guesses:
            _report(draft, flow)
        else:
            flow.remaining = flow.available
        _judge(draft, flow, before)
        flows.append(flow)
        before = flow
    return flows


def _first(draft: Draft, operation: OperationDraft) -> Flow:
    if draft.supply:
        total = sum(n for _, n in draft.supply)
        return Flow(operation, draft.supply, total, total)
    entries = [(draft.released, 0)] if draft.released is not None else []
    return Flow(operation, entries, None, None)


def _next(draft: Draft, before: Flow, operation: OperationDraft) -> Flow:
    lot = None
    if before.planned is not None:
        scrap = sum(report.n for report in before.operation.reports if report.what == SCRAP)
        scrap += sum(n for guess, n in before.fills if guess.what == SCRAP)
        lot = max(0, before.planned - scrap)
    carried = carry(draft, before.operation, before.outputs, lot, operation)
    before.departure = carried
    total = sum(n for _, n in carried.entries)
    if lot is None:
        flow = Flow(operation, carried.entries, None, None, arrival=carried)
    else:
        flow = Flow(operation, carried.entries, total, max(lot, total), arrival=carried)
    flow.oddities.extend(carried.oddities)
    return flow


def _report(draft: Draft, flow: Flow) -> None:
    """Take what was reported out of what was available: counted numbers first, then the absent ones."""
    operation = flow.operation
    known = flow.available is not None
    free = flow.available or 0
    taken: list[tuple[datetime, int]] = []
    for report in operation.reports:
        n = min(report.n, free)
        free -= n
        taken.append((report.at, n))
        over = report.n - n
        flow.reported += report.n
        if report.what in (GOOD, SCRAP):
            again = min(over, flow.pending_rework)  # reworked pieces, and held ones that were released, end here
            flow.pending_rework -= again
            freed = min(over - again, flow.pending_hold)
            flow.pending_hold -= freed
            over -= again + freed
        elif report.what == REWORK:
            flow.pending_rework += report.n
        else:
            flow.pending_hold += report.n
        if known and over and not draft.supposed:
            detail = (("ticket", report.ticket), ("over", str(over)))
            flow.oddities.append((report.at, "over_quantity", operation.no, detail))
        if report.what == GOOD and report.n:
            flow.outputs.append(Output(report.at, report.n, report.ticket))
    if operation.guesses:
        free = _fill(draft, flow, taken, free)
        if len(flow.outputs) > 1:
            flow.outputs.sort()
    flow.remaining = free if known else None


def _fill(draft: Draft, flow: Flow, taken: list[tuple[datetime, int]], free: int) -> int:
    """Say what absent numbers stand for: never more than was there by then and is left now. Return what is left."""
    several = len(draft.live_tickets()) > 1
    used = 0
    entry = report = there = 0
    guesses = flow.operation.guesses
    if len(guesses) > 1:
        guesses = sorted(guesses, key=lambda guess: (guess.at, guess.what == GOOD))
    for guess in guesses:
        while entry < len(flow.entries) and flow.entries[entry][0] <= guess.at:
            there += flow.entries[entry][1]
            entry += 1
        while report < len(taken) and taken[report][0] <= guess.at:
            used += taken[report][1]
            report += 1
        left = max(0, min(there - used, free))
        claim = _claim(draft, flow, guess) if several or guess.what != GOOD else None
        n = left if claim is None else min(left, claim)
        used += n
        free -= n
        if guess.what == GOOD and n == 0 and flow.pending_rework:
            n, flow.pending_rework = flow.pending_rework, 0
        elif guess.what == REWORK:
            flow.pending_rework += n
        elif guess.what == HOLD:
            flow.pending_hold += n
        flow.fills.append((guess, n))
        flow.reported += n
        if flow.available is not None and n < (claim or 1) and not draft.supposed:
            detail = (("ticket", guess.ticket), ("given", str(n)))
            flow.oddities.append((guess.at, "assumed_cut", flow.operation.no, detail))
        if guess.what == GOOD and n:
            flow.outputs.append(Output(guess.at, n, guess.ticket))
    return free


def _claim(draft: Draft, flow: Flow, guess: Guess) -> int | None:
    """Return how many pieces an absent number means by itself: one for a card, the ticket's lot for a finish."""
    if guess.what != GOOD:
        return 1
    ticket = draft.tickets[guess.ticket]
    if ticket.quantity is None:
        return None
    lost = sum(
        report.n
        for operation in draft.chain
        if operation.no <= flow.operation.no
        for report in operation.reports
        if report.ticket == guess.ticket and (report.what != GOOD or operation is flow.operation)
    )
    return max(0, ticket.quantity - lost)


def _judge(draft: Draft, flow: Flow, before: Flow | None) -> None:
    """Say whether the operation is done, and since when pieces wait for it.

    Done: nobody is at it, and it was finished after the last piece came that nobody has reported; if pieces came
    at all, also nothing more is to come from the operation before. Of several lots each must have been finished.
    """
    operation = flow.operation
    finished = operation.finishes[-1] if operation.finishes else None
    for at, n in flow.entries:
        if (finished is None or at > finished) and (n > 0 or flow.available is None):
            flow.waiting_since = at
            break
    if flow.remaining == 0:
        flow.waiting_since = None
    elif finished is not None and flow.waiting_since is None and not _all_lots(draft, operation):
        flow.waiting_since = finished
    if finished is None or operation.open or flow.waiting_since is not None:
        return
    flow.done = not _more_to_come(flow, before)
    if flow.done and flow.remaining and not draft.supposed:
        flow.oddities.append((finished, "shortfall", operation.no, (("missing", str(flow.remaining)),)))


def _all_lots(draft: Draft, operation: OperationDraft) -> bool:
    """Say whether every lot of the order was finished there, be it under the ticket it was split from afterwards."""
    live = draft.live_tickets()
    if len(live) < 2:
        return True
    ended = [(draft.tickets[known.ticket].branch, known.closed_at) for known in operation.sessions if known.closed_at]
    return all(
        ticket.quantity == 0 or any(branch in draft.lots_before(ticket.id, at) for branch, at in ended)
        for ticket in live
    )


def _more_to_come(flow: Flow, before: Flow | None) -> bool:
    if before is None or not flow.available or flow.planned is None:
        return False
    if flow.arrival is not None and flow.arrival.under_way:
        return True
    return not before.done and flow.reported < flow.planned
