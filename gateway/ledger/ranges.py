"""Arithmetic on sets of numbers written as ranges (first and last, both inclusive): sorted, disjoint, never touching.

Pure; what the numbers mean stands in `gateway.ledger.marks`.
"""

from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]


def union(*parts: Iterable[Range]) -> Ranges:
    """Return every number of any part; empty ranges (first > last) count for nothing.

    >>> union([(1, 3), (9, 9)], [(4, 5)])
    ((1, 5), (9, 9))
    """
    joined: list[Range] = []
    for first, last in sorted(one for part in parts for one in part if one[0] <= one[1]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def minus(kept: Ranges, taken: Ranges) -> Ranges:
    """Return the numbers of `kept` that are not in `taken`.

    >>> minus(((1, 9),), ((3, 4), (9, 12)))
    ((1, 2), (5, 8))
    """
    left: list[Range] = []
    for first, last in kept:
        start = first
        for low, high in taken:
            if high < start:
                continue
            if low > last:
                break
            if low > start:
                left.append((start, low - 1))
            start = high + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def both(one: Ranges, other: Ranges) -> Ranges:
    """Return the numbers that are in both.

    >>> both(((1, 9),), ((3, 4), (9, 12)))
    ((3, 4), (9, 9))
    """
    return minus(one, minus(one, other))


def size(ranges: Ranges) -> int:
    """Return how many numbers there are."""
    return sum(last - first + 1 for first, last in ranges)
