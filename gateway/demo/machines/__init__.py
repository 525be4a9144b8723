"""Machines that are not there, one a module: each speaks as a real one does, over real TCP, a pty or MQTT.

`adapter` (SHDR), `dprnt`, `haas`, `counter`, `modbus`, `esp32` (MQTT) and `mtconnect` (an agent over HTTP). All are
used alike: `start()`, a `port` or an `address`, `shows(...)` for what the demo's floor does, `stop()`; their other
methods are for the drivers' tests, which import them from here. Nothing here knows an edge or its drivers.
"""

from typing import Protocol


class Machine(Protocol):
    """What the demo needs of each."""

    def start(self) -> object:
        """Switch it on."""

    def stop(self) -> None:
        """Switch it off, or pull its cable. It may be started again at the same place."""

    def shows(self, *, running: bool, pieces: int) -> None:
        """Say what it does and what its counter shows; called twice a second. Never waits for whoever listens."""
