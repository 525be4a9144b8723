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
    from edge.check import check as lines

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
    """今の様子 / What waits, what is kept, and whether the agent runs."""
    from edge.check import sentences
    from edge.check import status as look

    try:
        found = look(_read(settings))
    except sqlite3.Error as error:
        _end(
            "未送信の記録が読めません。mawashi-edge check を実行してください / "
            f"the records kept here cannot be read: {error}. Run: mawashi-edge check",
            1,
        )
    print(json.dumps(found) if as_json else "\n".join(sentences(found)))


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


@app.command("try")
def try_driver(
    driver: Annotated[str, typer.Argument(help="counter, shdr")],
    source: Annotated[str, typer.Option("--input", help="A file of what the device sent.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")] = False,
) -> None:
    """装置を試す / Show what a driver makes of a file: states, counts, alarms, malformed lines. Records nothing."""
    from edge.drivers.table import DRIVERS, usual
    from edge.trial import Trial, sentences

    if driver not in DRIVERS:
        known = ", ".join(DRIVERS)
        _end(
            f"{driver} という装置の読み方はありません。{known} から選んでください / no driver {driver}: choose {known}",
            2,
        )
    trial = Trial(usual(driver))
    try:
        with Path(source).open("rb") as stream:
            while data := stream.read(65_536):
                trial.feed(data)
    except OSError as error:
        _end(f"{source} が読めません / cannot be read: {error}", 2)
    trial.feed(b"\n")  # the last line of a file may lack its end
    trial.end()
    print(json.dumps(trial.plain(), ensure_ascii=False) if as_json else "\n".join(sentences(trial)))


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
