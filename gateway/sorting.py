"""How people sort names with numbers in them."""

import re


def as_people_count(name: str) -> list[tuple[int, str]]:
    """Return what sorts nc-2 before nc-10.

    >>> sorted(["nc-10", "nc-2"], key=as_people_count)
    ['nc-2', 'nc-10']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]
