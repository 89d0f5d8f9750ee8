"""A photo of 12 megapixels made to fit into 1024 pixels, from JPEG to JPEG."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from benchmarks.contest import Bout, Contender, Contest
from reference.utils.media.media_rust import MediaProcessorWrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from PIL.Image import Image

WIDTH, HEIGHT, SIDE, QUALITY = 4000, 3000, 1024, 85


@functools.cache
def photo() -> bytes:
    """Make something with as much detail as a photo."""
    from PIL import Image  # noqa: PLC0415  not before the contest is held

    channels = [
        Image.effect_noise((WIDTH // scale, HEIGHT // scale), 60).resize((WIDTH, HEIGHT)) for scale in (4, 8, 16)
    ]
    buffer = io.BytesIO()
    Image.merge("RGB", channels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@functools.cache
def ideal() -> Image:
    """Make the result to come near to: all pixels taken into account, by Lanczos."""
    from PIL import Image  # noqa: PLC0415

    return Image.open(io.BytesIO(photo())).resize((SIDE, SIDE * HEIGHT // WIDTH), Image.Resampling.LANCZOS)


def thumbnail() -> bytes:
    """Do it as Pillow's documentation does."""
    from PIL import Image  # noqa: PLC0415

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photo())) as image:
        image.thumbnail((SIDE, SIDE))
        image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def error(data: bytes) -> float:
    """Return the mean square of the differences from the ideal."""
    from PIL import Image, ImageChops, ImageStat  # noqa: PLC0415

    statistics = ImageStat.Stat(ImageChops.difference(Image.open(io.BytesIO(data)), ideal()))
    return sum(statistics.sum2) / sum(statistics.count)


def _bout(make: Callable[[], bytes]) -> Callable[[], Awaitable[Bout]]:
    """Make a contender; its picture must be at least as near to the ideal as Pillow's."""

    async def enter() -> Bout:
        wanted = make()

        async def prove() -> None:
            if error(wanted) > error(thumbnail()):
                raise ValueError("the picture is worse than Pillow's thumbnail")

        return Bout(make, wanted, prove, awaits=False)

    return enter


def _ours() -> bytes:
    return MediaProcessorWrapper(jpeg_quality=QUALITY).resize(photo(), SIDE, SIDE)[0]


CONTESTS = [
    Contest(
        "resize",
        "A 12-megapixel JPEG resized to 1024 pixels",
        1.0,
        [
            Contender("Pillow's thumbnail", _bout(thumbnail), "Pillow"),
            Contender("MediaProcessorWrapper", _bout(_ours), is_ours=True),
        ],
    ),
]
