"""Printing a page as a browser does, on the printer's dots, and reading what a scanner would read from the paper."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

_FORMATS = zxingcpp.barcode_formats_from_str("QRCode,Code128")


class Press:
    """One browser that prints everything, each document once. Pages come as images, grey as a laser printer has them."""

    def __init__(self, browser: Browser, directory: Path) -> None:
        self.browser, self._directory = browser, directory

    def pdf(self, html: str) -> Path:
        """Print a document and return it."""
        path = self._directory / f"{hashlib.sha256(html.encode()).hexdigest()[:16]}.pdf"
        if path.exists():
            return path
        page = self.browser.new_page()
        page.set_content(html)
        page.pdf(path=str(path), prefer_css_page_size=True, print_background=False)
        page.close()
        return path

    def pages(self, html: str, dpi: int = 203) -> list[Path]:
        """Print a document and return its pages as images of so many dots an inch."""
        pdf = self.pdf(html)
        name = pdf.with_name(f"{pdf.stem}-{dpi}")
        if not any(pdf.parent.glob(f"{name.name}-*.pgm")):
            subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", str(pdf), str(name)], check=True)
        return sorted(pdf.parent.glob(f"{name.name}-*.pgm"))


@contextmanager
def pressing(directory: Path) -> Iterator[Press]:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.fail("chromium is not installed: run `make test`, which says or installs what is needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield Press(browser, directory)
        browser.close()


def symbols(image: Path | Image.Image) -> list[zxingcpp.Barcode]:
    """Return every symbol on a page."""
    if isinstance(image, Image.Image):
        return list(zxingcpp.read_barcodes(image, formats=_FORMATS))
    with Image.open(image) as opened:
        return list(zxingcpp.read_barcodes(opened, formats=_FORMATS))


def texts(found: list[zxingcpp.Barcode], kind: str) -> list[str]:
    """Return the texts of one kind of symbol from top to bottom."""
    of_kind = [symbol for symbol in found if kind in str(symbol.format).replace(" ", "").replace("_", "")]
    return [symbol.text for symbol in sorted(of_kind, key=lambda symbol: symbol.position.top_left.y)]
