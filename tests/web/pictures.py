"""The pictures of docs/orders.md (an awful file, and what is said of it) and docs/machine-figures.md (a machine's day).

python -m tests.web.pictures docs/images
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.orders.awful import awful
from tests.web import sample
from tests.web.conftest import Server, morning
from tests.web.machine_day import PAGE as MACHINE_PAGE
from tests.web.machine_day import put_machine

_WIDTH = 1280


def main(folder: Path) -> int:
    """Save import.png and machine.png."""
    with tempfile.TemporaryDirectory() as scratch, morning(Path(scratch)) as house, sync_playwright() as play:
        house.put(*sample.orders())
        put_machine(house)
        web = Server(house, Path(scratch))
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = chromium.new_page(viewport={"width": _WIDTH, "height": 900}, locale="ja-JP")
            _import(page, web.url, Path(scratch) / "注文書.xlsx")
            _save(page, folder / "import.png")
            page.goto(f"{web.url}{MACHINE_PAGE}?lang=ja")
            _save(page, folder / "machine.png")
        finally:
            chromium.close()
            web.kill()
    return 0


def _import(page: Page, url: str, file: Path) -> None:
    """Choose the file, answer what is asked, and look at it."""
    page.goto(f"{url}/orders/import?lang=ja")
    file.write_bytes(awful())
    page.set_input_files("input[type=file]", file)
    page.click("button.go")
    for name, column in (("c1", "drawing"), ("c10", "-")):
        page.select_option(f"select[name={name}]", column)
    for name in ("given_coordinator", "given_firm"):
        page.select_option(f"select[name={name}]", "turning")
    page.click("button[value=look]")


def _save(page: Page, picture: Path) -> None:
    """Save the whole page in few colours."""
    page.screenshot(path=picture, full_page=True)
    with Image.open(picture) as taken:
        small = taken.quantize(256)
    small.save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
