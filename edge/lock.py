"""One agent an outbox: a lock that ends with its process, however that ends."""

import fcntl
import os
from pathlib import Path
from typing import Self


class HeldError(Exception):
    """Another process works on this data directory; the message says which."""


class Lock:
    """Holds `data_dir` for this process until closed. Raises HeldError at once if another has it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = _path(data_dir).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            process = self._file.read().strip() or "unknown"
            self._file.close()
            raise HeldError(
                f"another mawashi-edge works on {data_dir} (process {process}): stop it first, or give this one a "
                "data_dir of its own"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def is_held(data_dir: Path) -> bool:
    """Say whether some process works on `data_dir`. Makes no file."""
    try:
        with _path(data_dir).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _path(data_dir: Path) -> Path:
    return data_dir / "edge.lock"
