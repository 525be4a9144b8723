"""Values that a device publishes: what is a word, a number, a count, and which words everybody uses for states."""

import re
from collections.abc import Mapping

from broker.events import MachineState

Scalar = str | int | float | bool

WORDS: Mapping[str, MachineState] = {state.value: state for state in MachineState} | {
    "on": MachineState.RUNNING,
    "true": MachineState.RUNNING,
    "1": MachineState.RUNNING,
    "false": MachineState.IDLE,
    "0": MachineState.IDLE,
}
"""What a state is called when the settings do not say otherwise. `off` is 電源断: say `OFF = "idle"` if it is not."""

_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_WHOLE_MOST = 10**15
"""Beyond, a number of JSON is no longer exact in every language that might have written it."""


def word(value: Scalar) -> str:
    """Return a value as a word to look up: small letters, true and false, 1.0 as 1.

    >>> [word(True), word(1.0), word(" ON ")]
    ['true', '1', 'on']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE_MOST:
        value = int(value)
    return str(value).strip().casefold()


def number(value: Scalar) -> float:
    """Return a number. Raises ValueError for what is none: text that only begins like one, too large, true, NaN."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool | str) or not -_WHOLE_MOST <= value <= _WHOLE_MOST:  # NaN, too, is not
        raise ValueError("no number")
    return float(value)


def whole(value: Scalar) -> int:
    """Return a whole number of 0 or more. Raises ValueError for what is none."""
    found = number(value)
    if found < 0 or not found.is_integer():
        raise ValueError("no count")
    return int(found)
