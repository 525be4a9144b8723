"""The settings of a pulse counter."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from broker.settings import Settings
from edge.drivers.counter.parser import Parser
from edge.drivers.counter.record import ROUND
from edge.drivers.device import Gpio, Place, WiredDevice


class Pin(Settings):
    """An input pin of this Pi. As it stands: a contact or an opto-isolator that pulls the pin to ground."""

    line: Annotated[int, Field(ge=0, le=1023)] | Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")]
    chip: Path = Path("/dev/gpiochip0")
    pull: Literal["up", "down", "none"] = "up"
    active_low: bool = True
    debounce_ms: Annotated[float, Field(ge=0, le=10_000)] = 30.0


class Counter(WiredDevice):
    """A pulse counter: on a cable, or on a pin. With `cycle_seconds`, a usual cycle, it also tells running and idle."""

    driver: Literal["counter"]
    cycle_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    gpio: Pin | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if [self.port, self.address, self.gpio].count(None) != 2:
            raise ValueError(
                "port（シリアル）、address（LAN）、gpio（Pi のピン）のどれか一つを書いてください / "
                "give port (serial), address (network) or gpio (a pin of the Pi), and only one"
            )
        return self

    @property
    def place(self) -> Place:
        """See `Device`."""
        if self.gpio is None:
            return super().place
        pin = self.gpio
        return Gpio(pin.chip, pin.line, pull=pin.pull, active_low=pin.active_low, debounce_ms=pin.debounce_ms)

    @property
    def wrap(self) -> int:
        """See `Device`."""
        return ROUND

    def parser(self) -> Parser:
        """See `Device`."""
        return Parser(int(self.cycle_seconds * 1000) if self.cycle_seconds else None)
