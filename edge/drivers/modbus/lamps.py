"""How the lamps of a signal tower look, and what counts where several things speak at once. Pure.

Red, yellow and green by the custom of Japanese shops and IEC 60204-1 (10.3.2); shops differ, so it is a setting.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum

from broker.events import MachineState

COLOURS = ("red", "yellow", "green", "blue", "white")
STATE_BITS: Mapping[str, MachineState] = {
    state.value: state for state in MachineState if state is not MachineState.UNKNOWN
}
WINDOW_MS = 2_000
"""Two changes within it are flashing: towers flash once or twice a second."""
_FLASHING = 2

ORDER = (
    MachineState.ALARM,
    MachineState.RUNNING,
    MachineState.SETUP,
    MachineState.HOLD,
    MachineState.IDLE,
    MachineState.OFF,
    MachineState.UNKNOWN,
)
"""What counts where several speak at once: red first; green with yellow is a machine that runs and wants a hand."""


class Look(StrEnum):
    """How a lamp looks to whoever stands before it."""

    OFF = "off"
    LIT = "lit"
    FLASHING = "flashing"


class Lamp:
    """One lamp that is seen as on or off, a few times a second. How it looks is known once it has been watched."""

    def __init__(self) -> None:
        self._on: int | None = None
        self._changes: deque[int] = deque(maxlen=_FLASHING)
        self._since_ms = 0
        self._look: Look | None = None

    def see(self, on: int, mono_ms: int) -> Look | None:
        """Take what is seen now; return how it looks, None in its first 2 s. After one change it looks as before."""
        if self._on is None:
            self._since_ms = mono_ms
        elif on != self._on:
            self._changes.append(mono_ms)
            self._since_ms = mono_ms
        self._on = on
        if len(self._changes) == _FLASHING and mono_ms - self._changes[0] <= WINDOW_MS:
            self._look = Look.FLASHING
        elif mono_ms - self._since_ms >= WINDOW_MS:
            self._look = Look.LIT if on else Look.OFF
        return self._look


def look_of(number: int) -> Look:
    """Return how a lamp looks whose register says it. Source: PATLITE LA6-POE manual, p. 46: 0 off, 1 lit, 2 flashing.

    >>> [look_of(number).value for number in (0, 1, 2, 3)]
    ['off', 'lit', 'flashing', 'flashing']
    """
    return (Look.OFF, Look.LIT)[number] if number in (0, 1) else Look.FLASHING


def first_of(said: Iterable[tuple[MachineState, str]]) -> tuple[MachineState, str] | None:
    """Return the state that counts, with the words for it; None if nothing speaks.

    >>> first_of([(MachineState.HOLD, "yellow"), (MachineState.RUNNING, "green")])
    (<MachineState.RUNNING: 'running'>, 'green')
    """
    return min(said, key=lambda one: ORDER.index(one[0]), default=None)
