"""Charts of numbers: bars beside names, and bars by day."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from .fonts import draw_text, fit, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bar", "draw_columns", "draw_ranking"]

WIDTH, MARGIN, ROW = 900, 40, 54
"""Pixels."""

COLUMNS_HEIGHT, FLOOR, CEILING = 420, 350, 110
NAME_WIDTH = 230
BACK, LINE, TEXT, GREY, BAR = (35, 39, 47), (64, 70, 82), (255, 255, 255), (178, 184, 196), (88, 101, 242)
MEDALS = ((250, 204, 21), (203, 213, 225), (217, 119, 6))
"""The colours of the first three."""


class Bar(NamedTuple):
    """A number with its name.

    Attributes:
        shown: the number as it is written.
    """

    name: str
    value: int
    shown: str


def draw_ranking(title: str, bars: Sequence[Bar]) -> bytes:
    """Draw bars beside names, the largest first; returns a PNG.

    Args:
        title: above.
        bars: in their order.
    """
    image = Image.new("RGB", (WIDTH, 110 + ROW * max(1, len(bars))), BACK)
    _title(image, title)
    most = max((bar.value for bar in bars), default=0)
    for number, bar in enumerate(bars):
        _row(image, number, bar, most)
    return _png(image)


def _row(image: Image.Image, number: int, bar: Bar, most: int) -> None:
    top = 90 + ROW * number
    baseline = top + 30
    draw_text(image, (MARGIN, baseline), f"{number + 1}", 24, MEDALS[number] if number < len(MEDALS) else GREY)
    name, size = fit(bar.name, NAME_WIDTH, range(24, 15, -1))
    draw_text(image, (MARGIN + 44, baseline), name, size, TEXT)
    left = MARGIN + 44 + NAME_WIDTH + 16
    room = WIDTH - MARGIN - left - text_width(bar.shown, 22) - 14
    length = round(room * bar.value / most) if most else 0
    colour = MEDALS[number] if number < len(MEDALS) else BAR
    ImageDraw.Draw(image).rounded_rectangle((left, top + 4, left + max(8, length), top + 36), 6, fill=colour)
    draw_text(image, (left + max(8, length) + 12, baseline), bar.shown, 22, TEXT)


def draw_columns(title: str, bars: Sequence[Bar]) -> bytes:
    """Draw bars one beside the other, such as days; returns a PNG.

    Args:
        title: above.
        bars: in their order; the names of every other one are written where all do not fit.
    """
    image = Image.new("RGB", (WIDTH, COLUMNS_HEIGHT), BACK)
    _title(image, title)
    draw = ImageDraw.Draw(image)
    draw.line((MARGIN, FLOOR, WIDTH - MARGIN, FLOOR), fill=LINE, width=2)
    most = max((bar.value for bar in bars), default=0)
    step = (WIDTH - 2 * MARGIN) / max(1, len(bars))
    for number, bar in enumerate(bars):
        left = MARGIN + step * number + step * 0.15
        height = round((FLOOR - CEILING) * bar.value / most) if most else 0
        if height:
            draw.rounded_rectangle((left, FLOOR - max(4, height), left + step * 0.7, FLOOR - 1), 4, fill=BAR)
        if bar.value:
            _centred(image, left + step * 0.35, FLOOR - max(4, height) - 8, bar.shown, 16, TEXT)
        if step >= text_width(bar.name, 16) + 6 or number % 2 == 0:
            _centred(image, left + step * 0.35, FLOOR + 26, bar.name, 16, GREY)
    return _png(image)


def _title(image: Image.Image, title: str) -> None:
    shown, size = fit(title, WIDTH - 2 * MARGIN, range(34, 18, -2))
    draw_text(image, (MARGIN, 58), shown, size, TEXT)


def _centred(
    image: Image.Image, middle: float, baseline: float, text: str, size: int, fill: tuple[int, int, int]
) -> None:
    draw_text(image, (middle - text_width(text, size) / 2, baseline), text, size, fill)


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
