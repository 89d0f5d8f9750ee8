"""URLs in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.web.links import MOST_LINKS, extract_urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("", []),
        ("no link, http:// nor https://", []),
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("HTTP://A.example!?", ["HTTP://A.example"]),
        ("(https://a.example/x)", ["https://a.example/x"]),
        ("https://a.example/x_(y)", ["https://a.example/x_(y)"]),
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        ("[text](https://a.example/x)", ["https://a.example/x"]),
        ("<https://a.example/x>", ["https://a.example/x"]),
        ("||https://a.example/x||", ["https://a.example/x"]),
        ("**https://a.example/x**", ["https://a.example/x"]),
        ('"https://a.example/x"', ["https://a.example/x"]),
        ("https://a.example/x\u3002\u6b21", ["https://a.example/x"]),
        ("https://a.example/\u0e44\u0e17\u0e22 \u0e04\u0e23\u0e31\u0e1a", ["https://a.example/\u0e44\u0e17\u0e22"]),
        ("https://b.example https://a.example https://b.example", ["https://b.example", "https://a.example"]),
        ("https://a.example/?q=1,2;3&b=*", ["https://a.example/?q=1,2;3&b="]),
        ("https://a.example// and on", ["https://a.example//"]),
        ("https://a.example/a_(aa)", ["https://a.example/a_(aa)"]),
        ("ftp://a.example", []),
        ("https://...", []),
    ],
)
def test_links_are_found_as_people_write_them(text: str, urls: list[str]) -> None:
    """Punctuation, brackets and Discord's marks around a link are not part of it; each link counts once."""
    assert extract_urls(text) == urls


def test_the_number_of_links_is_bounded() -> None:
    """A message of many links gives the first ones."""
    urls = [f"https://a.example/{number}" for number in range(MOST_LINKS * 2)]
    assert extract_urls(" ".join(urls)) == urls[:MOST_LINKS]


@given(st.text(st.sampled_from("htps:/.()[]<>a \u3002"), max_size=100))
def test_what_is_found_was_written(text: str) -> None:
    """Every URL found is a part of the text."""
    assert all(url in text for url in extract_urls(text))
