"""Which encoding a page is read in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.web.charsets import decode

THAI = "สวัสดีครับ"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (THAI.encode(), None, THAI),
        (THAI.encode(), "UTF-8", THAI),
        (THAI.encode("cp874"), "tis-620", THAI),
        (THAI.encode("cp874"), "windows-874", THAI),
        (THAI.encode("cp874"), "ISO-8859-11", THAI),
        ("“quoted” €".encode("cp1252"), "iso-8859-1", "“quoted” €"),
        ("“quoted” €".encode("cp1252"), "us-ascii", "“quoted” €"),
        ("“quoted”".encode("cp1252"), None, "“quoted”"),
        ("日本語".encode("cp932"), "Shift_JIS", "日本語"),
        ("日本語".encode("euc-jp"), "x-euc-jp", "日本語"),
        ("한국어".encode("cp949"), "ks_c_5601-1987", "한국어"),
        ("汉字龍".encode("gb18030"), "gb2312", "汉字龍"),
        ("кириллица".encode("koi8-r"), "koi8-r", "кириллица"),
        ("é".encode(), "no-such-charset", "é"),
        ("é".encode(), "", "é"),
        ("é".encode(), "x" * 5000, "é"),
        ("é".encode(), "utf\0-8", "é"),
        ("é".encode(), ' "utf-8" ', "é"),
        (b"\\u0041+AEE-", "unicode_escape", "\\u0041+AEE-"),
        (b"\\u0041+AEE-", "utf-7", "\\u0041+AEE-"),
        (b"6869", "hex", "6869"),
        (b"\xef\xbb\xbf" + THAI.encode(), "windows-1252", THAI),
        ("\ufeff" + THAI, "utf-16-le", THAI),
        ("\ufeff" + THAI, "utf-16-be", THAI),
    ],
)
def test_the_encoding_is_found(body: bytes | str, charset: str | None, text: str) -> None:
    """Mark, label, validity as UTF-8 and windows-1252 decide, in this order; codecs that are no charsets never do."""
    encoded = body if isinstance(body, bytes) else body.encode(charset or "")
    assert decode(encoded, charset) == text


@pytest.mark.parametrize(
    "tag",
    [
        '<meta charset="windows-874">',
        "<META CHARSET=tis-620>",
        "<meta http-equiv=x content='text/html; charset=cp874'>",
    ],
)
def test_the_markup_names_the_encoding(tag: str) -> None:
    """Where the server says nothing, the first kilobyte of markup is asked; other text is not."""
    body = f"<html>{tag}{THAI}".encode("cp874")
    assert THAI in decode(body)
    assert THAI not in decode(body, is_markup=False)
    assert THAI not in decode(b" " * 1024 + body)


def test_markup_that_could_be_read_is_not_in_utf_16() -> None:
    """A `<meta>` that claims UTF-16 means UTF-8, since it could be read."""
    assert decode('<meta charset="utf-16">é'.encode()).endswith("é")


def test_a_character_cut_at_the_end_leaves_the_rest_in_utf_8() -> None:
    """A body that ends within a character is still UTF-8."""
    assert decode("aé".encode()[:-1]) == "a\ufffd"
    assert decode(THAI.encode()[:-1]).startswith(THAI[:-1])


@given(st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_any_bytes_are_decoded(body: bytes, charset: str | None) -> None:
    """No bytes and no label make decoding fail."""
    assert isinstance(decode(body, charset), str)


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_utf_8_is_decoded_exactly(text: str) -> None:
    """Text that was labelled UTF-8 comes back unchanged, but for a leading mark."""
    assert decode(text.encode(), "utf-8") == text.removeprefix("\ufeff")
