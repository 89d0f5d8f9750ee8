"""How payloads travel: plain JSON, one zlib or zstd stream over a whole connection, or zlib for single payloads."""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable
from typing import Any

__all__ = ["PACKINGS", "Pack", "UnavailableError", "each_by_itself", "packing"]

Pack = Callable[[bytes], str | bytes]
"""Makes a websocket message of a payload: text or binary."""

WORTH_IT = 1024
"""Bytes; smaller payloads are not compressed one by one."""


class UnavailableError(Exception):
    """A compression that this Python has no library for."""


def packing(name: str) -> Pack:
    """Return a new compression, for one connection.

    Args:
        name: what the client asked for; empty for none.

    Raises:
        UnavailableError: it is not known here, or its library is missing.
    """
    if name not in PACKINGS:
        raise UnavailableError(f"compress={name} is not known; there are {', '.join(filter(None, PACKINGS))}.")
    return PACKINGS[name]()


def each_by_itself(raw: bytes) -> str | bytes:
    """Compress a payload by itself, if it is large enough."""
    return zlib.compress(raw) if len(raw) > WORTH_IT else raw.decode()


def _plain() -> Pack:
    return bytes.decode


def _zlib() -> Pack:
    stream = zlib.compressobj()
    return lambda raw: stream.compress(raw) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstd() -> Pack:
    flush, stream = _zstd_library()
    return lambda raw: stream.compress(raw) + flush(stream)


@functools.cache
def _zstd_module() -> tuple[str, Any]:
    for name in ("compression.zstd", "zstandard"):
        try:
            return name, importlib.import_module(name)
        except ImportError:
            continue
    raise UnavailableError("compress=zstd-stream needs the package zstandard, or Python 3.14: pip install zstandard.")


def _zstd_library() -> tuple[Callable[[Any], bytes], Any]:
    name, module = _zstd_module()
    stream = module.ZstdCompressor()
    if name == "zstandard":
        return (lambda each: bytes(each.flush(module.COMPRESSOBJ_FLUSH_BLOCK))), stream.compressobj()
    return (lambda each: bytes(each.flush(each.FLUSH_BLOCK))), stream


PACKINGS: dict[str, Callable[[], Pack]] = {"": _plain, "zlib-stream": _zlib, "zstd-stream": _zstd}
