"""Where an order is now: the pure answer to "where is 4471?". How it looks on a page is not decided here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.words import STATES
from gateway.rules.order import Operation, OrderState, State
from gateway.web import words
from gateway.web.reader import Reader

_ACTIVE = (State.RUNNING, State.SETUP, State.PAUSED, State.IN_TRANSIT, State.READY)
"""Who has it: the first of these over its operations, ties to the lowest operation."""


class Stand(StrEnum):
    """How an order stands: a step has it, a finished step still holds it, or nobody does."""

    ACTIVE = "active"
    TO_SHIP = "to_ship"
    NOT_STARTED = "not_started"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Place:
    """One step that has pieces of the order now."""

    operation: Operation
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an order is. `places` is empty unless it stands ACTIVE (all of them) or TO_SHIP (the one that holds it)."""

    stand: Stand
    places: tuple[Place, ...] = ()
    since: datetime | None = None


def whereabouts(order: OrderState) -> Whereabouts:
    """Return where the order is now. A lot that moves in parts is at several places; the one at work comes first."""
    if order.state is State.CANCELLED:
        return Whereabouts(Stand.CANCELLED)
    if order.delivered_at:
        return Whereabouts(Stand.DONE, since=order.delivered_at)
    active = [
        Place(operation, operation.state_since)
        for state in _ACTIVE
        for operation in order.operations
        if operation.state is state
    ]
    if active:
        return Whereabouts(Stand.ACTIVE, tuple(active), active[0].since)
    done = [operation for operation in order.operations if operation.state is State.DONE]
    if not done:
        return Whereabouts(Stand.NOT_STARTED)
    last = done[-1]
    return Whereabouts(Stand.TO_SHIP, (Place(last, last.finished_at),), last.finished_at)


def answer(order: OrderState, reader: Reader) -> str:
    """Return the sentence: `いま: 研削工場 工程20 作業中 8:06から`, `Now at Grinding, operation 20, running...`."""
    where = whereabouts(order)
    match where.stand:
        case Stand.CANCELLED:
            return reader.say(words.ANSWER_CANCELLED)
        case Stand.DONE:
            at = reader.about(reader.clock(where.since), approximate=order.approximate) if where.since else ""
            return reader.say(words.ANSWER_DONE, at=at).strip()
        case Stand.NOT_STARTED:
            return reader.say(words.ANSWER_NOT_STARTED)
        case Stand.TO_SHIP | Stand.ACTIVE:
            first = reader.say(words.ANSWER_AT, what=_said(where.places[0], reader, where.stand))
            others = [
                reader.say(words.ANSWER_ALSO, what=_said(place, reader, where.stand)) for place in where.places[1:3]
            ]
            return first + "".join(others)


def _said(place: Place, reader: Reader, stand: Stand) -> str:
    operation = place.operation
    state = reader.say(STATES[operation.state.value])
    template = words.STATE_AT
    if stand is Stand.TO_SHIP:
        template, state = words.ANSWER_SHIP, reader.say(words.TO_SHIP)
    elif operation.state is State.IN_TRANSIT:
        template = words.ON_THE_WAY
    what = reader.say(
        template,
        firm=reader.firm(operation.firm),
        op=operation.no,
        state=state.lower() if reader.language == "en" else state,
    )
    joint = " " if reader.language == "ja" else ", "
    return joint.join(part for part in (what, reader.since(place.since, approximate=operation.approximate)) if part)
