"""Alembic's entry: it is given an open connection by `gateway.state.writer`, never a URL of its own."""

from alembic import context

from gateway.state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
