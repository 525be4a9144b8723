"""`python -m gateway.web --settings F`: the pages, on this machine only, until told to stop."""

import signal
import sys
from collections.abc import Sequence

import structlog
import uvicorn

from gateway.process import settings_from
from gateway.web.app import create_app

_STREAMS_END_SECONDS = 2


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM. Returns the exit status: 2 for settings that cannot be used."""
    settings = settings_from(arguments, "web")
    host = "127.0.0.1" if settings.web.host == "localhost" else settings.web.host
    for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn ends its streams first, then lets us have the signal
        signal.signal(sign, lambda *_: sys.exit(0))
    shown = f"[{host}]" if ":" in host else host
    structlog.get_logger().info("pages", address=f"http://{shown}:{settings.web.port}/")
    uvicorn.run(
        create_app(settings),
        host=host,
        port=settings.web.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STREAMS_END_SECONDS,
        ws="none",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
