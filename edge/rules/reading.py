"""The scan rules of one edge: a read in, an answer out. No clock, file or socket; the table is `edge.rules.table`."""

import re
from dataclasses import replace
from hashlib import blake2b

from broker.clock import Reading
from broker.codes import BadgeCode, Card, CardCode, Code, CodeError, Misread, StationCode, TicketCode, parse
from broker.events import Ref
from broker.words import CARDS, Word
from edge.drivers.readings import ENTER_ALONE
from edge.rules import cards, say
from edge.rules.ages import REREAD_MS, within
from edge.rules.desk import Desk, Machines, Orders
from edge.rules.memory import Held, Memory, Pending
from edge.rules.outcomes import OUTCOMES, split_off
from edge.rules.say import Feedback, Tone, Why, said
from edge.rules.table import OPENING, RULES, Outcome, Read
from edge.rules.tickets import meant, split_alarm
from edge.rules.turn import Answer, Turn

_NUMBER = re.compile(r"[0-9]{1,6}")
_WHY = {
    Misread.NOT_OURS: Why.NOT_OURS,
    Misread.CHECK: Why.CHECK_CHARACTER,
    Misread.UNKNOWN_CARD: Why.UNKNOWN_CARD,
}
_WITH_TICKET = frozenset(Card(read.name) for read in Read if read is not Read.TICKET)


def read(
    memory: Memory,
    desk: Desk,
    text: str,
    now: Reading,
    *,
    orders: Orders,
    next_ref: Ref,
    machines: Machines | None = None,
) -> Answer:
    """Answer one read of a scanner, ten-key pad or button.

    `next_ref` is the key the first event of the answer will get; those after it count on. Store memory and events in
    one transaction, then show the feedback. No feedback: the same text less than 3 s ago, or a ten-key pad's ENTER that
    confirms nothing; nothing to store but the memory.
    """
    turn = Turn(memory, desk, now, next_ref, machines=machines)
    if text == ENTER_ALONE:
        return turn.answer(cards.empty_enter(turn), _aimed(turn))
    text = text.strip()
    mark = blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    last = turn.hand.last
    turn.hand = replace(turn.hand, last=Held(mark, now))
    if last and last.text == mark and within(last.since, now, REREAD_MS) and not _is_digit(text):
        return turn.answer(None)
    before = cards.lapse(turn)
    feedback, label = _token(turn, text, orders)
    if before and before.tone is Tone.STOP:
        feedback = replace(feedback, tone=Tone.STOP, line2=before.line1)
    return turn.answer(feedback, label)


def tick(memory: Memory, desk: Desk, now: Reading) -> Answer | None:
    """Let what has waited 30 s in this scanner's hand lapse aloud. None if nothing does."""
    turn = Turn(memory, desk, now)
    feedback = cards.lapse(turn)
    return turn.answer(feedback) if feedback else None


def _token(turn: Turn, text: str, orders: Orders) -> tuple[Feedback, str]:
    """Return the feedback and what 元に戻す would call this read."""
    if _NUMBER.fullmatch(text):
        _drop_digits(turn)
        return cards.number(turn, int(text), text), _aimed(turn)
    try:
        code = parse(text)
    except CodeError as error:
        return turn.refuse(_WHY[error.reason], text), ""
    dropped = not _is_digits(code) and _drop_digits(turn)
    feedback, label = _code(turn, code, text, orders)
    if dropped:
        feedback = replace(feedback, tone=Tone.STOP, line2=say.refused(Why.DIGITS_LAPSED).line1)
    return feedback, label


def _code(turn: Turn, code: Code, text: str, orders: Orders) -> tuple[Feedback, str]:
    match code:
        case TicketCode():
            return _ticket(turn, code, text, orders)
        case CardCode():
            feedback = _card(turn, code, text)
            return feedback, "" if code.card is Card.CALL else _aimed(turn)
        case StationCode(station):
            return _station(turn, station, text), ""
        case BadgeCode(badge):
            turn.hand = replace(turn.hand, badge=Held(badge, turn.now))
            return said(Tone.NOTHING, Word("名札 {name}", "Badge"), say.THEN_TICKET, name=badge[:24]), ""


def _station(turn: Turn, station: str, text: str) -> Feedback:
    """Hold a machine for the next ticket."""
    if not turn.desk.has(station):
        return turn.refuse(Why.OTHER_STATION, text, station=station)
    turn.hand = replace(turn.hand, station=Held(station, turn.now))
    return said(Tone.NOTHING, Word("設備 {name}", "Machine"), say.THEN_TICKET, name=station[:24])


def _card(turn: Turn, code: CardCode, text: str) -> Feedback:
    match code.card:
        case Card.UNDO:
            return cards.undo(turn, text)
        case Card.ALL_GOOD:
            return cards.all_good(turn, text)
        case Card.PARTWAY:
            return cards.part_way(turn, text)
        case Card.CALL:
            return cards.call(turn, code.detail)
        case Card.ENTER:
            return cards.enter(turn, text)
        case Card.DIGIT if code.detail and len(code.detail) == 1 and code.detail.isdigit():
            return cards.digit(turn, code.detail, text)
        case card if card in _WITH_TICKET:
            return _hold(turn, code)
        case _:
            return turn.refuse(Why.UNKNOWN_CARD, text)


def _hold(turn: Turn, code: CardCode) -> Feedback:
    """Hold a card for the next ticket. A number now no longer counts what went before."""
    turn.hand = replace(turn.hand, pending=Pending(code.card.value, code.detail, turn.now), target=None)
    name, why = CARDS[code.card], say.reason(code.detail)
    return said(Tone.NOTHING, Word(f"{name.ja} {why.ja}", f"{name.en} {why.en}|{name.en}"), say.THEN_TICKET)


def _ticket(turn: Turn, code: TicketCode, text: str, orders: Orders) -> tuple[Feedback, str]:
    card = turn.hand.pending
    view = orders.by_ticket(code.ticket)
    if card and card.parent:
        blank = view is None and not any(session.ticket == code.ticket for session in turn.sessions.values())
        feedback = split_off(turn, code.ticket, text, blank=blank)
        alarm = split_alarm(orders.by_ticket(card.parent), card.parent)
        if alarm and feedback.tone is Tone.FINISH:
            feedback = replace(feedback, tone=Tone.STOP, line2=say.line(alarm))
        return feedback, code.ticket
    turn.hand = replace(turn.hand, target=None)
    chosen = Read[card.card] if card else Read.TICKET
    found = meant(turn, code, chosen, text, view)
    turn.hand = replace(turn.hand, pending=None, station=None, badge=None)
    outcome = RULES[found.found][chosen]
    if found.old and outcome in OPENING:
        outcome = Outcome.OLD_ISSUE
    feedback = OUTCOMES[outcome](turn, found, card)
    if found.alarm:  # said again at every read: who looks away at the first one must see it at the second
        again = feedback.tone is Tone.NOTHING
        feedback = replace(feedback, line2=say.line(found.alarm)) if again else replace(feedback, tone=Tone.STOP)
    return feedback, found.label


def _is_digit(text: str) -> bool:
    """Say whether a text is a digit card: in 100 the same one is meant twice, one read right after the other."""
    try:
        code = parse(text)
    except CodeError:
        return False
    return isinstance(code, CardCode) and code.card is Card.DIGIT


def _is_digits(code: Code) -> bool:
    return isinstance(code, CardCode) and code.card in (Card.DIGIT, Card.ENTER)


def _drop_digits(turn: Turn) -> bool:
    """Drop digit cards that were never ended; say whether there were any."""
    digits = turn.hand.digits
    if digits:
        turn.scan(Why.DIGITS_LAPSED, digits.text)
        turn.hand = replace(turn.hand, digits=None)
    return digits is not None


def _aimed(turn: Turn) -> str:
    return turn.hand.target.label if turn.hand.target else ""
