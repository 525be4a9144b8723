"""The order page: its head, its operations as a table, tickets, hand-overs with two counts, and flags. Pure."""

from dataclasses import dataclass
from datetime import datetime

from broker.events import Paper
from broker.words import FLAGS, STATES, Word
from gateway.office.said import spoken
from gateway.office.words import FIELDS, SERIES, change_said
from gateway.rules.order import Flag, Link, Operation, OrderState, Ticket, Transfer
from gateway.web import paper_words, words
from gateway.web.lane import Due, due_in
from gateway.web.reader import Reader


@dataclass(frozen=True, slots=True)
class Line:
    """One operation in the table; texts, empty where there is nothing to say."""

    no: int
    name: str
    firm: Word
    firm_id: str
    station: str
    state: str
    word: Word
    since: str
    good: str
    scrap: str
    rework: str
    hold: str
    remaining: str
    started: str
    finished: str
    due: Due | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a hand-over: its count and when, or that nobody scanned it."""

    count: str
    at: str
    boxes: str
    scanned: bool


@dataclass(frozen=True, slots=True)
class Handover:
    """受け渡し between two firms with both counts. `difference` is empty where they agree or one is missing."""

    source: Word
    target: Word
    between: str
    ticket: str
    sent: Side
    received: Side
    implied: bool
    difference: str


@dataclass(frozen=True, slots=True)
class Lot:
    """One ticket of the order."""

    id: str
    branch: int
    issue: int
    quantity: str
    old: bool
    parent: str
    unprinted: bool
    """The office issued it after the order's first papers, and nobody has printed it yet."""
    printed: str


@dataclass(frozen=True, slots=True)
class Old:
    """A paper that is no longer right, and the tickets that took its place."""

    id: str
    now: str


@dataclass(frozen=True, slots=True)
class Check:
    """A flag as a sentence, what it is about, and whether a person has settled it."""

    word: Word
    about: str
    at: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """履歴: one word of the office. `said` is what it did, sentence by sentence."""

    word: Word
    at: str
    by: str
    why: str
    said: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the head: a label and its text."""

    label: Word
    text: str


def facts(order: OrderState, reader: Reader) -> tuple[Fact, ...]:
    """Return what stands beside the number, without what is not known. Never the customer."""
    spare = f"（{reader.say(words.SPARE, n=order.spare)}）" if order.spare else ""
    drawing = order.drawing or ""
    if order.revision:
        drawing = f"{drawing} {reader.say(words.REVISION)} {order.revision}".strip()
    every = (
        Fact(words.DRAWING, drawing),
        Fact(words.QUANTITY, reader.pieces(order.quantity) + spare if order.quantity is not None else ""),
        Fact(words.MATERIAL, " ".join(part for part in (order.material, order.size) if part)),
        Fact(words.COORDINATOR, reader.firm(order.coordinator) if order.coordinator else ""),
        Fact(words.OWN_NUMBER, order.own_number or ""),
        Fact(words.CUSTOMER_NUMBER, order.customer_number or ""),
        Fact(FIELDS["series"], reader.say(SERIES[order.series]) if order.series in SERIES else ""),
        Fact(words.HELD, reader.pieces(order.held_pieces) if order.held_pieces else ""),
        Fact(words.RELEASED, reader.clock(order.released_at) if order.released_at else ""),
    )
    return tuple(fact for fact in every if fact.text)


def lines(order: OrderState, reader: Reader) -> tuple[Line, ...]:
    """Return the table of operations."""
    return tuple(_line(operation, reader) for operation in order.operations)


def _line(operation: Operation, reader: Reader) -> Line:
    stations = dict.fromkeys(session.station for session in operation.sessions)
    return Line(
        no=operation.no,
        name=operation.name,
        firm=reader.names.word(operation.firm),
        firm_id=operation.firm,
        station=", ".join(reader.names.station(operation.firm, one) for one in stations or [operation.station or ""]),
        state=operation.state.value,
        word=STATES[operation.state.value],
        since=reader.since(operation.state_since, approximate=operation.approximate),
        good=reader.amount(operation.good) if operation.good.total else "",
        scrap=reader.amount(operation.scrap) if operation.scrap.total else "",
        rework=reader.amount(operation.rework) if operation.rework.total else "",
        hold=reader.amount(operation.hold) if operation.hold.total else "",
        remaining="" if operation.remaining is None else str(operation.remaining),
        started=_clock(operation, operation.started_at, reader),
        finished=_clock(operation, operation.finished_at, reader),
        due=_step_due(operation, reader),
    )


def _clock(operation: Operation, at: datetime | None, reader: Reader) -> str:
    return reader.about(reader.clock(at), approximate=operation.approximate) if at else ""


def _step_due(operation: Operation, reader: Reader) -> Due | None:
    day = operation.promised or operation.due
    if day is None:
        return None
    if operation.finished_at:
        late = (operation.finished_at.astimezone(reader.zone).date() - day).days
        return Due(
            reader.day(day), reader.say(words.LATE_DAYS, n=late) if late > 0 else "", "late" if late > 0 else "done"
        )
    return due_in(day, reader)


def handovers(order: OrderState, reader: Reader) -> tuple[Handover, ...]:
    """Return every hand-over between firms, in the order of the routing."""
    return tuple(
        made
        for link in order.links
        for transfer in link.transfers
        if (made := _handover(order, link, transfer, reader))
    )


def _handover(order: OrderState, link: Link, transfer: Transfer, reader: Reader) -> Handover | None:
    source, target = order.operation(link.source), order.operation(link.target)
    if source is None or target is None:
        return None
    difference = ""
    if transfer.sent is not None and transfer.received is not None:
        apart = abs(transfer.sent.total - transfer.received.total)
        difference = reader.say(words.DIFFERENCE, n=apart) if apart else ""
    return Handover(
        source=reader.names.word(source.firm),
        target=reader.names.word(target.firm),
        between=f"{source.no} → {target.no}",
        ticket=transfer.ticket,
        sent=_side(transfer, reader, shipped=True),
        received=_side(transfer, reader, shipped=False),
        implied=transfer.implied,
        difference=difference,
    )


def _side(transfer: Transfer, reader: Reader, *, shipped: bool) -> Side:
    amount = transfer.sent if shipped else transfer.received
    at = transfer.shipped_at if shipped else transfer.received_at
    boxes = transfer.boxes_sent if shipped else transfer.boxes_received
    return Side(
        count=reader.amount(amount) if amount else "—",
        at=reader.clock(at) if at else "",
        boxes=reader.say(words.BOXES, n=boxes) if boxes is not None else "",
        scanned=at is not None,
    )


def lots(order: OrderState, reader: Reader) -> tuple[Lot, ...]:
    """Return the order's tickets, by branch then issue."""
    issued = {
        edit.after
        for change in order.history
        if change.action != "adopted"
        for edit in change.edits
        if edit.what == "ticket"
    }
    return tuple(
        Lot(
            id=ticket.id,
            branch=ticket.branch,
            issue=ticket.issue,
            quantity=reader.pieces(ticket.quantity) if ticket.quantity is not None else "",
            old=ticket.old,
            parent=reader.say(words.SPLIT_FROM, id=ticket.parent) if ticket.parent else "",
            unprinted=ticket.id in issued and not ticket.old and not ticket.prints,
            printed=_printed(ticket, reader),
        )
        for ticket in sorted(order.tickets, key=lambda ticket: (ticket.branch, ticket.issue))
    )


def old_paper(order: OrderState, ticket: str) -> Old | None:
    """Return the paper if it is an old issue, and the papers in force of its lot."""
    held = next((one for one in order.tickets if one.id == ticket and one.old), None)
    if held is None:
        return None
    return Old(held.id, ", ".join(one.id for one in order.tickets if one.branch == held.branch and not one.old))


def _printed(ticket: Ticket, reader: Reader) -> str:
    """Return how often a lot's papers were printed, and when and by whom last; nothing if never."""
    if not ticket.prints:
        return ""
    last, labels = ticket.prints[-1], sum(one.paper is Paper.LABEL for one in ticket.prints)
    counts = ((paper_words.TICKETS, len(ticket.prints) - labels), (paper_words.LABELS, labels))
    times = "・".join(reader.say(paper_words.TIMES, what=reader.say(word), n=n) for word, n in counts if n)
    return reader.say(paper_words.LAST, times=times, at=reader.clock(last.at), by=f" {last.by}" if last.by else "")


def checks(order: OrderState, reader: Reader) -> tuple[Check, ...]:
    """Return the flags, those nobody has settled first, newest first."""
    ordered = sorted(order.flags, key=lambda flag: (flag.settled is not None, -flag.at.timestamp()))
    return tuple(_check(flag, reader) for flag in ordered)


def _check(flag: Flag, reader: Reader) -> Check:
    about = f"{reader.say(words.OPERATION)} {flag.operation}" if flag.operation is not None else ""
    told = dict(flag.detail)
    if "firm" in told:
        told["firm"] = reader.firm(told["firm"])
    details = (reader.say(word, v=told[name]) for name, word in words.DETAILS.items() if name in told)
    return Check(
        word=FLAGS.get(flag.code, Word(flag.code, flag.code)),
        about=" · ".join(part for part in (about, *details) if part),
        at=reader.clock(flag.at),
        settled=flag.settled is not None,
    )


def entries(order: OrderState, reader: Reader) -> tuple[Entry, ...]:
    """Return who of the office changed what, when and why, newest first."""
    return tuple(
        Entry(
            word=change_said(change),
            at=reader.clock(change.at),
            by=change.by or "",
            why=change.why or "",
            said=tuple(spoken(change, reader.names.words)),
        )
        for change in reversed(order.history)
    )
