"""Where in which messages a device says what: the places of known firmwares (presets), and the words for states."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.events import MachineState
from edge.drivers.values import WORDS

ON = frozenset({"on", "true", "1", "online", "connected", "closed"})
OFF = frozenset({"off", "false", "0", "offline", "disconnected", "open"})
"""Levels, and whether a device is there."""


class Counting(StrEnum):
    """What a number that is published means."""

    TOTAL = "total"
    """Pieces since the device began: what is lost on the way does no harm."""
    PIECES = "pieces"
    """So many pieces more; any text that is no number is one piece."""
    EDGE = "edge"
    """Each change from off to on is one piece."""


@dataclass(frozen=True, slots=True)
class Source:
    """One value: the messages that hold it (+ and # allowed), and where it stands in them (see `Payload.at`)."""

    topic: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is read of one device. Of several sources for one thing, the first that speaks is it."""

    state: tuple[Source, ...] = ()
    watts: tuple[Source, ...] = ()
    count: tuple[Source, ...] = ()
    scan: tuple[Source, ...] = ()
    available: tuple[Source, ...] = ()
    """All of them have to say that the device is there."""
    words: Mapping[str, MachineState] = field(default_factory=lambda: WORDS)
    counting: Counting = Counting.TOTAL
    running_watts: float = 0.0
    """From so many watts on the machine runs."""
    idle_watts: float = 0.0
    """Below so many it is switched off; between the two it stands still."""
    silent_ms: int = 60_000

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic named, once."""
        every = (*self.state, *self.watts, *self.count, *self.scan, *self.available)
        return tuple(dict.fromkeys(one.topic for one in every))


def preset(firmware: str, name: str) -> Sources:
    """Return where a known firmware says what, for the device that it calls `name`; + stands for any."""
    known = PRESETS[firmware]

    def named(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        return tuple(Source(one.topic.replace("NAME", name), one.path) for one in sources)

    return replace(
        known,
        state=named(known.state),
        watts=named(known.watts),
        count=named(known.count),
        scan=named(known.scan),
        available=named(known.available),
    )


def of_any_firmware() -> Sources:
    """Return all presets at once, for trying a recording without settings: running from 100 W, off below 5 W."""
    every = [preset(firmware, "+") for firmware in PRESETS]
    return Sources(
        state=tuple(one for known in every for one in known.state),
        watts=tuple(one for known in every for one in known.watts),
        count=tuple(one for known in every for one in known.count),
        scan=tuple(one for known in every for one in known.scan),
        available=tuple(one for known in every for one in known.available),
        running_watts=100.0,
        idle_watts=5.0,
        silent_ms=max(known.silent_ms for known in every),
    )


PRESETS: Mapping[str, Sources] = {
    # Source: tasmota.github.io/docs/MQTT (topics, LWT), /Power-Monitoring-Calibration, /Commands (TelePeriod: 300 s)
    "tasmota": Sources(
        watts=(Source("tele/NAME/SENSOR", "ENERGY.Power"),),
        count=(Source("tele/NAME/SENSOR", "COUNTER.C1"),),
        available=(Source("tele/NAME/LWT"),),
        silent_ms=660_000,
    ),
    # Source: shelly-api-docs.shelly.cloud/gen1, "MQTT" of Plug S, 1PM, EM (every 30 s unless set otherwise)
    "shelly-gen1": Sources(
        watts=(Source("shellies/NAME/relay/0/power"), Source("shellies/NAME/emeter/0/power")),
        available=(Source("shellies/NAME/online"),),
        silent_ms=90_000,
    ),
    # Source: shelly-api-docs.shelly.cloud/gen2, components Mqtt (status_ntf), Switch, PM1, EM1, Input
    "shelly-gen2": Sources(
        watts=(
            Source("NAME/status/switch:0", "apower"),
            Source("NAME/status/pm1:0", "apower"),
            Source("NAME/status/em1:0", "act_power"),
        ),
        count=(Source("NAME/status/input:2", "counts.total"),),
        available=(Source("NAME/online"),),
        silent_ms=200_000,
    ),
    # Source: zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages and /guide/configuration/device-availability
    "zigbee2mqtt": Sources(
        watts=(Source("zigbee2mqtt/NAME", "power"),),
        available=(Source("zigbee2mqtt/NAME/availability", "state"), Source("zigbee2mqtt/bridge/state", "state")),
        silent_ms=900_000,
    ),
    # Source: ours; the sketch is in README.md
    "esp32": Sources(
        state=(Source("machines/NAME", "state"),),
        count=(Source("machines/NAME", "count"),),
        scan=(Source("machines/NAME/scan"),),
        available=(Source("machines/NAME/online"),),
        silent_ms=30_000,
    ),
}
"""By firmware. NAME stands for what the device is called in its topics."""
