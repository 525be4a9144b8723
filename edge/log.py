"""One line a change, to stderr: time, level, a sentence, key=value. Our own, because structlog costs 8 MB (measured).

What is worth a line is decided by whoever calls.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

Level = Literal["INFO", "WARNING", "ERROR"]
Log = Callable[..., None]


def log(level: Level, sentence: str, **fields: object) -> None:
    """Write one line. ERROR: a person must act and the sentence says how. Foreign text belongs in `fields`."""
    tail = "".join(f" {key}={_quoted(value)}" for key, value in fields.items())
    with suppress(OSError):  # stderr is a file on a full disk: the line is lost, and the work goes on
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {level} {sentence}{tail}", file=sys.stderr, flush=True)  # noqa: T201


def _quoted(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(" =\"'") else repr(text)
