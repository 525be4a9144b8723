"""Which routing comes of adding steps to an order's or leaving some out, and what to mind. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.events import Step
from broker.words import Word
from gateway.office import refusals as no
from gateway.office.wishes import Restep
from gateway.office.words import Firms, firm
from gateway.orders.rows import STEP_LIMIT
from gateway.rules.order import Operation, OrderState, State

LAST_STEP = 9999
_AT_WORK = (State.RUNNING, State.SETUP, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The routing that comes of it, in order, the steps that it leaves out, and what a person should know before."""

    routing: tuple[Step, ...]
    out: tuple[Operation, ...]
    mind: tuple[Word, ...]


def stepped(order: OrderState, wish: Restep, steps: Sequence[Step], firms: Firms) -> Stepped:
    """Return the new routing; `steps` is the one in force, empty if there is none. Raises Impossible."""
    found = {step.no: step for step in steps}
    out = tuple(_left_out(order, name, found, firms) for name in wish.drop)
    for new in wish.add:
        number = max(found, default=0) // 10 * 10 + 10 if new.no is None else new.no
        if number in found:
            raise no.Impossible(no.STEP_THERE, no=number, name=found[number].name)
        if not 0 < number <= LAST_STEP or len(found) == STEP_LIMIT:
            raise no.Impossible(no.TOO_MANY_STEPS, n=STEP_LIMIT, last=LAST_STEP)
        if new.firm not in firms:
            raise no.unknown_firm(new.firm, firms)
        found[number] = Step(no=number, name=new.name, firm=new.firm, due=new.due)
    if not found:
        raise no.Impossible(no.NO_STEP_LEFT)
    if not steps:
        _keeps_what_was_done(order, found, firms)
    before = {step.no for step in steps}
    return Stepped(
        tuple(found[name] for name in sorted(found)),
        out,
        tuple(_overtaken(order, [name for name in found if name not in before])) if steps else (),
    )


def _left_out(order: OrderState, number: int, found: dict[int, Step], firms: Firms) -> Operation:
    step, operation = found.pop(number, None), order.operation(number)
    if step is None or operation is None:
        known = ", ".join(map(str, found))
        raise no.Impossible(no.NO_SUCH_STEP if known else no.NO_ROUTING, no=number, known=known)
    if operation.state in _AT_WORK or operation.started_at or operation.state is State.DONE:
        raise no.Impossible(no.STEP_BEGUN, no=number, firm=firm(firms, step.firm))
    return operation


def _keeps_what_was_done(order: OrderState, found: Mapping[int, Step], firms: Firms) -> None:
    """See that a first routing has the steps that were worked on without one: their numbers are in the records."""
    for operation in order.operations:
        step = found.get(operation.no)
        if step is None or step.firm != operation.firm:
            raise no.Impossible(no.WORKED_ALREADY, no=operation.no, firm=firm(firms, operation.firm))


def _overtaken(order: OrderState, new: Sequence[int]) -> list[Word]:
    begun = [one.no for one in order.operations if one.started_at]
    return [no.STEP_BEFORE.filled(no=name, later=max(begun)) for name in new if begun and name < max(begun)]
