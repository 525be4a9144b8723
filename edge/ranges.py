"""Sets of event numbers as sorted, disjoint ranges, both ends inclusive. Pure arithmetic, nothing else."""

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]


def union(*parts: Ranges) -> Ranges:
    """Return every number that is in any of them, neighbours joined.

    >>> union(((1, 3), (8, 9)), ((4, 5),))
    ((1, 5), (8, 9))
    """
    joined: list[tuple[int, int]] = []
    for first, last in sorted(one for part in parts for one in part):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def intersect(a: Ranges, b: Ranges) -> Ranges:
    """Return the numbers in both.

    >>> intersect(((1, 5), (8, 9)), ((4, 8),))
    ((4, 5), (8, 8))
    """
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if first <= last:
            found.append((first, last))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def subtract(a: Ranges, b: Ranges) -> Ranges:
    """Return the numbers of `a` that are not in `b`.

    >>> subtract(((1, 9),), ((4, 5), (9, 9)))
    ((1, 3), (6, 8))
    """
    left: list[tuple[int, int]] = []
    for first, last in a:
        at = first
        for hole_first, hole_last in b:
            if hole_last < at or hole_first > last:
                continue
            if hole_first > at:
                left.append((at, hole_first - 1))
            at = hole_last + 1
        if at <= last:
            left.append((at, last))
    return tuple(left)


def size(ranges: Iterable[tuple[int, int]]) -> int:
    """Return how many numbers they hold."""
    return sum(last - first + 1 for first, last in ranges)
