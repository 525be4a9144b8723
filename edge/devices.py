"""How each scanner and machine of one edge is heard: asked of their ports once a second, for the board and for `check`.

How that is judged stands in `edge.rules.devices`.
"""

from collections.abc import Mapping

from broker.clock import Reading as Now
from broker.events import MachineState
from broker.messages import STATION_DEVICES, DeviceView
from edge.machines import Machines
from edge.port import Port
from edge.rules.devices import Counts, Watched, watch
from edge.settings import Edge
from edge.tap import Tap


class Devices:
    """Looks at every port; opens none."""

    def __init__(self, settings: Edge, ports: Mapping[str, Port], machines: Machines, taps: Mapping[str, Tap]) -> None:
        self._ports, self._machines, self._taps = ports, machines, taps
        desks = settings.desks
        self._places = {one.id: (desks[one.id].default, "scanner") for one in settings.scanner}
        self._places |= {one.id: (one.station, str(one.driver)) for one in settings.machine}
        self._watched: dict[str, Watched] = {}

    def tick(self, lost: Mapping[str, object], now: Now) -> bool:
        """Look at all of them; return whether any is heard otherwise than before. `lost`: scanners that are away."""
        before = {name: watched.state for name, watched in self._watched.items()}
        for name in self._places:
            self._watched[name] = watch(self._watched.get(name), self._counts(name, lost), now)
        return before != {name: watched.state for name, watched in self._watched.items()}

    def at(self, station: str) -> tuple[DeviceView, ...]:
        """Return the devices of a station; a scanner belongs to its first one."""
        found = [
            DeviceView(id=name, driver=driver, state=watched.state, since=watched.since)
            for name, (place, driver) in self._places.items()
            if place == station and (watched := self._watched.get(name))
        ]
        return tuple(found[:STATION_DEVICES])

    def status(self) -> dict[str, dict[str, object]]:
        """Return it for `status` and `check`."""
        return {
            name: {"state": watched.state, "since": watched.since.isoformat(timespec="seconds")}
            for name, watched in self._watched.items()
        }

    def _counts(self, name: str, lost: Mapping[str, object]) -> Counts:
        received = self._taps[name].received
        if port := self._ports.get(name):
            heard = port.tally
            return Counts(name in lost, received, heard.lines - heard.malformed, heard.malformed)
        tally, said = self._machines.tally(name), self._machines.said(name)
        unknown = said.since_ms if said and said.state is MachineState.UNKNOWN else None
        away = self._machines.lost[name] is not None
        return Counts(away, received, tally.lines - tally.malformed, tally.malformed, unknown)
