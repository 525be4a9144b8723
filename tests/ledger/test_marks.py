"""What the ledger holds of one epoch, against the plainest model: three sets of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import EpochReceipt
from broker.ranges import Ranges, both, minus, size, union
from gateway.ledger.marks import Marks

NUMBERS = st.integers(1, 40)
RANGE = st.tuples(NUMBERS, st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
RANGES = st.lists(RANGE, max_size=6).map(union)
STEP = st.tuples(st.sampled_from(["arrived", "gone"]), RANGE)


def numbers(ranges: Ranges) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(RANGES, RANGES)
def test_ranges_are_sets_written_briefly(one: Ranges, other: Ranges) -> None:
    a, b = numbers(one), numbers(other)
    assert numbers(union(one, other)) == a | b
    assert numbers(minus(one, other)) == a - b
    assert numbers(both(one, other)) == a & b
    assert size(one) == len(a)
    for result in (union(one, other), minus(one, other), both(one, other)):
        assert all(first <= last for first, last in result)
        assert all(left[1] + 1 < right[0] for left, right in pairwise(result))


@given(st.lists(STEP, max_size=20))
def test_every_number_up_to_the_highest_is_committed_or_a_hole_or_gone(
    steps: list[tuple[str, tuple[int, int]]],
) -> None:
    marks = Marks()
    here: set[int] = set()
    gone: set[int] = set()
    for what, (first, last) in steps:
        those = set(range(first, last + 1))
        if what == "arrived":
            marks, here, gone = marks.arrived(first, last), here | those, gone - those
        else:
            marks, gone = marks.gone([(first, last)]), gone | (those - here)
    top = max(here | gone, default=0)
    assert marks.upto == top
    assert numbers(marks.gaps) == gone
    assert numbers(marks.holes) == set(range(1, top + 1)) - here - gone
    assert numbers(marks.committed()) == here
    assert marks.count == len(here)


@given(st.lists(STEP, max_size=20), NUMBERS)
def test_a_receipt_covers_what_is_committed_and_nothing_else(
    steps: list[tuple[str, tuple[int, int]]], seq: int
) -> None:
    marks = Marks()
    for what, (first, last) in steps:
        marks = marks.arrived(first, last) if what == "arrived" else marks.gone([(first, last)])
    here = numbers(marks.committed())
    assert marks.receipt("00" * 8).covers(seq) == (seq in here)
    assert (seq in numbers(marks.absent(40))) == (seq not in here | numbers(marks.gaps))


@given(st.lists(RANGE, min_size=1, max_size=8))
def test_the_order_of_arrival_does_not_matter(ranges: list[tuple[int, int]]) -> None:
    forth, back = Marks(), Marks()
    for first, last in ranges:
        forth = forth.arrived(first, last)
    for first, last in reversed(ranges):
        back = back.arrived(first, last)
    assert forth == back


def test_all_of_what_is_gone_at_once_is_the_same_as_one_after_the_other() -> None:
    ranges = [(30, 31), (2, 4), (5, 6), (9, 9), (50, 60)]
    one = Marks(20, ((3, 7), (9, 10)), ((15, 15),))
    each = one
    for some in sorted(ranges):
        each = each.gone([some])
    assert one.gone(ranges) == each == Marks(60, ((7, 7), (10, 10), (21, 29), (32, 49)), (
        (3, 6), (9, 9), (15, 15), (30, 31), (50, 60),
    ))  # fmt: skip


def test_an_event_that_still_arrives_shrinks_its_gap() -> None:
    marks = Marks().arrived(11, 20).gone([(1, 10)])
    assert marks == Marks(20, (), ((1, 10),))
    assert marks.arrived(4, 4) == Marks(20, (), ((1, 3), (5, 10)))


def test_a_receipt_with_very_many_holes_says_only_what_it_can_say_truly() -> None:
    marks = Marks()
    for number in range(2, 5002, 2):
        marks = marks.arrived(number, number)
    receipt = marks.receipt("00" * 8)
    assert receipt == EpochReceipt(epoch="00" * 8, upto=4000, missing=tuple((n, n) for n in range(1, 4001, 2)))
