"""The uplink's decisions: what is sent when, whom we obey, and that nothing uncommitted is ever marked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import ranges
from broker.clock import Reading
from broker.events import ClockQuality
from broker.messages import HELLO_EPOCHS, LOST_RANGES, EpochReceipt, Hello, Receipt
from edge.sending import Held, Ignored, Obeyed, SayHello, SendBundle, Sending, uncommitted
from edge.uplink import hello_of

A, B = "a" * 16, "b" * 16
NONCE, OTHER = "1" * 16, "2" * 16
LEDGER, NEW, FOREIGN = "1" * 32, "2" * 32, "f" * 32


def receipt(
    *epochs: tuple[str, int] | tuple[str, int, ranges.Ranges],
    nonce: str = NONCE,
    ledger: str = LEDGER,
    lineage: tuple[str, ...] = (),
    answers: str = "events",
) -> Receipt:
    parts = tuple(EpochReceipt(epoch=e[0], upto=e[1], missing=e[2] if len(e) > 2 else ()) for e in epochs)
    return Receipt.model_validate(
        {"nonce": nonce, "ledger": ledger, "lineage": lineage, "answers": answers, "epochs": parts}
    )


def connected(*held: Held, ledger: str | None = LEDGER) -> Sending:
    """Up since second 0, its first hello said and answered (by a server that has nothing)."""
    sending = Sending.of(held, ledger)
    sending.up(NONCE, 0.0)
    assert sending.turn(0.0) == SayHello()
    sending.said_hello(0.0)
    sending.receipt(receipt(ledger=sending.ledger or LEDGER, answers="hello"), 0.0)
    return sending


def full(epoch: str, last: int) -> Held:
    return Held(epoch, 1, last, uncommitted=((1, last),))


def send_all(sending: Sending, now: float = 1.0) -> list[tuple[str, int, int]]:
    sent = []
    while isinstance(what := sending.turn(now), SendBundle):
        sending.sent(what.epoch, what.first, what.most, now)
        sent.append((what.epoch, what.first, what.most))
    return sent


def test_without_a_connection_nothing_is_sent():
    assert Sending.of([full(A, 3)], None).turn(5.0) is None


def test_a_connection_begins_with_a_hello_and_at_most_two_bundles_of_500():
    assert send_all(connected(full(A, 1200))) == [(A, 1, 500), (A, 501, 500)]


def test_a_receipt_makes_room_for_the_next_bundle():
    sending = connected(full(A, 1200))
    send_all(sending)
    obeyed = sending.receipt(receipt((A, 500)), 2.0)
    assert isinstance(obeyed, Obeyed)
    assert [(mark.upto, mark.missing) for mark in obeyed.marks] == [(500, ())]
    assert send_all(sending) == [(A, 1001, 200)]


def test_a_bundle_is_of_one_epoch_without_a_hole():
    held = Held(A, 1, 10, lost=((4, 4),), uncommitted=((1, 10),))
    sending = connected(held, full(B, 2))
    assert send_all(sending) == [(A, 1, 3), (A, 5, 6)]
    sending.receipt(receipt((A, 10)), 2.0)
    assert send_all(sending) == [(B, 1, 2)]


def test_a_new_event_goes_at_once():
    sending = connected()
    sending.accepted(A, 1, 3.0)
    assert send_all(sending, 3.0) == [(A, 1, 1)]


def test_hello_is_repeated_every_60_s_while_anything_waits_else_every_15_minutes():
    sending = connected(full(A, 2000))
    send_all(sending)
    sending.said_hello(10.0)
    assert sending.due() == 70.0
    assert sending.turn(69.9) is None
    assert sending.turn(70.0) == SayHello()
    sending.said_hello(70.0)
    sending.receipt(receipt((A, 2000)), 71.0)
    assert sending.due() == 70.0 + 900.0
    sending.accepted(A, 2001, 500.0)
    assert sending.due() == 560.0, "a scan after an idle time brings its bundle, not a hello as well"


def test_a_bundle_whose_receipt_does_not_come_is_asked_for_once_then_at_the_usual_pace():
    sending = connected(full(A, 10))
    send_all(sending, 1.0)
    assert sending.due() == 16.0
    sending.said_hello(16.0)
    assert sending.due() == 76.0
    sending.receipt(receipt((A, 10), answers="hello"), 17.0)
    assert sending.waiting == 0


def test_until_anybody_answers_the_hello_is_repeated_at_growing_intervals():
    sending = Sending.of([full(A, 1)], LEDGER)
    sending.up(NONCE, 0.0)
    said, now = [], 0.0
    while len(said) < 7:
        if sending.turn(now) == SayHello():
            sending.said_hello(now)
            said.append(now)
        send_all(sending, now)
        due = sending.due()
        assert due is not None
        now = due
    assert said == [0, 5, 15, 35, 75, 135, 195]
    assert not sending.answered(now)
    sending.receipt(receipt((A, 1), answers="hello"), 200.0)
    assert sending.answered(200.0)
    assert sending.due() == 195.0 + 900.0


def test_a_server_that_stops_answering_is_seen_at_the_next_hello():
    sending = connected(full(A, 1))
    send_all(sending)
    assert sending.answered(59.0)
    sending.said_hello(60.0)
    assert sending.answered(69.0)
    assert not sending.answered(71.0)


def test_a_lost_bundle_goes_again_when_a_later_hello_is_answered_and_not_before():
    sending = connected(full(A, 10))
    send_all(sending)
    sending.receipt(receipt((A, 0), answers="hello"), 2.0)
    assert sending.turn(2.0) is None, "that answers the hello before the bundle"
    sending.said_hello(60.0)
    sending.receipt(receipt((A, 0), answers="hello"), 61.0)
    assert send_all(sending) == [(A, 1, 10)]


def test_a_lost_bundle_goes_again_on_the_next_connection():
    sending = connected(full(A, 10))
    send_all(sending)
    sending.down()
    assert sending.turn(3.0) is None
    sending.up(OTHER, 4.0)
    assert sending.turn(4.0) == SayHello()
    sending.said_hello(4.0)
    assert send_all(sending, 4.0) == [(A, 1, 10)]


def test_after_three_tries_a_bundle_is_halved_down_to_single_events():
    sending = Sending.of([full(A, 8)], LEDGER)
    sizes = []
    for at in range(15):
        sending.up(f"{at:016x}", at)
        sending.said_hello(at)
        sizes.append(send_all(sending, at)[0][2])
    assert sizes == [8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1, 1, 1, 1]


def test_an_event_that_is_never_committed_does_not_stop_those_behind_it():
    sending = connected(full(A, 2000))
    send_all(sending)
    for upto in (1000, 1500, 2000):
        sending.receipt(receipt((A, upto, ((1, 500),))), 2.0)
        send_all(sending)
    assert sending.held[A].waiting == ((1, 500),)


def test_missing_ranges_are_said_soon_and_sent_again_after_the_hello():
    sending = connected(full(A, 1000))
    send_all(sending)
    sending.receipt(receipt((A, 1000, ((1, 500),))), 2.0)
    assert sending.turn(5.0) == SayHello()
    sending.said_hello(5.0)
    sending.receipt(receipt((A, 1000, ((1, 500),)), answers="hello"), 5.1)
    assert send_all(sending, 5.2) == [(A, 1, 500)]


def test_receipts_of_one_ledger_add_up_whatever_their_order():
    sending = connected(full(A, 30))
    sending.receipt(receipt((A, 30, ((5, 9),))), 1.0)
    sending.receipt(receipt((A, 20, ((15, 16),))), 2.0)
    sending.receipt(receipt((A, 3)), 3.0)
    assert sending.held[A].uncommitted == ()


def test_the_first_valid_receipt_joins_its_ledger():
    sending = Sending.of([full(A, 1)], None)
    sending.up(NONCE, 0.0)
    obeyed = sending.receipt(receipt((A, 0), answers="hello"), 1.0)
    assert isinstance(obeyed, Obeyed)
    assert (obeyed.joined, obeyed.replaced, sending.ledger) == (True, False, LEDGER)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (receipt((A, 5), nonce=OTHER), Ignored.OTHER_NONCE),
        (receipt((A, 5), ledger=FOREIGN), Ignored.OTHER_LEDGER),
        (receipt((A, 5), ledger=FOREIGN, lineage=(NEW,)), Ignored.OTHER_LEDGER),
        (receipt((A, 5), nonce=OTHER, ledger=FOREIGN), Ignored.OTHER_NONCE),
    ],
)
def test_another_server_is_not_obeyed(wrong: Receipt, why: Ignored):
    sending = connected(full(A, 5))
    assert sending.receipt(wrong, 1.0) is why
    assert sending.held[A].uncommitted == ((1, 5),)
    assert sending.ignored == 1


def test_a_receipt_for_our_own_earlier_connection_is_late_and_nobody_is_alarmed():
    sending = connected(full(A, 5))
    sending.up(OTHER, 3.0)
    assert sending.receipt(receipt((A, 5), nonce=NONCE), 4.0) is Ignored.LATE
    assert sending.receipt(receipt((A, 5), nonce=NONCE, ledger=FOREIGN), 4.0) is Ignored.OTHER_NONCE
    assert sending.held[A].uncommitted == ((1, 5),)


def test_a_ledger_with_ours_in_its_lineage_replaces_all_marks_and_gets_everything_above():
    held = [Held(A, 1, 10), Held(B, 41, 60)]
    sending = connected(*held)
    obeyed = sending.receipt(receipt((A, 7), (B, 50), ledger=NEW, lineage=(LEDGER,), answers="hello"), 1.0)
    assert isinstance(obeyed, Obeyed)
    assert obeyed.replaced
    assert {mark.epoch: mark.upto for mark in obeyed.marks} == {A: 7, B: 50}
    assert sending.receipt(receipt((A, 10)), 1.1) is Ignored.OTHER_LEDGER, "the old ledger is obeyed no more"
    assert send_all(sending) == [(A, 8, 3), (B, 51, 10)]


def test_an_epoch_the_new_ledger_says_nothing_of_is_sent_again_from_the_lowest_held():
    sending = connected(Held(A, 4, 10))
    sending.receipt(receipt(ledger=NEW, lineage=(LEDGER,), answers="hello"), 1.0)
    assert sending.held[A].stated().receipted == 0
    assert send_all(sending) == [(A, 4, 7)]


def test_a_receipt_beyond_what_we_accepted_marks_nothing_to_come():
    sending = connected(full(A, 5))
    sending.receipt(receipt((A, 99)), 1.0)
    sending.accepted(A, 6, 2.0)
    assert sending.held[A].waiting == ((6, 6),)


def test_receipted_means_everything_below_it_so_that_a_hole_is_never_called_receipted():
    sending = connected(full(A, 10))
    sending.receipt(receipt((A, 10, ((4, 5),))), 1.0)
    assert sending.held[A].stated().receipted == 3


def test_lost_numbers_are_said_at_once_and_never_sent():
    sending = connected(full(A, 5))
    sending.damaged(A, ((2, 3),))
    assert sending.turn(6.0) == SayHello()
    sending.said_hello(6.0)
    assert sending.held[A].stated().lost == ((2, 3),)
    assert send_all(sending, 6.0) == [(A, 1, 1), (A, 4, 2)]


def test_what_is_lost_stays_uncommitted_so_that_a_rescue_which_finds_it_sends_it():
    sending = connected(full(A, 5))
    sending.damaged(A, ((2, 3), (5, 5)))
    obeyed = sending.receipt(receipt((A, 4, ((2, 3),)), answers="hello"), 7.0)
    assert isinstance(obeyed, Obeyed)
    assert [(mark.upto, mark.missing) for mark in obeyed.marks] == [(4, ((2, 3),))]
    assert (sending.waiting, sending.held[A].stated().receipted) == (0, 5)


def test_what_was_deleted_is_asked_for_no_more_once_the_server_was_told():
    sending = connected(Held(A, 4, 9, uncommitted=((1, 9),)))
    sending.receipt(receipt((A, 9, ((1, 3),)), answers="events"), 1.0)
    assert sending.held[A].receipted == 0, "it might be older than our hello"
    sending.receipt(receipt((A, 9, ((1, 3),)), answers="hello"), 2.0)
    assert sending.held[A].receipted == 9


def test_marks_of_a_ledger_whose_name_is_forgotten_count_for_nothing():
    sending = Sending.of([Held(A, 1, 9), Held(B, 1, 4)], None)
    sending.up(NONCE, 0.0)
    sending.said_hello(0.0)
    obeyed = sending.receipt(receipt((A, 7)), 1.0)
    assert isinstance(obeyed, Obeyed)
    assert {(mark.epoch, mark.upto) for mark in obeyed.marks} == {(A, 7), (B, 0)}
    assert send_all(sending, 1.0) == [(A, 8, 2), (B, 1, 4)]


def test_what_is_no_longer_kept_is_no_longer_sent():
    sending = connected(Held(A, 1, 10), Held(B, 1, 4, uncommitted=((3, 4),)))
    sending.kept({B: 3})
    assert list(sending.held) == [B]
    assert send_all(sending) == [(B, 3, 2)]


# -- properties ----------------------------------------------------------------------------------------------------------

numbers = st.sets(st.integers(1, 40))


def as_ranges(some: set[int]) -> ranges.Ranges:
    return ranges.union(tuple((n, n) for n in some))


def as_set(some: ranges.Ranges) -> set[int]:
    return {n for first, last in some for n in range(first, last + 1)}


@given(numbers, numbers)
def test_ranges_are_sets(a: set[int], b: set[int]):
    x, y = as_ranges(a), as_ranges(b)
    assert as_set(ranges.union(x, y)) == a | b
    assert as_set(ranges.both(x, y)) == a & b
    assert as_set(ranges.minus(x, y)) == a - b
    assert ranges.size(x) == len(a)


@dataclass
class World:
    """An edge, a ledger that may be restored, and a wire that loses, repeats, holds back and reorders."""

    sending: Sending = field(default_factory=lambda: Sending.of([], None))
    now: float = 0.0
    connections: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    ledger: str = f"{1:032x}"
    older: tuple[str, ...] = ()
    committed: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    upward: list[tuple[str, str, int, int] | str] = field(default_factory=list)
    downward: list[Receipt] = field(default_factory=list)

    def accept(self, epoch: str, count: int) -> None:
        self.accepted[epoch] = self.accepted.get(epoch, 0) + count
        self.sending.accepted(epoch, self.accepted[epoch], self.now)

    def connect(self) -> None:
        self.connections += 1
        self.sending.up(f"{self.connections:016x}", self.now)

    def act(self) -> None:
        for _ in range(5):
            match self.sending.turn(self.now):
                case SayHello():
                    assert self.sending.nonce
                    self.upward.append(self.sending.nonce)
                    self.sending.said_hello(self.now)
                case SendBundle(epoch, first, most):
                    assert self.sending.nonce
                    self.upward.append((self.sending.nonce, epoch, first, most))
                    self.sending.sent(epoch, first, most, self.now)
                case None:
                    return

    def restore(self, forget: int) -> None:
        """Put back an older copy of the ledger, under a new id that lists the old one."""
        old = self.committed.get(self.ledger, {})
        self.older, self.ledger = (self.ledger, *self.older), f"{len(self.older) + 2:032x}"
        self.committed[self.ledger] = {epoch: {n for n in some if n <= forget} for epoch, some in old.items()}

    def gateway(self, index: int, *, keep: bool) -> None:
        """Let the gateway take one of the messages under way and answer it."""
        if not self.upward:
            return
        message = self.upward[index % len(self.upward)]
        if not keep:
            self.upward.remove(message)
        books = self.committed.setdefault(self.ledger, {})
        if isinstance(message, str):
            nonce, epochs, answers = message, list(self.accepted), "hello"
        else:
            nonce, epoch, first, count = message
            books.setdefault(epoch, set()).update(range(first, first + count))
            epochs, answers = [epoch], "events"
        parts = []
        for epoch in epochs:
            have = books.get(epoch, set())
            upto = max(have, default=0)
            parts.append((epoch, upto, as_ranges(set(range(1, upto)) - have)))
        self.downward.append(receipt(*parts, nonce=nonce, ledger=self.ledger, lineage=self.older, answers=answers))

    def deliver(self, index: int, *, keep: bool) -> None:
        """Let a receipt arrive."""
        if self.downward:
            one = self.downward[index % len(self.downward)]
            if not keep:
                self.downward.remove(one)
            self.sending.receipt(one, self.now)

    def check(self) -> None:
        books = self.committed.get(self.sending.ledger or "", {})
        for epoch, last in self.accepted.items():
            marked = set(range(1, last + 1)) - as_set(self.sending.held[epoch].uncommitted)
            assert marked <= books.get(epoch, set()), "a number was marked that the ledger does not have"

    def settled(self) -> bool:
        books = self.committed.get(self.ledger, {})
        return not self.sending.waiting and all(
            books.get(epoch, set()) >= set(range(1, last + 1)) for epoch, last in self.accepted.items()
        )


steps = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from([A, B]), st.integers(1, 900)),
    st.tuples(st.just("connect")),
    st.tuples(st.just("down")),
    st.tuples(st.just("act")),
    st.tuples(st.just("act")),
    st.tuples(st.just("wait"), st.floats(0.1, 100.0)),
    st.tuples(st.just("gateway"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("gateway"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("lose up"), st.integers(0, 9)),
    st.tuples(st.just("lose down"), st.integers(0, 9)),
    st.tuples(st.just("restore"), st.integers(0, 900)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60))
def test_nothing_uncommitted_is_ever_marked_and_in_the_end_everything_is_covered(plan: list[tuple]):
    world = World()
    world.connect()
    for step in plan:
        match step:
            case ("accept", epoch, count):
                world.accept(epoch, count)
            case ("connect",):
                world.connect()
            case ("down",):
                world.sending.down()
            case ("act",):
                world.act()
            case ("wait", seconds):
                world.now += seconds
            case ("gateway", index, keep):
                world.gateway(index, keep=keep)
            case ("deliver", index, keep):
                world.deliver(index, keep=keep)
            case ("lose up", index) if world.upward:
                world.upward.pop(index % len(world.upward))
            case ("lose down", index) if world.downward:
                world.downward.pop(index % len(world.downward))
            case ("restore", forget):
                world.restore(forget)
            case _:
                pass
        world.check()
    world.upward.clear()
    world.connect()
    for _ in range(40):
        world.act()
        while world.upward:
            world.gateway(0, keep=False)
        while world.downward:
            world.deliver(0, keep=False)
            world.check()
        if world.settled():
            break
        world.now += 61.0
    assert world.settled()


@given(st.integers(1, 60), numbers)
def test_a_mark_read_back_leaves_open_what_it_left_open(last: int, holes: set[int]):
    sending = Sending.of([full(A, last)], LEDGER)
    sending.up(NONCE, 0.0)
    missing = as_ranges({n for n in holes if n < last})
    obeyed = sending.receipt(receipt((A, last, missing)), 1.0)
    assert isinstance(obeyed, Obeyed)
    (mark,) = obeyed.marks
    assert uncommitted(mark.upto, mark.missing, last) == sending.held[A].uncommitted


def test_a_hello_stays_within_what_the_gateway_takes_and_says_what_waits_first():
    old = [Held(f"{n:016x}", 1, 9, lost=((1, 1),) * 3) for n in range(HELLO_EPOCHS)]
    waiting = Held("f" * 16, 1, 9, uncommitted=((5, 9),))
    now = Reading(datetime(2026, 11, 22, tzinfo=UTC), 1, "b0", ClockQuality.SYNCED)
    hello = hello_of([waiting, *old], None, now, nonce="f" * 16)
    assert len(hello.epochs) == HELLO_EPOCHS
    assert waiting.stated() in hello.epochs
    assert old[0].stated().epoch not in {one.epoch for one in hello.epochs}, "of the others the oldest goes unsaid"
    assert sum(len(one.lost) for one in hello.epochs) == LOST_RANGES
    assert Hello.decode(hello.encode()) == hello
