"""The shape of a sheet of stickers: how many, how large, with which margins."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from broker.settings import Settings

A4_MM = (210.0, 297.0)
_EDGE_MM = 5.0
"""What most printers leave white at the edge of the paper; nothing of a sticker is printed there."""
_INSET_MM = 2.0
QR_MM, QUIET_MM = 18.0, 3.5
_NARROWEST_TEXT_MM = 16.0

_Length = Annotated[float, Field(ge=0, le=297)]


class Stickers(Settings):
    """A sheet of stickers, in mm. Margins that nobody gives are equal on both sides."""

    columns: Annotated[int, Field(ge=1, le=10)] = 3
    rows: Annotated[int, Field(ge=1, le=20)] = 8
    width: _Length = 70.0
    height: _Length = 37.0
    left: _Length | None = None
    top: _Length | None = None
    gap_x: _Length = 0.0
    gap_y: _Length = 0.0

    @model_validator(mode="after")
    def _on_the_sheet(self) -> Self:
        if min(self._margins) < 0:
            raise ValueError("ラベルが A4（210×297 mm）からはみ出します / the labels do not fit on A4 (210 x 297 mm)")
        if self.text_width < _NARROWEST_TEXT_MM or self.height < QR_MM + 2 * QUIET_MM:
            raise ValueError(
                "ラベルが小さすぎます。幅 48 mm、高さ 25 mm 以上を / labels are too small: 48 x 25 mm at least"
            )
        return self

    @property
    def a_sheet(self) -> int:
        return self.columns * self.rows

    @property
    def pitch_x(self) -> float:
        return self.width + self.gap_x

    @property
    def pitch_y(self) -> float:
        return self.height + self.gap_y

    @property
    def margin_left(self) -> float:
        return self.left if self.left is not None else (A4_MM[0] + self.gap_x - self.columns * self.pitch_x) / 2

    @property
    def margin_top(self) -> float:
        return self.top if self.top is not None else (A4_MM[1] + self.gap_y - self.rows * self.pitch_y) / 2

    @property
    def _margins(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the sheet."""
        right = A4_MM[0] + self.gap_x - self.margin_left - self.columns * self.pitch_x
        bottom = A4_MM[1] + self.gap_y - self.margin_top - self.rows * self.pitch_y
        return tuple(round(one, 3) for one in (self.margin_left, self.margin_top, right, bottom))  # type: ignore[return-value]

    @property
    def inset_x(self) -> float:
        """How far from a sticker's sides its contents stay, so that the outermost are off the paper's edge."""
        left, _, right, _ = self._margins
        return max(_INSET_MM, _EDGE_MM - min(left, right))

    @property
    def inset_y(self) -> float:
        _, top, _, bottom = self._margins
        return max(_INSET_MM, _EDGE_MM - min(top, bottom))

    @property
    def text_width(self) -> float:
        """What is left beside the QR code."""
        return self.width - 2 * self.inset_x - QR_MM - QUIET_MM
