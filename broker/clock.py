"""The clock both sides read: wall time, monotonic time, boot, and whether the wall time can be trusted.

Rules never read a clock; they are given a Reading.
"""

import ctypes
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from broker.events import ClockQuality

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
"""adjtimex(2): TIME_ERROR, the clock is not synchronised."""
_TIMEX_BYTES = 208
"""struct timex on 64-bit and 32-bit Linux fits in this; with modes 0 the call only reads."""
_OLDEST_SANE = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before this program was written is unset (a Pi without a battery wakes in 1970)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock. `at` is aware UTC; `mono_ms` counts within `boot` and never goes back."""

    at: datetime
    mono_ms: int
    boot: str
    clock: ClockQuality


class Clock(Protocol):
    """Whatever can be asked for the time."""

    def read(self) -> Reading: ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot = _boot_id()

    def read(self) -> Reading:
        """Look at the clock now. It is synced only if the kernel says that something disciplines it."""
        at = datetime.now(UTC)
        good = at >= _OLDEST_SANE and _kernel_says_synced()
        return Reading(at, monotonic_ms(), self._boot, ClockQuality.SYNCED if good else ClockQuality.UNSYNCED)


class FastClock:
    """The demo's clock: simulated time that runs `speed` times as fast as the machine's monotonic clock.

    All processes of one demo share it, since CLOCK_MONOTONIC is the same in all of them.
    """

    def __init__(self, start: datetime, started_mono_ns: int, speed: float) -> None:
        self.start, self.started_mono_ns, self.speed = start, started_mono_ns, speed
        self._boot = _boot_id()

    def read(self) -> Reading:
        """Look at the simulated clock now."""
        elapsed_ns = (time.monotonic_ns() - self.started_mono_ns) * self.speed
        at = self.start + timedelta(microseconds=elapsed_ns / 1000)
        quality = ClockQuality.SYNCED if at >= _OLDEST_SANE else ClockQuality.UNSYNCED
        return Reading(at, max(0, int(elapsed_ns // 1_000_000)), self._boot, quality)

    def setting(self) -> str:
        """Return the value of MAWASHI_DEMO_CLOCK that gives another process this clock."""
        return f"{self.start.isoformat()} {self.started_mono_ns} {self.speed}"


def monotonic_ms() -> int:
    """Return this machine's monotonic time."""
    return time.monotonic_ns() // 1_000_000


def clock() -> Clock:
    """Return the machine's clock, or the demo's if the environment variable MAWASHI_DEMO_CLOCK is set."""
    setting = os.environ.get("MAWASHI_DEMO_CLOCK")
    if not setting:
        return SystemClock()
    start, mono_ns, speed = setting.split()
    return FastClock(datetime.fromisoformat(start), int(mono_ns), float(speed))


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux: a boot is then this process
        return f"{os.getpid():x}-{time.time_ns():x}"


def _kernel_says_synced() -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        answer: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return answer not in (-1, _TIME_ERROR)
