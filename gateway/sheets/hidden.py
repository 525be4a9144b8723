"""Which rows and columns of a sheet nobody sees in Excel, hidden by hand, by grouping or by a filter. Pure.

openpyxl does not tell of them while it reads row by row; they are looked up in the sheet's XML.
"""

import re

from gateway.sheets import COLUMN_LIMIT

_ROW = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^<>]*)>")
_NUMBERED = re.compile(rb"""(?:^|\s)r=["']([0-9]{1,7})["']""")
_REACH = re.compile(rb"""(?:^|\s)(min|max)=["']([0-9]{1,5})["']""")
_UNSEEN = re.compile(rb"""(?:^|\s)(?:hidden=["'](?:1|true)["']|(?:ht|width)=["']0(?:\.0*)?["'])""")
"""Said to be hidden, or drawn so low or narrow that nothing is left. Source: ECMA-376-1, 18.3.1.13 and 18.3.1.73."""


def hidden_rows(text: bytes) -> frozenset[int]:
    """Return the numbers of the rows that are not seen; one without a number follows the one before it."""
    found: set[int] = set()
    number = 0
    for match in _ROW.finditer(text):
        stated = _NUMBERED.search(match[1])
        number = int(stated[1]) if stated else number + 1
        if _UNSEEN.search(match[1]):
            found.add(number)
    return frozenset(found)


def hidden_columns(text: bytes) -> frozenset[int]:
    """Return the columns, counted from 0, that are not seen."""
    found: set[int] = set()
    for match in _COLUMN.finditer(text):
        if _UNSEEN.search(match[1]):
            reach = {name: int(number) for name, number in _REACH.findall(match[1])}
            found.update(range(reach.get(b"min", 1) - 1, min(reach.get(b"max", 0), COLUMN_LIMIT)))
    return frozenset(found)
