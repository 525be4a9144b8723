"""`mawashi check` on a ledger in PostgreSQL: where it is kept, or in one sentence what is wrong and what to do."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import check
from gateway.ledger import Ledger
from gateway.settings import Gateway
from gateway.store import StoreNewerError
from tests.ports import free_port
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.slow


def said(url: str, folder: Path) -> tuple[bool, str]:
    """What the line on the ledger's place says; the whole look says it once."""
    settings = Gateway(data_dir=folder, ledger_url=url)
    (line,) = [one for one in check._stores(settings) if one.what.en == "records are kept in"]
    assert len(str(line).splitlines()) == 1
    return line.ok, str(line)


def test_a_place_that_can_be_used_is_named_before_and_after_the_first_start(
    postgresql: PostgreSql, tmp_path: Path
) -> None:
    url = postgresql.database()
    place = f"PostgreSQL at 127.0.0.1:{postgresql.port}, database {url.rpartition('/')[2]}, schema ledger"
    for _ in range(2):
        assert said(url, tmp_path) == (True, f"全記録の置き場：{place} / records are kept in: {place} ok")
        Ledger.open(url, write=True).close()


def test_a_server_that_is_away_is_to_be_started(tmp_path: Path) -> None:
    port = free_port()
    ok, line = said(f"postgresql+psycopg://mawashi@127.0.0.1:{port}/shop", tmp_path)
    assert not ok
    assert line == (
        f"全記録の置き場：127.0.0.1:{port} の PostgreSQL（データベース shop）が答えません。"
        "起動するか、gateway.toml の ledger_url の宛先を直してください：docs/postgresql.md / "
        f"records are kept in: PostgreSQL at 127.0.0.1:{port}, database shop, schema ledger does not answer: "
        "Connection refused. Start it, or mend the address in ledger_url: docs/postgresql.md"
    )


def test_what_the_server_says_against_us_is_quoted(postgresql: PostgreSql, tmp_path: Path) -> None:
    url, port = postgresql.database(), postgresql.port
    name = url.rpartition("/")[2]
    with postgresql.connect(url) as connection:
        connection.execute("CREATE ROLE with_password LOGIN PASSWORD 'right'")
        rules = postgresql.data / "pg_hba.conf"
        rules.write_text(f"host all with_password all scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"127.0.0.1:{port}:*:with_password:wrong\n")
    passfile.chmod(0o600)
    secret = f"postgresql+psycopg://with_password@127.0.0.1:{port}/{name}"
    for address, words in {
        f"{secret}?passfile={passfile}": 'password authentication failed for user "with_password"',
        f"{secret}?passfile=/dev/null": "fe_sendauth: no password supplied",
        postgresql.url("nowhere"): 'database "nowhere" does not exist',
    }.items():
        ok, line = said(address, tmp_path)
        assert not ok
        assert f"が断りました「{words}」。gateway.toml の ledger_url の利用者・passfile・データベース名と" in line
        assert f" refuses us: {words}. Mend user, passfile or database in ledger_url, or that user's rights: " in line


def test_a_user_who_may_not_make_tables_is_found_before_the_first_start(postgresql: PostgreSql, tmp_path: Path) -> None:
    url = postgresql.database()
    with postgresql.connect(url) as connection:
        connection.execute("CREATE ROLE visitor LOGIN")
    ok, line = said(url.replace("mawashi@", "visitor@"), tmp_path)
    assert not ok
    assert "に表を作る権限（CREATE）がありません。データベースの所有者を私たちの利用者にしてください" in line
    assert "does not let us make tables (CREATE). Make our user the owner of the database: " in line


@pytest.mark.parametrize("kept", ["sqlite", "postgresql"])
def test_a_ledger_of_a_newer_mawashi_is_neither_opened_nor_called_well(
    kept: str, postgresql: PostgreSql, tmp_path: Path
) -> None:
    url = postgresql.database() if kept == "postgresql" else f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with Ledger.open(url, write=True) as ledger, ledger._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNewerError, match="a newer Mawashi has made this store"):
        Ledger.open(url, write=True)
    ok, line = said(url, tmp_path)
    assert not ok
    assert "は新しい版の Mawashi が作りました。その版を入れ直すか、更新前の控えに戻してください" in line
    assert "was made by a newer Mawashi. Install that version again, or restore a copy from before: " in line
