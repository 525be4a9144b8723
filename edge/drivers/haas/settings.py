"""The settings of a Haas control."""

from typing import Annotated, Literal

from pydantic import Field

from edge.drivers.device import Framing, WiredDevice
from edge.drivers.haas.parser import Parser


class Haas(WiredDevice):
    """A Haas control with Machine Data Collection (setting 143), by Ethernet or RS-232."""

    driver: Literal["haas"]
    framing: Framing = "7E1"
    poll_seconds: Annotated[float, Field(ge=1, le=60)] = 2.0
    parts: Literal["Q402", "Q403", "Q500"] = "Q402"
    ask_mode: bool = True

    def parser(self) -> Parser:
        """See `Device`."""
        return Parser(poll_ms=int(self.poll_seconds * 1000), parts=self.parts, ask_mode=self.ask_mode)
