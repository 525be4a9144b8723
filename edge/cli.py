"""The command `mawashi-edge`: the agent beside the machines. Each command imports what it needs."""

import json
import os
import sqlite3
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from edge.settings import Edge

app = typer.Typer(
    help="現場端末：読み取りを失わない / The agent on the shop floor: scans in, nothing lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Settings = Annotated[
    Path,
    typer.Option("--settings", envvar="MAWASHI_EDGE_SETTINGS", help="edge.toml"),
]
DEFAULT_SETTINGS = Path("/etc/mawashi/edge.toml")


def main() -> None:
    """Run the command line. A bug in any thread ends the process, which the service manager then restarts."""
    threading.excepthook = _end_the_process
    app()


@app.command()
def run(settings: Settings = DEFAULT_SETTINGS) -> None:
    """端末を動かす / Read the scanners, record, send, until Ctrl-C or SIGTERM."""
    from edge import agent
    from edge.lock import HeldError, Lock
    from edge.log import log

    kept = _read(settings)
    try:
        kept.data_dir.mkdir(parents=True, exist_ok=True)
        with Lock(kept.data_dir):
            agent.run(kept, log=log)
    except HeldError as error:
        _end(str(error), 3)
    except (OSError, sqlite3.OperationalError) as error:
        _end(f"{kept.data_dir}: {error}. Make room there, and give this user the right to write", 1)


@app.command()
def check(settings: Settings = DEFAULT_SETTINGS) -> None:
    """設置の確認 / Try everything the settings name: one line each, ok or what to do."""
    from edge.installer.check import check as lines

    good = True
    for line in lines(_read(settings)):
        print(line, flush=True)
        good = good and line.remedy is None
    raise typer.Exit(0 if good else 1)


@app.command()
def status(
    settings: Settings = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")] = False,
) -> None:
    """今の様子 / What waits, what each machine says now, and whether the agent runs."""
    from edge.installer.check import sentences
    from edge.installer.check import status as look

    read = _read(settings)
    try:
        found = look(read)
    except sqlite3.Error as error:
        _end(
            "未送信の記録が読めません。mawashi-edge check を実行してください / "
            f"the records kept here cannot be read: {error}. Run: mawashi-edge check",
            1,
        )
    print(json.dumps(found) if as_json else "\n".join(sentences(found, read.machine)))


@app.command()
def play(settings: Settings = DEFAULT_SETTINGS) -> None:
    """履歴の再生 / Play JSON Lines from standard input through the rules; ends when the server has everything."""
    from edge.books import is_damage
    from edge.lock import HeldError, Lock
    from edge.log import log
    from edge.play import PlayError
    from edge.play import play as run_play

    kept = _read(settings)
    try:
        kept.data_dir.mkdir(parents=True, exist_ok=True)
        with Lock(kept.data_dir):
            run_play(kept, log=log)
    except (HeldError, PlayError) as error:
        _end(str(error), 3 if isinstance(error, HeldError) else 1)
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and is_damage(error):
            _end(
                "未送信の記録が壊れています。mawashi-edge run で読める分を救い出し、もう一度実行してください / "
                f"{kept.data_dir}: {error}. mawashi-edge run saves what can be read; then run this again",
                1,
            )
        _end(f"{kept.data_dir}: {error}. Make room there, and give this user the right to write", 1)


@app.command()
def ports(
    settings: Settings = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array instead of lines for people.")] = False,
) -> None:
    """差さっている物 / What is plugged in, its lasting name, what it looks like, who reads it. Opens nothing."""
    from edge.installer import command

    command.ports(_read_if_there(settings), as_json=as_json)


@app.command()
def listen(
    port: Annotated[str, typer.Argument(help="A port, HOST:PORT, the id of a scanner or machine, or a recording.")],
    *,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0: until Ctrl-C.")] = 0.0,
    baud: Annotated[int, typer.Option(min=50, max=4_000_000, help="The speed to begin with.")] = 9600,
    framing: Annotated[str, typer.Option(help="Data bits, parity, stop bits to begin with: 8N1, 7E2...")] = "8N1",
    settings: Settings = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines; the last one is the verdict.")] = False,
) -> None:
    """聞いてみる / Show what comes over a line, find its speed and which driver reads it. Sends nothing."""
    from edge.installer import command

    found = _read_if_there(settings)
    _exit(command.listen(port, found, seconds=seconds, baud=baud, framing=framing, as_json=as_json))


@app.command("try")
def try_driver(
    driver: Annotated[str, typer.Argument(help="The driver, as in the settings: counter, shdr...")],
    *,
    source: Annotated[str, typer.Option("--input", help="A recording, a port, HOST:PORT, or a machine's id.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to hear a port or an address.")] = 30.0,
    baud: Annotated[int, typer.Option(min=50, max=4_000_000, help="Of a port.")] = 9600,
    framing: Annotated[str, typer.Option(help="Of a port: 8N1, 7E2...")] = "8N1",
    machine: Annotated[str, typer.Option(help="Set the driver as this machine of the settings.")] = "",
    settings: Settings = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")] = False,
) -> None:
    """装置を試す / Show what a driver makes of a recording or of the device itself. Commands and records nothing."""
    from edge.installer import command

    found = _read(settings) if machine else _read_if_there(settings)
    _exit(
        command.try_driver(
            driver, source, found, machine=machine, seconds=seconds, baud=baud, framing=framing, as_json=as_json
        )
    )


def _read_if_there(path: Path) -> "Edge | None":
    """Return the settings; before there is such a file an installer has ports to look at all the same."""
    return _read(path) if path.exists() else None


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _read(path: Path) -> "Edge":
    from broker.settings import SettingsError, load
    from edge.settings import Edge

    try:
        return load(Edge, path)
    except SettingsError as error:
        _end("\n".join(error.problems), 2)


def _end_the_process(args: threading.ExceptHookArgs) -> None:
    threading.__excepthook__(args)
    os._exit(1)


def _end(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)
