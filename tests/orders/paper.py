"""Printing a page as a browser does, and reading what a scanner would read from the paper."""

import subprocess
from pathlib import Path

import zxingcpp
from PIL import Image

_FORMATS = zxingcpp.barcode_formats_from_str("QRCode,Code128")


def print_pdf(html: str, directory: Path) -> list[Path]:
    """Print a document with headless Chromium and return its pages as images of 200 dots an inch."""
    page, pdf = directory / "page.html", directory / "page.pdf"
    page.write_text(html, encoding="utf-8")
    subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={directory / 'chromium'}",
            f"--print-to-pdf={pdf}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    subprocess.run(["pdftoppm", "-r", "200", "-gray", "-png", str(pdf), str(directory / "page")], check=True)
    return sorted(directory.glob("page-*.png"))


def symbols(image: Path) -> list[zxingcpp.Barcode]:
    """Return every symbol on a page."""
    with Image.open(image) as opened:
        return list(zxingcpp.read_barcodes(opened, formats=_FORMATS))


def texts(found: list[zxingcpp.Barcode], kind: str) -> list[str]:
    """Return the texts of one kind of symbol from top to bottom."""
    of_kind = [symbol for symbol in found if kind in str(symbol.format).replace(" ", "").replace("_", "")]
    return [symbol.text for symbol in sorted(of_kind, key=lambda symbol: symbol.position.top_left.y)]
