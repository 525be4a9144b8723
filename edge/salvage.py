"""Rescuing an outbox whose file is damaged: every row that can still be read moves to a new file, the rest is named.

The file's pages are read one by one without its trees, so that a damaged page costs its own rows and no others. The
damaged file stays beside the new one. Source: SQLite, Database File Format, 1.6 (b-tree pages) and 2.1 (records).
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from broker.ranges import Ranges, minus, size, union
from edge.books import PAGE_BYTES, SHIFT, checksum_of, make_tables, seal

_LEAF = 0x0D
_MAX_LOCAL = PAGE_BYTES - 35
_MIN_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_WIDTHS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
_CONSTANTS = {8: 0, 9: 1}

Value = int | bytes | str | None


@dataclass(frozen=True, slots=True)
class Rescued:
    """What came of it: `aside` is the damaged file, `events` were saved, `lost` cannot be read, by epoch."""

    aside: Path
    events: int
    lost: dict[str, Ranges]

    def __str__(self) -> str:
        gone = sum(size(ranges) for ranges in self.lost.values())
        return f"{self.events} events were saved, {gone} cannot be read; the damaged file is {self.aside}"


@dataclass(frozen=True, slots=True)
class _Marks:
    lowest: int = 1
    last: int = 0
    upto: int = 0
    missing: str = "[]"


@dataclass(slots=True)
class _Epoch:
    known: list[tuple[int, int]] = field(default_factory=list)
    marks: _Marks | None = None


def rescue(path: Path) -> Rescued:
    """Replace the damaged outbox at `path` by a new file with every good row. Nobody else may have it open.

    The new file is complete before the damaged one moves: if this fails or the power goes, nothing is lost and it can
    be tried again. Raises OSError or sqlite3.OperationalError if there is no room.
    """
    new = path.with_name(path.name + ".new")
    for left in (new, new.with_name(new.name + "-journal")):
        left.unlink(missing_ok=True)
    with closing(sqlite3.connect(new, isolation_level=None)) as fresh:
        fresh.execute("PRAGMA auto_vacuum=INCREMENTAL")
        make_tables(fresh)
        _take_in_the_log(path, new.read_bytes()[:PAGE_BYTES])
        events, lost = _copy(path, fresh)
    aside = _move_aside(path)
    new.replace(path)
    return Rescued(aside, events, lost)


def resume(path: Path) -> Rescued | None:
    """Finish a rescue that ended between its last two steps: a damaged file aside, and none in its place.

    To be called before an outbox is opened, which would begin an empty one. None if there is nothing to finish.
    """
    aside = _aside(path, _asides(path))
    if path.exists() or not aside.exists():
        return None
    for suffix in ("-wal", ""):
        _move(aside, path, suffix)
    return rescue(path)


def _asides(path: Path) -> int:
    """Return how many damaged files lie beside the outbox."""
    number = 0
    while _aside(path, number + 1).exists():
        number += 1
    return number


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


def _move_aside(path: Path) -> Path:
    """Move the file and then its log, so that a log never lies beside a file that is not its own."""
    aside = _aside(path, _asides(path) + 1)
    for suffix in ("", "-wal"):
        _move(path, aside, suffix)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def _move(source: Path, target: Path, suffix: str) -> None:
    with suppress(FileNotFoundError):
        source.with_name(source.name + suffix).rename(target.with_name(target.name + suffix))


def _take_in_the_log(path: Path, first_page: bytes) -> None:
    """Let SQLite move what is committed from the write-ahead log to the file; that needs a first page it knows."""
    for attempt in (1, 2):
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                db.execute("PRAGMA user_version").fetchall()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise
            if attempt == 1:
                with path.open("r+b") as file:
                    file.write(first_page[:18] + b"\2\2" + first_page[20:])  # 18, 19: the file has a log
        else:
            return


def _copy(path: Path, fresh: sqlite3.Connection) -> tuple[int, dict[str, Ranges]]:
    """Copy every good row; return how many events there are, and by epoch which are lost."""
    epochs: dict[tuple[int, str], _Epoch] = {}
    books: list[tuple[Value, ...]] = []
    fresh.execute("BEGIN")
    with path.open("rb") as file:
        for key, values in _rows(file.read(), max(1, path.stat().st_size // PAGE_BYTES)):
            match values:
                case (_, bytes(raw), int(at), bytes(body), bytes(checksum)):
                    ordinal, seq = divmod(key, SHIFT)
                    if checksum_of(raw.hex(), seq, body) == checksum:
                        epochs.setdefault((ordinal, raw.hex()), _Epoch()).known.append((seq, seq))
                        row = (key, raw, at, body, checksum)
                        fresh.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)", row)
                case (str(name), bytes(value), bytes(checksum)) if checksum_of(name, 0, value) == checksum:
                    fresh.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (name, value, checksum))
                case (_, str(_), int(_), int(_), int(_), str(_), str(_), bytes(stored)) if seal(*values[1:7]) == stored:
                    books.append((key, *values[1:7]))
    for book in books:
        _take_book(book, epochs)
    lost = {name: gone for (_, name), epoch in epochs.items() if (gone := _gone(epoch))}
    for (ordinal, name), epoch in epochs.items():
        fresh.execute(
            "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (ordinal, *(book := _book(name, epoch)), seal(*book)),
        )
    fresh.execute("COMMIT")
    return int(fresh.execute("SELECT count(*) FROM event").fetchone()[0]), lost


def _take_book(book: tuple[Value, ...], epochs: dict[tuple[int, str], _Epoch]) -> None:
    """Take over what was known of an epoch; without it, or of two copies that differ, everything is sent again."""
    match book:
        case (int(ordinal), str(name), int(lowest), int(last), int(upto), str(missing), str(_)):
            found = epochs.setdefault((ordinal, name), _Epoch())
            marks, before = _Marks(lowest, last, upto, missing), found.marks
            if before in (None, marks):
                found.marks = marks
            else:  # a page that was given up still has the older one, and nothing says which that is
                found.marks = _Marks(min(lowest, before.lowest), max(last, before.last))


def _book(name: str, epoch: _Epoch) -> tuple[str, int, int, int, str, str]:
    marks, last = epoch.marks or _Marks(), _last(epoch)
    return name, marks.lowest, last, min(marks.upto, last), marks.missing, json.dumps(_gone(epoch))


def _last(epoch: _Epoch) -> int:
    return max((epoch.marks or _Marks()).last, max((seq for _, seq in epoch.known), default=0))


def _gone(epoch: _Epoch) -> Ranges:
    lowest, last = (epoch.marks or _Marks()).lowest, _last(epoch)
    return minus(((lowest, last),), union(tuple(epoch.known))) if last >= lowest else ()


def _rows(data: bytes, pages: int) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield (rowid, values) of every cell of every leaf page that makes sense; the caller's checksum judges it."""
    for number in range(pages):
        page = data[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]
        if number == 0 or len(page) < PAGE_BYTES or page[0] != _LEAF:  # page 1 holds the schema, no rows of ours
            continue
        for cell in range(min(int.from_bytes(page[3:5], "big"), PAGE_BYTES // 6)):
            with suppress(IndexError, ValueError, KeyError):
                at = int.from_bytes(page[8 + 2 * cell : 10 + 2 * cell], "big")
                length, at = _varint(page, at)
                key, at = _varint(page, at)
                yield key, _record(_payload(data, page, at, length))


def _payload(data: bytes, page: bytes, at: int, length: int) -> bytes:
    """Return a cell's payload, following its overflow pages."""
    if length <= _MAX_LOCAL:
        return page[at : at + length]
    if length > len(data):
        raise ValueError("longer than the file")
    local = _MIN_LOCAL + (length - _MIN_LOCAL) % (PAGE_BYTES - 4)
    local = local if local <= _MAX_LOCAL else _MIN_LOCAL
    payload = bytearray(page[at : at + local])
    overflow = int.from_bytes(page[at + local : at + local + 4], "big")
    while overflow and len(payload) < length:
        start = (overflow - 1) * PAGE_BYTES
        payload += data[start + 4 : start + PAGE_BYTES]
        overflow = int.from_bytes(data[start : start + 4], "big")
    return bytes(payload[:length])


def _record(payload: bytes) -> tuple[Value, ...]:
    """Return a record's values; a floating-point number, which we never store, ends in KeyError."""
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        width = (kind - 12) // 2 if kind >= 12 else _WIDTHS[kind]
        part = payload[at : at + width]
        at += width
        if kind >= 12:
            values.append(part.decode() if kind % 2 else part)
        elif kind == 0:
            values.append(None)
        else:
            values.append(_CONSTANTS.get(kind, int.from_bytes(part, "big", signed=True)))
    return tuple(values)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer of up to 9 bytes and the place after it."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9
