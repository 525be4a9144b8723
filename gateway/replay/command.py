"""`mawashi replay`: a history's orders created, its sessions played, and what came of it compared with the file.

How the file is read is said by a mapping, `choosing`; taking it all back is `undo`.
"""

import json as json_text
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broker.clock import clock
from broker.events import encode
from broker.settings import SettingsError
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.orders.projected import wait_projected
from gateway.replay import issued, player, verify
from gateway.replay.asking import NotAnswered, confirm, terminal
from gateway.replay.choosing import Chosen, choose
from gateway.replay.issued import Book, Issued, OtherHistory
from gateway.replay.lanes import Plan, lay
from gateway.replay.preview import Preview, effect, preview, sentences, understood
from gateway.replay.reading import HistoryError
from gateway.replay.script import script
from gateway.settings import Gateway
from gateway.sinks import influx
from gateway.sinks.influx_http import Away
from gateway.state import State

_MINTED_AT_ONCE = 10_000
_APPENDED_AT_ONCE = 1000
_SHOWN = 20
"""Differences and odd answers printed; all are counted."""
_PATIENCE_SECONDS = 600.0
"""How long the projector and InfluxDB may need for what was played: 10 minutes at 500 rows/s are 300,000 rows."""


class Late(Exception):  # noqa: N818 - what is the case
    """The gateway has not taken everything in; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is printed at the end."""

    orders: int
    operations: int
    rows: int
    played: int
    seconds: float
    seconds_to_boards: float
    odd: tuple[str, ...]
    differences: tuple[str, ...] | None
    """None: not compared."""
    influx: bool

    @property
    def rows_a_second(self) -> float | None:
        """Rows a second until receipted; None if nothing was left to play."""
        return self.played / self.seconds if self.played else None


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a replay works with."""

    settings: Gateway
    firm: str
    plan: Plan
    book: Book
    ledger: Ledger
    state: State

    def wait(self) -> None:
        """Wait until the state, and InfluxDB if there is one, have taken in all that the ledger holds. Raises Late."""
        _wait(self.state, self.ledger)
        if self.settings.influx:
            _wait_influx(self.state)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `answers` say what the file does not (--set); `mapping` None: beside the file."""

    file: Path
    mapping: Path | None = None
    answers: Mapping[str, str] | None = None
    yes: bool = False
    dry_run: bool = False
    compare: bool = False
    json: bool = False


def run(settings: Gateway, wanted: Wanted) -> int:
    """Show what a history says and what playing it will do; after a yes play it, or go on with it.

    With `compare` file, state and InfluxDB are compared. Returns the exit status: 0; 1 if something differs, could not
    be done, or nobody said yes; 2 if mapping or history are no good.
    """
    json = wanted.json
    try:
        chosen = choose(settings, wanted.file, wanted.mapping, wanted.answers or {}, json=json)
        plan = lay(chosen.reading.rows)
    except (SettingsError, HistoryError, NotAnswered) as error:
        return _refuse(str(error), 2, json=json)
    found = preview(plan, chosen.reading, chosen.history)
    if not json:
        _show(chosen, plan, found)
    try:
        if not wanted.dry_run:
            chosen.keep(say=not json)
    except HistoryError as error:
        return _refuse(str(error), 2, json=json)
    if wanted.dry_run or not (wanted.yes or _said_yes(json=json)):
        return _not_done(found, dry_run=wanted.dry_run, json=json)
    try:
        result = _done(settings, chosen, plan, wanted)
    except (GatewayAway, StoreError, OtherHistory, player.PlayFailed, Late, Away) as error:
        return _refuse(str(error), 1, json=json)
    _print(result, found, chosen.name, json=json)
    return 1 if result.differences or result.odd else 0


def _show(chosen: Chosen, plan: Plan, found: Preview) -> None:
    stations = {one.row.resource: one.station for one in reversed(plan.sessions)}
    examples = [one for one in chosen.reading.left_out if one.why != "dropped"]
    for part in (
        understood(chosen.history, chosen.persons, chosen.sheets),
        sentences(plan, chosen.history),
        effect(found, examples, dict(sorted(stations.items()))),
    ):
        print("\n".join(part), end="\n\n")


def _said_yes(*, json: bool) -> bool:
    return terminal() and not json and confirm("入れますか。あとで取り消せます / Put it in? It can be taken back")


def _not_done(found: Preview, *, dry_run: bool, json: bool) -> int:
    if json:
        print(json_text.dumps({"would": asdict(found)}, ensure_ascii=False, default=str))
    elif dry_run or terminal():
        print("何も入れていません / Nothing was put in")
    else:
        print("何も入れていません。入れるには --yes を付けてください / Nothing was put in. To do it, add --yes")
    return 0 if dry_run else 1


def _done(settings: Gateway, chosen: Chosen, plan: Plan, wanted: Wanted) -> "Result":
    """Create the orders and play the sessions, or what is left of them."""
    history, folder = chosen.history, issued.folder(settings.data_dir, chosen.name)
    api = Api.connect(settings.socket)
    with (
        issued.alone(folder),
        Ledger.open(settings.ledger_url) as ledger,
        State.open(settings.state_url) as state,
    ):
        _wait(state, ledger)
        if issued.load(folder) is None:
            not_a_terminals(settings, ledger, firm=history.firm, name=chosen.name)
        blank = Book(
            history=issued.fingerprint(chosen.data, history),
            cases={},
            firm=history.firm,
            source=wanted.file.name,
            since=ledger.last_position(),
        )
        book = _book(api, folder, plan, blank)
        _create(api, plan, book, state, history.firm)
        _wait(state, ledger)
        edge = player.write_settings(
            folder, firm=history.firm, edge=chosen.name, time_zone=history.time_zone, mqtt=history.mqtt or settings.mqtt
        )
        stage = _Stage(settings, history.firm, plan, book, ledger, state)
        return _play(stage, edge, compare=wanted.compare, quiet=wanted.json)


def not_a_terminals(settings: Gateway, ledger: Ledger, *, firm: str, name: str) -> None:
    """Raise OtherHistory if a terminal of the firm is called so: taking the replay back would take its work back."""
    author = f"{firm}/{name}"
    if author in {one.author for one in ledger.authors()} - issued.played_edges(settings.data_dir):
        raise OtherHistory(
            f"{name} は {firm} の現場端末の名前です。mapping に別の名前を付けてください / "
            f"{name} is a terminal of {firm}. Give the mapping another name"
        )


def _book(api: Api, folder: Path, plan: Plan, blank: Book) -> Book:
    """Return what each case was given, minted and written down now if it was not before."""
    if book := issued.load(folder, blank.history):
        return book
    cases: dict[str, Issued] = {}
    for first in range(0, len(plan.cases), _MINTED_AT_ONCE):
        some = plan.cases[first : first + _MINTED_AT_ONCE]
        minted = api.mint(numbers=len(some), tickets=len(some))
        for case, number, ticket in zip(some, minted.numbers, minted.tickets, strict=True):
            cases[case.name] = Issued(key=issued.new_key(), number=number, ticket=ticket)
    book = blank.model_copy(update={"cases": cases})
    issued.save(folder, book)
    return book


def _create(api: Api, plan: Plan, book: Book, state: State, firm: str) -> None:
    """Create the orders that are not there yet. The state must have taken in the whole ledger."""
    now = clock().read()
    there = {kept.key for kept in state.orders() if kept.state.known}
    events = [
        encode(issued.created(case, book.cases[case.name], firm=firm, now=now))
        for case in plan.cases
        if book.cases[case.name].key not in there
    ]
    for first in range(0, len(events), _APPENDED_AT_ONCE):
        api.append(events[first : first + _APPENDED_AT_ONCE])


def _play(stage: _Stage, edge: Path, *, compare: bool, quiet: bool) -> Result:
    lines = script(stage.plan, stage.book.tickets)
    began = time.monotonic()
    with _bar(len(lines), quiet=quiet) as progress:
        played = player.play(edge, lines, progress=progress)
    seconds = time.monotonic() - began
    stage.wait()
    seconds_to_boards = time.monotonic() - began
    expected = verify.of_file(stage.plan)
    return Result(
        orders=len(stage.plan.cases),
        operations=len(expected),
        rows=len(stage.plan.sessions),
        played=sum(line.last for line in lines if line.n > played.resumed_after),
        seconds=seconds,
        seconds_to_boards=seconds_to_boards,
        odd=played.odd,
        differences=tuple(map(str, _differences(stage, expected))) if compare else None,
        influx=stage.settings.influx is not None,
    )


def _differences(stage: _Stage, expected: dict[verify.Place, verify.Totals]) -> Iterator[verify.Difference]:
    kept = {name: stage.state.order(given.key) for name, given in stage.book.cases.items()}
    yield from verify.compare("state", expected, verify.of_state(kept))
    if stage.settings.influx:
        for measurement, found in verify.of_influx(stage.settings.influx, stage.firm, stage.book).items():
            yield from verify.compare(f"InfluxDB {measurement}", expected, found)


def _wait(state: State, ledger: Ledger) -> None:
    if not wait_projected(state, ledger.last_position(), seconds=_PATIENCE_SECONDS):
        raise Late(
            "共有サーバーの計算が追いついていません。mawashi check で確かめ、もう一度実行してください / "
            "The projector has not taken in the ledger. See: mawashi check; then run this again"
        )


def _wait_influx(state: State) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while state.points(state.cursors().get(influx.NAME, 0), 1):
        if time.monotonic() > deadline:
            raise Late(
                "InfluxDB への書き込みが終わりません。mawashi check で確かめてください / "
                "InfluxDB has not taken everything. See: mawashi check; then run this again"
            )
        time.sleep(0.1)


@contextmanager
def _bar(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("再生 / Replay"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda n: progress.update(task, completed=n)


def _print(result: Result, found: Preview, name: str, *, json: bool) -> None:
    speed = result.rows_a_second
    if json:
        print(
            json_text.dumps(
                {
                    "orders": result.orders,
                    "operations": result.operations,
                    "rows": result.rows,
                    "played": result.played,
                    "seconds": round(result.seconds, 2),
                    "seconds_to_boards": round(result.seconds_to_boards, 2),
                    "rows_per_second": round(speed, 1) if speed else None,
                    "odd": len(result.odd),
                    "compared": result.differences is not None,
                    "influx": result.influx,
                    "differences": None if result.differences is None else len(result.differences),
                    "left_out": found.left_out,
                    "name": name,
                    "first": [*result.odd[:_SHOWN], *(result.differences or ())[:_SHOWN]],
                },
                ensure_ascii=False,
            )
        )
        return
    print(f"受注 {result.orders}・工程 {result.operations}・行 {result.rows:,} / orders, operations, rows")
    if speed:
        print(
            f"{result.played:,}行を{result.seconds:.1f}秒で保存確認まで（毎秒{speed:,.0f}行）、"
            f"{result.seconds_to_boards:.1f}秒で画面まで / "
            f"{result.played:,} rows receipted in {result.seconds:.1f} s ({speed:,.0f} rows/s), "
            f"on the boards after {result.seconds_to_boards:.1f} s"
        )
    else:
        print("もう全部再生してあります / Everything was played before")
    _print_some(result.odd, "現場端末が思わぬ答えをした行", "lines that the edge answered otherwise")
    if result.differences is not None:
        compared = "状態・InfluxDB" if result.influx else "状態（InfluxDB は設定なし）"
        print(f"ファイルと{compared}の違い：{len(result.differences)} / differences: {len(result.differences)}")
        _print_some(result.differences, "違い", "differences")
    print(f"取り消すには / To take it back: mawashi replay --undo {name}")


def _print_some(sentences: tuple[str, ...], ja: str, en: str) -> None:
    for sentence in sentences[:_SHOWN]:
        print(f"  {sentence}", file=sys.stderr)
    if len(sentences) > _SHOWN:
        print(f"  ほか{len(sentences) - _SHOWN}（{ja}） / and {len(sentences) - _SHOWN} more {en}", file=sys.stderr)


def _refuse(sentence: str, status: int, *, json: bool) -> int:
    if json:
        print(json_text.dumps({"refused": sentence}, ensure_ascii=False))
    else:
        print(sentence, file=sys.stderr)
    return status
