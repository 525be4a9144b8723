"""What the agent's one working thread takes first."""

from queue import Empty

import pytest

from edge.inbox import MachineLost, Scanned, ScansFirst, Sensed


def test_a_scan_waits_for_no_machine_and_each_of_them_keeps_its_order():
    inbox = ScansFirst()
    for item in (Sensed("m1", ()), MachineLost("m1", "gone"), Scanned("s1", "a"), Sensed("m2", ()), Scanned("s1", "b")):
        inbox.put(item)
    assert inbox.qsize() == 5
    assert [inbox.get(timeout=1) for _ in range(5)] == [
        Scanned("s1", "a"),
        Scanned("s1", "b"),
        Sensed("m1", ()),
        MachineLost("m1", "gone"),
        Sensed("m2", ()),
    ]
    with pytest.raises(Empty):
        inbox.get(timeout=0)
