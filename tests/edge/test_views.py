"""The firm's order views, kept for the time offline."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.messages import OrderView, TicketView
from edge.views import Views

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def view(order: str, *tickets: str, number: str | None = None) -> bytes:
    return OrderView(
        order=order,
        number=number,
        level="own",
        state="ready",
        tickets=tuple(TicketView(id=ticket, branch=1) for ticket in tickets),
    ).encode()


def test_a_kept_view_is_found_by_any_of_its_tickets_also_after_a_restart(tmp_path: Path):
    views = Views(tmp_path / "v.sqlite", AT)
    assert views.put("k1", view("k1", "7K3Q9F", "7K3Q9G", number="4471"), AT) is None
    views.close()
    again = Views(tmp_path / "v.sqlite", AT)
    found = again.by_ticket("7K3Q9G")
    assert found
    assert found.number == "4471"
    assert again.by_ticket("000000") is None


def test_a_newer_view_replaces_the_older_and_its_tickets(tmp_path: Path):
    views = Views(tmp_path / "v.sqlite", AT)
    views.put("k1", view("k1", "7K3Q9F", number="1"), AT)
    views.put("k1", view("k1", "7K3Q9G", number="2"), AT)
    assert views.by_ticket("7K3Q9F") is None
    assert len(views) == 1


def test_an_empty_payload_withdraws_it(tmp_path: Path):
    views = Views(tmp_path / "v.sqlite", AT)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    views.put("k1", b"", AT)
    views.put("k2", b"", AT)
    assert views.by_ticket("7K3Q9F") is None
    assert len(views) == 0


def test_what_is_no_view_is_refused_with_a_sentence_and_the_old_one_stays(tmp_path: Path):
    views = Views(tmp_path / "v.sqlite", AT)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    assert "level: Field required" in (views.put("k1", b'{"v": 1, "order": "k1", "state": "ready"}', AT) or "")
    assert views.by_ticket("7K3Q9F")


def test_a_view_withdrawn_while_we_were_away_is_forgotten_after_90_days(tmp_path: Path):
    views = Views(tmp_path / "v.sqlite", AT)
    views.put("k1", view("k1", "7K3Q9F"), AT)
    views.put("k2", view("k2", "7K3Q9G"), AT)
    views.put("k2", view("k2", "7K3Q9G"), AT + timedelta(days=60))
    views.close()
    later = Views(tmp_path / "v.sqlite", AT + timedelta(days=91))
    assert later.by_ticket("7K3Q9F") is None
    assert later.by_ticket("7K3Q9G")


def test_a_damaged_file_begins_empty(tmp_path: Path):
    path = tmp_path / "v.sqlite"
    path.write_bytes(b"no database at all" * 300)
    views = Views(path, AT)
    assert len(views) == 0
    views.put("k1", view("k1", "7K3Q9F"), AT)
    assert views.by_ticket("7K3Q9F")
