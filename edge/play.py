"""Playing a shop's history through the very same rules, outbox and uplink; its times are given, not read off a clock.

Which reads a row of history becomes is not decided here: they come as JSON Lines.
"""

import json
import sys
import threading
from dataclasses import dataclass, replace
from datetime import UTC
from queue import Empty, SimpleQueue
from typing import Any, TextIO

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from broker.clock import Reading
from broker.events import AnyEvent, ClockQuality, sentence
from edge.inbox import Inbox, Typed
from edge.log import Log
from edge.outbox import RefusedError
from edge.rules import Desk, Feedback, Memory, read
from edge.settings import Edge
from edge.store import Store

SCANNER = "play"
_GROUP_LINES = 100
"""Lines in one transaction: more gain nothing (evidence: 100 rows a commit), fewer cost one fsync each."""
_WAITING_MAX = 20_000
"""More unsent events than this and reading stops until the server has caught up."""
_NOTE = "played"


class PlayError(Exception):
    """The input or the disk ended the play; one sentence. What was answered is recorded."""


class Line(BaseModel):
    """One moment of history: what was read then, in order, at one scanner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    at: AwareDatetime
    reads: tuple[str, ...]


@dataclass(slots=True)
class _Group:
    """What the next transaction will hold."""

    read_at: Reading
    memory: Memory
    events: list[AnyEvent]
    answers: list[dict[str, Any]]
    last: int


def play(settings: Edge, *, log: Log, lines: TextIO | None = None, out: TextIO | None = None) -> None:
    """Play `lines` (standard input) and answer each on `out` once it is on disk; return when all is confirmed.

    The first answer says after which line to resume. Raises PlayError.
    """
    inbox: Inbox = SimpleQueue()
    store = Store(settings, inbox=inbox, log=log)
    try:
        _Player(settings, store, inbox, out or sys.stdout).play(lines or sys.stdin)
    finally:
        store.close()


class _Player:
    def __init__(self, settings: Edge, store: Store, inbox: Inbox, out: TextIO) -> None:
        self._store, self._inbox, self._out = store, inbox, out
        self._desk: Desk = settings.desk(SCANNER, ())
        self._room = threading.Semaphore(2 * _GROUP_LINES)
        self._resume_after = int(store.outbox.note(_NOTE) or b"0")
        self._accepted = 0
        self._at_end = False
        self._owed = 0

    def play(self, lines: TextIO) -> None:
        """Take lines while they come, work between them, and wait at the end."""
        self._print({"resume_after": self._resume_after})
        self._store.uplink.start()
        threading.Thread(target=self._read, args=(lines,), name="input", daemon=True).start()
        while not (self._at_end and self._store.uplink.sending.waiting == 0):
            self._group()
            self._store.work()
        self._print({"accepted": self._accepted, "receipted": self._accepted})

    def _read(self, lines: TextIO) -> None:
        """Hand over standard input; its own thread, because reading it may block for as long as it likes."""
        for line in lines:
            self._room.acquire()
            self._inbox.put(Typed(line))
        self._inbox.put(Typed(None))

    def _group(self) -> None:
        """Take what is there, up to one transaction of lines, and whatever the link says meanwhile."""
        group = _Group(self._store.clock.read(), self._store.memory, [], [], self._resume_after)
        wait = min(1.0, self._store.uplink.due_seconds() + 0.001)
        for _ in range(_GROUP_LINES):
            try:
                item = self._inbox.get(timeout=wait)
            except Empty:
                break
            wait = 0.0
            if not isinstance(item, Typed):
                self._store.take(item)
            elif item.line is None:
                self._at_end = True
            else:
                self._play_line(item.line, group)
                self._owed += 1
        if group.answers:
            self._commit(group)
        if self._owed and self._store.uplink.sending.waiting <= _WAITING_MAX:
            self._room.release(self._owed)
            self._owed = 0

    def _play_line(self, text: str, group: _Group) -> None:
        """Put one line's reads through the rules, as if they had been scanned at its time."""
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            self._commit(group)
            raise PlayError(f"line after {group.last}: {sentence(error)}. Mend it and run this again") from None
        if line.n <= group.last:
            return
        now = replace(group.read_at, at=line.at.astimezone(UTC), clock=ClockQuality.GIVEN)
        first = self._store.outbox.next_ref
        feedback: Feedback | None = None
        before = len(group.events)
        for text_read in line.reads:
            answer = read(
                group.memory,
                self._desk,
                text_read,
                now,
                orders=self._store,
                next_ref=first.model_copy(update={"seq": first.seq + len(group.events)}),
            )
            group.memory = answer.memory
            group.events.extend(answer.events)
            feedback = answer.feedback or feedback
        group.last = line.n
        group.answers.append(
            {
                "n": line.n,
                "events": len(group.events) - before,
                "tone": feedback.tone.value if feedback else None,
                "line1": feedback.line1 if feedback else "",
                "line2": feedback.line2 if feedback else "",
            }
        )

    def _commit(self, group: _Group) -> None:
        """Store the group and the number of its last line in one transaction; only then answer."""
        try:
            self._store.accept(group.memory, group.events, group.read_at, **{_NOTE: b"%d" % group.last})
        except RefusedError as error:
            raise PlayError(f"{error}, then run this again: it goes on after line {self._resume_after}") from None
        self._resume_after = group.last
        self._accepted += len(group.events)
        for answer in group.answers:
            self._print(answer)

    def _print(self, answer: dict[str, Any]) -> None:
        self._out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        self._out.flush()
