"""What the agent's one working thread is told by the others: ports, the MQTT connection, signals."""

from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue

from broker.link import Delivery
from edge.drivers.readings import Reading


@dataclass(frozen=True, slots=True)
class Up:
    """The broker has accepted us and the subscriptions are made."""


@dataclass(frozen=True, slots=True)
class Down:
    """The connection ended or could not be made; one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scanner read something."""

    scanner: str
    text: str


@dataclass(frozen=True, slots=True)
class PortOpen:
    """A scanner can be read."""

    scanner: str


@dataclass(frozen=True, slots=True)
class PortLost:
    """A scanner cannot be read; one sentence that says what to do."""

    scanner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remarked:
    """Something is odd about a scanner; one sentence."""

    scanner: str
    why: str


@dataclass(frozen=True, slots=True)
class Sensed:
    """A machine said something."""

    machine: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class MachineFound:
    """A machine can be heard."""

    machine: str


@dataclass(frozen=True, slots=True)
class MachineLost:
    """A machine cannot be heard; one sentence that says what to do."""

    machine: str
    reason: str


@dataclass(frozen=True, slots=True)
class Typed:
    """One line of standard input (play); None at its end."""

    line: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody asked us to end."""


Item = (
    Up | Down | Delivery | Scanned | PortOpen | PortLost | Remarked | Sensed | MachineFound | MachineLost | Typed | Stop
)
Inbox = SimpleQueue[Item]


class ScansFirst(SimpleQueue[Item]):
    """An inbox in which what machines say waits for all else: eight that never stop talking are a second's work."""

    def __init__(self) -> None:
        self._scans, self._machines = deque[Item](), deque[Item]()

    def put(self, item: Item, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - its
        """See `SimpleQueue`."""
        (self._machines if isinstance(item, Sensed | MachineFound | MachineLost) else self._scans).append(item)
        super().put(item, block, timeout)  # it says how many there are, and wakes who waits

    def get(self, block: bool = True, timeout: float | None = None) -> Item:  # noqa: FBT001, FBT002 - its
        """See `SimpleQueue`; for one reader."""
        super().get(block, timeout)
        return (self._scans or self._machines).popleft()
