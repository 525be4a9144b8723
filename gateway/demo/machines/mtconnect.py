"""An MTConnect agent as machines have them: real HTTP, a buffer with sequence numbers, /current, /sample, streams.

What it says is made after cppagent's documents (the standard's own agent), not recorded from a device.
"""

import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from gateway.demo.machines.tcp import TcpPort

UNAVAILABLE = "UNAVAILABLE"
LEVELS = ("Normal", "Warning", "Fault", "Unavailable")


@dataclass(frozen=True)
class Item:
    """A data item of a machine: `kind` as its element is called, `holder` Events, Samples or Condition."""

    id: str
    kind: str
    component: str = "Path"
    holder: str = "Events"
    sub_type: str = ""
    name: str = ""


USUAL = (
    Item("avail", "Availability", component="Device"),
    Item("estop", "EmergencyStop", component="Controller"),
    Item("execution", "Execution"),
    Item("mode", "ControllerMode"),
    Item("PartCountAct", "PartCount", sub_type="ALL"),
    Item("Xact", "Position", component="Linear", holder="Samples", sub_type="ACTUAL"),
    Item("logic", "LogicProgram", holder="Condition"),
)


@dataclass(frozen=True)
class Seen:
    """One observation in the buffer."""

    sequence: int
    device: str
    item: Item
    at: str
    text: str
    code: str = ""

    def xml(self) -> str:
        kind = self.text if self.item.holder == "Condition" else self.item.kind
        text = "" if self.item.holder == "Condition" else self.text
        said = {
            "dataItemId": self.item.id,
            "timestamp": self.at,
            "sequence": str(self.sequence),
            "name": self.item.name,
            "subType": self.item.sub_type,
            "nativeCode": self.code,
            "type": self.item.kind if self.item.holder == "Condition" else "",
        }
        shown = "".join(f" {name}={quoteattr(value)}" for name, value in said.items() if value)
        return f"<{kind}{shown}>{escape(text)}</{kind}>"


@dataclass
class Agent:
    """Answers on a free port of this machine. `machines`: the data items of each, by name; `buffer`: what it keeps."""

    machines: dict[str, tuple[Item, ...]] = field(default_factory=lambda: {"VMC-1": USUAL})
    buffer: int = 1024
    version: str = "1.7"
    keeps: bool = True
    """Whether a line may be asked again."""
    asked: list[str] = field(default_factory=list)
    """The request lines heard."""
    spoil: bytes | None = None
    """What is answered instead, head and all, while it is set."""

    def __post_init__(self) -> None:
        self._tcp = TcpPort(self._serve)
        self._changed = threading.Condition()
        self._runs: object = None
        """Something new each time it is switched on."""
        self.instance = 1_700_000_000
        self._begin()

    def _begin(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=self.buffer)
        self._now: dict[tuple[str, str], Seen] = {}
        self._next = 1
        for device, items in self.machines.items():
            for item in items:
                self._observe(device, item, "Unavailable" if item.holder == "Condition" else UNAVAILABLE, "", None)

    @property
    def address(self) -> str:
        return self._tcp.address

    def start(self) -> "Agent":
        self._runs = object()
        self._tcp.start()
        return self

    def stop(self) -> None:
        """Switched off; what it has in its buffer it still has when it is started."""
        self._runs = None
        self._tcp.stop()

    def cut(self) -> None:
        """Cut every line."""
        self._tcp.cut()

    def restart(self) -> None:
        """Start anew: another instance, an empty buffer, everything unavailable."""
        self.cut()
        with self._changed:
            self.instance += 1
            self._begin()

    def say(self, device: str = "", *, at: str | None = None, **values: object) -> None:
        """Set data items by id: `say(execution="ACTIVE", PartCountAct=3)`; a condition is `("Fault", code)`."""
        device = device or next(iter(self.machines))
        items = {item.id: item for item in self.machines[device]}
        with self._changed:
            for name, value in values.items():
                text, code = value if isinstance(value, tuple) else (str(value), "")
                self._observe(device, items[name], text, code, at)
            self._changed.notify_all()

    def shows(self, *, running: bool, pieces: int) -> None:
        """See `Machine`: its one device, only what is new."""
        device = next(iter(self.machines))
        new = {
            "avail": "AVAILABLE",
            "mode": "AUTOMATIC",
            "execution": "ACTIVE" if running else "READY",
            "PartCountAct": str(pieces),
        }
        if new := {name: value for name, value in new.items() if self._now[device, name].text != value}:
            self.say(**new)

    def _observe(self, device: str, item: Item, text: str, code: str, at: str | None) -> None:
        stamp = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        seen = Seen(self._next, device, item, stamp, text, code)
        self._next += 1
        self._seen.append(seen)
        key = f"{item.id}:{code}" if item.holder == "Condition" else item.id
        if item.holder == "Condition":
            for other in [one for one in self._now if one[0] == device and one[1].startswith(f"{item.id}:")]:
                if not code or other[1] in (key, f"{item.id}:"):
                    del self._now[other]
        self._now[device, key] = seen

    # -- what it answers -----------------------------------------------------------------------------------------------

    def current(self, device: str = "") -> bytes:
        """Return the document of /current."""
        return self._streams([one for one in self._now.values() if device in ("", one.device)], self._next)

    def sample(self, since: int, count: int = 100, device: str = "") -> bytes:
        """Return the document of /sample, or the error that the agent answers."""
        first = self._seen[0].sequence
        if not first <= since <= self._next:
            return self.error("OUT_OF_RANGE", f"'from' must be between {first} and {self._next}")
        found = [one for one in self._seen if one.sequence >= since][:count]
        following = found[-1].sequence + 1 if found else self._next
        return self._streams([one for one in found if device in ("", one.device)], following)

    def error(self, code: str, text: str) -> bytes:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<MTConnectError xmlns="urn:mtconnect.org:MTConnectError:'
            f'{self.version}"><Header instanceId="{self.instance}" version="{self.version}"/><Errors>'
            f'<Error errorCode="{code}">{escape(text)}</Error></Errors></MTConnectError>\n'
        ).encode()

    def _streams(self, found: list[Seen], following: int) -> bytes:
        parts = []
        for device in dict.fromkeys(one.device for one in found):
            components = dict.fromkeys(one.item.component for one in found if one.device == device)
            inner = "".join(self._component(name, device, found) for name in components)
            parts.append(f'<DeviceStream name={quoteattr(device)} uuid="uuid-{escape(device)}">{inner}</DeviceStream>')
        last, first = self._next - 1, self._seen[0].sequence
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<MTConnectStreams xmlns:m="urn:mtconnect.org:MTConnectStreams:'
            f'{self.version}" xmlns="urn:mtconnect.org:MTConnectStreams:{self.version}"><Header creationTime='
            f'"2026-11-22T00:00:00Z" sender="shop" instanceId="{self.instance}" version="{self.version}.0" bufferSize='
            f'"{self.buffer}" nextSequence="{following}" firstSequence="{first}" lastSequence="{last}"/>'
            f"<Streams>{''.join(parts)}</Streams></MTConnectStreams>\n"
        ).encode()

    @staticmethod
    def _component(name: str, device: str, found: list[Seen]) -> str:
        mine = [one for one in found if one.device == device and one.item.component == name]
        holders = "".join(
            f"<{holder}>{''.join(one.xml() for one in mine if one.item.holder == holder)}</{holder}>"
            for holder in dict.fromkeys(one.item.holder for one in mine)
        )
        head = f'<ComponentStream component="{name}" name="{name}" componentId="{name.lower()}">'
        return f"{head}{holders}</ComponentStream>"

    def _serve(self, client: socket.socket) -> None:
        with client.makefile("rb") as questions:
            while self._answer(questions, client) and self.keeps:
                pass

    def _answer(self, questions: BinaryIO, client: socket.socket) -> bool:
        """Answer one question; return whether there was one."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (read := questions.readline()):
                return False
            head += read
        request = head.split(b"\r\n")[0].decode()
        self.asked.append(request)
        if self.spoil is not None:
            client.sendall(self.spoil)
            return True
        address = urlsplit(request.split(" ")[1])
        device, _, what = unquote(address.path).strip("/").rpartition("/")
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        stream = False
        with self._changed:
            if device not in ("", *self.machines):
                client.sendall(answer(self.error("NO_DEVICE", f"no device {device}"), status="404 Not Found"))
            elif what == "current":
                client.sendall(answer(self.current(device), keeps=self.keeps))
            else:
                document = self.sample(int(asked["from"]), int(asked["count"]), device)
                if b"MTConnectError" in document:
                    client.sendall(answer(document, status="404 Not Found", keeps=self.keeps))
                elif "interval" not in asked:
                    client.sendall(answer(document, keeps=self.keeps))
                else:
                    stream = True
        if stream:
            self._stream(client, asked, device)
        return not stream

    def _stream(self, client: socket.socket, asked: dict[str, str], device: str) -> None:
        """Send a part whenever something is new, and one without observations as a heartbeat."""
        since, runs = int(asked["from"]), self._runs
        client.sendall(STREAM_HEAD)
        beat = time.monotonic()
        while self._runs is runs and runs is not None:
            with self._changed:
                if self._next <= since:
                    self._changed.wait(0.05)
                if self._next <= since and time.monotonic() - beat < int(asked["heartbeat"]) / 1000:
                    continue
                document = self.sample(since, int(asked["count"]), device)
                beat = time.monotonic()
            client.sendall(chunk(part(document)))
            following = re.search(rb'nextSequence="(\d+)"', document)
            if following is None:
                client.sendall(b"0\r\n\r\n")
                return
            since = int(following[1])


BOUNDARY = "8f1a2b3c"
STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nServer: MTConnectAgent\r\nConnection: close\r\nExpires: -1\r\n"
    f"Content-Type: multipart/x-mixed-replace;boundary={BOUNDARY}\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()


def answer(document: bytes, *, status: str = "200 OK", keeps: bool = True) -> bytes:
    """Return an answer with its head, as cppagent writes it."""
    close = "" if keeps else "Connection: close\r\n"
    head = f"HTTP/1.1 {status}\r\nServer: MTConnectAgent\r\n{close}Content-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(document)}\r\n\r\n".encode() + document


def part(document: bytes) -> bytes:
    """Return one part of a stream."""
    return (
        f"--{BOUNDARY}\r\nContent-type: text/xml\r\nContent-length: {len(document)}\r\n\r\n".encode()
        + document
        + b"\r\n"
    )


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a chunked body."""
    return b"%x\r\n" % len(data) + data + b"\r\n"
