"""Restoring: a new name after the old ones, nothing given out twice, nothing deleted, and refusals that change nothing."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway import store
from gateway.backup import copying
from gateway.backup.command import BackupError, make
from gateway.backup.copying import Copy
from gateway.backup.follow import FILE
from gateway.backup.restore import Restored, Wanted, restore
from gateway.ledger import Ledger
from gateway.ledger.writer import WritableLedger
from gateway.settings import Gateway
from gateway.state import State
from tests.backup.parts import LEDGER, content, fill, more
from tests.gateway.test_commands import mawashi
from tests.ledger.test_ledger import AUTHOR, EPOCH, NOW, READING, greeting, some
from tests.ports import free_port
from tests.postgresql import PostgreSql


@pytest.fixture
def settings(tmp_path: Path) -> Gateway:
    return Gateway(data_dir=tmp_path / "data")


def opened(settings: Gateway) -> WritableLedger:
    return Ledger.open(settings.ledger_url, write=True)


def a_backup(settings: Gateway, tmp_path: Path) -> Path:
    """A ledger with a backup of yesterday, and events, numbers and tickets of today."""
    with opened(settings) as ledger:
        fill(ledger)
        make(settings.data_dir / LEDGER, tmp_path / "b.sqlite", overwrite=False)
        more(ledger, 50, some(50, 60))
        ledger.mint(5, 5, READING)
    return tmp_path / "b.sqlite"


def names(settings: Gateway) -> tuple[str, ...]:
    with opened(settings) as ledger:
        return ledger.identity


def restored(settings: Gateway, *given: object, **more_given: object) -> Restored:
    return restore(settings, Wanted(*given, **more_given))


def test_a_copy_becomes_the_ledger_under_a_new_name_and_the_former_one_is_kept(
    settings: Gateway, tmp_path: Path
) -> None:
    backup = a_backup(settings, tmp_path)
    before, old = content(settings.data_dir / LEDGER), names(settings)
    (settings.data_dir / "state.sqlite").write_bytes(b"made from the former ledger")
    done = restored(settings, backup, replace=True)
    assert names(settings) == (done.ledger, *old)
    assert (done.rows, done.lineage) == (13, old)
    assert done.kept
    assert content(Path(done.kept)) == before
    assert not (settings.data_dir / "state.sqlite").exists(), "it is made again"
    now = content(settings.data_dir / LEDGER)
    changing = ("ledgers", "counters", "tickets")
    assert {name: rows for name, rows in now.items() if name not in changing} == {
        name: rows for name, rows in content(backup).items() if name not in changing
    }
    assert [one.name for one in settings.data_dir.iterdir() if "restoring" in one.name] == []


def test_numbers_and_tickets_given_out_since_the_copy_are_never_given_out_again(
    settings: Gateway, tmp_path: Path
) -> None:
    backup = a_backup(settings, tmp_path)
    given = set(content(settings.data_dir / LEDGER)["tickets"])
    done = restored(settings, backup, replace=True)
    assert done.next_number == 1001 + 7 + 1000, "seven were given out before and after the copy"
    with opened(settings) as ledger:
        assert ledger.mint(1, 0, READING).numbers == ("2008",)
    assert set(content(settings.data_dir / LEDGER)["tickets"]) >= given


def test_without_the_former_ledger_a_thousand_numbers_are_skipped_or_as_many_as_are_on_paper(
    settings: Gateway, tmp_path: Path
) -> None:
    backup = a_backup(settings, tmp_path)
    shutil.rmtree(settings.data_dir)
    assert restored(settings, backup).next_number == 1003 + 1000
    shutil.rmtree(settings.data_dir)
    assert restored(settings, backup, last_number=7000).next_number == 8001


def test_a_copy_from_before_the_first_number_skips_them_too(settings: Gateway, tmp_path: Path) -> None:
    with opened(settings) as ledger:
        more(ledger, 1, some(1, 5))
    shutil.copy(settings.data_dir / LEDGER, tmp_path / "early.sqlite")
    with opened(settings) as ledger:
        assert ledger.mint(1, 0, READING).numbers == ("1001",)
        old = ledger.ledger_id
    shutil.copy(tmp_path / "early.sqlite", settings.data_dir / LEDGER)  # a bare file copy
    with opened(settings) as ledger:
        assert ledger.commit([greeting(last=9, receipted=9, ledger=old)]).went_back
        assert ledger.mint(1, 0, READING).numbers == ("2001",)


def test_names_that_the_copy_does_not_know_join_the_lineage(settings: Gateway, tmp_path: Path) -> None:
    backup = a_backup(settings, tmp_path)
    old = names(settings)
    first = restored(settings, backup, replace=True).ledger
    second = restored(settings, backup, formerly=("f" * 32,), replace=True).ledger
    assert names(settings)[0] == second
    assert set(names(settings)[1:]) == {*old, first, "f" * 32}, "of the ledger put aside, and told by a person"


def test_a_followed_folder_is_restored_as_of_its_last_whole_moment(
    settings: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROWS_A_TURN", 5)
    second = tmp_path / "second"
    second.mkdir()
    with opened(settings) as ledger:
        fill(ledger)
        copy = Copy(settings.data_dir / LEDGER, second / FILE, durable=True)
        while not copy.turn(NOW).whole:
            pass
        more(ledger, 50, some(50, 60))
        assert not copy.turn(NOW).whole
        copy.close()
    assert restored(settings, second, replace=True).rows == 13
    with opened(settings) as ledger:
        assert ledger.receipt(AUTHOR, EPOCH).upto == 13, "no mark says more than there are rows"


def test_a_lost_ledger_begins_empty_after_its_old_name(settings: Gateway) -> None:
    with pytest.raises(BackupError, match="the highest order number on paper"):
        restored(settings, empty="e" * 32)
    done = restored(settings, empty="e" * 32, last_number=5400)
    assert (done.rows, done.lineage, done.last_event, done.kept) == (0, ("e" * 32,), None, None)
    with opened(settings) as ledger:
        assert ledger.identity == (done.ledger, "e" * 32)
        assert ledger.mint(1, 0, READING).numbers == ("6401",)


def test_it_refuses_and_changes_nothing(settings: Gateway, tmp_path: Path) -> None:
    backup = a_backup(settings, tmp_path)
    before = content(settings.data_dir / LEDGER)

    def refused(said: str, *given: object, **more_given: object) -> None:
        with pytest.raises(BackupError, match=said):
            restored(settings, *given, **more_given)
        assert content(settings.data_dir / LEDGER) == before
        assert [one.name for one in settings.data_dir.iterdir() if "restoring" in one.name] == []

    refused("is there. With --replace it is kept", backup)
    refused("Name a copy", replace=True)
    refused("Name a copy", backup, empty="e" * 32, replace=True)
    refused("zzz is no ledger's name", empty="zzz", last_number=1, replace=True)
    refused("is no ledger's name", backup, formerly=("F" * 32,), replace=True)
    refused("is the present ledger itself", settings.data_dir / LEDGER, replace=True)
    refused("cannot be restored", tmp_path / "nothing.sqlite", replace=True)
    refused("holds no ledger-copy.sqlite. Name a file of it: b.sqlite", tmp_path, replace=True)
    (tmp_path / "text").write_text("no database " * 1000)
    refused("cannot be restored", tmp_path / "text", replace=True)
    with closing(sqlite3.connect(backup)) as db:
        db.execute("UPDATE rows SET body = x'00' WHERE position = 5")
        db.commit()
    refused("is no good copy: the event at position 5 is damaged", backup, replace=True)
    with opened(settings):
        refused("The gateway is running. Stop it first", backup, replace=True)
    state = store.Lock(settings.data_dir / "state.sqlite")
    refused("The gateway is running. Stop it first", backup, replace=True)
    state.release()


@pytest.mark.slow
def test_a_state_in_postgresql_is_made_again_too_and_its_server_must_be_there(
    settings: Gateway, tmp_path: Path, postgresql: PostgreSql
) -> None:
    backup = a_backup(settings, tmp_path)
    before = content(settings.data_dir / LEDGER)
    away = f"postgresql+psycopg://mawashi@127.0.0.1:{free_port()}/shop"
    with pytest.raises(BackupError, match="schema state does not answer: Connection refused"):
        restored(settings.model_copy(update={"state_url": away}), backup, replace=True)
    assert content(settings.data_dir / LEDGER) == before
    served = settings.model_copy(update={"state_url": postgresql.database()})
    with State.open(served.state_url, write=True), pytest.raises(BackupError, match="Stop it first"):
        restored(served, backup, replace=True)
    assert restored(served, backup, replace=True).rows == 13
    assert State.open(served.state_url).value("born") is None, "it is made again"


def test_the_commands_say_what_they_did(settings: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(f'data_dir = "{settings.data_dir}"\n')
    where = ("--settings", str(path))
    file = str(tmp_path / "b.sqlite")
    missing = mawashi("backup", file, *where)
    assert missing.exit_code == 1
    assert "does not exist yet. Start the gateway first" in missing.stderr
    with opened(settings) as ledger:
        fill(ledger)
    said = mawashi("backup", file, *where)
    assert (said.exit_code, "Copied and read again, it is good: 13 events" in said.stdout) == (0, True)
    made = json.loads(mawashi("backup", file, "--overwrite", "--json", *where).stdout)
    assert (made["rows"], made["last_position"], made["file"]) == (13, 13, file)
    said = mawashi("restore", file, "--replace", *where)
    assert "Restored: 13 events" in said.stdout
    assert "Order numbers go on from 2003" in said.stdout
    done = json.loads(mawashi("restore", file, "--replace", "--json", *where).stdout)
    assert names(settings) == (done["ledger"], *done["lineage"])
    assert len(done["lineage"]) == 2
    assert mawashi("backup", *where).exit_code == 2
