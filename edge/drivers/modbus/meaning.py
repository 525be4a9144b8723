"""What the values of a unit mean: totals of its counters, and a state by its lamps, its bits and a number. Pure.

When a value was asked for is not known here (see `parser`).
"""

from collections.abc import Iterable, Iterator, Mapping

from broker.events import MachineState
from edge.drivers.modbus.lamps import COLOURS, STATE_BITS, Lamp, Look, first_of, look_of
from edge.drivers.modbus.signals import Signal, Type
from edge.drivers.readings import Gap, Reading, State, Total


class Meaning:
    """Remembers the last value of every signal. `tower` has the colours, and each with `_flashing`."""

    def __init__(
        self, signals: Iterable[Signal], tower: Mapping[str, MachineState], nothing_on: MachineState | None
    ) -> None:
        self._signals = {one.name: one for one in signals}
        self._deciding = [one for one in self._signals.values() if one.states or one.name in _DECIDE]
        self._tower, self._nothing_on = tower, nothing_on
        self._values: dict[str, int | None] = {}
        self._lamps: dict[str, Lamp] = {}
        self._looks: dict[str, Look | None] = {}
        self._said: tuple[MachineState, str] | None = None

    def forget(self) -> None:
        """Forget every value: what was is not what is."""
        self._values, self._lamps, self._looks, self._said = {}, {}, {}, None

    def refused(self, names: Iterable[str]) -> None:
        """Say that the unit does not tell these: they are absent, and what it told before is over."""
        for name in names:
            self._values[name] = None
            self._looks.pop(name, None)
            self._lamps.pop(name, None)

    def take(self, found: Mapping[str, int | None], mono_ms: int) -> Iterator[Reading]:
        """Take values by signal, None where one cannot be read; yield totals that changed and what makes no sense."""
        for name, value in found.items():
            one, before = self._signals[name], self._values.get(name)
            known = name in self._values
            self._values[name] = value
            if value is None:
                if before is not None or not known:
                    yield Gap(
                        f"信号 {name}（{one.shown}）は BCD ではありません。type を確かめてください / "
                        f"signal {name} ({one.shown}) is no BCD: check type"
                    )
            elif name in COLOURS:
                self._see(one, value, mono_ms)
            elif one.states:
                if value not in one.states and value != before:
                    yield Gap(
                        f"信号 {name} の値 {value} は values にありません。足してください / "
                        f"signal {name} shows {value}, which values does not name: add it"
                    )
            elif one.type is not Type.BIT and value != before:
                yield Total(name, value)

    def state(self) -> Iterator[State]:
        """Yield what the machine does if that changed, once everything that decides it has been asked."""
        if not self._deciding or any(one.name not in self._values or self._unsure(one) for one in self._deciding):
            return
        now = first_of(self._speaking()) or self._nothing()
        if now != self._said:
            self._said = now
            yield State(*now)

    def _see(self, one: Signal, value: int, mono_ms: int) -> None:
        if one.type is Type.BIT:
            self._looks[one.name] = self._lamps.setdefault(one.name, Lamp()).see(value, mono_ms)
        else:
            self._looks[one.name] = look_of(value)

    def _unsure(self, one: Signal) -> bool:
        """Whether a lamp has not been watched for long enough."""
        return one.name in self._looks and self._looks[one.name] is None

    def _speaking(self) -> Iterator[tuple[MachineState, str]]:
        for one in self._deciding:
            value = self._values[one.name]
            if value is None:
                continue
            if one.states:
                yield one.states.get(value, MachineState.UNKNOWN), f"{one.name} {value}"
            elif one.name in STATE_BITS:
                if value:
                    yield STATE_BITS[one.name], one.name
            elif (look := self._looks[one.name]) is not Look.OFF:
                name = one.name if look is Look.LIT else f"{one.name}_flashing"
                if name in self._tower:
                    yield self._tower[name], name

    def _nothing(self) -> tuple[MachineState, str]:
        """Return what it means that nothing is on: standing still only where a machine that runs would have said so."""
        told = [one.name for one in self._deciding if self._values[one.name] is not None]
        if not told:
            return MachineState.UNKNOWN, "REFUSED"
        runs = any(
            MachineState.RUNNING in (STATE_BITS.get(name), self._tower.get(name), self._tower.get(f"{name}_flashing"))
            for name in told
        )
        return self._nothing_on or (MachineState.IDLE if runs else MachineState.UNKNOWN), "NOTHING ON"


_DECIDE = frozenset((*STATE_BITS, *COLOURS))
