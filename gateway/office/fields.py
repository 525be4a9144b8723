"""Texts that a person typed into the fields of an order, made into what an event holds. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from broker.events import OrderPart
from broker.words import Word
from gateway.office import refusals as no
from gateway.office.wishes import NewStep
from gateway.office.words import FIELDS, Firms
from gateway.orders import days
from gateway.orders.cells import TEXT_LIMIT
from gateway.orders.columns import plain as seen

EDITABLE = tuple(name for name in FIELDS if name != "number")
"""What the office may change. The order's own number is given once."""
CLEARABLE = tuple(name for name in EDITABLE if name not in ("quantity", "coordinator", "part"))
_NUMBERS = frozenset({"quantity", "spare", "amount"})
_DAY_ZERO = date(1899, 12, 30)
"""Only numbers that a spreadsheet counts days by need it."""
_STEP = re.compile(r"(?:(\d{1,4})\s*=)?(.+)@(.+)")
_SERIES = {"試作": "prototype", "量産": "series"}


def plain(text: str) -> str:
    r"""Return one line of text as people mean it: full-width letters and digits made plain, no spaces at the ends.

    What would command a printer or a terminal is a space.

    >>> plain("　５０ "), plain("軸\x1b[2J")
    ('50', '軸 [2J')
    """
    return "".join(" " if unicodedata.category(one) == "Cc" else one for one in seen(text)).strip()


def part_of(texts: Mapping[str, str], firms: Firms, today: date) -> OrderPart:
    """Return what was typed, by field name; a field that is blank is left out. Raises Impossible."""
    found: dict[str, Any] = {}
    for name, typed in texts.items():
        if name not in EDITABLE:
            raise no.Impossible(no.NOT_A_FIELD, name=name, known=", ".join(EDITABLE))
        if text := plain(typed):
            found[name] = _value(name, text, firms, today)
    try:
        return OrderPart(**found)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        remedy = no.A_NUMBER if name in _NUMBERS else no.A_TEXT
        raise _bad(FIELDS[name], str(found[name])[:40], remedy) from None


def firm_of(typed: str, firms: Firms) -> str:
    """Return the id of the firm that a person named by its id or name. Raises Impossible."""
    wanted = plain(typed).casefold()
    for firm, word in firms.items():
        if wanted in (firm, plain(word.ja).casefold(), plain(word.en).casefold()):
            return firm
    raise no.unknown_firm(typed, firms)


def step_of(typed: str, firms: Firms) -> NewStep:
    """Return a step to add as typed: `20=研削@grinding`, or without its number. Raises Impossible."""
    text = plain(typed)
    found = _STEP.fullmatch(text)
    if found is None or not (name := found[2].strip()) or len(name) > TEXT_LIMIT:
        raise no.Impossible(no.BAD_STEP, text=typed[:40])
    return NewStep(name, firm_of(found[3], firms), int(found[1]) if found[1] else None)


def day_of(label: Word, typed: str, today: date) -> date:
    """Return the date in `2026-12-25`, `R8.12.25`, `12/25` (the next such day). Raises Impossible."""
    text = plain(typed)
    if (found := days.day_of(text, text, today=today, day_zero=_DAY_ZERO)) is None:
        raise _bad(label, typed[:40], no.A_DATE)
    return found.day


def count_of(label: Word, typed: str) -> int:
    """Return a number of pieces or yen: `1,200`, `５０個`. Raises Impossible."""
    text = plain(typed).replace(",", "").removesuffix("個").removesuffix("円").removeprefix("¥")
    if not re.fullmatch(r"[0-9]{1,13}", text):
        raise _bad(label, typed[:40], no.A_NUMBER)
    return int(text)


def _value(name: str, text: str, firms: Firms, today: date) -> object:
    label = FIELDS[name]
    if name in _NUMBERS:
        return count_of(label, text)
    if name == "due":
        return day_of(label, text, today)
    if name == "coordinator":
        return firm_of(text, firms)
    if name == "series":
        if (series := _SERIES.get(text, text)) not in _SERIES.values():
            raise _bad(label, text[:40], no.A_SERIES)
        return series
    return text


def _bad(label: Word, text: str, remedy: Word) -> no.Impossible:
    return no.Impossible(no.BAD_VALUE.filled(label=label, text=text, remedy=remedy))
