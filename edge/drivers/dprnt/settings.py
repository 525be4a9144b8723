"""The settings of a control that prints records by DPRNT."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from edge.drivers.device import WiredDevice
from edge.drivers.dprnt.parser import SILENT_MS, Parser


class Dprnt(WiredDevice):
    """A control whose part program prints our record. `silent_seconds`: longer than its longest cycle."""

    answers: ClassVar[bool] = False

    driver: Literal["dprnt"]
    silent_seconds: Annotated[float, Field(ge=10, le=7 * 86_400)] = SILENT_MS / 1000

    def parser(self) -> Parser:
        """See `Device`."""
        return Parser(int(self.silent_seconds * 1000))
