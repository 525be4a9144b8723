"""What holds for any sequence of reads, whatever people and scanners do."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.clock import Reading
from broker.codes import Card, CardCode, StationCode, TicketCode, printed
from broker.events import Action, AnyEvent, ClockQuality, Correction, Ref, Scan, Work
from broker.messages import TicketView
from edge.drivers.readings import ENTER_ALONE
from edge.rules import Desk, Memory, dump, load
from edge.rules.memory import CLOSED_LIMIT, DONE_LIMIT, OPEN_LIMIT
from tests.edge.rules.bench import DESK, EDGE, FIRM, SYNCED, TOKYO, A, B, Bench, C, order, step

MILL = Desk("kita", "pi-1", "scanner-2", ("mill-1", "lathe-1"), DESK.shifts, TOKYO)
NIGHT = Desk("kita", "pi-1", "scanner-3", ("lathe-1",), (), TOKYO)

OLD = "01D001"

tickets = st.builds(TicketCode, st.sampled_from([A, A, B, C, OLD]), st.sampled_from([None, 10, 20]))
cards = st.builds(CardCode, st.sampled_from(Card), st.sampled_from([None, "TOOL", "7"]))
labels = st.builds(StationCode, st.sampled_from(["lathe-1", "lathe-2", "mill-9"]))
keyed = st.integers(0, 10**6).map(str)
undo = st.just([printed(CardCode(Card.UNDO))])
phrases = st.one_of(
    tickets.map(lambda code: [printed(code)]),
    st.tuples(cards, tickets).map(lambda codes: [printed(code) for code in codes]),
    st.tuples(labels, cards, tickets).map(lambda codes: [printed(code) for code in codes]),
    st.tuples(tickets.map(printed), keyed).map(list),
    st.sampled_from([Card.SHIP, Card.RECEIVE, Card.SPLIT]).flatmap(
        lambda card: st.lists(tickets.map(printed), min_size=2, max_size=3).map(
            lambda codes: [printed(CardCode(card)), *codes]
        )
    ),
    (cards | labels).map(lambda code: [printed(code)]),
    keyed.map(lambda text: [text]),
    undo,
    undo,
    st.text(max_size=30).map(lambda text: [text]),
)
"""What people do: a ticket, a card and a ticket, a machine first, a number after; sometimes half of it, or rubbish."""

pauses = st.sampled_from([0, 1, 4, 5, 20, 31, 70, 200, 400, 3600, 40_000, 90_000, 300_000])
clocks = st.sampled_from([None, None, None, None, None, None, *ClockQuality])
reads = st.lists(
    st.tuples(phrases, pauses, st.sampled_from([DESK, DESK, MILL, NIGHT]), clocks).map(
        lambda said: [(text, 4 if at else said[1], said[2], None if at else said[3]) for at, text in enumerate(said[0])]
    ),
    min_size=1,
    max_size=25,
).map(lambda said: [read for phrase in said for read in phrase])

VIEWS = (
    order(step(10, remaining=50), step(20), step(30, mine=False), at=SYNCED.at),
    order(step(10, "done"), number="99", tickets=(B, TicketView(id=OLD, branch=2, old=True))),
)


def play(bench: Bench, sequence: list[tuple[str, int, Desk, ClockQuality | None]]) -> None:
    """Scan these; the clock's quality changes with a restart where one is named. Every answer is checked."""
    for text, pause, desk, clock in sequence:
        bench.wait(pause)
        if clock is ClockQuality.GIVEN:
            bench.now = Reading(bench.now.at, bench.now.mono_ms, bench.now.boot, clock)
        elif clock:
            bench.reboot(clock)
        before, last = bench.memory, bench.memory.hands.get(desk.scanner)
        bench.scan(text, at=desk, gap=0)
        assert bench.feedback or text == ENTER_ALONE or (last and last.last and bench.events == ())
        if bench.feedback:
            assert 0 < len(bench.feedback.line1) <= 40
            assert len(bench.feedback.line2) <= 40
            assert " / " in bench.feedback.line1
        closes_only_what_it_names(before, bench.memory, bench.events)


def closes_only_what_it_names(before: Memory, after: Memory, events: tuple[AnyEvent, ...]) -> None:
    """A session that was open and no longer is was finished, or its opening was voided, by these very events."""
    finished = {event.closes for event in events if isinstance(event, Work) and event.action is Action.FINISH}
    void = {event.voids for event in events if isinstance(event, Correction)}
    for key, session in before.sessions.items():
        now = after.sessions.get(key)
        if session.open and not (now and now.open):
            assert session.opening in finished | void


@settings(deadline=None)
@given(reads)
def test_every_answer_speaks_or_is_a_reread_and_opening_one_session_never_closes_another(
    sequence: list[tuple[str, int, Desk, ClockQuality | None]],
) -> None:
    play(Bench(*VIEWS), sequence)


@settings(deadline=None)
@given(reads)
def test_whatever_an_event_names_was_recorded_before_it(
    sequence: list[tuple[str, int, Desk, ClockQuality | None]],
) -> None:
    bench = Bench(*VIEWS)
    play(bench, sequence)
    voided: Counter[Ref] = Counter()
    for seq, event in enumerate(bench.log, start=1):
        if isinstance(event, Work) and event.closes:
            opening = bench.log[event.closes.seq - 1]
            assert event.closes.seq < seq
            assert isinstance(opening, Work)
            assert opening.action in (Action.SETUP, Action.START)
            assert (opening.ticket, opening.operation, opening.station) == (
                event.ticket,
                event.operation,
                event.station,
            )
            assert voided[event.closes] == 0
        if isinstance(event, Work) and event.action is Action.PAUSE:
            assert event.closes
        if isinstance(event, Correction):
            assert event.voids.author == f"{FIRM}/{EDGE}"
            assert event.voids.seq < seq
            assert not isinstance(bench.log[event.voids.seq - 1], Scan | Correction)
            voided[event.voids] += 1
    assert all(times == 1 for times in voided.values()), "nothing is voided twice"


@settings(deadline=None)
@given(reads)
def test_memory_round_trips_and_stays_small(sequence: list[tuple[str, int, Desk, ClockQuality | None]]) -> None:
    bench = Bench(*VIEWS)
    play(bench, sequence)
    assert load(dump(bench.memory)) == bench.memory
    opened = len(bench.memory.open())
    assert opened <= OPEN_LIMIT
    assert len(bench.memory.sessions) - opened <= CLOSED_LIMIT
    assert all(len(hand.done) <= DONE_LIMIT for hand in bench.memory.hands.values())


@settings(deadline=None)
@given(reads)
def test_undoing_three_scans_in_a_row_voids_what_they_recorded(
    sequence: list[tuple[str, int, Desk, ClockQuality | None]],
) -> None:
    bench = Bench(*VIEWS, desk=NIGHT)
    play(bench, [(text, pause, NIGHT, None) for text, pause, _, _ in sequence])
    bench.wait(60)
    refs = [ref.seq for done in bench.memory.hands[NIGHT.scanner].done for ref in done.refs]
    for _ in range(DONE_LIMIT):
        bench.scan(printed(CardCode(Card.UNDO)))
        assert bench.kinds[-1] != "changed_since", "there is no other scanner"
    voided = {event.voids.seq for event in bench.log if isinstance(event, Correction)}
    assert set(refs) <= voided
