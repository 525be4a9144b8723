"""`mawashi restore`: a copy becomes the ledger, under a new name that makes every edge send again what it still holds.

The gateway must not run. What was there is kept under a dated name; the state is deleted and made again. Numbers and
tickets that may be on paper are never given out again. How copies are made is in `gateway.backup.command`.
"""

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import typer
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from broker.messages import LEDGER_PATTERN, new_ledger
from broker.words import Word
from gateway import store
from gateway.backup.command import BackupError
from gateway.backup.copying import finish, read_only
from gateway.backup.follow import FILE
from gateway.backup.verify import BadCopyError, verify
from gateway.disk import to_disk
from gateway.ledger import tables as t
from gateway.ledger.reader import MIGRATIONS, NUMBER, STORE
from gateway.ledger.transaction import NUMBERS_SKIPPED
from gateway.settings import Gateway
from gateway.state.reader import STORE as STATE

_SIDES = ("", "-wal", "-shm", "-journal")
_FORMERLY = "a former name, given at a restore"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make the ledger from: a file or a followed folder; or, without one, the name of a ledger that is lost.

    `formerly`: further names that edges may have joined and the copy does not know. `last_number`: the highest 共通番号
    on paper, where somebody knows it.
    """

    source: Path | None = None
    empty: str | None = None
    formerly: tuple[str, ...] = ()
    last_number: int | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What the ledger is now. `kept`: where the former one is; `last_event`: when the newest event was received."""

    ledger: str
    lineage: tuple[str, ...]
    rows: int
    last_event: datetime | None
    next_number: int
    kept: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Former:
    """What the ledger that is put aside had given out; nothing of it may be given out again."""

    names: tuple[str, ...] = ()
    next_number: int = 0
    tickets: tuple[tuple[str, int], ...] = ()


def run(settings: Gateway, wanted: Wanted, *, as_json: bool) -> int:
    """Restore and say what is there now. Returns 1 if nothing was changed."""
    try:
        done = restore(settings, wanted)
    except BackupError as error:
        typer.echo(str(error), err=True)
        return 1
    if as_json:
        last = done.last_event.isoformat() if done.last_event else None
        typer.echo(json.dumps(asdict(done) | {"last_event": last}))
        return 0
    last = f"{done.last_event.astimezone():%Y-%m-%d %H:%M}" if done.last_event else "-"
    typer.echo(f"復元しました：{done.rows}件、最後は {last} / Restored: {done.rows} events, the last one of {last}")
    if done.kept:
        typer.echo(f"前の全記録はここに残します / The former ledger is kept: {done.kept}")
    typer.echo(f"共通番号は {done.next_number} から / Order numbers go on from {done.next_number}")
    typer.echo(
        "mawashi gateway を起動してください。現場端末が持っている分を送り直します。足りないものは mawashi audit / "
        "Start it: mawashi gateway. The edges send again what they hold; what stays missing: mawashi audit"
    )
    return 0


def restore(settings: Gateway, wanted: Wanted) -> Restored:
    """Put a ledger in place. Raises BackupError: then nothing was changed."""
    began = time.monotonic()
    if (wanted.source is None) == (wanted.empty is None):
        raise _refusal(
            "控えのファイルかフォルダ、または --empty 前の名前 のどちらかを書いてください",
            "Name a copy (a file or a followed folder), or --empty OLD_ID for a ledger that is lost: one of the two.",
        )
    if wanted.empty is not None and wanted.last_number is None:
        raise _refusal(
            "紙にある最後の共通番号を --last-number で書いてください。同じ番号を二度出さないためです",
            "Give the highest order number on paper as --last-number, so that none is given out twice.",
        )
    for name in (*wanted.formerly, *((wanted.empty,) if wanted.empty is not None else ())):
        if not re.fullmatch(LEDGER_PATTERN, name):  # no receipt could carry it
            raise _refusal(
                f"{name} は全記録の名前ではありません。mawashi-edge status --json の ledger（32文字）を写してください",
                f"{name} is no ledger's name. Copy what mawashi-edge status --json calls ledger: 32 characters.",
            )
    ledger, state = _stores(settings)
    with ExitStack() as stack:
        for place in (store.at(settings.ledger_url, STORE), state):
            stack.callback(_lock(place).release)
        if ledger.exists() and not wanted.replace:
            raise _refusal(
                f"{ledger} があります。--replace を付けると、それを日付の名前で残して置き換えます",
                f"{ledger} is there. With --replace it is kept under a dated name, and replaced.",
            )
        work = ledger.with_name("restoring.sqlite")
        stack.callback(_remove, work)
        with _sentences(wanted.source or work):
            _remove(work)
            if wanted.source is not None:
                _fetch(wanted.source, work, ledger)
            names, number = _name(work, wanted, _former(ledger), settings.first_number)
            rows, last = _counts(work)
            kept = _put_in_place(work, ledger, state)
    return Restored(names[0], names[1:], rows, last, number, str(kept) if kept else None, time.monotonic() - began)


# -- the copy ----------------------------------------------------------------------------------------------------------


def _fetch(source: Path, work: Path, ledger: Path) -> None:
    """Bring the copy to the data folder, make it a ledger and verify it."""
    if source.is_dir():
        file = source / FILE
        if not file.exists():
            others = sorted(one.name for one in source.glob("*.sqlite"))
            raise _refusal(
                f"{source} に {FILE} がありません。ファイルを選んでください：{', '.join(others) or 'なし'}",
                f"{source} holds no {FILE}. Name a file of it: {', '.join(others) or 'there is none'}",
            )
        with _unfollowed(file):
            _take(file, work)
    elif source.exists() and ledger.exists() and source.samefile(ledger):
        raise _refusal(f"{source} は今の全記録です", f"{source} is the present ledger itself.")
    else:
        _take(source, work)
    try:
        finish(work)
        verify(work)
    except (BadCopyError, ValueError) as error:
        raise _refusal(
            f"{source} は良い控えではありません（{error}）。別の控えを使ってください",
            f"{source} is no good copy: {error}. Use another one.",
        ) from None


def _take(file: Path, work: Path) -> None:
    """Copy the file and what of its last transaction lies beside it; SQLite takes that back or carries it out."""
    shutil.copyfile(file, work)
    for side in ("-wal", "-journal"):
        beside = file.with_name(file.name + side)
        if beside.exists():
            shutil.copyfile(beside, work.with_name(work.name + side))


@contextmanager
def _unfollowed(file: Path) -> Iterator[None]:
    try:
        lock = store.Lock(file)
    except store.StoreError:
        raise _refusal(
            "mawashi backup --follow が動いています。先に止めてください",
            "mawashi backup --follow writes that copy now. Stop it first.",
        ) from None
    except OSError:  # nobody can write where we cannot
        yield
        return
    try:
        yield
    finally:
        lock.release()


# -- names and numbers -------------------------------------------------------------------------------------------------


def _former(ledger: Path) -> _Former:
    """Return what the ledger to be put aside had given out; nothing if there is none, or it cannot be read."""
    if not ledger.exists():
        return _Former()
    try:
        with closing(read_only(ledger)) as db:
            names = tuple(one[0] for one in db.execute("SELECT id FROM ledgers ORDER BY n"))
            counted = db.execute("SELECT next FROM counters WHERE name = ?", (NUMBER,)).fetchone()
            tickets = tuple(db.execute("SELECT id, minted_at FROM tickets"))
            return _Former(names, int(counted[0]) if counted else 0, tickets)
    except sqlite3.Error:
        return _Former()


def _name(work: Path, wanted: Wanted, former: _Former, first_number: int) -> tuple[tuple[str, ...], int]:
    """Give the ledger its new name after all its former ones, and skip what may be on paper already.

    Returns the names, newest first, and the next 共通番号.
    """
    engine = store.at(f"sqlite:///{work}", STORE).writer()
    try:
        store.migrate(engine, MIGRATIONS)
        with engine.begin() as connection:
            lost = (wanted.empty,) if wanted.empty else ()
            _add_names(connection, (*lost, *wanted.formerly, *former.names))
            why = f"restored from {wanted.source}" if wanted.source else f"begun empty after {wanted.empty}"
            now = clock().read().at
            connection.execute(insert(t.ledgers).values(id=new_ledger(), since=now, why=why))
            number = _skip_numbers(connection, max(first_number, former.next_number, (wanted.last_number or 0) + 1))
            known = set(connection.scalars(select(t.tickets.c.id)))
            if fresh := [one for one in former.tickets if one[0] not in known]:
                connection.exec_driver_sql("INSERT INTO tickets (id, minted_at) VALUES (?, ?)", fresh)
            names = tuple(connection.scalars(select(t.ledgers.c.id).order_by(t.ledgers.c.n.desc())))
    finally:
        engine.dispose()
    return names, number


def _add_names(connection: Connection, names: Sequence[str]) -> None:
    known = set(connection.scalars(select(t.ledgers.c.id)))
    for name in dict.fromkeys(names):
        if name not in known:
            connection.execute(insert(t.ledgers).values(id=name, since=clock().read().at, why=_FORMERLY))


def _skip_numbers(connection: Connection, least: int) -> int:
    counter = t.counters.c
    stored = connection.scalar(select(counter.next).where(counter.name == NUMBER))
    following = max(stored or 0, least) + NUMBERS_SKIPPED
    if stored is None:
        connection.execute(insert(t.counters).values(name=NUMBER, next=following))
    else:
        connection.execute(update(t.counters).where(counter.name == NUMBER).values(next=following))
    return following


def _counts(work: Path) -> tuple[int, datetime | None]:
    engine = store.at(f"sqlite:///{work}", STORE).reader()
    try:
        with engine.begin() as connection:
            rows = connection.scalar(select(func.count()).select_from(t.rows)) or 0
            return rows, connection.scalar(select(func.max(t.bundles.c.received_at)))
    finally:
        engine.dispose()


# -- files -------------------------------------------------------------------------------------------------------------


def _stores(settings: Gateway) -> tuple[Path, store.Store]:
    """Return the ledger's file, and the state, wherever it is kept: it is made again from any ledger."""
    try:
        ledger = store.path_of(settings.ledger_url)
    except store.StoreError:
        raise _refusal(
            "全記録は PostgreSQL にあります。docs/postgresql.md のやり方で復元してください",
            "The ledger is in PostgreSQL: restore it with PostgreSQL's own tools, see docs/postgresql.md.",
        ) from None
    return ledger, store.at(settings.state_url, STATE)


def _lock(place: store.Store) -> store.Held:
    try:
        return place.lock()
    except store.StoreAwayError as error:
        raise _refusal(f"{error.found.ja}。{error.remedy.ja}", str(error)) from None
    except store.StoreError:
        raise _refusal(
            "共有サーバーが動いています。先に止めてください", "The gateway is running. Stop it first."
        ) from None
    except OSError as error:
        raise _refusal(f"{place} に書けません（{error}）", f"{place} cannot be written ({error}).") from None


def _put_in_place(work: Path, ledger: Path, state: store.Store) -> Path | None:
    """Delete the state made from what is there, keep that under a dated name, and put the new one in its place."""
    kept = None
    to_disk(work)
    state.delete()  # first: should it fail, the ledger has not been touched
    if ledger.exists():
        kept = ledger.with_name(f"ledger-before-{clock().read().at:%Y%m%d-%H%M%S}.sqlite")
        for side in reversed(_SIDES):  # the file itself last: until then a reader finds all of it
            old = ledger.with_name(ledger.name + side)
            if old.exists():
                old.rename(kept.with_name(kept.name + side))
    work.replace(ledger)
    to_disk(ledger.parent)
    return kept


def _remove(work: Path) -> None:
    for side in _SIDES:
        work.with_name(work.name + side).unlink(missing_ok=True)


@contextmanager
def _sentences(what: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, DatabaseError, store.StoreError) as error:
        raise _refusal(
            f"{what} から復元できません（{error}）。何も変えていません",
            f"{what} cannot be restored ({error}). Nothing was changed.",
        ) from None


def _refusal(ja: str, en: str) -> BackupError:
    return BackupError(Word(ja, en))
