"""The machines of the demo's firms: where each stands, what its edge is told of it; each does what the shop says.

A machine is found by its name in `FLEET`; how it speaks is in `gateway.demo.machines`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.machines import Machine
from gateway.demo.machines.adapter import Adapter
from gateway.demo.machines.counter import PulseCounter
from gateway.demo.machines.dprnt import DprntControl
from gateway.demo.machines.esp32 import Esp32
from gateway.demo.machines.haas import EthernetHaas
from gateway.demo.machines.modbus import Line, Unit
from gateway.demo.machines.mtconnect import Agent
from gateway.demo.place import Broker, table
from gateway.demo.shop import Turn

UNPLUGGED = "nc-5-counter"
"""The device whose cable is pulled out and put in again."""
BABBLING = "nc-2-dprnt"
"""The device that sends garbage for a while; both are at the one edge that has a device of every kind."""
GRANT = "pattern readwrite machines/%u/#"
"""What the demo's broker grants besides: it is also the local broker that a shop's own boards publish to."""
_STEP_MOST = 1000
"""At 280 times the speed of life a lot passes between two questions."""


@dataclass(frozen=True, slots=True)
class Where:
    """What making a machine needs: a folder for the names of its ports, and the broker."""

    folder: Path
    broker: Broker


@dataclass(frozen=True, slots=True)
class Standing:
    """One machine: what its edge calls it, at which station of which firm, its driver, and how both ends are made."""

    id: str
    firm: str
    station: str
    driver: str
    made: "Callable[[Where, Standing], tuple[Machine, str]]"
    """The machine, and the rest of its settings as TOML."""

    @property
    def port(self) -> str:
        """What its serial port is called."""
        return f"usb-{self.id}-if00"


def _adapter(_: Where, __: Standing) -> tuple[Machine, str]:
    machine = Adapter()
    return machine, table(address=machine.address)


def _dprnt(where: Where, standing: Standing) -> tuple[Machine, str]:
    machine = DprntControl(where.folder, standing.port)
    return machine, table(port=str(machine.port))


def _haas(_: Where, __: Standing) -> tuple[Machine, str]:
    machine = EthernetHaas()
    return machine, table(address=machine.address)


def _counter(where: Where, standing: Standing) -> tuple[Machine, str]:
    machine = PulseCounter(where.folder, standing.port)
    return machine, table(port=str(machine.port), cycle_seconds=1)


def _plc(_: Where, __: Standing) -> tuple[Machine, str]:
    machine = Line(Unit(1, holding={0: 0, 1: 0}, discrete={0: 0}))
    parts = table("[[machine.signal]]", name="parts", address=40001, type="u32_swapped")
    green = table("[[machine.signal]]", name="running", table="discrete", address=10001)
    return machine, "\n".join([table(port=str(machine.port), nothing_on="idle", poll_seconds=2), parts, green])


def _esp32(where: Where, standing: Standing) -> tuple[Machine, str]:
    firm, broker = standing.firm, where.broker
    name, password = f"{firm}/{standing.station}", broker.passwords.get(firm)
    machine = Esp32(broker.port, name, login=(firm, password) if password else None)
    login = {"username": firm, "password_file": str(where.folder / f"{firm}.password")} if password else {}
    return machine, table(preset="esp32", name=name, port=broker.port, version=broker.version, **login)


def _mtconnect(_: Where, __: Standing) -> tuple[Machine, str]:
    machine = Agent()
    return machine, table(address=machine.address)


EVERY_KIND = "turning"
"""The firm at whose one edge there is a machine of every kind, beside its scanners."""
FLEET = (
    Standing("nc-1-adapter", EVERY_KIND, "nc-1", "shdr", _adapter),
    Standing("nc-2-dprnt", EVERY_KIND, "nc-2", "dprnt", _dprnt),
    Standing("nc-4-haas", EVERY_KIND, "nc-4", "haas", _haas),
    Standing("nc-5-counter", EVERY_KIND, "nc-5", "counter", _counter),
    Standing("nc-7-plc", EVERY_KIND, "nc-7", "modbus", _plc),
    Standing("nc-8-esp32", EVERY_KIND, "nc-8", "mqtt", _esp32),
    Standing("nc-10-mill", EVERY_KIND, "nc-10", "mtconnect", _mtconnect),
    Standing("gr-1-counter", "grinding", "gr-1", "counter", _counter),
    Standing("tank-1-esp32", "plating", "tank-1", "mqtt", _esp32),
    Standing("bench-1-cmm", "inspection", "bench-1", "shdr", _adapter),
)
"""Seven kinds at one edge, one cheap one at each of the others: what machines cost here, everybody's scans wait for."""


@dataclass(slots=True)
class Doing:
    """What a machine does since its last turn, and how many pieces it had made by then."""

    turn: Turn | None = None
    before: int = 0

    def pieces(self, at: float) -> int:
        """Return what its counter shows at a simulated instant."""
        if self.turn is None or not self.turn.pieces:
            return self.before
        done = min(1.0, max(0.0, (at - self.turn.at) / self.turn.seconds))
        return self.before + int(self.turn.pieces * done)

    def next(self, turn: Turn) -> None:
        """Take a new turn; a machine that stops early has made what it has made."""
        self.before, self.turn = self.pieces(turn.at), turn


@dataclass(slots=True)
class Fleet:
    """All machines, switched on and off together; `tick` makes them show what the shop says. One thread."""

    where: Where
    machines: dict[str, Machine] = field(init=False, default_factory=dict)
    doing: dict[tuple[str, str], Doing] = field(init=False, default_factory=dict)
    off: set[str] = field(init=False, default_factory=set)
    babbling: bool = False
    _tables: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for one in FLEET:
            self.machines[one.id], rest = one.made(self.where, one)
            self.doing[one.firm, one.station] = Doing()
            head = table("[[machine]]", id=one.id, driver=one.driver, station=one.station, step_most=_STEP_MOST)
            self._tables.setdefault(one.firm, []).append(f"{head}{rest}")

    def tables(self, firm: str) -> list[str]:
        """Return the tables of a firm's machines for its edge's settings."""
        return self._tables.get(firm, [])

    def start(self) -> None:
        """Switch them on; the broker must be there."""
        for machine in self.machines.values():
            machine.start()

    def stop(self) -> None:
        """Switch them off."""
        for name, machine in self.machines.items():
            if name not in self.off:
                machine.stop()

    def take(self, turn: Turn) -> None:
        """Let the machine of that station do this from now on, if one stands there."""
        if doing := self.doing.get((turn.firm, turn.station)):
            doing.next(turn)

    def tick(self, at: float) -> None:
        """Let every machine show what it does at a simulated instant."""
        for one in FLEET:
            machine, doing = self.machines[one.id], self.doing[one.firm, one.station]
            if one.id == BABBLING and self.babbling:
                assert isinstance(machine, DprntControl)
                machine.babbles()
            elif one.id not in self.off:
                machine.shows(running=doing.turn is not None and doing.turn.running, pieces=doing.pieces(at))

    def unplug(self) -> None:
        """Pull one machine's cable out."""
        self.machines[UNPLUGGED].stop()
        self.off.add(UNPLUGGED)

    def plug(self) -> None:
        """Put it in again."""
        self.machines[UNPLUGGED].start()
        self.off.discard(UNPLUGGED)


def firm_of(machine: str) -> str:
    """Return whose a machine is."""
    return next(one.firm for one in FLEET if one.id == machine)


def by_driver() -> Mapping[str, int]:
    """Return how many machines of each driver there are."""
    return Counter(one.driver for one in FLEET)


def kind_of(device: str) -> str:
    """Return a device's driver; what is no machine is a scanner."""
    return next((one.driver for one in FLEET if one.id == device), "scanner")
