"""What a history's orders were given is written down once and belongs to that history alone."""

from datetime import UTC, datetime

import pytest

from broker.clock import Reading
from broker.events import ClockQuality, decode, encode
from gateway.replay.issued import FILE, Book, Issued, OtherHistory, alone, created, fingerprint, load, save
from gateway.replay.lanes import lay
from tests.replay.test_lanes import row
from tests.replay.test_mapping import history

BOOK = Book(history="f" * 64, cases={"J1": Issued(key="k1", number="1001", ticket="7K3Q9F")})


def test_nothing_was_given_before_the_first_run_and_afterwards_always_the_same(tmp_path):
    folder = tmp_path / "replay" / "past"
    assert load(folder, BOOK.history) is None
    save(folder, BOOK)
    assert load(folder, BOOK.history) == BOOK
    assert BOOK.tickets == {"J1": "7K3Q9F"}
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_folder_of_another_history_is_refused(tmp_path):
    save(tmp_path, BOOK)
    with pytest.raises(OtherHistory, match="Another history was played in"):
        load(tmp_path, "0" * 64)


def test_a_torn_file_is_refused_and_not_played_over(tmp_path):
    (tmp_path / FILE).write_text('{"history": "')
    with pytest.raises(OtherHistory, match="cannot be read"):
        load(tmp_path, BOOK.history)


def test_file_and_mapping_make_the_fingerprint_and_the_brokers_address_does_not():
    one = fingerprint(b"a", history())
    assert one == fingerprint(b"a", history(mqtt={"port": 1884}))
    assert len({one, fingerprint(b"b", history()), fingerprint(b"a", history(time_zone="Asia/Tokyo"))}) == 3


def test_a_case_is_created_as_of_its_first_row_and_its_quantity_is_not_known():
    (case,) = lay([row(8, 9, good=5), row(10, 11, operation="grind", good=4)]).cases
    now = Reading(datetime(2026, 11, 22, tzinfo=UTC), 1, "0a", ClockQuality.SYNCED)
    event = created(case, BOOK.cases["J1"], firm="past", now=now)
    assert decode(encode(event)) == event
    assert event.as_of == case.released_at
    assert event.part
    assert (event.part.number, event.part.own_number, event.part.quantity) == ("1001", "J1", None)
    assert event.routing
    assert [(step.no, step.name, step.firm) for step in event.routing] == [(10, "turn", "past"), (20, "grind", "past")]
    assert [(ticket.id, ticket.quantity) for ticket in event.tickets] == [("7K3Q9F", 5)]


def test_two_commands_that_play_one_history_at_once_make_no_order_twice(tmp_path):
    with alone(tmp_path / "past"):
        with pytest.raises(OtherHistory, match="Another command is just playing past"), alone(tmp_path / "past"):
            pass
        with alone(tmp_path / "other"):
            pass
    with alone(tmp_path / "past"):
        pass
