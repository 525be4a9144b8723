"""The order in which an order's rows are folded, whatever order they came in, and what corrections took out of it.

Nothing here knows what an event means, except which of them correct or close another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from broker.events import Action, Adopt, Correction, Grant, Order, Printed, Promise, Settlement, Work
from broker.topics import GATEWAY
from gateway.rules.stamp import CLOCK_MAY_DIFFER, Stamped
from gateway.rules.voiding import Key, may_void, voided

Oddity = tuple[datetime, str, int | None, tuple[tuple[str, str], ...]]
"""What a person should look at: when, a key of `broker.words.FLAGS`, the operation, details."""

_FROM_GATEWAY_ONLY = frozenset({Order, Adopt, Grant, Printed, Promise, Settlement})
_OPENING = (Action.SETUP, Action.START)


@dataclass(slots=True)
class Sequence:
    """Rows with the time they are folded at, in fold order."""

    rows: list[tuple[datetime, Stamped]] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    count: int = 0
    """Different rows, those that were voided included."""


def arrange(events: Iterable[Stamped]) -> Sequence:
    """Put rows into fold order: once each, without what was voided, by (time, author, epoch, seq).

    Time is the `as_of` if there is one to be believed, else the stamp raised to that of the previous such row of its
    epoch; one raised by more than a second is approximate, for its clock was set back. A row that closes a start is
    never folded before it: it then takes the start's time, and a stated time is flagged.
    """
    known = {row.key: row for row in events}
    oddities: list[Oddity] = []
    gone = _voided(known, oddities)
    times: dict[Key, datetime] = {}
    closing: list[Key] = []
    author = epoch = ""
    latest: datetime | None = None
    for key in sorted(known):  # an epoch's rows follow each other by number
        if key in gone:
            continue
        row = known[key]
        event = row.event
        if type(event) is Work:
            if event.closes is not None and event.action not in _OPENING:
                closing.append(key)
        elif key[0] != GATEWAY and type(event) in _FROM_GATEWAY_ONLY:
            continue
        if key[0] != author or key[1] != epoch:
            author, epoch, latest = key[0], key[1], None
        if row.disbelieved and event.as_of is not None:
            stated = (("firm", row.firm), ("stated", event.as_of.isoformat()))
            oddities.append((row.at, "time_not_believed", getattr(event, "operation", None), stated))
        if event.as_of is not None and not row.disbelieved:
            times[key] = row.at
        else:
            if latest is None or row.stamp > latest:
                latest = row.stamp
            elif latest - row.stamp > CLOCK_MAY_DIFFER:  # set back meanwhile: what lies between was not measured
                known[key] = replace(row, approximate=True)
            times[key] = latest
    places: dict[Key, _Place] = {key: (at, *key) for key, at in times.items()}
    for key in closing:
        if (late := _after_its_start(known[key], places[key], times, oddities)) is not None:
            places[key] = late
    rows = sorted([(place, key) for key, place in places.items()])
    return Sequence([(place[0], known[key]) for place, key in rows], oddities, len(known))


_Place = tuple[datetime, *tuple[str | int, ...]]


def _after_its_start(row: Stamped, place: _Place, times: dict[Key, datetime], oddities: list[Oddity]) -> _Place | None:
    """Return the place just behind the start that a row closes; None if it stands behind it anyway."""
    event = row.event
    assert type(event) is Work
    assert event.closes is not None
    start = (event.closes.author, event.closes.epoch, event.closes.seq)
    began = times.get(start)
    if began is None or start == row.key or (began, *start) < place:
        return None
    if place[0] < began and event.as_of is not None and not row.disbelieved:
        stated = (("ticket", event.ticket), ("stated", place[0].isoformat()))
        oddities.append((began, "before_start", event.operation, stated))
    return (began, *start, *row.key)


def _voided(known: dict[Key, Stamped], oddities: list[Oddity]) -> set[Key]:
    """Return the keys that corrections in force void.

    One whose target has not arrived, or that reaches for another firm's row, is flagged unless it is void itself.
    """
    corrections = {row.key: row for row in known.values() if type(row.event) is Correction}
    if not corrections:
        return set()
    targets: dict[Key, Key] = {}
    refused: list[tuple[Key, str]] = []
    for key, row in corrections.items():
        assert type(row.event) is Correction
        ref = row.event.voids
        target = (ref.author, ref.epoch, ref.seq)
        found = known.get(target)
        if found is None:
            refused.append((key, "target_missing"))
        elif not may_void(key[0], found.firm):
            refused.append((key, "not_allowed"))
        else:
            targets[key] = target
    void = voided(targets)
    for key, code in refused:
        if key not in void:
            row = corrections[key]
            oddities.append((row.at, code, None, (("firm", row.firm), ("author", key[0]), ("seq", str(key[2])))))
    return void
