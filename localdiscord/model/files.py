"""Files that somebody uploaded, and pictures, as the CDN keeps them."""

from __future__ import annotations

import hashlib
import io
import mimetypes
from dataclasses import dataclass, field

from PIL import Image

__all__ = ["Files", "Upload", "dimensions"]


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content_type: str
    data: bytes

    @property
    def media_type(self) -> str:
        """Its type: the one that its name says, otherwise the one that came with it."""
        return mimetypes.guess_type(self.filename)[0] or self.content_type or "application/octet-stream"


@dataclass
class Files:
    """What the CDN has, by path.

    Attributes:
        base: where the CDN is, without a slash at the end.
    """

    base: str = "http://127.0.0.1"
    stored: dict[str, Upload] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """Return where a path is to be had."""
        return f"{self.base}{path}"

    def at(self, url: str) -> Upload | None:
        """Return the file of a URL that `keep` gave out; None for any other."""
        return self.stored.get(url.removeprefix(self.base)) if url.startswith(self.base) else None

    def keep(self, path: str, upload: Upload) -> str:
        """Keep a file; returns its URL."""
        self.stored[path] = upload
        return self.url(path)

    def keep_image(self, folder: str, data: bytes) -> str:
        """Keep a picture below a folder, such as `/icons/123`; returns its hash."""
        kind = image_format(data)
        name = ("a_" if kind == "gif" else "") + hashlib.md5(data, usedforsecurity=False).hexdigest()
        self.stored[f"{folder}/{name}"] = Upload(f"{name}.{kind}", f"image/{kind}", data)
        return name


def image_format(data: bytes) -> str:
    """Return what kind of picture some bytes are: `png`, `gif`, ..."""
    with Image.open(io.BytesIO(data)) as image:
        return (image.format or "png").lower()


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture, in pixels; None for anything else."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError):
        return None
