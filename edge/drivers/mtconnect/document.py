"""One MTConnect document: bytes in, its header and the observations that matter out. Pure, nothing is remembered.

Source: MTConnect Part 1 and Part 2, documents of versions 1.0 to 2.x. Elements are known by their local name, so every
version's namespace, a maker's own prefix and none at all are read alike. A document type, and with it every entity, is
refused: MTConnect has none, and they are how XML fills a memory.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from xml.parsers import expat

from edge.drivers.stamps import NOW, stamp_of

STREAMS, DEVICES, ERROR, ASSETS = "MTConnectStreams", "MTConnectDevices", "MTConnectError", "MTConnectAssets"
OBSERVATIONS_MOST = 10_000
"""Ten times what is asked for. 49,000 faults in one document took 27 MB."""
DEVICES_MOST = 1_000
"""270,000 empty ones, which fit into a document, took 50 MB."""
_DEPTH_MOST = 100
_TEXT_CHARACTERS = 200
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_BLANKS = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_HOLDERS = frozenset({"Events", "Samples", "Condition"})


@dataclass(slots=True)
class Observation:
    """One value of one data item. `kind` is its element: `Execution`; of a condition its level: `Fault`."""

    kind: str
    item: str
    name: str
    component: str
    component_kind: str
    sub_type: str
    code: str
    """Of a condition: what tells two active ones of one item apart."""
    level: bool
    """Whether it is a condition's."""
    sequence: int | None
    at: datetime | None
    text: str = ""


@dataclass(slots=True)
class DeviceStream:
    """What one machine says in a document."""

    name: str
    uuid: str
    of_agent: bool = False
    """Whether it is the agent speaking of itself, as it does since version 1.7."""
    observations: list[Observation] = field(default_factory=list)
    newest: tuple[int, str] = (-1, "")
    """Sequence number and time of the newest observation, wanted or not."""

    @property
    def newest_at(self) -> datetime | None:
        """When the newest one was made, by the machine's own clock."""
        return _instant(self.newest[1])


@dataclass(slots=True)
class Document:
    """A whole document. Numbers that its header does not state are None."""

    root: str
    instance: str = ""
    first: int | None = None
    last: int | None = None
    next: int | None = None
    devices: list[DeviceStream] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    """Code and sentence of each error it states."""


def read(data: bytes, wanted: Iterable[str]) -> Document | None:
    """Return what a document says, of its observations only the wanted: kinds, ids and names; conditions always.

    None if it is no MTConnect document or damaged. A text in another encoding than is declared (a control that sends
    its alarms in Shift JIS) spoils that text, not the document.
    """
    reader = _Reader(frozenset(wanted))
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.characters, reader.refuse
    try:
        parser.Parse(_text(data).encode().translate(_BLANKS), True)
    except (expat.ExpatError, _RefusedError):
        return None
    return reader.document


class _RefusedError(Exception):
    """The document holds what no MTConnect document holds."""


class _Reader:
    """Hears the elements of one document."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.document: Document | None = None
        self._wanted = wanted
        self._path: list[str] = []
        self._component = ("", "")
        self._open: Observation | None = None
        self._error_depth = 0
        """How deep the error that is being read stands; 0 outside of one."""
        self._observations = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(" ")[2]
        holder = self._path[-1] if self._path else ""
        self._path.append(kind)
        if len(self._path) > _DEPTH_MOST:
            raise _RefusedError
        if self.document is None:
            if kind not in (STREAMS, DEVICES, ERROR, ASSETS):
                raise _RefusedError
            self.document = Document(kind)
        elif kind == "Header" and len(self._path) == 2:
            self._header(self.document, attributes)
        elif kind == "DeviceStream":
            if len(self.document.devices) >= DEVICES_MOST:
                raise _RefusedError
            self.document.devices.append(DeviceStream(_plain(attributes.get("name")), _plain(attributes.get("uuid"))))
        elif kind == "ComponentStream":
            self._component = (_plain(attributes.get("componentId")), _plain(attributes.get("component")))
            if self.document.devices and self._component[1] == "Agent":
                self.document.devices[-1].of_agent = True
        elif holder in _HOLDERS and self.document.devices:
            self._observed(kind, attributes, self.document.devices[-1], level=holder == "Condition")
        elif "errorCode" in attributes and len(self.document.errors) < _DEPTH_MOST:
            self.document.errors.append((_plain(attributes["errorCode"]), ""))
            self._error_depth = len(self._path)

    def end(self, _name: str) -> None:
        self._path.pop()
        if self._open is not None and self._path[-1] in _HOLDERS:
            self._open.text = _plain(self._open.text)
            self._open = None
        elif self._error_depth > len(self._path):
            self._error_depth = 0

    def characters(self, text: str) -> None:
        if self._open is not None:
            self._open.text = (self._open.text + text)[: 2 * _TEXT_CHARACTERS]
        elif self._error_depth and self.document:
            code, before = self.document.errors[-1]
            self.document.errors[-1] = (code, _plain(before + text))

    def refuse(self, *_: object) -> None:
        raise _RefusedError

    def _header(self, document: Document, attributes: dict[str, str]) -> None:
        document.instance = attributes.get("instanceId", "")[:_TEXT_CHARACTERS]
        document.first = _number(attributes.get("firstSequence"))
        document.last = _number(attributes.get("lastSequence"))
        document.next = _number(attributes.get("nextSequence"))

    def _observed(self, kind: str, attributes: dict[str, str], device: DeviceStream, *, level: bool) -> None:
        sequence, stamp = _number(attributes.get("sequence")), attributes.get("timestamp", "")
        if (sequence or 0) >= device.newest[0]:
            device.newest = (sequence or 0, stamp)
        item, name = attributes.get("dataItemId", ""), attributes.get("name", "")
        if not level and self._wanted.isdisjoint((kind, item, name)):
            return
        self._observations += 1
        if self._observations > OBSERVATIONS_MOST:
            raise _RefusedError
        code = attributes.get("conditionId") or attributes.get("nativeCode")
        if kind == "Alarm":  # version 1.0 had no conditions
            level, kind = True, {"ACTIVE": "Fault", "CLEARED": "Normal"}.get(attributes.get("state", ""), "Warning")
        self._open = Observation(
            kind=kind,
            item=_plain(item),
            name=_plain(name),
            component=self._component[0],
            component_kind=self._component[1],
            sub_type=_plain(attributes.get("subType")).upper(),
            code=_plain(code),
            level=level,
            sequence=sequence,
            at=_instant(stamp),
        )
        device.observations.append(self._open)


def _text(data: bytes) -> str:
    """Return a document as text: UTF-8, else what Japanese controls send, each with a sign for what is neither."""
    for encoding in ("utf-8", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return data.decode("utf-8", errors="replace")


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _plain(text: str | None) -> str:
    """Return foreign text as one line that a terminal and a log can show."""
    text = (text or "")[: 2 * _TEXT_CHARACTERS]
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(text.split())[:_TEXT_CHARACTERS]


def _instant(stamp: str) -> datetime | None:
    at = stamp_of(stamp[:60])
    return None if at is NOW else at
