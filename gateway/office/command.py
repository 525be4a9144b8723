"""`mawashi order show | edit | hold | release | cancel | reroute | split | adopt`: the office's word, typed."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer

from broker.words import STATES, Word
from gateway.api import GatewayAway
from gateway.office import refusals as no
from gateway.office import said
from gateway.office.desk import Desk, Looked, Written
from gateway.office.fields import CLEARABLE, day_of, firm_of, part_of, plain, step_of
from gateway.office.plan import Plan
from gateway.office.wishes import Alter, Give, Name, Reroute, Restep, Wish
from gateway.office.words import FIELDS, SERIES, STEP_DUE, Firms, change_said, firm
from gateway.rules.order import OrderState
from gateway.rules.sharing import amount
from gateway.settings import Gateway
from gateway.state.shapes import STATE
from gateway.store import StoreError

_DO_IT = Word("この通りにしますか", "Do it")
_DONE = Word("記録しました", "Recorded")
_DRY = Word("まだ何も変えていません", "Nothing has been changed yet")
_UNKNOWN = Word("番号不明", "number unknown")
_NO_STEP = Word("工程名なし", "step not named")
_NEW_ORDER = Word("新しい受注", "New order")
_NOT_SHOWN = Word(
    "記録しましたが、まだ画面に出ていません。mawashi check で確かめてください",
    "It is recorded, but no page shows it yet. See: mawashi check",
)


@dataclass(frozen=True, slots=True)
class How:
    """How a command is to act: who and why (None: ask), only say it, do not ask back, the version that was seen."""

    by: str | None = None
    why: str | None = None
    dry_run: bool = False
    yes: bool = False
    version: int | None = None
    as_json: bool = False


def carry_out(settings: Gateway, asked: str, wish: Callable[[Desk], Wish], how: How) -> int:
    """Plan what `wish` asks of an order, say it, and have it written. Returns the exit status."""
    try:
        with Desk(settings) as desk:
            key = desk.find(asked)
            wanted = wish(desk)
            looked = desk.look(key)
            made = desk.plan(looked, wanted, version=how.version)
            if not how.as_json:
                _print_plan(looked.kept.state, made, desk.firms)
            if how.dry_run:
                _print_dry(looked, made, desk.firms, how)
                return 0
            by = how.by or typer.prompt("だれが / Who", err=True)
            why = how.why or typer.prompt("なぜ / Why", err=True)
            if not how.yes and not typer.confirm(f"{_DO_IT.ja} / {_DO_IT.en}?", err=True):
                return 1
            written = desk.write(looked, made, by=by, why=why)
            _print_written(settings, looked, made, written, firms=desk.firms, how=how)
    except (no.Impossible, GatewayAway, StoreError) as refusal:
        _refuse(str(refusal), how.as_json)
        return 1
    return 0


def alter(texts: dict[str, str], cleared: list[str], ticket: str | None = None) -> Callable[[Desk], Wish]:
    """Return the wish to change fields; texts as typed, the parent as whatever the order is called."""

    def wish(desk: Desk) -> Wish:
        for name in cleared:
            if name not in CLEARABLE:
                raise no.Impossible(no.NOT_A_FIELD, name=name, known=", ".join(CLEARABLE))
        given = dict(texts)
        if given.get("parent"):
            given["parent"] = desk.find(given["parent"])
        return Alter(part_of(given, desk.firms, desk.today), tuple(dict.fromkeys(cleared)), ticket)

    return wish


def adopt(into: str | None, quantity: int | None, texts: dict[str, str]) -> Callable[[Desk], Wish]:
    """Return the wish to give a ticket its order: one that exists, or a new one."""

    def wish(desk: Desk) -> Wish:
        if into is not None:
            return Give(desk.find(into), quantity)
        counted = {} if quantity is None else {"quantity": str(quantity)}
        return Name(part_of(texts | counted, desk.firms, desk.today))

    return wish


def reroute(step: int, to: str, station: str | None, due: str | None) -> Callable[[Desk], Wish]:
    """Return the wish to give a step to another firm, named by id or name."""

    def wish(desk: Desk) -> Wish:
        day = day_of(STEP_DUE, due, desk.today) if due else None
        return Reroute(step, firm_of(to, desk.firms), plain(station).lower() if station else None, day)

    return wish


def restep(add: list[str], drop: list[int]) -> Callable[[Desk], Wish]:
    """Return the wish to add steps, each as typed (20=grinding@firm), and to leave some out."""
    return lambda desk: Restep(tuple(step_of(one, desk.firms) for one in add), tuple(drop))


def show(settings: Gateway, asked: str, *, viewer: str | None, as_json: bool) -> int:
    """Print an order as the office sees it, with its history. Customer and amount only for its coordinator's eyes."""
    try:
        with Desk(settings) as desk:
            looked, firms = desk.look(desk.find(asked)), desk.firms
    except (no.Impossible, StoreError) as refusal:
        _refuse(str(refusal), as_json)
        return 1
    order = looked.kept.state
    if as_json:
        print(json.dumps(_order_json(looked, viewer, firms), ensure_ascii=False))
    else:
        _print_order(order, viewer, firms, ZoneInfo(settings.time_zone))
    return 0


# -- what is printed ---------------------------------------------------------------------------------------------------


def _both(word: Word) -> str:
    return word.ja if word.ja == word.en else f"{word.ja} / {word.en}"


def _title(order: OrderState) -> str:
    return f"{_called(order)}  {order.part or ''}".rstrip()


def _called(order: OrderState) -> str:
    """Return an order's number; of a walk-in that nobody named, 番号不明 and the ticket that it is scanned by."""
    if order.number or order.known:
        return order.number or order.key
    tickets = "・".join(ticket.id for ticket in order.tickets if not ticket.old)
    return f"{_both(_UNKNOWN)}  {tickets or order.key[2:].upper()}"


def _print_plan(order: OrderState, made: Plan, firms: Firms) -> None:
    head, *rest = said.lines(made, firms)
    print(f"{_title(order)}  {_both(head)}")
    for word in rest:
        print(f"  {_both(word)}")


def _print_dry(looked: Looked, made: Plan, firms: Firms, how: How) -> None:
    if how.as_json:
        found = said.plan_json(looked.kept.state, made, looked.version, firms)
        print(json.dumps(found | {"dry_run": True}, ensure_ascii=False))
    else:
        print(_both(_DRY))


def _print_written(settings: Gateway, looked: Looked, made: Plan, written: Written, *, firms: Firms, how: How) -> None:
    address = f"http://{settings.web.host}:{settings.web.port}"
    papers = f"{address}/papers/order/{written.key}" if made.papers else None
    if how.as_json:
        found = said.plan_json(looked.kept.state, made, looked.version + 1, firms)
        found |= {"order": written.key, "number": written.number or found["number"], "dry_run": False}
        found |= {"tickets": list(written.tickets), "print": papers, "page": f"{address}/order/{written.key}"}
        print(json.dumps(found, ensure_ascii=False))
    else:
        if written.number:
            print(f"{_both(_NEW_ORDER)}: {written.number}")
        print(f"{_both(_DONE)}  {address}/order/{written.key}")
        if papers:
            print(f"{_both(said.EXCHANGE)}: {' '.join(written.tickets)}  {papers}")
    if not written.shown:
        print(_both(_NOT_SHOWN), file=sys.stderr)


def _refuse(sentence: str, as_json: bool) -> None:  # noqa: FBT001 - read in one line
    if as_json:
        print(json.dumps({"refused": sentence}, ensure_ascii=False))
    else:
        print(sentence, file=sys.stderr)


def _order_json(looked: Looked, viewer: str | None, firms: Firms) -> dict[str, Any]:
    order = looked.kept.state
    found: dict[str, Any] = STATE.dump_python(order, mode="json")
    coordinates = viewer is not None and order.coordinator == viewer
    if not coordinates:
        for name in ("customer", "amount"):
            del found[name]
    found["history"] = [said.change_json(change, firms) for change in order.history]
    return {"version": looked.version, "order": found}


def _print_order(order: OrderState, viewer: str | None, firms: Firms, zone: ZoneInfo) -> None:
    mark = "  保留 / on hold" if order.held else ""
    print(f"{_title(order)}  {_both(STATES[order.state.value])}{mark}")
    private = {"customer"} if viewer is None or order.coordinator != viewer else set()
    for name, label in FIELDS.items():
        if name in ("number", "part", "amount", *private):
            continue
        value = getattr(order, name)
        if value not in (None, "", 0):
            shown = (
                _both(firm(firms, value))
                if name == "coordinator"
                else _both(SERIES[value])
                if name == "series"
                else value
            )
            print(f"  {_both(label)}: {shown}")
    if viewer is not None and (paid := amount(order, viewer)) is not None:
        print(f"  {_both(FIELDS['amount'])}: {paid:,}")
    for one in order.operations:
        made = f"  {one.good.total}" if one.good.total else ""
        name = one.name or _both(_NO_STEP)
        print(f"  {one.no:>4}  {name}  {_both(firm(firms, one.firm))}  {_both(STATES[one.state.value])}{made}")
    for ticket in order.tickets:
        old = "  旧版 / old issue" if ticket.old else ""
        pieces = "" if ticket.quantity is None else f"  {ticket.quantity}"
        print(f"  {ticket.id}  枝 / lot {ticket.branch}{pieces}{old}")
    for change in order.history:
        who = " · ".join(text for text in (_clock(change.at, zone), change.by, change.why) if text)
        print(f"  {_both(change_said(change))}  {who}")
        for word in said.spoken(change, firms):
            print(f"    {_both(word)}")


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
