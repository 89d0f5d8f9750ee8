"""Media read over our own connection, for ffmpeg to take from a pipe: a lost connection is taken up where it broke."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PARTIAL_CONTENT = 206


class MediaStream:
    """A file-like object of one piece of media; for one reader, and `close` from any thread.

    Args:
        open_at: asks for the media from a position in bytes on, and returns the response of yt-dlp.
        attempts: connections in a row that may bring nothing before the stream ends.
    """

    def __init__(self, open_at: Callable[[int], Any], attempts: int = 4) -> None:
        self._open_at = open_at
        self._attempts = attempts
        self._failures = 0
        self._position = 0
        self._is_closed = False
        self._response = open_at(0)
        self._end = _end(self._response, 0)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end, or where the rest cannot be had."""
        while not self._is_closed and self._failures < self._attempts:
            if data := self._tried(size):
                self._failures = 0
                self._position += len(data)
                return data
            if self._end is None or self._position >= self._end:
                return b""
            self._reconnect()
        return b""

    def close(self) -> None:
        """Give the connection back."""
        self._is_closed = True
        self._response.close()

    def _tried(self, size: int) -> bytes:
        try:
            return bytes(self._response.read(size) if size >= 0 else self._response.read())
        except Exception as error:  # noqa: BLE001  yt-dlp, TLS and sockets each have their own
            logger.debug("The media broke off after %d bytes: %s", self._position, error)
            return b""

    def _reconnect(self) -> None:
        self._failures += 1
        self._response.close()
        try:
            response = self._open_at(self._position)
        except Exception as error:  # noqa: BLE001
            logger.info("The media cannot be taken up at byte %d: %s", self._position, error)
            return
        if self._position and response.status != PARTIAL_CONTENT:
            self._failures = self._attempts  # it begins anew, which cannot be joined on
        self._response = response


def _end(response: Any, start: int) -> int | None:
    """Return the position behind the last byte; None where the server does not say."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None
