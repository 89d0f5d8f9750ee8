"""Text of any script on pictures, with the fonts that the machine has.

A text is parted into runs, each drawn with the first font that has its letters; colour emoji too. What no font has
cannot be drawn: `is_drawable` tells it beforehand, so that the caller may write something else. Where a machine has no
fonts at all, Pillow's own one draws plain Latin.
"""

from __future__ import annotations

import os
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["draw_text", "fit", "is_drawable", "text_width"]

PREFERRED = (
    "notosans-regular",
    "dejavusans",
    "segoeui",
    "arial",
    "notosansthai-regular",
    "garuda",
    "leelawui",
    "tahoma",
    "notosanscjk-regular",
    "msyh",
    "yugothm",
    "malgun",
    "notosansarabic-regular",
    "notosanshebrew-regular",
    "notosansdevanagari-regular",
    "nirmala",
    "seguisym",
    "notocoloremoji",
    "seguiemj",
)
"""Names of font files, the best first; after them come all other regular ones of the Noto Sans family."""

SUFFIXES = frozenset({".ttf", ".ttc", ".otf"})
EMOJI_SIZE = 109
"""Pixels; the one size that bitmap emoji have, from which they are scaled."""

ABSENT = "\U0010fffe"
"""A character that no font has: what is drawn for it is what is drawn for all that are missing."""

NEUTRAL = frozenset({"Zs", "Cf", "Mn", "Mc", "Me"})
"""Kinds of characters that are drawn with the font of those before them: spaces, marks, joiners."""

PICTURES = "\U0001f000"
"""From this character on most are pictures, which look best in colour."""

NOTHING = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Kinds that are no characters to anybody else: controls, unassigned and private ones, halves of pairs."""

ELLIPSIS = "…"
Colour = str | tuple[int, int, int]


class Run(NamedTuple):
    """A part of a text that is drawn with one font; None for Pillow's own."""

    font: Path | None
    text: str


def folders() -> list[Path]:
    """Return where fonts are on this machine."""
    home, windows = Path.home(), Path(os.environ.get("WINDIR", "C:/Windows"))
    local = os.environ.get("LOCALAPPDATA")
    places = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"]
    places += [windows / "Fonts", Path("/System/Library/Fonts"), Path("/Library/Fonts")]
    places += [Path(local) / "Microsoft/Windows/Fonts"] if local else []
    return [place for place in places if place.is_dir()]


@cache
def font_files() -> tuple[Path, ...]:
    """Return the fonts to draw with, the best first."""
    found: dict[str, Path] = {}
    for folder in folders():
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                found.setdefault(file.stem.lower(), file)
    best = [found[name] for name in PREFERRED if name in found]
    others = [name for name in sorted(found) if name.startswith("notosans") and name.endswith("-regular")]
    return (*best, *(found[name] for name in others if name not in PREFERRED))


def is_drawable(text: str) -> bool:
    """Tell whether there is a font for each letter of a text; other characters do not count."""
    return all(_font_for(char)[1] for char in text if char.isalnum())


def text_width(text: str, size: int) -> float:
    """Return how wide a text is, in pixels."""
    return sum(_width(run, size) for run in _runs(text))


def fit(text: str, width: float, sizes: range) -> tuple[str, int]:
    """Return a text and the largest size in which it fits; one that fits in none is cut.

    Args:
        text: the text.
        width: pixels that there are.
        sizes: those that may be used, from the largest down.
    """
    line = " ".join(text.split())
    size = next((size for size in sizes if text_width(line, size) <= width), sizes[-1])
    if text_width(line, size) <= width:
        return line, size
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(line[:middle] + ELLIPSIS, size) <= width else (low, middle - 1)
    while low and low < len(line) and unicodedata.category(line[low]) in NEUTRAL:
        low -= 1  # a letter and its marks stay together
    return line[:low].rstrip() + ELLIPSIS, size


def draw_text(image: Image.Image, place: tuple[float, float], text: str, size: int, fill: Colour) -> float:
    """Draw a text.

    Args:
        image: on which.
        place: where its baseline begins.
        text: one line.
        size: pixels.
        fill: the colour; emoji have their own.

    Returns:
        Where the text ends.
    """
    x, y = place
    draw = ImageDraw.Draw(image)
    for run in _runs(text):
        if _is_emoji(run.font):
            _paste_emoji(image, (round(x), round(y)), run, size)
        else:
            draw.text((x, y), run.text, fill=fill, font=_face(run.font, size), anchor="ls")
        x += _width(run, size)
    return x


def _runs(text: str) -> Iterator[Run]:
    """Part a text by the fonts that its characters need; what cannot be drawn is left out."""
    font: Path | None = None
    part = ""
    for char in text:
        kind = unicodedata.category(char)
        if kind in NOTHING:
            continue
        if kind in NEUTRAL and part:
            part += char
            continue
        found, is_there = _font_for(char)
        if not is_there:
            continue
        if part and found != font:
            yield Run(font, part)
            part = ""
        font, part = found, part + char
    if part:
        yield Run(font, part)


@lru_cache(maxsize=8192)
def _font_for(char: str) -> tuple[Path | None, bool]:
    """Return the font that has a character, and whether there is one."""
    if unicodedata.category(char) in NEUTRAL:
        return (next(iter(font_files()), None), True)
    fonts = sorted(font_files(), key=lambda font: not _is_emoji(font)) if char >= PICTURES else font_files()
    for font in (*fonts, None):
        if _has(font, char):
            return font, True
    return None, False


def _has(font: Path | None, char: str) -> bool:
    face = _face(font, EMOJI_SIZE)
    mask = face.getmask(char)
    return mask.size[0] > 0 and (mask.size, bytes(mask)) != _missing(font)


@lru_cache(maxsize=512)
def _missing(font: Path | None) -> tuple[tuple[int, int], bytes]:
    mask = _face(font, EMOJI_SIZE).getmask(ABSENT)
    return mask.size, bytes(mask)


@lru_cache(maxsize=256)
def _face(font: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if font is not None:
        return ImageFont.truetype(font, size)
    plain = ImageFont.load_default(size)
    if not isinstance(plain, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType and cannot draw text: install a wheel of it")
    return plain


def _is_emoji(font: Path | None) -> bool:
    return font is not None and "emoj" in font.stem.lower()


def _width(run: Run, size: int) -> float:
    if _is_emoji(run.font):
        return _face(run.font, EMOJI_SIZE).getlength(run.text) * size / EMOJI_SIZE
    return _face(run.font, size).getlength(run.text)


def _paste_emoji(image: Image.Image, place: tuple[int, int], run: Run, size: int) -> None:
    """Draw emoji in their own colours, scaled to the size of the text."""
    face = _face(run.font, EMOJI_SIZE)
    width, height = max(1, int(face.getlength(run.text))), round(EMOJI_SIZE * 1.3)
    drawn = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    ImageDraw.Draw(drawn).text((0, EMOJI_SIZE), run.text, font=face, embedded_color=True, anchor="ls")
    scale = size / EMOJI_SIZE
    small = drawn.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    image.paste(small, (place[0], place[1] - round(EMOJI_SIZE * scale)), small)
