"""`mawashi-edge check` asks a device whether it speaks: opened as the agent would, its driver's own questions asked.

Bounded in time, and nothing is sent but what the driver asks every day. What is said of the answer is `check`'s.
"""

import time
from dataclasses import dataclass

from edge.drivers.device import Device
from edge.installer.trial import Trial
from edge.installer.trying import live
from edge.wire import FAILURES

ASK_SECONDS = 4.0
"""Twice what the slowest answer takes: a control on a serial line, or an adapter's heartbeat."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a device was heard: in the words of the floor's page, and why it is `lost`."""

    state: str
    why: str = ""


def ask(device: Device, seconds: float = ASK_SECONDS) -> Asked:
    """Return `heard` as soon as the driver understands something, else `garbage`, `waiting` or `lost`."""
    trial, began = Trial(device.parser()), time.monotonic()
    tally = trial.parser.tally
    try:
        for _ in live(device.place, trial, seconds):
            if tally.lines > tally.malformed:
                return Asked("heard")
            if time.monotonic() - began >= seconds:
                break
    except FAILURES as error:
        return Asked("lost", str(error))
    return Asked("garbage" if tally.malformed else "waiting")
