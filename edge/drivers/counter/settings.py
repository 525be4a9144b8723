"""The settings of a pulse counter."""

from typing import Annotated, Literal

from pydantic import Field

from edge.drivers.counter.parser import Parser
from edge.drivers.device import WiredDevice


class Counter(WiredDevice):
    """A pulse counter. With `cycle_seconds`, a machine's usual cycle, it also tells running from standing still."""

    driver: Literal["counter"]
    cycle_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None

    def parser(self) -> Parser:
        """See `Device`."""
        return Parser(int(self.cycle_seconds * 1000) if self.cycle_seconds else None)
