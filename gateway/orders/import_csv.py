"""An order file's bytes to proposed orders, or to every problem in it. Pure: numbers and tickets are minted elsewhere.

One line is one routing step. The columns of the order stand on its first line and are repeated or blank below.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from broker.clock import Reading
from broker.codes import CROCKFORD
from broker.events import ClockQuality, EventError, IssuedTicket, Order, OrderAction, OrderPart, Step, encode
from broker.words import Word
from gateway.orders.cells import Cells, Problem
from gateway.orders.columns import BY_HEADING, HEADINGS, OF_THE_ORDER, REQUIRED, Column, folded, plain
from gateway.settings import Firm

SIZE_LIMIT_BYTES = 4 * 1024 * 1024
LINE_LIMIT = 10_000
"""A year of a large shop's routing lines; more in one file is a mistake, and would be one huge transaction."""
STEP_LIMIT = 99
_TEXTS = (
    Column.CUSTOMER_NUMBER,
    Column.CUSTOMER,
    Column.DRAWING,
    Column.REVISION,
    Column.MATERIAL,
    Column.SIZE,
    Column.SUPPLIED,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One order as the file asks for it. `lots` holds the pieces of each branch, spare ones included."""

    line: int
    part: OrderPart
    routing: tuple[Step, ...]
    lots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """All or nothing: with any problem there are no proposals."""

    proposals: tuple[Proposal, ...]
    problems: tuple[Problem, ...]


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """The file as a whole cannot be read."""

    def __init__(self, line: int, reason: Word, remedy: Word) -> None:
        super().__init__(reason.en)
        self.problem = Problem(line, None, reason, remedy)


@dataclass(slots=True)
class _Draft:
    """An order being read: its first line, and what has been gathered."""

    cells: Cells
    steps: list[Step] = field(default_factory=list)


def parse(data: bytes, firms: Sequence[Firm]) -> Parsed:
    """Read a CSV file of orders; `firms` are those the gateway knows, named in it by id or by name.

    UTF-8 with or without a byte order mark; headings in Japanese or English, in any order.
    """
    try:
        columns, lines = _table(_text(data))
    except _Unreadable as unreadable:
        return Parsed((), (unreadable.problem,))
    if problems := list(_heading_problems(columns)):
        return Parsed((), tuple(problems))
    names = _by_name(firms)
    drafts = _drafts([BY_HEADING[folded(name)] for name in columns], lines, names, problems)
    proposals = [proposal for draft in drafts if (proposal := _proposal(draft, names, problems))]
    if not drafts and not problems:
        problems.append(
            Problem(
                0,
                None,
                Word("受注が一件もない", "there is no order in it"),
                Word("見出しの下に受注を入れてください", "Put orders under the headings"),
            )
        )
    if problems:
        return Parsed((), tuple(sorted(problems, key=lambda problem: problem.line)))
    return Parsed(tuple(proposals), ())


def created(proposal: Proposal, *, key: str, number: str, tickets: Sequence[str], now: Reading, by: str) -> Order:
    """Return the event that creates a proposed order; `tickets` are minted ids, one a lot."""
    return Order(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        by=by,
        action=OrderAction.CREATED,
        order=key,
        part=proposal.part.model_copy(update={"number": number}),
        routing=proposal.routing,
        tickets=tuple(
            IssuedTicket(id=ticket, branch=branch, quantity=pieces)
            for branch, (ticket, pieces) in enumerate(zip(tickets, proposal.lots, strict=True), start=1)
        ),
    )


def shares(pieces: int, lots: int) -> tuple[int, ...]:
    """Divide pieces as evenly as they go, the larger lots first.

    >>> shares(52, 3)
    (18, 17, 17)
    """
    each, rest = divmod(pieces, lots)
    return tuple(each + (lot < rest) for lot in range(lots))


def _text(data: bytes) -> str:
    if len(data) > SIZE_LIMIT_BYTES:
        raise _Unreadable(
            0,
            Word(
                f"{len(data):,}バイトあり、上限の{SIZE_LIMIT_BYTES:,}バイトより大きい",
                f"it has {len(data):,} bytes, more than the limit of {SIZE_LIMIT_BYTES:,}",
            ),
            Word("いくつかのファイルに分けてください", "Divide it into several files"),
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(
            data.count(b"\n", 0, error.start) + 1,
            Word("UTF-8 ではない", "it is not UTF-8"),
            Word("表計算ソフトで「CSV UTF-8」として保存し直してください", 'Save it again as "CSV UTF-8"'),
        ) from None


def _table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the headings and the numbered lines that are not blank. Raises _Unreadable if the text is no CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    number = 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                lines.append((number, record))
            if len(lines) > LINE_LIMIT + 1:
                raise _Unreadable(
                    number,
                    Word(f"{LINE_LIMIT:,}行より多い", f"there are more than {LINE_LIMIT:,} lines"),
                    Word("いくつかのファイルに分けてください", "Divide it into several files"),
                )
            number = reader.line_num + 1
    except csv.Error as error:
        raise _Unreadable(
            number,
            Word("CSV として読めない", f"it cannot be read as CSV ({error})"),
            Word("引用符が閉じているか確かめてください", "See that every quotation mark is closed"),
        ) from None
    if not lines:
        raise _Unreadable(
            0,
            Word("何も書かれていない", "it is empty"),
            Word("config/orders.csv を見本にしてください", "Take config/orders.csv as a model"),
        )
    return lines[0][1], lines[1:]


def _heading_problems(columns: Sequence[str]) -> Iterator[Problem]:
    seen: set[Column] = set()
    known = "、".join(heading.ja for heading in HEADINGS.values()), ", ".join(Column)
    for name in columns:
        column = BY_HEADING.get(folded(name))
        if column is None:
            yield Problem(
                1,
                None,
                Word(f"「{name}」という見出しはない", f"there is no heading {name!r}"),
                Word(f"次のどれかにするか、列を消してください（{known[0]}）", f"Use one of {known[1]}, or remove it"),
            )
        elif column in seen:
            yield Problem(
                1,
                column,
                Word("同じ見出しが二つある", "the heading stands there twice"),
                Word("一つにしてください", "Keep one"),
            )
        else:
            seen.add(column)
    for column in REQUIRED:
        if column not in seen:
            yield Problem(
                1,
                column,
                Word("この見出しがない", "the heading is missing"),
                Word("この列を加えてください", "Add the column"),
            )


def _drafts(
    places: Sequence[Column],
    lines: Sequence[tuple[int, list[str]]],
    firms: Mapping[str, str],
    problems: list[Problem],
) -> list[_Draft]:
    """Gather lines into orders, noting what is wrong with their steps."""
    drafts: list[_Draft] = []
    begun: dict[str, int] = {}
    for number, record in lines:
        cells = Cells(number, dict(zip(places, map(plain, record), strict=False)), problems)
        own = cells.get(Column.OWN_NUMBER)
        if any(cell.strip() for cell in record[len(places) :]):
            cells.note(
                None,
                Word(
                    f"見出しは{len(places)}列、この行は{len(record)}列ある",
                    f"there are {len(places)} headings but {len(record)} cells",
                ),
                Word(
                    "余分なコンマを消すか、コンマのある文字を引用符で囲んでください",
                    "Remove the extra comma, or put the text that holds it in quotation marks",
                ),
            )
        elif own and own not in begun:
            begun[own] = number
            drafts.append(_Draft(cells))
            _add_step(drafts[-1], cells, firms)
        elif not drafts:
            cells.note(
                Column.OWN_NUMBER,
                Word("製番がない", "there is no order number"),
                Word("受注の最初の行に製番を入れてください", "Give it on the first line of the order"),
            )
        elif own and own != drafts[-1].cells.get(Column.OWN_NUMBER):
            cells.note(
                Column.OWN_NUMBER,
                Word(f"製番 {own} は{begun[own]}行目にもうある", f"order {own} stands already at line {begun[own]}"),
                Word(
                    "一つの受注の行は続けて並べ、別の受注には別の製番を付けてください",
                    "Keep the lines of one order together, and give another order another number",
                ),
            )
        else:
            _compare(drafts[-1].cells, cells)
            _add_step(drafts[-1], cells, firms)
    return drafts


def _compare(first: Cells, cells: Cells) -> None:
    """Note what a later line says otherwise than the first line of its order."""
    for column in OF_THE_ORDER:
        stated, again = first.get(column), cells.get(column)
        if again and again != stated:
            cells.note(
                column,
                Word(
                    f"「{again}」は{first.line}行目の「{stated}」と違う",
                    f"{again!r} differs from {stated!r} at line {first.line}",
                ),
                Word("最初の行と同じにするか、空けてください", "Repeat what the first line says or leave it blank"),
            )


def _add_step(draft: _Draft, cells: Cells, firms: Mapping[str, str]) -> None:
    before = len(cells.problems)
    last = draft.steps[-1].no if draft.steps else 0
    stated = cells.number(Column.STEP_NO, low=1, high=9999)
    no = last // 10 * 10 + 10 if stated is None else stated
    name, firm = cells.required(Column.STEP), cells.firm(Column.FIRM, firms)
    kind, station, due = cells.kind(), cells.station(), cells.day(Column.STEP_DUE)
    if no <= last:
        cells.note(
            Column.STEP_NO,
            Word(f"工程 {no} が工程 {last} の後にある", f"step {no} comes after step {last}"),
            Word("小さい番号から順に、一度ずつ並べてください", "Put the numbers in order, each once"),
        )
    if no > 9999 or len(draft.steps) == STEP_LIMIT:
        cells.note(
            Column.STEP_NO,
            Word(f"工程が{STEP_LIMIT}より多い", f"there are more than {STEP_LIMIT} steps"),
            Word("受注を分けてください", "Divide the order"),
        )
    if len(cells.problems) == before:
        draft.steps.append(Step(no=no, name=name, firm=firm, kind=kind, station=station, due=due))


def _proposal(draft: _Draft, firms: Mapping[str, str], problems: list[Problem]) -> Proposal | None:
    cells = draft.cells
    before = len(problems)
    cells.required(Column.QUANTITY)
    quantity = cells.number(Column.QUANTITY, low=1) or 0
    spare, lots = cells.number(Column.SPARE, low=0) or 0, cells.number(Column.LOTS, low=1, high=999) or 1
    texts: dict[str, Any] = {column.value: cells.text(column) for column in _TEXTS}
    own, part = cells.required(Column.OWN_NUMBER), cells.required(Column.PART)
    coordinator, due, series = cells.firm(Column.COORDINATOR, firms), cells.day(Column.DUE), cells.series()
    if 0 < quantity < lots:
        cells.note(
            Column.LOTS,
            Word(f"{quantity}個を{lots}枝には分けられない", f"{quantity} pieces cannot make {lots} lots"),
            Word("枝数を数量以下にしてください", "Give no more lots than pieces"),
        )
    if len(problems) > before:
        return None
    asked = OrderPart(
        own_number=own,
        part=part,
        quantity=quantity,
        spare=spare,
        coordinator=coordinator,
        due=due,
        series=series,
        **texts,
    )
    proposal = Proposal(cells.line, asked, tuple(draft.steps), shares(quantity + spare, lots))
    if not _fits(proposal):
        cells.note(
            None,
            Word("受注が大きすぎて一件に収まらない", "the order is too large for one record"),
            Word("工程の文を短くするか、枝数を減らしてください", "Shorten the steps' texts, or give fewer lots"),
        )
        return None
    return proposal


def _fits(proposal: Proposal) -> bool:
    """Say whether the order's event stays within an event's limit, with the longest number and key it could get."""
    ids = [CROCKFORD[:6]] * len(proposal.lots)
    now = Reading(datetime(2026, 1, 1, tzinfo=UTC), 10**12, "0" * 36, ClockQuality.UNSYNCED)
    try:
        encode(created(proposal, key="0" * 32, number="0" * 12, tickets=ids, now=now, by="0" * 200))
    except EventError:
        return False
    return True


def _by_name(firms: Sequence[Firm]) -> dict[str, str]:
    """Return firm ids by everything a firm is called."""
    names = {folded(name): firm.id for firm in firms for name in (firm.name, firm.name_en) if name}
    return names | {folded(firm.id): firm.id for firm in firms}
