"""What `mawashi check` says of the copy on the second disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.backup.status import Status, said_of_copy, status_path
from gateway.settings import Gateway

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GOOD = Status("/media/copy", 1, position=90, at=NOW - timedelta(seconds=4))


def said(folder: Path, status: Status | None) -> list[tuple[bool, str]]:
    settings = Gateway(data_dir=folder)
    if status:
        status.write(status_path(settings))
    return [(one.ok, str(one)) for one in said_of_copy(settings, 100, NOW)]


def test_a_copy_that_runs_is_well_and_says_how_far_behind_it_is(tmp_path: Path) -> None:
    ((ok, text),) = said(tmp_path, GOOD)
    assert ok
    assert "copy: /media/copy is whole up to 2026-11-22" in text
    assert "10 events behind" in text


def test_one_that_does_not_run_or_is_in_trouble_is_said_with_what_to_do(tmp_path: Path) -> None:
    old = Status("/media/copy", 1, position=90, at=NOW - timedelta(minutes=2))
    ((ok, text),) = said(tmp_path, old)
    assert not ok
    assert "It does not run. Start it: mawashi backup --follow /media/copy; to do without, delete " in text
    full = Status("/media/copy", 1, position=90, at=NOW, trouble="the second disk is full", trouble_ja="満杯です")
    ((ok, text),) = said(tmp_path, full)
    assert not ok
    assert text.endswith("Now the second disk is full.")
    assert "。満杯です" in text


def test_where_no_copy_was_ever_kept_nothing_is_said_and_what_is_unreadable_is(tmp_path: Path) -> None:
    assert said(tmp_path, None) == []
    status_path(Gateway(data_dir=tmp_path)).write_text("[1")
    ((ok, text),) = said(tmp_path, None)
    assert (ok, "cannot be read. Delete it and start" in text) == (False, True)
