"""The state as first issued."""

import sqlalchemy as sa
from alembic import op

from gateway.ledger.tables import Big, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    _index_of_rows()
    _orders()
    _for_sinks()


def _index_of_rows() -> None:
    op.create_table(
        "meta", sa.Column("name", sa.String(32), primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    op.create_table(
        "touches",
        sa.Column("anchor", sa.Text, primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        sa.Column("ticket", sa.String(6), primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sa.Column("author", sa.String(65), nullable=False),
        sa.Column("epoch", sa.String(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("order_key", sa.String(32), index=True),
        sa.Column("parent", sa.String(6), index=True),
    )
    op.create_table(
        "corrections",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("position", Big, primary_key=True),
        sa.Column("author", sa.String(65), nullable=False),
        sa.Column("epoch", sa.String(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
    )
    op.create_table(
        "homes",
        sa.Column("ticket", sa.String(6), primary_key=True),
        sa.Column("order_key", sa.String(32), nullable=False, index=True),
    )
    op.create_table(
        "verdicts",
        sa.Column("position", Big, primary_key=True, autoincrement=False),
        sa.Column("author", sa.String(65), nullable=False),
        sa.Column("epoch", sa.String(16), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False, index=True),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
    )


def _orders() -> None:
    op.create_table(
        "marks",
        sa.Column("order_key", sa.String(32), primary_key=True),
        sa.Column("wait", sa.String(5), nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", Big, nullable=False, index=True),
        sa.Column("position", Big, nullable=False),
        sa.Column("parked", sa.Text),
    )
    op.create_table(
        "aliases",
        sa.Column("text", sa.Text, primary_key=True),
        sa.Column("order_key", sa.String(32), primary_key=True, index=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stations",
        sa.Column("firm", sa.String(32), primary_key=True),
        sa.Column("edge", sa.String(32), primary_key=True),
        sa.Column("station", sa.String(32), primary_key=True),
        sa.Column("machine", sa.String(16), nullable=False),
        sa.Column("machine_at", Instant),
        sa.Column("since", Instant),
    )


def _for_sinks() -> None:
    op.create_table(
        "facts",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("firm", sa.String(32), primary_key=True),
        sa.Column("measurement", sa.String(32), primary_key=True),
        sa.Column("tags", sa.Text, primary_key=True),
        sa.Column("at_ns", Big, primary_key=True),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        sa.Column("revision", Big, nullable=False, index=True),
    )
    op.create_table(
        "views",
        sa.Column("order_key", sa.String(32), primary_key=True),
        sa.Column("firm", sa.String(32), primary_key=True),
        sa.Column("payload", sa.Text),
        sa.Column("revision", Big, nullable=False, index=True),
    )
    op.create_table("cursors", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", Big, nullable=False))
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sink", sa.String(32), nullable=False),
        sa.Column("firm", sa.String(32), nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
