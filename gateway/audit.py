"""What is kept, looked through: what each author announced and what is here, what was set aside, how far the sinks are.

Reads ledger and state and judges; the sentences about it stand in `gateway.standing`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.ranges import size
from gateway.ledger import AuthorStatus, Ledger, SetAside
from gateway.settings import Gateway
from gateway.sinks.influx import NAME as INFLUX
from gateway.sinks.views import NAME as VIEWS
from gateway.state import Refusal, State

_REFUSALS_NAMED = 100
"""Refused points that are told with their lines; all are counted."""


@dataclass(frozen=True, slots=True)
class Records:
    """The ledger: its names (the present one first), how many events it has, who announced what, what was set aside.

    `set_aside` are those that nobody has settled yet.
    """

    names: tuple[str, ...]
    events: int
    authors: tuple[AuthorStatus, ...]
    set_aside: tuple[SetAside, ...]

    @property
    def all_here(self) -> bool:
        """Whether every number ever announced is committed or closed, and everything that arrived became a row."""
        return not self.set_aside and not any(one.missing or one.gaps for one in self.authors)

    def of(self, author: str) -> "Records":
        """Return what concerns one author alone."""
        return Records(
            self.names,
            self.events,
            tuple(one for one in self.authors if one.author == author),
            tuple(one for one in self.set_aside if one.author == author),
        )

    def reasons(self) -> dict[str, int]:
        """Return how many things were set aside for each reason."""
        return dict(sorted(Counter(one.reason for one in self.set_aside).items()))

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "ledger": self.names[0],
            "lineage": self.names[1:],
            "events": self.events,
            "totals": self.totals(),
            "authors": _plain_authors(self.authors),
            "set_aside": [plain_aside(one) for one in self.set_aside],
        }

    def totals(self) -> dict[str, int]:
        """Return how many numbers were announced and what became of them, over all authors."""
        return {
            "announced": sum(one.announced_last for one in self.authors),
            "committed": sum(one.committed for one in self.authors),
            "waiting": sum(one.waiting for one in self.authors),
            "missing": sum(size(one.missing) for one in self.authors),
            "gone": sum(size(one.gaps) for one in self.authors),
            "closed": sum(size(each.left) for one in self.authors for each in one.closed),
            "set_aside": len(self.set_aside),
        }


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """One place that the state is written to: up to which revision, how much is above it, and what it refused."""

    name: str
    cursor: int
    behind: int
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        lines = [
            {"firm": one.firm, "line": one.line, "reason": one.reason, "at": one.at.isoformat()}
            for one in self.refusals
        ]
        return {
            "name": self.name, "cursor": self.cursor, "behind": self.behind, "refused": self.refused, "lines": lines
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Projected:
    """The state: how far the projector is, orders still to be worked out or failed, and the sinks.

    `not_counted` are events that are kept and belong to no order, by reason.
    """

    cursor: int
    behind: int
    unfinished: int
    parked: tuple[str, ...]
    not_counted: dict[str, int]
    sinks: tuple[SinkStatus, ...]

    @property
    def all_shown(self) -> bool:
        """Whether no order is stuck and no sink has refused anything; being behind is no fault."""
        return not self.parked and not any(sink.refused for sink in self.sinks)

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "projector": {"cursor": self.cursor, "behind": self.behind, "unfinished_orders": self.unfinished},
            "parked": list(self.parked),
            "not_counted": self.not_counted,
            "sinks": [sink.plain() for sink in self.sinks],
        }


def records_of(ledger: Ledger) -> Records:
    """Look through the ledger. Raises StoreError while it has no name yet, Unwritable if it cannot be read."""
    names = (ledger.ledger_id, *ledger.lineage)
    return Records(names, ledger.last_position(), tuple(ledger.authors()), tuple(ledger.set_aside()))


def projected_of(state: State, settings: Gateway, events: int) -> Projected:
    """Look through the state; `events` is how many the ledger has. Raises DatabaseError if it cannot be read."""
    cursor, cursors, refused = state.cursor(), state.cursors(), state.refusal_counts()
    sinks = [SinkStatus(VIEWS, cursors.get(VIEWS, 0), state.views_above(cursors.get(VIEWS, 0)))]
    if settings.influx or INFLUX in refused:
        at, lines = cursors.get(INFLUX, 0), state.refusals(_REFUSALS_NAMED)
        named = tuple(one for one in lines if one.sink == INFLUX)
        sinks.append(SinkStatus(INFLUX, at, state.points_above(at), refused.get(INFLUX, 0), named))
    return Projected(
        cursor, events - cursor, state.unfinished(), tuple(state.parked()), state.verdict_counts(), tuple(sinks)
    )


def _plain_authors(epochs: tuple[AuthorStatus, ...]) -> list[dict[str, Any]]:
    """Return the authors, each with its epochs."""
    found: dict[str, dict[str, Any]] = {}
    for one in epochs:
        author = found.setdefault(
            one.author,
            {
                "author": one.author,
                "last_contact": _time(one.last_contact),
                "refused_scans": one.refused,
                "version": one.version,
                "epochs": [],
            },
        )
        author["epochs"].append(_plain_epoch(one))
    return list(found.values())


def _plain_epoch(one: AuthorStatus) -> dict[str, Any]:
    return {
        "epoch": one.epoch,
        "announced": one.announced_last,
        "announced_at": _time(one.announced_at),
        "announced_receipted": one.announced_receipted,
        "committed": one.committed,
        "committed_upto": one.committed_upto,
        "waiting": one.waiting,
        "missing": one.missing,
        "gaps": one.gaps,
        "closed": [
            {
                "first": each.first,
                "last": each.last,
                "left": each.left,
                "at": _time(each.at),
                "by": each.by,
                "why": each.why,
            }
            for each in one.closed
        ],
    }


def plain_aside(one: SetAside) -> dict[str, Any]:
    """Return something set aside for JSON, without its bytes."""
    return {
        "id": one.id,
        "topic": one.topic,
        "author": one.author,
        "epoch": one.epoch,
        "seq": one.seq,
        "reason": one.reason,
        "detail": one.detail,
        "size_bytes": one.size_bytes,
        "first_seen": _time(one.first_seen),
        "last_seen": _time(one.last_seen),
        "times": one.times,
        "discarded_at": _time(one.discarded_at),
        "discarded_by": one.discarded_by,
        "discarded_why": one.discarded_why,
        "read_at": _time(one.read_at),
        "read_by": one.read_by,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
