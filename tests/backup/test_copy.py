"""A copy of the ledger: the same in every table at every whole moment, resumed anywhere, never over another history."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.backup import copying
from gateway.backup.command import BackupError, make
from gateway.backup.copying import Copy, Turned, TurnedError, finish
from gateway.backup.verify import BadCopyError, verify
from gateway.ledger import Ledger
from tests.backup.parts import LEDGER, content, fill, more, statements
from tests.ledger.test_ledger import NOW, READING, batch, some


def whole(copy: Copy) -> int:
    """Bring it up to date; return in how many turns."""
    turns = 1
    while not copy.turn(NOW).whole:
        turns += 1
    return turns


def followed(folder: Path) -> None:
    """Open the copy, bring it up to date, close it: as a process that was started again."""
    copy = Copy(folder / LEDGER, folder / "copy.sqlite", durable=True)
    try:
        whole(copy)
    finally:
        copy.close()


def test_every_table_is_in_the_copy_and_follows_every_kind_of_change(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
        copy = Copy(tmp_path / LEDGER, tmp_path / "copy.sqlite", durable=True)
        whole(copy)
        assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)
        assert statements(tmp_path / "copy.sqlite") == statements(tmp_path / LEDGER)
        assert all(content(tmp_path / LEDGER).values()), "there is something in every table"
        more(ledger, 12, some(12, 12))  # a gap shrinks, a row of its table goes
        ledger.discard(1, READING, by="somebody", why="a test")  # bytes go
        fill(ledger, 20, 30)
        whole(copy)
        assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)
        copy.close()


def test_a_long_way_goes_in_steps_and_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROWS_A_TURN", 7)
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
        followed(tmp_path)
        at_that_moment = content(tmp_path / "copy.sqlite")
        more(ledger, 50, some(50, 99))
        copy = Copy(tmp_path / LEDGER, tmp_path / "copy.sqlite", durable=True)
        assert not copy.turn(NOW).whole
        copy.close()  # killed here
        shutil.copy(tmp_path / "copy.sqlite", tmp_path / "halfway.sqlite")
        assert finish(tmp_path / "halfway.sqlite") == 13
        assert content(tmp_path / "halfway.sqlite") == at_that_moment, "never half a moment"
        copy = Copy(tmp_path / LEDGER, tmp_path / "copy.sqlite", durable=True)
        assert whole(copy) > 3
        copy.close()
        assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)


def test_a_copy_cut_off_before_its_first_whole_moment_is_not_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROWS_A_TURN", 7)
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    copy = Copy(tmp_path / LEDGER, tmp_path / "copy.sqlite", durable=True)
    assert not copy.turn(NOW).whole
    copy.close()
    with pytest.raises(ValueError, match="never finished"):
        finish(tmp_path / "copy.sqlite")
    followed(tmp_path)
    assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)


def test_a_copy_of_an_older_version_takes_the_new_tables(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    with closing(sqlite3.connect(tmp_path / LEDGER)) as db:
        followed(tmp_path)
        db.execute("ALTER TABLE epochs ADD COLUMN colour TEXT DEFAULT 'blue'")
        db.execute("CREATE TABLE further (id INTEGER PRIMARY KEY, what TEXT)")
        db.execute("INSERT INTO further VALUES (1, 'more')")
        db.commit()
        followed(tmp_path)
    assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)
    assert statements(tmp_path / "copy.sqlite") == statements(tmp_path / LEDGER)


def test_a_ledger_that_is_older_than_its_copy_another_one_and_a_restored_one_leave_the_copy_as_it_is(
    tmp_path: Path,
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    shutil.copy(tmp_path / LEDGER, tmp_path / "yesterday.sqlite")
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        more(ledger, 50, some(50, 60))
    followed(tmp_path)
    kept = content(tmp_path / "copy.sqlite")

    def refused() -> Turned:
        with pytest.raises(TurnedError) as said:
            followed(tmp_path)
        assert content(tmp_path / "copy.sqlite") == kept
        return said.value.how

    shutil.copy(tmp_path / "yesterday.sqlite", tmp_path / LEDGER)
    assert refused() is Turned.OLDER
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        more(ledger, 49, some(49, 70))
    assert refused() is Turned.OLDER, "longer again, and another history"
    with closing(sqlite3.connect(tmp_path / LEDGER)) as db:
        db.execute("INSERT INTO ledgers (id, since, why) VALUES ('new', 1, 'went back')")
        db.commit()
    assert refused() is Turned.RESTORED
    (tmp_path / LEDGER).unlink()
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    assert refused() is Turned.ANOTHER


def test_a_new_name_alone_does_not_begin_a_new_copy(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    followed(tmp_path)
    with closing(sqlite3.connect(tmp_path / LEDGER)) as db:
        db.execute("INSERT INTO ledgers (id, since, why) VALUES ('new', 1, 'went back')")
        db.commit()
    followed(tmp_path)
    assert content(tmp_path / "copy.sqlite") == content(tmp_path / LEDGER)


def test_a_backup_is_a_ledger_made_whole_and_verified_beside_a_writing_gateway(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
        made = make(tmp_path / LEDGER, tmp_path / "b.sqlite", overwrite=False)
        assert (made.rows, made.last_position, made.ledger) == (13, 13, ledger.ledger_id)
        assert content(tmp_path / "b.sqlite") == content(tmp_path / LEDGER)
        with pytest.raises(BackupError, match="is there already"):
            make(tmp_path / LEDGER, tmp_path / "b.sqlite", overwrite=False)
        more(ledger, 50, some(50, 60))
        assert make(tmp_path / LEDGER, tmp_path / "b.sqlite", overwrite=True).rows == 24
    with Ledger.open(f"sqlite:///{tmp_path / 'b.sqlite'}", write=True) as ledger:
        more(ledger, 61, some(61, 61))
        assert ledger.last_position() == 25
    assert sorted(one.name for one in tmp_path.iterdir() if "b.sqlite" in one.name) == ["b.sqlite", "b.sqlite.lock"]


def test_a_backup_never_overwrites_the_ledger_itself_by_whatever_name_it_goes(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
        (tmp_path / "link.sqlite").symlink_to(tmp_path / LEDGER)
        for name in (LEDGER, "link.sqlite"):
            with pytest.raises(BackupError, match="the present ledger itself"):
                make(tmp_path / LEDGER, tmp_path / name, overwrite=True)
        more(ledger, 50, some(50, 60))
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}") as ledger:
        assert ledger.last_position() == 24


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    with pytest.raises(BackupError, match="cannot be written"):
        make(tmp_path / LEDGER, tmp_path / "nowhere" / "b.sqlite", overwrite=False)
    with pytest.raises(BackupError, match="cannot be written"):
        make(tmp_path / LEDGER, Path("/proc/b.sqlite"), overwrite=False)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE rows SET body = x'00' WHERE position = 5", "the event at position 5 is damaged"),
        ("DELETE FROM rows WHERE position = 5", "claims 11 events and holds 10"),
        ("UPDATE epochs SET upto = upto + 1", "it claims 12 events and holds 11"),
        ("DELETE FROM bundles WHERE id = 1", "names a row of bundles that is not there"),
        ("UPDATE bundles SET received_at = 1 << 60 WHERE id = 1", "the time of bundle 1 is damaged"),
        ("DELETE FROM ledgers", "it has no name"),
        ("DROP TABLE rows", "it is no ledger"),
    ],
)
def test_what_is_wrong_with_a_copy_is_found_and_said(tmp_path: Path, damage: str, said: str) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        fill(ledger)
    assert verify(tmp_path / LEDGER).rows == 13
    with closing(sqlite3.connect(tmp_path / LEDGER)) as db:
        db.execute(damage)
        db.commit()
    with pytest.raises(BadCopyError, match=said):
        verify(tmp_path / LEDGER)


def test_a_flipped_byte_anywhere_in_an_event_is_found(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / LEDGER}", write=True) as ledger:
        ledger.commit([batch(1, [b"m" * 3000])])
    made = make(tmp_path / LEDGER, tmp_path / "b.sqlite", overwrite=False)
    data = bytearray(Path(made.file).read_bytes())
    data[data.index(b"m" * 3000) + 1500] ^= 1
    (tmp_path / "b.sqlite").write_bytes(data)
    with pytest.raises(BadCopyError, match="the event at position 1 is damaged"):
        verify(tmp_path / "b.sqlite")
    (tmp_path / "b.sqlite").write_bytes(os.urandom(8192))
    with pytest.raises(BadCopyError, match="file is not a database"):
        verify(tmp_path / "b.sqlite")
