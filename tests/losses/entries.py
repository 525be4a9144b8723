"""Who stands in the table, by side. Written by hand."""

import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tests.losses import peers
from tests.losses.contestant import Contestant
from tests.losses.faults import Side
from tests.losses.ours import Appended, sent
from tests.losses.receiving import NodeRed, Plain
from tests.losses.sending import Sender
from tests.losses.sinks import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

THINGSBOARD = "ThingsBoard gateway's storage"


@dataclass(frozen=True)
class Entry:
    """One name in the table."""

    title: str
    version: str
    make: "Callable[[Path, int], Contestant]"
    """From a folder and the broker's port. Raises peers.MissingError if it cannot be had on this machine."""


def published(folder: Path, port: int) -> Contestant:
    command = [sys.executable, "-m", "tests.losses.sending", str(port)]
    return Sender(command, folder, Recorder(port))


def thingsboard(kind: str, folder: Path, port: int) -> Contestant:
    command = [
        str(peers.thingsboard_gateway()),
        "-m",
        "tests.losses.thingsboard",
        kind,
        str(folder / "data"),
        str(port),
    ]
    return Sender(command, folder, Recorder(port))


PAHO = f"paho-mqtt {metadata.version('paho-mqtt')}"
TB = f"thingsboard-gateway {peers.THINGSBOARD_GATEWAY}"

ENTRIES: dict[Side, dict[str, Entry]] = {
    Side.RECEIVING: {
        "paho": Entry("paho, automatic acknowledgements", PAHO, lambda *at: Plain("paho", *at)),
        "aiomqtt": Entry("aiomqtt", f"aiomqtt {metadata.version('aiomqtt')}", lambda *at: Plain("aiomqtt", *at)),
        "node-red": Entry(
            "Node-RED to InfluxDB",
            f"node-red {peers.NODE_RED}, node-red-contrib-influxdb {peers.NODE_RED_INFLUXDB}",
            NodeRed,
        ),
        "mawashi": Entry("Mawashi", "", Appended),
    },
    Side.SENDING: {
        "paho": Entry("paho, queue in memory", PAHO, published),
        "thingsboard-memory": Entry(f"{THINGSBOARD}: memory", TB, lambda *at: thingsboard("memory", *at)),
        "thingsboard-file": Entry(f"{THINGSBOARD}: file", TB, lambda *at: thingsboard("file", *at)),
        "thingsboard-sqlite": Entry(f"{THINGSBOARD}: sqlite", TB, lambda *at: thingsboard("sqlite", *at)),
        "mawashi": Entry("Mawashi", "", sent),
    },
}
NAMES = tuple(dict.fromkeys(name for side in ENTRIES.values() for name in side))
