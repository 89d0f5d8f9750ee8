"""How payloads of the gateway travel, and what happens where a library for it is missing."""

from __future__ import annotations

import sys
import types
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from localdiscord.gateway import packing
from localdiscord.gateway.packing import UnavailableError, each_by_itself

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = [b"first", b"second" * 500, b"third"]


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    """Let each test find its own library for zstd."""
    packing._zstd_module.cache_clear()
    yield
    packing._zstd_module.cache_clear()


@pytest.mark.parametrize(
    ("name", "unpack"),
    [
        ("", lambda: str.encode),
        ("zlib-stream", lambda: zlib.decompressobj().decompress),
        ("zstd-stream", lambda: zstandard.ZstdDecompressor().decompressobj().decompress),
    ],
)
def test_each_message_can_be_read_when_it_comes(name: str, unpack: object) -> None:
    """Of a stream each message unpacks to exactly its payload, without those that follow."""
    pack, read = packing.packing(name), unpack()  # type: ignore[operator]  # one of the functions above
    assert [read(pack(word)) for word in WORDS] == WORDS


def test_a_zlib_stream_ends_each_message_as_clients_expect() -> None:
    """A message of a zlib stream ends in the four bytes by which clients know that it is whole."""
    packed = packing.packing("zlib-stream")(b"hello")
    assert isinstance(packed, bytes)
    assert packed.endswith(b"\x00\x00\xff\xff")


def test_single_payloads_are_packed_when_it_is_worth_it() -> None:
    """A small payload stays text, a large one is packed by itself."""
    assert each_by_itself(b"{}") == "{}"
    large = each_by_itself(b"x" * 5000)
    assert isinstance(large, bytes)
    assert zlib.decompress(large) == b"x" * 5000


def test_what_is_unknown_is_named() -> None:
    """An unknown compression is refused in a sentence that names those that there are."""
    with pytest.raises(UnavailableError, match="compress=brotli is not known; there are zlib-stream, zstd-stream"):
        packing.packing("brotli")


def test_without_a_library_zstd_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no library for zstd is installed it is refused in a sentence that says what to install."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(UnavailableError, match="pip install zstandard"):
        packing.packing("zstd-stream")


def test_the_standard_librarys_zstd_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python has zstd itself (3.14) that is used; here a module of the same shape stands for it."""

    class Compressor:
        """The standard library's interface, on zstandard."""

        FLUSH_BLOCK = 1

        def __init__(self) -> None:
            """Begin a stream."""
            self._stream = zstandard.ZstdCompressor().compressobj()

        def compress(self, data: bytes) -> bytes:
            """Compress some data."""
            return self._stream.compress(data)

        def flush(self, mode: int) -> bytes:
            """End a block."""
            assert mode == self.FLUSH_BLOCK
            return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    module = types.ModuleType("compression.zstd")
    module.ZstdCompressor = Compressor  # type: ignore[attr-defined]  # what makes it one
    monkeypatch.setitem(sys.modules, "compression.zstd", module)
    pack, read = packing.packing("zstd-stream"), zstandard.ZstdDecompressor().decompressobj().decompress
    assert [read(pack(word)) for word in WORDS] == WORDS  # type: ignore[arg-type]  # binary, as zstd is
