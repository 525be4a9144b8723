"""MTConnect's words for what a machine does, mapped down to ours. For SHDR adapters and for agents.

Source: MTConnect schema 2.7 (ExecutionType, ControllerModeType, EmergencyStopType, FunctionalModeType), and the days of
real machines that the tests read: some say STOPPED where the standard says PROGRAM_STOPPED, and some leave `avail` out.
"""

from dataclasses import dataclass, field

from broker.events import MachineState

UNAVAILABLE = "UNAVAILABLE"

BY_EXECUTION = {
    "ACTIVE": MachineState.RUNNING,
    "READY": MachineState.IDLE,
    "PROGRAM_COMPLETED": MachineState.IDLE,
    "STOPPED": MachineState.IDLE,
    "INTERRUPTED": MachineState.HOLD,
    "FEED_HOLD": MachineState.HOLD,
    "OPTIONAL_STOP": MachineState.HOLD,
    "PROGRAM_STOPPED": MachineState.HOLD,
    "PROGRAM_OPTIONAL_STOP": MachineState.HOLD,
    "WAIT": MachineState.HOLD,
}
_BY_FUNCTION = {
    "SETUP": MachineState.SETUP,
    "TEARDOWN": MachineState.SETUP,
    "PROCESS_DEVELOPMENT": MachineState.SETUP,
    "MAINTENANCE": MachineState.HOLD,
}
_BY_HAND = frozenset({"MANUAL", "MANUAL_DATA_INPUT", "MDI", "EDIT", "SEMI_AUTOMATIC"})
_STOPPED = frozenset({"TRIGGERED"})


@dataclass(slots=True)
class Execution:
    """The values that decide a state, as last heard; an empty one was never heard. Upper case."""

    execution: str = ""
    mode: str = ""
    estop: str = ""
    function: str = ""
    power: str = ""
    available: str = ""
    faults: set[str] = field(default_factory=set)
    """Active faults by key and native code."""

    def state(self) -> MachineState:
        """Return the one state they come to; `UNKNOWN` when the machine's program state is not known."""
        if self.power == "OFF":
            return MachineState.OFF
        if self.execution in ("", UNAVAILABLE) or self.available == UNAVAILABLE:
            return MachineState.UNKNOWN
        if self.estop in _STOPPED or self.faults:
            return MachineState.ALARM
        if state := _BY_FUNCTION.get(self.function):
            return state
        state = BY_EXECUTION.get(self.execution, MachineState.UNKNOWN)
        if state is not MachineState.RUNNING and self.mode in _BY_HAND:
            return MachineState.SETUP
        return state
