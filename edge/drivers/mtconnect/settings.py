"""The settings of an MTConnect agent."""

from typing import Annotated, Literal

from pydantic import Field

from broker.settings import Settings
from edge.drivers.device import NetworkDevice
from edge.drivers.readings import Parser

Names = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]


class Items(Settings):
    """Data items by id or name, where an agent has several of a type or types them wrongly; empty: by their type."""

    execution: Names = ()
    mode: Names = ()
    estop: Names = ()
    function: Names = ()
    parts: Names = ()
    power: Names = ()
    available: Names = ()


class MtConnect(NetworkDevice):
    """One machine of an MTConnect agent."""

    driver: Literal["mtconnect"]
    device: Annotated[str, Field(max_length=200)] = ""
    mode: Literal["poll", "stream"] = "poll"
    interval_seconds: Annotated[float, Field(ge=0.5, le=10)] = 2.0
    heartbeat_seconds: Annotated[float, Field(ge=1, le=60)] = 10.0
    items: Items = Items()

    def parser(self) -> Parser:
        """See `Device`."""
        from edge.drivers.mtconnect.parser import Parser as Conversation  # noqa: PLC0415 - h11 only where it is needed
        from edge.drivers.mtconnect.parser import Plan  # noqa: PLC0415

        return Conversation(
            Plan(
                host=self.address,
                device=self.device,
                stream=self.mode == "stream",
                interval_ms=round(self.interval_seconds * 1000),
                heartbeat_ms=round(self.heartbeat_seconds * 1000),
                chosen={name: names for name, names in self.items.model_dump().items() if names},
            )
        )
