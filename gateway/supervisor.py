"""`mawashi gateway`: runs appender, projector and web as processes of their own, and starts again what ends.

It knows nothing of what they do. They end with it, even if it is killed with -9.
"""

import ctypes
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger()

PARTS = ("appender", "projector", "web")
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_RESTART_SECONDS_FIRST, _RESTART_SECONDS_MAX = 0.5, 30.0
_SETTLED_SECONDS = 60.0
"""Whoever has run this long is well: its next restart is quick again."""
_STOP_SECONDS = 10.0
_UP_SECONDS = 0.2
_SETTINGS_STATUS = 2
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Part:
    """One of the processes. `start_at` is a monotonic time while it does not run."""

    name: str
    settings: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    wait_seconds: float = _RESTART_SECONDS_FIRST

    def start(self) -> None:
        """Start the process; its standard error is ours."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"gateway.{self.name}", "--settings", str(self.settings)],
            stdin=subprocess.DEVNULL,
            preexec_fn=_in_the_child,  # noqa: PLW1509 - this process has one thread
        )

    def look(self) -> int | None:
        """Return the exit status if the process has ended since the last look, and plan its restart."""
        status = self.process.poll() if self.process else None
        if status is None:
            return None
        self.process = None
        if time.monotonic() - self.started_at > _SETTLED_SECONDS:
            self.wait_seconds = _RESTART_SECONDS_FIRST
        self.start_at = time.monotonic() + self.wait_seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        self.wait_seconds = min(self.wait_seconds * 2, _RESTART_SECONDS_MAX)
        return status


def run(settings: Path, parts: Sequence[str] = PARTS, *, up: Callable[[], bool] = lambda: True) -> int:
    """Run the parts until SIGTERM or SIGINT. Returns 0, or 2 if a part finds that its settings are no good.

    `up` is asked again and again from the start on, until it says that it has seen what it waits for.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    running = [Part(name, settings.absolute()) for name in parts]
    try:
        return _watch(running, up)
    finally:
        _end(running)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _watch(parts: Sequence[Part], up: Callable[[], bool]) -> int:
    seen = False
    while True:
        now = time.monotonic()
        for part in parts:
            if part.process is None and part.start_at <= now:
                part.start()
        idle = min((part.start_at - now for part in parts if part.process is None), default=_SETTLED_SECONDS)
        seen = seen or up()
        arrived = signal.sigtimedwait(_SIGNALS, max(0.05, idle if seen else min(idle, _UP_SECONDS)))
        if arrived and arrived.si_signo != signal.SIGCHLD:
            return 0
        for part in parts:
            status = part.look()
            if status == _SETTINGS_STATUS:
                log.error("a part cannot use the settings: mend what it said, then start again", part=part.name)
                return _SETTINGS_STATUS
            if status is not None:
                log.warning("a part ended and is started again", part=part.name, status=status)


def _end(parts: Sequence[Part]) -> None:
    """Ask every part to end, and see to it."""
    left = [part.process for part in parts if part.process]
    for process in left:
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in left:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("a part does not end and is killed", pid=process.pid)
            process.kill()
            process.wait()


def _in_the_child() -> None:
    """Let signals through again, and have the kernel send SIGTERM when the supervisor is gone (prctl(2))."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
