"""Opening a store whose server may be away, as a process does that has nothing to do without it."""

import random
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from gateway.store import StoreAwayError

T = TypeVar("T")
_log = structlog.get_logger()
_RETRY_SECONDS_FIRST, _RETRY_SECONDS_MAX = 0.2, 5.0


def once_there(opened: Callable[[], T], stopping: threading.Event) -> T | None:
    """Open a store; while its server does not let us in, say so once and try again. None if told to stop before.

    Raises StoreError for what waiting does not mend.
    """
    wait, said = _RETRY_SECONDS_FIRST, False
    while not stopping.is_set():
        try:
            store = opened()
        except StoreAwayError as error:
            if not said:
                _log.error("cannot begin yet; it is tried until it can", reason=error)
            said = True
            stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            wait = min(wait * 2, _RETRY_SECONDS_MAX)
        else:
            if said:
                _log.info("the database lets us in: beginning")
            return store
    return None
