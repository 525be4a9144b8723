"""Reads that need no ticket: numbers, 全部良品, 途中まで, 元に戻す, 呼出, and what lapses while it waits."""

from dataclasses import replace
from datetime import datetime

from broker.codes import Card, CardCode, StationCode, printed
from broker.events import Action, AnyEvent, Call, ClockQuality, Quality, Quantity, Ref, Work
from broker.words import CARDS, Word
from edge.rules import say
from edge.rules.ages import NUMBER_MS, earlier, lapsed
from edge.rules.memory import Change, Done, Held, Phase, Target, Written
from edge.rules.say import Feedback, Tone, Why, said
from edge.rules.turn import Turn

DIGITS = 6
_SLOTS = {
    "good": Word("良品", "Good"),
    "scrap": Word("不良", "Scrap"),
    "rework": Word("手直し", "Rework"),
    "hold": Word("保留", "Hold"),
    "quantity": Word("数", "Count"),
}


def number(turn: Turn, n: int, text: str) -> Feedback:
    """Count what this scanner recorded last: a report where there was no number, else void and new."""
    target = turn.hand.target
    if target is None or lapsed(target.since, turn.now, NUMBER_MS):
        return turn.refuse(Why.NUMBER_ALONE, text)
    if target.carrier:
        turn.void_for_another(target.carrier, "number_keyed")
    counted = {**turn.stamp(), target.slot: Quantity(n=n, q=Quality.COUNTED)}
    written = turn.record(target.event.model_copy(update=counted))
    turn.aim(replace(target, carrier=written, since=turn.now))
    _mark_reported(turn, target)
    if turn.hand.pending:
        turn.hand = replace(turn.hand, pending=replace(turn.hand.pending, since=turn.now))
    words = _SLOTS[target.slot]
    first = Word(f"{words.ja} {n} {{label}}", words.en)
    return said(Tone.FINISH, first, Word("違えば もう一度 数を", "Wrong? Key again"), label=target.label)


def digit(turn: Turn, character: str, text: str) -> Feedback:
    """Add a digit card to the number in hand."""
    sofar = (turn.hand.digits.text if turn.hand.digits else "") + character
    if len(sofar) > DIGITS:
        turn.hand = replace(turn.hand, digits=None)
        return turn.refuse(Why.TOO_MANY_DIGITS, text)
    turn.hand = replace(turn.hand, digits=Held(sofar, turn.now))
    return said(Tone.NOTHING, Word(f"数 {sofar}", "Count"), Word("終わりに確定の札", "Then ENTER"))


def enter(turn: Turn, text: str) -> Feedback:
    """End the number in hand; without one, take the time that was offered at the finish."""
    digits = turn.hand.digits
    turn.hand = replace(turn.hand, digits=None)
    if digits:
        return number(turn, int(digits.text), digits.text)
    return _as_the_machine_stopped(turn) or turn.refuse(Why.NO_DIGITS, text)


def empty_enter(turn: Turn) -> Feedback | None:
    """Take a pad's ENTER without a number for 確定 where that was offered and no number keyed since; else for nothing.

    A second ENTER after `48` must not change the time of the finish, and no ENTER ever records a number.
    """
    target = turn.hand.target
    if turn.hand.digits or target is None or target.carrier:
        return None
    return _as_the_machine_stopped(turn)


def _as_the_machine_stopped(turn: Turn) -> Feedback | None:
    """Finish when the machine stopped: void plus new, and the shift's end was no pause. None if nothing is offered."""
    target = turn.hand.target
    if target is None or target.offered is None or target.finish is None or lapsed(target.since, turn.now, NUMBER_MS):
        return None
    if target.paused:
        turn.void_for_another(target.paused, "machine_stop")
    turn.void_for_another(target.finish, "machine_stop")
    written = turn.record(target.finish.event.model_copy(update=turn.stamp(target.offered)))
    turn.aim(replace(target, finish=written, offered=None, paused=None, since=turn.now))
    at = say.clock_time(target.offered, turn.desk.zone)
    first = Word("{label} {at} 完了にしました", "Finished {at}|Finished")
    second = Word("機械の停止時刻です 次は数を", "Now the count")
    return said(Tone.FINISH, first, second, label=target.label, at=at)


def all_good(turn: Turn, text: str) -> Feedback:
    """Count what the firm's view knew to remain; if it does not know, ask for the number. Never a guess."""
    target = turn.hand.target
    if target is None or target.finish is None or lapsed(target.since, turn.now, NUMBER_MS):
        return turn.refuse(Why.NO_FINISH, text)
    if target.remaining is None:
        return turn.refuse(Why.NOT_KNOWN_HERE, text, label=target.label)
    return number(turn, target.remaining, text)


def part_way(turn: Turn, text: str) -> Feedback:
    """Turn the finish just made into a pause: void plus new. A number already keyed stays counted."""
    target = turn.hand.target
    written = target.finish if target else None
    if target is None or written is None or lapsed(target.since, turn.now, NUMBER_MS):
        return turn.refuse(Why.NO_FINISH, text)
    finish = written.event
    assert isinstance(finish, Work), "a finish is work"
    session = turn.sessions.get((finish.ticket, finish.operation, finish.station))
    if (
        session is None
        or session.phase is not Phase.FINISHED
        or finish.closes is None
        or session.opening != finish.closes
    ):
        return turn.refuse(Why.NO_FINISH, text)
    turn.void_for_another(written, "part_way")
    changed = {**turn.stamp(_told(finish)), "action": Action.PAUSE, "good": None, "reason": "PARTWAY"}
    turn.record(finish.model_copy(update=changed))
    turn.put(replace(session, phase=Phase.PAUSED, since=turn.now, reason="PARTWAY"))
    turn.aim(replace(target, finish=None, remaining=None, offered=None, paused=None, since=turn.now))
    return said(
        Tone.FINISH,
        Word("途中まで {label}", "Part way"),
        Word("続きは票だけ", "Ticket alone resumes"),
        label=target.label,
    )


def call(turn: Turn, detail: str | None) -> Feedback:
    """Ask for a person at the machine in hand, else at the default one."""
    station = turn.hand.station.text if turn.hand.station else turn.desk.default
    turn.record(Call(**turn.stamp(), station=station, reason=detail or "OTHER"))
    turn.hand = replace(turn.hand, station=None)
    words = say.reason(detail)
    return said(
        Tone.FINISH, Word(f"呼び出しました {words.ja}", "Called"), Word("設備 {place}", "Machine"), place=station[:24]
    )


def undo(turn: Turn, text: str) -> Feedback:
    """Void what this scanner's last scan recorded, and bring back what that had replaced. At most three, this shift."""
    *rest, last = turn.hand.done or (None,)
    if last is None or earlier(last.at, turn.now, turn.desk):
        turn.hand = replace(turn.hand, done=())
        return turn.refuse(Why.NOTHING_TO_UNDO, text)
    if any(_changed_since(turn, change) for change in last.changes):
        return turn.refuse(Why.CHANGED_SINCE, text, label=last.label)
    for ref in reversed(last.refs):
        turn.void(ref, "undo")
    renamed = {written.ref: _again(turn, written) for written in last.replaced}
    for change in last.changes:
        turn.restore(change)
    turn.hand = replace(
        turn.hand,
        pending=None,
        target=_renamed_target(last.target, renamed),
        done=tuple(_renamed(done, renamed) for done in rest if done),
    )
    turn.forget_undo()
    return said(
        Tone.FINISH,
        Word("元に戻しました {label}", "Undone"),
        Word("必要なら読み直し", "Rescan if needed"),
        label=last.label,
    )


def lapse(turn: Turn) -> Feedback | None:
    """Drop what has waited too long and record that; say the gravest. None if nothing has."""
    hand, now = turn.hand, turn.now
    spoken: Feedback | None = None
    if hand.badge and lapsed(hand.badge.since, now):
        spoken = turn.refuse(Why.BADGE_LAPSED, hand.badge.text)
        hand = replace(hand, badge=None)
    if hand.station and lapsed(hand.station.since, now):
        spoken = turn.refuse(Why.STATION_LAPSED, printed(StationCode(hand.station.text)), station=hand.station.text)
        hand = replace(hand, station=None)
    if hand.digits and lapsed(hand.digits.since, now):
        spoken = turn.refuse(Why.DIGITS_LAPSED, hand.digits.text)
        hand = replace(hand, digits=None)
    if (card := hand.pending) and lapsed(card.since, now):
        hand = replace(hand, pending=None)
        name = CARDS[Card(card.card)]
        if card.handover:
            spoken = spoken or said(Tone.NOTHING, Word(f"{name.ja}の読み取り 終わり", f"{name.en} list closed"))
        else:
            turn.scan(Why.CARD_LAPSED, printed(CardCode(Card(card.card), card.detail)), ticket=card.parent)
            spoken = say.refused(Why.CARD_LAPSED, card=name.ja)
    turn.hand = hand
    return spoken


def _changed_since(turn: Turn, change: Change) -> bool:
    """Say whether another scan has touched a session since; one that was finished may only have been forgotten."""
    now = turn.sessions.get(change.key)
    forgotten = now is None and change.after is not None and not change.after.open
    return now != change.after and not forgotten


def _mark_reported(turn: Turn, target: Target) -> None:
    event = target.event
    if not isinstance(event, Work):
        return
    session = turn.sessions.get((event.ticket, event.operation, event.station))
    if session and session.opening == event.closes and not session.reported:
        turn.put(replace(session, reported=True))


def _told(event: AnyEvent) -> datetime | None:
    """Return the time an event is about, to be stated by the one that replaces it; None if its clock was not good."""
    return event.as_of or (event.at if event.clock is ClockQuality.SYNCED else None)


def _again(turn: Turn, written: Written) -> Written:
    """Record a voided event anew, as of its own time."""
    return turn.record(written.event.model_copy(update=turn.stamp(_told(written.event))))


def _renamed_written(written: Written | None, renamed: dict[Ref, Written]) -> Written | None:
    return renamed.get(written.ref, written) if written else None


def _renamed_target(target: Target | None, renamed: dict[Ref, Written]) -> Target | None:
    if target is None:
        return None
    return replace(
        target,
        carrier=_renamed_written(target.carrier, renamed),
        finish=_renamed_written(target.finish, renamed),
        paused=_renamed_written(target.paused, renamed),
    )


def _renamed(done: Done, renamed: dict[Ref, Written]) -> Done:
    return replace(
        done,
        refs=tuple(renamed[ref].ref if ref in renamed else ref for ref in done.refs),
        target=_renamed_target(done.target, renamed),
    )
