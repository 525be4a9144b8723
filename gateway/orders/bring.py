"""Bringing orders in: what must be known is read from state and disk, numbers are minted, events recorded.

The one way for command, page and demo. What a file means is `order_file`, how it is said is theirs.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from broker.clock import clock
from broker.events import Order, encode
from broker.words import Word
from gateway.api import Api, ChangedMeanwhile, GatewayAway
from gateway.ledger import Ledger
from gateway.ledger.given import Unless
from gateway.orders.layout import Answers, Layout
from gateway.orders.projected import wait_projected
from gateway.orders.proposals import Known, Proposal, created
from gateway.orders.remembered import Remembered, recall, remember
from gateway.orders.repeats import called
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.sheets import letter
from gateway.state import State

BEHIND = Word(
    "共有サーバーがまだ記録を読んでいて、同じ受注がもうあるか確かめられません。何も登録していません。少し待ってもう一度",
    "The shared server is still reading its records, so nobody can see whether these orders are there already. Nothing "
    "was imported. Try again in a moment",
)
TAKEN_MEANWHILE = Word(
    "その間に、同じ番号の受注をほかの人が登録しました。何も登録していません。もう一度開いて確かめてください",
    "Somebody else has entered an order of the same number meanwhile. Nothing was imported. Look at the file again",
)
_CATCH_UP_SECONDS = 5.0
_MINTED_AT_ONCE = 10_000
"""What one request to the gateway's API may ask for."""
_NAMES_KEPT = 20_000
_ORDERS_A_NAME = 50
"""The latest changed: enough to know how a part was last made, however often it was."""


def known(settings: Gateway, state: State, *, again: bool = False) -> Known:
    """Return what a file is read with, as of now. Raises SettingsError if what is remembered was spoilt by hand."""
    return Known(settings.firms, today(settings), recall(settings.data_dir), named_in(state), again=again)


def named_in(state: State) -> Callable[[str], Sequence[OrderState]]:
    """Return a finder of orders by what they are called, which asks for each name once."""

    @lru_cache(maxsize=_NAMES_KEPT)
    def named(name: str) -> tuple[OrderState, ...]:
        return tuple(kept.state for kept in state.named(name, limit=_ORDERS_A_NAME)) if name else ()

    return named


def caught_up(state: State, ledger: Ledger) -> int:
    """Return up to where every record is in the state: what is looked up now, is complete. Raises GatewayAway."""
    position = ledger.last_position()
    if not wait_projected(state, position, seconds=_CATCH_UP_SECONDS):
        raise GatewayAway(_both(BEHIND))
    return position


def bring(api: Api, proposals: Sequence[Proposal], *, by: str, since: int | None = None) -> list[Order]:
    """Record the orders, all or none, and return the events. Raises GatewayAway.

    `since`: as of which position was seen that none of them is there yet. Raises ChangedMeanwhile, and records nothing,
    if the office wrote of any such number after it; None: they are new for certain.
    """
    named = tuple(dict.fromkeys(called(proposal.part) for proposal in proposals))
    events = mint(api, proposals, by=by[:200])
    try:
        api.append(
            [encode(event) for event in events], unless=None if since is None else Unless(named=named, since=since)
        )
    except ChangedMeanwhile:
        raise ChangedMeanwhile(_both(TAKEN_MEANWHILE)) from None
    return events


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


def keep_answers(settings: Gateway, layout: Layout, answers: Answers) -> Path | None:
    """Remember how this customer's file is read, if anything new was answered and they are named. Raises OSError."""
    if not answers.customer or not (answers.columns or answers.places or answers.given or answers.ignore_rest):
        return None
    times = Counter(one.heading for one in layout.fields)
    columns = {
        one.heading if one.heading and times[one.heading] == 1 else letter(one.place): one.column or "-"
        for one in layout.fields
    }
    return remember(
        settings.data_dir,
        Remembered(customer=answers.customer, columns=columns, given=dict(layout.given)),
    )


def today(settings: Gateway) -> date:
    """Return the day it is where the gateway's people are."""
    return clock().read().at.astimezone(ZoneInfo(settings.time_zone)).date()


def _both(word: Word) -> str:
    return f"{word.ja} / {word.en}"


def _minted(api: Api, *, numbers: int = 0, tickets: int = 0) -> Iterator[str]:
    for first in range(0, numbers, _MINTED_AT_ONCE):
        yield from api.mint(numbers=min(_MINTED_AT_ONCE, numbers - first)).numbers
    for first in range(0, tickets, _MINTED_AT_ONCE):
        yield from api.mint(tickets=min(_MINTED_AT_ONCE, tickets - first)).tickets
