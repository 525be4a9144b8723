"""What corrections take out, and who may: for folding an order and for whose a ticket is (`gateway.index`).

Which rows are corrections, and of what, is for those to say.
"""

from collections.abc import Mapping

from broker.events import Handover, Work
from broker.topics import GATEWAY

Key = tuple[str, str, int]
"""A row's key in the ledger: author, epoch, seq."""


def voided(targets: Mapping[Key, Key]) -> set[Key]:
    """Return the keys of the rows that are void. `targets`: what each correction that is allowed asks to void.

    A correction is in force when every correction of it is void, and void when one in force names it. Those that go
    round in a circle are neither and do nothing.

    >>> row, undo, redo = ("a/e1", "", 1), ("a/e1", "", 2), ("a/e1", "", 3)
    >>> voided({undo: row}) == {row}, voided({undo: row, redo: undo}) == {undo}
    (True, True)
    """
    against: dict[Key, list[Key]] = {}
    for key, target in targets.items():
        against.setdefault(target, []).append(key)
    standing = {key: len(against.get(key, ())) for key in targets}  # corrections of it that are not void
    void: set[Key] = set()
    settled = [key for key, count in standing.items() if not count]
    while settled:
        target = targets[settled.pop()]
        if target in void:
            continue
        void.add(target)
        if (above := targets.get(target)) in standing:  # a correction that is void itself counts against nothing
            standing[above] -= 1
            if not standing[above]:
                settled.append(above)
    return void


def firm_of(author: str, event: object) -> str:
    """Return whose a row is: its author's firm, or the one that the gateway speaks for, else `gateway`."""
    if author == GATEWAY:
        return (event.firm or GATEWAY) if isinstance(event, Work | Handover) else GATEWAY
    return author.partition("/")[0]


def may_void(author: str, firm: str) -> bool:
    """Whether a correction by this author reaches a row of this firm: an edge its own firm's rows, the gateway all."""
    return author == GATEWAY or author.partition("/")[0] == firm
