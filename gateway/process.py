"""What every process of the shared server does first: read its settings, set up its log, and never die by halves."""

import argparse
import contextlib
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue

import structlog

from broker.settings import SettingsError, load
from gateway import log
from gateway.api import Api, GatewayAway
from gateway.settings import Gateway

DEFAULT_SETTINGS = Path("/etc/mawashi/gateway.toml")
SETTINGS_VARIABLE = "MAWASHI_SETTINGS"


def settings_path(given: Path | None = None) -> Path:
    """Return the settings file: as given, else from $MAWASHI_SETTINGS, else /etc/mawashi/gateway.toml."""
    return given or Path(os.environ.get(SETTINGS_VARIABLE) or DEFAULT_SETTINGS)


def read_settings(path: Path) -> Gateway:
    """Read the settings file. Ends the process with status 2, every problem on a line of its own, if it is no good."""
    try:
        return load(Gateway, path)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def in_the_way(settings: Gateway) -> str | None:
    """Return a sentence if a gateway with this data runs already, or another program has its pages' port; else None."""
    with contextlib.suppress(GatewayAway):
        Api.connect(settings.socket)
        return (
            f"{settings.data_dir} の共有サーバーはもう動いています。止めてから起動してください / "
            f"A gateway with the data in {settings.data_dir} runs already. Stop that one first"
        )
    web = settings.web
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    try:
        socket.create_server((web.host, web.port), family=family).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return (
            f"{web.host}:{web.port} は別のプログラムが使っています。それを止めるか、[web] の port を変えてください / "
            f"{web.host}:{web.port} belongs to another program. Stop it, or change port in [web]"
        )
    return None


def answers(settings: Gateway) -> bool:
    """Say whether a gateway with this data takes what commands ask, and shows its pages."""
    try:
        Api.connect(settings.socket)
        socket.create_connection((settings.web.host, settings.web.port), timeout=1).close()
    except (GatewayAway, OSError):
        return False
    return True


def settings_from(arguments: Sequence[str], name: str) -> Gateway:
    """Begin a process `python -m gateway.<name> --settings PATH`: set up its log and return its settings.

    A bug in any thread ends the whole process, so that the supervisor starts it anew.
    """
    parser = argparse.ArgumentParser(prog=f"python -m gateway.{name}")
    parser.add_argument("--settings", type=Path)
    log.setup(name)
    threading.excepthook = _end_the_process
    return read_settings(settings_path(parser.parse_args(arguments).settings))


@contextlib.contextmanager
def ended_by(*signals: signal.Signals, stop: Callable[[], None]) -> Iterator[None]:
    """Within this, each of `signals` calls `stop`, in a thread of its own; afterwards they do what they did before.

    A handler of Python runs in the main thread between any two of its steps. Were it to call `stop`, and the main
    thread just held the lock of the Event that `stop` sets, the process would wait for itself for ever (1 stop of 1,500
    in a loop that waits 10 ms at a time). A SimpleQueue may be put to from anywhere.
    """
    told: SimpleQueue[bool] = SimpleQueue()

    def hear() -> None:
        while told.get():
            stop()

    threading.Thread(target=hear, name="signals", daemon=True).start()
    before = {one: signal.signal(one, lambda *_: told.put(True)) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        told.put(False)


def _end_the_process(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value
    structlog.get_logger().error("a bug ended a thread, so the process ends", exc_info=error or True)
    os._exit(1)
