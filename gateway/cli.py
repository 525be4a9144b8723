"""The command `mawashi`: the shared server, its tickets and its administration. Each command imports what it needs."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.office import cli as office
from gateway.process import read_settings, settings_path

app = typer.Typer(
    help="仲間まわし：受注がいまどこにあるか / Where is every order, firm after firm?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
aside = typer.Typer(help="受け取れなかったもの / What arrived and could not be recorded.", no_args_is_help=True)
order = typer.Typer(help="受注 / Orders and their tickets.", no_args_is_help=True)
auditing = typer.Typer()
app.add_typer(auditing, name="audit")
app.add_typer(aside, name="set-aside")
app.add_typer(order, name="order")

Settings = Annotated[
    Path | None,
    typer.Option("--settings", help="gateway.toml; else $MAWASHI_SETTINGS, else /etc/mawashi/gateway.toml"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")]


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def gateway(settings: Settings = None) -> None:
    """共有サーバーを動かす / Run the shared server: appender, projector and web, until Ctrl-C."""
    from gateway import log, supervisor
    from gateway.process import answers, in_the_way

    path = settings_path(settings)
    kept = read_settings(path)
    if sentence := in_the_way(kept):
        typer.echo(sentence, err=True)
        raise typer.Exit(1)
    log.setup("gateway")
    typer.echo("起動しています… / Starting...", err=True)

    def up() -> bool:
        if said := answers(kept):
            print(f"http://{kept.web.host}:{kept.web.port}/  （この端末だけ / this machine only）", flush=True)
        return said

    raise typer.Exit(supervisor.run(path, up=up))


@app.command()
def check(settings: Settings = None, as_json: Json = False) -> None:
    """設置の確認 / Try everything the settings name: one line each, ok or what to do."""
    from gateway.check import run

    raise typer.Exit(run(settings_path(settings), as_json=as_json))


@auditing.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    settings: Settings = None,
    as_json: Json = False,
    author: Annotated[str | None, typer.Option(help="Only this author, such as turning/e1.")] = None,
) -> None:
    """監査 / Is everything here that anybody accepted? Names what is missing; status 1 if anything is."""
    from gateway.audit_command import audit as look_through

    if context.invoked_subcommand is None:
        raise typer.Exit(look_through(read_settings(settings_path(settings)), author, as_json=as_json))


@auditing.command("close")
def audit_close(  # noqa: PLR0917 - Typer makes options of them
    author: Annotated[str, typer.Argument(help="Whose numbers, as an audit names it: turning/e1.")],
    epoch: Annotated[str, typer.Argument(help="Of which epoch.")],
    numbers: Annotated[list[str], typer.Argument(help="Which: 101-120, or 7, or several.")],
    why: Annotated[str, typer.Option(prompt="理由 / Why", help="Kept beside the numbers for ever.")],
    by: Annotated[str, typer.Option(help="Who decides; else the user of this machine.")] = "",
    settings: Settings = None,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """締める / Close numbers that nobody can send any more. They stay listed; what still arrives is taken."""
    from gateway.audit_command import close

    kept, named = read_settings(settings_path(settings)), " ".join(numbers)
    if not yes and not typer.confirm(f"{author} の {named} を締めますか / Close {named} of {author}?", err=as_json):
        raise typer.Exit(1)
    raise typer.Exit(close(kept, author, epoch, numbers, by=by or getpass.getuser(), why=why, as_json=as_json))


@aside.command("list")
def aside_list(
    settings: Settings = None,
    as_json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Also what was discarded or read again.")] = False,
) -> None:
    """一覧 / List it, oldest first."""
    from gateway.set_aside import show_all

    raise typer.Exit(show_all(read_settings(settings_path(settings)), every=every, as_json=as_json))


@aside.command("show")
def aside_show(number: int, settings: Settings = None, as_json: Json = False) -> None:
    """中身を見る / Show one, with its bytes."""
    from gateway.set_aside import show_one

    raise typer.Exit(show_one(read_settings(settings_path(settings)), number, as_json=as_json))


@aside.command("discard")
def aside_discard(  # noqa: PLR0917 - Typer makes options of them
    number: int,
    why: Annotated[str, typer.Option(prompt="理由 / Why", help="Kept beside the entry for ever.")],
    by: Annotated[str, typer.Option(help="Who decides; else the user of this machine.")] = "",
    settings: Settings = None,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """破棄する / Drop the bytes of one; who and why are recorded and stay."""
    from gateway.set_aside import discard

    kept = read_settings(settings_path(settings))
    if not yes and not typer.confirm(f"{number} を破棄しますか / Discard {number} for good?", err=as_json):
        raise typer.Exit(1)
    raise typer.Exit(discard(kept, number, by=by or getpass.getuser(), why=why, as_json=as_json))


@aside.command("again")
def aside_again(
    number: Annotated[int | None, typer.Argument(help="Which; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that nobody has settled.")] = False,
    by: Annotated[str, typer.Option(help="Who asks; else the user of this machine.")] = "",
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """読み直す / Try the stored bytes again, after an update that understands more; what is understood is recorded."""
    from gateway.set_aside import read_again

    if (number is None) != every:
        raise typer.BadParameter("番号か --all のどちらかを / Give a number, or --all")
    kept = read_settings(settings_path(settings))
    raise typer.Exit(read_again(kept, number, by=by or getpass.getuser(), as_json=as_json))


@order.command("import")
def order_import(  # noqa: PLR0917 - Typer makes options of them
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, Shift_JIS) or .xlsx, as the customer sends it.")],
    settings: Settings = None,
    as_json: Json = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look: what would be imported; record nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Import orders although they are there already.")] = False,
    customer: Annotated[str, typer.Option("--customer", help="Whose file it is; the answers are kept by it.")] = "",
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="HEADING=COLUMN", help="品番=drawing; 備考=- is not read.")
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="COLUMN=VALUE", help="The same for every row.")
    ] = None,
    ignore_rest: Annotated[bool, typer.Option("--ignore-rest", help="Do not read columns nobody knows.")] = False,
    sheet: Annotated[str | None, typer.Option("--sheet", help="The sheet to read; else the likeliest.")] = None,
    by: Annotated[str, typer.Option(help="Who imports; else the user of this machine.")] = "",
) -> None:
    """受注の取り込み / Import orders from a customer's file, all or none."""
    from gateway.orders.command import Wanted, import_file

    wanted = Wanted(
        file,
        dry_run=dry_run,
        again=again,
        json=as_json,
        customer=customer,
        sheet=sheet,
        columns=columns or (),
        given=given or (),
        ignore_rest=ignore_rest,
        by=by or getpass.getuser(),
    )
    raise typer.Exit(import_file(read_settings(settings_path(settings)), wanted))


@order.command("parts")
def order_parts(
    asked: Annotated[str, typer.Argument(help="A drawing or name, or the middle of one; else all.")] = "",
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """品目 / Parts made before, with the routing that 前回と同じ工程で takes."""
    from gateway.orders.command import list_parts

    raise typer.Exit(list_parts(read_settings(settings_path(settings)), asked, json=as_json))


@order.command("ticket")
def order_ticket(  # noqa: PLR0917 - Typer makes options of them
    number: Annotated[str, typer.Argument(help="共通番号, 製番 or ticket of the order.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write: .html for any browser, or .pdf.")],
    paper: Annotated[str, typer.Option("--paper", help="a4, a5, or label: 現品票 62 x 100 mm.")] = "a4",
    settings: Settings = None,
    customer: Annotated[
        bool, typer.Option("--customer", help="Print the customer too, for every firm to read.")
    ] = False,
    boxes: Annotated[int | None, typer.Option(min=1, max=99, help="現品票: how many.")] = None,
    each: Annotated[int | None, typer.Option(min=1, help="現品票: how many pieces go into a box.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Record nothing; the paper says 見本.")] = False,
    by: Annotated[str, typer.Option(help="Who prints; else the user of this machine.")] = "",
    as_json: Json = False,
) -> None:
    """工程移動票・現品票 / Print an order's tickets or box labels into a file; the gateway records it first."""
    from gateway.orders.ticket_command import Wanted, print_tickets

    wanted = Wanted(number, out, paper, customer, boxes, each, None if preview else by or getpass.getuser(), as_json)
    raise typer.Exit(print_tickets(read_settings(settings_path(settings)), wanted))


office.add_to(order)


@app.command()
def replay(  # noqa: PLR0917 - Typer makes options of them
    file: Annotated[Path | None, typer.Argument(help="Work done, as .csv or .xlsx; with --undo also its name.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="Which column is what; else FILE.replay.toml, proposed if missing.")
    ] = None,
    answers: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="What the file does not say: firm=turning.")
    ] = None,
    settings: Settings = None,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Then compare file, state and InfluxDB.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take a replay back; no record is deleted.")] = False,
    changes_too: Annotated[
        bool, typer.Option("--changes-too", help="With --undo --yes: also what the office changed on its orders.")
    ] = False,
) -> None:
    """履歴の再生 / Put a shop's own history in, as if it had been scanned: proposed, shown, asked, and taken back."""
    if undo:
        from gateway.replay.undo import run as take_back

        found = read_settings(settings_path(settings))
        raise typer.Exit(take_back(found, file, mapping, yes=yes, changes_too=changes_too, json=as_json))
    if file is None:
        raise typer.BadParameter("FILE を書いてください / give FILE")
    said = dict(one.partition("=")[::2] for one in answers or ())
    from gateway.replay.command import Wanted, run

    wanted = Wanted(file, mapping, said, yes, dry_run, verify, as_json)
    raise typer.Exit(run(read_settings(settings_path(settings)), wanted))


@app.command("figures")
def machine_figures(  # noqa: PLR0917 - Typer makes options of them
    firm: Annotated[str, typer.Argument(help="Its id: turning.")],
    station: Annotated[str, typer.Argument(help="設備: nc-1.")],
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; else today.")] = None,
    count: Annotated[int, typer.Option("--days", min=1, max=31, help="How many days.")] = 1,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """設備の数字 / ISO 22400 figures of one machine, each with what it was computed from. Firms turn it on."""
    from gateway.figures.command import show

    found = read_settings(settings_path(settings))
    raise typer.Exit(show(found, firm, station, day.date() if day else None, count, as_json=as_json))


@app.command()
def rebuild(settings: Settings = None) -> None:
    """作り直し / Delete what was made from the ledger; a running gateway makes it again at once, else the next one."""
    from gateway.projector import rebuild as delete_state

    there_was = delete_state(read_settings(settings_path(settings)))
    print(
        "状態を消しました。共有サーバーが作り直します / The state is deleted; the gateway makes it again."
        if there_was
        else "消すものがありません / There is nothing to delete."
    )


@app.command()
def backup(  # noqa: PLR0917 - Typer makes options of them
    file: Annotated[Path | None, typer.Argument(help="The copy to make, on another disk.")] = None,
    follow: Annotated[
        Path | None, typer.Option("--follow", help="Keep a copy in this folder of a second disk, until Ctrl-C.")
    ] = None,
    settings: Settings = None,
    as_json: Json = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="FILE may be there already.")] = False,
    same_disk: Annotated[bool, typer.Option("--same-disk", help="The folder may be on the ledger's disk.")] = False,
) -> None:
    """控えを取る / Copy every record, while the shared server runs: once to FILE, or for ever with --follow DIR."""
    if (file is None) == (follow is None):
        raise typer.BadParameter("FILE か --follow DIR のどちらかを書いてください / give FILE or --follow DIR")
    kept = read_settings(settings_path(settings))
    if follow:
        from gateway.backup.follow import run as keep_following

        raise typer.Exit(keep_following(kept, follow, same_disk=same_disk, as_json=as_json))
    from gateway.backup.command import run

    assert file
    raise typer.Exit(run(kept, file, overwrite=overwrite, as_json=as_json))


@app.command()
def restore(  # noqa: PLR0917 - Typer makes options of them
    source: Annotated[Path | None, typer.Argument(help="A copy: a file, or a folder of backup --follow.")] = None,
    empty: Annotated[
        str | None, typer.Option("--empty", metavar="OLD_ID", help="No copy is left: begin empty after that ledger.")
    ] = None,
    formerly: Annotated[
        list[str] | None,
        typer.Option("--formerly", metavar="ID", help="A later name the copy does not know; see mawashi-edge status."),
    ] = None,
    last_number: Annotated[int | None, typer.Option(min=0, help="The highest 共通番号 on paper.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the present ledger aside under a dated name.")
    ] = False,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """復元する / Make a copy the ledger again; the edges then send again what they hold. Stop the gateway first."""
    from gateway.backup.restore import Wanted, run

    wanted = Wanted(source, empty, tuple(formerly or ()), last_number, replace)
    raise typer.Exit(run(read_settings(settings_path(settings)), wanted, as_json=as_json))


@app.command()
def demo(  # noqa: PLR0917 - Typer makes options of them
    seconds: Annotated[float | None, typer.Option(min=3.0, help="Scan for so long, measure, and end.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end; progress to stderr.")] = False,
    broker: Annotated[str | None, typer.Option(help="A broker of this machine, 127.0.0.1:1883; else its own.")] = None,
    influx: Annotated[str | None, typer.Option(help="An InfluxDB 1.x, http://127.0.0.1:8086; else none.")] = None,
    speed: Annotated[float | None, typer.Option(min=1.0, help="Simulated against real time.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of the pages; else 8471 or a free one.")] = None,
    kill: Annotated[bool, typer.Option("--kill", help="kill -9 appender, projector, broker and an edge.")] = False,
    directory: Annotated[Path | None, typer.Option("--dir", help="An empty directory; else one under /tmp.")] = None,
    seed: Annotated[int, typer.Option(help="Another number, another day.")] = 1,
) -> None:
    """試してみる / Four firms on this machine, with virtual scanners, faster than life; until Ctrl-C."""
    from gateway.demo.command import Wanted, run

    wanted = Wanted(seconds, as_json, broker, influx, speed, port, kill, directory, seed)
    raise typer.Exit(run(wanted))
