"""`mawashi replay --undo`: everything a replay recorded is corrected away, event by event; nothing is deleted."""

import getpass
import json as json_text
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from broker.clock import clock
from broker.events import Correction, EventError, Order, OrderAction, Ref, decode, encode
from broker.topics import GATEWAY
from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, StoreError
from gateway.orders.projected import wait_projected
from gateway.replay import issued, player
from gateway.replay.asking import confirm, terminal
from gateway.replay.choosing import name_of
from gateway.replay.issued import Book, OtherHistory
from gateway.rules.row import Row
from gateway.rules.voiding import Key, may_void, voided
from gateway.settings import Gateway
from gateway.state import State

WHY = "replay_undone"
_ROWS_AT_ONCE = 5000
_APPENDED_AT_ONCE = 1000
_PATIENCE_SECONDS = 600.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Nothing was done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a replay left in the records and nobody has taken back yet."""

    events: tuple[Ref, ...]
    others: int
    """Records of others on its tickets that the replay did not make: they stay."""
    changes: int = 0
    """How many of `events` are words of the office on its orders afterwards: changes, holds, promises..."""


def run(
    settings: Gateway,
    asked: Path | None,
    mapping: Path | None,
    *,
    yes: bool = False,
    changes_too: bool = False,
    json: bool = False,
) -> int:
    """Take a replay back: the one of this file, mapping or name, or the only one. Returns the exit status.

    What the office changed on its orders afterwards goes with them: a `yes` beforehand is for that only with
    `changes_too`.
    """
    try:
        name, book = _which(settings.data_dir, mapping or asked)
        api = Api.connect(settings.socket)
        folder = issued.folder(settings.data_dir, name)
        with issued.alone(folder), Ledger.open(settings.ledger_url) as ledger, State.open(settings.state_url) as state:
            _send_what_is_held(folder)
            recorded = _recorded(ledger, name, book)
            if not json:
                typer.echo("\n".join(_effect(name, book, recorded)) + "\n")
            sure = yes and (changes_too or not recorded.changes)
            if not (sure or (terminal() and not json and confirm(_question(recorded)))):
                if json:
                    typer.echo(json_text.dumps({"would_undo": _plain(name, book, recorded)}, ensure_ascii=False))
                else:
                    typer.echo(
                        "何も変えていません。取り消すには --yes --changes-too を付けてください / "
                        "Nothing changed. To do it, add --yes --changes-too"
                        if recorded.changes
                        else "何も変えていません。取り消すには --yes を付けてください / "
                        "Nothing changed. To do it, add --yes"
                    )
                return 1
            if not json:
                typer.echo("取り消しています。件数により数分かかります / Taking it back: some minutes if there is much")
            by = getpass.getuser()
            for events in _portions(recorded.events, by):
                api.append(events)
            followed = wait_projected(state, ledger.last_position(), seconds=_PATIENCE_SECONDS)
            kept = _put_aside(folder)
    except (GatewayAway, StoreError, OtherHistory, player.PlayFailed, Refused) as error:
        typer.echo(json_text.dumps({"refused": str(error)}, ensure_ascii=False)) if json else typer.echo(
            str(error), err=True
        )
        return 1
    if json:
        typer.echo(json_text.dumps({"undone": _plain(name, book, recorded), "kept": str(kept)}, ensure_ascii=False))
    elif not followed:
        typer.echo(
            "取り消しは記録しました。画面への反映は mawashi check で確かめてください / "
            "It is taken back; the pages have not followed yet. See: mawashi check"
        )
    else:
        typer.echo(
            f"取り消しました。画面と集計にはもう出ません。記録は残っています（{kept}） / "
            f"Taken back: no page and no figure shows it any more. The records stay ({kept})"
        )
    return 0


def _which(data_dir: Path, asked: Path | None) -> tuple[str, Book]:
    """Return the replay that is meant. Raises Refused."""
    there = sorted(
        path.parent.name for path in (data_dir / "replay").glob(f"*/{issued.FILE}") if issued.PUT_ASIDE not in str(path)
    )
    names = (
        dict.fromkeys((asked.name, name_of(asked), name_of(asked.with_suffix(""))))
        if asked
        else (there if len(there) == 1 else ())
    )
    for name in names:
        if name in there and (book := issued.load(issued.folder(data_dir, name))):
            return name, book
    if not there:
        raise Refused("取り消す再生はありません / There is no replay to take back")
    listed = ", ".join(there)
    raise Refused(
        f"どの再生か分かりません。次の名前で指定してください：{listed} / "
        f"Which one? Name one of: {listed}, as in: mawashi replay --undo {there[0]}"
    )


def _send_what_is_held(folder: Path) -> None:
    """Have the played edge send what an interrupted replay left on its disk, so that nothing comes afterwards."""
    edge = folder / issued.EDGE
    if edge.exists():
        player.play(edge, (), progress=lambda _: None)


def _recorded(ledger: Ledger, name: str, book: Book) -> Recorded:
    """Return every event of a replay that no earlier undoing reached, order by order as they came."""
    author = f"{book.firm}/{name}"
    tickets = {given.ticket for given in book.cases.values()}
    keys = {given.key: given.ticket for given in book.cases.values()}
    by_ticket: dict[str, list[Ref]] = {}
    corrected: dict[Key, Key] = {}
    office: set[Key] = set()
    others = 0
    for row in _rows(ledger, book.since):
        try:
            event = decode(row.body)
        except EventError:
            continue
        if isinstance(event, Correction):  # the played edge's own stay in force, or what they took out would be back
            if may_void(row.author, event.voids.author.partition("/")[0]):
                corrected[row.key] = (event.voids.author, event.voids.epoch, event.voids.seq)
            continue
        ticket = getattr(event, "ticket", None)
        if row.author == author:
            by_ticket.setdefault(str(ticket), []).append(Ref(author=row.author, epoch=row.epoch, seq=row.seq))
        elif row.author == GATEWAY and (order := getattr(event, "order", None)) in keys:
            by_ticket.setdefault(keys[order], []).append(Ref(author=row.author, epoch=row.epoch, seq=row.seq))
            if not (isinstance(event, Order) and event.action is OrderAction.CREATED):
                office.add(row.key)
        else:
            others += ticket in tickets
    gone = voided(corrected)
    refs = (ref for refs in by_ticket.values() for ref in refs if (ref.author, ref.epoch, ref.seq) not in gone)
    return Recorded(tuple(refs), others, len(office - gone))


def _rows(ledger: Ledger, after: int) -> Iterator[Row]:
    while rows := ledger.rows(after, _ROWS_AT_ONCE):
        yield from rows
        after = rows[-1].position


def _effect(name: str, book: Book, recorded: Recorded) -> Iterable[str]:
    yield f"{book.source or name} の再生を取り消します / The replay of {book.source or name} is taken back"
    yield (
        f"  会社 {book.firm}：受注 {len(book.cases):,}件と記録 {len(recorded.events):,}件が、画面・検索・集計から"
        "消えます。記録そのものは残ります"
    )
    yield (
        f"    firm {book.firm}: {len(book.cases):,} orders and {len(recorded.events):,} records leave pages, search "
        "and figures. The records themselves stay"
    )
    if recorded.changes:
        yield (f"  うち{recorded.changes:,}件は、事務所があとからこれらの受注に入れた変更です。それも消えます")
        yield (f"    {recorded.changes:,} of them are what the office changed on these orders afterwards. They go too")
    if recorded.others:
        yield (
            f"  ほかの人がこれらの受注に付けた記録 {recorded.others:,}件は残り、番号不明として出ます / "
            f"{recorded.others:,} records that others made on these orders stay, as unknown numbers"
        )


def _question(recorded: Recorded) -> str:
    if recorded.changes:
        return (
            f"事務所の変更{recorded.changes:,}件も一緒に取り消しますか / "
            f"Take it back, with the office's {recorded.changes:,} changes?"
        )
    return "取り消しますか / Take it back?"


def _plain(name: str, book: Book, recorded: Recorded) -> dict[str, object]:
    return {
        "name": name,
        "firm": book.firm,
        "orders": len(book.cases),
        "records": len(recorded.events),
        "changes": recorded.changes,
        "others": recorded.others,
    }


def _portions(refs: Sequence[Ref], by: str) -> Iterator[list[bytes]]:
    """Yield the corrections, some at a time."""
    now = clock().read()
    for first in range(0, len(refs), _APPENDED_AT_ONCE):
        yield [
            encode(
                Correction(
                    at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock, by=by[:200], voids=ref, why=WHY
                )
            )
            for ref in refs[first : first + _APPENDED_AT_ONCE]
        ]


def _put_aside(folder: Path) -> Path:
    """Give the replay's folder another name, so that the same file may be played again."""
    stamp = clock().read().at.strftime("%Y%m%d-%H%M%S")
    kept = folder.with_name(f"{folder.name}{issued.PUT_ASIDE}{stamp}")
    folder.rename(kept)
    return kept
