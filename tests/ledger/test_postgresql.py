"""What only a server can do to a ledger: go away, cut a connection, confirm nothing, sort otherwise, sync nothing."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gateway import store
from gateway.ledger import Ledger, StoreError
from gateway.ledger.intake import Reason, Refusal
from gateway.ledger.writer import WritableLedger
from gateway.settings import Gateway
from gateway.state import State
from gateway.store import StoreAwayError
from tests.conftest import until
from tests.ledger.test_ledger import AUTHOR, EPOCH, NOW, READING, batch, some
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.slow


@pytest.fixture
def server(own_postgresql: PostgreSql) -> Iterator[PostgreSql]:
    yield own_postgresql
    own_postgresql.start()  # whatever was done to it


@pytest.fixture
def url(server: PostgreSql) -> str:
    return server.database()


@pytest.fixture
def ledger(url: str) -> Iterator[WritableLedger]:
    with Ledger.open(url, write=True) as opened:
        yield opened


def cut(server: PostgreSql, url: str) -> None:
    """End the connection that writes."""
    with server.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )


def test_the_right_to_write_ends_with_the_connection_that_had_it(
    ledger: WritableLedger, server: PostgreSql, url: str
) -> None:
    ledger.commit([batch(1, some(1, 2))])
    cut(server, url)
    with Ledger.open(url, write=True) as other:
        other.commit([batch(3, some(3, 4))])
        for _ in range(2):
            with pytest.raises(store.Unwritable):
                ledger.commit([batch(5, some(5, 6))])
    assert ledger.commit([batch(3, some(3, 6))]).repeated == 2, "what the other wrote is known"
    assert [row.seq for row in ledger.rows(0, 10)] == [1, 2, 3, 4, 5, 6]


def test_two_that_write_by_mistake_are_told_apart_when_the_second_opens(ledger: WritableLedger, url: str) -> None:
    with pytest.raises(StoreError, match=r"another process is writing PostgreSQL at 127\.0\.0\.1:\d+, database t\d+"):
        Ledger.open(url, write=True)


def test_a_commit_that_was_made_and_never_confirmed_is_recognised_when_it_is_tried_again(
    ledger: WritableLedger, server: PostgreSql, url: str
) -> None:
    """The server commits, waits for a standby that never comes, and dies before it has said so."""
    first = ledger.append([b'{"n":0}'], READING)
    _wait_for_a_standby(server, url, "nobody")
    for work in (lambda: ledger.commit([batch(1, some(1, 5))]), lambda: ledger.append([b'{"n":6}'], READING)):
        errors: list[BaseException] = []
        thread = threading.Thread(target=_catching, args=(work, errors))
        thread.start()
        with server.connect(url) as connection:
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
            pid = until(lambda: connection.execute(waiting).fetchone(), what="the commit to wait")  # noqa: B023
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
        thread.join(20)
        (error,) = errors
        assert isinstance(error, store.Unwritable)
        assert error.connection_invalidated, "nobody knows whether it was done"
    _wait_for_a_standby(server, url, "")
    again = ledger.commit([batch(1, some(1, 7))])
    assert (again.fresh, again.repeated, again.used_twice) == (2, 5, 0)
    own = ledger.append([b'{"n":9}'], READING)
    assert own.epoch != first.epoch, "a number that may have been used is not used again"
    assert [row.position for row in ledger.rows(0, 20)] == list(range(1, 11))
    assert ledger.receipt(AUTHOR, EPOCH).upto == 7
    assert ledger.set_aside() == []


def _catching(work: object, errors: list[BaseException]) -> None:
    assert callable(work)
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - handed to the test
        errors.append(error)


def _wait_for_a_standby(server: PostgreSql, url: str, name: str) -> None:
    with server.connect(url) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        connection.execute("SELECT pg_reload_conf()")
        until(lambda: connection.execute("SHOW synchronous_standby_names").fetchone() == (name,), what="the setting")


def test_while_the_server_is_away_nothing_is_written_and_everything_goes_on_when_it_is_back(
    ledger: WritableLedger, server: PostgreSql, url: str
) -> None:
    with Ledger.open(url) as reader:
        ledger.commit([batch(1, some(1, 2))])
        before = reader.data_version()
        server.kill()
        with pytest.raises(store.Unwritable):
            ledger.commit([batch(3, some(3, 4))])
        for read in (reader.last_position, lambda: reader.rows(0, 5)):
            with pytest.raises(store.Unwritable):
                read()
        with pytest.raises(store.Unwritable):
            until(lambda: reader.data_version() != before)
        for write in (False, True):
            with pytest.raises(
                StoreAwayError, match=r"PostgreSQL at 127\.0\.0\.1:\d+, .* does not answer: Connection refused"
            ):
                Ledger.open(url, write=write)
        server.start()
        assert ledger.commit([batch(3, some(3, 4))]).fresh == 2
        assert reader.data_version() != before
        assert reader.last_position() == 4


def test_the_states_writer_whose_connection_was_cut_says_so_and_opens_it_again(server: PostgreSql, url: str) -> None:
    with State.open(url, write=True) as state:
        cut(server, url)
        with pytest.raises(store.Unwritable):
            until(lambda: not state.present(), what="it to be noticed")
        assert not state.present(), "what was prepared on the old connection is no good on another"
        state.reopen()
        with state.turn():
            state.set_value("cursor", "7")
        assert (state.present(), state.cursor()) == (True, 7)


def test_a_commit_is_heard_of_and_a_roll_back_is_not(ledger: WritableLedger, url: str) -> None:
    with Ledger.open(url) as reader, Ledger.open(url) as other:
        before = reader.data_version(), other.data_version()
        with pytest.raises(KeyError), ledger._begin():
            raise KeyError
        assert (reader.data_version(), other.data_version()) == before
        ledger.commit([batch(1, some(1, 1))])
        until(lambda: reader.data_version() != before[0] and other.data_version() != before[1], what="to hear it")


def test_a_text_with_a_nul_in_it_stops_nobody(ledger: WritableLedger) -> None:
    ledger.commit([Refusal("a\0b", None, Reason.WRONG_TOPIC, "no\0topic", b"\0\xff", NOW)])
    (one,) = ledger.set_aside()
    assert (one.topic, one.detail) == ("a�b", "no�topic")
    whole = ledger.set_aside_one(one.id)
    assert whole
    assert whole.body == b"\0\xff"


@pytest.mark.parametrize(("servers", "ours"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_waits_for_the_disk_whatever_the_server_thinks_and_longer_if_it_says_so(
    server: PostgreSql, url: str, servers: str, ours: str
) -> None:
    with server.connect(url) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = {servers}")
    with Ledger.open(url, write=True) as ledger, ledger._engine.begin() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == ours
    with store.at(url, "state").writer(durable=False).begin() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "off", "it can be made again"


def test_a_user_without_rights_is_told_so_in_one_sentence(server: PostgreSql, url: str) -> None:
    with server.connect(url) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(StoreAwayError, match="permission denied for database") as caught:
        Ledger.open(url.replace("mawashi@", "guest@"), write=True)
    assert "\n" not in str(caught.value)


def test_a_database_that_is_not_there_is_said_so(server: PostgreSql) -> None:
    with pytest.raises(StoreAwayError, match='database "nowhere" does not exist'):
        Ledger.open(server.url("nowhere"))


def test_a_server_that_does_not_sync_is_found_careless(server: PostgreSql, url: str) -> None:
    assert store.at(url, "ledger").careless() is None
    server.stop()
    server.start("fsync=off")
    assert store.at(url, "ledger").careless() == "fsync"
    server.stop()


def test_ledger_and_state_in_one_database_do_not_meet(url: str) -> None:
    with Ledger.open(url, write=True) as ledger, State.open(url, write=True) as state:
        ledger.commit([batch(1, some(1, 1))])
        assert store.at(url, "state").delete()
        until(lambda: not state.present(), what="it to be noticed")
        state.reopen()
        assert state.present()
        assert ledger.last_position() == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://x/y", "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"),
        ("postgresql://x/y", "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"),
        ("postgresql+psycopg://x", "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"),
        ("postgresql+psycopg://x:no/y", "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"),
        ("postgresql+psycopg://me:secret@x/y", "put it into a file and add ?passfile=FILE"),
        ("postgresql+psycopg://x/y?password=secret", "put it into a file and add ?passfile=FILE"),
    ],
)
def test_an_address_that_is_no_good_is_refused_with_the_settings(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+").replace("?", r"\?")):
        Gateway.model_validate({"data_dir": "/tmp/x", "state_url": url})


def test_the_addresses_are_files_in_the_data_directory_unless_they_are_given() -> None:
    given = "postgresql+psycopg:///mawashi?host=/run/postgresql"
    settings = Gateway.model_validate({"data_dir": "/tmp/x", "state_url": given})
    assert (settings.ledger_url, settings.state_url) == ("sqlite:////tmp/x/ledger.sqlite", given)
