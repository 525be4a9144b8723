"""The state's tables: which order a row touches, orders as folded, facts and views for the sinks, and how far each is.

Everything here is made from the ledger and may be deleted at any time. A test says that the migrations make exactly
these.
"""

from sqlalchemy import Boolean, Column, Integer, MetaData, Table

from gateway.ledger.tables import Big, Instant, letters

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta", metadata, Column("name", letters(32), primary_key=True), Column("value", letters(), nullable=False)
)
"""What this state is made from: `ledger`, `version` of the program, `born` (first revision), `revision`, `cursor`,
and `cursor_row` (SHA-256 of the row there).
"""

touches = Table(
    "touches",
    metadata,
    Column("anchor", letters(), primary_key=True),
    Column("position", Big, primary_key=True),
    sqlite_with_rowid=False,
)
"""Index of rows: what each row touches, as `gateway.resolve` says it (an order, a ticket, a row not yet here)."""

claims = Table(
    "claims",
    metadata,
    Column("ticket", letters(6), primary_key=True),
    Column("position", Big, primary_key=True),
    Column("author", letters(65), nullable=False),
    Column("epoch", letters(16), nullable=False),
    Column("seq", Big, nullable=False),
    Column("at", Big, nullable=False),
    Column("order_key", letters(32), index=True),
    Column("parent", letters(6), index=True),
)
"""Every word on whose a ticket is: an order's (issued, adopted) or another ticket's (split)."""

corrections = Table(
    "corrections",
    metadata,
    Column("target", letters(), primary_key=True),
    Column("position", Big, primary_key=True),
    Column("author", letters(65), nullable=False),
    Column("epoch", letters(16), nullable=False),
    Column("seq", Big, nullable=False),
)
"""Which rows ask to void which, whether or not the target has arrived."""

homes = Table(
    "homes",
    metadata,
    Column("ticket", letters(6), primary_key=True),
    Column("order_key", letters(32), nullable=False, index=True),
)
"""The order each ticket belongs to, as all claims together decide."""

marks = Table(
    "marks",
    metadata,
    Column("order_key", letters(32), primary_key=True),
    Column("wait", letters(5), nullable=False),
)
"""Orders touched since they were last folded, or whose facts wait (`gateway.touched.Wait`)."""

orders = Table(
    "orders",
    metadata,
    Column("key", letters(32), primary_key=True),
    Column("state", letters(), nullable=False),
    Column("revision", Big, nullable=False, index=True),
    Column("position", Big, nullable=False),
    Column("parked", letters()),
)
"""受注 as last folded; `parked` is the traceback of rules that failed on it, the state then being the one before."""

aliases = Table(
    "aliases",
    metadata,
    Column("text", letters(), primary_key=True),
    Column("order_key", letters(32), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""What people call an order: its numbers, tickets, drawing, part."""

facts = Table(
    "facts",
    metadata,
    Column("owner", letters(), primary_key=True),
    Column("firm", letters(32), primary_key=True),
    Column("measurement", letters(32), primary_key=True),
    Column("tags", letters(), primary_key=True),
    Column("at_ns", Big, primary_key=True),
    Column("fields", letters(), nullable=False),
    Column("void", Boolean, nullable=False),
    Column("revision", Big, nullable=False, index=True),
)
"""Points for the sinks. `owner` is what writes its whole set at once: an order, a station, an edge."""

views = Table(
    "views",
    metadata,
    Column("order_key", letters(32), primary_key=True),
    Column("firm", letters(32), primary_key=True),
    Column("payload", letters()),
    Column("revision", Big, nullable=False, index=True),
)
"""What each firm may see of each order, as it travels; without payload: nothing any more."""

stations = Table(
    "stations",
    metadata,
    Column("firm", letters(32), primary_key=True),
    Column("edge", letters(32), primary_key=True),
    Column("station", letters(32), primary_key=True),
    Column("machine", letters(16), nullable=False),
    Column("machine_at", Instant),
    Column("since", Instant),
)
"""Every machine or bench that was ever named, and the last state its machine reported."""

cursors = Table("cursors", metadata, Column("name", letters(), primary_key=True), Column("value", Big, nullable=False))
"""How far each sink has come, and what else it must not forget."""

verdicts = Table(
    "verdicts",
    metadata,
    Column("position", Big, primary_key=True, autoincrement=False),
    Column("author", letters(65), nullable=False),
    Column("epoch", letters(16), nullable=False),
    Column("seq", Big, nullable=False),
    Column("reason", letters(32), nullable=False, index=True),
    Column("sentence", letters(), nullable=False),
    Column("received_at", Instant, nullable=False),
)
"""Rows that no order is folded from, and why."""

refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sink", letters(32), nullable=False),
    Column("firm", letters(32), nullable=False),
    Column("line", letters(), nullable=False),
    Column("reason", letters(), nullable=False),
    Column("at", Instant, nullable=False),
)
"""Points that a sink's server refused for good."""
