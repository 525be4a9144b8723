"""`mawashi backup --follow`: a real process beside a real writer, a second disk that fills, goes and comes back."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from gateway import store
from gateway.backup.copying import read_only
from gateway.backup.follow import FILE, Follow
from gateway.backup.restore import Wanted, restore
from gateway.backup.verify import verify
from gateway.ledger import Ledger
from gateway.ledger.writer import WritableLedger
from gateway.settings import Gateway
from tests.backup.parts import LEDGER, content, fill
from tests.conftest import ROOT, until
from tests.gateway.test_commands import mawashi
from tests.ledger.test_ledger import batch, some

pytestmark = pytest.mark.slow


class Follower:
    """`mawashi backup --follow` as a process of its own."""

    def __init__(self, settings: Gateway, folder: Path, *more: str) -> None:
        self.settings, self.folder = settings, folder
        self.path = settings.data_dir.parent / "gateway.toml"
        self.path.write_text(f'data_dir = "{settings.data_dir}"\n')
        self.log = settings.data_dir.parent / "follow.log"
        self._more = more
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Follower":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from gateway.cli import main; main()", "backup", "--follow", self.folder,
                 "--settings", self.path, "--json", *self._more],
                stdout=log, stderr=log, cwd=ROOT,
            )  # fmt: skip
        return self

    def status(self) -> dict:
        path = self.settings.data_dir / "backup.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def end(self, sign: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(sign)
        return self.process.wait(10)

    def has(self, position: int, seconds: float = 40) -> None:
        until(lambda: copied(self.folder) >= position, seconds=seconds, what=f"row {position} on the second disk")

    def says(self, text: str) -> None:
        until(lambda: text in self.log.read_text(), seconds=40, what=f"the follower to say {text!r}")


def copied(folder: Path) -> int:
    """Up to which row the copy is whole."""
    if not (folder / FILE).exists():
        return 0
    try:
        with closing(read_only(folder / FILE)) as db:
            return int(db.execute("SELECT position FROM copied").fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.fixture
def settings(tmp_path: Path) -> Gateway:
    return Gateway(data_dir=tmp_path / "data")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    (tmp_path / "second").mkdir()
    return tmp_path / "second"


@contextmanager
def running(follower: Follower) -> Iterator[Follower]:
    try:
        yield follower.start()
    finally:
        if follower.process and follower.process.poll() is None:
            follower.end(signal.SIGKILL)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own at this folder, for those who may mount."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False)
    if done.returncode:
        pytest.skip("a disk of its own needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


class Writer:
    """Commits a bundle every few milliseconds until told to stop, and knows when each commit returned."""

    def __init__(self, ledger: WritableLedger) -> None:
        self._ledger, self._stopping = ledger, threading.Event()
        self.committed: list[float] = []
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._stopping.wait(0.02):
            n = 100 + len(self.committed)
            self._ledger.commit([batch(n, some(n, n), received_at=datetime.now(UTC))])
            self.committed.append(time.monotonic())


def test_every_commit_is_on_the_second_disk_within_five_seconds_whoever_is_killed(
    settings: Gateway, second: Path
) -> None:
    with (
        Ledger.open(settings.ledger_url, write=True) as ledger,
        running(Follower(settings, second, "--same-disk")) as it,
    ):
        fill(ledger)
        it.has(13)
        lags: list[float] = []
        with Writer(ledger) as writer:
            for times in range(2):
                for _ in range(3):
                    known = len(writer.committed)
                    until(lambda more=known + 20: len(writer.committed) > more, what="commits")
                    it.has(13 + known)
                    lags.append(time.monotonic() - writer.committed[known - 1])
                if times == 0:
                    it.end(signal.SIGKILL)
                    it.start().has(13 + len(writer.committed))  # it goes on where it stopped
        assert max(lags) < 5.0
        it.has(ledger.last_position())
        until(lambda: it.status().get("position") == ledger.last_position(), what="the status")
        assert it.status()["lag_seconds_max"] < 5.0
        assert it.end(signal.SIGTERM) == 0
        assert content(second / FILE) == content(settings.data_dir / LEDGER)
        verify(second / FILE)


def test_a_second_follower_is_refused_with_a_sentence(settings: Gateway, second: Path) -> None:
    with Ledger.open(settings.ledger_url, write=True):
        path = Follower(settings, second).path
        lock = store.Lock(settings.data_dir / "backup")
        said = mawashi("backup", "--follow", str(second), "--settings", str(path))
        lock.release()
    assert said.exit_code == 1
    assert "mawashi backup --follow is running already: one is enough" in said.stderr


def test_a_full_second_disk_is_said_and_filled_again_once_there_is_room(settings: Gateway, second: Path) -> None:
    with (
        disk(second, "1m"),
        Ledger.open(settings.ledger_url, write=True) as ledger,
        running(Follower(settings, second)) as it,
    ):
        fill(ledger)
        it.has(13)
        ballast = second / "ballast"
        ballast.write_bytes(b"\0" * 500_000)
        for n in range(40):
            ledger.commit([batch(100 + n, [b"x" * 16_000])])
        it.says("the second disk is full. It goes on once there is room")
        until(lambda: "full" in (it.status()["trouble"] or ""), what="the status")
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", second], check=True)
        it.has(53)
        until(lambda: it.status()["trouble"] is None, what="the status")
        assert it.log.read_text().count("the second disk is full") == 2, "one line for people, one for programs"


def test_a_second_disk_that_is_unplugged_is_said_never_replaced_by_the_first_and_followed_again(
    settings: Gateway, second: Path
) -> None:
    with Ledger.open(settings.ledger_url, write=True) as ledger, running(Follower(settings, second)) as it:
        fill(ledger)
        it.says("the second disk is not plugged in. It goes on once it is")
        with disk(second, "8m"):
            it.has(13)
        ledger.commit([batch(100, some(100, 100))])
        until(lambda: it.status()["trouble"], seconds=15, what="the status")
        assert not (second / FILE).exists(), "nothing is written to the first disk in its name"
        with disk(second, "8m"):  # another, empty one
            it.has(14)
            until(lambda: it.status()["trouble"] is None, what="the status")


def test_after_a_restore_the_former_copy_stays_and_a_new_one_begins(settings: Gateway, second: Path) -> None:
    with Ledger.open(settings.ledger_url, write=True) as ledger:
        fill(ledger)
    with running(Follower(settings, second, "--same-disk")) as it:
        it.has(13)
        it.end(signal.SIGTERM)
        with Ledger.open(settings.ledger_url, write=True) as ledger:
            ledger.commit([batch(100, some(100, 109))])
        backup = settings.data_dir.parent / "b.sqlite"
        backup.write_bytes((second / FILE).read_bytes())
        it.start()
        it.has(23)
        restore(settings, Wanted(backup, replace=True))  # while it follows
        it.says("the former copy is kept, a new one begins")
        it.has(13)
        until(lambda: copied(second) == 13, what="the new copy")
        with Ledger.open(settings.ledger_url, write=True) as ledger:
            ledger.commit([batch(200, some(200, 200))])
            it.has(14)
        kept = next(second.glob("ledger-copy-until-*.sqlite"))
        with closing(read_only(kept)) as db:
            assert db.execute("SELECT max(position) FROM rows").fetchone()[0] == 23


def recent(at: datetime | None) -> bool:
    return at is not None and datetime.now(UTC) - at < timedelta(seconds=10)


def test_the_moment_up_to_which_it_is_whole_moves_on_while_nothing_happens(
    settings: Gateway, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.backup.follow._STAT_SECONDS", 0.3)
    with Ledger.open(settings.ledger_url, write=True) as ledger:
        fill(ledger)
        follow = Follow(settings, settings.data_dir / LEDGER, second, same_disk=True, as_json=False)
        thread = threading.Thread(target=follow.run)
        thread.start()
        try:
            until(lambda: recent(follow.status.at), what="everything to be there")
            first = follow.status.at
            until(lambda: follow.status.at != first and recent(follow.status.at), what="the moment to move")
        finally:
            follow.stop()
            thread.join()
