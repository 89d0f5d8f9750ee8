"""A picture of an unexpected kind cannot be resized, or loses what made it transparent.

The resizing wrote a JPEG unless the picture was RGBA, and then asked whether it was both RGBA and a JPEG, which it
never is. The dead branch does no harm; what it hides does. A JPEG cannot hold grey with alpha, a palette or 16 bits, so
such pictures (many PNGs, every GIF, scans) end in an error instead of a preview. Turning everything to RGB first, as
one would, shows what was transparent: the colours that stood invisibly under the alpha appear.

Every kind of picture that Pillow reads must come out as a picture that can be opened, of the promised size, neither
enlarged nor with a side of no pixels, upright, and with its transparency kept or laid on one background. A picture that
would unfold to far too many pixels must be refused.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageCms, ImageOps

from harness.parts.bomb import bomb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

WIDTH, HEIGHT = 64, 48
BOX = (32, 32)
FITTED = (32, 24)
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)


def gradient(mode: str) -> Image.Image:
    """Make a picture of a mode, dark on its left side."""
    grey = Image.linear_gradient("L").rotate(90).resize((WIDTH, HEIGHT))
    if mode == "LAB":
        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        converted = ImageCms.applyTransform(grey.convert("RGB"), to_lab)
        assert converted is not None
        return converted
    if mode == "La":
        return grey.convert("LA").convert("La")
    if mode in {"I;16", "I;16B", "I;16L"}:
        order = ">" if mode.endswith("B") else "<"
        deep = struct.pack(f"{order}{WIDTH * HEIGHT}H", *(value * 257 for value in grey.tobytes()))
        return Image.frombytes(mode, (WIDTH, HEIGHT), deep)
    if mode == "PA":
        return grey.convert("P").convert("PA")
    return grey.convert("RGBA").convert("RGBa") if mode == "RGBa" else grey.convert(mode)


def file(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write a picture as a file of some format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = {
    "a PNG of 1 bit": lambda: file(gradient("1"), "PNG"),
    "a grey PNG": lambda: file(gradient("L"), "PNG"),
    "a grey PNG with alpha": lambda: file(gradient("LA"), "PNG"),
    "a PNG with a palette": lambda: file(gradient("P"), "PNG"),
    "a PNG with a transparent palette colour": lambda: file(gradient("P"), "PNG", transparency=3),
    "a PNG with a palette of alpha": lambda: file(gradient("P"), "PNG", transparency=bytes(range(256))),
    "a PNG": lambda: file(gradient("RGB"), "PNG"),
    "a PNG with a transparent colour": lambda: file(gradient("RGB"), "PNG", transparency=(0, 0, 0)),
    "a grey PNG with a transparent shade": lambda: file(gradient("L"), "PNG", transparency=0),
    "a PNG with alpha": lambda: file(gradient("RGBA"), "PNG"),
    "a PNG of 16 bits": lambda: file(gradient("I;16"), "PNG"),
    "a JPEG": lambda: file(gradient("RGB"), "JPEG"),
    "a grey JPEG": lambda: file(gradient("L"), "JPEG"),
    "a JPEG for print": lambda: file(gradient("CMYK"), "JPEG"),
    "a GIF": lambda: file(gradient("P"), "GIF"),
    "a GIF with a transparent colour": lambda: file(gradient("P"), "GIF", transparency=3),
    "a BMP": lambda: file(gradient("RGB"), "BMP"),
    "a WebP": lambda: file(gradient("RGB"), "WEBP"),
    "a WebP with alpha": lambda: file(gradient("RGBA"), "WEBP"),
    "a TIFF for print": lambda: file(gradient("CMYK"), "TIFF"),
    "a TIFF of YCbCr": lambda: file(gradient("YCbCr"), "TIFF"),
    "a TIFF of LAB": lambda: file(gradient("LAB"), "TIFF"),
    "a TIFF of 16 bits": lambda: file(gradient("I;16"), "TIFF"),
    "a TIFF of 16 bits, big-endian": lambda: file(gradient("I;16B"), "TIFF"),
    "a TIFF of 32 bits": lambda: file(gradient("I"), "TIFF"),
    "a TIFF of floats": lambda: file(gradient("F"), "TIFF"),
    "a TIFF of grey with alpha": lambda: file(gradient("LA"), "TIFF"),
    "a TIFF with alpha": lambda: file(gradient("RGBA"), "TIFF"),
    "a TIFF with a palette": lambda: file(gradient("P"), "TIFF"),
}
DECODED = ("La", "PA", "RGBa", "HSV", "I;16L")
"""Modes that no file of these formats has, and that a decoder may yet give."""


def processor(subject: Subject) -> Any:
    """Make a subject's resizer, which takes Pillow: no native module is installed."""
    return subject.media.media_rust.MediaProcessorWrapper(max_dimension=1024, jpeg_quality=90)


def resized(subject: Subject, what: str, data: bytes, box: tuple[int, int] = BOX) -> Image.Image:
    """Let a subject resize a picture; return what it made, opened, after looking at its size."""
    try:
        made, width, height = processor(subject).resize(data, *box)
    except Exception as error:  # noqa: BLE001  whatever a subject raises, the person gets no picture
        pytest.fail(f"{what} could not be resized: {type(error).__name__}: {error}")
    image = opened(what, made)
    assert image.size == (width, height), f"of {what} it returned {image.size} and called it {(width, height)}"
    return image


def opened(what: str, made: bytes) -> Image.Image:
    """Decode what a subject made."""
    try:
        image = Image.open(io.BytesIO(made))
        image.load()
    except Exception as error:  # noqa: BLE001
        pytest.fail(f"{what} came out as something that is no picture: {type(error).__name__}: {error}")
    return image


def readable(what: str) -> bytes:
    """Write a file of a kind, if the Pillow that is there can read it: before 13 it writes TIFFs that it cannot."""
    data = FILES[what]()
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError as error:
        pytest.skip(f"this Pillow cannot read {what}: {error}")
    return data


@pytest.mark.parametrize("what", FILES)
def test_every_kind_of_picture_comes_out(subject: Subject, what: str) -> None:
    """A file of any kind becomes a picture of the promised size, the one that it was."""
    image = resized(subject, what, readable(what))
    assert image.size == FITTED, f"{what} of {WIDTH}x{HEIGHT} came out as {image.size}, not {FITTED}"


@pytest.mark.parametrize("mode", DECODED)
def test_every_mode_comes_out(subject: Subject, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """A picture of a mode that only some decoder gives is resized as well."""
    picture, data = gradient(mode), file(gradient("RGB"), "PNG")

    def decoded(*_: object, **__: object) -> Image.Image:
        copy = picture.copy()
        copy.format = "PNG"
        return copy

    made = subject.media.media_rust
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", decoded)
        try:
            data, width, height = made.MediaProcessorWrapper().resize(data, *BOX)
        except Exception as error:  # noqa: BLE001
            pytest.fail(f"a picture of mode {mode} could not be resized: {type(error).__name__}: {error}")
    assert opened(f"a picture of mode {mode}", data).size == (width, height) == FITTED


def overlaid(hidden: tuple[int, int, int], mode: str = "RGBA") -> Image.Image:
    """Make a picture: left, nothing but a hidden colour; in the middle, green half shown; right, green."""
    image = Image.new("RGBA", (WIDTH * 3, HEIGHT), (*hidden, 0))
    image.paste((*GREEN, 128), (WIDTH, 0, WIDTH * 2, HEIGHT))
    image.paste((*GREEN, 255), (WIDTH * 2, 0, WIDTH * 3, HEIGHT))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_or_laid_on_one_background(subject: Subject, mode: str) -> None:
    """What was invisible stays invisible, what shone through half still does, and what was opaque keeps its colour."""
    looks = []
    for hidden in (RED, BLUE, WHITE):
        image = resized(subject, f"a picture of mode {mode}", file(overlaid(hidden, mode), "PNG"), (96, 24))
        looks.append(tuple(pixel(image.convert("RGBA"), x, 12) for x in (16, 48, 80)))
    for nothing, half, full in looks:
        if nothing[3] < 16:
            assert 96 < half[3] < 160, f"half of the alpha became {half[3]} of 255 ({mode})"
            assert full[3] > 240, f"an opaque part came out with alpha {full[3]} of 255 ({mode})"
            continue
        assert nothing[3] == 255, f"nothing became alpha {nothing[3]} of 255 ({mode})"
        told = f"the colour hidden under the alpha appeared: {looks[0][0][:3]} and {looks[1][0][:3]} ({mode})"
        assert all(close(looks[0][0], look[0]) for look in looks), told
        mixed = tuple((one + other) // 2 for one, other in zip(nothing, full, strict=True))
        assert close(half, mixed), f"what was half transparent came out as {half[:3]}, not about {mixed[:3]} ({mode})"


def test_a_transparent_palette_colour_stays_transparent(subject: Subject) -> None:
    """Of a GIF, the transparent part is transparent or background, not the colour that the palette has there."""
    looks = []
    for hidden in (RED, BLUE):
        image = Image.new("P", (WIDTH, HEIGHT), 0)
        image.putpalette([*hidden, *GREEN])
        image.paste(1, (WIDTH // 2, 0, WIDTH, HEIGHT))
        made = resized(subject, "a GIF with a transparent colour", file(image, "GIF", transparency=0))
        looks.append(pixel(made.convert("RGBA"), 8, 12))
    is_shown = looks[0][3] > 16 and not close(looks[0], looks[1])
    assert not is_shown, f"the transparent colour of a GIF appeared: {looks[0][:3]} and {looks[1][:3]}"


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """Return the colour of a pixel, of a picture with several channels."""
    colour = image.getpixel((x, y))
    assert isinstance(colour, tuple)
    return colour


def close(one: Any, other: Any, tolerance: int = 24) -> bool:
    """Compare colours, roughly, as a JPEG keeps them."""
    return all(abs(a - b) <= tolerance for a, b in zip(one[:3], other[:3], strict=True))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animated_pictures_come_out(subject: Subject, kind: str) -> None:
    """An animated picture is known as one, and resized."""
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in (RED, GREEN, BLUE)]
    data = file(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)
    assert processor(subject).is_animated(data), f"an animated {kind} was taken for a still picture"
    still = file(frames[0], kind)
    assert not processor(subject).is_animated(still), f"a still {kind} was taken for an animated picture"
    image = resized(subject, f"an animated {kind}", data)
    assert image.size == FITTED, f"an animated {kind} of {WIDTH}x{HEIGHT} came out as {image.size}"
    shown = image.convert("RGB").getpixel((16, 12))
    assert any(close(shown, colour) for colour in (RED, GREEN, BLUE)), f"an animated {kind} came out as {shown}"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_come_out_upright(subject: Subject, orientation: int) -> None:
    """A photo whose EXIF says how it was held comes out as a viewer shows it, or says so itself."""
    image = Image.new("RGB", (160, 96), WHITE)
    image.paste(RED, (0, 0, 80, 48))
    image.paste(BLUE, (80, 0, 160, 48))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file(image, "JPEG", exif=exif, quality=95)
    made = resized(subject, f"a photo of orientation {orientation}", data, (80, 80))
    shown, wanted = upright(made), upright(Image.open(io.BytesIO(data)))
    assert shown.width >= shown.height or orientation >= 5, f"a photo of orientation {orientation} lies on its side"
    for across in (0.25, 0.75):
        for down in (0.25, 0.75):
            one, other = (pixel(p, int(across * p.width), int(down * p.height)) for p in (shown, wanted))
            assert close(one, other, 60), f"a photo of orientation {orientation} did not come out upright"


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF says."""
    return ImageOps.exif_transpose(image).convert("RGB")


@pytest.mark.parametrize("size", [(20000, 4), (4, 20000), (5000, 1), (1, 1)])
def test_no_side_vanishes(subject: Subject, size: tuple[int, int]) -> None:
    """Of a very long picture, the short side keeps at least one pixel."""
    what = f"a picture of {size[0]}x{size[1]}"
    image = resized(subject, what, file(Image.new("RGB", size, GREEN), "PNG"), (1024, 1024))
    assert min(image.size) >= 1, f"{what} came out as {image.size}"
    assert max(image.size) <= 1024, f"{what} came out as {image.size}"
    assert close(image.convert("RGB").getpixel((0, 0)), GREEN), f"{what} came out in another colour"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_nothing_is_enlarged(subject: Subject, mode: str) -> None:
    """A picture that fits already keeps its size."""
    image = resized(subject, f"a small picture of mode {mode}", file(gradient(mode), "PNG"), (500, 400))
    assert image.size == (WIDTH, HEIGHT), f"a picture of {WIDTH}x{HEIGHT} came out as {image.size}"


@pytest.fixture
def pillow_limit() -> Iterator[None]:
    """Keep a subject from changing Pillow's limit for the tests that follow."""
    before = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = before


@pytest.mark.usefixtures("pillow_limit")
def test_a_decompression_bomb_is_refused(subject: Subject) -> None:
    """A file of some kilobytes that unfolds to 180 million pixels is not unfolded."""
    data = bomb(15000, 12000)
    try:
        made, width, height = processor(subject).resize(data, *BOX)
    except Exception:  # noqa: BLE001  a refusal may be of any type
        return
    assert made == data or not width or not height, f"{len(data)} bytes were unfolded to 180 million pixels"
