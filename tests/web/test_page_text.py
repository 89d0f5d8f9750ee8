"""What is read on a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.web.page_text import (
    LONGEST_DESCRIPTION,
    LONGEST_TEXT,
    LONGEST_TITLE,
    Document,
    read_document,
)

PAGE = """<!DOCTYPE html>
<html lang=en>
<head><meta charset=utf-8><title>
  Fish &amp; chips
</title>
<meta name="description" content="A &quot;dish&quot;
 of the sea">
<style>p { color: red }</style><script>if (a < b) { document.write("<p>written</p>") }</script></head>
<body><nav><a href="/">Home</a></nav><!-- a <b>comment</b> -->
<main><h1>Fish</h1><p class="a>b">One   line
goes on.<br>Two&nbsp;lines</p><table><tr><td>left</td><td>right</td></tr></table>
<ul><li>item <b>one</b><li>item <i>t</i>wo</ul><SCRIPT src=x></SCRIPT ></main>
<footer>Imprint</footer></body></html>"""


def test_a_page_is_read_as_a_person_reads_it() -> None:
    """Title, description and text come out; scripts, styles, comments, navigation and the rest of the frame do not."""
    document = read_document(PAGE, is_markup=True)
    assert document.title == "Fish & chips"
    assert document.description == 'A "dish" of the sea'
    assert document.text.split("\n") == ["Fish", "One line goes on.", "Two lines", "left right", "item one", "item two"]


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("", Document("", "", "")),
        ("plain", Document("", "", "plain")),
        ("1 < 2 and 3 > 2", Document("", "", "1 < 2 and 3 > 2")),
        ("&lt;b&gt; stays", Document("", "", "<b> stays")),
        ("a<b", Document("", "", "a<b")),
        ("<p>unclosed <b", Document("", "", "unclosed <b")),
        ("<nav>never closed, <p>still read", Document("", "", "never closed,\nstill read")),
        ("<nav>one<nav>two", Document("", "", "onetwo")),
        ("<!-- never closed <p>still read", Document("", "", "<!-- never closed\nstill read")),
        ("<script>gone</script><script>gone</script>kept", Document("", "", "kept")),
        ('<a href="x"">stray quote</a> on', Document("", "", "stray quote on")),
        ("<p title=it's>apostrophe</p>", Document("", "", "apostrophe")),
        ('<a title="a > b">link</a>', Document("", "", "link")),
        ("<?php echo 1 ?><![CDATA[x]]>after", Document("", "", "after")),
        ("<header>shown</header><head>not</head>", Document("", "", "shown")),
        ("right\u202eleft\u200b\x00end", Document("", "", "rightleftend")),
        ('<meta property="og:title" content="From meta"><p>x', Document("From meta", "", "x")),
        ("<meta property='og:description' content='From meta'>", Document("", "From meta", "")),
        ("<meta name=description content=''><meta name=twitter:description content=tw>", Document("", "tw", "")),
        ("<title></title><meta property=og:title content=x>", Document("x", "", "")),
    ],
)
def test_unusual_markup_is_read(source: str, document: Document) -> None:
    """What is broken or unclosed costs no more than itself."""
    assert read_document(source, is_markup=True) == document


def test_text_that_is_no_markup_is_taken_as_it_is() -> None:
    """Plain text keeps its lines and its angle brackets."""
    assert read_document(" a <b>\r\n\tc\x00 ", is_markup=False) == Document("", "", "a <b>\n\tc")


def test_lengths_are_bounded() -> None:
    """Title, description and text are shortened to their limits."""
    long = "word " * 30_000
    document = read_document(f"<title>{long}</title><meta name=description content='{long}'>{long}", is_markup=True)
    assert len(document.title) <= LONGEST_TITLE
    assert document.title.endswith("…")
    assert len(document.description) <= LONGEST_DESCRIPTION
    assert len(document.text) <= LONGEST_TEXT
    assert len(read_document(long, is_markup=False).text) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "bait",
    ["<", "<a", "<a ", '<a b="', "<a b='\"", "<script", "<script>", "<nav>", "<!--", "<!", "</", "<title", "<meta ",
     '<meta a="b" ', "&#", "&amp", "\n ", " \n", "= ", "<a =  ", '<a "="', "<meta '='", '<title "="', '<nav "="'],
)  # fmt: skip
def test_a_hostile_page_is_read_in_linear_time(bait: str) -> None:
    """A page of nothing but beginnings is read; were the time quadratic, this would take minutes."""
    assert isinstance(read_document(bait * (200_000 // len(bait)), is_markup=True), Document)


def test_a_meta_tag_of_names_only_is_read_in_linear_time() -> None:
    """Attribute names are not begun anew at each of their characters."""
    assert read_document(f"<meta {'a:' * 100_000}><p>text", is_markup=True).text == "text"


def test_a_number_of_many_digits_is_one_unknown_character() -> None:
    """A character reference that Python refuses to read spoils neither title nor text."""
    document = read_document(f"<title>a&#{'9' * 6000};</title><p>b&#{'1' * 6000} &amp; c", is_markup=True)
    assert (document.title, document.text) == ("a\ufffd", "b\ufffd & c")


@given(st.text(st.sampled_from("<>/!-=\"' abpscritnav&;#\n"), max_size=300))
def test_any_markup_is_read(source: str) -> None:
    """No markup makes the reader fail."""
    document = read_document(source, is_markup=True)
    assert document.text == document.text.strip()
    assert "\n\n" not in document.text
