"""The line under every page's head: 時点, 未送信, and what is missing from which terminal."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from broker.clock import Reading
from broker.events import ClockQuality
from gateway.ledger import Standing
from gateway.web.absent import Absent, absent, sentence
from gateway.web.reader import Language, Names, Reader
from gateway.web.watch import SILENT_SECONDS, Contacts
from tests.conftest import until
from tests.web import sample
from tests.web.conftest import House
from tests.web.test_reader import reader


def stands(author: str, *, waiting: int = 0, missing: int = 0, lost: int = 0) -> Standing:
    return Standing(author, 9, waiting, missing, lost, sample.NOW)


def test_only_what_will_not_come_by_itself_is_missing() -> None:
    authors = [
        stands("turning/e1", waiting=3, missing=3),
        stands("turning/e2", waiting=20, missing=20),
        stands("grinding/e1", waiting=4, missing=4, lost=2),
        stands("gateway", missing=1),
    ]
    assert absent(authors, {"turning/e2", "gateway"}) == (Absent("turning", "e2", 20), Absent("grinding", "e1", 2))


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("ja", "旋盤工業 e2 の 20件が届いていません", "旋盤工業 e2 の 20件が届いていません（ほか 2台）"),
        (
            "en",
            "20 events from Turning Works e2 are missing",
            "20 events from Turning Works e2 are missing (+2 more)",
        ),
    ],
)
def test_the_sentence_names_the_terminal_with_most(language: Language, one: str, many: str) -> None:
    names = Names({"turning": "旋盤工業"}, {"turning": "Turning Works"})
    person = Reader(language, reader().zone, sample.NOW, names)
    some = (Absent("turning", "e2", 20), Absent("grinding", "e1", 2), Absent("grinding", "e2", 1))
    assert [sentence(some[:1], person), sentence(some, person), sentence((), person)] == [one, many, ""]


def test_the_gateway_itself_is_no_terminal_that_could_be_silent() -> None:
    contacts = Contacts()
    assert not contacts.silent([stands("gateway")], sample.NOW + timedelta(seconds=2 * SILENT_SECONDS), 5000.0)


@pytest.mark.slow
def test_every_page_says_what_is_missing_from_which_terminal_until_it_is_closed(
    client: TestClient, house: House
) -> None:
    memory = client.app.state.memory
    house.greet(holds=20, edge="turning/e2", minutes_ago=20)
    house.greet(holds=5, edge="turning/e1")
    until(lambda: memory.pulse.absent and memory.pulse.waiting, what="the next look at the stores")
    said = "e2 の 20件が届いていません"
    for path in ("/", "/firm/turning", "/order/k4471", "/where?q=none", "/?wall=1"):
        (line,) = re.findall(r'<p class="as-of".*?</p>', client.get(f"{path}").text, re.DOTALL)
        assert said in line, path
        assert "未送信 5件" in line, path
        assert "応答なし 1台" in line, path
    assert "20 events from" in client.get("/?lang=en").text
    now = Reading(sample.NOW, 1, "b0", ClockQuality.SYNCED)
    house.ledger.close_numbers("turning/e2", "0" * 15 + "1", [(1, 20)], now, by="office", why="card lost")
    until(lambda: not memory.pulse.absent, what="the next look at the stores")
    assert said not in client.get("/?lang=ja").text
