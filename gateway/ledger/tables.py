"""The ledger's tables: every event ever and the clocks around it, what is missing, set aside, minted.

Types are those that SQLite and PostgreSQL share; a test says that the migrations make exactly these.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
EARLIEST = (datetime(1, 1, 2, tzinfo=UTC) - _ZERO) // _MICROSECOND
LATEST = (datetime(9999, 12, 30, tzinfo=UTC) - _ZERO) // _MICROSECOND
"""Every stored time lies between these two, in microseconds since 1970."""

Big = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; SQLite makes a rowid only of a column called INTEGER."""


def letters(length: int | None = None) -> TypeEngine[str]:
    """Text that is compared byte by byte, as SQLite does; PostgreSQL would else compare as its server's language does.

    A length is said for people: neither database cuts or refuses by it.
    """
    return (String(length) if length else Text()).with_variant(Text(collation="C"), "postgresql")


def microseconds(at: datetime) -> int:
    """Return an aware time as microseconds since 1970. A mad clock's year is cut to what every time zone can show."""
    return max(EARLIEST, min(LATEST, (at - _ZERO) // _MICROSECOND))


class Instant(TypeDecorator[datetime]):
    """An aware time, stored as `microseconds`."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        _ = dialect
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        _ = dialect
        return None if value is None else _ZERO + timedelta(microseconds=value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ledgers = Table(
    "ledgers",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("id", letters(32), nullable=False, unique=True),
    Column("since", Instant, nullable=False),
    Column("why", letters(), nullable=False),
)
"""This ledger's names, the highest `n` being the present one; the others are its lineage."""

authors = Table(
    "authors",
    metadata,
    Column("author", letters(65), primary_key=True),
    Column("last_contact", Instant, nullable=False),
    Column("waiting", Big, nullable=False),
    Column("refused", Big, nullable=False),
    Column("version", letters(32), nullable=False),
    Column("ledger", letters(32)),
)
"""What each author said of itself in its last hello, and when we last heard it."""

epochs = Table(
    "epochs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("author", letters(65), nullable=False),
    Column("epoch", letters(16), nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("upto", Big, nullable=False),
    Column("announced_lowest", Big),
    Column("announced_last", Big),
    Column("announced_receipted", Big),
    Column("announced_at", Instant),
    UniqueConstraint("author", "epoch"),
)
"""One opening of an author's outbox: how far the ledger reaches, and what the last hello announced of it."""

holes = Table(
    "holes",
    metadata,
    Column("epoch_id", Integer, ForeignKey("epochs.id"), primary_key=True),
    Column("first", Big, primary_key=True),
    Column("last", Big, nullable=False),
)
"""Numbers below `upto` that are missing and should be sent again."""

gaps = Table(
    "gaps",
    metadata,
    Column("epoch_id", Integer, ForeignKey("epochs.id"), primary_key=True),
    Column("first", Big, primary_key=True),
    Column("last", Big, nullable=False),
)
"""Numbers that their author cannot send any more: below the lowest it holds, or said to be lost."""

closures = Table(
    "closures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch_id", Integer, ForeignKey("epochs.id"), nullable=False),
    Column("first", Big, nullable=False),
    Column("last", Big, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", letters(), nullable=False),
    Column("why", letters(), nullable=False),
)
"""What a person gave up waiting for (`gateway.ledger.closing`). It changes no mark and no receipt."""

Index(None, closures.c.epoch_id)

bundles = Table(
    "bundles",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("mono_ms", BigInteger, nullable=False),
    Column("boot", letters(36), nullable=False),
    Column("clock", letters(16), nullable=False),
    Column("received_at", Instant, nullable=False),
)
"""The sender's clock at sending, and ours, for the rows that first arrived together."""

rows = Table(
    "rows",
    metadata,
    Column("position", Big, primary_key=True, autoincrement=False),
    Column("epoch_id", Integer, ForeignKey("epochs.id"), nullable=False),
    Column("seq", Big, nullable=False),
    Column("bundle_id", Big, ForeignKey("bundles.id"), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("epoch_id", "seq"),
)
"""Every event ever, as the bytes that arrived. (author, epoch, seq) is its key, through `epochs`."""

set_aside = Table(
    "set_aside",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", letters(), nullable=False),
    Column("author", letters(65)),
    Column("epoch", letters(16)),
    Column("seq", Big),
    Column("reason", letters(32), nullable=False),
    Column("detail", letters(), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", Big, nullable=False),
    Column("body", LargeBinary),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("times", Big, nullable=False),
    Column("discarded_at", Instant),
    Column("discarded_by", letters()),
    Column("discarded_why", letters()),
    Column("read_at", Instant),
    Column("read_by", letters()),
)
"""What could not become a row, with its bytes until a person discards them; the line itself stays.

`read_at` and `read_by`: it was read again by a later version, and what it says has been taken in.
"""

Index(None, set_aside.c.topic, set_aside.c.reason, set_aside.c.sha256)

counters = Table(
    "counters",
    metadata,
    Column("name", letters(32), primary_key=True),
    Column("next", Big, nullable=False),
)
"""Numbers that are counted, such as 共通番号."""

tickets = Table(
    "tickets",
    metadata,
    Column("id", letters(6), primary_key=True),
    Column("minted_at", Instant, nullable=False),
)
"""Every ticket id ever minted here; none is used again."""
