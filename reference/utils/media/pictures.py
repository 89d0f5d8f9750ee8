"""What Pillow has to be told so that any picture that people post comes out right (audit finding F16)."""

from __future__ import annotations

import io
import math
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image

MAX_PIXELS = 89_478_485
"""Pixels of the largest picture that is decoded, 256 MB of RGB; also where Pillow begins to warn."""

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "ICO", "PPM", "TGA", "JPEG2000", "QOI")
"""What is opened. Formats that run a program (EPS), or that hold something else in the end (PDF, WMF), are not."""

ANIMATED_FORMATS = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
ORIENTATION = 0x0112
"""The EXIF tag."""

ON_ITS_SIDE = 5
"""From this orientation on, width and height change places."""

TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes a picture upright, by orientation."""

MODES = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("LA", "La"), "LA"),
    **dict.fromkeys(("P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
    **dict.fromkeys(("PA", "RGBA", "RGBa"), "RGBA"),
}
"""What each mode of Pillow with 8 bits is shown as, where nothing else makes it transparent."""

DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
FOREIGN_COLOURS = frozenset({"CMYK", "LAB", "YCbCr", "HSV"})

LARGEST_PROFILE = 256 * 1024
"""Bytes of a colour profile that is handed on."""


class ImageError(ValueError):
    """The data are no picture that can be used; the text is a sentence for the user."""


class ImageTooLargeError(ImageError):
    """The picture has more pixels than are decoded."""


@contextmanager
def opened(data: bytes) -> Iterator[Image]:
    """Open a picture, of which only the header is read; too large a one is refused before it takes memory.

    Raises:
        ImageTooLargeError: it has more than `MAX_PIXELS` pixels.
        ImageError: it is none of `FORMATS`, or is damaged.
    """
    from PIL import Image  # noqa: PLC0415  heavy, and not needed before the first picture

    with decoding():
        Image.init()
        image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise ImageTooLargeError(f"the picture has more than {MAX_PIXELS / 1e6:.0f} million pixels")
        if not image.width or not image.height:
            raise ImageError("the picture has no pixels")
        yield image


@contextmanager
def decoding() -> Iterator[None]:
    """Turn everything that damaged data make Pillow raise into `ImageError`."""
    from PIL import Image  # noqa: PLC0415

    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageTooLargeError(f"the picture is too large: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, struct.error, TypeError) as error:
        raise ImageError(f"that is no picture, or a damaged one: {error}") from error


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size in a box with the proportions of `size`, not above it, and of 1 pixel at least.

    Args:
        size: width and height in pixels, both at least 1.
        box: the same of the box.
    """
    width, height = size
    scale = min(1.0, box[0] / width, box[1] / height)
    return max(1, min(box[0], round(width * scale))), max(1, min(box[1], round(height * scale)))


def orientation(image: Image) -> int:
    """Return the EXIF orientation that is still to be applied, 1 to 8; a broken one counts as upright."""
    if image.format == "TIFF":  # Pillow turns these by itself
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001  damaged metadata are no reason to refuse a picture
        return 1
    return value if value in range(1, 9) else 1


def upright_size(image: Image) -> tuple[int, int]:
    """Return width and height as a viewer shows them."""
    return image.size if orientation(image) < ON_ITS_SIDE else (image.height, image.width)


def is_animated(image: Image) -> bool:
    """Tell whether there is a second frame that follows the first."""
    return image.format in ANIMATED_FORMATS and bool(getattr(image, "is_animated", False))


def is_plain(image: Image) -> bool:
    """Tell whether a picture needs nothing but scaling."""
    if image.format not in {"JPEG", "PNG"} or image.mode != "RGB" or is_animated(image):
        return False
    return orientation(image) == 1 and not image.info.keys() & {"icc_profile", "transparency"}


def fitted(image: Image, box: tuple[int, int], prepare: Callable[[Image], Image]) -> Image:
    """Return the first frame, upright and within a box.

    A JPEG is decoded at a half, a quarter or an eighth where that is no smaller than what is wanted. With Lanczos for
    the rest this takes half the time of `Image.thumbnail`, and comes nearer to what all pixels together would give.

    Args:
        image: a picture of `opened`.
        box: width and height in pixels.
        prepare: makes its mode one that can be scaled.
    """
    from PIL.Image import Resampling, Transpose  # noqa: PLC0415

    turn = orientation(image)
    size = fit(image.size, box if turn < ON_ITS_SIDE else box[::-1])
    if size != image.size:
        image.draft(None, size)
    picture = prepare(image)
    if size != picture.size:
        picture = picture.resize(size, Resampling.LANCZOS, reducing_gap=2.0)
    return picture if turn == 1 else picture.transpose(Transpose[TURNS[turn]])


def displayable(image: Image) -> Image:
    """Convert any mode of Pillow to L, LA, RGB or RGBA, without losing what the picture shows (audit finding F16)."""
    image.load()
    if image.mode in DEEP_MODES:
        return _eight_bits(image)
    wanted = MODES[image.mode]
    if image.mode not in {"LA", "La"} and image.has_transparency_data:
        wanted = "LA" if wanted == "L" else "RGBA"
    if image.mode in FOREIGN_COLOURS:
        image.info.pop("icc_profile", None)  # it describes the colours that are given up here
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image) -> Image:
    """Convert grey of 16 or 32 bits, which Pillow would cut off at 255 and so turn white.

    The range of 32 bits is not agreed upon: 0 to 1, to 255, to 65535 are known by their largest value, and any other
    range is stretched.
    """
    wide = image.convert("F")
    low, high = (float(value) for value in wide.getextrema())  # type: ignore[arg-type]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ImageError("the picture holds values that are no brightness")
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif low >= 0:
        low, high = 0.0, next((top for top in _tops(image.mode) if high <= top), high)
    scale = 255 / (high - low or 1)
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _tops(mode: str) -> tuple[float, ...]:
    return (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)


def has_alpha(image: Image) -> bool:
    """Tell whether anything shows through a picture of mode LA or RGBA."""
    return image.mode in {"LA", "RGBA"} and image.getchannel("A").getextrema() != (255, 255)


def encoded(image: Image, file_format: str, **options: Any) -> bytes:
    """Write a picture with its colour profile and without any other metadata.

    Args:
        image: a picture whose mode the format can hold.
        file_format: Pillow's name of the format.
        **options: of Pillow's writer.
    """
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and len(profile) <= LARGEST_PROFILE:
        options["icc_profile"] = profile
    image.info = {}
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
