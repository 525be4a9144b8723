"""What a bench measured, held against what it must be."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Budget(NamedTuple):
    """One line of the table: what is measured, where it stands in the bench's JSON, and what it must be."""

    what: str
    value: Callable[[dict[str, Any]], float]
    least: float | None = None
    most: float | None = None
    unit: str = ""

    def line(self, result: dict[str, Any]) -> tuple[str, bool]:
        """Return the line to print, and whether the budget holds."""
        value = self.value(result)
        good = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        bound = (
            f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}" if self.most is not None else "-"
        )
        return f"{self.what:<66} {value:>12,.2f} {self.unit:<9} {bound:>10}  {'ok' if good else 'SHORT'}", good
