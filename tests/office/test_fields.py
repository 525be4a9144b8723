"""What is typed at the office becomes what an event holds."""

from datetime import date

from gateway.office.fields import part_of


def test_what_is_typed_commands_no_terminal_and_hides_nothing():
    typed = {"part": "軸\x1b[2J\x00\u202eB", "drawing": "VB-1\u200b"}
    part = part_of(typed, {}, date(2026, 11, 22))
    assert (part.part, part.drawing) == ("軸 [2J B", "VB-1")
