"""What a person typed to have it printed: names, and lists of them. What is wrong is said in one sentence."""

import re

from fastapi import HTTPException

from broker.words import Word
from gateway.orders.columns import plain

_NAME_LENGTH = 40
_LABELS = 200
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

TOO_MUCH = Word("入力が長すぎます。分けて刷ってください。", "That is too much at once. Print it in parts.")
NO_ID = Word(
    "「{text}」が読めません。1行に1つ、英数字と - の記号、空けて名前を書いてください（nc-1 NC旋盤1号）。",
    "{text!r} is no id. Write one a line: an id of letters, digits and -, a space, a name (nc-1 Lathe 1).",
)


def who(text: str) -> str:
    """Return a name as it is recorded and printed: one line, bounded."""
    return "".join(character for character in plain(text) if character.isprintable())[:_NAME_LENGTH]


def named(text: str) -> dict[str, str]:
    r"""Return names by id from lines such as `nc-1 NC旋盤1号`; the name may be missing. Raises HTTPException.

    >>> named("NC-1 NC旋盤　1号\nnc-2")
    {'nc-1': 'NC旋盤 1号', 'nc-2': ''}
    """
    found: dict[str, str] = {}
    for line in plain(text).splitlines():
        if not line.strip():
            continue
        id_, _, name = line.strip().partition(" ")
        if not _ID.fullmatch(id_.lower()):
            raise HTTPException(422, Word(*(word.format(text=line.strip()[:40]) for word in NO_ID)))
        found[id_.lower()] = who(name)
    if len(found) > _LABELS:
        raise HTTPException(422, TOO_MUCH)
    return found
