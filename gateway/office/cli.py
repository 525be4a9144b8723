"""The commands of the office under `mawashi order`; each imports what it needs."""
# ruff: noqa: PLR0917 - Typer makes options of them

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gateway.process import read_settings, settings_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.office.command import How
    from gateway.office.desk import Desk
    from gateway.office.wishes import Wish

Settings = Annotated[
    Path | None,
    typer.Option("--settings", help="gateway.toml; else $MAWASHI_SETTINGS, else /etc/mawashi/gateway.toml"),
]
Asked = Annotated[str, typer.Argument(metavar="ORDER", help="共通番号, 製番 or ticket of the order.")]
By = Annotated[str | None, typer.Option("--by", help="だれが / Who decides; asked for if it is not given.")]
Why = Annotated[str | None, typer.Option("--why", help="なぜ / Why; asked for, and kept for ever.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask back.")]
Version = Annotated[
    int | None,
    typer.Option("--version", help="Refuse if the order is not this version any more; see order show --json."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")]


def add_to(order: typer.Typer) -> None:
    """Register the commands."""
    order.command("show")(show)
    order.command("edit")(edit)
    order.command("hold")(hold)
    order.command("release")(release)
    order.command("cancel")(cancel)
    order.command("reroute")(reroute)
    order.command("split")(split)
    order.command("adopt")(adopt)


def show(
    asked: Asked,
    settings: Settings = None,
    viewer: Annotated[
        str | None, typer.Option("--as", help="A firm: its coordinator also sees customer and amount.")
    ] = None,
    as_json: Json = False,
) -> None:
    """見る / Show an order as the office sees it, with who changed what, when and why."""
    from gateway.office.command import show as print_order

    raise typer.Exit(print_order(read_settings(settings_path(settings)), asked, viewer=viewer, as_json=as_json))


def edit(
    asked: Asked,
    quantity: Annotated[str | None, typer.Option(help="数量")] = None,
    spare: Annotated[str | None, typer.Option(help="予備")] = None,
    due: Annotated[str | None, typer.Option(help="納期: 2026-12-25")] = None,
    revision: Annotated[str | None, typer.Option(help="改訂")] = None,
    drawing: Annotated[str | None, typer.Option(help="図番")] = None,
    part: Annotated[str | None, typer.Option(help="品名")] = None,
    material: Annotated[str | None, typer.Option(help="材質")] = None,
    size: Annotated[str | None, typer.Option(help="寸法")] = None,
    supplied: Annotated[str | None, typer.Option(help="支給材")] = None,
    series: Annotated[str | None, typer.Option(help="試作 or 量産, prototype or series")] = None,
    own_number: Annotated[str | None, typer.Option(help="製番")] = None,
    customer: Annotated[str | None, typer.Option(help="客先")] = None,
    customer_number: Annotated[str | None, typer.Option(help="客先注文番号")] = None,
    coordinator: Annotated[str | None, typer.Option(help="幹事会社: id or name")] = None,
    origin: Annotated[str | None, typer.Option(help="受注元: where it came from")] = None,
    parent: Annotated[str | None, typer.Option(help="親の受注: the order it is a part of")] = None,
    amount: Annotated[str | None, typer.Option(help="金額: yen, for the coordinator's eyes only")] = None,
    ticket: Annotated[
        str | None, typer.Option(help="Of several lots, which takes or gives the pieces; else the last.")
    ] = None,
    clear: Annotated[list[str] | None, typer.Option(help="A field that is to hold nothing, such as due.")] = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """変える / Change quantity, dates, revision and more. Says which papers become old."""
    from gateway.office.command import How, alter

    given = {
        "quantity": quantity,
        "spare": spare,
        "due": due,
        "revision": revision,
        "drawing": drawing,
        "part": part,
        "material": material,
        "size": size,
        "supplied": supplied,
        "series": series,
        "own_number": own_number,
        "customer": customer,
        "customer_number": customer_number,
        "coordinator": coordinator,
        "origin": origin,
        "parent": parent,
        "amount": amount,
    }
    texts = {name: text for name, text in given.items() if text is not None}
    lot = ticket.strip().upper() if ticket else None
    _carry_out(settings, asked, alter(texts, clear or [], lot), How(by, why, dry_run, yes, version, as_json))


def hold(
    asked: Asked,
    pieces: Annotated[int | None, typer.Option(min=1, help="How many; all if not given.")] = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """保留 / Put an order on hold: every scanner of its tickets says so."""
    from gateway.office.command import How
    from gateway.office.wishes import Hold

    _carry_out(settings, asked, lambda _: Hold(pieces), How(by, why, dry_run, yes, version, as_json))


def release(
    asked: Asked,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """解除 / Take back a hold or a cancellation."""
    from gateway.office.command import How
    from gateway.office.wishes import Release

    _carry_out(settings, asked, lambda _: Release(), How(by, why, dry_run, yes, version, as_json))


def cancel(
    asked: Asked,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """取消 / Cancel an order. What was done stays recorded; `release` takes it back."""
    from gateway.office.command import How
    from gateway.office.wishes import Cancel

    _carry_out(settings, asked, lambda _: Cancel(), How(by, why, dry_run, yes, version, as_json))


def reroute(
    asked: Asked,
    step: Annotated[int | None, typer.Argument(metavar="STEP", help="工程番号: 20", show_default=False)] = None,
    firm: Annotated[
        str | None,
        typer.Argument(metavar="FIRM", help="会社: id or name of the firm that does it from now on."),
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(metavar="20=NAME@FIRM", help="工程を足す: without a number after the last.")
    ] = None,
    drop: Annotated[list[int] | None, typer.Option(metavar="STEP", help="工程をなくす: nobody has begun it.")] = None,
    station: Annotated[str | None, typer.Option(help="設備: the id on the machine's label.")] = None,
    due: Annotated[str | None, typer.Option(help="工程納期: 2026-12-25")] = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """工程を他社へ、足す、なくす / Give a step to another firm, add or leave out steps. Printed papers become old."""
    from gateway.office.command import How, restep
    from gateway.office.command import reroute as wish

    how = How(by, why, dry_run, yes, version, as_json)
    if (add or drop) and all(one is None for one in (step, firm, station, due)):
        _carry_out(settings, asked, restep(add or [], drop or []), how)
    if step is None or firm is None or add or drop:
        raise typer.BadParameter("STEP と FIRM か、--add・--drop を / give STEP and FIRM, or --add and --drop")
    _carry_out(settings, asked, wish(step, firm, station, due), how)


def split(
    asked: Asked,
    pieces: Annotated[int, typer.Argument(metavar="PIECES", min=1, help="How many go on under a ticket of their own.")],
    ticket: Annotated[str | None, typer.Option(help="Of which lot; needed if there are several.")] = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """分割 / Split a lot: two new papers instead of one."""
    from gateway.office.command import How
    from gateway.office.wishes import Divide

    lot = ticket.strip().upper() if ticket else None
    _carry_out(settings, asked, lambda _: Divide(pieces, lot), How(by, why, dry_run, yes, version, as_json))


def adopt(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="番号不明の票: a blank ticket that was scanned.")],
    into: Annotated[str | None, typer.Option(help="An order that exists: its number.")] = None,
    quantity: Annotated[int | None, typer.Option(min=1, help="数量: how many pieces it stands for.")] = None,
    part: Annotated[str | None, typer.Option(help="品名: then it becomes an order of its own.")] = None,
    due: Annotated[str | None, typer.Option(help="納期: 2026-12-25")] = None,
    drawing: Annotated[str | None, typer.Option(help="図番")] = None,
    own_number: Annotated[str | None, typer.Option(help="製番")] = None,
    customer: Annotated[str | None, typer.Option(help="客先")] = None,
    coordinator: Annotated[str | None, typer.Option(help="幹事会社; else the firm that scanned it first.")] = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    version: Version = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """番号不明の票に名前を付ける / Give a ticket its order: one that is there (--into), or a new one (--part)."""
    from gateway.office.command import How
    from gateway.office.command import adopt as wish

    if (into is None) == (part is None):
        raise typer.BadParameter("--into か --part のどちらかを / give --into or --part")
    given = {
        "part": part,
        "due": due,
        "drawing": drawing,
        "own_number": own_number,
        "customer": customer,
        "coordinator": coordinator,
    }
    texts = {name: text for name, text in given.items() if text is not None}
    _carry_out(settings, ticket, wish(into, quantity, texts), How(by, why, dry_run, yes, version, as_json))


def _carry_out(settings: Path | None, asked: str, wish: "Callable[[Desk], Wish]", how: "How") -> NoReturn:
    """Do what every command of the office ends with."""
    from gateway.office.command import carry_out

    raise typer.Exit(carry_out(read_settings(settings_path(settings)), asked, wish, how))
