"""Why a page was not read, in the reader's language: the fetcher's sentences, each with the key of its text."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Reason", "reason_of"]


class Reason(NamedTuple):
    """Why a page was not read.

    Attributes:
        key: of the text.
        values: for its placeholders.
        is_refusal: whether the place was refused, and not merely unavailable.
    """

    key: str
    values: dict[str, str]
    is_refusal: bool


_BLOCKED = "Blocked: "
_TABLE = (
    (r"not (?:a )?public", "private"),
    (r"only http and https", "scheme"),
    (r"user name or password", "credentials"),
    (r"port (?P<port>\S+) is not one", "port"),
    (r"Blocked:", "invalid"),
    (r"redirects more than", "redirects"),
    (r"the server answered (?P<status>\d+)", "status"),
    (r"the page is (?P<type>\S+), not text", "not_text"),
    (r"larger than (?P<size>[\d.]+ MB)", "too_large"),
    (r"within (?P<seconds>[\d.]+) seconds", "too_slow"),
    (r"cannot be reached", "unreachable"),
    (r"holds no text", "empty"),
    (r"", "broken"),
)
_RULES = tuple((re.compile(pattern), f"links.reason.{name}") for pattern, name in _TABLE)


def reason_of(error: str) -> Reason:
    """Return the reason behind a sentence of the fetcher.

    Args:
        error: the `error` of a `FetchResult`.
    """
    matches = ((pattern.search(error), key) for pattern, key in _RULES)
    match, key = next((match, key) for match, key in matches if match is not None)
    return Reason(key, match.groupdict(), error.startswith(_BLOCKED))
