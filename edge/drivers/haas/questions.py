"""The questions that may be asked of a Haas control, the names its answers go by, and which one is due.

Everything that is ever sent to a control stands in this table. `?E` writes variables: it is not here and never will be.
Source: Haas, Next Generation Control, Machine Data Collection (Q commands); MTConnect.NET, HaasDataSource.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Code = Literal["Q100", "Q104", "Q402", "Q403", "Q500"]

NAMES: Mapping[Code, tuple[str, ...]] = {
    "Q100": ("SERIAL NUMBER",),
    "Q104": ("MODE",),
    "Q402": ("M30 #1",),
    "Q403": ("M30 #2",),
    "Q500": ("PROGRAM", "STATUS"),
}
WAKING: Code = "Q100"
"""Asked after connecting, twice if need be: a control may not hear its first question."""
STATE: Code = "Q500"

TIMEOUT_MS = 3_000
MISSED_MOST = 3
"""So many unanswered questions since the state was last told, and what the machine does is unknown."""
REFUSALS_MOST = 2
"""`UNKNOWN` names no question and may be meant for another client: only the second is believed."""
RARELY_MS = 60_000
"""How soon a question is asked again that was not answered."""


def sent(code: Code) -> bytes:
    """Return a question as it goes to the control. Programs that work end theirs by LF, CR or both: we send both."""
    return f"?{code}\r\n".encode()


@dataclass(slots=True)
class _Plan:
    due_ms: int = 0
    is_known: bool = False
    """Whether it was ever answered on this connection: then an `UNKNOWN` is somebody else's."""
    refusals: int = 0


class Questions:
    """One question is open at a time; its answer is known by its name, since other clients' answers come here too."""

    def __init__(self, codes: Iterable[Code], poll_ms: int) -> None:
        self._codes = (*codes, STATE)
        self._poll_ms = poll_ms
        self._plans: dict[Code, _Plan] = {}
        self._open: Code | None = None
        self._asked_ms = 0
        self._wakings = 0
        self.missed = 0
        """Questions without an answer since the state was last told."""

    def begin(self) -> None:
        """Say that the connection was made: wake the control, then ask everything."""
        self._plans = {code: _Plan() for code in self._codes}
        self._open, self._wakings, self.missed = None, 2, 0

    def next(self, mono_ms: int) -> bytes:
        """Return the question to send now; empty: none."""
        if self._open is not None:
            return b""
        if self._wakings:
            self._wakings -= 1
            return self._ask(WAKING, mono_ms)
        for code, plan in self._plans.items():
            if mono_ms >= plan.due_ms and not self._is_refused(code):
                plan.due_ms = mono_ms + (RARELY_MS if plan.refusals >= REFUSALS_MOST else self._poll_ms)
                return self._ask(code, mono_ms)
        return b""

    def answered(self, name: str) -> None:
        """Take an answer's name, whoever asked for it."""
        for code, plan in self._plans.items():
            if name in NAMES[code]:
                plan.is_known, plan.refusals = True, 0
                if code == STATE:
                    self._state_told()
        if self._open is not None and name in NAMES[self._open]:
            self._open, self._wakings = None, 0

    def refused(self) -> None:
        """Take an `UNKNOWN`."""
        if self._open == WAKING:
            self._open, self._wakings = None, 0
        elif self._open is not None and not self._plans[self._open].is_known:
            self._plans[self._open].refusals += 1
            self._open = None

    def given_up(self, mono_ms: int) -> Code | None:
        """Return the question that is waited for no longer, from now on; None if none is."""
        late = self._open
        if late is None or mono_ms - self._asked_ms < TIMEOUT_MS:
            return None
        self._open = None
        if late != WAKING:
            self.missed += 1
        if late in self._plans and late != STATE:
            self._plans[late].due_ms = mono_ms + RARELY_MS
        return late

    def is_asked(self, code: Code) -> bool:
        """Whether this question is asked at all: not in a recording, and not of a control that does not know it."""
        return code in self._plans and not self._is_refused(code)

    def _ask(self, code: Code, mono_ms: int) -> bytes:
        self._open, self._asked_ms = code, mono_ms
        return sent(code)

    def _state_told(self) -> None:
        if self.missed >= MISSED_MOST:  # it is back: everything is asked at once
            for plan in self._plans.values():
                plan.due_ms = 0
        self.missed = 0

    def _is_refused(self, code: Code) -> bool:
        """Whether the control does not know it. The state is asked for all the same, rarely."""
        return code != STATE and self._plans[code].refusals >= REFUSALS_MOST
