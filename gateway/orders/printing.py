"""Having it recorded that something is printed, and blank tickets minted: asked of the gateway, before any paper."""

from collections.abc import Sequence
from pathlib import Path

from broker.clock import clock
from broker.events import AnyEvent, Blank, Paper, Printed, encode
from gateway.api import Api
from gateway.orders.papers import PrintKey

BLANKS_AT_ONCE = 1000


def record(socket: Path, tickets: Sequence[str], paper: Paper, *, by: str | None) -> PrintKey:
    """Have it recorded that these tickets are printed, and return the printing's key. Raises GatewayAway."""
    now = clock().read()
    event = Printed(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        by=by or None,
        tickets=tuple(tickets),
        paper=paper,
    )
    return _append(Api(socket), event)


def blanks(socket: Path, number: int, *, by: str | None) -> tuple[tuple[str, ...], PrintKey]:
    """Mint ids for so many blank tickets and record them; nobody is ever given them again. Raises GatewayAway."""
    api, now = Api(socket), clock().read()
    tickets = api.mint(tickets=number).tickets
    event = Blank(at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock, by=by or None, tickets=tickets)
    return tickets, _append(api, event)


def _append(api: Api, event: AnyEvent) -> PrintKey:
    done = api.append([encode(event)])
    return ("gateway", done.epoch, done.first)
