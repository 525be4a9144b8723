"""`mawashi order import`, `mawashi order parts`: files in, orders recorded; which parts were ever made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from broker.settings import SettingsError
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.orders import said
from gateway.orders.bring import bring, caught_up, keep_answers, known
from gateway.orders.columns import HEADINGS, Column, folded
from gateway.orders.layout import Answers
from gateway.orders.order_file import parse
from gateway.orders.parts import master
from gateway.orders.projected import wait_orders
from gateway.orders.proposals import Parsed
from gateway.settings import Gateway
from gateway.sheets import SIZE_LIMIT_BYTES
from gateway.state import State

_PATIENCE_SECONDS = 30.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Nothing was done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `mawashi order import` is asked to do; `columns` and `given` as typed: 品番=drawing, coordinator=turning."""

    file: Path
    dry_run: bool = False
    again: bool = False
    json: bool = False
    customer: str = ""
    sheet: str | None = None
    columns: Sequence[str] = field(default=())
    given: Sequence[str] = field(default=())
    ignore_rest: bool = False
    by: str = ""


def import_file(settings: Gateway, wanted: Wanted) -> int:
    """Import an order file, all or nothing, and print one line an order. Returns the exit status."""
    try:
        answers = _answers(wanted)
        data = _read(wanted.file)
        with State.open(settings.state_url) as state:
            since = _seen_up_to(settings, state, dry_run=wanted.dry_run)
            parsed = parse(data, known(settings, state, again=wanted.again), answers)
            if parsed.problems or wanted.dry_run:
                said.preview(wanted.file.name, parsed, json=wanted.json)
                return 1 if parsed.problems else 0
            by = f"{wanted.by} import {wanted.file.name}"
            events = bring(Api.connect(settings.socket), parsed.proposals, by=by, since=since)
            kept = _keep(settings, parsed, answers)
            shown = wait_orders(state, [event.order for event in events], seconds=_PATIENCE_SECONDS)
    except (Refused, GatewayAway, StoreError, SettingsError) as refusal:
        said.refusal(str(refusal), json=wanted.json)
        return 1
    said.orders(settings, events, parsed, kept, json=wanted.json)
    if not shown:
        print(
            f"受注は記録されましたが、{_PATIENCE_SECONDS:.0f}秒待っても画面に出ていません。"
            "mawashi check で確かめてください。\n"
            f"The orders are recorded, but after {_PATIENCE_SECONDS:.0f} s no page shows them. See: mawashi check",
            file=sys.stderr,
        )
    return 0


def list_parts(settings: Gateway, asked: str, *, json: bool) -> int:
    """Print every part that was ever made by a routing, or those whose drawing or name holds `asked`."""
    with State.open(settings.state_url) as state:
        parts = master(kept.state for kept in state.orders())
    looked_for = folded(asked)
    said.parts(
        [part for part in parts if looked_for in folded(f"{part.drawing or ''} {part.name or ''}")],
        json=json,
    )
    return 0


def _answers(wanted: Wanted) -> Answers:
    """Read what was typed after --map and --set. Raises Refused."""
    columns: dict[str, Column | None] = {}
    for typed in wanted.columns:
        heading, _, meant = typed.rpartition("=")
        if not heading:
            raise Refused(f"--map {typed}：見出し=列 と書いてください / write HEADING=COLUMN")
        columns[folded(heading)] = None if meant.strip() == "-" else _column(meant, "--map")
    given: dict[Column, str] = {}
    for typed in wanted.given:
        name, _, text = typed.partition("=")
        if not text:
            raise Refused(f"--set {typed}：列=値 と書いてください / write COLUMN=VALUE")
        given[_column(name, "--set")] = text.strip()
    return Answers(
        columns,
        given=given,
        customer=wanted.customer.strip(),
        sheet=wanted.sheet,
        ignore_rest=wanted.ignore_rest,
    )


def _column(name: str, option: str) -> Column:
    for column, heading in HEADINGS.items():
        if folded(name) in {folded(column.value), folded(heading.ja)}:
            return column
    raise Refused(
        f"{option}：「{name}」という列はありません。次のどれかにしてください / "
        f"there is no column {name!r}. Use one of: {', '.join(Column)}"
    )


def _seen_up_to(settings: Gateway, state: State, *, dry_run: bool) -> int:
    """Wait for what is recorded; a dry run takes what there is, also before a server ever ran. Raises GatewayAway."""
    try:
        if not dry_run:
            Api.connect(settings.socket)  # no word about the file while nobody could take it
        with Ledger.open(settings.ledger_url) as ledger:
            return caught_up(state, ledger)
    except (StoreError, GatewayAway):
        if not dry_run:
            raise
    return 0


def _keep(settings: Gateway, parsed: Parsed, answers: Answers) -> Path | None:
    """Remember the answers; the orders are recorded already, so what goes wrong is said and no more."""
    assert parsed.layout
    try:
        return keep_answers(settings, parsed.layout, answers)
    except OSError as error:
        print(
            f"読み方を覚えられませんでした（{error.strerror}） / The answers could not be kept ({error.strerror}).",
            file=sys.stderr,
        )
        return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise Refused(
            f"{path} を読めません。ファイル名を確かめてください / "
            f"{path} cannot be read ({error.strerror or error}). See whether its name is right"
        ) from None
