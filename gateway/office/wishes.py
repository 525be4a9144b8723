"""What the office may ask of an order that exists. Only shapes; what comes of each stands in `gateway.office.plan`."""

from dataclasses import dataclass
from datetime import date

from broker.events import OrderPart


@dataclass(frozen=True, slots=True)
class Alter:
    """変更: other numbers, dates, texts. `cleared` names fields that are to hold nothing.

    `ticket`: the lot that takes or gives the pieces of another quantity, if there are several; None: the last one.
    """

    part: OrderPart
    cleared: tuple[str, ...] = ()
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """保留: a mark, and perhaps how many pieces."""

    pieces: int | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """解除: takes back a hold or a cancellation."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """取消: nobody is to work on it any more."""


@dataclass(frozen=True, slots=True)
class Reroute:
    """工程変更: one step goes to another firm, or to another machine there."""

    step: int
    firm: str
    station: str | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to add. `no` None: after the last one."""

    name: str
    firm: str
    no: int | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Restep:
    """工程を足す・なくす: steps to add, and the numbers of those to leave out, which goes first."""

    add: tuple[NewStep, ...] = ()
    drop: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Divide:
    """分割: so many pieces of a lot go on under a paper of their own. `ticket` None: the order's only lot."""

    pieces: int
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Give:
    """番号不明の票を、ある受注のものとする: `order` is that order's key."""

    order: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """番号不明の票を、新しい受注とする."""

    part: OrderPart


Wish = Alter | Hold | Release | Cancel | Reroute | Restep | Divide | Give | Name
