"""Pictures of a few kilobytes that unfold to many pixels."""

from __future__ import annotations

import struct
import zlib


def bomb(width: int, height: int) -> bytes:
    """Make a small PNG of 1 bit that unfolds to many pixels."""
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join([*(packer.compress(row * 100) for _ in range(height // 100)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
