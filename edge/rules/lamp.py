"""What a lamp beside a scanner shows for each answer: which output, for how long, how often. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from edge.rules.say import Tone


class Output(StrEnum):
    """What a lamp has: a green, a yellow or blue, and a red one, with which a buzzer may go."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


Step = tuple[Output | None, int]
"""What is on (None: nothing), and for how many milliseconds."""

PATTERNS: Mapping[Tone, tuple[Step, ...]] = {
    Tone.START: ((Output.OK, 500),),
    Tone.FINISH: ((Output.OK, 200), (None, 150), (Output.OK, 200)),
    Tone.NOTHING: ((Output.WARNING, 500),),
    Tone.STOP: ((Output.ERROR, 300), (None, 150), (Output.ERROR, 300), (None, 150), (Output.ERROR, 800)),
}
"""Told apart by how often it blinks, too: not everybody sees the colours. It is dark again at the end."""
