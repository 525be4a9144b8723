"""Where facts and views go: each sink is a thread of the projector's process that follows its own cursor.

A sink reads the state, never writes it: what must be remembered it notes, and the projector writes that down.
"""

import threading
from dataclasses import dataclass, field
from typing import Protocol

from gateway.state import Refusal


class Sink(Protocol):
    """One place that facts or views go to. It may lag or fail for days without holding up the projector."""

    def run(self, stopping: threading.Event) -> None:
        """Write what is new until `stopping`; the body of a thread."""

    def wake(self) -> None:
        """Hear that the state has changed; returns at once."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What sinks want remembered."""

    cursors: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


class Notes:
    """Filled by sinks, emptied by the projector. `caught_up` is set while the state holds all that the ledger does."""

    def __init__(self) -> None:
        self.caught_up = threading.Event()
        self._guard = threading.Lock()
        self._noted = Noted()

    def cursor(self, name: str, value: int) -> None:
        """Remember how far a sink is, or another number it needs after a restart."""
        with self._guard:
            self._noted.cursors[name] = value

    def refuse(self, refusal: Refusal) -> None:
        """Set a point aside that its server will never take."""
        with self._guard:
            self._noted.refusals.append(refusal)

    def collect(self) -> Noted:
        """Return what was noted since the last time."""
        with self._guard:
            noted, self._noted = self._noted, Noted()
        return noted

    def give_back(self, noted: Noted) -> None:
        """Take back what could not be written down; newer notes win."""
        with self._guard:
            self._noted = Noted(noted.cursors | self._noted.cursors, noted.refusals + self._noted.refusals)
