"""Pure scan rules: a read in; new memory, events and feedback out. No clock, file, socket or database."""

from edge.rules.desk import Desk, Heard, NoOrders, Orders
from edge.rules.memory import EMPTY, Memory, Phase, Session
from edge.rules.reading import read, tick
from edge.rules.say import Feedback, Tone, Why
from edge.rules.stored import UnreadableError, dump, load
from edge.rules.table import RULES, Found, Outcome, Read
from edge.rules.turn import Answer

__all__ = [
    "EMPTY",
    "RULES",
    "Answer",
    "Desk",
    "Feedback",
    "Found",
    "Heard",
    "Memory",
    "NoOrders",
    "Orders",
    "Outcome",
    "Phase",
    "Read",
    "Session",
    "Tone",
    "UnreadableError",
    "Why",
    "dump",
    "load",
    "read",
    "tick",
]
