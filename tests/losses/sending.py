"""The sending side: a program that is given events one by one and says of each whether it has taken it.

The receiving side is never harmed here. `python -m tests.losses.sending PORT` is the plain program people write.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import ROOT, until
from tests.losses.consumers import TOPIC
from tests.losses.contestant import event

if TYPE_CHECKING:
    from collections import Counter


class End(Protocol):
    """Where the events arrive."""

    def start(self) -> None: ...
    def stored(self) -> "Counter[int]": ...
    def close(self) -> None: ...


class Sender:
    """Gives a program one event at a time, as a scanner does, and waits for its word."""

    def __init__(self, command: Sequence[str], folder: Path, end: End) -> None:
        self._command, self._end = command, end
        self._log = folder / "sender.log"
        self._running = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._end.start()
        self.restart()

    def send(self, number: int) -> bool:
        """Whether it said that it had taken the event; one whose answer never came was not taken."""
        until(self._running.is_set, seconds=60, what="the sender to run again")
        process = self._process
        assert process
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(event(number) + b"\n")
            process.stdin.flush()
            return process.stdout.readline().strip() == b"accepted"
        except OSError:  # killed meanwhile
            return False

    def kill(self) -> None:
        self._running.clear()
        if self._process:
            self._process.kill()
            self._process.wait(10)

    def restart(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
            )
        self._running.set()

    def stored(self) -> "Counter[int]":
        return self._end.stored()

    def close(self) -> None:
        self.kill()
        self._end.close()


def main() -> None:
    """Publish every line with QoS 1 from a queue without limit in memory."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sender", clean_session=False)
    client.max_queued_messages_set(0)
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", int(sys.argv[1]), keepalive=10)
    client.loop_start()
    for line in sys.stdin.buffer:
        client.publish(TOPIC, line.rstrip(b"\n"), qos=1)
        print("accepted", flush=True)


if __name__ == "__main__":
    main()
