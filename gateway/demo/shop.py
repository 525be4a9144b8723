"""The demo's shop floor as a simulation: orders in, what people would scan and when out. No clock, port or file.

Where an order waits, how work overlaps and what goes wrong follows measured figures; waits have their real shape but
not their real length, or a demo would last for weeks.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from broker.codes import Card, CardCode, Code, StationCode, TicketCode, printed
from broker.events import IssuedTicket, Order, Step
from gateway.demo.floor import Bench, Firm

MINUTE = 60.0
SHIFT_SECONDS = 8 * 3600.0

OVERLAP = 0.22
"""Operations that begin before the one before has ended: 22 % in the 4TU production log (measured)."""
_WAIT_MINUTES, _WAIT_SIGMA, _WAIT_LIMIT = 5.0, 1.8, 240.0
"""Median and shape of the wait before an operation. In the same log mean / median is 5 (grinding), a log-normal with
sigma 1.8. The median there is 1.3 days; here it is minutes."""
_WORK_SIGMA = 0.45
_CUTTING = 0.85
"""The machine has made its pieces so early in its work: they are measured and put away before anybody scans."""
_SHORTEST_MINUTES = 6.0
"""Under 3 minutes after a start a ticket alone changes nothing (design: one scan)."""

Life = Generator[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Scan:
    """Something read by a scanner, `at` seconds of simulated time from the start. `ticket` is what it is about."""

    at: float
    firm: str
    scanner: str
    text: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Turn:
    """From `at` on the machine at a station runs and makes `pieces` in `seconds`; `running` False: it stands still."""

    at: float
    firm: str
    station: str
    running: bool
    pieces: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Chances:
    """How often things happen; a test sets them to 0 or 1."""

    overlap: float = OVERLAP
    setup: float = 0.4
    pause: float = 0.08
    scrap: float = 0.15
    hold: float = 0.05
    rework: float = 0.05
    forgotten_finish: float = 0.35
    unscanned_receipt: float = 0.12
    uncounted: float = 0.06
    all_good_card: float = 0.12
    counted_handover: float = 0.5
    scanned_twice: float = 0.03
    misread: float = 0.01


@dataclass(slots=True)
class _Machine:
    """A station, the scanner beside it, and whether somebody is at work there."""

    bench: Bench
    name: str
    busy: bool = False

    @property
    def default(self) -> bool:
        return self.bench.stations[0] == self.name


@dataclass(frozen=True, slots=True)
class _Arrived:
    """Pieces that have come to an operation. `rest` brings the number of those that come later."""

    pieces: int
    rest: simpy.Event | None = None


class Shop:
    """The firms at work. `told` counts what happened that a demo should show."""

    def __init__(
        self, firms: Sequence[Firm], *, seed: int, shift_begun_seconds: float = 0.0, chances: Chances | None = None
    ) -> None:
        self.told: Counter[str] = Counter()
        self.turns: deque[Turn] = deque()
        """What machines do, in order of time; whoever plays them takes it from here."""
        self.env = simpy.Environment()
        self.random = random.Random(seed)  # noqa: S311 - a simulation  # noqa: S311 - a simulation
        self.chances = chances or Chances()
        self.firms: Mapping[str, Firm] = {firm.id: firm for firm in firms}
        self._shift_begun = shift_begun_seconds
        self._said: deque[Scan] = deque()
        self.free: dict[str, simpy.Store] = {}
        self._machines: dict[tuple[str, str], list[_Machine]] = {}
        for firm in firms:
            self.free[firm.id] = simpy.Store(self.env)
            machines = [_Machine(bench, name) for bench in firm.benches for name in bench.stations]
            self.random.shuffle(machines)
            for machine in machines:
                self.free[firm.id].put(machine)
                self._machines.setdefault((firm.id, machine.bench.scanner), []).append(machine)

    @property
    def now(self) -> float:
        """Seconds of simulated time since the start, of what happened last."""
        return float(self.env.now)

    def add(self, order: Order, *, within_minutes: float = 20.0) -> None:
        """Bring an order into the shop; its lots start within this time. Its routing and tickets are as imported."""
        steps = order.routing or ()
        if any(step.firm not in self.firms for step in steps):
            raise ValueError(f"order {order.order} goes to a firm that is not in this shop")
        for ticket in order.tickets:
            self.env.process(self._lot(order, ticket, within_minutes))

    def scans(self) -> Iterator[Scan]:
        """Return what is scanned, in order of time, for as long as there is work. Orders may be added in between."""
        while self._said or self.env.peek() != math.inf:
            while self._said:
                yield self._said.popleft()
            if self.env.peek() != math.inf:
                self.env.step()

    # -- a lot on its way ----------------------------------------------------------------------------------------------

    def _lot(self, order: Order, ticket: IssuedTicket, within_minutes: float) -> Life:
        yield self.env.timeout(self.random.uniform(0, within_minutes) * MINUTE)
        steps = list(order.routing or ())
        arrived = _Arrived(ticket.quantity or 0)
        for number, step in enumerate(steps):
            following = steps[number + 1] if number + 1 < len(steps) else None
            onward = self.env.event()
            work = _Work(self, order, ticket, step, following)
            self.env.process(work.life(arrived, onward))
            arrived = yield onward

    # -- for the work --------------------------------------------------------------------------------------------------

    def lognormal(self, median: float, sigma: float, *, low: float = 0.0, high: float = math.inf) -> float:
        return min(high, max(low, self.random.lognormvariate(math.log(median), sigma)))

    def happens(self, chance: float) -> bool:
        return self.random.random() < chance

    def shift(self, at: float) -> int:
        """Return which shift an instant belongs to, counted from the one the simulation begins in."""
        return int((at + self._shift_begun) // SHIFT_SECONDS)

    def shift_end(self, at: float) -> float:
        return (self.shift(at) + 1) * SHIFT_SECONDS - self._shift_begun

    def say(self, firm: str, bench: Bench, ticket: str, *read: Code | str) -> None:
        """Scan these one after the other, without a pause for others at this scanner."""
        for one in read:
            text = one if isinstance(one, str) else printed(one)
            self._said.append(Scan(self.now, firm, bench.scanner, text, ticket))

    def at_work(self, firm: str, bench: Bench) -> int:
        """Return at how many machines of this scanner somebody is at work."""
        return sum(machine.busy for machine in self._machines[firm, bench.scanner])


@dataclass(slots=True)
class _Work:
    """One operation of one lot: from the pieces' arrival until they have gone on."""

    shop: Shop
    order: Order
    ticket: IssuedTicket
    step: Step
    following: Step | None
    begun: float = 0.0
    machine: _Machine | None = None

    def life(self, arrived: _Arrived, onward: simpy.Event) -> Life:
        """Wait, set up, work, count, and send on; `onward` succeeds with the first pieces for the next operation."""
        shop, env, chances = self.shop, self.shop.env, self.shop.chances
        firm = shop.firms[self.step.firm]
        yield env.timeout(shop.lognormal(_WAIT_MINUTES, _WAIT_SIGMA, low=0.5, high=_WAIT_LIMIT) * MINUTE)
        self.machine = machine = yield shop.free[firm.id].get()
        pieces, done, lost = arrived.pieces, 0, 0
        yield from self._open(chances)
        minutes = shop.lognormal(firm.minutes, _WORK_SIGMA, low=_SHORTEST_MINUTES)
        rest: simpy.Event | None = None
        if self.following and pieces >= 6 and arrived.rest is None and shop.happens(chances.overlap):
            self._runs(pieces // 2, minutes * 0.5)
            yield env.timeout(minutes * 0.5 * MINUTE)
            done, rest = pieces // 2, env.event()
            yield from self._part_way(done)
            env.process(self._carry(done, onward, rest))
            shop.told["parts"] += 1
        elif shop.happens(chances.pause):
            yield from self._pause()
        self._runs(pieces - done, minutes * 0.5)
        yield env.timeout(minutes * 0.5 * MINUTE)
        if arrived.rest is not None:
            self._stands()
            more = yield arrived.rest
            pieces += more
            self._runs(more, minutes * 0.4)
            yield env.timeout(minutes * 0.4 * MINUTE)
        if shop.happens(chances.scrap) and pieces - done > 4:
            lost = self._report(Card.SCRAP, 1 + int(pieces > 30), "scrap")
            yield env.timeout(1.5 * MINUTE)
        held = 0
        if shop.happens(chances.hold) and pieces - done > 4:
            held = self._report(Card.HOLD, 2, "hold")
            yield env.timeout(1.5 * MINUTE)
        good = pieces - done - lost - held
        yield from self._close(good, chances, alone=done == 0 and arrived.rest is None and not lost and not held)
        machine.busy = False
        yield shop.free[firm.id].put(machine)
        if held:
            yield from self._again(held, rework=False)
        elif shop.happens(chances.rework) and good > 4:
            yield from self._again(self._report(Card.REWORK, 1, "rework"), rework=True)
        if rest is None:
            yield from self._carry(good + held, onward, None)
        else:
            yield from self._bring(good + held, rest)

    # -- at the machine ------------------------------------------------------------------------------------------------

    def _open(self, chances: Chances) -> Life:
        assert self.machine
        shop = self.shop
        if not self.machine.default and shop.at_work(self.step.firm, self.machine.bench):
            shop.told["three_machines"] += 1
        self.machine.busy = True
        if shop.happens(chances.setup):
            self._say(CardCode(Card.SETUP))
            shop.told["setup"] += 1
            yield shop.env.timeout(shop.lognormal(7.0, 0.5, low=2.0) * MINUTE)
        if shop.happens(chances.misread):
            self._say_alone("7K3Q9F.20-Z")
            shop.told["misread"] += 1
            yield shop.env.timeout(20.0)
        self._start()
        if shop.happens(chances.scanned_twice):
            yield shop.env.timeout(40.0)
            self._say()
            shop.told["scanned_twice"] += 1

    def _start(self) -> None:
        self.begun = self.shop.now
        self._say()
        self._runs(0, 1.0)

    def _runs(self, pieces: int, minutes: float) -> None:
        assert self.machine
        seconds = minutes * MINUTE * _CUTTING
        self.shop.turns.append(Turn(self.shop.now, self.step.firm, self.machine.name, True, pieces, seconds))

    def _stands(self) -> None:
        assert self.machine
        self.shop.turns.append(Turn(self.shop.now, self.step.firm, self.machine.name, running=False))

    def _part_way(self, pieces: int) -> Life:
        """Count the first pieces, so that they can go on, and take the work up again."""
        self._stands()
        yield from self._taken_up_after_shift()
        self._say(then=(str(pieces), CardCode(Card.PARTWAY)))
        yield self.shop.env.timeout(45.0)
        self._start()

    def _pause(self) -> Life:
        shop = self.shop
        reason = shop.random.choice(("TOOL", "MATERIAL", "DRAWING", "MACHINE"))
        yield shop.env.timeout(4.0 * MINUTE)
        self._say(CardCode(Card.PAUSE, reason))
        self._stands()
        shop.told["pause"] += 1
        yield shop.env.timeout(shop.lognormal(8.0, 0.6, low=1.0) * MINUTE)
        self._start()
        yield shop.env.timeout(4.0 * MINUTE)

    def _report(self, card: Card, pieces: int, name: str) -> int:
        detail = "DIMENSION" if card is Card.SCRAP else None
        self._say(CardCode(card, detail), then=(str(pieces),))
        self.shop.told[name] += 1
        return pieces

    def _close(self, good: int, chances: Chances, *, alone: bool) -> Life:
        shop = self.shop
        self._stands()  # by itself, also if nobody is there to say so
        end = shop.shift_end(shop.now)
        if end - shop.now < 15 * MINUTE and shop.happens(chances.forgotten_finish):
            yield shop.env.timeout(end - shop.now + shop.lognormal(15.0, 0.5) * MINUTE)
            shop.told["forgotten_finish"] += 1
        yield from self._taken_up_after_shift()
        counted: tuple[Code | str, ...] = (str(good),)
        if shop.happens(chances.uncounted):
            counted = ()
            shop.told["uncounted"] += 1
        elif alone and len(self.order.tickets) == 1 and shop.happens(chances.all_good_card):
            counted = (CardCode(Card.ALL_GOOD),)
        self._say(then=counted)
        self._stands()

    def _taken_up_after_shift(self) -> Life:
        """After a change of shift the ticket alone says that the work goes on; a minute is too soon to end it."""
        if self.shop.shift(self.begun) != self.shop.shift(self.shop.now):
            self._start()
            yield self.shop.env.timeout(5.0 * MINUTE)

    def _again(self, pieces: int, *, rework: bool) -> Life:
        """Held pieces are released, or bad ones are worked once more: the operation is opened again."""
        shop = self.shop
        yield shop.env.timeout(shop.lognormal(12.0, 0.5, low=4.0) * MINUTE)
        assert self.machine
        self._say(CardCode(Card.START))
        self.begun = shop.now
        self._runs(0, 1.0)
        shop.told["released" if not rework else "reworked"] += 1
        yield shop.env.timeout(shop.lognormal(8.0, 0.4, low=5.0) * MINUTE)
        yield from self._taken_up_after_shift()
        self._say(then=(str(pieces),))
        self._stands()

    # -- on to the next ------------------------------------------------------------------------------------------------

    def _carry(self, pieces: int, onward: simpy.Event, rest: simpy.Event | None) -> Life:
        """Bring the first, or all, pieces to the next operation, or to whoever answers for the order."""
        yield from self._hand_over(pieces)
        if not onward.triggered:
            onward.succeed(_Arrived(pieces, rest))

    def _bring(self, pieces: int, rest: simpy.Event) -> Life:
        yield from self._hand_over(pieces)
        rest.succeed(pieces)

    def _hand_over(self, pieces: int) -> Life:
        shop, chances = self.shop, self.shop.chances
        coordinator = self.order.part.coordinator if self.order.part else None
        to = self.following.firm if self.following else coordinator
        if to is None or to == self.step.firm:
            return
        yield shop.env.timeout(shop.lognormal(4.0, 0.8, high=60.0) * MINUTE)
        counted = (str(pieces),) if shop.happens(chances.counted_handover) else ()
        assert self.machine
        shop.say(self.step.firm, self.machine.bench, self.ticket.id, CardCode(Card.SHIP), self._code(), *counted)
        shop.told["shipped"] += 1
        yield shop.env.timeout(shop.lognormal(18.0, 0.6, low=6.0, high=90.0) * MINUTE)
        if self.following is None:
            return
        if shop.happens(chances.unscanned_receipt):
            shop.told["unscanned_receipt"] += 1
            return
        door = shop.firms[to].benches[0]
        code = TicketCode(self.ticket.id, self.following.no)
        shop.say(to, door, self.ticket.id, CardCode(Card.RECEIVE), code, *counted)
        shop.told["received"] += 1

    # -- what is read --------------------------------------------------------------------------------------------------

    def _code(self) -> TicketCode:
        return TicketCode(self.ticket.id, self.step.no)

    def _say(self, *cards: Code, then: tuple[Code | str, ...] = ()) -> None:
        """Read the machine's label unless it is the scanner's first one, then cards, the ticket, and `then`."""
        assert self.machine
        station = (StationCode(self.machine.name),) if not self.machine.default else ()
        self.shop.say(self.step.firm, self.machine.bench, self.ticket.id, *station, *cards, self._code(), *then)

    def _say_alone(self, text: str) -> None:
        assert self.machine
        self.shop.say(self.step.firm, self.machine.bench, self.ticket.id, text)
