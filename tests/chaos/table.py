"""The faults that are played, by their number in the table of what Mawashi survives."""

from tests.chaos import killed
from tests.chaos.fault import Fault

FAULTS: dict[str, Fault] = {
    "F1": Fault("kill -9 of the edge", killed.edge),
    "F2": Fault("kill -9 of the gateway", killed.gateway),
    "F3": Fault("broker killed and wiped", killed.broker),
    "F23": Fault("mains cut every evening", killed.mains),
}
"""Written by hand; a test says that none of F1 to F26 is left out unsaid."""

ALL = tuple(f"F{n}" for n in range(1, 27))
