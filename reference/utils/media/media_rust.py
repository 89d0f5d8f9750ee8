"""Pictures made smaller: by the native module `media_processor` where it is installed, by Pillow otherwise.

A picture that people post may be of any mode, turned by a flag, huge, or made to exhaust memory. What comes out is
always upright, without metadata (a photo's place and time stay with its owner), never larger than it was, and either a
JPEG or, where anything shows through, a PNG (audit finding F16).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import pictures
from .pictures import ImageError, ImageTooLargeError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ImageError", "ImageTooLargeError", "MediaProcessorWrapper", "is_rust_available"]

NATIVE_MODULE = "media_processor"


def is_rust_available() -> bool:
    """Tell whether the native module is installed."""
    return _native() is not None


def _native() -> Any:
    try:
        return importlib.import_module(NATIVE_MODULE)
    except ImportError:
        return None


class MediaProcessorWrapper:
    """Resizes pictures and tells what they are. It keeps no state between calls, so threads may share one.

    Args:
        max_dimension: pixels; the largest side that comes out where a call names none.
        jpeg_quality: 1 to 95.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, max_dimension: int = 1024, jpeg_quality: int = 85) -> None:
        if max_dimension < 1 or not 1 <= jpeg_quality <= 95:
            raise ValueError("max_dimension is at least 1 pixel, and jpeg_quality 1 to 95")
        self.max_dimension = max_dimension
        self.jpeg_quality = jpeg_quality
        native = _native()
        self._native = native.MediaProcessor(max_dimension, jpeg_quality) if native else None

    @property
    def is_using_rust(self) -> bool:
        """Whether the native module does what it can do."""
        return self._native is not None

    def resize(
        self, data: bytes, max_width: int | None = None, max_height: int | None = None
    ) -> tuple[bytes, int, int]:
        """Make a picture fit into a box; its proportions are kept, and it is never enlarged.

        Of an animated picture the first frame is taken. Colours with an embedded profile keep it.

        Args:
            data: a file as it was posted, in one of `pictures.FORMATS`.
            max_width: pixels; None for `max_dimension`.
            max_height: pixels; None for `max_dimension`.

        Returns:
            The new file, its width and its height in pixels.

        Raises:
            ImageTooLargeError: it has more than `pictures.MAX_PIXELS` pixels.
            ImageError: it is no picture, or is damaged.
            ValueError: the box is empty.
        """
        box = (self._side(max_width), self._side(max_height))
        if self._native is not None and (made := self._native_resize(data, box)) is not None:
            return made
        return self._pil_resize(data, *box)

    def thumbnail(self, data: bytes, size: int = 256) -> tuple[bytes, int, int]:
        """Make a picture fit into a square of `size` pixels; results and errors are those of `resize`."""
        return self.resize(data, size, size)

    def is_animated(self, data: bytes) -> bool:
        """Tell whether a picture moves; several pages, or the two pictures of a stereo camera, are no animation.

        Raises:
            ImageError: it is no picture, or too large a one.
        """
        with pictures.opened(data) as image:
            return pictures.is_animated(image)

    def get_dimensions(self, data: bytes) -> tuple[int, int]:
        """Return the width and height in pixels that a viewer shows, from the header alone.

        Raises:
            ImageError: it is no picture, or too large a one.
        """
        with pictures.opened(data) as image:
            return pictures.upright_size(image)

    def _pil_resize(
        self, data: bytes, max_width: int | None = None, max_height: int | None = None
    ) -> tuple[bytes, int, int]:
        """Do the work of `resize` with Pillow."""
        with pictures.opened(data) as image, pictures.decoding():
            box = (self._side(max_width), self._side(max_height))
            small = pictures.fitted(image, box, pictures.displayable)
            return self._encoded(small), *small.size

    def _encoded(self, image: Image) -> bytes:
        """Write a picture as the format that can hold what it has (audit finding F16).

        Alpha that shows is kept, in a PNG; everything else becomes a JPEG, which has no alpha to hold.
        """
        if pictures.has_alpha(image):
            return pictures.encoded(image, "PNG")
        opaque = image.convert(image.mode.removesuffix("A"))
        return pictures.encoded(opaque, "JPEG", quality=self.jpeg_quality)

    def _native_resize(self, data: bytes, box: tuple[int, int]) -> tuple[bytes, int, int] | None:
        """Let the native module do the plain cases, within the same limits; None where Pillow has to."""
        if self._native is None:
            return None
        with pictures.opened(data) as image:
            size = pictures.fit(image.size, box)
            if not pictures.is_plain(image) or size == image.size:
                return None
        try:
            made, width, height = self._native.resize(data, *box)
        except Exception:  # noqa: BLE001  whatever it is, Pillow's answer is the one to give
            return None
        return (bytes(made), width, height) if 0 < width <= box[0] and 0 < height <= box[1] else None

    def _side(self, pixels: int | None) -> int:
        if pixels is None:
            return self.max_dimension
        if pixels < 1:
            raise ValueError("a picture has sides of at least 1 pixel")
        return pixels
