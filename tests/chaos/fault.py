"""What a fault is to the runner: a number, what the table says of it, and a function that plays it on a floor."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.floor import Floor, Verdict


class Outcome:
    """What was done, in words, and what came of it."""

    def __init__(self, done: str, verdict: Verdict, **expected: bool) -> None:
        """`expected`: what must have held besides the conditions of the table, by name."""
        self.done, self.verdict = done, verdict
        verdict.wrong += [f"not so: {name.replace('_', ' ')}" for name, held in expected.items() if not held]


@dataclass(frozen=True)
class Fault:
    """One line of the table. `play` injures the floor, heals it and returns what held."""

    what: str
    play: Callable[[Floor], Outcome]
    in_tests: bool = False
    """Whether `make test` plays its short form; of the others it has chapters of its own, on the parts concerned."""
    alone: bool = False
    """Whether it has a floor of its own: so many events would slow whatever is played after them."""
