"""Free ports for the servers that tests start."""

import itertools
import os
import socket
from contextlib import suppress

_FIRST, _EACH = 20_000, 3_000
"""Below the ports that the system gives to outgoing connections, which could take one before its server listens."""
_tries = itertools.count(os.getpid() * 101)


def free_port() -> int:
    """A TCP port nobody listens on right now; processes that run tests side by side choose from different ones."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    for port in (_FIRST + worker * _EACH + next(_tries) % _EACH for _ in range(_EACH)):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port left")
