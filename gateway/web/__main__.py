"""`python -m gateway.web --settings F`: the pages, on this machine only, until told to stop."""

import argparse
import signal
import sys
from pathlib import Path

import structlog
import uvicorn

from broker.settings import SettingsError, load
from gateway.settings import Gateway
from gateway.web.app import create_app

_STREAMS_END_SECONDS = 2


def main() -> int:
    """Serve until SIGTERM. Returns the exit status: 2 for settings that cannot be used."""
    parser = argparse.ArgumentParser(prog="gateway.web")
    parser.add_argument("--settings", type=Path, required=True)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        settings = load(Gateway, parser.parse_args().settings)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the installer, not the log
        return 2
    host = "127.0.0.1" if settings.web.host == "localhost" else settings.web.host
    for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn ends its streams first, then lets us have the signal
        signal.signal(sign, lambda *_: sys.exit(0))
    shown = f"[{host}]" if ":" in host else host
    structlog.get_logger("web").info("pages", address=f"http://{shown}:{settings.web.port}/")
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
    sys.exit(main())
