"""The state's index of rows, within a turn: what each touches, claims on tickets, corrections, marks, verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select

from gateway.resolve import Claim
from gateway.rules.voiding import Key
from gateway.state import tables as t
from gateway.state.prepared import Driver, Prepared, add, put
from gateway.state.shapes import Verdict
from gateway.touched import Wait

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_touches, _claims, _corrections, _homes, _marks = t.touches.c, t.claims.c, t.corrections.c, t.homes.c, t.marks.c
_ADD_TOUCH = add(t.touches)
_POSITIONS = Prepared(select(_touches.position).where(_touches.anchor == bindparam("anchor")))
_ANCHORS = Prepared(
    select(_touches.anchor).where(_touches.anchor >= bindparam("low"), _touches.anchor < bindparam("high")).distinct()
)
_DROP_ANCHOR = Prepared(delete(t.touches).where(_touches.anchor == bindparam("anchor")))
_ADD_CLAIM = add(t.claims)
_CLAIMS_ON = Prepared(select(t.claims).where(_claims.ticket == bindparam("ticket")))
_CHILDREN = Prepared(select(_claims.ticket).where(_claims.parent == bindparam("parent")).distinct())
_CLAIMED = Prepared(select(_claims.ticket).where(_claims.order_key == bindparam("key")).distinct())
_ADD_CORRECTION = add(t.corrections)
_CORRECTIONS_OF = Prepared(
    select(_corrections.position, _corrections.author, _corrections.epoch, _corrections.seq).where(
        _corrections.target == bindparam("target")
    )
)
_HOME = Prepared(select(_homes.order_key).where(_homes.ticket == bindparam("ticket")))
_SET_HOME = put(t.homes)
_TICKETS_OF = Prepared(select(_homes.ticket).where(_homes.order_key == bindparam("key")))
_ADD_VERDICT = add(t.verdicts)
_LOAD_MARKS = Prepared(select(_marks.order_key, _marks.wait))
_ADD_MARK = put(t.marks)
_DROP_MARK = Prepared(delete(t.marks).where(_marks.order_key == bindparam("key")))


class RowIndex:
    """Reads and writes within one turn's transaction."""

    def __init__(self, connection: Driver) -> None:
        self._c = connection

    def add_touches(self, touches: Iterable[tuple[str, int]]) -> None:
        """Add pairs of anchor and position; those already there change nothing."""
        _ADD_TOUCH.many(self._c, [{"anchor": anchor, "position": position} for anchor, position in touches])

    def positions(self, anchors: Iterable[str]) -> list[int]:
        """Return the positions of the rows that touch any of these anchors, in order, each once."""
        found: set[int] = set()
        for anchor in anchors:
            found.update(one[0] for one in _POSITIONS.all(self._c, anchor=anchor))
        return sorted(found)

    def anchors_beginning(self, prefix: str) -> set[str]:
        """Return every anchor that begins like this."""
        return {one[0] for one in _ANCHORS.all(self._c, low=prefix, high=prefix + "\uffff")}

    def drop_anchor(self, anchor: str) -> None:
        """Forget one anchor."""
        _DROP_ANCHOR.run(self._c, anchor=anchor)

    def add_claim(self, position: int, claim: Claim) -> None:
        """Keep one word on whose a ticket is."""
        author, epoch, seq = claim.key
        _ADD_CLAIM.run(
            self._c,
            ticket=claim.ticket,
            position=position,
            author=author,
            epoch=epoch,
            seq=seq,
            at=(claim.at - _ZERO) // _MICROSECOND,
            order_key=claim.order,
            parent=claim.parent,
        )

    def claims_on(self, ticket: str) -> list[tuple[int, Claim]]:
        """Return every word on whose a ticket is, with the position of its row."""
        return [
            (position, Claim(ticket, (author, epoch, seq), _ZERO + at * _MICROSECOND, order, parent))
            for _, position, author, epoch, seq, at, order, parent in _CLAIMS_ON.all(self._c, ticket=ticket)
        ]

    def children(self, ticket: str) -> list[str]:
        """Return the tickets that somebody split off this one."""
        return [one[0] for one in _CHILDREN.all(self._c, parent=ticket)]

    def tickets_claimed(self, order_key: str) -> list[str]:
        """Return the tickets that an order claims, whether or not it got them."""
        return [one[0] for one in _CLAIMED.all(self._c, key=order_key)]

    def add_correction(self, target: str, position: int, key: Key) -> None:
        """Keep that the row `key` asks to void the row `target`."""
        author, epoch, seq = key
        _ADD_CORRECTION.run(self._c, target=target, position=position, author=author, epoch=epoch, seq=seq)

    def corrections_of(self, target: str) -> list[tuple[int, Key]]:
        """Return the rows that ask to void this one, by position and key."""
        return [(one[0], (one[1], one[2], one[3])) for one in _CORRECTIONS_OF.all(self._c, target=target)]

    def home(self, ticket: str) -> str | None:
        """Return the order this ticket was last found to belong to; None if it was never seen."""
        found = _HOME.all(self._c, ticket=ticket)
        return str(found[0][0]) if found else None

    def set_home(self, ticket: str, order_key: str) -> None:
        """Keep the order a ticket belongs to."""
        _SET_HOME.run(self._c, ticket=ticket, order_key=order_key)

    def tickets_of(self, order_key: str) -> list[str]:
        """Return the tickets that belong to an order."""
        return [one[0] for one in _TICKETS_OF.all(self._c, key=order_key)]

    def add_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Keep why no order is folded from some rows."""
        rows: list[dict[str, Any]] = [
            {
                "position": one.position,
                "author": one.author,
                "epoch": one.epoch,
                "seq": one.seq,
                "reason": one.reason,
                "sentence": one.sentence,
                "received_at": (one.received_at - _ZERO) // _MICROSECOND,
            }
            for one in verdicts
        ]
        _ADD_VERDICT.many(self._c, rows)

    def load_marks(self) -> dict[str, Wait]:
        """Return the orders that wait, and what each waits for."""
        return {key: Wait(wait) for key, wait in _LOAD_MARKS.all(self._c)}

    def change_marks(self, new: Mapping[str, Wait], gone: Iterable[str]) -> None:
        """Keep which orders wait."""
        _DROP_MARK.many(self._c, [{"key": key} for key in gone])
        _ADD_MARK.many(self._c, [{"order_key": key, "wait": wait.value} for key, wait in new.items()])
