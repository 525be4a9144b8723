"""The outbox on a real disk: numbers, one transaction, marks, keeping, damage, a full disk, power cuts."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.clock import Reading
from broker.events import ClockQuality
from edge.books import is_damage
from edge.outbox import Keeping, Outbox, RefusedError, Source
from edge.salvage import rescue, resume
from edge.sending import Mark

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AUTHOR = "marui/pi1"
LEDGER = "1" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def opened(path: Path, **keeping: int) -> Outbox:
    return Outbox(path, AUTHOR, Keeping(**keeping))


def reading(at: datetime = AT, clock: ClockQuality = ClockQuality.SYNCED) -> Reading:
    return Reading(at, 1, "0", clock)


def lines(count: int, size: int = 20) -> list[bytes]:
    return [b"%0*d" % (size, n) for n in range(1, count + 1)]


def read_all(outbox: Outbox, epoch: str, first: int = 1) -> list[bytes]:
    return outbox.read(epoch, first, events=500, size_bytes=256 * 1024)[0]


def fill(outbox: Outbox, size: int) -> tuple[int, str]:
    """Accept tens of events until it refuses; return how many it took and what it said."""
    for accepted in range(0, 10**6, 10):
        try:
            outbox.accept(lines(10, size=size), at=AT, notes={"memory": b"%d" % accepted})
        except RefusedError as refused:
            return accepted, str(refused)
    pytest.fail("it never refused")


def flip(path: Path, text: bytes) -> None:
    """Flip one bit of the stored bytes `text`, as a dying SD card does."""
    data = bytearray(path.read_bytes())
    at = data.index(text)
    data[at] ^= 1
    path.write_bytes(data)


def test_numbers_begin_at_1_in_an_epoch_that_its_first_accept_brings_into_being(path: Path):
    outbox = opened(path)
    ref = outbox.next_ref
    assert (ref.author, ref.seq, outbox.held()) == (AUTHOR, 1, [])
    assert outbox.accept(lines(2), at=AT) == (ref.epoch, 2)
    assert outbox.next_ref.seq == 3
    assert [(held.epoch, held.lowest, held.last) for held in outbox.held()] == [(ref.epoch, 1, 2)]


def test_every_opening_has_an_epoch_of_its_own_and_held_events_keep_theirs(path: Path):
    first = opened(path)
    first.accept(lines(2), at=AT)
    first.close()
    second = opened(path)
    second.close()
    third = opened(path)
    third.accept(lines(1), at=AT)
    held = third.held()
    assert [one.last for one in held] == [2, 1]
    assert held[0].epoch != held[1].epoch
    assert read_all(third, held[0].epoch) == lines(2)


def test_events_and_notes_are_stored_together_and_come_back_after_a_restart(path: Path):
    outbox = opened(path)
    outbox.accept(lines(1), at=AT, notes={"memory": b"m1", "play": b"17"})
    outbox.accept([], at=AT, notes={"memory": b"m2"})
    outbox.close()
    again = opened(path)
    assert (again.note("memory"), again.note("play"), again.note("other")) == (b"m2", b"17", None)


@pytest.mark.slow
def test_what_accept_returned_for_survives_kill_9(path: Path):
    """The child says each number only after accept returned, and is killed while it goes on."""
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from edge.outbox import Keeping, Outbox\n"
        f"outbox = Outbox(Path({str(path)!r}), {AUTHOR!r}, Keeping())\n"
        "for n in range(10**6):\n"
        "    outbox.accept([b'%d' % n], at=datetime.now(UTC), notes={'memory': b'%d' % n}); print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout
    said = -1
    while said < 200:
        said = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    said = max([said, *(int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n"))])
    child.wait()
    outbox = opened(path)
    (held,) = outbox.held()
    assert held.last in (said + 1, said + 2)
    assert outbox.note("memory") == b"%d" % (held.last - 1), "memory and events are of one transaction"
    with closing(sqlite3.connect(path)) as db:
        bodies = [int(row[0]) for row in db.execute("SELECT body FROM event ORDER BY id")]
    assert bodies == list(range(held.last))


def test_a_bundle_ends_at_its_limits(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(30, size=100), at=AT) or ("", 0)
    assert len(outbox.read(epoch, 5, events=10, size_bytes=10**6)[0]) == 10
    assert len(outbox.read(epoch, 5, events=500, size_bytes=1010)[0]) == 10
    assert outbox.read(epoch, 5, events=500, size_bytes=1) == ([lines(30, size=100)[4]], ()), "one always fits"


def test_marks_are_read_back(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(10), at=AT) or ("", 0)
    outbox.mark(LEDGER, [Mark(epoch, 8, ((3, 4),))])
    outbox.accept(lines(1), at=AT)
    outbox.close()
    again = opened(path)
    (held,) = again.held()
    assert again.ledger == LEDGER
    assert held.waiting == ((3, 4), (9, 11))
    assert held.receipted == 2


# -- damage --------------------------------------------------------------------------------------------------------------


def test_a_row_with_a_flipped_bit_is_lost_and_its_neighbours_are_not(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(9), at=AT) or ("", 0)
    outbox.close()
    flip(path, lines(9)[4])
    again = opened(path)
    assert again.read(epoch, 1, events=9, size_bytes=10**6) == (lines(9)[:4], ((5, 5),))
    assert read_all(again, epoch, 6) == lines(9)[5:]
    again.close()
    (held,) = opened(path).held()
    assert held.lost == ((5, 5),), "and that is remembered"
    assert held.waiting == ((1, 4), (6, 9))


def test_rows_that_changed_places_are_not_sent_under_each_others_numbers(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(3), at=AT) or ("", 0)
    outbox.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "UPDATE event SET body=(SELECT body FROM event WHERE id % 1099511627776 = 3) WHERE id % 1099511627776 = 2"
        )
        db.commit()
    assert opened(path).read(epoch, 1, events=3, size_bytes=10**6) == (lines(3)[:1], ((2, 2),))


def test_a_missing_row_is_a_loss_too(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(5), at=AT) or ("", 0)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM event WHERE id % 1099511627776 BETWEEN 4 AND 5")
        db.commit()
    assert outbox.read(epoch, 1, events=500, size_bytes=10**6) == (lines(5)[:3], ((4, 5),))


def test_a_damaged_note_is_none(path: Path):
    outbox = opened(path)
    outbox.accept(lines(1), at=AT, notes={"memory": b"what the scanners have in hand"})
    outbox.close()
    flip(path, b"what the scanners")
    assert opened(path).note("memory") is None


@pytest.mark.parametrize("page", [0, 1, 2, 3, 4, 5, 9, 30])
def test_whatever_page_of_the_file_is_overwritten_the_rest_is_rescued_and_the_loss_is_named(path: Path, page: int):
    outbox = opened(path)
    epoch, last = outbox.accept(lines(1500, size=200), at=AT, notes={"memory": b"m"}) or ("", 0)
    outbox.mark(LEDGER, [Mark(epoch, 100, ())])
    outbox.close()
    data = bytearray(path.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    path.write_bytes(data)
    rescued = rescue(path)
    assert rescued.aside.exists()
    again = opened(path)
    held = again.held()
    lost = sum(b - a + 1 for one in held for a, b in one.lost)
    assert rescued.events + lost == last
    assert lost <= 20, "one leaf of the tree holds no more such rows"
    (one,) = held
    kept = [line for n in range(1, 1501) for line in again.read(epoch, n, events=1, size_bytes=10**6)[0]]
    gone = {n for a, b in one.lost for n in range(a, b + 1)}
    assert kept == [line for n, line in enumerate(lines(1500, size=200), start=1) if n not in gone]
    again.accept(lines(1), at=AT)


def test_a_page_that_leads_to_good_rows_and_is_damaged_makes_nobody_call_them_lost(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(1500, size=200), at=AT) or ("", 0)
    outbox.close()
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name='event'").fetchone()
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(data)
    again = opened(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        again.read(epoch, 1, events=500, size_bytes=10**6)
    assert is_damage(caught.value), "the agent rescues the file then"
    again.close()
    assert (rescue(path).events, opened(path).held()[0].lost) == (1500, ())


def test_of_two_copies_of_an_epochs_books_that_differ_none_is_believed(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(9), at=AT) or ("", 0)
    outbox.close()
    data = path.read_bytes()
    outbox = opened(path)
    outbox.mark(LEDGER, [Mark(epoch, 9, ())])
    outbox.close()
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name='epoch'").fetchone()
    path.write_bytes(path.read_bytes() + data[(root - 1) * 4096 : root * 4096])
    rescue(path)
    assert opened(path).held()[0].waiting == ((1, 9),), "what is sent again changes nothing"


def test_damage_is_told_from_a_full_disk(path: Path):
    path.write_bytes(b"this is no database, whatever its name says" * 200)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        opened(path)
    assert is_damage(caught.value)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert not is_damage(full)
    assert rescue(path).events == 0
    opened(path).accept(lines(1), at=AT)


def damaged(path: Path) -> None:
    """Leave an outbox of 30 events behind, its first page overwritten."""
    outbox = opened(path)
    outbox.accept(lines(30), at=AT)
    outbox.close()
    path.write_bytes(os.urandom(4096) + path.read_bytes()[4096:])


def test_a_rescue_that_cannot_write_leaves_the_damaged_outbox_in_its_place(path: Path):
    damaged(path)
    in_the_way = path.with_name(path.name + ".new")
    in_the_way.mkdir()
    with pytest.raises(OSError, match=re.escape(str(in_the_way))):
        rescue(path)
    assert path.exists()
    in_the_way.rmdir()
    assert rescue(path).events == 30


@pytest.mark.parametrize("moved", [("",), ("", "-wal")], ids=["before its log moved", "after it"])
def test_a_rescue_cut_short_before_its_last_step_is_finished_at_the_next_start(path: Path, moved: tuple[str, ...]):
    """The log holds every event, and the file's first page is gone, as after `kill -9` on a dying card."""
    outbox = opened(path)
    outbox.accept(lines(30), at=AT)
    names = [path, path.with_name(path.name + "-wal")]
    files = {name: name.read_bytes() for name in names}
    outbox.close()
    for name, data in files.items():
        name.write_bytes(data)
    assert rescue(path).events == 30
    for name, data in files.items():
        suffix = name.name.removeprefix(path.name)
        aside = path.with_name(path.name + ".damaged-1" + suffix)
        (aside if suffix in moved else name).write_bytes(data)
    path.unlink()
    finished = resume(path)
    assert finished
    assert finished.events == 30
    assert resume(path) is None
    assert sum(one.last for one in opened(path).held()) == 30


def test_a_new_outbox_has_no_rescue_to_finish(path: Path):
    assert resume(path) is None
    assert not path.exists()


# -- keeping -------------------------------------------------------------------------------------------------------------


def test_receipted_events_stay_30_days_and_unreceipted_ones_for_ever(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(10), at=AT - timedelta(days=31)) or ("", 0)
    outbox.accept(lines(5), at=AT - timedelta(days=29))
    outbox.mark(LEDGER, [Mark(epoch, 13, ((7, 8),))])
    assert outbox.keep(reading()) == {epoch: 7}
    assert [read_all(outbox, epoch, n)[:1] != [] for n in (6, 7, 8, 9, 11)] == [False, True, True, False, True]
    assert outbox.keep(reading(AT + timedelta(days=400))) == {epoch: 7}
    assert [held.waiting for held in outbox.held()] == [((7, 8), (14, 15))]


def test_what_is_young_stays_though_more_old_ones_lie_before_it_than_one_look_takes_in(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(2100), at=AT - timedelta(days=31)) or ("", 0)
    outbox.accept(lines(100), at=AT - timedelta(days=29))
    outbox.mark(LEDGER, [Mark(epoch, 2200, ((1, 500),))])
    assert [outbox.keep(reading())[epoch] for _ in range(3)] == [1, 1, 1]
    assert read_all(outbox, epoch, 2101) == lines(100)
    outbox.mark(LEDGER, [Mark(epoch, 2200, ())])
    assert [outbox.keep(reading())[epoch] for _ in range(3)] == [2101, 2101, 2101]


def test_of_an_older_epoch_of_which_nothing_is_left_it_still_knows_how_far_it_went(path: Path):
    first = opened(path)
    old, _ = first.accept(lines(3), at=AT - timedelta(days=31)) or ("", 0)
    first.close()
    outbox = opened(path)
    new, _ = outbox.accept(lines(3), at=AT - timedelta(days=31)) or ("", 0)
    outbox.mark(LEDGER, [Mark(old, 3, ()), Mark(new, 3, ())])
    assert outbox.keep(reading()) == {old: 4, new: 4}
    assert [(one.epoch, one.lowest, one.last, one.waiting) for one in outbox.held()] == [
        (old, 4, 3, ()),
        (new, 4, 3, ()),
    ]
    assert outbox.accept(lines(1), at=AT) == (new, 4)


def test_of_very_many_emptied_epochs_only_the_last_hundred_are_known(path: Path):
    epochs = []
    for _ in range(103):
        outbox = opened(path)
        epochs.append((outbox.accept(lines(1), at=AT - timedelta(days=31)) or ("", 0))[0])
        outbox.close()
    outbox = opened(path)
    outbox.mark(LEDGER, [Mark(epoch, 1, ()) for epoch in epochs])
    assert list(outbox.keep(reading())) == epochs[-100:]
    last, _ = outbox.accept(lines(5), at=AT - timedelta(days=31)) or ("", 0)
    outbox.mark(LEDGER, [Mark(last, 5, ())])
    assert outbox.keep(reading())[last] == 6, "emptied ones do not stand in the way"


@pytest.mark.parametrize("clock", [ClockQuality.UNSYNCED])
def test_a_clock_nobody_trusts_calls_nothing_old(path: Path, clock: ClockQuality):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(3), at=AT) or ("", 0)
    outbox.mark(LEDGER, [Mark(epoch, 3, ())])
    assert outbox.keep(reading(AT + timedelta(days=3650), clock)) == {epoch: 1}


def test_what_was_accepted_in_1970_counts_as_young(path: Path):
    outbox = opened(path)
    epoch, _ = outbox.accept(lines(3), at=datetime(1970, 1, 1, tzinfo=UTC)) or ("", 0)
    outbox.mark(LEDGER, [Mark(epoch, 3, ())])
    assert outbox.keep(reading()) == {epoch: 1}


def test_more_receipted_bytes_than_allowed_go_oldest_first_and_the_file_shrinks(path: Path):
    outbox = opened(path, kept_bytes=400_000)
    epoch, _ = outbox.accept(lines(10_000, size=200), at=AT) or ("", 0)
    outbox.mark(LEDGER, [Mark(epoch, 9_000, ())])
    before = outbox.used_bytes
    lowest = [outbox.keep(reading())[epoch] for _ in range(8)]
    assert lowest[0] == 2001
    assert lowest == sorted(lowest)
    assert outbox.used_bytes < 0.4 * before
    assert outbox.held()[0].waiting == ((9_001, 10_000),)
    outbox.close()
    assert path.stat().st_size < 0.4 * before


def test_at_80_percent_machines_are_refused_and_the_rest_is_for_people(path: Path):
    outbox = opened(path, limit_bytes=1_000_000)
    for _ in range(20):
        outbox.accept(lines(100, size=200), at=AT, source=Source.MACHINE)
    for _ in range(12):
        outbox.accept(lines(100, size=200), at=AT)
    with pytest.raises(RefusedError, match="80 % full: what is left is for people"):
        outbox.accept(lines(1), at=AT, source=Source.MACHINE)
    assert outbox.accept(lines(1), at=AT)


def test_a_full_outbox_refuses_with_a_sentence_and_keeps_what_it_has(path: Path):
    outbox = opened(path, limit_bytes=300_000)
    accepted, why = fill(outbox, size=500)
    assert re.search(r"cannot store an event: database or disk is full.*make room", why)
    (held,) = outbox.held()
    assert held.last == accepted > 300
    assert outbox.note("memory") == b"%d" % (accepted - 10)
    assert outbox.next_ref.seq == accepted + 1


def test_a_full_outbox_gives_up_receipted_events_before_it_refuses(path: Path):
    outbox = opened(path, limit_bytes=300_000)
    epoch = outbox.next_ref.epoch
    for upto in range(10, 3000, 10):
        outbox.accept(lines(10, size=500), at=AT)
        outbox.mark(LEDGER, [Mark(epoch, upto, ())])
    assert outbox.held()[0].lowest > 2000


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_refuses_and_nothing_accepted_is_lost(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        outbox = opened(disk / "outbox.sqlite")
        accepted, _ = fill(outbox, size=300)
        epoch = outbox.next_ref.epoch
        got = [line for first in range(1, accepted, 500) for line in read_all(outbox, epoch, first)]
        assert len(got) == accepted > 500
        outbox.mark(LEDGER, [Mark(epoch, accepted, ())])
        outbox.accept(lines(10, size=300), at=AT)
        outbox.close()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_another_process_may_read_while_we_write(path: Path):
    outbox = opened(path)
    outbox.accept(lines(3), at=AT)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (3,)
        outbox.accept(lines(3), at=AT)
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (6,)


@pytest.mark.slow
def test_any_flipped_bit_loses_at_most_its_own_page_and_nothing_else_changes(path: Path):
    """60 places of a file that was never closed, so that the write-ahead log is hit as well."""
    outbox = opened(path)
    for n in range(40):
        outbox.accept(lines(30, size=150), at=AT, notes={"memory": b"%d" % n})
    epoch = outbox.next_ref.epoch
    files = {name: name.read_bytes() for name in (path, path.with_name(path.name + "-wal"))}
    outbox.close()
    rng = random.Random(11)
    for _ in range(60):
        where = rng.choice(list(files))
        at = rng.randrange(len(files[where]))
        for name, data in files.items():
            name.write_bytes(data)
        broken = bytearray(files[where])
        broken[at] ^= 1 << rng.randrange(8)
        where.write_bytes(broken)
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        try:
            again = opened(path)
            held = again.held()
            kept = [
                again.read(one.epoch, n, events=1, size_bytes=10**6)[0] for one in held for n in range(1, one.last + 1)
            ]
        except (sqlite3.DatabaseError, ValueError):
            rescue(path)
            again = opened(path)
            held = again.held()
            kept = [
                again.read(one.epoch, n, events=1, size_bytes=10**6)[0] for one in held for n in range(1, one.last + 1)
            ]
        for n, got in enumerate(kept):
            assert got in ([], [lines(30, size=150)[n % 30]]), "never anything else than what was accepted"
        if where == path and held:
            assert [one.epoch for one in held] == [epoch]
            assert sum(1 for got in kept if not got) <= 20
        again.close()
        for extra in path.parent.glob("*.damaged-*"):
            extra.unlink()
