"""Response bodies, bounded in the bytes that they unfold to."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from .errors import FetchError, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

LARGEST_BODY = 5 * 1024 * 1024
"""Bytes, after decompression."""

ACCEPTED_ENCODINGS = "gzip, deflate"
"""What is asked for, and all that is understood: the standard library can bound these while it unfolds them."""

MOST_MEMBERS = 64
"""Of a gzip stream; more of them only serve to keep a processor busy."""

_GZIP = b"\x1f\x8b"


async def read_body(response: aiohttp.ClientResponse, limit: int = LARGEST_BODY) -> bytes:
    """Read and unfold a body; the request must have said `auto_decompress=False`, so that the bound holds meanwhile.

    Args:
        response: a response whose body was not read.
        limit: bytes; of the body as sent, and of what it unfolds to.

    Raises:
        FetchError: it is larger, or its encoding is unknown or broken.
        aiohttp.ClientError: the connection failed.
    """
    if (response.content_length or 0) > limit:
        raise _too_large(limit)
    body = Unfolder(response.headers.get("Content-Encoding", ""), limit)
    parts = [body.feed(chunk) async for chunk in response.content.iter_any()]
    body.finish()
    return b"".join(parts)


class Unfolder:
    """Takes the chunks of one body and gives their content, of which there is never more than the limit."""

    def __init__(self, encoding: str, limit: int = LARGEST_BODY) -> None:
        """Prepare for one body.

        Args:
            encoding: the value of `Content-Encoding`.
            limit: bytes.

        Raises:
            FetchError: the encoding is none of those asked for.
        """
        self._encoding = encoding.strip().lower() or "identity"
        if self._encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
            raise FetchError(f"the page is encoded as {named(self._encoding)}, which was not asked for")
        self._limit = limit
        self._sent = 0
        self._given = 0
        self._members = 0
        self._begun = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> bytes:
        """Give the content of one chunk.

        Raises:
            FetchError: the content is too large, or is not what its encoding says.
        """
        self._sent += len(chunk)
        if self._sent > self._limit:
            raise _too_large(self._limit)
        if self._encoding == "identity":
            return chunk
        try:
            return b"".join(self._unfolded(chunk))
        except zlib.error as error:
            raise FetchError(f"the compression of the page is broken: {error}") from None

    def finish(self) -> None:
        """Check that a compressed stream came to its end.

        Raises:
            FetchError: it was cut short.
        """
        if self._begun if self._stream is None else not self._stream.eof:
            raise FetchError("the compression of the page is broken: it was cut short")

    def _unfolded(self, chunk: bytes) -> Iterator[bytes]:
        data, self._begun = self._begun + chunk, b""
        while data:
            if self._stream is None or self._stream.eof:
                if len(data) < 2:  # too few bytes to tell what begins here
                    self._begun = data
                    return
                if self._stream is not None and not data.startswith(_GZIP):
                    return
                self._stream = self._next_member(data)
            content = self._stream.decompress(data, self._limit - self._given + 1)
            self._given += len(content)
            if self._given > self._limit:
                raise _too_large(self._limit)
            yield content
            data = self._stream.unused_data

    def _next_member(self, data: bytes) -> zlib._Decompress:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise FetchError(f"the compression of the page has more than {MOST_MEMBERS} parts")
        wrapped = data.startswith(_GZIP) or _has_zlib_header(data)
        return zlib.decompressobj(zlib.MAX_WBITS | 32 if wrapped else -zlib.MAX_WBITS)


def _has_zlib_header(data: bytes) -> bool:
    """Tell the two readings of "deflate" apart: with the wrapper of RFC 1950, or without, as some servers send it."""
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0


def _too_large(limit: int) -> FetchError:
    return FetchError(f"the page is larger than {limit / 1024**2:g} MB")
