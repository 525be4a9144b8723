"""Pins of this Pi: one as a line to a pulse counter, some as the outputs of a lamp.

The only module that imports gpiod, and only when a pin is configured.
What can be tried without pins is in `edge.drivers.counter.pulses` and in `PinWire`; `_request` needs a real one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from broker.clock import monotonic_ms
from edge.drivers.counter.pulses import Pulses
from edge.drivers.device import Gpio
from edge.rules.lamp import Output


class Edge(Protocol):
    """One edge, as the kernel numbers them."""

    @property
    def line_seqno(self) -> int: ...


class Request(Protocol):
    """A pin that was asked of the kernel: the part of `gpiod.LineRequest` that is used."""

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool: ...

    def read_edge_events(self, max_events: int | None = None) -> Sequence[Edge]: ...

    def release(self) -> None: ...


class PinWire:
    """A pin, read as a serial line would be (see `edge.wire.Wire`). Nothing is ever written to it: it is an input."""

    def __init__(self, request: Request, mono_ms: Callable[[], int]) -> None:
        self._request, self._mono_ms = request, mono_ms
        self._pulses = Pulses(mono_ms())

    def read(self, timeout_seconds: float) -> bytes:
        """Return the line that is due, waiting at most so long for an edge."""
        wait_ms = self._pulses.wait_ms(self._mono_ms())
        if wait_ms and self._request.wait_edge_events(min(timeout_seconds, wait_ms / 1000)):
            self._pulses.edges(edge.line_seqno for edge in self._request.read_edge_events())
        return self._pulses.line(self._mono_ms())

    def write(self, data: bytes) -> None:
        """Refuse: a counter is never sent anything."""
        raise OSError(f"a pin is only read, {len(data)} bytes were not sent")

    def close(self) -> None:
        """Let go of the pin."""
        self._request.release()


def open_pin(place: Gpio) -> PinWire:
    """Open a pin. Raises OSError or ValueError, one sentence of which says what to do."""
    return PinWire(_request(place), monotonic_ms)


def _request(place: Gpio) -> Request:
    gpiod = _gpiod()
    pull = {"up": gpiod.line.Bias.PULL_UP, "down": gpiod.line.Bias.PULL_DOWN, "none": gpiod.line.Bias.DISABLED}
    settings = gpiod.LineSettings(
        direction=gpiod.line.Direction.INPUT,
        edge_detection=gpiod.line.Edge.RISING,
        bias=pull[place.pull],
        active_low=place.active_low,
        debounce_period=timedelta(milliseconds=place.debounce_ms),
    )
    request: Request = gpiod.request_lines(str(place.chip), {place.line: settings}, consumer="mawashi-edge")
    return request


class Outputs:
    """Pins that are driven, one at a time: the lamps of `edge.lamp`. All are off when they are asked for and let go."""

    def __init__(self, request: "OutputRequest", pins: Mapping[Output, int], levels: tuple[Any, Any]) -> None:
        self._request, self._pins = request, pins
        self._off, self._on = levels

    def show(self, output: Output | None) -> None:
        """Have this on and nothing else."""
        self._request.set_values({pin: self._on if one is output else self._off for one, pin in self._pins.items()})

    def close(self) -> None:
        """Let go of the pins."""
        self._request.release()


class OutputRequest(Protocol):
    """Pins that were asked of the kernel: the part of `gpiod.LineRequest` that is used."""

    def set_values(self, values: dict[int, Any]) -> None: ...

    def release(self) -> None: ...


def open_outputs(chip: Path, pins: Mapping[Output, int], *, active_low: bool) -> Outputs:
    """Ask for pins to drive, all of them off. Raises OSError or ValueError."""
    gpiod = _gpiod()
    off, on = gpiod.line.Value.INACTIVE, gpiod.line.Value.ACTIVE
    settings = gpiod.LineSettings(direction=gpiod.line.Direction.OUTPUT, output_value=off, active_low=active_low)
    request = gpiod.request_lines(str(chip), {tuple(pins.values()): settings}, consumer="mawashi-edge")
    return Outputs(request, pins, (off, on))


def _gpiod() -> Any:
    try:
        import gpiod  # noqa: PLC0415 - only where there are pins
    except ImportError:
        raise OSError(
            "gpiod がありません。/opt/mawashi/bin/pip install '.[gpio]' を実行してください / "
            "gpiod is not installed: run /opt/mawashi/bin/pip install '.[gpio]' where the agent was installed from"
        ) from None
    return gpiod
