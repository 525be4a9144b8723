"""One row of the ledger as rules see it: an event's bytes, its key, and the clocks around it."""

from dataclasses import dataclass
from datetime import datetime

from broker.events import ClockQuality


@dataclass(frozen=True, slots=True)
class Row:
    """A committed event, unparsed. `position` is its place in this ledger; (author, epoch, seq) is its key for ever.

    `bundle_*` are the sender's clock when it sent the bundle in which the event first arrived; `received_at` is the
    gateway's clock then.
    """

    position: int
    author: str
    epoch: str
    seq: int
    body: bytes
    received_at: datetime
    bundle_at: datetime
    bundle_mono_ms: int
    bundle_boot: str
    bundle_clock: ClockQuality

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.author, self.epoch, self.seq)
