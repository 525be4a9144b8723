"""Reading the ledger: rows by position, what each author announced and what is missing, what was set aside."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from sqlalchemy import Connection, Engine, Select, case, cast, func, select
from sqlalchemy.exc import OperationalError

from broker.events import ClockQuality
from broker.ranges import Ranges, both, minus, size
from gateway import store
from gateway.ledger import tables as t
from gateway.ledger.closing import Closed, Closure, closed_by_author, closures, not_here, ranges_closed
from gateway.ledger.marks import Marks
from gateway.rules.row import Row

if TYPE_CHECKING:
    from gateway.ledger.writer import WritableLedger

_CLOCKS = {quality.value: quality for quality in ClockQuality}
_ROWS: Select[Any] = (
    select(
        t.rows.c.position,
        t.epochs.c.author,
        t.epochs.c.epoch,
        t.rows.c.seq,
        t.rows.c.body,
        t.bundles.c.received_at,
        t.bundles.c.at,
        t.bundles.c.mono_ms,
        t.bundles.c.boot,
        t.bundles.c.clock,
    )
    .join(t.epochs, t.epochs.c.id == t.rows.c.epoch_id)
    .join(t.bundles, t.bundles.c.id == t.rows.c.bundle_id)
)


def _standing() -> Select[Any]:
    def total(numbers: Any) -> Any:
        return cast(func.coalesce(func.sum(numbers), 0), t.Big)  # PostgreSQL's own sum of 64 bits is a decimal

    def length(table: Any, last: Any) -> Any:
        return total(last - table.c.first + 1)

    e, holes = t.epochs.c, t.holes.c
    announced = func.coalesce(e.announced_last, 0)
    told = case((holes.last < announced, holes.last), else_=announced)
    of_hole = (
        select(holes.epoch_id, length(t.holes, holes.last).label("all"))
        .add_columns(total(case((holes.first <= announced, told - holes.first + 1), else_=0)).label("told"))
        .join(t.epochs, e.id == holes.epoch_id)
        .group_by(holes.epoch_id)
        .subquery()
    )
    of_gap = (
        select(t.gaps.c.epoch_id, length(t.gaps, t.gaps.c.last).label("all")).group_by(t.gaps.c.epoch_id).subquery()
    )
    missing, lost = func.coalesce(of_hole.c.all, 0), func.coalesce(of_gap.c.all, 0)
    beyond = case((announced > e.upto, announced - e.upto), else_=0)
    return (
        select(
            e.author,
            total(e.upto - missing - lost),
            total(beyond + func.coalesce(of_hole.c.told, 0)),
            total(beyond + missing),
            total(lost),
            t.authors.c.last_contact,
        )
        .outerjoin(t.authors, t.authors.c.author == e.author)
        .outerjoin(of_hole, of_hole.c.epoch_id == e.id)
        .outerjoin(of_gap, of_gap.c.epoch_id == e.id)
        .group_by(e.author, t.authors.c.last_contact)
        .order_by(e.author)
    )


_STANDING = _standing()
STORE, MIGRATIONS = "ledger", "gateway.ledger.migrations"
NUMBER, REPEATED = "number", "repeated"
"""Counters: the next 共通番号; how many events arrived again."""
_ASKED_AT_ONCE = 500
"""Positions in one query; SQLite takes up to 32,766 variables, older ones 999."""


@dataclass(frozen=True, slots=True)
class AuthorStatus:
    """One epoch of one author. Ranges are inclusive.

    `announced_last` is the highest number its last hello named (0: it never said hello), `announced_receipted` the
    number up to which it then knew everything to be safe. `missing` are numbers up to the highest known that are
    neither committed nor gone, `gaps` those that nobody can send any more. `waiting` is how many of the announced
    numbers are not here. What a person closed is in none of these, but in `closed`. `last_contact` is the author's,
    whatever the epoch.
    """

    author: str
    epoch: str
    announced_last: int
    committed_upto: int
    committed: int
    missing: Ranges
    gaps: Ranges
    last_contact: datetime | None
    waiting: int
    refused: int = 0
    version: str = ""
    announced_receipted: int = 0
    announced_at: datetime | None = None
    closed: tuple[Closure, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one author stands, over all its epochs: numbers as in `AuthorStatus`; `lost` can never be sent any more."""

    author: str
    committed: int
    waiting: int
    missing: int
    lost: int
    last_contact: datetime | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something that arrived and could not become a row. `body` is None in lists and once it was discarded."""

    id: int
    topic: str
    author: str | None
    epoch: str | None
    seq: int | None
    reason: str
    detail: str
    size_bytes: int
    first_seen: datetime
    last_seen: datetime
    times: int
    body: bytes | None = None
    discarded_at: datetime | None = None
    discarded_by: str | None = None
    discarded_why: str | None = None
    read_at: datetime | None = None
    read_by: str | None = None

    @property
    def settled(self) -> bool:
        """Whether a person has discarded it, or it was understood when it was read again."""
        return self.discarded_at is not None or self.read_at is not None


class Ledger:
    """The ledger as everyone but the appender sees it. May be used by several threads."""

    def __init__(self, place: store.Store, engine: Engine) -> None:
        self._place, self._engine = place, engine
        self._changes = place.changes(engine)

    @overload
    @classmethod
    def open(cls, url: str, *, write: Literal[False] = False) -> "Ledger": ...
    @overload
    @classmethod
    def open(cls, url: str, *, write: Literal[True]) -> "WritableLedger": ...
    @classmethod
    def open(cls, url: str, *, write: bool = False) -> "Ledger":
        """Open a ledger that exists; with `write`, make or migrate it and be its only writer.

        Raises StoreError with one sentence: there is none yet, or another process writes it; StoreAwayError if the
        server that keeps it does not answer.
        """
        if write:
            from gateway.ledger.writer import WritableLedger  # noqa: PLC0415 - it builds on this class

            return WritableLedger.create(url)
        place = store.at(url, STORE)
        place.check()
        return cls(place, place.reader())

    def close(self) -> None:
        """Close every connection."""
        self._changes.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ledger_id(self) -> str:
        """The id that stands in this ledger's receipts. Raises StoreError while it has none, as `lineage`."""
        return self._names()[0]

    @property
    def lineage(self) -> tuple[str, ...]:
        """The ids this ledger had before it went back, newest first."""
        return self._names()[1:]

    def _names(self) -> tuple[str, ...]:
        try:
            with self._engine.begin() as connection:
                names = tuple(connection.scalars(select(t.ledgers.c.id).order_by(t.ledgers.c.n.desc())))
        except OperationalError as error:
            if not self._place.being_made(error):
                raise
            names = ()
        if not names:
            raise store.StoreError("the ledger is not made yet. Wait until the appender has named it: mawashi gateway")
        return names

    def rows(self, after: int, limit: int) -> list[Row]:
        """Return up to `limit` rows with a position above `after`, in order."""
        with self._engine.begin() as connection:
            found = connection.execute(_ROWS.where(t.rows.c.position > after).order_by(t.rows.c.position).limit(limit))
            return [_row(one) for one in found]

    def rows_at(self, positions: Sequence[int]) -> list[Row]:
        """Return the rows at these positions, in order of position; positions without a row are left out."""
        wanted = sorted(set(positions))
        found: list[Row] = []
        with self._engine.begin() as connection:
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[start : start + _ASKED_AT_ONCE]
                found += map(
                    _row, connection.execute(_ROWS.where(t.rows.c.position.in_(some)).order_by(t.rows.c.position))
                )
        return found

    def row(self, author: str, epoch: str, seq: int) -> Row | None:
        """Return the row with this key, or None."""
        with self._engine.begin() as connection:
            found = connection.execute(
                _ROWS.where(t.epochs.c.author == author, t.epochs.c.epoch == epoch, t.rows.c.seq == seq)
            ).first()
        return _row(found) if found else None

    def ends(self, author: str) -> list[tuple[Row, Row]]:
        """Return the first and the last row of each epoch of one author, in order of first arrival."""
        rows, epochs, own = t.rows.c, t.epochs.c, t.rows.alias().c
        of_epoch = [
            select(end(own.seq)).where(own.epoch_id == epochs.id).correlate(t.epochs).scalar_subquery()
            for end in (func.min, func.max)
        ]
        found: dict[str, list[Row]] = {}
        with self._engine.begin() as connection:
            wanted = _ROWS.where(epochs.author == author, rows.seq.in_(of_epoch)).order_by(epochs.id, rows.seq)
            for row in map(_row, connection.execute(wanted)):
                found.setdefault(row.epoch, []).append(row)
        return [(some[0], some[-1]) for some in found.values()]

    def last_contact(self, author: str) -> datetime | None:
        """Return when an author was last heard."""
        with self._engine.begin() as connection:
            return connection.scalar(select(t.authors.c.last_contact).where(t.authors.c.author == author))

    def minted(self, ticket: str) -> bool:
        """Say whether this ticket id was ever given out here."""
        with self._engine.begin() as connection:
            return connection.scalar(select(t.tickets.c.id).where(t.tickets.c.id == ticket)) is not None

    def last_position(self) -> int:
        """Return the highest position; 0 for an empty ledger."""
        with self._engine.begin() as connection:
            return connection.scalar(select(func.max(t.rows.c.position))) or 0

    def data_version(self) -> int:
        """Return a number that changes when another process has committed; costs microseconds."""
        return self._changes.version()

    def authors(self) -> list[AuthorStatus]:
        """Return one status for each epoch of each author, in order of author, then of first arrival."""
        with self._engine.begin() as connection:
            epochs = connection.execute(
                select(t.epochs, t.authors.c.last_contact, t.authors.c.refused, t.authors.c.version)
                .outerjoin(t.authors, t.authors.c.author == t.epochs.c.author)
                .order_by(t.epochs.c.author, t.epochs.c.id)
            ).all()
            holes, gaps = _ranges(connection, t.holes), _ranges(connection, t.gaps)
            closed = closures(connection)
        return [_status(one, Marks(one.upto, holes[one.id], gaps[one.id]), closed.get(one.id, ())) for one in epochs]

    def standing(self) -> list[Standing]:
        """Return one line for each author, in order of author; one query, however many epochs there are."""
        with self._engine.begin() as connection:
            found = [Standing(*one) for one in connection.execute(_STANDING)]
            closed = closed_by_author(connection)
        return [_less(one, closed[one.author]) if one.author in closed else one for one in found]

    def repeated(self) -> int:
        """Return how many events arrived again after they were committed, and were recognised, since the beginning."""
        with self._engine.begin() as connection:
            return connection.scalar(select(t.counters.c.next).where(t.counters.c.name == REPEATED)) or 0

    def set_aside(self, *, settled: bool = False) -> list[SetAside]:
        """Return what was set aside, oldest first, without the bytes; with `settled`, all that ever was."""
        wanted = select(*(column for column in t.set_aside.c if column.name not in ("sha256", "body")))
        if not settled:
            wanted = wanted.where(t.set_aside.c.discarded_at.is_(None), t.set_aside.c.read_at.is_(None))
        with self._engine.begin() as connection:
            found = connection.execute(wanted.order_by(t.set_aside.c.id))
            return [SetAside(**one._mapping) for one in found]  # noqa: SLF001 - SQLAlchemy's public name for it

    def set_aside_one(self, number: int) -> SetAside | None:
        """Return one thing that was set aside, with its bytes, or None."""
        wanted = select(*(column for column in t.set_aside.c if column.name != "sha256"))
        with self._engine.begin() as connection:
            found = connection.execute(wanted.where(t.set_aside.c.id == number)).first()
        return SetAside(**found._mapping) if found else None  # noqa: SLF001


def _row(one: Any) -> Row:
    position, author, epoch, seq, body, received_at, at, mono_ms, boot, quality = one
    return Row(position, author, epoch, seq, body, received_at, at, mono_ms, boot, _CLOCKS[quality])


def _ranges(connection: Connection, table: Any) -> dict[int, Ranges]:
    found: defaultdict[int, Ranges] = defaultdict(tuple)
    for epoch, first, last in connection.execute(
        select(table.c.epoch_id, table.c.first, table.c.last).order_by(table.c.epoch_id, table.c.first)
    ):
        found[epoch] += ((first, last),)
    return found


def _less(one: Standing, closed: Closed) -> Standing:
    return replace(
        one,
        waiting=one.waiting - closed.waiting,
        missing=one.missing - closed.missing,
        lost=one.lost - closed.lost,
    )


def _status(one: Any, marks: Marks, some: Sequence[Closure]) -> AuthorStatus:
    announced, closed = one.announced_last or 0, ranges_closed(some)
    absent = not_here(marks, announced)
    return AuthorStatus(
        author=one.author,
        epoch=one.epoch,
        announced_last=announced,
        committed_upto=marks.upto,
        committed=marks.count,
        missing=minus(marks.absent(max(announced, marks.upto)), closed),
        gaps=minus(marks.gaps, closed),
        last_contact=one.last_contact,
        waiting=size(minus(marks.absent(announced), closed)),
        refused=one.refused or 0,
        version=one.version or "",
        announced_receipted=one.announced_receipted or 0,
        announced_at=one.announced_at,
        closed=tuple(replace(each, left=both(((each.first, each.last),), absent)) for each in some),
    )
