"""The ledger as first issued."""

import sqlalchemy as sa
from alembic import op

from gateway.ledger.tables import Big, Instant, letters

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "ledgers",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("id", letters(32), nullable=False, unique=True),
        sa.Column("since", Instant, nullable=False),
        sa.Column("why", letters(), nullable=False),
    )
    op.create_table(
        "authors",
        sa.Column("author", letters(65), primary_key=True),
        sa.Column("last_contact", Instant, nullable=False),
        sa.Column("waiting", Big, nullable=False),
        sa.Column("refused", Big, nullable=False),
        sa.Column("version", letters(32), nullable=False),
        sa.Column("ledger", letters(32)),
    )
    op.create_table(
        "epochs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author", letters(65), nullable=False),
        sa.Column("epoch", letters(16), nullable=False),
        sa.Column("first_seen", Instant, nullable=False),
        sa.Column("upto", Big, nullable=False),
        sa.Column("announced_lowest", Big),
        sa.Column("announced_last", Big),
        sa.Column("announced_receipted", Big),
        sa.Column("announced_at", Instant),
        sa.UniqueConstraint("author", "epoch"),
    )
    for name in ("holes", "gaps"):
        op.create_table(
            name,
            sa.Column("epoch_id", sa.Integer, sa.ForeignKey("epochs.id"), primary_key=True),
            sa.Column("first", Big, primary_key=True),
            sa.Column("last", Big, nullable=False),
        )
    op.create_table(
        "bundles",
        sa.Column("id", Big, primary_key=True, autoincrement=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("mono_ms", sa.BigInteger, nullable=False),
        sa.Column("boot", letters(36), nullable=False),
        sa.Column("clock", letters(16), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
    )
    op.create_table(
        "rows",
        sa.Column("position", Big, primary_key=True, autoincrement=False),
        sa.Column("epoch_id", sa.Integer, sa.ForeignKey("epochs.id"), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("bundle_id", Big, sa.ForeignKey("bundles.id"), nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("epoch_id", "seq"),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("topic", letters(), nullable=False),
        sa.Column("author", letters(65)),
        sa.Column("epoch", letters(16)),
        sa.Column("seq", Big),
        sa.Column("reason", letters(32), nullable=False),
        sa.Column("detail", letters(), nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", Big, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("first_seen", Instant, nullable=False),
        sa.Column("last_seen", Instant, nullable=False),
        sa.Column("times", Big, nullable=False),
        sa.Column("discarded_at", Instant),
        sa.Column("discarded_by", letters()),
        sa.Column("discarded_why", letters()),
    )
    op.create_index(None, "set_aside", ["topic", "reason", "sha256"])
    op.create_table(
        "counters",
        sa.Column("name", letters(32), primary_key=True),
        sa.Column("next", Big, nullable=False),
    )
    op.create_table(
        "tickets",
        sa.Column("id", letters(6), primary_key=True),
        sa.Column("minted_at", Instant, nullable=False),
    )


def downgrade() -> None:
    """Drop everything."""
    for name in (
        "tickets",
        "counters",
        "set_aside",
        "rows",
        "bundles",
        "gaps",
        "holes",
        "epochs",
        "authors",
        "ledgers",
    ):
        op.drop_table(name)
