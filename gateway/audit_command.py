"""`mawashi audit`: is everything here that anybody ever accepted? And closing what nobody can send any more."""

import json
import re
from collections.abc import Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from broker.messages import Range
from broker.ranges import size, union
from broker.words import Word
from gateway.api import Api, GatewayAway
from gateway.audit import Projected, Records, SinkStatus, projected_of, records_of
from gateway.finding import Finding
from gateway.ledger import AuthorStatus, Ledger, StoreError
from gateway.settings import Gateway
from gateway.standing import (
    ranges_text,
    said_of_closures,
    said_of_projected,
    said_of_records,
    unreadable_orders,
    unreadable_records,
)
from gateway.state import State
from gateway.store import StoreAwayError

_RANGE = re.compile(r"([0-9]{1,16})(?:-([0-9]{1,16}))?")


def audit(settings: Gateway, author: str | None, *, as_json: bool) -> int:
    """Print how everything stands, or one author alone. Returns 0 if nothing is missing, else 1."""
    zone = ZoneInfo(settings.time_zone)
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            records = records_of(ledger)
    except (StoreAwayError, DatabaseError) as error:
        return _refuse(str(unreadable_records(error)))
    except StoreError as error:
        return _refuse(f"まだ記録がありません / There are no records yet: {error}")
    projected: Projected | None = None
    findings: list[Finding] = []
    if author is not None:
        records = records.of(author)
        if not records.authors and not records.set_aside:
            return _refuse(f"{author} から届いたものはありません / Nothing ever came from {author}. See: mawashi audit")
    else:
        try:
            with State.open(settings.state_url) as state:
                projected = projected_of(state, settings, records.events)
        except (StoreError, DatabaseError) as error:
            findings.append(unreadable_orders(error))
    good = not findings and records.all_here and (projected is None or projected.all_shown)
    findings = [
        *said_of_records(records, zone, most=None),
        *said_of_closures(records, zone),
        *(said_of_projected(projected) if projected else ()),
        *findings,
    ]
    if as_json:
        at = clock().read().at.isoformat()
        said = {"says": [one.plain() for one in findings]}
        typer.echo(
            json.dumps(
                {"ok": good, "at": at} | records.plain() | (projected.plain() if projected else {}) | said,
                ensure_ascii=False,
            )
        )
    else:
        _show(records, projected, zone, findings)
        typer.echo("すべてあります / Everything is here." if good else "足りないものがあります / Something is missing.")
    return 0 if good else 1


def close(
    settings: Gateway, author: str, epoch: str, wanted: Sequence[str], *, by: str, why: str, as_json: bool
) -> int:
    """Have the gateway close numbers. Returns 1 if it does not run, or there was nothing to close."""
    ranges = [_range(one) for one in wanted]
    if any(one is None for one in ranges):
        return _refuse(
            f"番号は 101-120 のように書いてください / Write numbers as 101-120 or 101, not {' '.join(wanted)}"
        )
    asked = union(one for one in ranges if one)
    try:
        done = Api.connect(settings.socket).close(author, epoch, asked, by=by, why=why)
    except GatewayAway as error:
        return _refuse(str(error))
    if as_json:
        typer.echo(json.dumps({"author": author, "epoch": epoch} | done.model_dump(), ensure_ascii=False))
        return 0 if done.ranges else 1
    if not done.known:
        return _refuse(f"{author} {epoch} はありません / There is no {author} {epoch}. See: mawashi audit")
    if not done.ranges:
        return _refuse(
            f"{ranges_text(asked)} に締めるものはありません / Nothing of {ranges_text(asked)} is missing: "
            "it is here, was closed before, or was never announced. See: mawashi audit"
        )
    named = ranges_text(done.ranges)
    typer.echo(f"{author} {epoch}：{named} を締めました / {size(done.ranges)} numbers are closed: {named}")
    if size(asked) > size(done.ranges):
        typer.echo(
            "ほかの番号はそのままです / The other numbers are here, were closed before, or were never announced."
        )
    return 0


def _range(text: str) -> Range | None:
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if 1 <= first <= last else None


def _show(records: Records, projected: Projected | None, zone: ZoneInfo, findings: Sequence[Finding]) -> None:
    for author, epochs in groupby(records.authors, key=lambda one: one.author):
        some = list(epochs)
        contact = some[0].last_contact
        heard = f"{contact.astimezone(zone):%Y-%m-%d %H:%M}" if contact else "–"
        ja, en = _counts(some)
        typer.echo(f"{author}：{ja}、最終連絡 {heard} / {en}, last heard {heard}")
        for one in some if projected is None else ():  # of one author alone
            ja, en = _counts([one])
            typer.echo(f"  {one.epoch}：{ja} / {en}")
    for sink in projected.sinks if projected else ():
        typer.echo(_sink(sink))
    for finding in findings:
        typer.echo(finding)


def _counts(some: Sequence[AuthorStatus]) -> Word:
    announced, committed = sum(one.announced_last for one in some), sum(one.committed for one in some)
    away, gone = sum(size(one.missing) for one in some), sum(size(one.gaps) for one in some)
    closed = sum(size(each.left) for one in some for each in one.closed)
    return Word(
        f"告知 {announced}、保存 {committed}、未着 {away}、欠落 {gone}、打切り {closed}",
        f"announced {announced}, committed {committed}, missing {away}, gone {gone}, closed {closed}",
    )


def _sink(sink: SinkStatus) -> str:
    return (
        f"{sink.name}：{sink.behind}件遅れ、拒否 {sink.refused}（位置 {sink.cursor}） / "
        f"{sink.behind} behind, {sink.refused} refused (at {sink.cursor})"
    )


def _refuse(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return 1
