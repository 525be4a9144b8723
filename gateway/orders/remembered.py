"""How each customer's files are read, kept as one readable TOML file a customer in the gateway's data folder."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from broker.settings import Settings, SettingsError, load
from gateway import disk
from gateway.orders.columns import Column

FOLDER = "order-files"
_LIMIT = 500
"""Customers whose files are remembered; more is not a shop's."""
_NO_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Read = Column | Literal["-"]
"""What a heading means; `-`: its column is not read."""


class Remembered(Settings):
    """What was answered for one customer: every heading of their files, and what is the same for every row."""

    customer: Annotated[str, Field(min_length=1, max_length=200)]
    columns: Mapping[str, Read] = {}
    given: Mapping[Column, str] = {}


def recall(data_dir: Path) -> list[Remembered]:
    """Return what is remembered, in order of file name. Raises SettingsError if a file was spoilt by hand."""
    problems: list[str] = []
    found: list[Remembered] = []
    for path in sorted((data_dir / FOLDER).glob("*.toml"))[:_LIMIT]:
        try:
            found.append(load(Remembered, path))
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return found


def remember(data_dir: Path, what: Remembered) -> Path | None:
    """Keep the answers under the customer's name, instead of earlier ones; None if they are kept so. Raises OSError."""
    path = data_dir / FOLDER / f"{_file_name(what.customer)}.toml"
    text = _toml(what).encode()
    if path.exists() and path.read_bytes() == text:
        return None
    disk.put(path, text)
    return path


def _file_name(customer: str) -> str:
    """Return a name a person recognises and no file system minds; two customers never share one.

    >>> _file_name("サンプル精機")
    'サンプル精機'
    >>> _file_name("../A B").startswith("A_B-")
    True
    """
    name = unicodedata.normalize("NFC", customer)
    safe = re.sub(r"[^\w-]+", "_", name).strip("_-")[:40]
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _toml(what: Remembered) -> str:
    columns: dict[str, str] = {}
    for name, column in what.columns.items():
        columns.setdefault(_quoted(name), _quoted(column))  # the same key twice is no TOML
    lines = [
        '# この客先から来る注文ファイルの読み方。見出し = 列、"-" は読まない列。手で直せます（docs/orders.md）。',
        '# How this customer\'s order files are read: heading = column, "-" is not read. May be edited by hand.',
        f"customer = {_quoted(what.customer)}",
        "",
        "[columns]",
        *(f"{name} = {column}" for name, column in columns.items()),
        "",
        "[given]",
        *(f"{column.value} = {_quoted(text)}" for column, text in what.given.items()),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are TOML's too (TOML 1.0, String)."""
    return json.dumps(_NO_CONTROL.sub(" ", str(text)), ensure_ascii=False)
