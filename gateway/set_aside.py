"""`mawashi set-aside`: looking at what arrived and could not become a row, and discarding it, who and why recorded."""

import json
from dataclasses import asdict
from typing import Any

import typer

from gateway.api import Api, GatewayAway
from gateway.ledger import Ledger, SetAside, StoreError
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
        typer.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False))
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
        typer.echo(json.dumps(_plain(one) | {"body": _text(one.body, len(one.body or b""))}, ensure_ascii=False))
        return 0
    typer.echo(_line(one))
    typer.echo(one.detail)
    if one.discarded_at:
        typer.echo(f"{one.discarded_at.isoformat()} {one.discarded_by}: {one.discarded_why}")
    typer.echo(_text(one.body, _SHOWN_BYTES))
    return 0


def discard(settings: Gateway, number: int, *, by: str, why: str) -> int:
    """Have the gateway drop one. Returns 1 if it does not run, or there is no such number to drop."""
    try:
        done = Api.connect(settings.socket).discard(number, by=by, why=why)
    except GatewayAway as error:
        return _refuse(str(error))
    if not done:
        return _refuse(
            f"{number} はないか、もう破棄されています / There is no number {number}, or it was discarded before."
        )
    typer.echo(f"{number} を破棄しました / {number} is discarded.")
    return 0


def _line(one: SetAside) -> str:
    key = f" {one.epoch} {one.seq}" if one.seq else ""
    gone = " (discarded)" if one.discarded_at else ""
    return (
        f"{one.id:>5}  {one.last_seen:%Y-%m-%d %H:%M}  {one.reason:<18} {one.author or _safe(one.topic)}{key}  "
        f"{one.size_bytes} bytes, {one.times} times{gone}"
    )


def _plain(one: SetAside) -> dict[str, Any]:
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in asdict(one).items()
        if key != "body"
    }


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
