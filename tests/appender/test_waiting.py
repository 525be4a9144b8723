"""What waits for the ledger: whose turn it is, how much goes into one transaction, and in which order to acknowledge."""

from hypothesis import given
from hypothesis import strategies as st

from broker.link import Delivery
from gateway.waiting import GROUP_BYTES, GROUP_EVENTS, Group, Waiting


class Bench:
    """A queue whose brakes are a list."""

    def __init__(self) -> None:
        self.brakes: list[str] = []
        self.waiting = Waiting(hold_back=lambda: self.brakes.append("hold"), go_on=lambda: self.brakes.append("go"))
        self.mid = 0

    def put(self, edge: str, payload: bytes = b"h\n{}") -> int:
        self.mid += 1
        self.waiting.put(Delivery(f"mw/1/firm/{edge}/events", payload, retained=False, mid=self.mid, connection=1))
        return self.mid

    def take(self) -> Group:
        return self.waiting.take()

    def acknowledged(self, group: Group) -> list[int]:
        return [one.mid for one in self.waiting.committed(group.held)]


def mids(group: Group) -> list[int]:
    return [held.delivery.mid for held in group.held]


def bundle(events: int) -> bytes:
    return b"h" + b"\n{}" * events


def test_edges_take_turns_however_much_one_has_sent() -> None:
    bench = Bench()
    busy = [bench.put("busy", bundle(200)) for _ in range(6)]
    brief = bench.put("brief", bundle(1))
    assert mids(bench.take()) == [busy[0], brief, busy[1]]
    assert mids(bench.take()) == busy[2:4]


def test_hello_and_events_of_one_edge_stay_in_order() -> None:
    bench = Bench()
    one = bench.put("e1")
    bench.mid += 1
    bench.waiting.put(Delivery("mw/1/firm/e1/hello", b"{}", retained=False, mid=bench.mid, connection=1))
    three = bench.put("e1")
    assert mids(bench.take()) == [one, 2, three]


def test_acknowledgements_go_in_the_order_of_arrival() -> None:
    bench = Bench()
    for _ in range(3):
        bench.put("busy", bundle(300))
    bench.put("brief")
    first, second, third = bench.take(), bench.take(), bench.take()
    assert (mids(first), mids(second), mids(third)) == ([1, 4], [2], [3])
    assert bench.acknowledged(first) == [1]
    assert bench.acknowledged(second) == [2]
    assert bench.acknowledged(third) == [3, 4]


def test_a_message_larger_than_a_group_goes_alone() -> None:
    bench = Bench()
    bench.put("e1", b"x" * (2 * GROUP_BYTES))
    bench.put("e2", bundle(GROUP_EVENTS))
    bench.put("e3", bundle(1))
    assert [mids(bench.take()) for _ in range(3)] == [[1], [2], [3]]


def test_reading_is_held_back_when_too_much_waits_and_goes_on_when_half_is_committed() -> None:
    bench = Bench()
    for _ in range(9):
        bench.put("e1", b"x" * 1024 * 1024)
    assert bench.brakes == ["hold"]
    bench.put("e1")
    for _ in range(5):
        bench.acknowledged(bench.take())
    assert bench.brakes == ["hold"]
    bench.acknowledged(bench.take())
    assert bench.brakes == ["hold", "go"]


def test_very_many_small_messages_are_held_back_too() -> None:
    bench = Bench()
    for _ in range(8001):
        bench.put("e1", b"")
    assert bench.brakes == ["hold"]


def test_what_the_api_asks_is_done_between_groups() -> None:
    bench = Bench()
    done: list[str] = []
    bench.put("e1")
    bench.waiting.ask(lambda: done.append("asked"))
    group = bench.take()
    for task in group.tasks:
        task()
    assert (len(group.held), done) == (1, ["asked"])
    assert bench.take() == Group(), "and then nothing waits"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 500)), max_size=30))
def test_everything_is_taken_once_in_order_within_an_edge_and_acknowledged_as_it_came(
    sent: list[tuple[str, int]],
) -> None:
    bench = Bench()
    for edge, events in sent:
        bench.put(edge, bundle(events))
    taken: list[int] = []
    acknowledged: list[int] = []
    while len(taken) < len(sent):
        group = bench.take()
        assert len(group.held) == 1 or sum(held.events for held in group.held) <= GROUP_EVENTS
        taken += mids(group)
        acknowledged += bench.acknowledged(group)
    assert acknowledged == list(range(1, len(sent) + 1))
    for edge in "abc":
        own = [mid for mid, (name, _) in enumerate(sent, start=1) if name == edge]
        assert [mid for mid in taken if mid in own] == own
