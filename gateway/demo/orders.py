"""The demo's orders, as the CSV file an office would bring: several firms, some in several lots."""

import csv
import io
import random
from collections.abc import Sequence
from datetime import date, timedelta

from gateway.demo.floor import COORDINATORS, ROUTINGS, Firm
from gateway.orders.columns import HEADINGS, Column

_PARTS = (
    ("バルブボディ", "VB", "SUS316L", "φ40×62"),
    ("スペーサ", "SP", "A5052", "φ60×12"),
    ("シャフト", "SH", "S45C", "φ25×180"),
    ("フランジ", "FL", "SUS304", "φ90×22"),
    ("カラー", "CO", "C3604", "φ30×15"),
    ("ガイドピン", "GP", "SKD11", "φ12×80"),
    ("ノズル", "NZ", "SUS303", "φ18×45"),
    ("ブッシュ", "BU", "CAC406", "φ35×40"),
)
_COLUMNS = (
    *(Column.OWN_NUMBER, Column.CUSTOMER_NUMBER, Column.CUSTOMER, Column.PART, Column.DRAWING, Column.REVISION),
    *(Column.MATERIAL, Column.SIZE, Column.QUANTITY, Column.SPARE, Column.LOTS, Column.DUE, Column.COORDINATOR),
    *(Column.SERIES, Column.STEP_NO, Column.STEP, Column.FIRM, Column.KIND, Column.STEP_DUE),
)


def order_file(count: int, *, first: int, today: date, seed: int, firms: Sequence[Firm]) -> bytes:
    """Return an order file with orders `first` to `first + count - 1`. The same arguments give the same bytes."""
    by_id = {firm.id: firm for firm in firms}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([HEADINGS[column].ja for column in _COLUMNS])
    for number in range(first, first + count):
        chosen = random.Random(f"{seed} {number}")  # noqa: S311 - a simulation
        (route,) = chosen.choices([way for _, way in ROUTINGS], [weight for weight, _ in ROUTINGS])
        due = today + timedelta(days=chosen.randint(3, 30))
        order = _order(number, chosen, due)
        for index, firm in enumerate(route):
            visits = route[:index].count(firm)
            steps = by_id[firm].steps
            step = [str(10 * (index + 1)), steps[(visits + number) % len(steps)], firm, by_id[firm].kind.value]
            left = len(route) - 1 - index
            writer.writerow([*(order if index == 0 else [""] * len(order)), *step, due - timedelta(days=2 * left)])
    return text.getvalue().encode("utf-8-sig")


def _order(number: int, chosen: random.Random, due: date) -> list[object]:
    part, prefix, material, size = chosen.choice(_PARTS)
    lots = chosen.choices((1, 2, 3), (60, 28, 12))[0]
    quantity = chosen.choice((8, 12, 20, 24, 30, 48, 60)) * lots
    return [
        f"D-{number:05d}",
        f"PO-{88000 + number}",
        f"客先{chosen.choice('ABCDEF')}",
        part,
        f"{prefix}-{chosen.randint(100, 3999):04d}",
        chosen.choice("ABC"),
        material,
        size,
        quantity,
        chosen.choice((0, 0, 1, 2)),
        lots,
        due.isoformat(),
        COORDINATORS[number % len(COORDINATORS)],
        chosen.choice(("量産", "量産", "試作")),
    ]
