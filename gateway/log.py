"""How the processes of the shared server log: one line a change to standard error, `key=value` at the end."""

import contextlib
import json
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

_PLAIN = re.compile(r"[\w.:/+@-]+", re.ASCII)


def setup(process: str) -> None:
    """Send every line of this process to standard error, under its name."""

    def line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        return _line(process, event)

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
    )


class _Stderr:
    """Standard error; where it goes to a file on a full disk, a line is lost and the work goes on."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _line(process: str, event: MutableMapping[str, Any]) -> str:
    """Return time, level, process, sentence, then the rest; text from outside is quoted so that it stays one line."""
    head = f"{event.pop('timestamp')} {str(event.pop('level')).upper():<7} {process}: {event.pop('event')}"
    trace = event.pop("exception", None)
    rest = "".join(f" {key}={_quoted(value)}" for key, value in event.items())
    return f"{head}{rest}\n{trace}" if trace else head + rest


def _quoted(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
