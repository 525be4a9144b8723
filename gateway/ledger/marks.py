"""What the ledger holds of one epoch: how far it reaches, which numbers below are missing, which are gone for good.

Pure. Every number up to `upto` is committed, a hole, or in a gap; nothing above it is known of.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from broker.messages import EpochReceipt
from broker.ranges import Range, Ranges, both, minus, size, union

LARGEST_NUMBER = 2**40
"""Sequence numbers above it are refused: an edge's outbox counts no further, and what one firm's hellos announce in
eight million epochs still adds up in the 64 bits of a database."""

_RANGES_A_RECEIPT = 2000
"""More are told from below, a receipt at a time: twice what one hello may call lost, about 32 KiB."""

GAPS_MOST = 5_000
"""Ranges that hellos may call lost in one epoch; what they name beyond stays missing, for a person to close. Else a
thousand more with each hello would slow every commit."""


@dataclass(frozen=True, slots=True)
class Marks:
    """`upto` is the highest number committed or gone; `holes` should be sent again; of `gaps` somebody said: lost."""

    upto: int = 0
    holes: Ranges = ()
    gaps: Ranges = ()

    def arrived(self, first: int, last: int) -> "Marks":
        """Return the marks after `first` to `last` were committed; a gap they lie in shrinks."""
        if first == self.upto + 1:
            return Marks(last, self.holes, self.gaps)
        these = ((first, last),)
        return Marks(max(self.upto, last), minus(self._holes_below(first), these), minus(self.gaps, these))

    def gone(self, ranges: Iterable[Range]) -> "Marks":
        """Return the marks after these numbers were said to be gone; what is committed stays committed."""
        these = union(ranges)
        upto = max(self.upto, these[-1][1] if these else 0)
        unknown = union(self.holes, ((self.upto + 1, upto),))
        return Marks(upto, minus(unknown, these), union(self.gaps, both(unknown, these)))

    def _holes_below(self, first: int) -> Ranges:
        return union(self.holes, ((self.upto + 1, first - 1),))

    def committed(self, first: int = 1, last: int = LARGEST_NUMBER) -> Ranges:
        """Return which numbers from `first` to `last` are committed."""
        if first > self.upto:
            return ()
        return minus(((first, min(last, self.upto)),), union(self.holes, self.gaps))

    def absent(self, last: int) -> Ranges:
        """Return which numbers from 1 to `last` are neither committed nor gone: what is waiting or lost on the way."""
        return union(both(self.holes, ((1, last),)), ((self.upto + 1, last),))

    @property
    def count(self) -> int:
        """How many numbers are committed."""
        return self.upto - size(self.holes) - size(self.gaps)

    def receipt(self, epoch: str) -> EpochReceipt:
        """Return the gateway's word on this epoch: it covers what is committed, and never what is gone.

        Somebody may hold after all what one card said it had lost. With very many ranges it reaches only so far.
        """
        absent = union(self.holes, self.gaps)
        told, beyond = absent[:_RANGES_A_RECEIPT], absent[_RANGES_A_RECEIPT:]
        upto = beyond[0][0] - 1 if beyond else self.upto
        if told and told[-1][1] == upto:
            told, upto = told[:-1], told[-1][0] - 1
        return EpochReceipt(epoch=epoch, upto=upto, missing=told)
