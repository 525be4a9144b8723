"""`mawashi backup FILE`: one consistent copy of the ledger while the gateway runs, called good only once it was read.

How it is copied is in `gateway.backup.copying`; a copy that is kept up to date is in `gateway.backup.follow`.
"""

import json
import sqlite3
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from broker.clock import clock
from broker.words import Word
from gateway.backup.copying import Copy, LedgerAwayError, TurnedError, finish
from gateway.backup.verify import BadCopyError, verify
from gateway.disk import to_disk
from gateway.settings import Gateway
from gateway.store import StoreError, path_of


class BackupError(Exception):
    """No backup was made; `word` says why and what to do."""

    def __init__(self, word: Word) -> None:
        super().__init__(f"{word.ja} / {word.en}")


@dataclass(frozen=True, slots=True)
class Made:
    """A good copy."""

    file: str
    ledger: str
    rows: int
    last_position: int
    bytes: int
    seconds: float


def run(settings: Gateway, file: Path, *, overwrite: bool, as_json: bool) -> int:
    """Make a copy and say how it went. Returns 1 if there is none."""
    try:
        made = make(ledger_file(settings), file, overwrite=overwrite)
    except BackupError as error:
        typer.echo(str(error), err=True)
        return 1
    if as_json:
        typer.echo(json.dumps(asdict(made)))
    else:
        size, took = f"{made.bytes / 1e6:.1f} MB", f"{made.seconds:.1f}"
        typer.echo(
            f"控えを取り、読み直して確かめました：{made.rows}件、{size}、{took}秒 / "
            f"Copied and read again, it is good: {made.rows} events, {size}, {took} s: {file}"
        )
    return 0


def ledger_file(settings: Gateway) -> Path:
    """Return the ledger's file. Raises BackupError if there is none yet, or if it is in PostgreSQL."""
    try:
        path = path_of(settings.ledger_url)
    except StoreError:
        raise BackupError(
            Word(
                "全記録は PostgreSQL にあります。docs/postgresql.md のやり方で控えを取ってください",
                "The ledger is in PostgreSQL: back it up with PostgreSQL's own tools, see docs/postgresql.md.",
            )
        ) from None
    if not path.exists():
        raise BackupError(
            Word(
                f"{path} がまだありません。mawashi gateway を起動してください",
                f"{path} does not exist yet. Start the gateway first: mawashi gateway",
            )
        )
    return path


def make(ledger: Path, file: Path, *, overwrite: bool) -> Made:
    """Copy the ledger to `file`, which appears only once it is whole and verified. Raises BackupError."""
    if file.exists() and file.samefile(ledger):
        raise BackupError(
            Word(
                f"{file} は今の全記録そのものです。別のディスクの新しい名前にしてください",
                f"{file} is the present ledger itself. Choose a new name, on another disk.",
            )
        )
    if file.exists() and not overwrite:
        raise BackupError(
            Word(
                f"{file} はもうあります。別の名前にするか --overwrite を付けてください",
                f"{file} is there already. Choose another name, or say --overwrite.",
            )
        )
    began, part = time.monotonic(), file.with_name(file.name + ".part")
    try:
        part.unlink(missing_ok=True)
        _copy(ledger, part)
        finish(part)
        to_disk(part)
        found = verify(part)
        part.replace(file)
        to_disk(file.parent)
    except LedgerAwayError as error:
        raise BackupError(
            Word(f"全記録が読めません（{error}）", f"The ledger cannot be read ({error}). See: mawashi check")
        ) from None
    except BadCopyError as error:
        raise BackupError(
            Word(
                f"控えを読み直すと壊れています（{error}）。{part} は使わず、別のディスクに取ってください",
                f"The copy was read again and {error}. Do not use {part}; choose another disk.",
            )
        ) from None
    except TurnedError:
        raise BackupError(
            Word(
                "取っている間に全記録が入れ替わりました。もう一度実行してください",
                "The ledger was replaced meanwhile. Do it again.",
            )
        ) from None
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise BackupError(
            Word(
                f"{file} に書けません（{error}）。空きと書き込みの権利を確かめてください",
                f"{file} cannot be written ({error}). Make room there, or give this user the right to write.",
            )
        ) from None
    return Made(
        str(file), found.names[0], found.rows, found.last_position, file.stat().st_size, time.monotonic() - began
    )


def _copy(ledger: Path, part: Path) -> None:
    copy = Copy(ledger, part, durable=False)
    try:
        while not copy.turn(clock().read().at).whole:
            pass
    finally:
        copy.close()
