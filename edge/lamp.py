"""A lamp and buzzer beside a scanner that cannot sound itself: its settings, and the thread that shows the answers.

What an answer looks like stands in `edge.rules.lamp`. Nothing but a lamp or buzzer may ever hang on it: a program that
stops, or a plug that is pulled, leaves an output as it was.
"""

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Protocol, Self

from pydantic import AfterValidator, Field, model_validator

from broker.events import Id
from broker.settings import Settings
from edge.drivers.device import Framing, Serial
from edge.gpio import open_outputs
from edge.log import Log
from edge.rules import Tone
from edge.rules.lamp import PATTERNS, Output
from edge.wire import FAILURES, Wire, is_one_of, open_wire

_BYTES_MOST = 32
"""The longest command of a USB lamp or relay board is 8 bytes."""


def _hex(text: str) -> str:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if not 0 < len(data) <= _BYTES_MOST:
        raise ValueError(
            f"{text!r} は 16 進のバイト列ではありません。A0 01 01 A2 のように {_BYTES_MOST} バイトまで書いてください / "
            f"{text!r} is no string of bytes: write at most {_BYTES_MOST} in hex, as A0 01 01 A2"
        )
    return text


Bytes = Annotated[str, AfterValidator(_hex)]
PinNumber = Annotated[int, Field(ge=0, le=1023)]


class Commands(Settings):
    """What a USB lamp or relay board is sent, in hex, as its manual says."""

    ok: Bytes
    warning: Bytes
    error: Bytes
    off: Bytes


class Pins(Settings):
    """Outputs of this Pi, by their numbers on the chip: each drives a small lamp or buzzer by way of a transistor."""

    ok: PinNumber
    warning: PinNumber
    error: PinNumber
    chip: Path = Path("/dev/gpiochip0")
    active_low: bool = False


class Lamp(Settings):
    """One lamp beside the scanner whose answers it shows: on a serial port with its `commands`, or on `gpio` pins."""

    id: Id
    beside: Id
    port: Path | None = None
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    framing: Framing = "8N1"
    commands: Commands | None = None
    gpio: Pins | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.port is None) == (self.gpio is None) or (self.port is None) != (self.commands is None):
            raise ValueError(
                "port と commands（USB のランプ）か、gpio（Pi のピン）のどちらかを書いてください / "
                "give either port and commands (a lamp on USB) or gpio (pins of the Pi)"
            )
        return self

    def light(self, others: Iterable[Path] = ()) -> "Light":
        """Open it, unless its port is that of another device under any name. Raises one of `edge.wire.FAILURES`."""
        if self.gpio is not None:
            pins = {Output.OK: self.gpio.ok, Output.WARNING: self.gpio.warning, Output.ERROR: self.gpio.error}
            return open_outputs(self.gpio.chip, pins, active_low=self.gpio.active_low)
        assert self.port
        assert self.commands
        if is_one_of(self.port, others):
            raise OSError("its port is that of a scanner or machine, which no lamp may be sent to")
        commands: dict[Output | None, bytes] = {one: bytes.fromhex(getattr(self.commands, one)) for one in Output}
        return _SerialLight(
            open_wire(Serial(self.port, self.baud, self.framing)), commands | {None: bytes.fromhex(self.commands.off)}
        )


class Light(Protocol):
    """An open lamp. Every method raises one of `edge.wire.FAILURES` when it is gone."""

    def show(self, output: Output | None) -> None:
        """Have this on and nothing else; None: all dark."""

    def close(self) -> None:
        """Let go."""


class _SerialLight:
    """A lamp or relay board that is told by bytes. What it answers is read by nobody."""

    def __init__(self, wire: Wire, commands: Mapping[Output | None, bytes]) -> None:
        self._wire, self._commands = wire, commands

    def show(self, output: Output | None) -> None:
        self._wire.write(self._commands[None])
        if output is not None:
            self._wire.write(self._commands[output])

    def close(self) -> None:
        self._wire.close()


class LampPort:
    """Shows answers on a thread of its own, the latest first; a lamp that is away or slow keeps no scan waiting."""

    def __init__(self, lamp: Lamp, log: Log, *, others: Iterable[Path] = ()) -> None:
        self._lamp, self._log, self._others = lamp, log, tuple(others)
        self._tone: Tone | None = None
        self._new, self._stopping = threading.Event(), threading.Event()
        self._light: Light | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=f"lamp {lamp.id}", daemon=True)
        self.start = self._thread.start

    def show(self, tone: Tone) -> None:
        """Show an answer; returns at once. What is being shown ends."""
        self._tone = tone
        self._new.set()

    def stop(self) -> None:
        """Turn it off and wait for the thread."""
        self._stopping.set()
        self._new.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        while True:
            self._new.wait()
            self._new.clear()
            if self._stopping.is_set():
                break
            try:
                self._play(PATTERNS[self._tone] if self._tone else ())
            except FAILURES as error:
                self._lose(error)
        self._close()

    def _play(self, pattern: tuple[tuple[Output | None, int], ...]) -> None:
        if self._light is None:
            self._light = self._lamp.light(self._others)
        for output, milliseconds in pattern:
            self._light.show(output)
            if self._new.wait(milliseconds / 1000):
                break
        self._light.show(None)
        if self._failing:
            self._log("INFO", f"lamp {self._lamp.id} shows answers again")
        self._failing = False

    def _lose(self, error: Exception) -> None:
        """Say so once; it is opened anew for the next answer."""
        if not self._failing:
            self._log("WARNING", f"lamp {self._lamp.id} shows nothing: see its plug, port and commands ({error})")
        self._failing = True
        self._close()

    def _close(self) -> None:
        light, self._light = self._light, None
        if light is not None:
            with suppress(*FAILURES):
                light.show(None)
            with suppress(*FAILURES):
                light.close()
