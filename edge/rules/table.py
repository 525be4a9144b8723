"""The rules as a table: what a scan found, what was read, what comes of it. The reference is drawn from it.

How old is "just", and when a shift is "earlier", is in `edge.rules.ages`; what an outcome does is in
`edge.rules.outcomes`.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Found(Enum):
    """How the scan found the session it means."""

    NONE = auto()
    SETUP = auto()
    JUST_STARTED = auto()
    RUNNING = auto()
    EARLIER_SHIFT = auto()
    PAUSED = auto()
    JUST_FINISHED = auto()
    FINISHED = auto()
    TWO_OPEN = auto()


class Read(Enum):
    """A ticket alone, or after a card."""

    TICKET = auto()
    START = auto()
    FINISH = auto()
    SETUP = auto()
    PAUSE = auto()
    RESUME = auto()
    NONWORK = auto()
    SCRAP = auto()
    REWORK = auto()
    HOLD = auto()
    SPLIT = auto()
    SHIP = auto()
    RECEIVE = auto()


class Outcome(Enum):
    """What is recorded and said."""

    START = auto()
    CONTINUE = auto()
    SETUP = auto()
    SETUP_AFTER_SHIFT = auto()
    FINISH = auto()
    FINISH_AFTER_SHIFT = auto()
    FINISH_UNSTARTED = auto()
    PAUSE = auto()
    PAUSE_AT_SHIFT_END = auto()
    PAUSE_AGAIN = auto()
    REPORT = auto()
    SPLIT = auto()
    SHIP = auto()
    RECEIVE = auto()
    ALREADY_STARTED = auto()
    ALREADY_SETUP = auto()
    ALREADY_FINISHED = auto()
    NOT_STARTED = auto()
    ASK_STATION = auto()
    OLD_ISSUE = auto()


_ANY: dict[Read, Outcome] = {
    Read.SPLIT: Outcome.SPLIT,
    Read.SHIP: Outcome.SHIP,
    Read.RECEIVE: Outcome.RECEIVE,
    Read.SCRAP: Outcome.REPORT,
    Read.REWORK: Outcome.REPORT,
    Read.HOLD: Outcome.REPORT,
}

RULES: Mapping[Found, Mapping[Read, Outcome]] = {
    Found.NONE: _ANY
    | {
        Read.TICKET: Outcome.START,
        Read.START: Outcome.START,
        Read.RESUME: Outcome.START,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.FINISH_UNSTARTED,
        Read.PAUSE: Outcome.NOT_STARTED,
        Read.NONWORK: Outcome.NOT_STARTED,
    },
    Found.SETUP: _ANY
    | {
        Read.TICKET: Outcome.START,
        Read.START: Outcome.START,
        Read.RESUME: Outcome.START,
        Read.SETUP: Outcome.ALREADY_SETUP,
        Read.FINISH: Outcome.FINISH,
        Read.PAUSE: Outcome.PAUSE,
        Read.NONWORK: Outcome.PAUSE,
    },
    Found.JUST_STARTED: _ANY
    | {
        Read.TICKET: Outcome.ALREADY_STARTED,
        Read.START: Outcome.ALREADY_STARTED,
        Read.RESUME: Outcome.ALREADY_STARTED,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.FINISH,
        Read.PAUSE: Outcome.PAUSE,
        Read.NONWORK: Outcome.PAUSE,
    },
    Found.RUNNING: _ANY
    | {
        Read.TICKET: Outcome.FINISH,
        Read.START: Outcome.ALREADY_STARTED,
        Read.RESUME: Outcome.ALREADY_STARTED,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.FINISH,
        Read.PAUSE: Outcome.PAUSE,
        Read.NONWORK: Outcome.PAUSE,
    },
    Found.EARLIER_SHIFT: _ANY
    | {
        Read.TICKET: Outcome.CONTINUE,
        Read.START: Outcome.CONTINUE,
        Read.RESUME: Outcome.CONTINUE,
        Read.SETUP: Outcome.SETUP_AFTER_SHIFT,
        Read.FINISH: Outcome.FINISH_AFTER_SHIFT,
        Read.PAUSE: Outcome.PAUSE_AT_SHIFT_END,
        Read.NONWORK: Outcome.PAUSE_AT_SHIFT_END,
    },
    Found.PAUSED: _ANY
    | {
        Read.TICKET: Outcome.START,
        Read.START: Outcome.START,
        Read.RESUME: Outcome.START,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.FINISH,
        Read.PAUSE: Outcome.PAUSE_AGAIN,
        Read.NONWORK: Outcome.PAUSE_AGAIN,
    },
    Found.JUST_FINISHED: _ANY
    | {
        Read.TICKET: Outcome.ALREADY_FINISHED,
        Read.START: Outcome.START,
        Read.RESUME: Outcome.START,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.ALREADY_FINISHED,
        Read.PAUSE: Outcome.ALREADY_FINISHED,
        Read.NONWORK: Outcome.ALREADY_FINISHED,
    },
    Found.FINISHED: _ANY
    | {
        Read.TICKET: Outcome.START,
        Read.START: Outcome.START,
        Read.RESUME: Outcome.START,
        Read.SETUP: Outcome.SETUP,
        Read.FINISH: Outcome.ALREADY_FINISHED,
        Read.PAUSE: Outcome.NOT_STARTED,
        Read.NONWORK: Outcome.NOT_STARTED,
    },
    Found.TWO_OPEN: dict.fromkeys(Read, Outcome.ASK_STATION)
    | {read: _ANY[read] for read in (Read.SPLIT, Read.SHIP, Read.RECEIVE)},
}

OPENING = frozenset({Outcome.START, Outcome.CONTINUE, Outcome.SETUP, Outcome.SETUP_AFTER_SHIFT})
"""What an old issue of a ticket may not do: it gets OLD_ISSUE instead. What is under way on it can still be ended."""
