"""The settings of a scanner in serial or USB-COM mode."""

from typing import Annotated, Literal

from pydantic import Field

from broker.events import Id
from edge.drivers.device import Framing, Serial, SerialPort
from edge.drivers.reader import Reader
from edge.drivers.readings import Parser as AnyParser
from edge.drivers.scanner import ssi
from edge.drivers.scanner.feedback import MODELS, Model
from edge.drivers.scanner.parser import Parser, Setup
from edge.rules import Tone


class Scanner(Reader):
    """One serial or USB-COM scanner and the stations it serves; the first is meant when no label was read."""

    driver: Literal["serial"] = "serial"
    port: SerialPort
    stations: Annotated[tuple[Id, ...], Field(min_length=1)]
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    framing: Framing = "8N1"
    xonxoff: bool = False
    aim_id: bool = False
    idle_end: bool = False
    ack_nak: bool = False
    feedback: Model = Model.NONE

    @property
    def read_seconds(self) -> float:
        """Half of what ends a frame that has no suffix, and soon enough for what might have begun a packet."""
        return 0.04 if self.idle_end or self.feedback is Model.ZEBRA_SSI else super().read_seconds

    @property
    def place(self) -> Serial:
        return Serial(self.port, self.baud, self.framing, self.xonxoff)

    def parser(self) -> AnyParser:
        """See `Reader`."""
        setup = Setup(aim_id=self.aim_id, idle_end=self.idle_end, ack_nak=self.ack_nak)
        return ssi.Parser(setup) if self.feedback is Model.ZEBRA_SSI else Parser(setup)

    def sound(self, tone: Tone) -> bytes:
        """See `Reader`."""
        return MODELS[self.feedback][tone]
