"""Arithmetic on sets of event numbers, written as ranges: first and last inclusive, sorted, disjoint, never touching.

Pure; what the numbers mean stands with those who send them (`edge.sending`) and keep them (`gateway.ledger.marks`).
"""

from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]


def union(*parts: Iterable[Range]) -> Ranges:
    """Return every number of any part, neighbours joined; empty ranges (first > last) count for nothing.

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
    i = 0
    for first, last in kept:
        start = first
        while i < len(taken) and taken[i][1] < start:
            i += 1
        while i < len(taken) and taken[i][0] <= last:
            low, high = taken[i]
            if low > start:
                left.append((start, low - 1))
            start = high + 1
            if high > last:
                break  # it reaches into the next one
            i += 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def both(one: Ranges, other: Ranges) -> Ranges:
    """Return the numbers that are in both.

    >>> both(((1, 5), (8, 9)), ((4, 8),))
    ((4, 5), (8, 8))
    """
    found: list[Range] = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def size(ranges: Iterable[Range]) -> int:
    """Return how many numbers they hold."""
    return sum(last - first + 1 for first, last in ranges)
