"""The picture of docs/orders.md: an awful file chosen on the page, its columns answered, and what is then said of it.

python -m tests.web.pictures docs/images
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.orders.awful import awful
from tests.web import sample
from tests.web.conftest import Server, morning

_WIDTH = 1280


def main(folder: Path) -> int:
    """Save import.png."""
    with tempfile.TemporaryDirectory() as scratch, morning(Path(scratch)) as house, sync_playwright() as play:
        house.put(*sample.orders())
        web = Server(house, Path(scratch))
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = chromium.new_page(viewport={"width": _WIDTH, "height": 900}, locale="ja-JP")
            page.goto(f"{web.url}/orders/import?lang=ja")
            file = Path(scratch) / "注文書.xlsx"
            file.write_bytes(awful())
            page.set_input_files("input[type=file]", file)
            page.click("button.go")
            for name, column in (("c1", "drawing"), ("c10", "-")):
                page.select_option(f"select[name={name}]", column)
            for name in ("given_coordinator", "given_firm"):
                page.select_option(f"select[name={name}]", "turning")
            page.click("button[value=look]")
            picture = Path(scratch) / "import.png"
            page.screenshot(path=picture, full_page=True)
        finally:
            chromium.close()
            web.kill()
        with Image.open(picture) as taken:
            taken.quantize(64).save(folder / "import.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
