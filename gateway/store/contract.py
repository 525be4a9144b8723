"""What a store can do, whichever database keeps it; and the errors that opening and using one may raise."""

from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from broker.words import Word

Unwritable = OperationalError
"""The world's fault: locked, disk full, read-only, away. Trying again later may succeed."""


class StoreError(Exception):
    """The store cannot be opened; the message is one sentence that says what to do."""


class StoreAwayError(StoreError):
    """The server that keeps the store does not let us in just now; whether there is a store, nobody knows."""

    def __init__(self, found: Word, remedy: Word) -> None:
        super().__init__(f"{found.en}. {remedy.en}")
        self.found, self.remedy = found, remedy


class StoreNewerError(StoreError):
    """A newer Mawashi has made the store; this one does not know its tables."""


class Held(Protocol):
    """A lock, held by the one process that writes a store."""

    def release(self) -> None:
        """Let another process write."""


class Changes(Protocol):
    """Tells cheaply whether another process has committed to the store. May be used by several threads."""

    def version(self) -> int:
        """Return a number that differs from the last one after any commit by another connection."""

    def close(self) -> None:
        """Give the connection back."""


class Store(Protocol):
    """One store of one address. `str()` is what to call it before people; it never holds a password."""

    def check(self) -> None:
        """Raise StoreError if there is no store yet, StoreAwayError if nobody can tell."""

    def careless(self) -> str | None:
        """Return a setting of the server by which a power cut may take what was committed; None if there is none.

        Raises StoreAwayError.
        """

    def lacking(self) -> str | None:
        """Return the right that our user lacks to keep the store there; None if it lacks none.

        Raises StoreAwayError.
        """

    def reader(self) -> Engine:
        """Return an engine that cannot write. Each `begin()` sees one moment of the store; keep it under a second."""

    def lock(self) -> Held:
        """Become the only writer. Raises StoreError if another process is."""

    def writer(self, *, durable: bool = True) -> Engine:
        """Return an engine for the one writing process; if `durable`, a commit is on the disk when it returns."""

    def changes(self, engine: Engine) -> Changes:
        """Return a watch on the store that a reader has opened as `engine`."""

    def identity(self) -> object:
        """Return what a reader's engine is bound to; None if there is no store. If it changes, open a new engine."""

    def written(self, connection: Connection) -> object:
        """Return what tells the store that this writer's connection found from any made since in its place."""

    def delete(self) -> bool:
        """Delete the store; return whether there was one."""

    def unusable(self, error: DatabaseError) -> bool:
        """Whether the store itself is bad or gone, rather than the disk full or somebody holding a lock."""

    def being_made(self, error: DatabaseError) -> bool:
        """Whether a read failed because the store is just being deleted or made."""
