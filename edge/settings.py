"""The edge's settings: one TOML file, read once at start. What it names is opened elsewhere."""

import re
from collections import Counter
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from broker.events import Id
from broker.settings import Mqtt, Place, Settings, TimeZone
from broker.topics import GATEWAY
from edge.drivers import device
from edge.drivers.table import AnyReader, Machine
from edge.lamp import Lamp
from edge.outbox import Keeping
from edge.rules import Desk

_SHIFT = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class OutboxSettings(Settings):
    """How much may stay on this disk. Events the server has not confirmed are never deleted, whatever stands here."""

    limit_bytes: Annotated[int, Field(ge=10_000_000)] = 1_000_000_000
    kept_bytes: Annotated[int, Field(ge=0)] = 200_000_000
    kept_days: Annotated[int, Field(ge=0, le=3650)] = 30

    def keeping(self) -> Keeping:
        """Return them as the outbox wants them."""
        return Keeping(self.limit_bytes, self.kept_bytes, self.kept_days)


class RawSettings(Settings):
    """How much of what each device sent stays on this disk, for `listen` and for support; 0: nothing."""

    kept_bytes: Annotated[int, Field(ge=0, le=1_000_000_000)] = 4_000_000


class Edge(Settings):
    """The whole file. `data_dir` holds the outbox, the kept order views and the lock."""

    firm: Id
    edge: Id
    data_dir: Place
    time_zone: TimeZone = "Asia/Tokyo"
    shifts: tuple[str, ...] = ()
    panel: Literal["auto", "screen", "lines", "off"] = "auto"
    mqtt: Mqtt = Mqtt()
    outbox: OutboxSettings = OutboxSettings()
    raw: RawSettings = RawSettings()
    scanner: tuple[AnyReader, ...] = ()
    machine: tuple[Machine, ...] = ()
    lamp: tuple[Lamp, ...] = ()

    @field_validator("firm")
    @classmethod
    def _not_reserved(cls, firm: str) -> str:
        if firm == GATEWAY:
            raise ValueError(
                f"{GATEWAY} は共有サーバーの名前です。自社の id を書いてください / "
                f"{GATEWAY} is reserved for the shared server: give the firm's own id"
            )
        return firm

    @field_validator("shifts")
    @classmethod
    def _readable_shifts(cls, shifts: tuple[str, ...]) -> tuple[str, ...]:
        for shift in shifts:
            _times(shift)
        return shifts

    @model_validator(mode="after")
    def _each_device_once(self) -> Self:
        for ja, en, what, names in (
            ("スキャナ", "scanners", "id", [one.id for one in self.scanner]),
            ("スキャナ", "scanners", "port", [str(one.place) for one in self.scanner]),
            ("ランプ", "lamps", "id", [one.id for one in self.lamp]),
            ("ランプ", "lamps", "beside", [one.beside for one in self.lamp]),
            (
                "装置",
                "devices",
                "port",
                [
                    *(str(one.port) for one in self.lamp if one.port),
                    *{str(one) for one in self.ports},
                ],
            ),
            ("機械", "machines", "id", [one.id for one in self.machine]),
            ("機械", "machines", "station", [one.station for one in self.machine]),
            (
                "装置",
                "devices",
                "id",
                sorted({one.id for one in self.scanner}) + sorted({one.id for one in self.machine}),
            ),
        ):
            for name, count in Counter(names).items():
                if count > 1:
                    raise ValueError(
                        f"{ja} {count} 台の {what} が同じ {name} です。別々にしてください / "
                        f"{count} {en} have the {what} {name}: give each its own"
                    )
        return self

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        """Several machines on one line take turns if their driver can; a port is open once."""
        taken: dict[str, tuple[str, object]] = {str(one.place): (one.id, None) for one in self.scanner}
        for machine in self.machine:
            if not machine.shares_line and not isinstance(machine.place, device.Serial):
                continue
            other, line = taken.setdefault(str(machine.place), (machine.id, machine.line))
            if other != machine.id and (not machine.shares_line or line != machine.line):
                raise ValueError(
                    f"{machine.id} と {other} が同じ {machine.place} を使います。一本の線に並べられるのは、"
                    "baud、framing、protocol が同じ modbus だけです / "
                    f"{machine.id} and {other} are both at {machine.place}: only modbus machines of the same baud, "
                    "framing and protocol share a line"
                )
        return self

    @model_validator(mode="after")
    def _beside_a_scanner(self) -> Self:
        known = list(self._scanned)
        for one in (*self.scanner, *self.lamp):
            if one.beside and one.beside not in known:
                raise ValueError(
                    f"{one.id} の beside は {one.beside} ですが、設備のあるスキャナにその id はありません / "
                    f"{one.id} is to be beside {one.beside}, and no scanner with stations has that id: "
                    f"write one of {', '.join(known) or 'those you add'}"
                )
        return self

    @property
    def places(self) -> dict[str, device.Place]:
        """Where each scanner and machine is heard, by its id."""
        return {one.id: one.place for one in (*self.scanner, *self.machine)}

    @property
    def ports(self) -> tuple[Path, ...]:
        """The serial ports of scanners and machines: no lamp may be on one."""
        return tuple(one.port for one in self.places.values() if isinstance(one, device.Serial))

    @property
    def machine_ports(self) -> tuple[Path, ...]:
        """The serial ports of machines: no scanner's answers may go there, either."""
        return tuple(one.place.port for one in self.machine if isinstance(one.place, device.Serial))

    @property
    def outbox_path(self) -> Path:
        """The outbox's file."""
        return self.data_dir / "outbox.sqlite"

    @property
    def views_path(self) -> Path:
        """The kept order views, which may be deleted: the broker has them too."""
        return self.data_dir / "views.sqlite"

    @property
    def author(self) -> str:
        """Who this edge is in every event's key."""
        return f"{self.firm}/{self.edge}"

    @property
    def _scanned(self) -> dict[str, tuple[str, ...]]:
        """The stations of everything that sends codes."""
        scanners = {one.id: one.stations for one in self.scanner if one.stations}
        return scanners | {one.id: (one.station,) for one in self.machine if one.scans}

    @property
    def desks(self) -> dict[str, Desk]:
        """Who scans where: by the id of each scanner, of each pad (that of its scanner), of each machine that scans."""
        stations = self._scanned
        whose = {one.id: one.desk for one in self.scanner} | {one.id: one.id for one in self.machine if one.scans}
        return {name: self.desk(desk, stations[desk]) for name, desk in whose.items()}

    def desk(self, scanner: str, stations: tuple[str, ...]) -> Desk:
        """Return what the scan rules are told about a scanner."""
        shifts = tuple(_times(shift) for shift in self.shifts)
        return Desk(self.firm, self.edge, scanner, stations, shifts, ZoneInfo(self.time_zone))


def _times(shift: str) -> tuple[time, time]:
    found = _SHIFT.fullmatch(shift)
    try:
        numbers = [int(part) for part in found.groups()] if found else []
        return time(numbers[0], numbers[1]), time(numbers[2], numbers[3])
    except (IndexError, ValueError):
        raise ValueError(
            f"{shift!r} は勤務時間ではありません。08:00-17:00 のように書いてください / "
            f"{shift!r} is no shift: write it as 08:00-17:00"
        ) from None
