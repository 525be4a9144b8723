"""What the settings of everything that reads tickets or takes numbers hold: its stations, its line, what it is told.

Nothing here opens the line it names (see `edge.wire`).
"""

from broker.events import Id
from broker.settings import Settings
from edge.drivers.device import Place
from edge.drivers.readings import Parser
from edge.rules import Tone


class Reader(Settings):
    """A scanner or a ten-key pad. The first of `stations` is meant when no label was read."""

    id: Id
    stations: tuple[Id, ...] = ()
    beside: Id | None = None

    @property
    def desk(self) -> str:
        """Whose hand this is: a ten-key pad counts what the scanner beside it recorded."""
        return self.beside or self.id

    @property
    def read_seconds(self) -> float:
        """How long one read waits: shorter where a code may end by a pause."""
        return 0.5

    @property
    def place(self) -> Place:
        """Where it is heard."""
        raise NotImplementedError

    def parser(self) -> Parser:
        """Return its driver, set as these settings say."""
        raise NotImplementedError

    def sound(self, tone: Tone) -> bytes:
        """Return what makes it say so itself; empty if it cannot."""
        raise NotImplementedError
