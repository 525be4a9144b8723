"""全記録: every event ever, append-only, the only truth. Read by everyone, written by the appender alone."""

from gateway.ledger.closing import Closure
from gateway.ledger.reader import AuthorStatus, Ledger, SetAside, Standing
from gateway.store import StoreError

__all__ = ["AuthorStatus", "Closure", "Ledger", "SetAside", "Standing", "StoreError"]
