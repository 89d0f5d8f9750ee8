"""URLs in what people write."""

from __future__ import annotations

import re

MOST_LINKS = 50
_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]{1,2048}", re.IGNORECASE)
_PAIRS = {")": "(", "]": "["}
_ENDINGS = (*".,;:!?*_~", *_PAIRS)


def extract_urls(text: str) -> list[str]:
    """Find the http and https URLs of a message, each once, in their order.

    Punctuation after a URL is not part of it, nor are a closing bracket that was opened before it, the angle brackets
    with which Discord hides a preview, and the marks of bold, spoiler or a masked link. Fullwidth stops end a URL, as
    people who write without spaces expect.

    Args:
        text: the message.

    Returns:
        At most 50 URLs, as they were written.
    """
    found = (_trimmed(match[0]) for match in _URL.finditer(text))
    return list(dict.fromkeys(url for url in found if url.partition("//")[2]))[:MOST_LINKS]


def _trimmed(url: str) -> str:
    url = re.split("[\u3001\u3002\uff0c\uff01\uff1f]", url, maxsplit=1)[0]
    while url.endswith(_ENDINGS) and not _closes_a_pair(url):
        url = url[:-1]
    return url


def _closes_a_pair(url: str) -> bool:
    opener = _PAIRS.get(url[-1])
    return opener is not None and url.count(url[-1]) <= url.count(opener)
