"""What can only befall a ledger that a server keeps: its files as a power cut leaves them (F19)."""

import shutil
import subprocess
from pathlib import Path

from broker.failpoints import Point
from gateway.demo.tally import Key
from gateway.ledger import Ledger
from tests.broker.test_failpoints import state
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.place import Database
from tests.conftest import until
from tests.postgresql import PostgreSql

_ALONE = ("wal_writer_delay=10s", "bgwriter_lru_maxpages=0", "checkpoint_timeout=1d")
"""Only who commits has its log flushed and nobody writes pages, so that nothing is on the disk by luck."""
_SEGMENT_BYTES = 16 * 1024 * 1024


def power(floor: Floor) -> Outcome:
    """F19: the appender is stopped right after a commit returned, and the server's power is cut.

    Its files are started with their log cut off behind the last byte that was flushed by then: all that was committed
    is there. Cut off anywhere between this commit and the one before, all of the one before is.
    """
    assert isinstance(floor.place, Database)
    server, tried, lacking = floor.place.server, 0, 0
    server.stop()
    server.start(*_ALONE)
    player = floor.player()
    player.feed()
    player.wait_confirmed()
    floor.gateway.kill()
    for _ in range(floor.some(1, 15)):
        before, begin = floor.keys(), _flushed(server)
        appender = floor.gateway.part("appender", f"{Point.APPENDER_COMMITTED}=stop")
        player.feed(floor.dice.randint(1, 40))
        until(lambda pid=appender.pid: state(pid) == "T", seconds=60, what="the appender to stop after a commit")
        committed, end = floor.keys(), _flushed(server)
        server.kill()
        floor.gateway.kill("appender")
        for cut in (end, *(floor.dice.randint(begin, end) for _ in range(floor.some(1, 4)))):
            tried += 1
            lacking += not (committed if cut == end else before) <= _recovered(floor, server, cut)
        server.start(*_ALONE)
    server.stop()
    server.start()
    floor.gateway.start()
    floor.healed()
    floor.nudge()
    return Outcome(
        f"{tried} copies of the server's files at {len(committed)} committed events, its log cut off anywhere in a commit",
        floor.verify(),
        every_copy_held_what_was_committed=lacking == 0,
    )


def _flushed(server: PostgreSql) -> int:
    """Up to which byte of its log the server has the disk's word."""
    with server.connect("postgres") as connection:
        (found,) = connection.execute("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint").fetchone() or (0,)
    return int(found)


def _recovered(floor: Floor, server: PostgreSql, end: int) -> set[Key]:
    """Start a server on a copy of the files whose log ends at this byte; return what is in its ledger."""
    assert isinstance(floor.place, Database)
    files = floor.folder / "cut"
    subprocess.run(["cp", "-a", server.data, files], check=True)
    _cut_log(files / "pg_wal", end)
    copy = PostgreSql(files=files)
    try:
        copy.start()
        with Ledger.open(copy.url(floor.place.url.rpartition("/")[2])) as ledger:
            return {row.key for row in ledger.rows(0, 10_000_000)}
    finally:
        copy.remove()
        shutil.rmtree(files)


def _cut_log(folder: Path, end: int) -> None:
    """Leave nothing of the write-ahead log behind this byte. Segments are named by timeline and number."""
    number, offset = divmod(end, _SEGMENT_BYTES)
    last = f"{1:08X}{number // 256:08X}{number % 256:08X}"
    for segment in folder.iterdir():
        if segment.is_file() and segment.name > last:
            segment.unlink()
    with (folder / last).open("r+b") as log:
        log.seek(offset)
        log.write(bytes(_SEGMENT_BYTES - offset))
