"""Facts about drawn cards and charts: any name, any avatar, any numbers, on a machine with fonts and on one without."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reference.cogs.community import fonts
from reference.cogs.community.card import CARD_SIZE, draw_card
from reference.cogs.community.chart import Bar, draw_columns, draw_ranking

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ["Alice", "สมชาย ใจดี", "مرحبا", "你好", "😀🎉", "e\u0301", "\u200b", "", "W" * 200, "a\nb\tc", "\ud83d"]


@pytest.fixture
def _no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any font."""
    caches = (fonts.font_files, fonts._font_for)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.setattr(fonts, "folders", list)
    yield
    for cache in caches:
        cache.cache_clear()


def opened(data: bytes) -> Image.Image:
    """Return a picture, whole."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def picture(colour: str, mode: str = "RGB", kind: str = "PNG", size: int = 64) -> bytes:
    """Return a picture of one colour."""
    file = io.BytesIO()
    Image.new("RGBA", (size, size), colour).convert(mode).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_fits_on_a_card(name: str) -> None:
    """A name of any script and length gives a card of the same size."""
    image = opened(draw_card(name, "Welcome", "You are member number 7", None))
    assert (image.format, image.size) == ("PNG", CARD_SIZE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("_no_fonts")
def test_a_machine_without_fonts(name: str) -> None:
    """Where the machine has no fonts, cards are drawn all the same, in plain Latin."""
    assert opened(draw_card(name, "Welcome", "below", None)).size == CARD_SIZE
    assert fonts.is_drawable("Alice")
    assert not fonts.is_drawable("สมชาย")


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("L", "JPEG"), ("LA", "PNG")]
)
def test_any_avatar(mode: str, kind: str) -> None:
    """Avatars of any kind stand on the card, round, in their own colour."""
    image = opened(draw_card("Alice", "a", "b", picture("#ff0000", mode, kind)))
    middle, corner = image.getpixel((140, 140)), image.getpixel((42, 42))
    plain = image.getpixel((10, 10))
    assert middle != plain
    assert corner != middle


@pytest.mark.parametrize("data", [b"", b"no picture", picture("red")[:60], picture("red", size=4100)])
def test_avatars_that_are_none(data: bytes) -> None:
    """A broken avatar, and one too large to open, is replaced by a letter."""
    assert draw_card("Alice", "a", "b", data) == draw_card("Alice", "a", "b", None)


def test_long_names_are_cut_between_letters() -> None:
    """A text that fits in no size is cut, ends with dots, and keeps letters and their marks together."""
    letter = "e\u0323\u0301"
    text, size = fonts.fit(letter * 100, 300, range(40, 20, -2))
    assert size == 22
    assert text.endswith("…")
    assert fonts.text_width(text, size) <= 300
    assert text[:-1] == letter * (len(text[:-1]) // 3)


@given(st.text(max_size=30), st.integers(20, 400))
@settings(max_examples=60, deadline=None)
def test_any_text_fits_or_is_cut(text: str, width: int) -> None:
    """Whatever the text, what is drawn is no wider than there is room, apart from the dots alone."""
    shown, size = fonts.fit(text, width, range(30, 18, -4))
    assert fonts.text_width(shown, size) <= max(width, fonts.text_width("…", size))


def test_rankings() -> None:
    """A ranking grows with its rows, and takes zeros, giants and no rows at all."""
    bars = [Bar("Alice", 10**15, "1,000,000,000,000,000"), Bar("สมชาย", 3, "3"), Bar("", 0, "0")]
    small, large = opened(draw_ranking("Messages", bars[:1])), opened(draw_ranking("Messages", bars))
    assert (small.width, large.height - small.height) == (large.width, 108)
    assert opened(draw_ranking("", [])).width == 900
    assert opened(draw_ranking("x", [Bar("a", 0, "0")])).height == small.height


def test_columns() -> None:
    """Days stand side by side; empty ones have no bar, and no days are a chart too."""
    days = [Bar(f"{day}.3.", day * 10, str(day * 10)) for day in range(40)]
    assert opened(draw_columns("Days", days)).size == opened(draw_columns("Days", [])).size


def test_fonts_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the fonts that a user installed alone are looked for as well."""
    monkeypatch.setenv("LOCALAPPDATA", "/nowhere")
    assert all(folder.is_dir() for folder in fonts.folders())
