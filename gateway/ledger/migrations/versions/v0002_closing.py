"""What a person closes, and what was set aside and understood later."""

import sqlalchemy as sa
from alembic import op

from gateway.ledger.tables import Big, Instant, letters

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add closures, and who read again what was set aside."""
    op.create_table(
        "closures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("epoch_id", sa.Integer, sa.ForeignKey("epochs.id"), nullable=False),
        sa.Column("first", Big, nullable=False),
        sa.Column("last", Big, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("by", letters(), nullable=False),
        sa.Column("why", letters(), nullable=False),
    )
    op.create_index(None, "closures", ["epoch_id"])
    with op.batch_alter_table("set_aside") as table:
        table.add_column(sa.Column("read_at", Instant))
        table.add_column(sa.Column("read_by", letters()))


def downgrade() -> None:
    """Forget both: what was closed is missing again, what was read again is in the ledger anyway."""
    with op.batch_alter_table("set_aside") as table:
        table.drop_column("read_by")
        table.drop_column("read_at")
    op.drop_table("closures")
