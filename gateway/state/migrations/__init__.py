"""Alembic scripts of the state. A change may simply start over: the state is made from the ledger."""
