"""The settings of a Modbus unit: where its values lie, what they mean. pymodbus is imported only if there is one."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from broker.events import MachineState, Word
from broker.settings import Settings
from edge.drivers.device import WiredDevice
from edge.drivers.modbus.lamps import COLOURS, STATE_BITS
from edge.drivers.modbus.reads import BITS, READS, Read
from edge.drivers.modbus.signals import WRAPS, Type
from edge.drivers.modbus.signals import Signal as Place

if TYPE_CHECKING:
    from edge.drivers.modbus.parser import Parser

PARTS = "parts"
STATE = "state"

Said = Literal["running", "idle", "setup", "hold", "alarm", "off"]
Meaning = Said | Literal["none"]
Addresses = Literal["manual", "from_1", "wire"]
Kind = Literal["bit", "u16", "u32", "u32_swapped", "bcd16", "bcd32", "bcd32_swapped"]

_DIGIT: Mapping[Read, int] = {Read.COILS: 0, Read.DISCRETE: 1, Read.INPUT: 3, Read.HOLDING: 4}
_PLACES = 65_536


class Tower(Settings):
    """What each lamp means. A flashing one means what it means when lit, until the settings say otherwise."""

    red: Meaning = "alarm"
    red_flashing: Meaning = "alarm"
    yellow: Meaning = "hold"
    yellow_flashing: Meaning = "hold"
    green: Meaning = "running"
    green_flashing: Meaning = "running"
    blue: Meaning = "none"
    blue_flashing: Meaning = "none"
    white: Meaning = "none"
    white_flashing: Meaning = "none"


class Signal(Settings):
    """One value of the unit. What it means follows from its name: a state, a lamp, `state`, else pieces."""

    name: Word
    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    address: Annotated[int, Field(ge=0, le=465_536)]
    type: Kind | None = None
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    inverted: bool = False
    values: Mapping[int, Said] = Field(default_factory=dict)

    @property
    def kind(self) -> Type:
        """Its type: of a coil or where `bit` stands a bit, else u16."""
        usual = Type.BIT if READS[self.table] in BITS or self.bit is not None else Type.U16
        return Type(self.type) if self.type else usual

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for wrong, ja, en in (
            (
                self.kind is not Type.BIT and READS[self.table] in BITS,
                f"{self.table} は 1 ビットずつです。type を消してください",
                f"a {self.table} is one bit: leave type out",
            ),
            (
                self.kind is Type.BIT and READS[self.table] not in BITS and self.bit is None,
                "bit = 0〜15 を書いてください",
                "say which bit of the register, as bit = 0 to 15",
            ),
            (
                self.bit is not None and (self.kind is not Type.BIT or READS[self.table] in BITS),
                "bit は、レジスタの 1 ビットを読むときだけ書けます",
                "bit is for one bit of a register only",
            ),
            (self.inverted and self.kind is not Type.BIT, "inverted はビットだけです", "inverted is for bits only"),
            (
                bool(self.values) != (self.name == STATE),
                f"values は name = {STATE!r} の信号に書きます（数と状態の表）",
                f"values, a table from numbers to states, belongs to the signal named {STATE!r}",
            ),
            (
                self.kind is Type.BIT and self.name not in {*STATE_BITS, *COLOURS},
                f"ビットの名前は {', '.join((*STATE_BITS, *COLOURS))} のどれかです",
                f"a bit is named one of {', '.join((*STATE_BITS, *COLOURS))}",
            ),
            (
                self.kind is not Type.BIT and self.name in STATE_BITS,
                f"状態が数で表されるなら name = {STATE!r} にして values を書いてください",
                f"where a number says the state, name it {STATE!r} and add values",
            ),
        ):
            if wrong:
                raise ValueError(f"信号 {self.name}：{ja} / signal {self.name}: {en}")
        return self

    def place(self, addresses: Addresses) -> Place:
        """Return where it lies, counted from 0 as on the wire. Raises ValueError if there is no such place."""
        read, digit = READS[self.table], _DIGIT[READS[self.table]]
        match addresses:
            case "wire":
                found = self.address
            case "from_1":
                found = self.address - 1
            case _ if digit * 100_000 < self.address and (digit == 0 or self.address >= 100_000):
                found = self.address - digit * 100_000 - 1
            case _:
                found = self.address - digit * 10_000 - 1
                found = found if found < 9_999 else -1
        place = Place(
            self.name,
            read,
            found,
            self.kind,
            self.bit or 0,
            self.inverted,
            {number: MachineState(state) for number, state in self.values.items()},
            f"{self.table} {self.address}" + (f" bit {self.bit}" if self.bit is not None else ""),
        )
        if not 0 <= found <= _PLACES - place.size:
            first = {"wire": 0, "from_1": 1}.get(addresses, digit * 10_000 + 1)
            raise ValueError(
                f"信号 {self.name}：{self.table} に番地 {self.address} はありません。addresses = {addresses!r} なら"
                f" {first} からです。0 から数えた番地なら addresses = 'wire'、1 からなら 'from_1' / "
                f"signal {self.name}: there is no {self.table} {self.address}: with addresses = {addresses!r} the "
                f"first is {first}. For addresses counted from 0 set addresses = 'wire', from 1 'from_1'"
            )
        return place


class Modbus(WiredDevice):
    """One unit of a Modbus line (RTU), or of a network (TCP). Several may share a line; one unit may be several."""

    shares_line: ClassVar[bool] = True

    driver: Literal["modbus"]
    protocol: Literal["rtu", "tcp"] | None = None
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    addresses: Addresses = "manual"
    poll_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 1.0
    answer_seconds: Annotated[float, Field(ge=0.05, le=10)] = 0.5
    nothing_on: Said | None = None
    tower: Tower = Tower()
    signal: tuple[Signal, ...] = ()

    @property
    def over_tcp(self) -> bool:
        """Whether frames are those of Modbus TCP: on a network, unless `protocol` says that a converter carries RTU."""
        return self.port is None and self.protocol != "rtu"

    @property
    def line(self) -> object:
        """See `Device`."""
        return self.place, self.over_tcp

    @property
    def wrap(self) -> int | None:
        """See `Device`: that of the signal `parts`, which is offered at a finish, else of the first counter."""
        kinds = [one.kind for one in sorted(self.signal, key=lambda one: one.name != PARTS) if _counts(one)]
        return WRAPS[kinds[0]] if kinds else None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.signal:
            raise ValueError(
                "読むものがありません。[[machine.signal]] を書いてください / nothing to read: add a [[machine.signal]]"
            )
        for name, count in Counter(one.name for one in self.signal).items():
            if count > 1:
                raise ValueError(
                    f"信号 {count} 個の name が同じ {name} です。別々にしてください / "
                    f"{count} signals have the name {name}: give each its own"
                )
        for signal in self.signal:
            signal.place(self.addresses)
        if self.xonxoff or self.framing[0] == "7":
            raise ValueError(
                "Modbus RTU は 8 ビット、xonxoff なしです。framing を 8N1、8E1 などにしてください / "
                "Modbus RTU has 8 bits and no xonxoff: set framing to 8N1, 8E1 or the like"
            )
        if self.port and self.protocol == "tcp":
            raise ValueError(
                "シリアルに protocol = 'tcp' はありません。消してください / "
                "there is no protocol 'tcp' on a serial port: leave it out"
            )
        if not self.over_tcp and not 1 <= self.unit <= 247:
            raise ValueError(
                f"unit {self.unit} は RTU にありません。1〜247 です / there is no unit {self.unit} on RTU: 1 to 247"
            )
        return self

    def parser(self) -> "Parser":
        """See `Device`."""
        from edge.drivers.modbus.frames import Either, Rtu, Tcp  # noqa: PLC0415 - pymodbus costs memory: only if it is used
        from edge.drivers.modbus.parser import Parser, Watched  # noqa: PLC0415

        tower = {name: MachineState(meaning) for name, meaning in self.tower.model_dump().items() if meaning != "none"}
        watched = Watched(
            unit=self.unit,
            signals=tuple(one.place(self.addresses) for one in self.signal),
            tower=tower,
            nothing_on=MachineState(self.nothing_on) if self.nothing_on else None,
            poll_ms=int(self.poll_seconds * 1000),
            answer_ms=int(self.answer_seconds * 1000),
        )
        if self.port is None and not self.address:  # nobody's settings: a recording is to be understood
            return Parser(watched, Either())
        return Parser(watched, Tcp() if self.over_tcp else Rtu())


def _counts(signal: Signal) -> bool:
    return signal.kind is not Type.BIT and signal.name not in {STATE, *COLOURS}
