"""The state as first issued."""

import sqlalchemy as sa
from alembic import op

from gateway.ledger.tables import Big, Instant, letters

revision = "0001"
down_revision = None


_TABLES = (
    *("meta", "touches", "claims", "corrections", "homes", "verdicts"),
    *("marks", "orders", "aliases", "stations"),
    *("facts", "views", "cursors", "refusals"),
)


def upgrade() -> None:
    """Make the first tables."""
    _index_of_rows()
    _orders()
    _for_sinks()


def downgrade() -> None:
    """Drop everything; it is made again from the ledger."""
    for name in _TABLES:
        op.drop_table(name)


def _index_of_rows() -> None:
    op.create_table(
        "meta", sa.Column("name", letters(32), primary_key=True), sa.Column("value", letters(), nullable=False)
    )
    op.create_table(
        "touches",
        sa.Column("anchor", letters(), primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        sa.Column("ticket", letters(6), primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sa.Column("author", letters(65), nullable=False),
        sa.Column("epoch", letters(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("order_key", letters(32), index=True),
        sa.Column("parent", letters(6), index=True),
    )
    op.create_table(
        "corrections",
        sa.Column("target", letters(), primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sa.Column("author", letters(65), nullable=False),
        sa.Column("epoch", letters(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
    )
    op.create_table(
        "homes",
        sa.Column("ticket", letters(6), primary_key=True),
        sa.Column("order_key", letters(32), nullable=False, index=True),
    )
    op.create_table(
        "verdicts",
        sa.Column("position", Big, primary_key=True, autoincrement=False),
        sa.Column("author", letters(65), nullable=False),
        sa.Column("epoch", letters(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("reason", letters(32), nullable=False, index=True),
        sa.Column("sentence", letters(), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
    )


def _orders() -> None:
    op.create_table(
        "marks",
        sa.Column("order_key", letters(32), primary_key=True),
        sa.Column("wait", letters(5), nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("key", letters(32), primary_key=True),
        sa.Column("state", letters(), nullable=False),
        sa.Column("revision", Big, nullable=False, index=True),
        sa.Column("position", Big, nullable=False),
        sa.Column("parked", letters()),
    )
    op.create_table(
        "aliases",
        sa.Column("text", letters(), primary_key=True),
        sa.Column("order_key", letters(32), primary_key=True, index=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stations",
        sa.Column("firm", letters(32), primary_key=True),
        sa.Column("edge", letters(32), primary_key=True),
        sa.Column("station", letters(32), primary_key=True),
        sa.Column("machine", letters(16), nullable=False),
        sa.Column("machine_at", Instant),
        sa.Column("since", Instant),
    )


def _for_sinks() -> None:
    op.create_table(
        "facts",
        sa.Column("owner", letters(), primary_key=True),
        sa.Column("firm", letters(32), primary_key=True),
        sa.Column("measurement", letters(32), primary_key=True),
        sa.Column("tags", letters(), primary_key=True),
        sa.Column("at_ns", Big, primary_key=True),
        sa.Column("fields", letters(), nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        sa.Column("revision", Big, nullable=False, index=True),
    )
    op.create_table(
        "views",
        sa.Column("order_key", letters(32), primary_key=True),
        sa.Column("firm", letters(32), primary_key=True),
        sa.Column("payload", letters()),
        sa.Column("revision", Big, nullable=False, index=True),
    )
    op.create_table("cursors", sa.Column("name", letters(), primary_key=True), sa.Column("value", Big, nullable=False))
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sink", letters(32), nullable=False),
        sa.Column("firm", letters(32), nullable=False),
        sa.Column("line", letters(), nullable=False),
        sa.Column("reason", letters(), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
