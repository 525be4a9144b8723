"""The drivers there are: a dictionary written by hand."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from edge.drivers.counter.settings import Counter
from edge.drivers.device import Device
from edge.drivers.dprnt.settings import Dprnt
from edge.drivers.haas.settings import Haas
from edge.drivers.hid.settings import Keyboard
from edge.drivers.modbus.settings import Modbus
from edge.drivers.mqtt.settings import Mqtt
from edge.drivers.mtconnect.settings import MtConnect
from edge.drivers.reader import Reader
from edge.drivers.readings import Parser
from edge.drivers.scanner.settings import Scanner
from edge.drivers.shdr.settings import Shdr
from edge.drivers.sparkplug.settings import Sparkplug

DRIVERS: Mapping[str, type[Device]] = {
    "counter": Counter,
    "dprnt": Dprnt,
    "haas": Haas,
    "modbus": Modbus,
    "mtconnect": MtConnect,
    "mqtt": Mqtt,
    "shdr": Shdr,
    "sparkplug": Sparkplug,
}

Machine = Annotated[
    Counter | Dprnt | Haas | Modbus | Mqtt | MtConnect | Shdr | Sparkplug, Field(discriminator="driver")
]
"""Any of them, as `[[machine]]` in the settings."""


READERS: Mapping[str, type[Reader]] = {
    "hid": Keyboard,
    "scanner": Scanner,
}


def _driver(table: Any) -> str:
    """Return which scanner a table of the settings means: serial where it does not say."""
    return str(table.get("driver", "serial") if isinstance(table, dict) else table.driver)


AnyReader = Annotated[
    Annotated[Scanner, Tag("serial")] | Annotated[Keyboard, Tag("hid")],
    Discriminator(_driver),
]
"""Any of them, as `[[scanner]]` in the settings."""


def usual(driver: str) -> Parser:
    """Return a driver that no settings have changed."""
    if driver in READERS:
        return READERS[driver].model_construct(id=driver).parser()
    return DRIVERS[driver].model_construct(id=driver, station=driver, address="").parser()  # type: ignore[call-arg]
