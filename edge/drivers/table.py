"""The drivers there are: dictionaries written by hand. A machine's driver is loaded when one of its kind is named.

That is for the edge's memory: all of them together take 3 MB of its 45 (measured, 2026-11-22).
"""

import difflib
import importlib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag, ValidationInfo

from edge.drivers.device import Device
from edge.drivers.hid.settings import Keyboard
from edge.drivers.mqtt.settings import PublishedScans
from edge.drivers.reader import Reader
from edge.drivers.readings import Parser
from edge.drivers.scanner.settings import Scanner

DRIVERS: Mapping[str, str] = {
    "counter": "Counter",
    "dprnt": "Dprnt",
    "haas": "Haas",
    "modbus": "Modbus",
    "mtconnect": "MtConnect",
    "mqtt": "Mqtt",
    "shdr": "Shdr",
    "sparkplug": "Sparkplug",
}
"""The class of each one's settings, in `edge.drivers.NAME.settings`."""


def model(driver: str) -> type[Device]:
    """Return a driver's settings. Raises KeyError if there is none of this name."""
    found: type[Device] = getattr(importlib.import_module(f"edge.drivers.{driver}.settings"), DRIVERS[driver])
    return found


def _machine(table: Any, info: ValidationInfo) -> Any:
    """Read a table of the settings by the model of the driver that it names."""
    if not isinstance(table, dict):
        return table
    driver = table.get("driver")
    known = ", ".join(DRIVERS)
    if driver is None:
        raise ValueError(f"driver がありません。{known} から選んで書いてください / driver is missing: choose {known}")
    if driver in (*READERS, "serial"):
        raise ValueError(
            f"{driver} は機械ではなくスキャナです。見出しを [[scanner]]、station を stations = [ ] にしてください / "
            f"{driver} is a scanner, no machine: write it under [[scanner]], with stations = [ ] instead of station"
        )
    if driver not in DRIVERS:
        near = difflib.get_close_matches(str(driver), DRIVERS, 1)
        raise ValueError(
            f"driver = {driver!r} という装置の読み方はありません。"
            + (f"{near[0]} ですか。" if near else "")
            + f"{known} から選んでください / no driver {driver!r}"
            + (f" (is it {near[0]}?)" if near else "")
            + f": choose {known}"
        )
    return model(str(driver)).model_validate(table, context=info.context)


Machine = Annotated[Device, BeforeValidator(_machine)]
"""Any of them, as `[[machine]]` in the settings."""


READERS: Mapping[str, type[Reader]] = {
    "hid": Keyboard,
    "scanner": Scanner,
}
"""What reads codes and nothing else, for `listen` and `try`; scans by MQTT are its driver's among much else."""


def _driver(table: Any) -> str:
    """Return which scanner a table of the settings means: serial where it does not say."""
    return str(table.get("driver", "serial") if isinstance(table, dict) else table.driver)


def _reader(table: Any) -> Any:
    """Refuse the two names that are drivers elsewhere, and would be called unknown otherwise."""
    driver = table.get("driver") if isinstance(table, dict) else None
    if driver == "scanner":
        raise ValueError(
            'シリアルと USB-COM のスキャナは driver = "serial" です。その行を消しても同じです / '
            'a serial or USB-COM scanner is driver = "serial", or no driver line at all'
        )
    if driver in DRIVERS and driver != "mqtt":
        raise ValueError(
            f"{driver} はスキャナではなく機械です。見出しを [[machine]] にし、stations を station = にしてください / "
            f"{driver} is a machine, no scanner: write it under [[machine]], with station instead of stations"
        )
    return table


AnyReader = Annotated[
    Annotated[Scanner, Tag("serial")] | Annotated[Keyboard, Tag("hid")] | Annotated[PublishedScans, Tag("mqtt")],
    Discriminator(_driver),
    BeforeValidator(_reader),
]
"""Any of them, as `[[scanner]]` in the settings."""


def usual(driver: str) -> Parser:
    """Return a driver that no settings have changed."""
    if driver in READERS:
        return READERS[driver].model_construct(id=driver).parser()
    return model(driver).model_construct(id=driver, driver=driver, station=driver, address="").parser()  # type: ignore[call-arg]
