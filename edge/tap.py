"""Listening in on a device's line: counts what arrives, and keeps the last few MB of it on disk.

The thread that reads the device only appends to a list in memory. One thread of its own writes, once a second, without
waiting for the disk to confirm; it stops where space is short, and what it cannot write is dropped: a scan comes first.
"""

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

from edge import raw
from edge.log import Log
from edge.raw import Chunk
from edge.wire import Wire

_WRITE_SECONDS = 1.0
_PENDING_BYTES = 512 * 1024
"""What one device may have said and not be written yet: a machine that never stops talking fills no memory."""
_FREE_BYTES_LEAST = 100_000_000
"""Below so much free space (or a tenth of a smaller disk) nothing is written and the oldest files go."""


class Tap:
    """One device's line. `received` are the bytes heard since the start; what is sent is kept and not counted."""

    def __init__(self, folder: Path, kept_bytes: int) -> None:
        self.folder, self.received = folder, 0
        self._file_bytes = kept_bytes // raw.FILES
        self._pending: list[Chunk] = []
        self._pending_bytes = 0
        self._lock = threading.Lock()
        self._current: Path | None = None

    def on(self, wire: Wire) -> Wire:
        """Return the same line, listened to."""
        return _Tapped(wire, self)

    def note(self, data: bytes, *, sent: bool = False) -> None:
        """Take bytes that went over the line just now."""
        self.received += 0 if sent else len(data)
        if not self._file_bytes:
            return
        now = datetime.now(UTC)
        with self._lock:
            if self._pending_bytes + len(data) <= _PENDING_BYTES:
                self._pending_bytes += len(data)
                self._pending.append(Chunk(now, data, sent))

    def write(self) -> None:
        """Write what has come since. Raises OSError; what was to be written is dropped then."""
        with self._lock:
            pending, self._pending, self._pending_bytes = self._pending, [], 0
        for chunk in pending:
            for start in range(0, len(chunk.data), raw.CHUNK_BYTES):
                self._append(raw.encode(Chunk(chunk.at, chunk.data[start : start + raw.CHUNK_BYTES], chunk.sent)))

    def shrink(self) -> None:
        """Give space back: the oldest file, which may be the one that was being written."""
        for file in raw.files(self.folder)[:1]:
            file.unlink(missing_ok=True)
        with self._lock:
            self._pending, self._pending_bytes, self._current = [], 0, None

    def _append(self, line: bytes) -> None:
        size = self._current.stat().st_size if self._current and self._current.exists() else self._file_bytes
        if size >= self._file_bytes:
            self._begin()
        assert self._current
        with self._current.open("ab") as stream:
            stream.write(line)

    def _begin(self) -> None:
        """Begin a file, as each start of the agent does: the last one may have been cut short."""
        self.folder.mkdir(parents=True, exist_ok=True)
        known = raw.files(self.folder)
        for file in known[: max(0, len(known) - raw.FILES + 1)]:
            file.unlink(missing_ok=True)
        number = int(known[-1].stem) + 1 if known else 1
        self._current = self.folder / f"{number % 100_000_000:08}.raw"
        self._current.write_bytes(raw.FIRST_LINE)


class _Tapped:
    """A line whose bytes are noted on the way; see `Wire`."""

    def __init__(self, wire: Wire, tap: Tap) -> None:
        self._wire, self._tap = wire, tap

    def read(self, timeout_seconds: float) -> bytes:
        if data := self._wire.read(timeout_seconds):
            self._tap.note(data)
        return data

    def write(self, data: bytes) -> None:
        self._wire.write(data)
        self._tap.note(data, sent=True)

    def close(self) -> None:
        self._wire.close()


class Taps:
    """The taps of all devices, and the thread that writes what they heard."""

    def __init__(self, data_dir: Path, devices: tuple[str, ...], kept_bytes: int, log: Log) -> None:
        self._folder, self._log = data_dir / raw.FOLDER, log
        self.by_device = {name: Tap(self._folder / name, kept_bytes) for name in devices}
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="raw", daemon=True)

    def start(self) -> None:
        """Begin writing; returns at once."""
        if self.by_device:
            self._thread.start()

    def stop(self) -> None:
        """Write what is left and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stopping.wait(_WRITE_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        try:
            short = self._short()
            for tap in self.by_device.values():
                if short:
                    tap.shrink()
                else:
                    tap.write()
        except OSError as error:
            if not self._failing:
                self._log("WARNING", "what devices send is not kept for `listen`: the disk fails", why=error)
            self._failing = True
        else:
            self._failing = False

    def _short(self) -> bool:
        space = shutil.disk_usage(self._folder.parent)
        return space.free < min(_FREE_BYTES_LEAST, space.total // 10)
