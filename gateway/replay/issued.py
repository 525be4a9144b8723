"""Which order and ticket each case of a history was given: written down before anything is sent, read on every resume.

So a replay that was cut off anywhere goes on with the same orders, and never makes a second one of a case.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broker.clock import Reading
from broker.events import IssuedTicket, Model, Order, OrderAction, OrderPart, Step
from gateway.replay.lanes import Case
from gateway.replay.mapping import History

FILE = "issued.json"
EDGE = "edge.toml"
"""The played edge's settings."""
PUT_ASIDE = ".undone-"
"""In the name of a folder whose replay was taken back; no replay is called so."""


class Issued(Model):
    """What one case was given."""

    key: str
    number: str
    ticket: str


class Book(Model):
    """The whole file. `history` is the fingerprint of what is played, `source` the name of its file.

    `since` is the ledger's position before anything of it was recorded.
    """

    history: str
    cases: Mapping[str, Issued]
    firm: str = ""
    source: str = ""
    since: int = 0

    @property
    def tickets(self) -> dict[str, str]:
        """The ticket of each case."""
        return {name: issued.ticket for name, issued in self.cases.items()}


def folder(data_dir: Path, name: str) -> Path:
    """Return where the replay of this name keeps its book and its edge."""
    return data_dir / "replay" / name


def played_edges(data_dir: Path) -> frozenset[str]:
    """Return the authors of all replays, also of those taken back: edges that rightly say nothing any more."""
    authors = set()
    for path in (data_dir / "replay").glob(f"*/{EDGE}"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            said = tomllib.loads(path.read_text(encoding="utf-8"))
            authors.add(f"{said['firm']}/{said['edge']}")
    return frozenset(authors)


class OtherHistory(Exception):  # noqa: N818 - what is the case
    """The folder belongs to another history; the message says what to do."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other commands off a replay while one plays or undoes it: two would make two orders of a case.

    Raises OtherHistory if another is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OtherHistory(
                f"{folder.name} は今、別の命令が再生しているか取り消しています。終わってから、もう一度 / "
                f"Another command is just playing {folder.name}, or taking it back. Wait until it is done, then again"
            ) from None
        yield


def fingerprint(data: bytes, history: History) -> str:
    """Return what tells this history, read this way, from any other. The broker's address is no part of it.

    What a mapping does not say of set-up, pauses and blank days is left out, so that a replay begun before there was
    such a key goes on. Before, pauses were finishes.
    """
    unsaid: dict[str, Any] = {"mqtt": True}
    if history.pauses == "finish" or not history.has_pauses:
        unsaid["pauses"] = True
    if history.blank_days == "leave_out":
        unsaid["blank_days"] = True
    if not history.setup:
        unsaid["setup"] = True
    if history.events and not history.events.setup:
        unsaid["events"] = {"setup"}
    text = history.model_dump_json(exclude=unsaid).encode()
    return hashlib.sha256(hashlib.sha256(data).digest() + text).hexdigest()


def load(folder: Path, history: str | None = None) -> Book | None:
    """Return what was given, None if nothing was yet. Raises OtherHistory."""
    path = folder / FILE
    try:
        book = Book.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise OtherHistory(f"{path} は読めません。退避してください / cannot be read ({error}). Move it away") from None
    if history is not None and book.history != history:
        raise OtherHistory(
            f"{folder} では別の履歴を再生しました。mapping の名前を変えるか、このフォルダーを移してください / "
            f"Another history was played in {folder}. Give the mapping another name, or move the folder away"
        )
    return book


def as_begun(folder: Path, data: bytes, history: History) -> History:
    """Return how the replay in this folder reads its file: as then, if it was begun before this was proposed."""
    before = history.model_copy(update={"pauses": "finish", "blank_days": "leave_out"})
    with contextlib.suppress(OtherHistory):
        if (book := load(folder)) and book.history == fingerprint(data, before):
            return before
    return history


def new_key() -> str:
    """Return a fresh random key for an order."""
    return secrets.token_hex(8)


def save(folder: Path, book: Book) -> None:
    """Write the book so that it is there whole or not at all, also after a power cut."""
    folder.mkdir(parents=True, exist_ok=True)
    path, new = folder / FILE, folder / f"{FILE}.new"
    with new.open("wb") as file:
        file.write(book.model_dump_json().encode())
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def created(case: Case, issued: Issued, *, firm: str, now: Reading) -> Order:
    """Return the event that creates a case's order, as of the moment its history begins.

    A history does not say how many pieces were ordered, so the order's quantity stays unknown. Its lot is the most that
    any step reported: enough to know what is done, and nothing that a step could be short of.
    """
    return Order(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        as_of=case.released_at,
        by="replay",
        action=OrderAction.CREATED,
        order=issued.key,
        part=OrderPart(number=issued.number, own_number=case.name, part=case.part or None, coordinator=firm),
        routing=tuple(Step(no=step.no, name=step.name, firm=firm) for step in case.steps),
        tickets=(IssuedTicket(id=issued.ticket, quantity=case.pieces),),
    )
