"""Printed symbols as inline SVG: QR and Code 128. What they say is `broker.codes`' business."""

import math
import re
from dataclasses import dataclass

import segno
from barcode.codex import Code128
from markupsafe import Markup

QR_QUIET_MODULES = 4
"""ISO/IEC 18004, 5.3.8: clear on all four sides; the page's layout keeps it."""
CODE128_QUIET_MODULES = 10
"""ISO/IEC 15417, 4.2: clear at both ends; drawn into the symbol."""
NARROWEST_MM = 0.25
"""A Code 128 module: two dots of a 203 dpi label printer, and what common laser scanners read without care."""
DOT_MM = 0.125
"""One dot of a label printer of 8 dots/mm (203 dpi)."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A drawing and how wide it is to be printed."""

    svg: Markup
    width_mm: float


def qr(text: str) -> Markup:
    """Return a QR code without its quiet zone, level M or better at the same size."""
    symbol = segno.make(text, micro=False, error="m")
    svg = symbol.svg_inline(border=0, omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg.replace("<svg ", '<svg shape-rendering="crispEdges" ', 1))  # noqa: S704 - segno's drawing of our own code


def qr_on_dots(text: str, *, most_mm: float) -> Symbol:
    """Return a QR code whose modules are whole dots of a label printer, as large as fits."""
    modules = segno.make(text, micro=False, error="m").symbol_size(border=0)[0]
    dots = math.floor(most_mm / modules / DOT_MM)
    return Symbol(qr(text), modules * dots * DOT_MM)


def code128(text: str, *, height_modules: int = 32) -> Markup:
    """Return a Code 128 with its quiet zones, without the text beneath."""
    (modules,) = Code128(text).build()
    bars = "".join(
        f"M{bar.start() + CODE128_QUIET_MODULES} 0h{len(bar[0])}v{height_modules}h-{len(bar[0])}z"
        for bar in re.finditer("1+", modules)
    )
    width = len(modules) + 2 * CODE128_QUIET_MODULES
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="code128" shape-rendering="crispEdges" preserveAspectRatio="none" '
        f'viewBox="0 0 {width} {height_modules}"><path d="{bars}"/></svg>'
    )


def code128_on_dots(text: str, *, most_mm: float) -> Symbol | None:
    """Return a Code 128 whose modules are whole dots of a label printer; None if it would be too fine to read."""
    (modules,) = Code128(text).build()
    width = len(modules) + 2 * CODE128_QUIET_MODULES
    dots = math.floor(most_mm / width / DOT_MM)
    return Symbol(code128(text), width * dots * DOT_MM) if dots * DOT_MM >= NARROWEST_MM else None
