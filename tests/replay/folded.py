"""A history through the edge's own rules and the gateway's, without disk or network: what would come of it."""

from collections import defaultdict
from zoneinfo import ZoneInfo

from broker.clock import Reading
from broker.events import AnyEvent, ClockQuality, Correction, Ref, Work
from edge.rules import EMPTY, Desk, NoOrders, read
from gateway.replay.issued import Issued, created
from gateway.replay.lanes import Plan
from gateway.replay.script import Line, script
from gateway.rules.fold import fold
from gateway.rules.order import OrderState
from gateway.rules.stamp import stamp
from tests.rules.floor import EPOCH, row


def play(lines: list[Line]) -> dict[int, AnyEvent]:
    """What the edge's rules record, by number. Every line must be answered as expected."""
    desk = Desk("past", "replay", "play", (), (), ZoneInfo("UTC"))
    memory, recorded = EMPTY, {}
    for line in lines:
        now = Reading(line.at, 0, "0", ClockQuality.GIVEN)
        tones = []
        for text in line.reads:
            ref = Ref(author="past/replay", epoch=EPOCH, seq=len(recorded) + 1)
            answer = read(memory, desk, text, now, orders=NoOrders(), next_ref=ref)
            memory = answer.memory
            tones += [answer.feedback.tone] if answer.feedback else []
            for event in answer.events:
                recorded[len(recorded) + 1] = event
        assert (line.tone, line) == (tones[-1], line)
    return recorded


def orders(plan: Plan) -> dict[str, OrderState]:
    """The orders of a history as they stand once it was played, by name."""
    given = {
        case.name: Issued(key=f"k{n}", number=str(1000 + n), ticket=f"{n:06d}")
        for n, case in enumerate(plan.cases, start=1)
    }
    names = {issued.ticket: name for name, issued in given.items()}
    recorded = play(script(plan, {name: issued.ticket for name, issued in given.items()}))
    by_order = defaultdict(dict)
    for seq, event in recorded.items():
        if isinstance(event, Correction):
            name = names[getattr(recorded[event.voids.seq], "ticket", "")]
        else:
            assert isinstance(event, Work)
            name = names[event.ticket]
        by_order[name][seq] = event
    after = max(one.row.end for one in plan.sessions)
    states = {}
    for case in plan.cases:
        now = Reading(after, 0, "0", ClockQuality.SYNCED)
        first = created(case, given[case.name], firm="past", now=now)
        rows = [row(first, "gateway", 1, received_at=after)]
        rows += [row(event, "past/replay", seq, received_at=after) for seq, event in by_order[case.name].items()]
        said = (first, *by_order[case.name].values())
        states[case.name] = fold(given[case.name].key, [stamp(*one) for one in zip(rows, said, strict=True)])
    return states
