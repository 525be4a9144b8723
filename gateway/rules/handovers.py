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
        if operation is not None:
            operation = _door(draft, operation, 1 if ship else -1)
    else:
        operation = _leaving(draft, row.firm) if ship else _arriving(draft, row.firm, event.id)
        if operation is None and (ship or row.firm != draft.coordinator):
            floor.missing(draft, at, row)
    if operation is None:
        return
    if event.ticket not in draft.tickets:
        office.ticket(draft, event.ticket)
    quantity = event.quantity
    n, machine = (None, False) if quantity is None else (quantity.n, quantity.q is Quality.MACHINE)
    (operation.ships if ship else operation.receives).append(
        Passing(at, event.id, event.ticket, n, machine, event.boxes)
    )


def _door(draft: Draft, operation: OperationDraft, step: int) -> OperationDraft:
    """Walk along the routing to the firm's last (1) or first (-1) operation of this visit: goods pass there."""
    if operation not in draft.chain:
        return operation
    place = draft.chain.index(operation)
    while 0 <= place + step < len(draft.chain) and draft.chain[place + step].firm == operation.firm:
        place += step
    return draft.chain[place]


def _leaving(draft: Draft, firm: str) -> OperationDraft | None:
    """Return the firm's lowest operation that was finished since it last shipped, else its last one with a finish."""
    chain = draft.chain
    first = worked = None
    for place, door in enumerate(chain):
        if door.firm != firm or (place + 1 < len(chain) and chain[place + 1].firm == firm):
            continue
        if door.finishes and (not door.ships or door.ships[-1].at < door.finishes[-1]):
            return door
        if door.finishes or door.ships:
            worked = door
        first = first or door
    return worked or first


def _arriving(draft: Draft, firm: str, name: str) -> OperationDraft | None:
    """Return where the hand-over of this name goes, else the lowest operation that something is on its way to."""
    chain = draft.chain
    awaited = fresh = last = None
    for place, door in enumerate(chain):
        if door.firm != firm or (place and chain[place - 1].firm == firm):
            continue
        ships = chain[place - 1].ships if place else ()
        if any(ship.id == name for ship in ships):
            return door
        if awaited is None and len(ships) > len(door.receives):
            awaited = door
        if fresh is None and not door.receives:
            fresh = door
        last = door
    return awaited or fresh or last
