"""One read being answered: what it has recorded and changed so far. Local to a call, so that the rules stay pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from broker.clock import Reading
from broker.events import AnyEvent, ClockQuality, Correction, Ref, Scan
from edge.rules.ages import within
from edge.rules.desk import Desk, Machines, NoMachines
from edge.rules.memory import (
    CLOSED_LIMIT,
    DONE_LIMIT,
    HANDS_LIMIT,
    OPEN_LIMIT,
    Change,
    Done,
    Hand,
    Key,
    Memory,
    Session,
    Target,
    Written,
)
from edge.rules.say import Feedback, Why, refused

CLOSED_KEPT_MS = 3 * 24 * 3_600_000
_TEXT_BYTES = 4096


@dataclass(frozen=True)
class Answer:
    """What a read comes to: the memory to store with the events, in one transaction, and then the feedback.

    No feedback only for a re-read.
    """

    memory: Memory
    events: tuple[AnyEvent, ...]
    feedback: Feedback | None


class Turn:
    """Collects the events and changes of one read; `answer` makes the value of them."""

    def __init__(
        self, memory: Memory, desk: Desk, now: Reading, next_ref: Ref | None = None, *, machines: Machines | None = None
    ) -> None:
        self.desk, self.now = desk, now
        self.machines = machines or NoMachines()
        self.hand = memory.hands.get(desk.scanner, Hand())
        self.sessions: dict[Key, Session] = dict(memory.sessions)
        self.events: list[AnyEvent] = []
        self._hands = memory.hands
        self._next = next_ref
        self._target = self.hand.target
        self._refs: list[Ref] = []
        self._replaced: list[Written] = []
        self._changes: dict[Key, Change] = {}

    @property
    def given(self) -> bool:
        """Whether times are given by a file (play), so that no rule about ages applies."""
        return self.now.clock is ClockQuality.GIVEN

    @property
    def ref(self) -> Ref:
        """The key of the next event."""
        assert self._next, "a turn without a next key records only scans"
        return self._next.model_copy(update={"seq": self._next.seq + len(self.events)})

    def stamp(self, as_of: datetime | None = None) -> dict[str, Any]:
        """Return what every event carries."""
        now = self.now
        given = now.at if self.given else None
        return {"at": now.at, "mono_ms": now.mono_ms, "boot": now.boot, "clock": now.clock, "as_of": given or as_of}

    def record(self, event: AnyEvent) -> Written:
        """Record something that can be undone."""
        written = Written(self.ref, event)
        self.events.append(event)
        self._refs.append(written.ref)
        return written

    def void(self, ref: Ref, why: str) -> None:
        """Record that an event is void."""
        self.events.append(Correction(**self.stamp(), voids=ref, why=why))

    def void_for_another(self, written: Written, why: str) -> None:
        """Void an event that another one replaces in this turn; undoing the turn brings it back."""
        self.void(written.ref, why)
        self._replaced.append(written)

    def scan(self, why: Why, text: str, **fields: Any) -> None:
        """Record a read that changes nothing."""
        self.events.append(Scan(**self.stamp(), text=escaped(text), why=why.value, **fields))

    def refuse(self, why: Why, text: str, *, label: str = "", time: str = "", **fields: Any) -> Feedback:
        """Record a read that changes nothing, and say so."""
        self.scan(why, text, **fields)
        return refused(why, label=label, time=time)

    def put(self, session: Session) -> None:
        """Remember a session as the most recently touched."""
        self._change(session.key, session)

    def restore(self, change: Change) -> None:
        """Take a change back."""
        self._change(change.key, change.before)

    def _change(self, key: Key, after: Session | None) -> None:
        before = self.sessions.pop(key, None)
        if after:
            self.sessions[key] = after
        first = self._changes.get(key)
        self._changes[key] = Change(key, first.before if first else before, after)

    def aim(self, target: Target | None) -> None:
        """Say what a number would count from now on."""
        self.hand = replace(self.hand, target=target)

    def answer(self, feedback: Feedback | None, label: str = "") -> Answer:
        """Close the turn. What it recorded becomes the scan that 元に戻す would take back first."""
        if self._refs:
            done = Done(
                tuple(self._refs),
                tuple(self._replaced),
                tuple(self._changes.values()),
                self._target,
                label,
                self.now,
            )
            self.hand = replace(self.hand, done=(*self.hand.done, done)[-DONE_LIMIT:])
        return Answer(self._remembered(), tuple(self.events), feedback)

    def forget_undo(self) -> None:
        """Make this turn one that cannot itself be undone."""
        self._refs.clear()

    def _remembered(self) -> Memory:
        hands = {name: hand for name, hand in self._hands.items() if name != self.desk.scanner}
        hands[self.desk.scanner] = self.hand
        for name in list(hands)[:-HANDS_LIMIT]:
            del hands[name]
        return Memory(self._bounded(), hands)

    def _bounded(self) -> Mapping[Key, Session]:
        """Forget what was finished days ago, and beyond the limits what was touched longest ago."""
        kept = self.sessions.values()
        closed = [session for session in kept if not session.open]
        opened = [session for session in kept if session.open]
        old = {session.key for session in [*closed[:-CLOSED_LIMIT], *opened[:-OPEN_LIMIT]]}
        if not self.given:
            old |= {session.key for session in closed if not within(session.since, self.now, CLOSED_KEPT_MS)}
        return {key: session for key, session in self.sessions.items() if key not in old}


def escaped(text: str) -> str:
    r"""Return text that can be stored and shown: what does not print becomes `\x..`; at most 4096 bytes of UTF-8.

    >>> escaped("]C1\x1d01")
    ']C1\\x1d01'
    """
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:4096]
    )
    return safe.encode()[:_TEXT_BYTES].decode(errors="ignore")
