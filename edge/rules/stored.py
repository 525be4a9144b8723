"""The scan memory as bytes: what the outbox stores with every scan, in the same transaction."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from broker.clock import Reading
from broker.events import ClockQuality, Ref, decode, encode
from edge.rules.memory import (
    CLOSED_LIMIT,
    EMPTY,
    OPEN_LIMIT,
    Change,
    Done,
    Hand,
    Held,
    Memory,
    Pending,
    Phase,
    Session,
    Target,
    Written,
)


class UnreadableError(ValueError):
    """The bytes are no memory of this version; the agent then begins with EMPTY and says so."""


_VERSION = 1


def dump(memory: Memory) -> bytes:
    """Return the memory as compact JSON."""
    sessions = ",".join(map(_session_text, memory.sessions.values()))
    hands = ",".join(f"{_text(name)}:{_hand_text(name, hand)}" for name, hand in memory.hands.items())
    return f'{{"v":{_VERSION},"sessions":[{sessions}],"hands":{{{hands}}}}}'.encode()


def load(data: bytes) -> Memory:
    """Read what `dump` wrote. Raises UnreadableError for anything else; empty bytes are EMPTY."""
    if not data:
        return EMPTY
    try:
        parts = json.loads(data)
        version = parts["v"]
        sessions = [_session_in(item) for item in parts["sessions"]] if version == _VERSION else []
        hands = {name: _hand_in(item) for name, item in parts["hands"].items()} if version == _VERSION else {}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise UnreadableError(f"the scan memory cannot be read: {error}") from None
    if version != _VERSION:
        raise UnreadableError(f"the scan memory is of version {version!r}, this program reads {_VERSION}")
    return Memory({session.key: session for session in sessions}, hands)


def _text(parts: Any) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


_HAND_TEXTS: dict[str, tuple[Hand, str]] = {}
"""By scanner: its hand as last written. A scan changes one hand, and its undo history is the longest part."""


def _hand_text(name: str, hand: Hand) -> str:
    kept = _HAND_TEXTS.get(name)
    if kept is None or kept[0] is not hand:
        kept = _HAND_TEXTS[name] = hand, _text(_hand_out(hand))
    return kept[1]


@lru_cache(maxsize=2 * (OPEN_LIMIT + CLOSED_LIMIT))
def _session_text(session: Session) -> str:
    """Return one session as JSON; a scan changes one or two, so the others' texts are kept."""
    return _text(_session_out(session))


def _reading_out(reading: Reading) -> list[Any]:
    return [reading.at.isoformat(), reading.mono_ms, reading.boot, reading.clock.value]


def _reading_in(item: list[Any]) -> Reading:
    return Reading(datetime.fromisoformat(item[0]), item[1], item[2], ClockQuality(item[3]))


def _ref_out(ref: Ref | None) -> list[Any] | None:
    return [ref.author, ref.epoch, ref.seq] if ref else None


def _ref_in(item: list[Any]) -> Ref:
    return Ref(author=item[0], epoch=item[1], seq=item[2])


def _session_out(session: Session | None) -> list[Any] | None:
    if session is None:
        return None
    return [
        session.ticket,
        session.operation,
        session.station,
        session.phase.value,
        _ref_out(session.opening),
        _reading_out(session.since),
        session.label,
        session.reason,
        session.reported,
    ]


def _session_in(item: list[Any]) -> Session:
    ticket, operation, station, phase, opening, since, label, reason, reported = item
    return Session(
        ticket,
        operation,
        station,
        Phase(phase),
        _ref_in(opening) if opening else None,
        _reading_in(since),
        label,
        reason,
        reported,
    )


def _held_out(held: Held | None) -> list[Any] | None:
    return [held.text, _reading_out(held.since)] if held else None


def _held_in(item: list[Any] | None) -> Held | None:
    return Held(item[0], _reading_in(item[1])) if item else None


def _pending_out(pending: Pending | None) -> list[Any] | None:
    if pending is None:
        return None
    return [pending.card, pending.detail, _reading_out(pending.since), pending.parent, pending.handover]


def _pending_in(item: list[Any] | None) -> Pending | None:
    return Pending(item[0], item[1], _reading_in(item[2]), item[3], item[4]) if item else None


def _written_out(written: Written | None) -> list[Any] | None:
    return [_ref_out(written.ref), encode(written.event).decode()] if written else None


def _written_in(item: list[Any]) -> Written:
    return Written(_ref_in(item[0]), decode(item[1].encode()))


def _target_out(target: Target | None) -> list[Any] | None:
    if target is None:
        return None
    return [
        encode(target.event).decode(),
        target.slot,
        target.label,
        _reading_out(target.since),
        _written_out(target.carrier),
        _written_out(target.finish),
        target.remaining,
        target.offered.isoformat() if target.offered else None,
        _written_out(target.paused),
    ]


def _target_in(item: list[Any] | None) -> Target | None:
    if item is None:
        return None
    event, slot, label, since, carrier, finish, remaining, *offer = item
    offered, paused = offer or (None, None)  # a memory of before there were offers has none
    return Target(
        decode(event.encode()),
        slot,
        label,
        _reading_in(since),
        _written_in(carrier) if carrier else None,
        _written_in(finish) if finish else None,
        remaining,
        datetime.fromisoformat(offered) if offered else None,
        _written_in(paused) if paused else None,
    )


def _done_out(done: Done) -> list[Any]:
    return [
        [_ref_out(ref) for ref in done.refs],
        [_written_out(written) for written in done.replaced],
        [[*change.key, _session_out(change.before), _session_out(change.after)] for change in done.changes],
        _target_out(done.target),
        done.label,
        _reading_out(done.at),
    ]


def _done_in(item: list[Any]) -> Done:
    refs, replaced, changes, target, label, at = item
    return Done(
        tuple(_ref_in(ref) for ref in refs),
        tuple(_written_in(written) for written in replaced),
        tuple(
            Change(
                (ticket, operation, station),
                _session_in(before) if before else None,
                _session_in(after) if after else None,
            )
            for ticket, operation, station, before, after in changes
        ),
        _target_in(target),
        label,
        _reading_in(at),
    )


def _hand_out(hand: Hand) -> list[Any]:
    return [
        _pending_out(hand.pending),
        _held_out(hand.station),
        _held_out(hand.badge),
        _held_out(hand.digits),
        _held_out(hand.last),
        _target_out(hand.target),
        [_done_out(done) for done in hand.done],
    ]


def _hand_in(item: list[Any]) -> Hand:
    pending, station, badge, digits, last, target, done = item
    return Hand(
        _pending_in(pending),
        _held_in(station),
        _held_in(badge),
        _held_in(digits),
        _held_in(last),
        _target_in(target),
        tuple(_done_in(entry) for entry in done),
    )
