"""`mawashi-edge check` asks a device whether it speaks: opened as the agent would, its driver's own questions asked.

Bounded in time, and nothing is sent but what the driver asks every day. What is said of the answer is `check`'s.
"""

import time

from broker.events import MachineState
from edge.drivers.device import Device
from edge.drivers.readings import Gap, State
from edge.installer.hearing import Asked, told
from edge.installer.trial import Trial
from edge.installer.trying import live
from edge.wire import FAILURES

ASK_SECONDS = 4.0
"""Twice what the slowest answer takes: a control on a serial line, or an adapter's heartbeat."""
_MESS_BYTES = 16
"""So many bytes that end no line are no silence."""


def ask(device: Device, seconds: float = ASK_SECONDS) -> Asked:
    """Return `heard` as soon as it tells something, else `mute`, `garbage`, `waiting` or `lost`."""
    trial, began = Trial(device.parser()), time.monotonic()
    tally, why = trial.parser.tally, ""
    try:
        for found in live(device.place, trial, seconds):
            why = next((one.why for one in reversed(found) if isinstance(one, Gap)), why)
            known = [one for one in found if not (isinstance(one, State) and one.state is MachineState.UNKNOWN)]
            if word := told(known):
                return Asked("heard", told=word)
            if time.monotonic() - began >= seconds:
                break
    except FAILURES as error:
        return Asked("lost", str(error))
    if tally.lines > tally.malformed:
        return Asked("mute", why)
    return Asked("garbage" if tally.malformed or trial.marks >= _MESS_BYTES else "waiting", why)
