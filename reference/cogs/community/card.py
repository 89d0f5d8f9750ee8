"""The welcome card: avatar, name and place on one picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageOps

from .fonts import draw_text, fit, text_width

if TYPE_CHECKING:
    from .fonts import Colour

__all__ = ["CARD_SIZE", "draw_card"]

CARD_SIZE = (900, 280)
"""Pixels."""

AVATAR = 200
LEFT, TEXT_LEFT, RIGHT = 40, 280, 860
BACK, WHITE, GREY = (35, 39, 47), (255, 255, 255), (178, 184, 196)
PLAIN = (88, 101, 242)
"""The accent of somebody whose avatar is not there."""

MOST_PIXELS = 4096 * 4096
FINE = 3
"""Round shapes are drawn so much larger and scaled down, so that their edges are smooth."""


def draw_card(name: str, greeting: str, below: str, avatar: bytes | None) -> bytes:
    """Draw a card.

    Args:
        name: of the person, however long.
        greeting: above the name.
        below: below it.
        avatar: a picture in any format; None where it could not be had, or a broken one, for the first letter.

    Returns:
        A PNG.
    """
    picture = _opened(avatar) if avatar else None
    accent = _accent(picture) if picture else PLAIN
    image = Image.new("RGB", CARD_SIZE, BACK)
    _shade(image, accent)
    place = (LEFT, (CARD_SIZE[1] - AVATAR) // 2)
    flat, mask = _round(picture or _letter(name))
    image.paste(flat, place, mask)
    _ring(image, place, accent)
    _write(image, greeting, 92, range(34, 20, -2), GREY)
    _write(image, name, 162, range(64, 30, -2), WHITE)
    _write(image, below, 218, range(30, 18, -2), GREY)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _write(image: Image.Image, text: str, baseline: int, sizes: range, fill: Colour) -> None:
    shown, size = fit(text, RIGHT - TEXT_LEFT, sizes)
    draw_text(image, (TEXT_LEFT, baseline), shown, size, fill)


def _opened(data: bytes) -> Image.Image | None:
    """Return a picture, cut to a square; None where the bytes are none, or too large a one."""
    try:
        with Image.open(io.BytesIO(data)) as found:
            if found.width * found.height > MOST_PIXELS:
                return None
            return ImageOps.fit(found.convert("RGBA"), (AVATAR, AVATAR))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _accent(picture: Image.Image) -> tuple[int, int, int]:
    """Return the colour of a picture on the whole, not too dark for a line."""
    pixel = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    colour = pixel if isinstance(pixel, tuple) else PLAIN
    brightest = max(*colour, 1)
    scale = max(1.0, 160 / brightest)
    return (min(255, int(colour[0] * scale)), min(255, int(colour[1] * scale)), min(255, int(colour[2] * scale)))


def _shade(image: Image.Image, accent: tuple[int, int, int]) -> None:
    """Let the background fade into the accent towards the right, and draw a line of it below."""
    ramp = Image.linear_gradient("L").rotate(90).resize(CARD_SIZE).point(lambda level: level * 70 // 255)
    image.paste(Image.new("RGB", CARD_SIZE, accent), (0, 0), ramp)
    ImageDraw.Draw(image).rectangle((0, CARD_SIZE[1] - 8, CARD_SIZE[0], CARD_SIZE[1]), fill=accent)


def _round(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Return a picture without transparency, and the mask that makes it round."""
    flat = Image.new("RGB", picture.size, BACK)
    flat.paste(picture, (0, 0), picture)
    mask = Image.new("L", (AVATAR * FINE, AVATAR * FINE), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, AVATAR * FINE - 1, AVATAR * FINE - 1), fill=255)
    return flat, mask.resize((AVATAR, AVATAR), Image.Resampling.LANCZOS)


def _ring(image: Image.Image, place: tuple[int, int], accent: tuple[int, int, int]) -> None:
    size = AVATAR + 16
    mask = Image.new("L", (size * FINE, size * FINE), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, size * FINE - 1, size * FINE - 1), outline=255, width=6 * FINE)
    small = mask.resize((size, size), Image.Resampling.LANCZOS)
    image.paste(Image.new("RGB", (size, size), accent), (place[0] - 8, place[1] - 8), small)


def _letter(name: str) -> Image.Image:
    """Return a disc with the first letter of a name."""
    image = Image.new("RGBA", (AVATAR, AVATAR), PLAIN)
    first = next((char.upper() for char in name if char.isalnum()), "?")
    size = 110
    draw_text(image, ((AVATAR - text_width(first, size)) / 2, AVATAR / 2 + size * 0.36), first, size, WHITE)
    return image
