"""Free ports for machines that listen."""

import random
import socket
from contextlib import suppress

_RANGE = range(20_000, 32_000)
"""Below the ports that the system gives to outgoing connections: a machine that is switched on again finds its own."""


def free_port() -> int:
    """Return a TCP port that nobody listens on right now. Raises OSError if there is none."""
    for port in random.sample(_RANGE, 1000):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port between 20000 and 32000")
