"""Putting a file on the disk so that it is there whole, or the old one still is. What is in it, is others' business."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def to_disk(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before this returns. Raises OSError."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def put(path: Path, data: bytes) -> None:
    """Write a small file whole, readable by its owner alone; its folder is made if need be. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        to_disk(part)
        part.replace(path)
        to_disk(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
