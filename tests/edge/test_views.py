"""The firm's order views, kept for the time offline."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.messages import OrderView, TicketView
from edge.views import Views

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def opened(directory: Path, now: datetime = AT, said: list[str] | None = None) -> Views:
    heard = said if said is not None else []
    return Views(directory / "v.sqlite", now, log=lambda _level, sentence, **_: heard.append(sentence))


def view(order: str, *tickets: str, number: str | None = None) -> bytes:
    return OrderView(
        order=order,
        number=number,
        level="own",
        state="ready",
        tickets=tuple(TicketView(id=ticket, branch=1) for ticket in tickets),
    ).encode()


def test_a_kept_view_is_found_by_any_of_its_tickets_also_after_a_restart(tmp_path: Path):
    views = opened(tmp_path)
    assert views.put("k1", view("k1", "7K3Q9F", "7K3Q9G", number="4471"), AT) is None
    views.close()
    again = opened(tmp_path)
    found = again.by_ticket("7K3Q9G")
    assert found
    assert found.number == "4471"
    assert again.by_ticket("000000") is None


def test_a_newer_view_replaces_the_older_and_its_tickets(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F", number="1"), AT)
    views.put("k1", view("k1", "7K3Q9G", number="2"), AT)
    assert views.by_ticket("7K3Q9F") is None
    assert len(views) == 1


def test_an_empty_payload_withdraws_it(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    views.put("k1", b"", AT)
    views.put("k2", b"", AT)
    assert views.by_ticket("7K3Q9F") is None
    assert len(views) == 0


def test_what_is_no_view_is_refused_with_a_sentence_and_the_old_one_stays(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    assert "level: Field required" in (views.put("k1", b'{"v": 1, "order": "k1", "state": "ready"}', AT) or "")
    assert views.by_ticket("7K3Q9F")


def test_a_view_withdrawn_while_we_were_away_is_forgotten_after_90_days(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    views.put("k2", view("k2", "7K3Q9G"), AT)
    views.put("k2", view("k2", "7K3Q9G"), AT + timedelta(days=60))
    views.close()
    later = opened(tmp_path, AT + timedelta(days=91))
    assert later.by_ticket("7K3Q9F") is None
    assert later.by_ticket("7K3Q9G")


def test_a_damaged_file_begins_empty(tmp_path: Path):
    path = tmp_path / "v.sqlite"
    path.write_bytes(b"no database at all" * 300)
    views = opened(tmp_path)
    assert len(views) == 0
    views.put("k1", view("k1", "7K3Q9F"), AT)
    assert views.by_ticket("7K3Q9F")


def ruin(path: Path) -> None:
    """Overwrite a file that is in use, as a dying card does; what was changed just before is in no cache."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE view SET seen=seen+1")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(b"\xa5" * path.stat().st_size)


def test_damage_while_it_is_in_use_is_said_once_and_the_views_begin_anew(tmp_path: Path):
    said: list[str] = []
    views = opened(tmp_path, said=said)
    for _ in range(2):
        views.put("k1", view("k1", "7K3Q9F"), AT)
        ruin(tmp_path / "v.sqlite")
        assert views.by_ticket("7K3Q9F") is None
        assert views.put("k2", view("k2", "7K3Q9G"), AT) is None
        assert views.by_ticket("7K3Q9G")
    assert said == ["the kept order views are lost and come again from the server: check the card"]


def test_a_view_that_finds_the_damage_is_kept_itself(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    ruin(tmp_path / "v.sqlite")
    assert views.put("k2", view("k2", "7K3Q9G"), AT) is None
    assert views.by_ticket("7K3Q9G")


def test_tables_that_are_gone_are_no_reason_to_end(tmp_path: Path):
    views = opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "v.sqlite")) as other:
        other.execute("DROP TABLE view")
    assert views.put("k1", view("k1", "7K3Q9F"), AT) == "the disk refuses it: no such table: view"
    assert views.by_ticket("7K3Q9F") is None, "which begins anew"
    assert views.put("k1", view("k1", "7K3Q9F"), AT) is None
    assert views.by_ticket("7K3Q9F")


def test_a_put_that_fails_half_way_leaves_the_old_view_and_the_next_one_works(tmp_path: Path):
    views = opened(tmp_path)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    with closing(sqlite3.connect(tmp_path / "v.sqlite")) as other:
        other.execute("CREATE TRIGGER t BEFORE INSERT ON ticket BEGIN SELECT RAISE(ABORT, 'no room'); END")
    assert views.put("k1", view("k1", "7K3Q9G"), AT) == "the disk refuses it: no room"
    assert views.by_ticket("7K3Q9F")
    with closing(sqlite3.connect(tmp_path / "v.sqlite")) as other:
        other.execute("DROP TRIGGER t")
    assert views.put("k1", view("k1", "7K3Q9G"), AT) is None
    assert views.by_ticket("7K3Q9G")


def test_without_a_file_of_its_own_it_goes_on_in_memory(tmp_path: Path):
    (tmp_path / "v.sqlite").mkdir()
    views = opened(tmp_path)
    assert views.put("k1", view("k1", "7K3Q9F"), AT) is None
    assert views.by_ticket("7K3Q9F")
