"""What is made from the ledger and may be deleted at any time: orders as folded, facts, views, and how far sinks are.

Read by everyone, written by the projector alone.
"""

from gateway.state.reader import State
from gateway.state.shapes import Kept, Point, Refusal, Seen, StationRow, Verdict
from gateway.store import StoreError

__all__ = ["Kept", "Point", "Refusal", "Seen", "State", "StationRow", "StoreError", "Verdict"]
