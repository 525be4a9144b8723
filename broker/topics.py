"""The topics of the wire contract: building, parsing, subscription filters and the access list, from one type."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

ROOT = "mw/1"
"""Name and version of the contract."""

GATEWAY = "gateway"
"""The reserved firm, and the segment where an edge's id stands in topics the gateway writes."""

ID = re.compile(r"[a-z0-9-]{1,32}")
"""Firms, edges, stations and order keys: what an access list and a label can carry unescaped."""


class Kind(StrEnum):
    """The last fixed part of a topic."""

    HELLO = "hello"
    EVENTS = "events"
    RECEIPT = "receipt"
    PRESENCE = "presence"
    STATION = "station"
    ORDER = "order"


_WITH_ITEM = {Kind.STATION, Kind.ORDER}


class TopicError(ValueError):
    """The text is no topic of this contract; the message says why, for the log of set-aside messages."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `edge` is `gateway` for order views; `item` is the station or order key where the kind has one."""

    firm: str
    edge: str
    kind: Kind
    item: str | None = None

    def __str__(self) -> str:
        parts = [ROOT, self.firm, self.edge, self.kind.value]
        return "/".join([*parts, self.item] if self.item is not None else parts)

    @property
    def author(self) -> str:
        """The author id of events under this topic: `firm/edge`."""
        return author(self.firm, self.edge)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a topic name. Raises TopicError with one sentence for everything outside the contract."""
        parts = text.split("/")
        if parts[:2] != ROOT.split("/"):
            raise TopicError(f"{text!r} does not begin with {ROOT}")
        if len(parts) not in (5, 6):
            raise TopicError(f"{text!r} has {len(parts)} parts, expected 5 or 6")
        firm, edge, kind, *item = parts[2:]
        if kind not in Kind._value2member_map_:
            raise TopicError(f"{text!r} has the unknown kind {kind!r}")
        for name in (firm, edge, *item):
            if not ID.fullmatch(name):
                raise TopicError(f"{name!r} in {text!r} is not made of a-z, 0-9 and - (1 to 32 of them)")
        if bool(item) != (Kind(kind) in _WITH_ITEM):
            raise TopicError(f"{text!r} has {len(parts)} parts, which is wrong for the kind {kind!r}")
        return cls(firm, edge, Kind(kind), item[0] if item else None)


def author(firm: str, edge: str) -> str:
    """Return the author id of an edge. The gateway's own author id is plain `gateway`."""
    return f"{firm}/{edge}"


def subscription(kind: Kind, *, firm: str = "+", edge: str = "+") -> str:
    """Return the filter for one kind, for all firms and edges or for the named ones."""
    return "/".join([ROOT, firm, edge, kind.value, *(["+"] if kind in _WITH_ITEM else [])])


def order_subscription(firm: str) -> str:
    """Return the filter under which a firm's edges receive its retained order views."""
    return subscription(Kind.ORDER, firm=firm, edge=GATEWAY)


def access_list(gateway_user: str = GATEWAY) -> str:
    """Return Mosquitto's ACL file: user name = firm (from the certificate), client id = `firm.edge` (see `client_id`).

    An edge writes under its own firm only and reads its firm's receipts, presence, stations and order views; the
    gateway reads and writes everything below the root. Nothing else is granted.
    """
    firm = "%u"
    own = [subscription(kind, firm=firm) for kind in (Kind.HELLO, Kind.EVENTS, Kind.PRESENCE, Kind.STATION)]
    seen = [subscription(kind, firm=firm) for kind in (Kind.RECEIPT, Kind.PRESENCE, Kind.STATION)]
    lines = [
        "# Made by broker.topics.access_list(); a test says it is current. Do not edit by hand.",
        "# User name = firm, taken from the client certificate. What is not granted here is refused.",
        f"user {gateway_user}",
        f"topic readwrite {ROOT}/#",
        "topic read $SYS/broker/publish/messages/dropped",
        "",
        *(f"pattern write {line}" for line in own),
        *(f"pattern read {line}" for line in [*seen, order_subscription(firm)]),
    ]
    return "\n".join(lines) + "\n"


def client_id(firm: str, edge: str) -> str:
    """Return the MQTT client id of an edge: fixed, so that a second one with its id is noticed as a takeover."""
    return f"mw.{firm}.{edge}"
