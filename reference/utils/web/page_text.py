"""What a person would read on a page: title, description and text, found in time linear in its length.

Patterns instead of a parser, for speed and for bounds: pages are hostile, and Python's own parser takes time quadratic
in the length of some of them. No pattern here follows a tag further than to the next `<`, or past a few attributes
whose values hold one: a tag that never ends, repeated, would otherwise be followed to the end of the page each time.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

LONGEST_TITLE = 300
LONGEST_DESCRIPTION = 1000
LONGEST_TEXT = 50_000
"""Characters."""

_MOST_NESTED = 4
"""Attributes of one tag whose values hold markup as it is; a tag with more of them is taken for text."""

_PART = r"""(?:=\s*+(?:"[^"<]*+"|'[^'<]*+'|(?!["']))|["'])[^<>"'=]*+"""
_NESTED = r"""=\s*+(?:"[^"]*+"|'[^']*+')[^<>"'=]*+"""
_REST_OF_TAG = rf"""(?=[\s/>])[^<>"'=]*+(?:{_PART})*+(?:{_NESTED}(?:{_PART})*+){{0,{_MOST_NESTED}}}+>"""
_UNREAD = re.compile(
    r"<(?=[!adfhinst])(?:(!--)|(script|style|noscript|template|svg|iframe|textarea|select|head|title|nav|footer|aside)"
    + _REST_OF_TAG
    + ")",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?:/?([a-zA-Z][^\s/<>]*+)(?:>|" + _REST_OF_TAG + ")|[!?/][^<>]*+>)")
_INLINE = (
    "a abbr b body button cite code em html i img input label link meta nobr s small span strong sub sup u var wbr"
)
_PARAGRAPHS = (
    "address article blockquote br caption dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6"
    " header hr li main ol option p pre section summary table tbody tfoot thead tr ul"
)


class _Separators(dict[str | None, str]):
    """What stands in the text for a tag of a name; the usual spellings are found without a call."""

    def __missing__(self, name: str | None) -> str:
        return self.get(name.lower(), "") if name else ""


_SEPARATORS = _Separators(
    {
        **dict.fromkeys(_INLINE.split(), ""),
        **dict.fromkeys(_PARAGRAPHS.split(), "\n"),
        "td": " ",
        "th": " ",
    }
)
_TITLE = re.compile(r"<title" + _REST_OF_TAG + "([^<]*)", re.IGNORECASE)
_META = re.compile(r"<meta" + _REST_OF_TAG, re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])([\w:.-]+)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES = ("\t", "\r", "\xa0", "\u3000")
_HUGE_NUMBER = re.compile("&#[0-9]{1000,};?")
_DESCRIPTIONS = ("description", "og:description", "twitter:description")


@dataclass(frozen=True)
class Document:
    """What a page says.

    Attributes:
        title: in one line, possibly empty.
        description: the author's summary in one line, possibly empty.
        text: the content, a line for each paragraph, shortened to `LONGEST_TEXT`.
    """

    title: str
    description: str
    text: str


def read_document(source: str, *, is_markup: bool) -> Document:
    """Read a page.

    Args:
        source: the page, decoded.
        is_markup: whether it is HTML; otherwise its text is taken as it is.
    """
    if not is_markup:
        return Document("", "", _visible(source.replace("\r\n", "\n"))[:LONGEST_TEXT].strip())
    meta = _metadata(source)
    title = _TITLE.search(source)
    return Document(
        title=_line((title[1] if title else "") or meta.get("og:title", ""), LONGEST_TITLE),
        description=_line(next((meta[key] for key in _DESCRIPTIONS if meta.get(key)), ""), LONGEST_DESCRIPTION),
        text=_text(source),
    )


def _metadata(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in _META.findall(source):
        pairs = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(tag)}
        found.setdefault((pairs.get("name") or pairs.get("property") or "").lower(), pairs.get("content", ""))
    return found


def _line(source: str, longest: int) -> str:
    line = _visible(" ".join(_unescaped(source).split()))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _text(source: str) -> str:
    parts = _TAG.split(_without_unread(source).replace("\n", " "))
    parts[1::2] = map(_SEPARATORS.__getitem__, parts[1::2])
    text = _visible(_unescaped("".join(parts)))
    for space in _SPACES:
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))[:LONGEST_TEXT].rstrip()


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a number of more digits than Python takes
        return html.unescape(_HUGE_NUMBER.sub("\ufffd", text))


def _visible(text: str) -> str:
    return text if text.replace("\n", "").isprintable() else _INVISIBLE.sub("", text)


def _without_unread(source: str) -> str:
    """Leave out what is not the page's text; an end that is missing is looked for once, so the time stays linear."""
    kept: list[str] = []
    endless: set[str] = set()
    place = 0
    for opening in _UNREAD.finditer(source):
        name = (opening[1] or opening[2]).lower()
        if opening.start() < place or name in endless:
            continue
        end = _end_of(source, name, opening.end())
        if end is None:
            endless.add(name)
            continue
        kept.append(source[place : opening.start()])
        place = end
    return " ".join([*kept, source[place:]])


def _end_of(source: str, name: str, start: int) -> int | None:
    if name == "!--":
        found = source.find("-->", start)
        return None if found < 0 else found + 3
    closing = re.compile(rf"</{name}[^<>]*>", re.IGNORECASE).search(source, start)
    return closing.end() if closing else None
