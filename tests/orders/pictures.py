"""The pictures of docs/papers.md: every paper printed by Chromium, its first page saved, its symbols counted.

python -m tests.orders.pictures docs/images
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from broker.events import OperationKind, Paper
from gateway.orders.blank_page import render_blanks
from gateway.orders.card_page import render_badges, render_cards, render_digits, render_stations
from gateway.orders.label_page import render_labels
from gateway.orders.stickers import Stickers
from gateway.orders.ticket_page import render
from gateway.rules.order import Operation, OrderState, State
from gateway.settings import Firm
from tests.orders.paper import pressing, symbols
from tests.orders.test_printing import BLANKS
from tests.orders.test_ticket_page import GATEWAY, TODAY, order

_DPI = 100
_READ_DPI = (203, 300)
_FIRMS = (*GATEWAY.firms, Firm(id="plating", name="めっきの会社"), Firm(id="inspection", name="検査の会社"))
_GATEWAY = GATEWAY.model_copy(update={"firms": _FIRMS})
_STATIONS = {"nc-1": "NC旋盤 1号機", "nc-2": "NC旋盤 2号機", "mc-1": "マシニング", "bench-1": "検査台"}


def usual() -> OrderState:
    """An order that goes round three firms."""
    route = (
        (10, "旋削 1・2次", "turning", OperationKind.MACHINING, "nc-3"),
        (20, "円筒研削 φ24h6", "grinding", OperationKind.MACHINING, "cg-1"),
        (30, "硬質クロムめっき 20μm", "plating", OperationKind.SPECIAL, None),
        (40, "最終検査・梱包", "inspection", OperationKind.INSPECTION, None),
    )
    steps = (Operation(no, name, firm, kind, State.WAITING, None, station=at) for no, name, firm, kind, at in route)
    return order(*steps)


def papers() -> dict[str, str]:
    """Return every paper there is as a document, by the name of its picture."""
    one = usual()
    return {
        "ticket": render(one, _GATEWAY, TODAY),
        "ticket-a5": render(one, _GATEWAY, TODAY, paper=Paper.A5),
        "box-label": render_labels(one, _GATEWAY, TODAY, each=20),
        "blanks": render_blanks(BLANKS, _GATEWAY, Stickers(), TODAY),
        "stations": render_stations("旋削の会社", _STATIONS),
        "cards": render_cards("旋削の会社"),
        "digits": render_digits("旋削の会社"),
        "badges": render_badges("旋削の会社", {"sato": "佐藤", "tanaka": "田中"}),
    }


def main(folder: Path) -> int:
    """Print, save and count; status 1 if a symbol was read at one resolution and not at the other."""
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch, pressing(Path(scratch)) as press:
        for name, html in papers().items():
            with Image.open(press.pages(html, _DPI)[0]) as page:
                page.quantize(16).save(folder / f"{name}.png", optimize=True)
            counts = [sum(len(symbols(page)) for page in press.pages(html, dpi)) for dpi in _READ_DPI]
            wrong += len(set(counts)) > 1
            print(
                f"{name:<10} {' '.join(f'{n} symbols read at {dpi} dpi' for n, dpi in zip(counts, _READ_DPI, strict=True))}"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
