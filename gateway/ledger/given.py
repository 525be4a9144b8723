"""What the ledger gives back to the gateway's own people; crosses the API as JSON."""

from broker.events import Model


class Appended(Model):
    """Where events of the gateway's own went: keys (`gateway`, epoch, first) and the `count` - 1 following."""

    epoch: str
    first: int
    count: int
    last_position: int


class Minted(Model):
    """Fresh 共通番号 and ticket ids, recorded as given out."""

    numbers: tuple[str, ...]
    tickets: tuple[str, ...]
