"""One firm's floor: what comes, what may start, what is at which station, what is to be shipped. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.events import Quality
from broker.words import MACHINE_STATES, REASONS, STATES, Word
from gateway.rules.order import Amount, Operation, OrderState, Phase, Session, State
from gateway.rules.sharing import percent, view
from gateway.sorting import as_people_count
from gateway.web import words
from gateway.web.devices import DeviceSign, LooseSign, StationSigns, loose
from gateway.web.lane import Due, due_in, open_flags
from gateway.web.reader import Reader

_PHASES = {Phase.RUNNING: State.RUNNING, Phase.SETUP: State.SETUP, Phase.PAUSED: State.PAUSED}


@dataclass(frozen=True, slots=True)
class Slip:
    """One step of one order on the floor board. `line` is what to know about it, `rank` what it is sorted by."""

    key: str
    number: str | None
    operation: str
    part: str
    state: str
    word: Word
    quantity: str
    line: str
    due: Due | None
    percent: int | None
    checks: int
    rank: str


@dataclass(frozen=True, slots=True)
class MachineSign:
    """What a station's machine says of itself, and since when."""

    state: str
    word: Word
    since: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One station with the work open at it."""

    station: str
    machine: MachineSign | None
    devices: tuple[DeviceSign, ...]
    loose: LooseSign | None
    slips: tuple[Slip, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """The board of one firm, left to right as pieces flow."""

    coming: tuple[Slip, ...]
    ready: tuple[Slip, ...]
    tiles: tuple[Tile, ...]
    to_ship: tuple[Slip, ...]


@dataclass(frozen=True, slots=True)
class MachineNow:
    """A station and what is last known of its machine; times None where nothing is."""

    station: str
    state: str | None
    since: datetime | None


def floor(
    firm: str,
    orders: Iterable[OrderState],
    machines: Iterable[MachineNow],
    reader: Reader,
    *,
    pictured: Mapping[str, StationSigns] | None = None,
) -> Floor:
    """Return the floor of one firm. Of other firms' steps it tells only what this firm was granted to see.

    `pictured`: by station, what its edge says of its devices.
    """
    pictured = pictured or {}
    ended: dict[str, list[datetime]] = {}
    coming: list[Slip] = []
    ready: list[Slip] = []
    ship: list[Slip] = []
    signs = {machine.station: _sign(machine, reader) for machine in machines}
    at: dict[str, list[Slip]] = {station: [] for station in (*signs, *pictured)}
    for order in orders:
        if firm not in order.firms or order.state is State.CANCELLED or order.delivered_at:
            continue
        for index, operation in enumerate(order.operations):
            if operation.firm != firm:
                continue
            before = order.operations[index - 1] if index else None
            match operation.state:
                case State.IN_TRANSIT:
                    coming.append(_slip(order, operation, reader, _from(before, firm, reader)))
                case State.WAITING:
                    coming.append(_slip(order, operation, reader, _before(order, before, firm, reader)))
                case State.READY:
                    ready.append(
                        _slip(
                            order,
                            operation,
                            reader,
                            reader.since(operation.state_since),
                        )
                    )
                case _:
                    pass
            if operation.station:
                at.setdefault(operation.station, [])
            for session in operation.sessions:
                if session.closed_at:
                    ended.setdefault(session.station, []).append(session.closed_at)
                if session.phase is not Phase.FINISHED:
                    at.setdefault(session.station, []).append(_at_work(order, operation, session, reader))
            if slip := _to_ship(order, operation, firm, reader):
                ship.append(slip)
    return Floor(
        tuple(sorted(coming, key=lambda slip: (slip.state != State.IN_TRANSIT, slip.rank))),
        tuple(sorted(ready, key=_rank)),
        tuple(
            _tile(
                station,
                signs.get(station),
                pictured.get(station, StationSigns()),
                at[station],
                ended=ended.get(station, ()),
                reader=reader,
            )
            for station in sorted(at, key=as_people_count)
        ),
        tuple(sorted(ship, key=_rank)),
    )


def _tile(
    station: str,
    machine: MachineSign | None,
    told: StationSigns,
    slips: list[Slip],
    *,
    ended: Collection[datetime],
    reader: Reader,
) -> Tile:
    """Return a station's tile. What a machine did last is not what it does, if its edge is away."""
    if machine and told.edge_away:
        machine = MachineSign("unknown", MACHINE_STATES["unknown"], "")
    ran = loose(told.loose, ended, reader, at_work=bool(slips))
    return Tile(station, machine, told.devices, ran, tuple(sorted(slips, key=_rank)))


def _rank(slip: Slip) -> str:
    return slip.rank


def _slip(
    order: OrderState,
    operation: Operation,
    reader: Reader,
    line: str,
    *,
    state: str | None = None,
    word: Word | None = None,
    quantity: str | None = None,
) -> Slip:
    day = operation.due or order.due
    if quantity is None:
        count = operation.remaining or operation.planned
        quantity = reader.pieces(count) if count is not None else ""
    return Slip(
        key=order.key,
        number=order.number,
        operation=f"{operation.no} {operation.name}".strip(),
        part=order.part or order.drawing or "",
        state=state or operation.state.value,
        word=word or STATES[operation.state.value],
        quantity=quantity,
        line=line,
        due=due_in(day, reader) if day else None,
        percent=percent(operation),
        checks=open_flags(order),
        rank=f"{day.isoformat() if day else '9999-12-31'} {(order.number or '').rjust(12, '0')} {operation.no:04d}",
    )


def _at_work(order: OrderState, operation: Operation, session: Session, reader: Reader) -> Slip:
    state = _PHASES[session.phase]
    reason = REASONS.get(session.reason or "") if session.phase is Phase.PAUSED else None
    since = reader.since(session.phase_since, approximate=session.approximate)
    line = "　".join(part for part in (since, reader.say(reason) if reason else "") if part)
    good = reader.amount(operation.good) + (f" / {operation.planned}" if operation.planned else "")
    return _slip(order, operation, reader, line, state=state.value, word=STATES[state.value], quantity=good)


def _to_ship(order: OrderState, operation: Operation, firm: str, reader: Reader) -> Slip | None:
    if operation.state in (State.RUNNING, State.SETUP):
        return None
    onward = [link for link in order.links if link.source == operation.no]
    for link in onward:
        target = order.operation(link.target)
        left = _left(operation.good, link.sent)
        if (
            target
            and target.firm != firm
            and left.total > 0
            and target.state is not State.DONE
            and not _all_there(target)
        ):
            line = reader.say(words.TO_FIRM, firm=reader.firm(target.firm))
            return _ship_slip(order, operation, reader, line, left)
    last = not onward and operation is order.operations[-1]
    if last and operation.state is State.DONE and order.coordinator and order.coordinator != firm:
        line = reader.say(words.TO_FIRM, firm=reader.firm(order.coordinator))
        return _ship_slip(order, operation, reader, line, operation.good)
    return None


def _all_there(target: Operation) -> bool:
    """Whether everything the target will ever get has reached it, scanned or not."""
    return target.available is not None and target.planned is not None and target.available >= target.planned > 0


def _left(made: Amount, sent: int) -> Amount:
    """What was made and not sent yet. What was counted goes first: a rest of assumed pieces stays assumed."""
    counted = min(sent, made.counted)
    machine = min(sent - counted, made.machine)
    return Amount(made.counted - counted, made.machine - machine, made.assumed - (sent - counted - machine))


def _ship_slip(order: OrderState, operation: Operation, reader: Reader, line: str, amount: Amount) -> Slip:
    sure = amount.quality is Quality.COUNTED
    quantity = reader.pieces(amount.total) if sure else reader.amount(amount)
    return _slip(order, operation, reader, line, state="to_ship", word=words.TO_SHIP, quantity=quantity)


def _from(before: Operation | None, firm: str, reader: Reader) -> str:
    if before is None or before.firm == firm:
        return ""
    return reader.say(words.FROM_FIRM, firm=reader.firm(before.firm))


def _before(order: OrderState, before: Operation | None, firm: str, reader: Reader) -> str:
    seen = view(order, firm) if before else None
    stage = next((one.stage for one in seen.operations if before and one.no == before.no), None) if seen else None
    if before is None or stage is None:
        return ""
    return reader.say(words.NEXT_THERE, firm=reader.firm(before.firm), stage=reader.say(words.STAGES[stage]))


def _sign(machine: MachineNow, reader: Reader) -> MachineSign | None:
    word = MACHINE_STATES.get(machine.state or "")
    if machine.state is None or word is None:
        return None
    return MachineSign(machine.state, word, reader.since_short(machine.since))
