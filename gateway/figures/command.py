"""`mawashi figures`: one station's figures over some days, for people or as JSON."""

import json
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from gateway.figures.reading import Stores, days, measured
from gateway.figures.said import notes, said
from gateway.ledger import Ledger, StoreError
from gateway.rules.order import OrderState
from gateway.rules.work_unit import TIMES, Measured, figures
from gateway.settings import Gateway
from gateway.state import State
from gateway.store import reason

_AT_ONCE = 100


def show(settings: Gateway, firm: str, station: str, first: date | None, count: int, *, as_json: bool) -> int:
    """Print the figures of `count` days from `first` (today without one). Returns 0, or 1 if there are none to show."""
    if not settings.wants_figures(firm):
        return _refuse(
            f"{firm} は設備の数字を使っていません。"
            "gateway.toml の [[firms]] に machine_figures = true と書いてください / "
            f"{firm} has not turned on figures of its machines. Write machine_figures = true under its [[firms]]"
        )
    zone, now = ZoneInfo(settings.time_zone), clock().read().at
    try:
        start, end = days(first or now.astimezone(zone).date(), count, zone)
        end = max(start, min(end, now))
        with State.open(settings.state_url) as state, Ledger.open(settings.ledger_url) as ledger:
            found = measured((firm, station), start, end, _orders(state), Stores(state, ledger))
    except StoreError as error:
        return _refuse(f"まだ記録がありません / There are no records yet: {error}")
    except DatabaseError as error:
        return _refuse(f"いま記録を読めません / The records cannot be read now: {reason(error)}")
    except OverflowError:
        return _refuse("その日は暦にありません / There is no such day in the calendar.")
    if not found.machine and not found.sessions:
        return _refuse(
            f"{station} にはこの間の記録がありません。設備の名前と日を確かめてください / "
            f"Nothing is known of {station} in this time. Check the station's name and the day"
        )
    if as_json:
        place = {"firm": firm, "station": station, "from": start.isoformat(), "until": end.isoformat()}
        typer.echo(json.dumps(place | plain(found, zone), ensure_ascii=False))
    else:
        _print(found, zone)
    return 0


def plain(found: Measured, zone: ZoneInfo) -> dict[str, object]:
    """Return it for JSON: seconds by what held, then each figure with its source; English, and Japanese under `_ja`."""
    spent = [
        {"work": cause.value if cause else None, "machine": state.value, "seconds": round(seconds, 3)}
        for (cause, state), seconds in sorted(found.spent.items(), key=lambda one: -one[1])
    ]
    told = []
    for figure in figures(found):
        line = said(figure, found, zone)
        told.append(
            {
                "symbol": line.symbol,
                "name": line.name.en,
                "name_ja": line.name.ja,
                "formula": line.formula,
                "unit": "s" if figure.symbol in TIMES else "share",
                "value": None if figure.value is None else round(figure.value, 4),
                "why": figure.why.value if figure.why else None,
                "from": line.of.en,
                "from_ja": line.of.ja,
            }
        )
    besides = notes(found)
    return {
        "spent": spent,
        "sessions": found.sessions,
        "machine_counted": found.counted or None,
        "figures": told,
        "notes": [note.en for note in besides],
        "notes_ja": [note.ja for note in besides],
    }


def _print(found: Measured, zone: ZoneInfo) -> None:
    for figure in figures(found):
        line = said(figure, found, zone)
        value = f"{line.value.ja} / {line.value.en}" if line.value and line.value.ja != line.value.en else ""
        shown = value or (line.value.en if line.value else "—")
        formula = f"  = {line.formula}" if line.formula else ""
        typer.echo(f"{line.name.ja} / {line.name.en} ({line.symbol}): {shown}{formula}")
        typer.echo(f"    {line.of.ja}\n    {line.of.en}")
    for note in notes(found):
        typer.echo(f"* {note.ja}\n  {note.en}")


def _orders(state: State) -> Iterator[OrderState]:
    """Yield every order, some at a time."""
    revision = 0
    while some := state.changed(revision, _AT_ONCE):
        yield from (kept.state for kept in some)
        revision = some[-1].revision


def _refuse(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return 1
