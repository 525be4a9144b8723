"""見せる範囲: what one firm may see of one order, as the view that travels and as one sentence.

A view never holds more than was granted: what is not granted is absent, not hidden. Who looks is logged elsewhere.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from broker.events import Level
from broker.messages import Amount as AmountShown
from broker.messages import OperationView, OrderView, TicketView
from broker.words import Word
from gateway.rules.order import Amount, Operation, OrderState, State

Stage = Literal["done", "under_way", "to_come", "cancelled"]

LEVELS: dict[Level, Word] = {
    Level.OWN: Word("自社の工程だけ", "own operations only"),
    Level.DATES: Word("予定と出荷まで", "dates and shipping"),
    Level.PROGRESS: Word("進み具合まで", "progress"),
    Level.FULL: Word("すべて", "everything"),
}
"""The four levels as they are called on screen."""

_OTHERS: dict[Level, Word] = {
    Level.OWN: Word("他社の工程は見えません。", "It sees no operation of another firm."),
    Level.DATES: Word(
        "他社の工程は、済・進行中・これからの別と、納期・受入・出荷の日時だけが見えます。"
        "待ち・中断・設備・時間・不良・人は見えません。",
        "Of other firms' operations it sees done, under way or to come, and the dates asked, promised, received and "
        "shipped; no waiting, pauses, machines, hours, scrap or people.",
    ),
    Level.PROGRESS: Word(
        "他社の工程は、日時に加えて状態と進み具合（％）が見えます。設備・時間・不良・人は見えません。",
        "Of other firms' operations it sees dates, states and percentages; no machines, hours, scrap or people.",
    ),
    Level.FULL: Word(
        "他社の工程も、数・不良・設備・時間まですべて見えます。",
        "Of other firms' operations it sees everything: counts, scrap, machines and hours.",
    ),
}
_COORDINATOR = Word(
    "幹事会社なので、他社の着手・完了の日時と良品数も見えます。",
    "As coordinator it also sees when others started and finished, and how many good pieces they counted.",
)
_OWN = Word("自社の工程はすべて見えます。", "It sees everything of its own operations.")
_ENDS = Word("この範囲は出荷で終わります。", "This ends when the order ships.")
_FORMER = Word(
    "この会社はもうこの受注の工程にありません。手元の票が旧版だと分かるだけです。",
    "This firm has no step of this order any more. It only learns that its papers are old.",
)
_NOTHING = Word(
    "この会社には何も見えません。見せるには、幹事会社が範囲を決めてください。",
    "This firm sees nothing of this order. To show it something, the coordinator grants a level.",
)


def level(order: OrderState, viewer: str) -> Level | None:
    """Return how much a firm sees: what was granted to it, else `dates` for the order's firms, else None (nothing)."""
    granted = next((granted for firm, granted in order.grants if firm == viewer), None)
    if granted is not None:
        return Level(granted)
    return Level.DATES if viewer in order.firms else None


def view(order: OrderState, viewer: str, *, current: bool = True) -> OrderView | None:
    """Return what a firm may see of an order; None if nothing.

    Its own operations are always whole. `state` is one of `State` only from `progress` up, else one of the stages of
    an operation. `at` is the latest moment that the view itself shows, so that it betrays nobody's pause. A firm of an
    earlier routing only learns which papers are old.
    """
    granted = level(order, viewer)
    if granted is None:
        return _farewell(order) if viewer in order.former else None
    coordinates = order.coordinator == viewer
    shown = [
        _operation(order, operation, viewer, granted, coordinates=coordinates)
        for operation in order.operations
        if operation.firm == viewer or granted is not Level.OWN or coordinates
    ]
    member = viewer in order.firms
    full = granted is Level.FULL
    return OrderView(
        order=order.key,
        number=order.number,
        level=granted.value,
        part=order.part,
        drawing=order.drawing if member or full else None,
        quantity=order.quantity if member or full else None,
        due=order.due.isoformat() if order.due is not None else None,
        coordinator=order.coordinator,
        state=_state(order, granted),
        held=order.held,
        current=current,
        at=_latest(order, shown, viewer, whole=full),
        operations=tuple(shown),
        tickets=tuple(
            TicketView(id=one.id, branch=one.branch, quantity=one.quantity, old=one.old) for one in order.tickets
        )
        if member or full
        else (),
    )


def amount(order: OrderState, viewer: str) -> int | None:
    """Return what the customer pays, in yen: to the coordinator; to everybody else, whatever was granted, None.

    It travels in no view and in no fact, so it leaves the gateway only where this is asked.
    """
    return order.amount if order.coordinator == viewer else None


def view_sentence(order: OrderState, viewer: str) -> Word:
    """Say in both languages what a firm sees of an order, to be shown before a grant is made."""
    granted = level(order, viewer)
    if granted is None:
        return _FORMER if viewer in order.former else _NOTHING
    said = []
    if any(operation.firm == viewer for operation in order.operations):
        said.append(_OWN)
    said.append(_OTHERS[granted])
    if order.coordinator == viewer and granted is not Level.FULL:
        said.append(_COORDINATOR)
    if any(firm == viewer for firm, _ in order.grants):
        said.append(_ENDS)
    return Word("".join(word.ja for word in said), " ".join(word.en for word in said))


def _farewell(order: OrderState) -> OrderView:
    return OrderView(
        order=order.key,
        number=order.number,
        level=Level.OWN.value,
        state="to_come",
        tickets=tuple(
            TicketView(id=one.id, branch=one.branch, quantity=None, old=True) for one in order.tickets if one.old
        ),
    )


def stage(operation: Operation) -> Stage:
    """Return what everybody on the routing may know of an operation: done, under way or to come."""
    if operation.state is State.CANCELLED:
        return "cancelled"
    if operation.state is State.DONE:
        return "done"
    return "to_come" if operation.started_at is None else "under_way"


def percent(operation: Operation) -> int | None:
    """Return how much of what an operation will get has been made, good or scrap; None if that is not known."""
    if operation.state is State.DONE:
        return 100
    if not operation.planned:
        return None
    return min(100, 100 * (operation.good.total + operation.scrap.total) // operation.planned)


def _operation(
    order: OrderState, operation: Operation, viewer: str, granted: Level, *, coordinates: bool
) -> OperationView:
    mine = operation.firm == viewer
    seen: dict[str, Any] = {}
    if mine or granted is not Level.OWN:
        seen |= {
            "due": operation.due.isoformat() if operation.due is not None else None,
            "promised": operation.promised.isoformat() if operation.promised is not None else None,
            "received_at": operation.received_at,
            "shipped_at": operation.shipped_at,
        }
    if mine or granted in (Level.PROGRESS, Level.FULL):
        seen |= {"state": operation.state.value, "percent": percent(operation)}
    if mine or coordinates or granted is Level.FULL:
        seen |= {
            "started_at": operation.started_at,
            "finished_at": operation.finished_at,
            "good": _shown(operation.good),
        }
    if mine or granted is Level.FULL:
        seen |= {
            "scrap": _shown(operation.scrap),
            "hold": _shown(operation.hold),
            "remaining": operation.remaining,
            "remaining_q": None if operation.remaining is None else _rests_on(order, operation).quality,
            "station": operation.station,
        }
    return OperationView(
        no=operation.no, name=operation.name, firm=operation.firm, mine=mine, stage=stage(operation), **seen
    )


def _rests_on(order: OrderState, operation: Operation) -> Amount:
    """Return the pieces whose numbers decide what remains: those reported, and those received or made before it."""
    pieces = operation.good + operation.scrap + operation.rework + operation.hold
    for link in order.links:
        if link.target != operation.no:
            continue
        arrived = [transfer for transfer in link.transfers if transfer.received is not None or transfer.implied]
        for transfer in arrived:
            pieces += Amount(assumed=1) if transfer.implied or transfer.received is None else transfer.received
        if not arrived:
            pieces += sum((one.good + one.scrap for one in order.operations if one.no == link.source), Amount())
    return pieces


def _shown(amount: Amount) -> AmountShown:
    return AmountShown(n=amount.total, q=amount.quality)


def _state(order: OrderState, granted: Level) -> str:
    if granted in (Level.PROGRESS, Level.FULL) or order.state in (State.DONE, State.CANCELLED):
        return order.state.value
    begun = any(operation.started_at is not None for operation in order.operations)
    return "under_way" if begun else "to_come"


def _latest(order: OrderState, shown: Iterable[OperationView], viewer: str, *, whole: bool) -> datetime | None:
    if whole or order.firms == (viewer,):
        return order.last_at
    moments = [order.released_at]
    for seen in shown:
        moments += [seen.started_at, seen.finished_at, seen.received_at, seen.shipped_at]
    for operation in order.operations:
        if operation.firm == viewer:
            moments.append(operation.state_since)
            moments += [session.phase_since for session in operation.sessions]
    return max((moment for moment in moments if moment is not None), default=None)
