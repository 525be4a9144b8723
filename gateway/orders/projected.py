"""Waiting until the state has taken in what the ledger holds: what commands do between asking and looking."""

import time

from gateway.state import State

_LOOK_SECONDS = 0.05


def wait_folded(state: State, key: str, position: int, *, seconds: float) -> bool:
    """Wait until every row up to `position` is taken in, and this order folded again; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while state.cursor() < position or state.waits(key):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def wait_projected(state: State, position: int, *, seconds: float) -> bool:
    """Wait until every row up to `position` is taken in, folded, and its facts written; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while state.cursor() < position or state.unfinished():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def wait_orders(state: State, keys: list[str], *, seconds: float) -> bool:
    """Wait until these orders are known; False if that took longer than `seconds`."""
    deadline = time.monotonic() + seconds
    for key in keys:
        while not ((kept := state.order(key)) and kept.state.known):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
    return True


def wait_change(state: State, key: str, words: int, *, seconds: float) -> bool:
    """Wait until an order is made of more than so many words of the office; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ((kept := state.order(key)) and len(kept.state.history) > words):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
