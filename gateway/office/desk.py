"""Having the office's word written: look an order up, plan, ask the gateway to write it, wait until it shows.

What comes of a wish is decided in `gateway.office.plan`; commands and pages share this.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self
from zoneinfo import ZoneInfo

from broker.clock import clock
from broker.events import Order, Step, decode, encode
from broker.words import Word
from gateway.api import Api
from gateway.ledger import Ledger
from gateway.ledger.given import Unless
from gateway.office import refusals as no
from gateway.office.fields import plain
from gateway.office.plan import Cluster, Plan, events, plan
from gateway.office.wishes import Give, Wish
from gateway.office.words import Firms, change_said
from gateway.orders.projected import wait_change, wait_folded
from gateway.rules.order import OrderState
from gateway.settings import Gateway
from gateway.state import Kept, State

_CATCH_UP_SECONDS = 5.0
_SHOWN_SECONDS = 15.0
_TEXT = 200
"""Characters of a text in an event."""


@dataclass(frozen=True, slots=True)
class Looked:
    """An order as it stood, and up to where the ledger had been read then."""

    kept: Kept
    position: int

    @property
    def version(self) -> int:
        """How many words of the office it is made of; who changes it says which version was looked at."""
        return len(self.kept.state.history)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the order's key and version, its number if it got one, new tickets; whether it shows yet."""

    key: str
    version: int
    number: str | None
    tickets: tuple[str, ...]
    shown: bool


class Desk:
    """The office's hands. For one thread; close it, or use it in a `with`."""

    def __init__(self, settings: Gateway) -> None:
        """Open the stores to read them. Raises StoreError."""
        self._settings = settings
        self._ledger = Ledger.open(settings.ledger_url)
        try:
            self._state = State.open(settings.state_url)
        except BaseException:
            self._ledger.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()
        self._state.close()

    @property
    def firms(self) -> Firms:
        """How the firms of the settings are called."""
        return {one.id: Word(one.name, one.name_en or one.name) for one in self._settings.firms}

    @property
    def today(self) -> date:
        """The day it is where the shared server is."""
        return clock().read().at.astimezone(ZoneInfo(self._settings.time_zone)).date()

    def find(self, asked: str) -> str:
        """Return the key of the one order that is called so. Raises Impossible if there is none, or several."""
        keys = self._state.find(asked)
        if len(keys) > 1:
            named = [kept.state.number or key for key in keys[:10] if (kept := self._state.order(key))]
            raise no.Impossible(no.SEVERAL, asked=asked, n=len(keys), names=", ".join(named))
        if not keys and self._ledger.minted(asked.strip().upper()):
            raise no.Impossible(no.UNUSED_BLANK, ticket=asked.strip().upper())
        if not keys:
            raise no.Impossible(no.NOT_FOUND, asked=asked)
        return keys[0]

    def look(self, key: str) -> Looked:
        """Return an order as it stands, with all that the ledger holds by now taken in. Raises Impossible."""
        position = self._ledger.last_position()
        caught_up = wait_folded(self._state, key, position, seconds=_CATCH_UP_SECONDS)
        kept = self._state.order(key)
        if kept is None:
            raise no.Impossible(no.NOT_FOUND, asked=key)
        return Looked(kept, position if caught_up else kept.position)

    def plan(self, looked: Looked, wish: Wish, *, version: int | None = None) -> Plan:
        """Return what would come of a wish. Raises Impossible, also if `version` is no longer the order's."""
        order = looked.kept.state
        if version is not None and version != looked.version:
            raise self._changed(order)
        target = self._state.order(wish.order) if isinstance(wish, Give) else None
        return plan(order, wish, Cluster(self._steps(order), self.firms, target.state if target else None))

    def write(self, looked: Looked, made: Plan, *, by: str, why: str) -> Written:
        """Have a plan written. Raises Impossible without who and why, GatewayAway if the gateway did not write it."""
        by, why = plain(by), plain(why)
        if not by or not why:
            raise no.Impossible(no.WHO_AND_WHY)
        if max(len(by), len(why)) > _TEXT:
            raise no.Impossible(no.WHO_AND_WHY_LONG, n=_TEXT)
        api = Api.connect(self._settings.socket)
        number = api.mint(numbers=1).numbers[0] if made.key is None else None
        ids = api.mint(tickets=len(made.papers)).tickets if made.papers else ()
        key = made.key or secrets.token_hex(8)
        before = kept.state.history if (kept := self._state.order(key)) else ()
        said = events(made, key=key, number=number, ids=ids, now=clock().read(), by=by, why=why)
        api.append([encode(one) for one in said], unless=Unless(named=made.watched, since=looked.position))
        shown = wait_change(self._state, key, len(before), seconds=_SHOWN_SECONDS)
        return Written(key, len(before) + 1, number, ids, shown)

    def _steps(self, order: OrderState) -> Sequence[Step]:
        """Return the routing in force, as the event that stated it."""
        row = self._ledger.row(*order.routed) if order.routed else None
        event = decode(row.body) if row else None
        return event.routing or () if isinstance(event, Order) else ()

    def _changed(self, order: OrderState) -> no.Impossible:
        last = order.history[-1] if order.history else None
        return no.Impossible(
            no.SINCE_CHANGED,
            by=(last.by if last else None) or no.SOMEBODY,
            what=change_said(last) if last else Word("変更", "changed"),
        )
