"""The gateway's own API: a real appender process, its socket, and what it does with requests that are none."""

import json
import socket
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.api import Api, ApiServer, ChangedMeanwhile, GatewayAway
from gateway.ledger.given import Unless
from tests.appender.parts import Gate
from tests.conftest import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """An appender whose broker is away: the API does not need one."""
    with Gate(tmp_path_factory.mktemp("g"), port=9) as gate:
        gate.start(connected=False)
        until(gate.settings.socket.exists, what="the socket")
        yield gate


def ask(path: Path, line: bytes) -> dict[str, str]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(line)
        client.shutdown(socket.SHUT_WR)
        answer: dict[str, str] = json.loads(client.makefile().readline())
        return answer


def test_events_go_into_the_ledger_as_they_are_and_their_keys_come_back(gate: Gate) -> None:
    api = Api.connect(gate.settings.socket)
    one = api.append(['{"図番":"VB-2204"}'.encode()])
    many = api.append([b'{"n":%d}' % number for number in range(1200)])
    assert (many.epoch, many.first, many.count, many.last_position) == (one.epoch, 2, 1200, one.last_position + 1200)
    with gate.ledger() as ledger:
        rows = ledger.rows(one.last_position - 1, 2000)
    assert [row.key for row in rows] == [("gateway", one.epoch, seq) for seq in range(1, 1202)]
    assert rows[0].body.decode() == '{"図番":"VB-2204"}'
    assert rows[0].bundle_at == rows[0].received_at


def test_of_two_who_looked_at_the_same_order_only_the_first_writes(gate: Gate) -> None:
    api = Api.connect(gate.settings.socket)
    seen = api.append([b'{"order":"o-1"}']).last_position
    first = api.append([b'{"order":"o-1","by":"first"}'], unless=Unless(named=("o-1",), since=seen))
    with pytest.raises(ChangedMeanwhile, match="Somebody else has changed this order meanwhile"):
        api.append([b'{"order":"o-1","by":"second"}'], unless=Unless(named=("o-1", "7K3Q9F"), since=seen))
    with gate.ledger() as ledger:
        assert ledger.last_position() == first.last_position
    other = api.append([b'{"order":"o-2","ticket":"7K3Q9F"}'], unless=Unless(named=("o-2",), since=seen))
    with pytest.raises(ChangedMeanwhile):
        api.append([b"{}"], unless=Unless(named=("7K3Q9F",), since=seen))
    api.append([b'{"order":"o-1"}'], unless=Unless(named=("o-1", "7K3Q9F"), since=other.last_position))


def test_numbers_count_up_from_the_settings_first_and_tickets_are_new(gate: Gate) -> None:
    api = Api.connect(gate.settings.socket)
    first, second = api.mint(numbers=2), api.mint(numbers=1, tickets=4)
    assert first.numbers + second.numbers == ("1001", "1002", "1003")
    assert (first.tickets, len(set(second.tickets))) == ((), 4)


def test_nothing_that_was_not_set_aside_can_be_discarded(gate: Gate) -> None:
    assert not Api.connect(gate.settings.socket).discard(99, by="office", why="there is none")


def test_only_the_owner_may_ask(gate: Gate) -> None:
    assert stat.S_IMODE(gate.settings.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"hello\n", "This is no request: event: Invalid JSON"),
        (
            b'{"do":"mint","numbers":-1}\n',
            "This is no request: mint.numbers: Input should be greater than or equal to 0",
        ),
        (b'{"do":"sell"}\n', "This is no request: "),
        (b'{"do":"append","events":[]}\n', "This is no request: append.events: "),
        (b'{"do":"append","events":["a\\nb"]}\n', "This is no request: append.events.0: "),
        (b'{"do":"append","events":["%s"]}\n' % (b"x" * 16385), "An event is longer than 16384 bytes."),
        (b'{"do":"mint"}', "A request is one line of at most 16777216 bytes."),
    ],
)
def test_what_is_no_request_gets_a_sentence_and_the_next_one_is_served(gate: Gate, line: bytes, sentence: str) -> None:
    assert ask(gate.settings.socket, line)["error"].startswith(sentence)
    assert Api.connect(gate.settings.socket).mint().numbers == ()


def test_a_locked_ledger_is_said_and_nothing_is_done(gate: Gate) -> None:
    api = Api.connect(gate.settings.socket)
    last = api.append([b"{}"]).last_position
    holder = sqlite3.connect(gate.settings.data_dir / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(GatewayAway, match=r"The ledger cannot be written \(database is locked\)\. Nothing was done\."):
        api.append([b"{}"])
    holder.execute("ROLLBACK")
    holder.close()
    assert api.append([b"{}"]).last_position == last + 1


def test_without_a_gateway_the_sentence_says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(
        GatewayAway, match=r"^共有サーバーが動いていません。.* / The gateway does not answer at .*mawashi gateway$"
    ):
        Api.connect(tmp_path / "gateway.sock")


def test_a_socket_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is longer than 107 bytes: choose a shorter data_dir"):
        ApiServer(tmp_path / ("x" * 120), lambda _: pytest.fail("never asked"))
