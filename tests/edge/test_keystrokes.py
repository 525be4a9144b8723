"""`listen` on a keyboard device: its keys, what they type in each country, and that nobody's keyboard is taken away."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge import raw
from edge.drivers.device import Keys
from edge.drivers.hid.keys import Layout
from edge.installer.command import _listen_to_keys
from edge.installer.keystrokes import Keystrokes, lines, verdict
from edge.installer.places import Kept
from edge.raw import Chunk
from tests.conftest import until
from tests.edge.shop import TICKET
from tests.machines.keyboard import JIS, US, Keyboard, typed


@pytest.mark.parametrize(("layout", "others"), [("us", US), ("jis", JIS)])
def test_the_country_under_which_an_address_is_one_is_proposed(layout: str, others: dict[str, tuple[int, bool]]):
    heard = Keystrokes()
    said = list(lines(heard.take(typed(f"S:{TICKET}\n", others), 0)))
    assert said[0].startswith("打鍵 / keys: 42 31 ")
    assert f"  {layout:>3}: S:{TICKET}" in said
    assert heard.proposal is None


def test_a_ticket_without_signs_reads_under_both_and_nothing_is_said_of_a_device_that_is_silent():
    heard = Keystrokes()
    assert verdict(heard).startswith("打鍵がありません")
    assert sum("a code of ours" in line for line in lines(heard.take(typed(f"{TICKET}\n"), 0))) == len(Layout)
    assert verdict(heard).endswith('it reads under both: layout = "us"')
    heard = Keystrokes()
    heard.take(typed("hello\n"), 0)
    assert "suffix ENTER" in verdict(heard)


def test_listen_shows_what_a_keyboard_types_and_ends_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    keyboard, said = Keyboard(tmp_path), ""
    place = Keys(keyboard.port)
    hearing = threading.Thread(target=_listen_to_keys, args=("kbd", place), kwargs={"seconds": 2.0, "as_json": True})
    hearing.start()

    def heard() -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return TICKET in said

    keyboard.send(typed(f"{TICKET}\n"))
    until(heard, what="the ticket")
    hearing.join(10)
    last = json.loads((said + capsys.readouterr().out).splitlines()[-1])
    assert last["ours"] == {"us": 1, "jis": 1}


def test_what_a_running_agent_keeps_of_a_keyboard_is_shown_as_keys_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "00000001.raw"
    file.write_bytes(raw.FIRST_LINE + raw.encode(Chunk(datetime.now(UTC), typed(f"{TICKET}\n"))))
    _listen_to_keys("kbd", Kept(tmp_path, growing=True, keys=True), seconds=0.3, as_json=False)
    assert f"  jis: {TICKET}   ←" in capsys.readouterr().out
