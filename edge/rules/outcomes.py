"""What each outcome of the table records, remembers and says: one short function each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from broker.codes import Card
from broker.events import Action, ClockQuality, Handover, HandoverAction, Quality, Quantity, Ref, Split, Work
from broker.words import Word
from edge.rules import say
from edge.rules.ages import OFFER_MS
from edge.rules.desk import Heard
from edge.rules.memory import Pending, Phase, Session, Target, Written
from edge.rules.say import Feedback, Tone, Why, clock_time, said
from edge.rules.table import Outcome
from edge.rules.tickets import LATER, Meant, remaining
from edge.rules.turn import Turn

_ASSUMED = Quantity(q=Quality.ASSUMED)
_RESUME = Word("再開は票だけ", "Ticket alone resumes")
_NIGHT = Word("終業からは中断", "Paused since shift end")

Rule = Callable[[Turn, Meant, Pending | None], Feedback]


def start(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """Open a session or take it up again: resuming is a start."""
    _open(turn, meant, Action.START)
    return said(Tone.START, Word("着手 {label}", "Started"), _next(meant, say.AGAIN), label=meant.label)


def go_on(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """End yesterday's stretch at its shift's end and start today's."""
    _pause_at_shift_end(turn, meant)
    _open(turn, meant, Action.START)
    return said(Tone.START, Word("{label} 続きを始めました", "Continued"), _next(meant, _NIGHT), label=meant.label)


def setup(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """Begin setting up."""
    _open(turn, meant, Action.SETUP)
    return said(
        Tone.START,
        Word("段取り {label}", "Set-up"),
        _next(meant, Word("加工は票だけ", "Ticket alone starts")),
        label=meant.label,
    )


def setup_after_shift(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """End yesterday's stretch at its shift's end and begin setting up."""
    _pause_at_shift_end(turn, meant)
    return setup(turn, meant, card)


def finish(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """End the session; its pieces are assumed until somebody keys a number."""
    return _finish(turn, meant, _next(meant, say.NUMBER_NEXT))


def finish_after_shift(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """Pause at the shift's end and finish now, so that the night is never counted as work."""
    paused = _pause_at_shift_end(turn, meant)
    return _finish(turn, meant, _next(meant, _NIGHT), paused=paused)


def finish_unstarted(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    """Record a finish that names no start; the gateway asks about it."""
    _finish(turn, meant, None)
    return said(
        Tone.STOP,
        Word("完了 {label} 着手なし", "No start"),
        _next(meant, Word("記録しました 事務所が確認", "Office will ask")),
        label=meant.label,
    )


def pause(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Interrupt the session, with the card's reason."""
    return _pause(turn, meant, _reason(card), None)


def pause_at_shift_end(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Interrupt a session from an earlier shift as of that shift's end."""
    return _pause(turn, meant, _reason(card) or "SHIFT_END", meant.ended)


def pause_again(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Give a paused session its new reason; the same reason again changes nothing."""
    reason = _reason(card)
    session = meant.session
    if session is None or reason in (None, session.reason):
        return already_paused(turn, meant, card)
    return _pause(turn, meant, reason, None)


def report(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Record pieces that are not good. How many is assumed until somebody keys a number."""
    assert card, "only a card reports"
    slot = card.card.lower()
    session = meant.session
    event = Work(
        **turn.stamp(),
        action=Action.REPORT,
        ticket=meant.ticket,
        operation=meant.operation,
        station=session.station if session else meant.station,
        closes=session.opening if session else None,
        reason=card.detail,
        badge=meant.badge,
    )
    written = turn.record(event.model_copy(update={slot: _ASSUMED}))
    if session:
        turn.put(replace(session, reported=True))
    turn.aim(Target(event, slot, meant.label, turn.now, carrier=written))
    words = {"scrap": Word("不良", "Scrap"), "rework": Word("手直し", "Rework"), "hold": Word("保留", "Hold")}[slot]
    why = say.reason(card.detail)
    first = Word(f"{words.ja} {{label}} {why.ja}", f"{words.en} {why.en}|{words.en}")
    return said(Tone.FINISH, first, _next(meant, say.NUMBER_NEXT), label=meant.label)


def split(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Note the lot to be split; the blank ticket comes next."""
    assert card, "only a card splits"
    turn.hand = replace(turn.hand, pending=replace(card, parent=meant.ticket, since=turn.now))
    return said(
        Tone.NOTHING, Word("分割 {label}", "Split"), Word("次に白票を", "Now the blank ticket"), label=meant.label
    )


def split_off(turn: Turn, child: str, text: str, *, blank: bool) -> Feedback:
    """Record that a part of the lot in hand goes on under the ticket `child`."""
    card = turn.hand.pending
    assert card, "there is a split in hand"
    assert card.parent, "its parent was read"
    if not blank or child == card.parent:
        return turn.refuse(Why.NOT_BLANK, text, ticket=child)
    event = Split(**turn.stamp(), parent=card.parent, child=child)
    written = turn.record(event)
    turn.aim(Target(event, "quantity", child, turn.now, carrier=written))
    turn.hand = replace(turn.hand, pending=None)
    first = Word("分割 {parent} → {child}", "Split")
    return said(Tone.FINISH, first, say.NUMBER_NEXT, parent=card.parent, child=child)


def ship(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Record that the lot leaves."""
    warning = (
        Word("まだ作業中です", "Still running") if meant.session and meant.session.phase is Phase.RUNNING else None
    )
    return _hand_over(turn, meant, card, HandoverAction.SHIP, warning)


def receive(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Record that the lot has arrived."""
    return _hand_over(turn, meant, card, HandoverAction.RECEIVE, None)


def already_started(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return _already(turn, meant, Why.ALREADY_STARTED)


def already_setup(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return _already(turn, meant, Why.ALREADY_SETUP)


def already_paused(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return _already(turn, meant, Why.ALREADY_PAUSED)


def already_finished(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return _already(turn, meant, Why.ALREADY_FINISHED)


def not_started(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return turn.refuse(Why.NOT_STARTED, meant.text, label=meant.label, **meant.fields)


def ask_station(turn: Turn, meant: Meant, card: Pending | None) -> Feedback:
    """Two sessions are open: nobody guesses which. The card stays in hand for machine and ticket."""
    if card:
        turn.hand = replace(turn.hand, pending=replace(card, since=turn.now))
    fields = meant.fields | {"station": None}
    return turn.refuse(Why.TWO_OPEN, meant.text, label=meant.label, **fields)


def old_issue(turn: Turn, meant: Meant, _card: Pending | None) -> Feedback:
    return turn.refuse(Why.OLD_ISSUE, meant.text, label=meant.label, **meant.fields)


OUTCOMES: Mapping[Outcome, Rule] = {
    Outcome.START: start,
    Outcome.CONTINUE: go_on,
    Outcome.SETUP: setup,
    Outcome.SETUP_AFTER_SHIFT: setup_after_shift,
    Outcome.FINISH: finish,
    Outcome.FINISH_AFTER_SHIFT: finish_after_shift,
    Outcome.FINISH_UNSTARTED: finish_unstarted,
    Outcome.PAUSE: pause,
    Outcome.PAUSE_AT_SHIFT_END: pause_at_shift_end,
    Outcome.PAUSE_AGAIN: pause_again,
    Outcome.REPORT: report,
    Outcome.SPLIT: split,
    Outcome.SHIP: ship,
    Outcome.RECEIVE: receive,
    Outcome.ALREADY_STARTED: already_started,
    Outcome.ALREADY_SETUP: already_setup,
    Outcome.ALREADY_FINISHED: already_finished,
    Outcome.NOT_STARTED: not_started,
    Outcome.ASK_STATION: ask_station,
    Outcome.OLD_ISSUE: old_issue,
}


def _work(turn: Turn, meant: Meant, action: Action, closes: Ref | None = None, as_of: datetime | None = None) -> Work:
    return Work(
        **turn.stamp(as_of),
        action=action,
        ticket=meant.ticket,
        operation=meant.operation,
        station=meant.station,
        closes=closes,
        badge=meant.badge,
    )


def _open(turn: Turn, meant: Meant, action: Action) -> None:
    written = turn.record(_work(turn, meant, action))
    phase = Phase.SETUP if action is Action.SETUP else Phase.RUNNING
    before = turn.sessions.get((meant.ticket, meant.operation, meant.station))
    reported = before is not None and before.open and before.reported
    turn.put(
        Session(
            meant.ticket, meant.operation, meant.station, phase, written.ref, turn.now, meant.label, reported=reported
        )
    )
    turn.aim(None)


def _pause_at_shift_end(turn: Turn, meant: Meant) -> Written:
    assert meant.session, "only a running session is of an earlier shift"
    event = _work(turn, meant, Action.PAUSE, meant.session.opening, meant.ended)
    return turn.record(event.model_copy(update={"reason": "SHIFT_END"}))


def _pause(turn: Turn, meant: Meant, reason: str | None, as_of: datetime | None) -> Feedback:
    session = meant.session
    assert session, "the table pauses only what is open"
    event = _work(turn, meant, Action.PAUSE, session.opening, as_of)
    turn.record(event.model_copy(update={"reason": reason}))
    turn.put(replace(session, phase=Phase.PAUSED, since=turn.now, reason=reason))
    turn.aim(_good_target(turn, meant, session.opening))
    words = say.reason(reason)
    first = Word(f"中断 {{label}} {words.ja}", f"Paused {words.en}|Paused")
    return said(Tone.FINISH, first, _next(meant, _NIGHT if as_of else _RESUME), label=meant.label)


def _finish(turn: Turn, meant: Meant, second: Word | None, *, paused: Written | None = None) -> Feedback:
    session = meant.session if meant.session and meant.session.open else None
    opening = session.opening if session else None
    event = _work(turn, meant, Action.FINISH, opening).model_copy(update={"good": _ASSUMED})
    written = turn.record(event)
    turn.put(
        Session(
            meant.ticket,
            meant.operation,
            meant.station,
            Phase.FINISHED,
            opening,
            turn.now,
            meant.label,
            reported=session is not None and session.reported,
        )
    )
    target = _good_target(turn, meant, opening)
    heard = turn.machines.heard(meant.station, opening) if opening else Heard()
    offered = _offer(turn, session, heard)
    turn.aim(replace(target, finish=written, remaining=remaining(meant), offered=offered, paused=paused))
    if not meant.alarm:
        second = say.from_machine(heard.pieces, offered, turn.now.at, turn.desk.zone) or second
    return said(Tone.FINISH, Word("完了 {label}", "Finished"), second, label=meant.label)


def _offer(turn: Turn, session: Session | None, heard: Heard) -> datetime | None:
    """Return when the machine stopped, if that is worth a question: within this session, and a while ago."""
    stopped, trusted = heard.stopped, ClockQuality.SYNCED
    if session is None or stopped is None or session.since.clock is not trusted or turn.now.clock is not trusted:
        return None
    late = turn.now.at - stopped >= timedelta(milliseconds=OFFER_MS)
    return stopped if late and stopped > session.since.at else None


def _good_target(turn: Turn, meant: Meant, opening: Ref | None) -> Target:
    return Target(_work(turn, meant, Action.REPORT, opening), "good", meant.label, turn.now)


def _hand_over(
    turn: Turn, meant: Meant, card: Pending | None, action: HandoverAction, warning: Word | None
) -> Feedback:
    assert card, "only a card hands over"
    name = card.handover or f"{turn.ref.epoch}-{turn.ref.seq}"
    event = Handover(
        **turn.stamp(),
        action=action,
        ticket=meant.ticket,
        operation=meant.operation,
        id=name,
        station=meant.station,
        badge=meant.badge,
    )
    written: Written = turn.record(event.model_copy(update={"quantity": _ASSUMED}))
    turn.aim(Target(event, "quantity", meant.label, turn.now, carrier=written))
    turn.hand = replace(turn.hand, pending=replace(card, handover=name, since=turn.now))
    first = Word("出荷 {label}", "Shipped") if card.card == Card.SHIP else Word("受入 {label}", "Received")
    second = warning or Word("続けて票 または数", "More tickets or count")
    return said(Tone.FINISH, first, _next(meant, second), label=meant.label)


def _already(turn: Turn, meant: Meant, why: Why) -> Feedback:
    since = clock_time(meant.session.since.at, turn.desk.zone) if meant.session else ""
    return turn.refuse(why, meant.text, label=meant.label, time=since, **meant.fields)


def _reason(card: Pending | None) -> str | None:
    """Return a pause card's reason; 作業以外 without one is OTHER."""
    if card is None:
        return None
    return card.detail or ("OTHER" if card.card == Card.NONWORK else None)


def _next(meant: Meant, usual: Word) -> Word:
    """Return the second line: a reason to ask somebody, else that the step is open, else what comes next."""
    return meant.alarm or (LATER if meant.operation is None else usual)
