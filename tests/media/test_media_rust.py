"""Pictures: the facts about limits, shades, metadata and the native module, beyond the regression."""

from __future__ import annotations

import io
import struct
import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reference.utils.media import pictures
from reference.utils.media.media_rust import (
    ImageError,
    ImageTooLargeError,
    MediaProcessorWrapper,
    is_rust_available,
)

SIDES = st.integers(1, 100_000)
RED = (220, 20, 20)


def png(image: Image.Image, **options: Any) -> bytes:
    """Write a picture as a PNG."""
    return written(image, "PNG", **options)


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write a picture as a file of some format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> Image.Image:
    """Open what was made."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@given(SIDES, SIDES, st.integers(1, 5000), st.integers(1, 5000))
def test_a_fitted_size_obeys_every_rule(width: int, height: int, across: int, down: int) -> None:
    """A fitted size is within the box, within the picture, not empty, and touches the box unless the picture fits."""
    fitted = pictures.fit((width, height), (across, down))
    assert 1 <= fitted[0] <= min(width, across)
    assert 1 <= fitted[1] <= min(height, down)
    fits = width <= across and height <= down
    assert fitted == (width, height) if fits else fitted[0] == across or fitted[1] == down


def header_of(width: int, height: int) -> bytes:
    """Make a bitmap file of which there is nothing but the header."""
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("width", "height", "error"),
    [
        (9500, 9418, "damaged"),
        (9500, 9420, "more than 89 million pixels"),
        (19000, 9420, "too large|more than 89"),
        (60000, 60000, "too large"),
    ],
)
def test_the_limit_is_where_it_is_documented(width: int, height: int, error: str) -> None:
    """A picture of more than 89,478,485 pixels is refused by its header; one below fails for its missing body only."""
    with pytest.raises(ImageError, match=error) as caught:
        MediaProcessorWrapper().resize(header_of(width, height))
    assert isinstance(caught.value, ImageTooLargeError) == (width * height > pictures.MAX_PIXELS)


def test_a_warning_made_an_error_is_a_refusal() -> None:
    """Where warnings are errors, Pillow's own about large pictures comes out as a refusal too."""
    with pytest.raises(ImageTooLargeError):
        MediaProcessorWrapper().get_dimensions(header_of(10000, 10000))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Text, cut files and programs of PostScript are an ImageError, which is a ValueError."""
    for ask in (MediaProcessorWrapper().resize, MediaProcessorWrapper().is_animated):
        with pytest.raises(ImageError):
            ask(data)


def test_a_cut_file_is_refused() -> None:
    """A picture that ends in the middle is refused."""
    data = written(Image.effect_noise((300, 300), 90), "JPEG")
    with pytest.raises(ImageError, match="damaged"):
        MediaProcessorWrapper().resize(data[: len(data) // 2], 100, 100)


@pytest.mark.parametrize("arguments", [{"max_dimension": 0}, {"jpeg_quality": 0}, {"jpeg_quality": 96}])
def test_arguments_out_of_range_are_refused(arguments: dict[str, int]) -> None:
    """A processor without size, or of an impossible quality, is not made."""
    with pytest.raises(ValueError, match="max_dimension is at least 1"):
        MediaProcessorWrapper(**arguments)


def test_an_empty_box_is_refused() -> None:
    """A box without pixels is a ValueError."""
    with pytest.raises(ValueError, match="at least 1 pixel"):
        MediaProcessorWrapper().resize(png(Image.new("L", (9, 9))), 0, 5)


def test_sizes_that_are_not_named_are_the_processors() -> None:
    """Without a box the largest side is `max_dimension`; a thumbnail is a square of its own size."""
    data = png(Image.new("RGB", (400, 200)))
    assert MediaProcessorWrapper(max_dimension=100).resize(data)[1:] == (100, 50)
    assert MediaProcessorWrapper(max_dimension=100)._pil_resize(data)[1:] == (100, 50)
    assert MediaProcessorWrapper().thumbnail(data)[1:] == (256, 128)
    assert MediaProcessorWrapper().thumbnail(data, 64)[1:] == (64, 32)


@pytest.mark.parametrize(
    ("image", "kind", "mode"),
    [
        (Image.new("RGB", (9, 9)), "JPEG", "RGB"),
        (Image.new("RGBA", (9, 9), (1, 2, 3, 255)), "JPEG", "RGB"),
        (Image.new("LA", (9, 9), (7, 255)), "JPEG", "L"),
        (Image.new("RGBA", (9, 9), (1, 2, 3, 254)), "PNG", "RGBA"),
        (Image.new("LA", (9, 9), (7, 0)), "PNG", "LA"),
        (Image.new("1", (9, 9)), "JPEG", "L"),
    ],
)
def test_the_format_follows_from_what_shows_through(image: Image.Image, kind: str, mode: str) -> None:
    """A picture with alpha that shows becomes a PNG, every other a JPEG."""
    made = read(MediaProcessorWrapper().resize(png(image))[0])
    assert (made.format, made.mode) == (kind, mode)


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        ("I;16", (0, 32768, 65535)),
        ("I", (0, 128, 255)),
        ("I", (0, 32768, 65535)),
        ("I", (-1000, 0, 1000)),
        ("F", (0.0, 0.5, 1.0)),
        ("F", (0.0, 128.0, 255.0)),
        ("F", (0.0, 5e5, 1e6)),
    ],
)
def test_deep_shades_are_scaled_not_cut_off(mode: str, values: tuple[float, float, float]) -> None:
    """Black, middle grey and white of 16 and 32 bits stay black, middle grey and white."""
    image = Image.new("F", (3, 1))
    for x, value in enumerate(values):
        image.putpixel((x, 0), value)
    deep = image.convert("I").convert(mode) if mode != "F" else image
    shown = pictures.displayable(deep)
    assert shown.mode == "L"
    assert [shown.getpixel((x, 0)) for x in range(3)] == pytest.approx([0, 128, 255], abs=1)


def test_shades_that_are_no_numbers_are_refused() -> None:
    """A picture of floats with infinity in it is refused."""
    image = Image.new("F", (2, 1), float("inf"))
    with pytest.raises(ImageError, match="no brightness"):
        MediaProcessorWrapper().resize(written(image, "TIFF"))


def test_one_shade_of_32_bits_is_no_division_by_zero() -> None:
    """A picture that is all black in 32 bits comes out black."""
    assert pictures.displayable(Image.new("I", (2, 2), 0)).getpixel((0, 0)) == 0


def photo(orientation: int, **options: Any) -> bytes:
    """Make a photo with a place, a time and an orientation in it."""
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = orientation
    exif[0x0132] = "2024:01:02 03:04:05"
    return written(Image.new("RGB", (80, 40), RED), "JPEG", exif=exif, **options)


@pytest.mark.parametrize("orientation", range(10))
def test_dimensions_are_those_that_a_viewer_shows(orientation: int) -> None:
    """For a photo on its side width and height change places; an orientation that does not exist counts as upright."""
    expected = (40, 80) if orientation in range(5, 9) else (80, 40)
    assert MediaProcessorWrapper().get_dimensions(photo(orientation)) == expected
    assert MediaProcessorWrapper().resize(photo(orientation), 20, 20)[1:] == (
        (10, 20) if expected[0] == 40 else (20, 10)
    )


def test_a_turned_tiff_is_turned_once() -> None:
    """A TIFF, which Pillow turns by itself, is not turned again."""
    image = Image.new("RGB", (80, 40), RED)
    data = written(image, "TIFF", tiffinfo={pictures.ORIENTATION: 6})
    processor = MediaProcessorWrapper()
    assert processor.resize(data)[1:] == processor.get_dimensions(data) == (40, 80)


def test_damaged_metadata_are_no_reason_to_refuse() -> None:
    """A photo whose EXIF cannot be read is resized as it is."""
    data = written(Image.new("RGB", (80, 40), RED), "JPEG", exif=b"Exif\0\0broken beyond repair")
    assert MediaProcessorWrapper().resize(data, 20, 20)[1:] == (20, 10)


def test_metadata_stay_with_the_owner_and_colours_keep_their_profile() -> None:
    """What comes out has no EXIF, comment or text, but the colour profile unless it is a huge one."""
    profile = b"profile" * 20
    made = read(MediaProcessorWrapper().resize(photo(1, icc_profile=profile, comment=b"secret"), 20, 20)[0])
    assert not made.getexif()
    assert made.info.get("icc_profile") == profile
    assert "comment" not in made.info
    huge = read(MediaProcessorWrapper().resize(photo(1, icc_profile=bytes(pictures.LARGEST_PROFILE + 1)))[0])
    assert "icc_profile" not in huge.info


def test_the_profile_of_colours_that_are_given_up_goes_with_them() -> None:
    """A picture for print loses its profile together with its inks."""
    data = written(Image.new("CMYK", (20, 20)), "JPEG", icc_profile=b"inks")
    assert "icc_profile" not in read(MediaProcessorWrapper().resize(data)[0]).info


def test_several_pages_are_no_animation() -> None:
    """A TIFF of two pages does not move."""
    data = written(Image.new("L", (9, 9)), "TIFF", save_all=True, append_images=[Image.new("L", (9, 9), 255)])
    assert not MediaProcessorWrapper().is_animated(data)


def test_a_large_jpeg_is_as_good_as_pillows() -> None:
    """Decoding at a fraction of the size loses nothing: the result is as near to the ideal as Pillow's thumbnail."""
    original = Image.effect_noise((500, 375), 70).convert("RGB").resize((2000, 1500), Image.Resampling.BICUBIC)
    data = written(original, "JPEG", quality=95)
    ideal = read(data).resize((512, 384), Image.Resampling.LANCZOS)
    theirs = Image.open(io.BytesIO(data))
    theirs.thumbnail((512, 512))
    ours = read(MediaProcessorWrapper(jpeg_quality=95).resize(data, 512, 512)[0])
    assert difference(ours, ideal) <= difference(read(written(theirs, "JPEG", quality=95)), ideal)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean square of how much two pictures differ."""
    pairs = zip(one.convert("L").tobytes(), other.convert("L").tobytes(), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) / (one.width * one.height)


class Native:
    """Stands in for the native module's class; answers what the test says."""

    answer: Any = (b"native", 20, 10)

    def __init__(self, *_: int) -> None:
        self.calls: list[tuple[bytes, int, int]] = []

    def resize(self, data: bytes, width: int, height: int) -> Any:
        """Answer, or raise."""
        self.calls.append((data, width, height))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> type[Native]:
    """Install the stand-in."""
    module = ModuleType("media_processor")
    monkeypatch.setattr(Native, "answer", (b"native", 20, 10))
    monkeypatch.setattr(module, "MediaProcessor", Native, raising=False)
    monkeypatch.setitem(sys.modules, "media_processor", module)
    return Native


@pytest.mark.usefixtures("native")
def test_the_native_module_does_the_plain_cases() -> None:
    """A plain picture goes to the native module; what needs turning, alpha, or no change at all goes to Pillow."""
    processor = MediaProcessorWrapper()
    assert is_rust_available()
    assert processor.is_using_rust
    assert processor.resize(png(Image.new("RGB", (80, 40))), 20, 20) == (b"native", 20, 10)
    for other in (photo(6), png(Image.new("RGBA", (80, 40))), png(Image.new("RGB", (20, 10)))):
        assert processor.resize(other, 20, 20)[0] != b"native"


@pytest.mark.parametrize("answer", [RuntimeError("panicked"), (b"", 0, 10), (b"large", 80, 40), None])
def test_a_native_module_that_fails_is_passed_over(
    native: type[Native], answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the native module raises, or gives a picture that breaks the promise, Pillow does the work."""
    monkeypatch.setattr(native, "answer", answer)
    made = MediaProcessorWrapper().resize(png(Image.new("RGB", (80, 40))), 20, 20)
    assert read(made[0]).size == made[1:] == (20, 10)


def test_without_a_native_module_pillow_does_the_work() -> None:
    """The native module is optional."""
    assert not is_rust_available()
    assert not MediaProcessorWrapper().is_using_rust
