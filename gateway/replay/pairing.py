"""A history of events to its sessions: which start, pauses and finish belong together, machine by machine. Pure.

As at a bench: a pause waits for its resume at the same machine, and 着手 on what is paused takes it up again. Work
that is resumed at another machine ended at the first one then, out of the pause.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.replay.rows import Counts, LeftOut, Pause, Row

_NOTHING: Counts = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `what` is a key of the mapping's `[events]`; `setup`: it begins set-up."""

    at: datetime
    line: int
    what: str
    order: str
    operation: str
    resource: str
    counts: Counts
    part: str
    setup: bool


@dataclass(slots=True, eq=False)
class _Going:
    """One session under way; `pause` is the line that interrupts it now."""

    began: Event
    pauses: list[Pause] = field(default_factory=list)
    pause: Event | None = None
    resumed: Event | None = None
    """The line that took it up again last."""

    def resume(self, event: Event) -> None:
        self._end_pause(event.at, resumed=True)
        self.resumed = event

    def ended(self, at: datetime, counts: Counts, *, part: str = "", moved: bool = False) -> Row:
        """Return it as a row that is finished then, be it straight out of a pause."""
        self._end_pause(at, resumed=False)
        return self._row(at, counts, part=part, moved=moved)

    def left_paused(self) -> Row | None:
        """Return it as a row that stays in its last pause; None if it has none."""
        if self.pause is not None:
            return self._row(self.pause.at, self.pause.counts, part=self.pause.part, paused=True)
        if not self.pauses:
            return None
        last = self.pauses.pop()
        return self._row(last.start, last.counts, paused=True)

    def _end_pause(self, at: datetime, *, resumed: bool) -> None:
        if self.pause is not None:
            self.pauses.append(Pause(self.pause.at, at, self.pause.counts, resumed))
            self.pause = None

    def _row(self, end: datetime, counts: Counts, *, part: str = "", paused: bool = False, moved: bool = False) -> Row:
        began, (good, scrap, hold) = self.began, counts
        return Row(
            *(began.at, end, began.line, began.order, began.operation, began.resource),
            *((good or 0) if began.setup and not paused else good, scrap, hold),
            part=began.part or part,
            setup=began.setup,
            pauses=tuple(self.pauses),
            paused=paused,
            moved=moved,
        )


def paired(events: Iterable[Event], *, resumes: bool) -> tuple[list[Row], list[LeftOut]]:
    """Return the sessions of all events, in whatever order they come, and the lines that belong to none.

    `resumes`: the history has a word for resuming; else a start at another machine may mean that as well.
    """
    pairing = _Pairing(resumes=resumes)
    for event in sorted(events, key=lambda one: (one.at, one.line)):
        pairing.take(event)
    return pairing.finished()


def without_pauses(event: Event) -> Event:
    """Return an event of a history whose pauses end its rows, as finishes with no piece more than they say.

    So were all histories read before pauses were played; a replay begun then goes on like this.
    """
    if event.what == "pause":
        return replace(event, what="finish", counts=(event.counts[0] or 0, *event.counts[1:]))
    return replace(event, what="start") if event.what == "resume" else event


class _Pairing:
    """What is under way of every order and operation, while the events go by in order of time."""

    def __init__(self, *, resumes: bool) -> None:
        self._resumes = resumes
        self._under_way: dict[tuple[str, str], list[_Going]] = {}
        self._rows: list[Row] = []
        self._left_out: list[LeftOut] = []

    def take(self, event: Event) -> None:
        """Take the next event."""
        going = self._under_way.setdefault((event.order, event.operation), [])
        if event.what in ("pause", "finish"):
            self._ends(event, going)
        else:
            self._begins(event, going)

    def finished(self) -> tuple[list[Row], list[LeftOut]]:
        """Return what came of it. What nobody finished is left out, but for what stands paused."""
        for one in (one for going in self._under_way.values() for one in going):
            opened = one.resumed or one.began
            if one.pause is None:
                self._left_out.append(LeftOut(opened.line, "unfinished"))
            if (row := one.left_paused()) is not None:
                self._rows.append(row)
        return self._rows, self._left_out

    def _begins(self, event: Event, going: list[_Going]) -> None:
        here = [one for one in going if one.began.resource == event.resource]
        if event.what != "setup":
            if set_up := _set_up(event, here):  # what is set up, then runs
                self._end(set_up, going, event.at)
                here.remove(set_up)
            if paused := self._resumed(event, here, going):
                if paused in here:
                    paused.resume(event)
                    return
                self._end(paused, going, event.at, moved=True)
            elif event.what == "resume" and any(one.pause is None for one in here):
                self._left_out.append(LeftOut(event.line, "resume_running"))
                return
        going.append(_Going(event))

    def _resumed(self, event: Event, here: list[_Going], going: list[_Going]) -> _Going | None:
        """Return the paused session that a start or resume goes on with: one here, else the only one elsewhere."""
        paused = [one for one in going if one.pause is not None]
        if found := next((one for one in here if one.pause is not None), None):
            return found
        elsewhere = event.what == "resume" or not self._resumes
        return paused[0] if elsewhere and len(paused) == 1 else None

    def _ends(self, event: Event, going: list[_Going]) -> None:
        here = [one for one in going if one.began.resource == event.resource]
        found = next((one for one in here if one.pause is None), None)
        if found is None and here:
            found = here[0]
        if found is None and len(going) == 1:
            found = going[0]
        if event.what == "finish":
            if found is None:
                self._left_out.append(LeftOut(event.line, "unstarted"))
            else:
                going.remove(found)
                self._rows.append(found.ended(event.at, event.counts, part=event.part))
        elif found is None:
            self._left_out.append(LeftOut(event.line, "pause_unstarted"))
        elif found.pause is not None:
            self._left_out.append(LeftOut(event.line, "pause_again"))
        else:
            found.pause = event

    def _end(self, one: _Going, going: list[_Going], at: datetime, *, moved: bool = False) -> None:
        going.remove(one)
        self._rows.append(one.ended(at, _NOTHING, moved=moved))


def _set_up(event: Event, here: list[_Going]) -> _Going | None:
    """Return the set-up that a start or resume here ends; a paused one goes on with a resume, and ends with a start."""
    awake = [one for one in here if one.pause is None]
    found = awake[:1] or [one for one in here if event.what == "start"]
    return next((one for one in found if one.began.what == "setup"), None)
