"""Why a page cannot be had, in sentences for the person who sent its URL."""

from __future__ import annotations

import re

import aiohttp


class FetchError(aiohttp.ClientError):
    """A page could not be had.

    Attributes:
        status: the HTTP status, where there was an answer.
    """

    def __init__(self, sentence: str, status: int | None = None) -> None:
        """Say why, in a sentence."""
        super().__init__(sentence)
        self.status = status


class BlockedError(FetchError):
    """The place is none that a stranger may have fetched."""


def named(label: str) -> str:
    """Make what a server calls something fit for a sentence: short, and of the characters of a media type only."""
    return re.sub(r"[^\w.+/-]", "?", label[:40], flags=re.ASCII)


def reason(error: Exception) -> str:
    """Put what `fetch_page` raised into a sentence that says nothing of this machine or its network."""
    match error:
        case BlockedError():
            return f"Blocked: {error}"
        case FetchError():
            return f"Not available: {error}"
        case aiohttp.ClientConnectorError():
            return f"Not available: {error.host} cannot be reached"
        case _:
            return f"Not available: the server's answer is broken ({type(error).__name__})"


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of a failure, where a server gave one."""
    return getattr(error, "status", None) or None
