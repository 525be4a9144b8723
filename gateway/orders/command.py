"""`mawashi order import` and `mawashi order ticket`: files in, orders in the ledger; an order out, tickets to print."""

import json as json_text
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from broker.clock import clock
from broker.events import Order, encode
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.orders.import_csv import SIZE_LIMIT_BYTES, Parsed, Proposal, created, parse
from gateway.orders.projected import wait_orders, wait_projected
from gateway.orders.ticket_page import render
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.state import State

_MINTED_AT_ONCE = 10_000
"""What one request to the gateway's API may ask for."""
_PATIENCE_SECONDS = 30.0
_CATCH_UP_SECONDS = 5.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Nothing was done; the message says why and what to do."""


def import_file(
    settings: Gateway, path: Path, *, dry_run: bool = False, again: bool = False, json: bool = False
) -> int:
    """Import an order file, all or nothing, and print one line an order. Returns the exit status.

    `dry_run` only reads the file. `again` imports orders whose number (製番) the coordinator has already given.
    """
    try:
        parsed = parse(_read(path), settings.firms)
        if parsed.problems:
            _print_problems(path, parsed, json=json)
            return 1
        if dry_run:
            _print_proposals(parsed.proposals, json=json)
            return 0
        with _stores(settings) as (api, ledger, state):
            wait_projected(state, ledger.last_position(), seconds=_CATCH_UP_SECONDS)
            if not again:
                _refuse_repeats(path, parsed.proposals, state)
            events = mint(api, parsed.proposals, by=f"import {path.name}"[:200])
            api.append([encode(event) for event in events])
            shown = wait_orders(state, [event.order for event in events], seconds=_PATIENCE_SECONDS)
    except (Refused, GatewayAway, StoreError) as refusal:
        _print_refusal(str(refusal), json=json)
        return 1
    _print_orders(settings, events, json=json)
    if not shown:
        print(
            f"受注は記録されましたが、{_PATIENCE_SECONDS:.0f}秒待っても画面に出ていません。"
            "mawashi check で確かめてください。\n"
            f"The orders are recorded, but after {_PATIENCE_SECONDS:.0f} s no page shows them. See: mawashi check",
            file=sys.stderr,
        )
    return 0


def print_tickets(settings: Gateway, asked: str, out: Path, *, customer: bool = False) -> int:
    """Write the printable tickets of the order that `asked` (number, 製番, ticket...) names. Returns the status."""
    with State.open(settings.state_url) as state:
        keys = state.find(asked)
        kept = state.order(keys[0]) if len(keys) == 1 else None
        names = [_name(found.state.number, key) for key in keys if (found := state.order(key))]
    if kept is None:
        if names:
            sentence = (
                f"「{asked}」に当たる受注が{len(names)}件あります（{', '.join(names)}）。共通番号で指定してください / "
                f"{len(names)} orders are called {asked!r}. Give one of these numbers"
            )
        else:
            sentence = (
                f"「{asked}」という受注はありません / There is no order {asked!r}. Try its number, 製番 or ticket"
            )
        print(sentence, file=sys.stderr)
        return 1
    today = clock().read().at.astimezone(ZoneInfo(settings.time_zone)).date()
    try:
        out.write_text(render(kept.state, settings, on=today, customer=customer), encoding="utf-8")
    except OSError as error:
        print(f"{out} に書けません / cannot be written: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{out}: {_name(kept.state.number, kept.key)}")
    return 0


def mint(api: Api, proposals: Sequence[Proposal], *, by: str) -> list[Order]:
    """Have numbers and ticket ids minted and return the events that create the orders. Raises GatewayAway."""
    numbers = iter(_minted(api, numbers=len(proposals)))
    tickets = iter(_minted(api, tickets=sum(len(proposal.lots) for proposal in proposals)))
    now = clock().read()
    return [
        created(
            proposal,
            key=secrets.token_hex(8),
            number=next(numbers),
            tickets=list(islice(tickets, len(proposal.lots))),
            now=now,
            by=by,
        )
        for proposal in proposals
    ]


def _minted(api: Api, *, numbers: int = 0, tickets: int = 0) -> Iterator[str]:
    for first in range(0, numbers, _MINTED_AT_ONCE):
        yield from api.mint(numbers=min(_MINTED_AT_ONCE, numbers - first)).numbers
    for first in range(0, tickets, _MINTED_AT_ONCE):
        yield from api.mint(tickets=min(_MINTED_AT_ONCE, tickets - first)).tickets


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise Refused(
            f"{path} を読めません。ファイル名を確かめてください / "
            f"{path} cannot be read ({error.strerror or error}). See whether its name is right"
        ) from None


@contextmanager
def _stores(settings: Gateway) -> Iterator[tuple[Api, Ledger, State]]:
    api = Api.connect(settings.socket)
    with Ledger.open(settings.ledger_url) as ledger, State.open(settings.state_url) as state:
        yield api, ledger, state


def _refuse_repeats(path: Path, proposals: Sequence[Proposal], state: State) -> None:
    """Raise Refused if a coordinator has given one of these own numbers before."""
    repeats = [
        f"{proposal.part.own_number} = {_name(order.number, order.key)}"
        for proposal in proposals
        if (order := _repeated(proposal, state))
    ]
    if repeats:
        listed = ", ".join(repeats[:10]) + (" ..." if len(repeats) > 10 else "")
        raise Refused(
            f"{path.name} の受注のうち{len(repeats)}件はもう登録されています（製番 = 共通番号：{listed}）。"
            f"何も登録していません。別の受注として登録するなら --again を付けてください。\n"
            f"{len(repeats)} of the orders in {path.name} are there already ({listed}). "
            f"Nothing was imported. To import them as further orders, add --again."
        )


def _repeated(proposal: Proposal, state: State) -> OrderState | None:
    part = proposal.part
    for kept in state.named(part.own_number or ""):
        if (kept.state.coordinator, kept.state.own_number) == (part.coordinator, part.own_number):
            return kept.state
    return None


@dataclass(frozen=True, slots=True)
class _Line:
    """One imported order as printed."""

    number: str
    own_number: str | None
    part: str | None
    tickets: tuple[str, ...]
    key: str
    page: str


def _print_orders(settings: Gateway, events: Sequence[Order], *, json: bool) -> None:
    lines = [
        _Line(
            number=event.part.number or "",
            own_number=event.part.own_number,
            part=event.part.part,
            tickets=tuple(ticket.id for ticket in event.tickets),
            key=event.order,
            page=f"http://{settings.web.host}:{settings.web.port}/order/{event.order}",
        )
        for event in events
        if event.part
    ]
    if json:
        print(json_text.dumps({"orders": [_plain(line) for line in lines]}, ensure_ascii=False))
        return
    for line in lines:
        print(f"{line.number}  {line.own_number}  {line.part}  {' '.join(line.tickets)}  {line.page}")


def _plain(line: _Line) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__slots__}


def _print_proposals(proposals: Sequence[Proposal], *, json: bool) -> None:
    if json:
        found = [
            {
                "own_number": proposal.part.own_number,
                "part": proposal.part.part,
                "steps": len(proposal.routing),
                "lots": proposal.lots,
            }
            for proposal in proposals
        ]
        print(json_text.dumps({"would_import": found}, ensure_ascii=False))
        return
    for proposal in proposals:
        way = " → ".join(f"{step.no} {step.firm}" for step in proposal.routing)
        print(f"{proposal.part.own_number}  {proposal.part.part}  {'+'.join(map(str, proposal.lots))}  {way}")
    print(
        f"{len(proposals)}件、問題なし。まだ何も登録していません / "
        f"{len(proposals)} orders, no problems. Nothing has been imported yet."
    )


def _print_problems(path: Path, parsed: Parsed, *, json: bool) -> None:
    if json:
        found = [
            {
                "line": problem.line,
                "column": problem.column,
                "reason": problem.reason.en,
                "remedy": problem.remedy.en,
                "reason_ja": problem.reason.ja,
                "remedy_ja": problem.remedy.ja,
            }
            for problem in parsed.problems
        ]
        print(json_text.dumps({"problems": found}, ensure_ascii=False))
        return
    for problem in parsed.problems:
        print(problem, file=sys.stderr)
    count = len(parsed.problems)
    print(
        f"{path.name}：{count}か所を直してください。何も登録していません / Mend {count}. Nothing was imported.",
        file=sys.stderr,
    )


def _print_refusal(sentence: str, *, json: bool) -> None:
    if json:
        print(json_text.dumps({"refused": sentence}, ensure_ascii=False))
    else:
        print(sentence, file=sys.stderr)


def _name(number: str | None, key: str) -> str:
    return number or key
