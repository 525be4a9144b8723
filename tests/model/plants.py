"""Bugs to be planted, each a subclass of the class it spoils: the model must find every one of them.

None of this is in the product.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edge.salvage
from broker.link import Delivery
from broker.messages import EpochReceipt, Receipt
from edge.outbox import Keeping, Outbox
from edge.sending import Ignored, Sending
from edge.uplink import Uplink
from gateway.appender import Appender
from gateway.ledger.intake import take
from gateway.ledger.marks import Marks
from gateway.ledger.transaction import Transaction
from gateway.waiting import Group
from tests.model.broker import WireLink


class MarksOnPuback(Uplink):
    """Believes an event safe as soon as the broker has acknowledged it."""

    def _send(self, epoch: str, first: int, most: int) -> None:
        link, real = self.link, self.link.publish

        def publish(topic: str, payload: bytes, **_: Any) -> None:
            last = first + payload.count(b"\n") - 1
            real(topic, payload, done=lambda: self._believe(epoch, first, last))

        link.publish = publish  # type: ignore[method-assign]
        super()._send(epoch, first, most)
        link.publish = real  # type: ignore[method-assign]

    def _believe(self, epoch: str, first: int, last: int) -> None:
        held = self.sending.held.get(epoch)
        if held is None or self.sending.nonce is None or self.sending.ledger is None:
            return
        below = tuple(one for one in held.waiting if one[0] < first)
        believed = EpochReceipt(epoch=epoch, upto=last, missing=tuple((a, min(b, first - 1)) for a, b in below))
        verdict = self.sending.receipt(
            Receipt(nonce=self.sending.nonce, ledger=self.sending.ledger, epochs=(believed,)), 0.0
        )
        if not isinstance(verdict, Ignored):
            self._outbox.mark(verdict.ledger, verdict.marks)


class AcknowledgesFirst(Appender):
    """Acknowledges to the broker what it is about to commit."""

    def _write(self, group: Group) -> None:
        self._link.acknowledge([one.delivery for one in group.held])
        super()._write(group)


class ReceiptsFirst(Appender):
    """Tells the edges that it has what it is about to commit."""

    def _write(self, group: Group) -> None:
        now = self._now.read().at
        taken = [take(one.delivery.topic, one.delivery.payload, now) for one in group.held]
        before = self._ledger.receipt

        def hoped(author: str, epoch: str) -> EpochReceipt:
            known = before(author, epoch)
            lasts = [one.last for one in taken if getattr(one, "epoch", None) == epoch]
            return EpochReceipt(epoch=epoch, upto=max([known.upto, *lasts]), missing=known.missing)

        self._ledger.receipt = hoped  # type: ignore[method-assign]
        self._tell(taken)
        self._ledger.receipt = before  # type: ignore[method-assign]
        super()._write(group)


class CoversGaps(Appender):
    """Tells an edge that it has what another said it had lost."""

    def _write(self, group: Group) -> None:
        self._ledger.receipt = self._covering  # type: ignore[method-assign]
        super()._write(group)

    def _covering(self, author: str, epoch: str) -> EpochReceipt:
        known = self._ledger._known.get((author, epoch))
        marks = known.marks if known else Marks()
        return EpochReceipt(epoch=epoch, upto=marks.upto, missing=marks.holes)


class TakesForRepetition(Transaction):
    """Takes whatever comes under a number it has for a repetition."""

    def _used_twice(self, *_: Any) -> None:
        self.repeated += 1


def begins_anew(path: Path) -> None:
    """Takes a damaged card for a new one."""
    edge.salvage._move_aside(path)
    Outbox(path, "", Keeping()).close()


class AcknowledgesAnyConnection(WireLink):
    """Acknowledges by packet id whatever connection the message came by."""

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if self._client:
                self._client.ack(delivery.mid, 1)


class _ObeysAnyNonce(Sending):
    def _why_not(self, receipt: Receipt) -> Ignored | None:
        if self.nonce is None:
            return Ignored.OTHER_NONCE
        return super()._why_not(receipt.model_copy(update={"nonce": self.nonce}))


class _ObeysAnyLedger(Sending):
    def _why_not(self, receipt: Receipt) -> Ignored | None:
        return super()._why_not(receipt.model_copy(update={"lineage": (*receipt.lineage, self.ledger or "")}))


class ObeysAnyNonce(Uplink):
    """Obeys a receipt of an earlier connection."""

    def __init__(self, settings: Any, outbox: Outbox, **others: Any) -> None:
        super().__init__(settings, outbox, **others)
        self.sending = _ObeysAnyNonce.of(outbox.held(), outbox.ledger)


class ObeysAnyLedger(Uplink):
    """Obeys whoever answers."""

    def __init__(self, settings: Any, outbox: Outbox, **others: Any) -> None:
        super().__init__(settings, outbox, **others)
        self.sending = _ObeysAnyLedger.of(outbox.held(), outbox.ledger)


class OneEpoch(Outbox):
    """Goes on in the epoch it finds on its card."""

    def __init__(self, path: Any, author: str, keeping: Keeping) -> None:
        super().__init__(path, author, keeping)
        found = self._db.execute("SELECT ordinal, epoch, last FROM epoch ORDER BY ordinal DESC LIMIT 1").fetchone()
        if found:
            self._ordinal, self._epoch, self._last = found
