"""Which operation a ship leaves from and a receive arrives at. Pairing them is done in `links`."""

from datetime import datetime

from broker.events import Handover, HandoverAction, Quality
from gateway.rules import floor, office
from gateway.rules.draft import Draft, OperationDraft, Passing
from gateway.rules.stamp import Stamped


def handover(draft: Draft, at: datetime, row: Stamped, event: Handover) -> None:
    """Fold one ship or receive into the draft; `event` is the row's."""
    ship = event.action is HandoverAction.SHIP
    if draft.free or event.operation is not None:
        operation = floor.operation(draft, at, row, event.operation)
    else:
        operation = _leaving(draft, row) if ship else _arriving(draft, row, event)
        if operation is None and (ship or row.firm != draft.coordinator):
            floor.missing(draft, at, row)
    if operation is None:
        return
    office.ticket(draft, event.ticket)
    counted = event.quantity is not None and event.quantity.n is not None
    machine = event.quantity is not None and event.quantity.q is Quality.MACHINE
    n = event.quantity.n if counted and event.quantity is not None else None
    passing = Passing(at, event.id, event.ticket, n, machine, event.boxes)
    if ship:
        _edge_of_firm(draft, operation, 1).ships.append(passing)
    else:
        _edge_of_firm(draft, operation, -1).receives.append(passing)


def _edge_of_firm(draft: Draft, operation: OperationDraft, step: int) -> OperationDraft:
    """Walk along the routing to the firm's last (1) or first (-1) operation of this visit: goods pass there."""
    if operation not in draft.chain:
        return operation
    place = draft.chain.index(operation)
    while 0 <= place + step < len(draft.chain) and draft.chain[place + step].firm == operation.firm:
        place += step
    return draft.chain[place]


def _leaving(draft: Draft, row: Stamped) -> OperationDraft | None:
    """Return the firm's lowest operation that was finished since it last shipped, else its last one with a finish."""
    doors = _doors(draft, row.firm, 1)
    for door in doors:
        if door.finishes and (not door.ships or door.ships[-1].at < door.finishes[-1]):
            return door
    worked = [door for door in doors if door.finishes or door.ships]
    return worked[-1] if worked else next(iter(doors), None)


def _arriving(draft: Draft, row: Stamped, event: Handover) -> OperationDraft | None:
    """Return where the ship with this id goes, else the lowest operation that something is on its way to."""
    doors = _doors(draft, row.firm, -1)
    before = {door.no: draft.chain[draft.chain.index(door) - 1] for door in doors if door is not draft.chain[0]}
    for door in doors:
        if door.no in before and any(ship.id == event.id for ship in before[door.no].ships):
            return door
    for door in doors:
        if door.no in before and len(before[door.no].ships) > len(door.receives):
            return door
    return next((door for door in doors if not door.receives), doors[-1] if doors else None)


def _doors(draft: Draft, firm: str, step: int) -> list[OperationDraft]:
    own = [operation for operation in draft.chain if operation.firm == firm]
    return [operation for operation in own if _edge_of_firm(draft, operation, step) is operation]
