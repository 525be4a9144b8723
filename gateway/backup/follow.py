"""`mawashi backup --follow DIR`: a process that keeps a copy of the ledger on a second disk, seconds behind.

It runs until stopped, goes on where it stopped, and waits loudly while the second disk is full or away. How it is
copied is in `gateway.backup.copying`. What it last did stands in `backup.json` in the data folder, for `mawashi check`.
"""

import errno
import os
import random
import signal
import sqlite3
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
import typer

from broker.clock import clock
from broker.words import Word
from gateway import log
from gateway.backup.command import BackupError, ledger_file
from gateway.backup.copying import Copy, LedgerAwayError, Turn, Turned, TurnedError
from gateway.backup.status import Status, status_path
from gateway.process import ended_by
from gateway.settings import Gateway
from gateway.store import Lock, StoreError

_log = structlog.get_logger()

FILE = "ledger-copy.sqlite"
_LOOK_SECONDS = 0.25
_TURN_SECONDS = 1.0
"""At most one turn so often: many small commits of the ledger become one on the second disk."""
_STAT_SECONDS = 5.0
"""So often it sees whether both files are still the ones it opened, and says that it lives."""
_BACK_OFF_SECONDS = (1.0, 30.0)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_ELSEWHERE = Word(
    "控えのディスクがつながっていません（全記録と同じディスクです）。つなげば続きます",
    "that folder is on the ledger's own disk: the second disk is not plugged in. It goes on once it is",
)
_GONE = Word("控えのディスクが外れました。つなげば続きます", "the second disk is gone. It goes on once it is back")
_FULL = Word("控えのディスクが満杯です。空きを作れば続きます", "the second disk is full. It goes on once there is room")
_TURNED = {
    Turned.OLDER: Word(
        "全記録が控えより古くなっています。古い写しに戻したのなら mawashi restore を使ってください",
        "the ledger is older than its copy, which stays as it is. If somebody put an old file back, use: "
        "mawashi restore",
    ),
    Turned.ANOTHER: Word(
        "ここには別の全記録の控えがあります。別のフォルダを指定してください",
        "this folder holds the copy of another ledger. Choose another folder",
    ),
}


class TroubleError(Exception):
    """The copy cannot go on now; it is tried again."""

    def __init__(self, word: Word) -> None:
        super().__init__(word.en)
        self.word = word


class Follow:
    """Keeps `folder`/ledger-copy.sqlite. One thread; `stop` may be called from a signal handler or another thread."""

    def __init__(self, settings: Gateway, ledger: Path, folder: Path, *, same_disk: bool, as_json: bool) -> None:
        self._ledger, self._folder, self._same_disk, self._as_json = ledger, folder, same_disk, as_json
        self._status_path = status_path(settings)
        self._stopping = threading.Event()
        self.status = Status(str(folder.absolute()), os.getpid())
        self._wait = _BACK_OFF_SECONDS[0]

    def stop(self) -> None:
        """Ask it to end after the turn in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Follow until stopped."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except TroubleError as error:
                self._in_trouble(error.word)
            except LedgerAwayError as error:
                self._in_trouble(Word(f"全記録が読めません（{error}）", f"the ledger cannot be read ({error})"))
            except TurnedError as error:
                if error.how is Turned.RESTORED:
                    self._put_aside("全記録が復元されました", "the ledger was restored")
                else:
                    self._in_trouble(_TURNED[error.how])
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF in _DAMAGED:
                    self._put_aside("控えが壊れています", "the copy is damaged")
                else:
                    self._in_trouble(self._why(error))
            except OSError as error:
                self._in_trouble(self._why(error))

    # -- following -----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Open both files and follow until something changes that needs another opening."""
        self._look_at_folder()
        target = self._folder / FILE
        try:
            lock = Lock(target)
        except StoreError:
            busy = (
                "別の mawashi backup がこの控えを使っています",
                "another mawashi backup keeps this copy. Stop that one",
            )
            raise TroubleError(Word(*busy)) from None
        try:
            copy = Copy(self._ledger, target, durable=True)
            try:
                self._turns(copy, _Files(self._ledger, target))
            finally:
                copy.close()
        finally:
            lock.release()

    def _turns(self, copy: Copy, files: "_Files") -> None:
        seen, look_at, unchanged_at = -1, 0.0, None
        while not self._stopping.is_set():
            began, now = time.monotonic(), clock().read().at
            if began >= look_at:
                look_at = began + _STAT_SECONDS
                self._look_at_folder()
                if files.replaced():
                    return
                self._tell(said=False)
            if (version := copy.version) == seen:
                unchanged_at = began
                self.status = replace(self.status, at=now)
                self._stopping.wait(_LOOK_SECONDS)
                continue
            turn = copy.turn(now)
            self._did(turn, now, None if unchanged_at is None else time.monotonic() - unchanged_at)
            if turn.whole:
                seen, unchanged_at = version, began
                self._stopping.wait(max(0.0, _TURN_SECONDS - (time.monotonic() - began)))

    def _look_at_folder(self) -> None:
        try:
            here, ledger = self._folder.stat(), self._ledger.parent.stat()
        except OSError:
            raise TroubleError(_GONE) from None
        if here.st_dev == ledger.st_dev and not self._same_disk:
            raise TroubleError(_ELSEWHERE)

    def _put_aside(self, why_ja: str, why_en: str) -> None:
        """Keep a copy that cannot be continued under a dated name, with its journal, and begin a new one."""
        name = f"{FILE.removesuffix('.sqlite')}-until-{clock().read().at:%Y%m%d-%H%M%S}.sqlite"
        try:
            for end in ("-journal", ""):
                old = self._folder / (FILE + end)
                if old.exists():
                    old.rename(self._folder / (name + end))
        except OSError as error:
            self._in_trouble(self._why(error))
            return
        _log.warning(
            f"{why_ja}。前の控えを残し、新しい控えを始めます / {why_en}: the former copy is kept, a new one begins",
            kept=name,
        )

    # -- saying --------------------------------------------------------------------------------------------------------

    def _did(self, turn: Turn, now: datetime, lag_seconds: float | None) -> None:
        """Note what a turn did: `now` is when it began, the lag is unknown for the first after an opening."""
        self._wait = _BACK_OFF_SECONDS[0]
        status = replace(self.status, position=turn.position)
        if turn.whole:
            if status.at is None or status.trouble:
                where = self._folder / FILE
                _log.info("控えは追いつきました / the copy is up to date", position=turn.position, file=where)
            status = replace(status, at=now, trouble=None, trouble_ja=None, since=None)
            if lag_seconds is not None:
                lag = round(lag_seconds, 3)
                status = replace(status, lag_seconds=lag, lag_seconds_max=max(lag, status.lag_seconds_max or 0.0))
        self.status = status
        self._tell(said=True)

    def _in_trouble(self, word: Word) -> None:
        """Say it once, tell `mawashi check`, and leave the disk alone for a while."""
        if self.status.trouble != word.en:
            _log.error(f"控えが止まっています：{word.ja} / no copy is made now: {word.en}", dir=self._folder)
            now = clock().read().at
            self.status = replace(self.status, trouble=word.en, trouble_ja=word.ja, since=self.status.since or now)
            self._tell(said=True)
        self._stopping.wait(self._wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        self._wait = min(self._wait * 2, _BACK_OFF_SECONDS[1])

    def _why(self, error: Exception) -> Word:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) == errno.ENOSPC:
            return _FULL
        if code == sqlite3.SQLITE_READONLY and not (self._folder / FILE).exists():
            return _GONE
        return Word(f"{self._folder} に書けません（{error}）", f"{self._folder} cannot be written ({error})")

    def _tell(self, *, said: bool) -> None:
        if said and self._as_json:
            typer.echo(self.status.line())
        try:
            self.status.write(self._status_path)
        except OSError as error:  # the first disk is full; what it is about is said by others
            _log.warning("how the copy stands cannot be noted", reason=error)


class _Files:
    """Says whether the files that were opened are still the ones under these names."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._opened = self._now()

    def replaced(self) -> bool:
        """Say whether one of them was put in the place of what was opened. Raises OSError if one is gone."""
        return self._now() != self._opened

    def _now(self) -> list[tuple[int, int]]:
        return [(found.st_dev, found.st_ino) for found in (path.stat() for path in self._paths)]


def run(settings: Gateway, folder: Path, *, same_disk: bool, as_json: bool) -> int:
    """Follow until SIGTERM or SIGINT. Returns 1 if there is no ledger to follow, or another process follows it."""
    try:
        ledger = ledger_file(settings)
        lock = Lock(settings.data_dir / "backup")
    except BackupError as error:
        typer.echo(str(error), err=True)
        return 1
    except StoreError:
        typer.echo(
            "mawashi backup --follow はもう動いています / mawashi backup --follow is running already: one is enough",
            err=True,
        )
        return 1
    log.setup("backup")
    follow = Follow(settings, ledger, folder, same_disk=same_disk, as_json=as_json)
    try:
        with ended_by(signal.SIGTERM, signal.SIGINT, stop=follow.stop):
            follow.run()
    finally:
        lock.release()
    return 0
