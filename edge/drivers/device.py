"""What the settings of every machine hold, whatever its driver: its station, its line, how its readings are judged.

Nothing here opens the line it names (see `edge.wire`).
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from broker.events import Id
from broker.settings import Connection, Settings
from broker.words import Word
from edge.drivers.readings import Parser
from edge.rules.counting import STEP_MOST
from edge.rules.machines import DWELL_MS

_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,255}:[0-9]{1,5}")
_NUMBERS = re.compile(r"[0-9.]+")

Framing = Literal["8N1", "8N2", "8E1", "8E2", "8O1", "7E1", "7E2", "7O1", "7O2", "7N2"]
"""Data bits, parity and stop bits of a serial line."""
CANNOT_BE_SET = "cannot be set to"
"""How the sentence of a port begins that takes no such speed or framing."""


def _host_and_port(address: str) -> str:
    if not _ADDRESS.fullmatch(address) or not 0 < int(address.rpartition(":")[2]) < 65_536:
        raise ValueError(
            f"{address!r} はアドレスではありません。192.168.1.20:7878 のように書いてください / "
            f"{address!r} is no address: write it as 192.168.1.20:7878"
        )
    host = address.rpartition(":")[0]
    if _NUMBERS.fullmatch(host) and not _is_ip(host):
        raise ValueError(
            f"{host} という IP アドレスはありません。0〜255 の数が四つです。192.168.1.20:7878 のように書いてください / "
            f"{host} is no IP address: those are four numbers from 0 to 255. Write it as 192.168.1.20:7878"
        )
    return address


def _is_ip(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _no_keyboard(port: Path) -> Path:
    if port.is_relative_to("/dev/input"):
        raise ValueError(
            f'{port} はキーボードの口です。[[scanner]] に driver = "hid" と書いてください / '
            f'{port} is a keyboard: write driver = "hid" in a [[scanner]] table'
        )
    return _in_dev(port)


def _keyboard(port: Path) -> Path:
    if port.is_relative_to("/dev/serial") or port.name.startswith("tty"):
        raise ValueError(
            f'{port} はシリアルの口で、キーボードではありません。[[scanner]] の driver = "hid" を消してください / '
            f'{port} is a serial port, no keyboard: take driver = "hid" out of this [[scanner]] table'
        )
    return _in_dev(port)


def _in_dev(port: Path) -> Path:
    if not port.is_absolute():
        raise ValueError(
            f"{str(port)!r} という口はありません。mawashi-edge ports の出す、/dev/ で始まる名前を書いてください / "
            f"{str(port)!r} is no port: write a name that begins with /dev/, as mawashi-edge ports shows it"
        )
    return port


SerialPort = Annotated[Path, AfterValidator(_no_keyboard)]
KeyboardPort = Annotated[Path, AfterValidator(_keyboard)]


Address = Annotated[str, Field(max_length=262), AfterValidator(_host_and_port)]


@dataclass(frozen=True, slots=True)
class Tcp:
    """A TCP connection to `HOST:PORT`."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial port, best named by /dev/serial/by-id. `xonxoff`: the device stops and starts us by DC3 and DC1."""

    port: Path
    baud: int = 9600
    framing: Framing = "8N1"
    xonxoff: bool = False

    def __str__(self) -> str:
        return str(self.port)


@dataclass(frozen=True, slots=True)
class Gpio:
    """An input pin of this computer, by its number on the chip or by its name (`GPIO17`)."""

    chip: Path
    line: int | str
    pull: Literal["up", "down", "none"] = "up"
    active_low: bool = True
    debounce_ms: float = 30.0

    def __str__(self) -> str:
        return f"{self.chip} {self.line}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of an MQTT broker: `filters` may hold + and #."""

    broker: Connection
    filters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.broker.host}:{self.broker.port} {' '.join(self.filters)}"


@dataclass(frozen=True, slots=True)
class Keys:
    """A keyboard device, best named by /dev/input/by-id: ours alone while it is open, unless it is not grabbed."""

    port: Path
    grab: bool = True

    def __str__(self) -> str:
        return str(self.port)


Place = Tcp | Serial | Gpio | Topics | Keys
"""Where a device is heard."""


class Device(Settings):
    """One machine that can be heard. Read only: nothing here could move it. A driver adds `driver` and its own keys."""

    shares_line: ClassVar[bool] = False
    """Whether several of them may be on one line, asked in turn (see `edge.bus`)."""
    answers: ClassVar[bool] = True
    """Whether it speaks within seconds, by itself or when asked: silence is a fault then, and else may be rest."""

    id: Id
    driver: str
    station: Id
    dwell_seconds: Annotated[float, Field(ge=0, le=600)] = DWELL_MS / 1000
    step_most: Annotated[int, Field(ge=1, le=10_000)] = STEP_MOST

    @property
    def place(self) -> Place:
        """Where it is heard."""
        raise NotImplementedError

    @property
    def read_seconds(self) -> float:
        """How long one read waits when nothing comes: what an idle edge costs is mostly its waking up."""
        return 0.5

    @property
    def line(self) -> object:
        """What those who share its line have in common."""
        return self.place

    @property
    def wrap(self) -> int | None:
        """The value after which its counter begins again at 0; None if it never does."""
        return None

    @property
    def scans(self) -> bool:
        """Whether it also sends codes that were scanned: they count as scans of its station."""
        return False

    @property
    def left_out(self) -> Word | None:
        """What it could tell, and these settings do not ask of it; None if nothing."""
        return None

    def parser(self) -> Parser:
        """Return its driver, set as these settings say."""
        raise NotImplementedError


class NetworkDevice(Device):
    """A device on the network alone."""

    address: Address

    @property
    def place(self) -> Place:
        return Tcp(self.address)


class TopicDevice(Device, Connection):
    """A device that is heard by way of an MQTT broker: the one beside it, usually on this very machine."""

    @property
    def filters(self) -> tuple[str, ...]:
        """The topics to listen to."""
        raise NotImplementedError

    @property
    def place(self) -> Place:
        return Topics(self, self.filters)


class WiredDevice(Device):
    """A device on a serial port, or behind an address: its own, or that of a converter from serial to LAN."""

    port: SerialPort | None = None
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    framing: Framing = "8N1"
    xonxoff: bool = False
    address: Address | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.port is None) == (self.address is None):
            raise ValueError(
                "port（シリアル）か address（LAN）のどちらか一つを書いてください / "
                "give either port (serial) or address (network), and only one"
            )
        return self

    @property
    def place(self) -> Place:
        if self.port is not None:
            return Serial(self.port, self.baud, self.framing, self.xonxoff)
        assert self.address
        return Tcp(self.address)
