"""An order that stands in a running server, made without a file; what its tests share."""

from datetime import date
from secrets import token_hex

from broker.clock import clock
from broker.events import IssuedTicket, Order, OrderAction, OrderPart, Step, encode
from gateway.api import Api
from gateway.orders.projected import wait_orders
from gateway.state import State
from tests.orders.server import Server


def order(
    server: Server, *, firms: tuple[str, ...] = ("turning", "grinding"), quantity: int = 50
) -> tuple[str, str, str]:
    """Have an order written and shown; return its key, number and ticket."""
    api = Api.connect(server.settings.socket)
    minted, now, key = api.mint(numbers=1, tickets=1), clock().read(), token_hex(8)
    said = Order(
        at=now.at,
        mono_ms=now.mono_ms,
        boot=now.boot,
        clock=now.clock,
        by="test",
        action=OrderAction.CREATED,
        order=key,
        part=OrderPart(
            number=minted.numbers[0], part="軸", quantity=quantity, coordinator="inspection", due=date(2099, 12, 25)
        ),
        routing=tuple(Step(no=10 * n, name=f"工程{n}", firm=firm) for n, firm in enumerate(firms, start=1)),
        tickets=(IssuedTicket(id=minted.tickets[0], quantity=quantity),),
    )
    api.append([encode(said)])
    with State.open(server.settings.state_url) as state:
        assert wait_orders(state, [key], seconds=30)
    return key, minted.numbers[0], minted.tickets[0]
