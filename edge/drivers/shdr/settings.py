"""The settings of an MTConnect adapter."""

from typing import Literal

from broker.settings import Settings
from edge.drivers.device import NetworkDevice
from edge.drivers.shdr.parser import Keys as Names
from edge.drivers.shdr.parser import Parser


class Keys(Settings):
    """What an MTConnect adapter calls what we read."""

    execution: tuple[str, ...] = Names.execution
    mode: tuple[str, ...] = Names.mode
    estop: tuple[str, ...] = Names.estop
    function: tuple[str, ...] = Names.function
    parts: tuple[str, ...] = Names.parts
    power: tuple[str, ...] = Names.power


class Shdr(NetworkDevice):
    """One MTConnect adapter."""

    driver: Literal["shdr"]
    keys: Keys = Keys()

    @property
    def read_seconds(self) -> float:
        """Shorter: an adapter that is to be asked twice a second hangs up on whoever comes late."""
        return 0.25

    def parser(self) -> Parser:
        """See `Device`."""
        return Parser(Names(**self.keys.model_dump()))
