"""Pictures of any mode, size and kind, whole and damaged: a small picture comes out, or a plain refusal.

A whole picture fits its box, is not enlarged, loses no side, lies upright, and shows no colour that was invisible.
One of a few kilobytes that would unfold to far too many pixels is refused.
Bytes are changed, cut out and doubled; then it may be refused, by a `ValueError` or an `OSError` and in no other way.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fuzz.budget import fuzzer
from harness.parts.bomb import bomb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF
KINDS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "1", "P"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
}
EXIF_ORIENTATION = 0x0112
MAGENTA = (255, 0, 255)
FAR = 120
"""How far from a colour the picture must stay for it not to be seen, of 255 in each band."""

pictures = st.sampled_from([(kind, mode) for kind, modes in KINDS.items() for mode in modes])
sides = st.integers(1, 40) | st.sampled_from([1, 2, 300, 700])
boxes = st.integers(1, 64)


def made(kind: str, mode: str, size: tuple[int, int], *, held: int = 1) -> bytes:
    """Return a file with a grey picture; where it can hold alpha it is magenta under alpha 0 throughout."""
    if mode in {"RGBA", "LA"}:
        image = Image.new("RGBA", size, (*MAGENTA, 0)).convert(mode)
    elif mode == "I;16":
        image = Image.frombytes(mode, size, b"\x00\x80" * (size[0] * size[1]))
    else:
        image = Image.new("L", size, 128).convert(mode)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = held
    options: dict[str, Any] = {"exif": exif} if kind in {"JPEG", "PNG", "WEBP"} else {}
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def resized(subject: Subject, data: bytes, box: tuple[int, int]) -> Image.Image:
    """Let the tree resize a picture; return what came out, loaded."""
    content, width, height = subject.media.media_rust.MediaProcessorWrapper().resize(data, *box)
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.size == (width, height), f"it returned {image.size} and called it {(width, height)}"
        assert width <= box[0] and height <= box[1], f"{image.size} does not fit into {box}"  # noqa: PT018  one fact
        return image.copy()


@FUZZ.tries
@given(picture=pictures, width=sides, height=sides, box=st.tuples(boxes, boxes), held=st.integers(1, 8))
def test_whole_pictures(
    *, subject: Subject, picture: tuple[str, str], width: int, height: int, box: tuple[int, int], held: int
) -> None:
    """A whole picture comes out small, upright, with all its sides and no hidden colour."""
    kind, mode = picture
    data = made(kind, mode, (width, height), held=held)
    try:
        image = resized(subject, data, box)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"a {kind} of mode {mode} could not be resized: {type(error).__name__}: {error}"
        ) from error
    is_turned = held >= 5 and kind in {"JPEG", "PNG", "WEBP"}
    upright = (height, width) if is_turned else (width, height)
    assert image.width <= upright[0] and image.height <= upright[1], f"{upright} was enlarged to {image.size}"  # noqa: PT018
    scale = min(box[0] / upright[0], box[1] / upright[1], 1.0)
    for side, wanted in zip(image.size, upright, strict=True):
        assert abs(side - max(1.0, wanted * scale)) <= 1.0, f"{upright} in a box of {box} came out as {image.size}"
    if mode in {"RGBA", "LA"}:
        seen = Image.alpha_composite(Image.new("RGBA", image.size, (128, 128, 128, 255)), image.convert("RGBA"))
        pixel: Any = seen.getpixel((0, 0))
        is_hidden = min(pixel[:3]) > FAR - 60 and abs(pixel[0] - pixel[1]) < FAR
        assert is_hidden, f"a colour that was invisible appeared as {pixel}"


Damage = tuple[str, float, int]
damages = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "double", "end"]), st.floats(0, 1), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, damage: list[Damage]) -> bytes:
    """Change a file: bytes set, pieces cut out or doubled, the end lost."""
    for what, where, value in damage:
        at = int(where * max(0, len(data) - 1))
        if what == "set":
            data = data[:at] + bytes([value]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at] + data[at + 1 + value % 16 :]
        elif what == "double":
            data = data[:at] + data[at : at + 1 + value % 32] + data[at:]
        else:
            data = data[:at]
    return data


@FUZZ.tries
@given(picture=pictures, damage=damages)
def test_damaged_pictures(*, subject: Subject, picture: tuple[str, str], damage: list[Damage]) -> None:
    """A damaged picture is refused as one, or comes out within its box."""
    data = damaged(made(*picture, (23, 17)), damage)
    try:
        resized(subject, data, (16, 16))
    except (ValueError, OSError):
        return
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"a damaged {picture[0]} raised {type(error).__name__}: {error}") from error


BOMBS = ((15_000, 12_000), (12_000, 15_000), (60_000, 3_100), (3_100, 60_000), (13_500, 13_500))
"""Widths and heights of more than 180 million pixels, twice as many as Pillow warns of."""

packed = functools.lru_cache(bomb)


@pytest.fixture
def _pillow_limit() -> Iterator[None]:
    """Keep a tree from changing Pillow's limit for the tests that follow."""
    before = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = before


@pytest.mark.usefixtures("_pillow_limit")
@FUZZ.tries
@given(size=st.sampled_from(BOMBS), box=st.tuples(boxes, boxes))
def test_bombs(*, subject: Subject, size: tuple[int, int], box: tuple[int, int]) -> None:
    """A small file that would unfold to more than 180 million pixels is refused, or given back as it is."""
    data = packed(*size)
    try:
        content, width, height = subject.media.media_rust.MediaProcessorWrapper().resize(data, *box)
    except Exception:  # noqa: BLE001  a refusal may be of any type
        return
    pixels = size[0] * size[1] / 1e6
    assert content == data or not width or not height, f"{len(data)} bytes unfolded to {pixels:.0f} million pixels"
