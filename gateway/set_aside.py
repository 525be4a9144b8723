"""`mawashi set-aside`: looking at what arrived and could not become a row, reading it again, discarding it."""

import json

import typer

from gateway.api import Api, GatewayAway
from gateway.audit import plain_aside
from gateway.ledger import Ledger, SetAside, StoreError
from gateway.ledger.given import ReadAgain
from gateway.settings import Gateway

_SHOWN_BYTES = 4096


def show_all(settings: Gateway, *, every: bool, as_json: bool) -> int:
    """Print a line each. Returns 1 if there is no ledger yet."""
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            found = ledger.set_aside(settled=every)
    except StoreError as error:
        return _refuse(str(error))
    if as_json:
        typer.echo(json.dumps([plain_aside(one) for one in found], ensure_ascii=False))
        return 0
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("ありません / Nothing was set aside.")
    return 0


def show_one(settings: Gateway, number: int, *, as_json: bool) -> int:
    """Print one with its bytes, as text where it is text. Returns 1 if there is no such number."""
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            one = ledger.set_aside_one(number)
    except StoreError as error:
        return _refuse(str(error))
    if one is None:
        return _refuse(f"{number} という番号はありません / There is no number {number}. See: mawashi set-aside list")
    if as_json:
        typer.echo(json.dumps(plain_aside(one) | {"body": _text(one.body, len(one.body or b""))}, ensure_ascii=False))
        return 0
    typer.echo(_line(one))
    typer.echo(one.detail)
    if one.discarded_at:
        typer.echo(f"{one.discarded_at.isoformat()} {one.discarded_by}: {one.discarded_why}")
    if one.read_at:
        typer.echo(f"{one.read_at.isoformat()} {one.read_by}: 読み直しました / read again")
    typer.echo(_text(one.body, _SHOWN_BYTES))
    return 0


def discard(settings: Gateway, number: int, *, by: str, why: str, as_json: bool = False) -> int:
    """Have the gateway drop one. Returns 1 if it does not run, or there is no such number to drop."""
    try:
        done = Api.connect(settings.socket).discard(number, by=by, why=why)
    except GatewayAway as error:
        return _refuse(str(error))
    if as_json:
        typer.echo(json.dumps({"id": number, "discarded": done}))
        return 0 if done else 1
    if not done:
        return _refuse(f"{number} はないか、もう済んでいます / There is no number {number}, or it was settled before.")
    typer.echo(f"{number} を破棄しました / {number} is discarded.")
    return 0


def read_again(settings: Gateway, number: int | None, *, by: str, as_json: bool) -> int:
    """Have the gateway try one again, or all. Returns 1 if it does not run, or something is still not understood."""
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            numbers = [one.id for one in ledger.set_aside()] if number is None else [number]
        api = Api.connect(settings.socket)
        done = {each: api.read_again(each, by=by) for each in numbers}
    except (StoreError, GatewayAway) as error:
        return _refuse(str(error))
    if as_json:
        typer.echo(json.dumps([{"id": each, **one.model_dump()} for each, one in done.items()], ensure_ascii=False))
    else:
        for each, one in done.items():
            typer.echo(_tried(each, one))
        if not done:
            typer.echo("ありません / Nothing was set aside.")
    return 0 if all(one.outcome == "taken in" for one in done.values()) else 1


def _tried(number: int, one: ReadAgain) -> str:
    match one.outcome:
        case "taken in":
            return (
                f"{number}：読めました（新しい記録 {one.fresh}件、すでにある {one.repeated}件） / "
                f"{number} is understood: {one.fresh} new events, {one.repeated} that were here"
                + (f", {one.used_twice} set aside as numbers used twice" if one.used_twice else "")
            )
        case "not understood":
            return f"{number}：まだ読めません / {number} is still not understood: {_safe(one.detail)}"
        case "nothing there":
            return f"{number} はないか、もう済んでいます / There is no number {number}, or it was settled before."


def _line(one: SetAside) -> str:
    key = f" {one.epoch} {one.seq}" if one.seq else ""
    gone = " (discarded)" if one.discarded_at else " (read again)" if one.read_at else ""
    return (
        f"{one.id:>5}  {one.last_seen:%Y-%m-%d %H:%M}  {one.reason:<18} {one.author or _safe(one.topic)}{key}  "
        f"{one.size_bytes} bytes, {one.times} times{gone}"
    )


def _text(body: bytes | None, most: int) -> str:
    """Return bytes from outside as one may print them: what is not printable is escaped, and the rest is named."""
    if body is None:
        return ""
    shown = _safe(body[:most].decode(errors="backslashreplace"))
    return shown if len(body) <= most else f"{shown}\n... {len(body) - most} more bytes"


def _safe(text: str) -> str:
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


def _refuse(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return 1
