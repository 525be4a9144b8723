"""What a floor's tile says of its devices: those that need a person, since when, and work that nobody scanned. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.messages import DeviceView, Loose
from broker.words import DEVICE_STATES, Word
from gateway.web import words
from gateway.web.pictures import Pictured
from gateway.web.reader import Reader

LOOSE_AFTER = timedelta(minutes=10)
"""A machine may run so long without a ticket: a warm-up, a first cut, somebody who scans when it runs well."""
LOOSE_SHOWN = timedelta(hours=16)
"""So long after its end it is shown: from an evening's run until the office has looked in the morning."""
_TROUBLE = frozenset({"lost", "garbage", "silent"})


@dataclass(frozen=True, slots=True)
class DeviceSign:
    """One device that needs a look: what it is called, how it stands, since when, and its age as the page was made."""

    name: str
    state: str
    word: Word
    since: str
    age_seconds: int | None
    age: str


@dataclass(frozen=True, slots=True)
class LooseSign:
    """A machine ran although nobody had scanned a ticket there: 票なし."""

    line: str


@dataclass(frozen=True, slots=True)
class StationSigns:
    """What the pictures say of one station. `edge_away`: its edge is not connected, so nothing it said holds now."""

    devices: tuple[DeviceSign, ...] = ()
    loose: Loose | None = None
    edge_away: bool = False


def signs(pictures: Iterable[Pictured], offline: frozenset[str], reader: Reader) -> Mapping[str, StationSigns]:
    """Return by station what its edge says of its devices; of an edge that is away only that it is."""
    found: dict[str, StationSigns] = {}
    for one in pictures:
        if one.edge in offline:
            away = DeviceSign(one.edge, "away", words.EDGE_AWAY, "", None, "")
            found[one.view.station] = StationSigns((away,), one.view.loose, edge_away=True)
        else:
            devices = tuple(_sign(device, reader) for device in one.view.devices if device.state in _TROUBLE)
            found[one.view.station] = StationSigns(devices, one.view.loose)
    return found


def loose(found: Loose | None, ended: Collection[datetime], reader: Reader, *, at_work: bool) -> LooseSign | None:
    """Return the flag of a machine that ran without a ticket; none if somebody works there, or has since (`ended`)."""
    if found is None or at_work or reader.now - found.until > LOOSE_SHOWN:
        return None
    begun = max([found.since, *(end for end in ended if end <= found.until)])
    if found.until - begun < LOOSE_AFTER or any(end > found.until for end in ended):
        return None
    line = f"{reader.clock(begun)}–{reader.clock(found.until)}"
    pieces = f"　{reader.say(words.MACHINE_COUNT, n=reader.pieces(found.pieces))}" if found.pieces else ""
    return LooseSign(line + pieces)


def _sign(device: DeviceView, reader: Reader) -> DeviceSign:
    seconds = max(0, round((reader.now - device.since).total_seconds()))
    age = reader.say(words.SECONDS, s=seconds) if seconds < 60 else reader.length(seconds)
    return DeviceSign(device.id, device.state, DEVICE_STATES[device.state], reader.since(device.since), seconds, age)
