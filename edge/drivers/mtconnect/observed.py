"""What one machine's observations come to: its state, its totals, its alarms. Pure.

Source: MTConnect schema 2.7 (observation types and sub-types of PART_COUNT); the state map is `edge.drivers.execution`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from broker.events import MachineState
from edge.drivers.execution import UNAVAILABLE, Execution
from edge.drivers.mtconnect.document import Observation
from edge.drivers.readings import Alarm, Reading, State, Total

FIELDS: Mapping[str, str] = {
    "Execution": "execution",
    "ControllerMode": "mode",
    "EmergencyStop": "estop",
    "FunctionalMode": "function",
    "PartCount": "parts",
    "Availability": "available",
    "PowerState": "power",
    "PowerStatus": "power",
    "Alarm": "",
}
"""What an element says. `PowerStatus` and `Alarm` are those of versions 1.0 and 1.1."""

NO_EXECUTION = "NO EXECUTION"
"""The word for a machine that tells no program state at all."""
_WHOLE = frozenset({"Device", "Controller", "Power", "Electric"})
"""Whose power and availability are the machine's; a pump's are not."""
_PIECES = ("", "ALL", "COMPLETE", "GOOD")
"""Sub-types of PART_COUNT that count what is made, the best first. TARGET and REMAINING count nothing made."""
_SPOILT = frozenset({"BAD", "FAILED"})
_COUNT = re.compile(r"(\d{1,20})(?:\.0*)?", re.ASCII)
_COUNT_MOST = 10_000_000
_ITEMS_MOST = 500
_FAULTS_MOST = 200

_BUSIEST = (
    MachineState.ALARM,
    MachineState.RUNNING,
    MachineState.HOLD,
    MachineState.SETUP,
    MachineState.IDLE,
    MachineState.OFF,
    MachineState.UNKNOWN,
)
"""Of a machine's several paths the first of these is the machine's."""


class Observed:
    """The last value of every data item that matters. `chosen`: ids or names by field, instead of all of its type."""

    def __init__(self, chosen: Mapping[str, tuple[str, ...]]) -> None:
        self._chosen = chosen
        self._values: dict[str, dict[tuple[str, str], str]] = {}
        """By field: value by component and item."""
        self._was_available = False
        self._faults: set[str] = set()
        self._signals: dict[str, str] = {}
        self._rank = len(_PIECES)
        self._shown: dict[str, int] = {}
        self.said: State | None = None
        """The state that was said last; None says it again."""

    def take(self, found: Iterable[Observation], *, whole: bool) -> list[Reading]:
        """Take observations, oldest first; return what they say. `whole`: they are what is now, not a history."""
        found = list(found)
        for one in found:
            if self._field(one) == "parts" and not one.level:
                self._name(one)
        readings: list[Reading] = []
        if whole:
            for one in found:
                readings += self._apply(one)
            stated = [one.at for one in found if one.at and (one.level or self._field(one) not in ("", "parts"))]
            return readings + self.state(max(stated, default=None))
        for at, group in groupby(found, key=lambda one: one.at):
            for one in group:
                readings += self._apply(one)
            if self._values.get("execution"):
                readings += self.state(at)
        return readings

    def state(self, at: datetime | None) -> list[Reading]:
        """Return the state if it is another than was said last."""
        said, state = self.said, self._state(at)
        if said is not None and (said.state, said.raw) == (state.state, state.raw):
            return []
        self.said = state
        return [state]

    def ended(self) -> list[Reading]:
        """Return the ends of its alarms: nothing of it is certain any more."""
        return [Alarm(key, "", active=False) for key in sorted(self._faults)]

    def _field(self, one: Observation) -> str:
        """Return which of our fields an observation is; empty: none of them."""
        for name, chosen in self._chosen.items():
            if chosen and (one.item in chosen or one.name in chosen):
                return name
        name = FIELDS.get(one.kind, "")
        if self._chosen.get(name) or (name in ("power", "available") and one.component_kind not in _WHOLE):
            return ""
        return name

    def _apply(self, one: Observation) -> list[Reading]:
        if one.level:
            return self._condition(one)
        name = self._field(one)
        if name == "parts":
            return self._total(one)
        if not name:
            return []
        values = self._values.setdefault(name, {})
        if (one.component, one.item) in values or len(values) < _ITEMS_MOST:
            values[one.component, one.item] = one.text.upper()[:40]
            self._was_available |= name == "available" and one.text.upper() == "AVAILABLE"
        return []

    def _state(self, at: datetime | None) -> State:
        executions = self._values.get("execution")
        if not executions:
            return State(MachineState.UNKNOWN, NO_EXECUTION, at)
        paths = [
            Execution(
                execution=execution,
                mode=self._of("mode", component),
                estop="TRIGGERED" if "TRIGGERED" in self._values.get("estop", {}).values() else "",
                function=self._of("function", component),
                power="OFF" if "OFF" in self._values.get("power", {}).values() else "",
                available=self._of("available", component) if self._was_available else "",
                faults=self._faults,
            )
            for (component, _), execution in executions.items()
        ]
        busiest = min(paths, key=lambda path: _BUSIEST.index(path.state()))
        return State(busiest.state(), busiest.execution or UNAVAILABLE, at)

    def _of(self, name: str, component: str) -> str:
        """Return a field's value of the same component, else of the first that has one."""
        values = self._values.get(name, {})
        own = [value for (of, _), value in values.items() if of == component]
        return next(iter(own or values.values()), "")

    def _name(self, one: Observation) -> None:
        """Decide once which counter of a machine is its `parts`: of one kind the first."""
        key = one.item or one.name
        if key in self._signals or len(self._signals) >= _ITEMS_MOST:
            return
        if one.sub_type in _SPOILT and "bad" not in self._signals.values():
            self._signals[key] = "bad"
            return
        rank = _PIECES.index(one.sub_type) if one.sub_type in _PIECES else len(_PIECES)
        if self._chosen.get("parts"):
            rank = 0
        if rank < self._rank:
            self._signals = {at: name for at, name in self._signals.items() if name != "parts"} | {key: "parts"}
            self._rank = rank

    def _total(self, one: Observation) -> list[Reading]:
        signal, found = self._signals.get(one.item or one.name), _COUNT.fullmatch(one.text)
        if signal is None or found is None or int(found[1]) > _COUNT_MOST or self._shown.get(signal) == int(found[1]):
            return []
        self._shown[signal] = int(found[1])
        return [Total(signal, int(found[1]), one.at)]

    def _condition(self, one: Observation) -> list[Reading]:
        """Note faults, and tell each alarm's beginning and end. NORMAL without a code clears all of its item."""
        item = one.item or one.name
        key = f"{item}:{one.code}"
        if one.kind == "Fault":
            if key in self._faults or len(self._faults) >= _FAULTS_MOST:
                return []
            self._faults.add(key)
            return [Alarm(key, one.text or one.code or item, active=True, at=one.at)]
        if one.kind not in ("Normal", "Warning", "Unavailable"):
            return []
        ended = {key} & self._faults if one.code else {one for one in self._faults if one.startswith(f"{item}:")}
        self._faults -= ended
        return [Alarm(name, "", active=False, at=one.at) for name in sorted(ended)]


def is_history(found: Iterable[Observation]) -> bool:
    """Whether observations are a history, not what is now: /current says every data item once, conditions apart."""
    items = [one.item or one.name for one in found if not one.level]
    return len(items) > len(set(items))
