"""From bytes to text: which encoding a page is in, as browsers decide it (WHATWG Encoding, HTML 13.2.3)."""

from __future__ import annotations

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^<>]{0,500}?charset\s*=\s*["']?\s*([\w:.-]{1,40})""", re.IGNORECASE)
_META_RANGE = 1024
_FALLBACK = "windows-1252"

_BROADER = {
    "ascii": "windows-1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "windows-1252",
    "iso8859-9": "windows-1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
"""The encoding that a label means on the web, where that is more than Python's codec of the name."""

_LABELS = {"windows-874": "cp874", "x-sjis": "cp932", "windows-31j": "cp932", "x-gbk": "gb18030", "x-euc-jp": "euc-jp"}
_OF_THE_WEB = re.compile(
    r"utf-(8|16|16-le|16-be)|iso8859-\d+|cp(125\d|874|932|949|866)|big5(hkscs)?|gb18030|gbk|gb2312"
    r"|euc_(jp|kr)|shift_jis|iso2022_jp|koi8-[ru]|tis-620|ascii|mac-roman|mac-cyrillic"
)


def decode(body: bytes, charset: str | None = None, *, is_markup: bool = True) -> str:
    """Decode a body; what cannot be decoded is replaced, never refused.

    In this order: the byte order mark; the charset that the server named; the one that the markup names; UTF-8 where
    the bytes are valid; windows-1252. A charset that is unknown, or is a codec and no charset (`unicode_escape`), is
    as good as none.

    Args:
        body: the bytes.
        charset: the label that came with them, in any spelling.
        is_markup: whether to look for a `<meta charset>` in the first kilobyte.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    encoding = _known(charset) or (_named_in_markup(body) if is_markup else None) or _guessed(body)
    return body.decode(encoding, "replace")


def _named_in_markup(body: bytes) -> str | None:
    match = _META.search(body, 0, _META_RANGE)
    encoding = _known(match[1].decode("ascii", "replace")) if match else None
    return "utf-8" if encoding and encoding.startswith("utf-16") else encoding


def _known(label: str | None) -> str | None:
    label = (label or "").strip().strip("\"'").lower()
    try:
        name = codecs.lookup(_LABELS.get(label, label)).name if len(label) <= 40 else ""
    except (LookupError, ValueError):
        return None
    return _BROADER.get(name, name) if _OF_THE_WEB.fullmatch(name) else None


def _guessed(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_in_a_character = error.end == len(body) and error.reason == "unexpected end of data"
        return "utf-8" if cut_in_a_character else _FALLBACK
    return "utf-8"
