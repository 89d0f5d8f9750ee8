"""Bodies and what they unfold to."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.web.body import MOST_MEMBERS, Unfolder
from reference.utils.web.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = b"some text, some more text, and some text again. " * 50


def raw_deflate(data: bytes) -> bytes:
    """Compress without the wrapper of RFC 1950."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZIP ": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def unfolded(encoding: str, body: bytes, step: int = 1000, limit: int = 10_000) -> bytes:
    """Unfold a body that arrives in pieces of `step` bytes."""
    unfolder = Unfolder(encoding, limit)
    content = b"".join(unfolder.feed(body[start : start + step]) for start in range(0, len(body), step))
    unfolder.finish()
    return content


@pytest.mark.parametrize("encoding", ENCODERS)
@given(content=st.binary(max_size=2000), step=st.integers(2, 500))
def test_a_body_comes_out_as_it_went_in(encoding: str, content: bytes, step: int) -> None:
    """Whatever the encoding, and wherever the pieces are cut, the content is the original."""
    assert unfolded(encoding, ENCODERS[encoding](content), step) == content


@pytest.mark.parametrize("encoding", ENCODERS)
def test_the_limit_is_on_what_it_unfolds_to(encoding: str) -> None:
    """A body that unfolds to the limit passes, and one byte more is refused."""
    assert len(unfolded(encoding, ENCODERS[encoding](b"a" * 10_000))) == 10_000
    with pytest.raises(FetchError, match="larger than"):
        unfolded(encoding, ENCODERS[encoding](b"a" * 10_001))


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    """A hundred megabytes in a hundred kilobytes are refused without ever being in memory."""
    bomb = gzip.compress(bytes(100_000_000), compresslevel=1)
    unfolder = Unfolder("gzip", 10_000_000)
    with pytest.raises(FetchError, match="larger than"):
        unfolder.feed(bomb)


def test_what_was_sent_is_bounded_too() -> None:
    """Bytes that unfold to nothing count as well."""
    unfolder = Unfolder("gzip", 100)
    unfolder.feed(gzip.compress(b"short"))
    with pytest.raises(FetchError, match="larger than"):
        unfolder.feed(bytes(100))


def test_members_follow_each_other() -> None:
    """A gzip stream may have several members, but not many; what follows the last one is ignored."""
    assert unfolded("gzip", gzip.compress(b"one ") + gzip.compress(b"two")) == b"one two"
    assert unfolded("gzip", gzip.compress(TEXT) + b"\0\0\0 padding") == TEXT
    with pytest.raises(FetchError, match="more than"):
        unfolded("gzip", gzip.compress(b"") * (MOST_MEMBERS + 1))


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x" * 500])
def test_encodings_that_were_not_asked_for_are_refused(encoding: str) -> None:
    """Only what the standard library can bound while it unfolds is understood."""
    with pytest.raises(FetchError, match="not asked for"):
        Unfolder(encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_broken_compression_is_an_error_of_the_page(encoding: str) -> None:
    """Neither a body that is not compressed nor one cut short gives a content."""
    with pytest.raises(FetchError, match="broken"):
        unfolded(encoding, b"<html>not compressed at all</html>")
    with pytest.raises(FetchError, match="cut short"):
        unfolded(encoding, ENCODERS[encoding](TEXT)[:-5])


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_a_body_may_come_byte_by_byte(encoding: str) -> None:
    """One byte does not tell what begins with it, so the next one is waited for."""
    folded = ENCODERS[encoding](TEXT)
    body = Unfolder(encoding)
    assert b"".join(body.feed(folded[place : place + 1]) for place in range(len(folded))) == TEXT
    body.finish()


def test_a_body_of_one_byte_is_cut_short() -> None:
    """A single byte is no compressed stream."""
    body = Unfolder("gzip")
    assert body.feed(b"\x1f") == b""
    with pytest.raises(FetchError, match="cut short"):
        body.finish()


def test_an_empty_body_is_empty() -> None:
    """No body at all is an empty one, whatever its encoding claims."""
    assert unfolded("gzip", b"") == b""
