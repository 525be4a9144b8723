"""Opening a store by its address: durable writing by one process, reading by any, migrations shipped in the package.

An SQLite file or a schema of a PostgreSQL database. What is stored stands in `gateway.ledger` and `gateway.state`.
"""

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from gateway.store.contract import Changes, Held, Store, StoreAwayError, StoreError, StoreNewerError, Unwritable
from gateway.store.sqlite import File, Lock, path_of

__all__ = [
    "Changes",
    "Held",
    "Lock",
    "Store",
    "StoreAwayError",
    "StoreError",
    "StoreNewerError",
    "Unwritable",
    "at",
    "insert_rows",
    "known",
    "migrate",
    "path_of",
    "reason",
]

_VERSION_FILE = re.compile(r"v(\d{4})_\w+\.py")


def at(url: str, name: str) -> Store:
    """Return the store called `name` (`ledger`, `state`) at this address. Opens nothing.

    Raises StoreError for an address of another database, or if PostgreSQL's driver is not installed.
    """
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend == "postgresql":
        try:
            from gateway.store.postgresql import Schema  # noqa: PLC0415 - only who uses it has the driver
        except ModuleNotFoundError:
            raise StoreError("PostgreSQL needs its driver. Install it: pip install 'mawashi[postgresql]'") from None
        return Schema(url, name)
    return File(url)


def reason(error: DatabaseError) -> str:
    """Return what the database said, on one line."""
    return " ".join(str(error.orig).split())


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of plain numbers, texts and bytes, each with the same columns, as fast as the database can.

    Straight on the driver: SQLAlchemy's looking at every value would cost the appender a tenth of its time (measured).
    """
    if connection.dialect.name == "postgresql":
        from gateway.store.postgresql import copy_rows  # noqa: PLC0415

        copy_rows(connection, table, rows)
    else:
        names = list(rows[0])
        values = ", ".join(f":{name}" for name in names)
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})",  # noqa: S608 - names of our own tables
            rows,
        )


def migrate(engine: Engine, package: str, *, to: str = "head") -> None:
    """Bring the tables up (or down) to a revision with the Alembic scripts in `package`.

    Those are env.py and versions/v<REVISION>_<name>.py; `base` is before the first. Raises StoreNewerError if the
    tables are of none of them.
    """
    with engine.begin() as connection:
        have = _revision(connection)
    revisions = _revisions(package)
    if have == (revisions[-1] if to == "head" else to):
        return
    if have and have not in revisions:
        raise StoreNewerError(
            f"a newer Mawashi has made this store (version {have} of its tables, we know {revisions[-1]}). Install "
            "that one again, or restore a copy from before the update"
        )
    from alembic import command  # noqa: PLC0415 - half a second and 8 MB, needed once a version
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    module, _, folder = package.rpartition(".")
    config.set_main_option("script_location", f"{module}:{folder}")
    down = have is not None and to != "head" and (to == "base" or to < have)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, to)


def known(engine: Engine, package: str) -> bool:
    """Whether this Mawashi knows the tables that a reader finds, or has still to make them."""
    with engine.begin() as connection:
        have = _revision(connection)
    return have is None or have in _revisions(package)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _revisions(package: str) -> list[str]:
    """Return every revision that there is a script for, oldest first."""
    names = (one.name for one in resources.files(f"{package}.versions").iterdir())
    return sorted(found[1] for name in names if (found := _VERSION_FILE.fullmatch(name)))
